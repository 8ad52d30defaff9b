package event

import (
	"encoding/hex"
	"net/netip"
)

// packet appends an IP packet as an object of its own, for its keys are those of segments too.
func (o *object) packet(p *Packet) {
	o.key("packet")
	o.b = append(o.b, '{')
	o.int("id", int64(p.ID))
	o.int("link", int64(p.Link))
	o.int("node", int64(p.Node))
	o.optInt("datagram", int64(p.Datagram))
	o.optInt("parent", int64(p.Parent))
	o.optInt("about", int64(p.About))
	o.ip("src", p.Src)
	o.ip("dst", p.Dst)
	o.int("header", int64(p.Header))
	o.int("data", int64(p.Data))
	o.int("size", int64(p.Size))
	o.int("tos", int64(p.TOS))
	o.optInt("flow_label", int64(p.Flow))
	if p.HasIdent {
		o.int("ident", int64(p.Ident))
	}
	o.is("df", p.DF)
	o.is("mf", p.MF)
	o.int("offset", int64(p.Offset))
	o.int("ttl", int64(p.TTL))
	o.int("protocol", int64(p.Protocol))
	if !p.Dst.Is6() { // IPv6 has none
		o.int("checksum", int64(p.Checksum))
		o.bool("checksum_ok", !p.BadSum)
	}
	o.hex("options", p.Options)
	o.hex("wire", p.Wire)
	o.b = append(o.b, '}')
}

func (o *object) ip(k string, a netip.Addr) {
	if a.IsValid() {
		o.key(k)
		o.b = append(a.AppendTo(append(o.b, '"')), '"')
	}
}

// hex appends octets in hexadecimal, nothing if there are none.
func (o *object) hex(k, octets string) {
	if octets != "" {
		o.key(k)
		o.b = append(hex.AppendEncode(append(o.b, '"'), []byte(octets)), '"')
	}
}

// reassembly appends the buffer of a datagram.
func (o *object) reassembly(r *Reassembly) {
	o.key("reassembly")
	o.b = append(o.b, '{')
	o.optStr("step", r.Step.String())
	o.int("node", int64(r.Node))
	o.optInt("datagram", int64(r.Datagram))
	o.optInt("packet", int64(r.Packet))
	o.list("held", len(r.Held), func(i int) {
		o.int("left", r.Held[i].First)
		o.int("right", r.Held[i].Last)
	})
	o.int("octets", int64(r.Octets))
	o.optInt("total", int64(r.Total))
	o.int("since_ns", r.Since)
	o.int("until_ns", r.Until)
	o.b = append(o.b, '}')
}

// path appends what a run of datagrams was made of.
func (o *object) path(p *Path) {
	if p == nil {
		return
	}
	o.int("path_size", int64(p.Size))
	o.int("path_count", int64(p.Count))
	o.int("path_ttl", int64(p.TTL))
	o.int("path_tos", int64(p.TOS))
	o.bool("path_df", p.DF)
	o.bool("path_loop", p.Loop)
	o.texts("path_options", "option", p.Options)
	o.list("path_nodes", len(p.Nodes), func(i int) {
		o.str("name", p.Nodes[i].Name)
		o.str("stack", p.Nodes[i].Stack)
		o.bool("kernel", p.Nodes[i].Kernel)
	})
	o.list("path_links", len(p.Links), func(i int) {
		o.int("mtu", int64(p.Links[i].MTU))
		o.str("near", p.Links[i].Near)
		o.str("far", p.Links[i].Far)
	})
}
