package main

import (
	"fmt"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/wire"
	"gnet/ping/path"
)

// roleWord names an interface's role in a line and in machine formats.
func roleWord(r wire.InterfaceRole) string {
	return [...]string{"incoming", "sub_ip", "outgoing", "next_hop"}[min(r, wire.NextHopInterface)]
}

// appendExtensions writes what a router has said beyond its code, one line for each kind
// (RFC 4884). Nothing is in front of it that could be taken for a hop.
func appendExtensions(b []byte, x *path.Extensions, bad bool) []byte {
	if x != nil {
		b = appendLabels(b, x.Labels)
		for i := range x.Interfaces {
			b = appendInterface(b, &x.Interfaces[i])
		}
		for _, o := range x.Others {
			b = fmt.Appendf(b, "     Extension: class %d type %d, %d bytes\n", o.Class, o.Type, o.Len)
		}
	}
	if bad {
		b = append(b, "     Extension: malformed\n"...)
	}
	return b
}

func appendLabels(b []byte, labels []wire.MPLSEntry) []byte {
	for i, l := range labels {
		b = append(b, []string{"     MPLS: ", ", "}[min(i, 1)]...)
		b = fmt.Appendf(b, "label %d tc %d ttl %d", l.Label(), l.TC(), l.TTL())
		if l.Bottom() {
			b = append(b, " bottom"...)
		}
	}
	if len(labels) > 0 {
		b = append(b, '\n')
	}
	return b
}

func appendInterface(b []byte, in *path.Interface) []byte {
	b = fmt.Appendf(b, "     Interface: %s", roleWord(in.Role))
	if in.Name != "" {
		b = fmt.Appendf(b, " %s", safe.String(in.Name))
	}
	if in.Index != 0 {
		b = fmt.Appendf(b, " index %d", in.Index)
	}
	if in.Addr.IsValid() {
		b = fmt.Appendf(b, " address %v", in.Addr)
	}
	if in.MTU != 0 {
		b = fmt.Appendf(b, " mtu %d", in.MTU)
	}
	return append(b, '\n')
}

// hopExtensionColumns are the columns of what a router has said beyond its code.
func hopExtensionColumns() []render.Column[hopRow] {
	type row = hopRow
	type value = render.Value
	list := func(name, doc string, fields []render.Field, set func(x *path.Extensions, v *value)) render.Column[row] {
		c := column(name, render.List, "", doc, func(r *row, v *value) {
			if r.Extensions != nil {
				set(r.Extensions, v)
			}
		})
		c.Sub = fields
		return c
	}
	field := func(name string, kind render.Kind, unit, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}
	}
	return []render.Column[row]{
		list("mpls", "MPLS labels that the probe had at the router, the top one first (RFC 4950).", []render.Field{
			field("label", render.Int, "", "The label."), field("tc", render.Int, "", "Its traffic class."),
			field("ttl", render.Int, "", "Its time to live."), field("bottom", render.Bool, "", "It is the last of the stack.")},
			func(x *path.Extensions, v *value) {
				for _, l := range x.Labels {
					o := v.Object(4)
					o[0].Int(int64(l.Label()))
					o[1].Int(int64(l.TC()))
					o[2].Int(int64(l.TTL()))
					o[3].Bool(l.Bottom())
				}
			}),
		list("interfaces", "Interfaces of the router that it told of (RFC 5837).", []render.Field{
			field("role", render.String, "", "incoming, sub_ip (the part of that below IP), outgoing, or next_hop."),
			field("name", render.String, "", "Its name."), field("index", render.Uint, "", "Its index."),
			field("address", render.Addr, "", "Its address, or that of the next hop."), field("mtu", render.Int, "bytes", "Its MTU.")},
			func(x *path.Extensions, v *value) {
				for i := range x.Interfaces {
					interfaceObject(&x.Interfaces[i], v.Object(5))
				}
			}),
		list("other_extensions", "Extensions of the ICMP error that are none of these (RFC 4884).", []render.Field{
			field("class", render.Int, "", "The class."), field("type", render.Int, "", "The type."), field("length", render.Int, "bytes", "Length of its data.")},
			func(x *path.Extensions, v *value) {
				for _, other := range x.Others {
					o := v.Object(3)
					o[0].Int(int64(other.Class))
					o[1].Int(int64(other.Type))
					o[2].Int(int64(other.Len))
				}
			}),
		column("extensions_malformed", render.Bool, "", "Some extensions of its answers could not be read; absent otherwise.", func(r *row, v *value) {
			if r.BadExtensions {
				v.Bool(true)
			}
		}),
	}
}

func interfaceObject(in *path.Interface, o []render.Value) {
	o[0].Str(roleWord(in.Role))
	if in.Name != "" {
		o[1].Str(in.Name)
	}
	if in.Index != 0 {
		o[2].Uint(uint64(in.Index))
	}
	o[3].Addr(in.Addr)
	if in.MTU != 0 {
		o[4].Int(int64(in.MTU))
	}
}
