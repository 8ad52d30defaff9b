package routes

import (
	"cmp"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// openPlace is a place that was taken when routes were to be added to it, or whose answer was lost.
type openPlace struct {
	routes []heldRoute
	group  []Saved      // all that the file has for the place, if there are several
	has    []rtnl.Route // what the kernel has there, as far as it is none of routes
	// taken is set when the kernel has a route there that a replacement would replace, and ours when the file has that one too.
	taken, ours bool
}

// heldRoute is a route in the form in which it needs the least room.
type heldRoute struct {
	Place
	message string // the route as it is sent
	lost    bool   // the kernel's answer was
	there   bool   // found by the look at the tables
	refused error  // the kernel's words, where it is to be sent no more
}

// keep remembers a route whose place is to be looked at.
func (r *restore) keep(s *sent, lost bool) {
	key := keyOf(&s.Route)
	place := r.open[key]
	if place == nil {
		place = new(openPlace)
		r.open[key] = place
	}
	r.scratch = rtnl.AppendRoute(r.scratch[:0], &s.Route)
	place.routes = append(place.routes, heldRoute{Place: s.Place, message: string(r.scratch), lost: lost})
	place.group = append(place.group, s.group...)
}

// keepRefused remembers a route that was refused and may be there all the same.
func (r *restore) keepRefused(s *sent, err error) {
	r.keep(s, false)
	held := r.open[keyOf(&s.Route)].routes
	held[len(held)-1].refused = err
}

// route returns the held route.
func (h *heldRoute) route() Saved {
	s := Saved{Place: h.Place}
	_ = rtnl.DecodeRoute([]byte(h.message), nil, &s.Route) // it is what AppendRoute made
	sendable(&s.Route)
	return s
}

// resolve looks at the places that were taken: the route is there already, or another is. It does so also after an interruption, when
// nothing more is sent: what was done without an answer must be known.
func (r *restore) resolve() {
	if r.flush(); len(r.open) == 0 {
		return
	}
	open := r.open
	r.open = make(map[routeKey]*openPlace)
	if r.fatal == nil && len(open) <= max(askAtMost, r.rows/askCost) {
		r.ask(open)
	}
	if len(open) == 0 {
		return
	}
	if err := r.look(open); err != nil {
		r.unknown(open)
		if r.fatal == nil {
			r.fatal = err
		}
		return
	}
	for _, place := range open {
		for i := range place.routes {
			r.settle(place, &place.routes[i])
		}
	}
	r.flush()
	for _, place := range r.open { // lost once more, or others are at work here
		for i := range place.routes {
			s := place.routes[i].route()
			r.fail(&s, cmp.Or[error](place.routes[i].refused, &OpError{Op: OpAdd, Err: errUnsettled}))
		}
	}
	clear(r.open)
}

// unknown counts the routes whose fate nobody can find out any more.
func (r *restore) unknown(open map[routeKey]*openPlace) {
	for _, place := range open {
		for i := range place.routes {
			switch held := &place.routes[i]; {
			case held.lost:
				r.out.Unknown++
			case held.refused != nil:
				s := held.route()
				r.fail(&s, held.refused)
			}
		}
	}
}

// errUnsettled: between two looks at the place somebody else changed it, or an answer of the kernel was lost twice.
var errUnsettled = errors.New("the place of the route changed while it was being restored")

// look reads the tables once, and finds the routes that are there, or what else stands in their place.
func (r *restore) look(open map[routeKey]*openPlace) error {
	var has rtnl.Route
	r.rows = 0
	for row, err := range r.c.rt.Routes(rtnl.RouteFilter{}) {
		if err != nil {
			return opError(OpList, err)
		}
		r.rows++
		has = *row
		place := open[keyOf(&has)]
		if place == nil && has.Family == unix.AF_INET6 && has.Priority == defaultPriority6 {
			// Only the kernel itself can give a route the metric 0. Asked for by others it is this one.
			has.Priority = 0
			place = open[keyOf(&has)]
		}
		if place == nil {
			continue
		}
		sendable(&has)
		r.scratch = rtnl.AppendRoute(r.scratch[:0], &has)
		there := place.found(r.scratch)
		if !place.taken && replaceable(&has) {
			place.taken = true
			place.ours = there || slices.ContainsFunc(place.group, func(s Saved) bool { return agrees(&s.Route, &has) })
		}
		if !there {
			place.has = append(place.has, clone(&has))
		}
	}
	return nil
}

// found reports whether the kernel's route is one of those that are held, and marks it, also where the file has it twice.
func (p *openPlace) found(message []byte) (found bool) {
	for i := range p.routes {
		if p.routes[i].message == string(message) {
			p.routes[i].there, found = true, true
		}
	}
	return found
}

// settle decides what a route needs whose place is taken.
func (r *restore) settle(place *openPlace, held *heldRoute) {
	if held.there {
		r.out.Present++
		return
	}
	s := sent{Saved: held.route()}
	if slices.ContainsFunc(place.has, func(has rtnl.Route) bool { return agrees(&s.Route, &has) }) {
		r.out.Present++
		return
	}
	if held.refused != nil {
		r.fail(&s.Saved, held.refused)
		return
	}
	s.do = place.change(&s.Route)
	r.submit(&s)
	place.has = append(place.has, s.Route)
	if replaceable(&s.Route) {
		place.taken, place.ours = true, true
	}
}

// replaceable reports whether NLM_F_REPLACE with a route through a gateway replaces r: of IPv4 the first route of the place, whatever
// it is, of IPv6 the one with gateways.
func replaceable(r *rtnl.Route) bool { return r.Family == unix.AF_INET || phaseOf(r) >= phaseNear }

// change says how a route gets into its place: instead of a strange one, in front of one that the file has too; IPv6 routes without a
// gateway stand beside each other.
func (p *openPlace) change(asked *rtnl.Route) Do {
	switch {
	case len(p.has) == 0 && !p.taken:
		return DoAdd
	case !p.taken, p.ours, !replaceable(asked):
		return DoPrepend
	}
	return DoReplace
}
