package routes

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// remove takes away routes that are there.
func (u *undoing) remove(ours []rtnl.Route) error {
	for i := range ours {
		ours[i].Expires = 0
		if err := u.delete(&ours[i]); err != nil {
			return err
		}
	}
	return nil
}

// delete takes a route away, and no other.
func (u *undoing) delete(r *rtnl.Route) error {
	if !u.objects || r.Family != unix.AF_INET6 || r.NexthopID != 0 {
		return u.send(DoDelete, r)
	}
	front, err := u.inFrontOf(r)
	switch {
	case err != nil:
		return err
	case !front.hides(r):
		return u.send(DoDelete, r)
	case !joins(r):
		return fmt.Errorf("%s: %w", u.routeText(r), ErrShadowed)
	}
	return u.deleteBehind(r, front.protocols)
}

// inFrontOf reads which routes over nexthop objects stand in front of one now.
func (u *undoing) inFrontOf(r *rtnl.Route) (inFront, error) {
	var front inFront
	now, err := u.c.at(map[routePlace]bool{placeOf(r): true})
	if err != nil {
		return front, err
	}
	for i := range now {
		if has(now[i:i+1], r) {
			break
		}
		front.stays(&now[i])
	}
	return front, nil
}

// joins reports whether the kernel makes one multipath route of r and others of its metric. A replacement by such a route replaces these, and
// none over a nexthop object as long as there is one (net/ipv6/ip6_fib.c, rt6_qualify_for_ecmp and fib6_add_rt2node).
func joins(r *rtnl.Route) bool {
	if len(r.Multipath) == 0 {
		return r.Gateway.IsValid()
	}
	return !slices.ContainsFunc(r.Multipath, func(h rtnl.Nexthop) bool { return !h.Gateway.IsValid() })
}

// deleteBehind takes away a route that joins and stands behind routes over nexthop objects of these protocols: it is replaced by itself with
// a protocol that none of them has, by which the kernel tells it from them.
func (u *undoing) deleteBehind(r *rtnl.Route, protocols []uint8) error {
	marked := clone(r)
	for marked.Protocol = unix.RTPROT_BOOT; slices.Contains(protocols, marked.Protocol); marked.Protocol++ {
		if marked.Protocol == 0xff {
			return fmt.Errorf("%s: %w", u.routeText(r), ErrShadowed)
		}
	}
	if marked.Protocol != r.Protocol {
		if err := u.c.send(Step{Do: DoReplace, Route: &marked, Known: true}); err != nil {
			return fmt.Errorf("%s: %w", u.routeText(r), err)
		}
	}
	return u.send(DoDelete, &marked)
}
