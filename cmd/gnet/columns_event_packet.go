package main

import (
	"encoding/hex"
	"net/netip"

	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// memberField is one member of an object of an event: its documentation, and how it is set.
type memberField[T any] struct {
	render.Field
	set func(*T, *render.Value)
}

// memberNumber is a number that is known when the condition holds.
func memberNumber[T any](name, unit, doc string, known func(*T) bool, get func(*T) int64) memberField[T] {
	return memberField[T]{render.Field{Name: name, Kind: render.Int, Unit: unit, Doc: doc}, func(t *T, v *render.Value) {
		if known(t) {
			v.Int(get(t))
		}
	}}
}

func memberTruth[T any](name, doc string, known, get func(*T) bool) memberField[T] {
	return memberField[T]{render.Field{Name: name, Kind: render.Bool, Doc: doc}, func(t *T, v *render.Value) {
		if known(t) {
			v.Bool(get(t))
		}
	}}
}

// memberWord is a text that is unknown when empty.
func memberWord[T any](name, doc string, get func(*T) string) memberField[T] {
	return memberField[T]{render.Field{Name: name, Kind: render.String, Doc: doc}, func(t *T, v *render.Value) {
		if s := get(t); s != "" {
			v.Str(s)
		}
	}}
}

// isPacket holds for the events that are about an IP packet.
func isPacket(e *event.Event) bool { return e.Packet != nil }

// packetFields are the members of packet in the order of event.AppendJSON.
func packetFields() []memberField[event.Packet] {
	type p = event.Packet
	every := func(*p) bool { return true }
	number := memberNumber[p]
	addr := func(name, doc string, get func(*p) netip.Addr) memberField[p] {
		return memberField[p]{render.Field{Name: name, Kind: render.Addr, Doc: doc}, func(t *p, v *render.Value) { v.Addr(get(t)) }}
	}
	four := func(t *p) bool { return !t.Dst.Is6() }
	is := func(name, doc string, get func(*p) bool) memberField[p] { return memberTruth(name, doc, get, get) }
	return []memberField[p]{
		number("id", "", "Number of the transmission on this link: tx and rx (or lost) share it.", every, func(t *p) int64 { return int64(t.ID) }),
		number("link", "", "Place of the link on the path, from 1.", every, func(t *p) int64 { return int64(t.Link) }),
		number("node", "", "Who transmitted it (tx, fault, lost) or was reached by it: 0 the client, then the routers, the last the server.", every, func(t *p) int64 { return int64(t.Node) }),
		number("datagram", "", "Number of the datagram that it is, or is a fragment of.", func(t *p) bool { return t.Datagram != 0 }, func(t *p) int64 { return int64(t.Datagram) }),
		number("parent", "", "The id that it, or the packet it was cut from, had on the link before.", func(t *p) bool { return t.Parent != 0 }, func(t *p) int64 { return int64(t.Parent) }),
		number("about", "", "The id of the packet that an ICMP error quotes.", func(t *p) bool { return t.About != 0 }, func(t *p) int64 { return int64(t.About) }),
		addr("src", "Source address.", func(t *p) netip.Addr { return t.Src }),
		addr("dst", "Destination address.", func(t *p) netip.Addr { return t.Dst }),
		number("header", "bytes", "Length of the header: options and, for IPv6, extension headers included.", every, func(t *p) int64 { return int64(t.Header) }),
		number("data", "bytes", "How much of the datagram's data follows it.", every, func(t *p) int64 { return int64(t.Data) }),
		number("size", "bytes", "Length of the packet.", every, func(t *p) int64 { return int64(t.Size) }),
		number("tos", "", "Type of service or traffic class: DSCP and ECN.", every, func(t *p) int64 { return int64(t.TOS) }),
		number("flow_label", "", "Flow label of IPv6.", func(t *p) bool { return t.Flow != 0 }, func(t *p) int64 { return int64(t.Flow) }),
		number("ident", "", "Identification; IPv6 has one in fragments alone.", func(t *p) bool { return t.HasIdent }, func(t *p) int64 { return int64(t.Ident) }),
		is("df", "Don't fragment.", func(t *p) bool { return t.DF }),
		is("mf", "More fragments follow.", func(t *p) bool { return t.MF }),
		number("offset", "bytes", "Where its data belong in the datagram's; the header has it in units of 8.", every, func(t *p) int64 { return int64(t.Offset) }),
		number("ttl", "", "Time to live or hop limit.", every, func(t *p) int64 { return int64(t.TTL) }),
		number("protocol", "", "Protocol of the data.", every, func(t *p) int64 { return int64(t.Protocol) }),
		number("checksum", "", "Checksum of the IPv4 header.", four, func(t *p) int64 { return int64(t.Checksum) }),
		memberTruth("checksum_ok", "It is right.", four, func(t *p) bool { return !t.BadSum }),
		memberWord("options", "Options of the IPv4 header, hexadecimal.", func(t *p) string { return hex.EncodeToString([]byte(t.Options)) }),
		memberWord("wire", "The first bytes of the packet, hexadecimal; the run has snap of them.", func(t *p) string { return hex.EncodeToString([]byte(t.Wire)) }),
	}
}

// reassemblyFields are the members of reassembly in the order of event.AppendJSON.
func reassemblyFields() []memberField[event.Reassembly] {
	type r = event.Reassembly
	every := func(*r) bool { return true }
	number := memberNumber[r]
	moment := func(name, doc string, get func(*r) int64) memberField[r] {
		return memberField[r]{render.Field{Name: name, Kind: render.Duration, Unit: "ns", Doc: doc}, func(t *r, v *render.Value) { v.Duration(duration(get(t))) }}
	}
	held := memberField[r]{render.Field{Name: "held", Kind: render.List, Doc: "The pieces of its data that are there.",
		Sub: []render.Field{{Name: "left", Kind: render.Int, Unit: "bytes", Doc: "First octet of the piece."}, {Name: "right", Kind: render.Int, Unit: "bytes", Doc: "The octet behind it."}}},
		func(t *r, v *render.Value) {
			v.EmptyList()
			for _, h := range t.Held {
				piece := v.Object(2)
				piece[0].Int(h.First)
				piece[1].Int(h.Last)
			}
		}}
	return []memberField[r]{
		memberWord("step", "What happened to the buffer: added, duplicate, overlapped, whole or timed-out.", func(t *r) string { return t.Step.String() }),
		number("node", "", "Whose buffer it is.", every, func(t *r) int64 { return int64(t.Node) }),
		number("datagram", "", "Number of the datagram that is put together.", func(t *r) bool { return t.Datagram != 0 }, func(t *r) int64 { return int64(t.Datagram) }),
		number("packet", "", "The id of the fragment that came.", func(t *r) bool { return t.Packet != 0 }, func(t *r) int64 { return int64(t.Packet) }),
		held,
		number("octets", "bytes", "How much of its data is there.", every, func(t *r) int64 { return int64(t.Octets) }),
		number("total", "bytes", "How much there will be, once the last fragment has come.", func(t *r) bool { return t.Total != 0 }, func(t *r) int64 { return int64(t.Total) }),
		moment("since_ns", "When the first fragment came.", func(t *r) int64 { return t.Since }),
		moment("until_ns", "When the datagram is given up.", func(t *r) int64 { return t.Until }),
	}
}

// packetColumn is an IP packet as one object.
func packetColumn() render.Column[event.Event] {
	return objectColumn("packet", "An IP packet on a link of a path, in a run of datagrams.", packetFields(), func(e *event.Event) *event.Packet { return e.Packet })
}

// reassemblyColumn is a datagram's buffer as one object.
func reassemblyColumn() render.Column[event.Event] {
	return objectColumn("reassembly", "The buffer of a datagram at its destination, computed from what arrived.", reassemblyFields(), func(e *event.Event) *event.Reassembly { return e.Reassembly })
}

// packetFlatColumns and reassemblyFlatColumns are the members as columns.
func packetFlatColumns() []render.Column[event.Event] {
	return memberColumns("packet_", packetFields(), func(e *event.Event) *event.Packet { return e.Packet })
}

func reassemblyFlatColumns() []render.Column[event.Event] {
	return memberColumns("reassembly_", reassemblyFields(), func(e *event.Event) *event.Reassembly { return e.Reassembly })
}

// objectColumn is what get returns as one object, absent where that is nil.
func objectColumn[T any](name, doc string, fields []memberField[T], get func(*event.Event) *T) render.Column[event.Event] {
	c := column(name, render.Object, "", doc+" In csv and table each member is a column whose name begins with "+name+"_.", func(e *event.Event, v *render.Value) {
		t := get(e)
		if t == nil {
			return
		}
		members := v.Members(len(fields))
		for i := range fields {
			fields[i].set(t, &members[i])
		}
	})
	for _, f := range fields {
		c.Sub = append(c.Sub, f.Field)
	}
	return c
}

func memberColumns[T any](prefix string, fields []memberField[T], get func(*event.Event) *T) []render.Column[event.Event] {
	var columns []render.Column[event.Event]
	for _, f := range fields {
		f.Name = prefix + f.Name
		columns = append(columns, render.Column[event.Event]{Field: f.Field, Get: func(e *event.Event, v *render.Value) {
			if t := get(e); t != nil {
				f.set(t, v)
			}
		}})
	}
	return columns
}

// pathColumns are the columns of the path in the first event of a run of datagrams.
func pathColumns() []render.Column[event.Event] {
	isPath := func(e *event.Event) bool { return isRun(e) && e.Run.Path != nil }
	number := func(name, unit, doc string, get func(*event.Path) int64) render.Column[event.Event] {
		return eventInt(name, render.Int, unit, doc, isPath, func(e *event.Event) int64 { return get(e.Run.Path) })
	}
	truth := func(name, doc string, get func(*event.Path) bool) render.Column[event.Event] {
		return eventBool(name, doc, isPath, func(e *event.Event) bool { return get(e.Run.Path) })
	}
	list := func(name, doc string, sub []render.Field, n func(*event.Path) int, set func(*event.Path, int, []render.Value)) render.Column[event.Event] {
		c := column(name, render.List, "", doc, func(e *event.Event, v *render.Value) {
			if !isPath(e) {
				return
			}
			v.EmptyList()
			for i := range n(e.Run.Path) {
				set(e.Run.Path, i, v.Object(len(sub)))
			}
		})
		c.Sub = sub
		return c
	}
	return []render.Column[event.Event]{
		number("path_size", "bytes", "Length of each datagram, its header included, in a run of datagrams.", func(p *event.Path) int64 { return int64(p.Size) }),
		number("path_count", "", "How many were asked for.", func(p *event.Path) int64 { return int64(p.Count) }),
		number("path_ttl", "", "Time to live or hop limit at their source.", func(p *event.Path) int64 { return int64(p.TTL) }),
		number("path_tos", "", "Type of service or traffic class there.", func(p *event.Path) int64 { return int64(p.TOS) }),
		truth("path_df", "They were not to be fragmented.", func(p *event.Path) bool { return p.DF }),
		truth("path_loop", "The last two routers point at each other.", func(p *event.Path) bool { return p.Loop }),
		list("path_options", "Options of their headers.", []render.Field{{Name: "option", Kind: render.String, Doc: "Words of the option."}},
			func(p *event.Path) int { return len(p.Options) }, func(p *event.Path, i int, v []render.Value) { v[0].Str(p.Options[i]) }),
		list("path_nodes", "The nodes in their order: client, routers, server.", []render.Field{{Name: "name", Kind: render.String, Doc: "Name of the node."},
			{Name: "stack", Kind: render.String, Doc: "Its IP implementation."}, {Name: "kernel", Kind: render.Bool, Doc: "It is that of a kernel."}},
			func(p *event.Path) int { return len(p.Nodes) }, func(p *event.Path, i int, v []render.Value) {
				v[0].Str(p.Nodes[i].Name)
				v[1].Str(p.Nodes[i].Stack)
				v[2].Bool(p.Nodes[i].Kernel)
			}),
		list("path_links", "The links between them.", []render.Field{{Name: "mtu", Kind: render.Int, Unit: "bytes", Doc: "MTU of the link."},
			{Name: "near", Kind: render.String, Doc: "Address of the node before it."}, {Name: "far", Kind: render.String, Doc: "Address of the node behind it."}},
			func(p *event.Path) int { return len(p.Links) }, func(p *event.Path, i int, v []render.Value) {
				v[0].Int(int64(p.Links[i].MTU))
				v[1].Str(p.Links[i].Near)
				v[2].Str(p.Links[i].Far)
			}),
	}
}
