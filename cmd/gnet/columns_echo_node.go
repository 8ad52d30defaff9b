package main

import (
	"gnet/internal/render"
	"gnet/internal/wire"
	"gnet/ping"
)

// echoNodeColumns are the columns of what a node answers to -N (RFC 4620).
func echoNodeColumns() []render.Column[echoRow] {
	type value = render.Value
	node := func(name string, kind render.Kind, doc string, get func(wire.NodeInfo, *value)) render.Column[echoRow] {
		return column(name, kind, "", doc, func(r *echoRow, v *value) {
			if n := r.nodeInfo(); n != nil {
				get(n, v)
			}
		})
	}
	names := node("node_names", render.List, "Names of the node.", func(n wire.NodeInfo, v *value) { nodeNames(n, v) })
	names.Sub = []render.Field{
		{Name: "name", Kind: render.String, Doc: "The name: its labels as they were sent, with dots between them."},
		{Name: "full", Kind: render.Bool, Doc: "Whether the name is whole, else it lacks its domain."},
		{Name: "escaped", Kind: render.String, Doc: "The name as RFC 1035 writes it, with a backslash before a dot within a label; only when that differs."},
	}
	addrs := node("node_addrs", render.List, "Addresses of the node.", nodeAddrs)
	addrs.Sub = []render.Field{{Name: "address", Kind: render.Addr, Doc: "The address."},
		{Name: "ttl", Kind: render.Uint, Unit: "seconds", Doc: "How long it is valid, as the node says."}}
	return []render.Column[echoRow]{
		node("node_code", render.Int, "How a node answers -N: 0 with what was asked for, 1 it refuses, 2 it does not know the type of the query.",
			func(n wire.NodeInfo, v *value) { v.Int(int64(n.Code())) }),
		node("node_qtype", render.Int, "What the answer is about: 2 names, 3 IPv6 addresses, 4 IPv4 addresses.",
			func(n wire.NodeInfo, v *value) { v.Int(int64(n.Qtype())) }),
		node("node_flags", render.Uint, "Flags of the answer, as RFC 4620 numbers them.", func(n wire.NodeInfo, v *value) { v.Uint(uint64(n.Flags())) }),
		names, addrs,
		node("node_truncated", render.Bool, "The node says that it has more addresses than those.", func(n wire.NodeInfo, v *value) {
			if answersAddrs(n) {
				v.Bool(n.Flags()&wire.NodeTruncated != 0)
			}
		}),
		node("node_malformed", render.Bool, "The names or addresses end too soon or are malformed; what came before is in the lists.", func(n wire.NodeInfo, v *value) {
			switch {
			case answersNames(n):
				v.Bool(nodeNames(n, new(value)) != nil)
			case answersAddrs(n):
				_, cut := n.AddrCount()
				v.Bool(cut)
			}
		}),
	}
}

// nodeInfo returns what a node answered, nil when the event is another one: of an
// echo reply there are data only when they are wrong.
func (r *echoRow) nodeInfo() wire.NodeInfo {
	if r.Kind != ping.Reply && r.Kind != ping.Duplicate || r.Wrong > 0 {
		return nil
	}
	n, err := wire.CheckNodeInfo(r.Data)
	if err != nil {
		return nil
	}
	return n
}

func answersNames(n wire.NodeInfo) bool {
	return n.Code() == wire.NodeSuccess && n.Qtype() == wire.NodeName
}

func answersAddrs(n wire.NodeInfo) bool {
	return n.Code() == wire.NodeSuccess && (n.Qtype() == wire.NodeIPv4 || n.Qtype() == wire.NodeIPv6)
}

// nodeNames sets the names, those before an error too.
func nodeNames(n wire.NodeInfo, v *render.Value) error {
	if !answersNames(n) {
		return nil
	}
	v.EmptyList()
	if len(n.Data()) < wire.NodeNames {
		return wire.ErrNodeInfoShort
	}
	for at := wire.NodeNames; at < len(n.Data()); {
		name, next, full, err := n.NextName(nil, at)
		if err != nil {
			return err
		}
		object, labels := v.Object(3), dnsLabels(name)
		object[0].Str(labels)
		object[1].Bool(full)
		if labels != string(name) {
			object[2].Str(string(name))
		}
		at = next
	}
	return nil
}

func nodeAddrs(n wire.NodeInfo, v *render.Value) {
	if !answersAddrs(n) {
		return
	}
	v.EmptyList()
	count, _ := n.AddrCount()
	for i := range count {
		object := v.Object(2)
		object[0].Addr(n.Addr(i))
		object[1].Uint(uint64(n.AddrTTL(i)))
	}
}

// dnsLabels undoes the backslashes of wire.ReadDNSName: the bytes of the labels.
func dnsLabels(name []byte) string {
	labels := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '\\' {
			i++
			if c = name[i]; c >= '0' && c <= '9' {
				c = (c-'0')*100 + (name[i+1]-'0')*10 + name[i+2] - '0'
				i += 2
			}
		}
		labels = append(labels, c)
	}
	return string(labels)
}
