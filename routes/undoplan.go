package routes

import (
	"encoding/json"
	"fmt"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// keptRoute is a route as it stands in a plan: the body of the message that makes it, which holds all that there is to know in the
// least room and survives nothing but the boot, as the plan.
type keptRoute []byte

// keep encodes a route that is ready to be sent.
func keep(r *rtnl.Route) keptRoute { return rtnl.AppendRoute(nil, r) }

// unkeep decodes it.
func (k keptRoute) unkeep() (rtnl.Route, error) {
	var r rtnl.Route
	if err := rtnl.DecodeRoute(k, nil, &r); err != nil {
		return r, err
	}
	if r.Family != unix.AF_INET && r.Family != unix.AF_INET6 {
		return r, fmt.Errorf("a route of family %d", r.Family)
	}
	sendable(&r) // of the lifetime, which is read in other units than it is sent
	return r, nil
}

func keepRoutes(routes []rtnl.Route) (json.RawMessage, error) {
	kept := make([]keptRoute, len(routes))
	for i := range routes {
		kept[i] = keep(&routes[i])
	}
	return json.Marshal(kept)
}

func unkeepRoutes(b json.RawMessage) ([]rtnl.Route, error) {
	var kept []keptRoute
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, err
	}
	routes := make([]rtnl.Route, len(kept))
	for i := range kept {
		var err error
		if routes[i], err = kept[i].unkeep(); err != nil {
			return nil, err
		}
	}
	return routes, nil
}

// keptStep is a step as it stands in a plan.
type keptStep struct {
	Do    Do        `json:"do"`
	Route keptRoute `json:"route"`
}

// askedStep is one that was read from a plan.
type askedStep struct {
	do    Do
	route rtnl.Route
}

func unkeepSteps(b json.RawMessage) ([]askedStep, error) {
	var kept []keptStep
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, err
	}
	steps := make([]askedStep, len(kept))
	for i := range kept {
		route, err := kept[i].Route.unkeep()
		if err != nil {
			return nil, err
		}
		steps[i] = askedStep{kept[i].Do, route}
	}
	return steps, nil
}
