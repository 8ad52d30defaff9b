package routes

import (
	"iter"

	"gnet/internal/rtnl"
)

// Selected walks the routes that f selects, as the kernel lists them, IPv4 before IPv6.
func (c *Conn) Selected(f *Filter) iter.Seq2[*rtnl.Route, error] {
	kernel := rtnl.RouteFilter{Family: f.Family, Table: f.Table, Protocol: f.Protocol, Type: f.Type}
	return func(yield func(*rtnl.Route, error) bool) {
		objects, err := c.hopObjects(f)
		if err != nil {
			yield(nil, err)
			return
		}
		for r, err := range c.rt.Routes(kernel) {
			if err != nil {
				yield(nil, opError(OpList, err))
				return
			}
			objects.resolve(r)
			if f.Match(r) && !yield(r, nil) {
				return
			}
		}
	}
}
