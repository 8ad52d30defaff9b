package routes

import (
	"errors"

	"golang.org/x/sys/unix"
)

// A question takes the time of about askCost rows of a look, since the kernel's refusals are read one by one. askAtMost are asked in any
// case: the routes that the kernel itself makes for each interface.
const (
	askCost   = 16
	askAtMost = 512
)

// ask finds those of the open places whose route is there already and takes them out of open, with one message each where look reads all
// tables. An RTM_NEWROUTE of IPv4 without NLM_F_CREATE, NLM_F_REPLACE and NLM_F_EXCL changes nothing: it is refused with EEXIST when the
// same route is in the table, else with ENOENT (net/ipv4/fib_trie.c, fib_table_insert). Every other answer, and none, leaves the place
// to look.
func (r *restore) ask(open map[routeKey]*openPlace) {
	var asked []routeKey
	batch := r.c.rt.NewRouteBatch(OpList.String(), func(n uint64, err error) {
		if errors.Is(err, unix.EEXIST) {
			r.out.Present++
			delete(open, asked[n])
		}
	})
	for key, place := range open {
		if !place.askable() {
			continue
		}
		one := place.routes[0].route()
		asked = append(asked, key)
		if batch.Add(&one.Route, 0) != nil {
			return // look will meet the same
		}
	}
	_ = batch.Flush() // likewise
}

// askable reports whether the place is open for a single route that can be asked for: a group is looked at for its order, and IPv6 creates
// the route even when it is not told to (net/ipv6/ip6_fib.c, fib6_add_1).
func (p *openPlace) askable() bool {
	if len(p.routes) != 1 || len(p.group) > 0 || p.routes[0].lost {
		return false
	}
	return p.routes[0].message[0] == unix.AF_INET
}
