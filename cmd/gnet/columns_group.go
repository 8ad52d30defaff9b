package main

import (
	"gnet/internal/render"
	"gnet/procnet"
)

// groupSchema names the document of the multicast memberships; gnet-json(5).
const groupSchema = "gnet/netstat-groups/1"

// groupDocument prints memberships as rows of a document.
type groupDocument struct{ rows *render.Rows[procnet.Group] }

func (d *groupDocument) groupTitle() {}

func (d *groupDocument) group(g *procnet.Group) { d.rows.Write(g) } // a write error is kept by the document

// groupColumns is the column table of groupSchema.
func groupColumns() []render.Column[procnet.Group] {
	field := func(name string, kind render.Kind, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Doc: doc}
	}
	return []render.Column[procnet.Group]{
		{Field: field("family", render.String, "Address family: inet or inet6."), Get: func(g *procnet.Group, v *render.Value) {
			if g.V6 {
				v.Str("inet6")
			} else {
				v.Str("inet")
			}
		}},
		{Field: field("iface", render.String, "Name of the interface on which the group is joined."),
			Get: func(g *procnet.Group, v *render.Value) { v.Str(string(g.Device)) }},
		{Field: field("iface_index", render.Uint, "Index of that interface."),
			Get: func(g *procnet.Group, v *render.Value) { v.Uint(uint64(g.Index)) }},
		{Field: field("group", render.Addr, "Address of the group."),
			Get: func(g *procnet.Group, v *render.Value) { v.Addr(g.Addr) }},
		{Field: field("users", render.Uint, "How many sockets have joined it, the kernel's own included."),
			Get: func(g *procnet.Group, v *render.Value) { v.Uint(uint64(g.Users)) }},
	}
}
