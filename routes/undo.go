package routes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// UndoDomain is the name of routes in the plans of package undo.
const UndoDomain = "routes"

// Undoer undoes changes of routes in the network namespace of the calling thread.
type Undoer struct{}

// Undo puts back the routes that were there before, in their order, and takes away those that the change made. Where others have
// changed something since, nothing of theirs is touched: an old route is put back if nobody has the place and metric now, and the
// result is a conflict.
func (Undoer) Undo(ctx context.Context, p *undo.Plan) (undo.Result, error) {
	u, err := newUndoing(p)
	if err != nil {
		return undo.Result{}, err
	}
	if u.c, err = Dial(); err != nil {
		return undo.Result{}, err
	}
	defer u.c.Close()
	u.ctx = ctx
	if u.links, err = u.c.rt.Names(); err != nil {
		return undo.Result{}, opError(OpInterface, err)
	}
	err = u.run()
	return u.told(), err
}

// undoing is the work on one plan.
type undoing struct {
	c      *Conn
	ctx    context.Context
	places map[routePlace]bool
	was    []rtnl.Route
	asked  map[routePlace][]askedStep
	left   []rtnl.Route
	known  bool // left is
	links  map[int]string
	// objects is set while a place is put in order that has or had a route over a nexthop object.
	objects bool
	result  undo.Result
	unsaid  int // lines beyond those of the result
}

func newUndoing(p *undo.Plan) (*undoing, error) {
	u := &undoing{places: map[routePlace]bool{}, asked: map[routePlace][]askedStep{}, known: p.Left != nil}
	asked, err := unkeepSteps(p.Change)
	if err == nil {
		u.was, err = unkeepRoutes(p.Before)
	}
	if err == nil && u.known {
		u.left, err = unkeepRoutes(p.Left)
	}
	if err != nil {
		return nil, fmt.Errorf("the routes of the plan: %w", err)
	}
	for _, s := range asked {
		place := placeOf(&s.route)
		u.places[place] = true
		u.asked[place] = append(u.asked[place], s)
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return nil, err
	}
	u.was = aged(u.was, time.Duration(ts.Nano())-p.Begun)
	return u, nil
}

// aged takes from lifetimes what has passed of them, and drops the routes that would be gone.
func aged(routes []rtnl.Route, passed time.Duration) []rtnl.Route {
	for i := range routes {
		if r := &routes[i]; r.Expires > 0 {
			r.Expires = int32(max(int64(r.Expires)-int64(passed/time.Second), 0))
			if r.Expires == 0 {
				r.Expires = gone
			}
		}
	}
	return slices.DeleteFunc(routes, func(r rtnl.Route) bool { return r.Expires == gone })
}

// gone marks a lifetime that is over: 0 is one that does not end.
const gone = -1

// run undoes each place by itself. What the kernel refuses is tried again as long as something else succeeds, since a gateway may be
// reachable only by another of the routes; what it refuses for good does not keep the others from being put back.
func (u *undoing) run() error {
	now, err := u.c.at(u.places)
	if err != nil {
		return err
	}
	u.result.Conflict = u.conflicts(now)
	was, left := group(u.was), group(u.left)
	waiting := keys(u.was, now)
	slices.SortStableFunc(waiting, func(a, b routeKey) int { return cmp.Compare(lastPhase(was[a]), lastPhase(was[b])) })
	for {
		again, refused := u.pass(waiting, was, group(now), left)
		switch {
		case u.ctx.Err() != nil:
			return u.ctx.Err()
		case len(again) == 0:
			return u.verify(was)
		case len(again) == len(waiting):
			return refused
		}
		waiting = again
		if now, err = u.c.at(u.places); err != nil {
			return errors.Join(refused, err)
		}
	}
}

// pass goes through places once and returns those that are still not in order, and why.
func (u *undoing) pass(waiting []routeKey, was, is, left map[routeKey][]rtnl.Route) (again []routeKey, refused error) {
	for _, key := range waiting {
		if u.ctx.Err() != nil {
			return again, u.ctx.Err()
		}
		if err := u.place(was[key], is[key], left[key]); err != nil {
			if again = append(again, key); len(again) <= maxSaid {
				refused = errors.Join(refused, err)
			}
		}
	}
	return again, refused
}

// lastPhase is when a place can be put in order: after the ways to all its gateways.
func lastPhase(routes []rtnl.Route) restorePhase {
	last := phaseLocal
	for i := range routes {
		last = max(last, phaseOf(&routes[i]))
	}
	return last
}

