package routes

import (
	"encoding/json"

	"gnet/internal/rtnl"
)

// keptRoute is a route as it stands in a plan. What is bytes and no text has places of its own, since a JSON string must be UTF-8.
type keptRoute struct {
	Route   rtnl.Route `json:"route"`
	Encap   []byte     `json:"encap,omitempty"`
	Other   []byte     `json:"other,omitempty"`
	Metrics []byte     `json:"metrics,omitempty"`
	Hops    []keptHop  `json:"hops,omitempty"`
}

// keptHop are the bytes of one next hop.
type keptHop struct {
	Encap []byte `json:"encap,omitempty"`
	Other []byte `json:"other,omitempty"`
}

// keep takes the bytes out of a route.
func keep(r *rtnl.Route) keptRoute {
	k := keptRoute{Route: clone(r), Encap: []byte(r.Encap.Data), Other: []byte(r.Other), Metrics: []byte(r.Metrics.Other)}
	k.Route.OifName, k.Route.Encap.Data, k.Route.Other, k.Route.Metrics.Other = "", "", "", ""
	for i := range k.Route.Multipath {
		hop := &k.Route.Multipath[i]
		k.Hops = append(k.Hops, keptHop{Encap: []byte(hop.Encap.Data), Other: []byte(hop.Other)})
		hop.OifName, hop.Encap.Data, hop.Other = "", "", ""
	}
	return k
}

// unkeep puts them back.
func (k *keptRoute) unkeep() rtnl.Route {
	r := clone(&k.Route)
	r.Encap.Data, r.Other, r.Metrics.Other = string(k.Encap), string(k.Other), string(k.Metrics)
	for i := range min(len(r.Multipath), len(k.Hops)) {
		r.Multipath[i].Encap.Data, r.Multipath[i].Other = string(k.Hops[i].Encap), string(k.Hops[i].Other)
	}
	return r
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
		routes[i] = kept[i].unkeep()
	}
	return routes, nil
}