// verify looks whether all is as it was before, where that can be.
func (u *undoing) verify(was map[routeKey][]rtnl.Route) error {
	if u.result.Conflict {
		u.result.Lines = append(u.result.Lines, "others have changed what gnet had left: nothing of theirs was touched")
		return nil
	}
	now, err := u.c.at(u.places)
	if err != nil {
		return err
	}
	if !sameGroups(was, group(now)) {
		return errors.New("the routes are not as they were before")
	}
	return nil
}

// conflicts reports whether what is there is neither as it was before nor as the change left it, or, when that is not known, has
// something in it that neither was there nor was asked for. Each place and metric is judged by itself: a process that died while it
// undid the change left some as they were before.
func (u *undoing) conflicts(now []rtnl.Route) bool {
	was, is, left := group(u.was), group(now), group(u.left)
	for _, key := range keys(u.was, now, u.left) {
		if sameRoutes(is[key], was[key]) || u.known && sameRoutes(is[key], left[key]) {
			continue
		}
		for i := range is[key] {
			if r := &is[key][i]; !has(was[key], r) && !u.ours(left[key], r) {
				return true
			}
		}
		if u.known && lacks(is[key], left[key]) && lacks(is[key], was[key]) {
			return true // others took away what the change had left: undoing takes it away when the old routes are back
		}
	}
	return false
}

// ours reports whether the change made a route.
func (u *undoing) ours(left []rtnl.Route, r *rtnl.Route) bool {
	if u.known {
		return has(left, r)
	}
	return slices.ContainsFunc(u.asked[placeOf(r)], func(s askedStep) bool {
		if s.do == DoDelete {
			return slices.ContainsFunc(u.was, func(was rtnl.Route) bool { return remains(&was, r) })
		}
		return agreesWhenMade(s.route, r)
	})
}

// remains reports whether r is what the deletion of a next hop leaves of a multipath route of IPv6.
func remains(was, r *rtnl.Route) bool {
	if len(was.Multipath) == 0 || was.Family != unix.AF_INET6 || keyOf(was) != keyOf(r) {
		return false
	}
	hops := r.Multipath
	if len(hops) == 0 {
		hops = []rtnl.Nexthop{{Gateway: r.Gateway, Oif: r.Oif}}
	}
	return !slices.ContainsFunc(hops, func(h rtnl.Nexthop) bool {
		return !slices.ContainsFunc(was.Multipath, func(w rtnl.Nexthop) bool { return w.Gateway == h.Gateway && w.Oif == h.Oif })
	})
}

// agreesWhenMade is agrees for a route that was asked for and has got the kernel's defaults since.
func agreesWhenMade(asked rtnl.Route, has *rtnl.Route) bool {
	place := placeOf(&asked)
	asked.Dst, asked.Table = place.Dst, place.Table
	if asked.Priority == 0 && asked.Family == unix.AF_INET6 {
		asked.Priority = defaultPriority6
	}
	if asked.Type == 0 {
		asked.Type = unix.RTN_UNICAST
	}
	if len(asked.Multipath) == 0 && len(has.Multipath) > 0 { // IPv6 joins the routes of one metric
		hop, ok := matchingHop(has, &asked)
		return ok && keyOf(&asked) == keyOf(has) && hop.Gateway == asked.Gateway
	}
	return agrees(&asked, has)
}

// group sorts routes by what they compete for, and keeps the order among those.
func group(routes []rtnl.Route) map[routeKey][]rtnl.Route {
	groups := map[routeKey][]rtnl.Route{}
	for i := range routes {
		key := keyOf(&routes[i])
		groups[key] = append(groups[key], routes[i])
	}
	return groups
}

// keys are the keys of the lists, each once, in their order.
func keys(lists ...[]rtnl.Route) []routeKey {
	seen := map[routeKey]bool{}
	var keys []routeKey
	for _, list := range lists {
		for i := range list {
			if key := keyOf(&list[i]); !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// sameRoutes compares what was read twice, lifetimes left out.
func sameRoutes(a, b []rtnl.Route) bool {
	return slices.EqualFunc(a, b, func(a, b rtnl.Route) bool { return agrees(&a, &b) && agrees(&b, &a) })
}

func sameGroups(a, b map[routeKey][]rtnl.Route) bool {
	if len(a) != len(b) {
		return false
	}
	for key := range a {
		if !sameRoutes(a[key], b[key]) {
			return false
		}
	}
	return true
}

func has(list []rtnl.Route, r *rtnl.Route) bool {
	return slices.ContainsFunc(list, func(l rtnl.Route) bool { return agrees(&l, r) && agrees(r, &l) })
}

// lacks reports whether one of the routes is not in the list.
func lacks(list, routes []rtnl.Route) bool {
	return slices.ContainsFunc(routes, func(r rtnl.Route) bool { return !has(list, &r) })
}
