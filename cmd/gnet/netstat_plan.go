package main

import "gnet/procnet"

// socketPlan is which tables a command line means.
//
// With no family and no protocol named it is every table. A family without a
// protocol (-4, -A inet6) is all protocols of it; a protocol without a family is
// both families. Only what was named one by one is missed loudly.
type socketPlan struct {
	anyNamed  bool // a family or a protocol was asked for
	inet      bool // any inet table
	v4, v6    bool
	unix      bool
	unixNamed bool
	sctpNamed bool
	named     map[procnet.Proto]bool // protocols asked for one by one
	show      map[procnet.Proto]bool
	sctp      bool

	groups      bool // the multicast memberships too
	groupsNamed bool // without a family: their file is missed loudly

	all, listening bool
}

func newSocketPlan(o *netstatOptions) socketPlan {
	f := &o.Families
	named := map[procnet.Proto]bool{procnet.TCP: f.TCP, procnet.UDP: f.UDP, procnet.UDPLite: f.UDPLite, procnet.Raw: f.Raw}
	protocols := f.TCP || f.UDP || f.UDPLite || f.Raw || f.SCTP
	families := f.Inet || f.Inet6
	p := socketPlan{
		anyNamed:  protocols || families || f.Unix || f.IPX || f.AX25 || f.X25 || f.Netrom || f.Rose || f.Bluetooth || o.Groups,
		unixNamed: f.Unix,
		sctpNamed: f.SCTP,
		named:     named,
		all:       o.All,
		listening: o.Listening,

		groups:      o.Groups,
		groupsNamed: !families,
	}
	p.inet = protocols || families || !p.anyNamed
	p.unix = f.Unix || !p.anyNamed
	p.v4, p.v6 = f.Inet || !families, f.Inet6 || !families
	p.show, p.sctp = named, f.SCTP
	if !protocols {
		p.show = map[procnet.Proto]bool{procnet.TCP: true, procnet.UDP: true, procnet.UDPLite: true, procnet.Raw: true}
		p.sctp = true
	}
	return p
}

// shows is the rule of -a and -l for one socket.
func (p *socketPlan) shows(listening bool) bool { return p.all || listening == p.listening }

// states is Query.States for the sockets of a protocol that shows is true of.
func (p *socketPlan) states(proto procnet.Proto) uint32 {
	if p.all {
		return 0
	}
	listening, others := proto.ListeningStates()
	if p.listening {
		return listening
	}
	return others
}

// inetTable is one inet file of a plan.
type inetTable struct {
	proto procnet.Proto
	sctp  bool // in place of proto
	v6    bool
	named bool
}

// word is what netstat calls the table when it is missing.
func (t inetTable) word() string { return "AF INET (" + t.proto.File(false) + ")" }

// bogus is what netstat calls a bad row of the table.
func (t inetTable) bogus() string {
	words := [...]string{procnet.TCP: "tcp", procnet.UDP: "udp", procnet.UDPLite: "udp", procnet.Raw: "raw"}
	return words[t.proto]
}

// inetTables returns the inet files in the order in which netstat shows them.
func (p *socketPlan) inetTables() []inetTable {
	var tables []inetTable
	for _, proto := range []procnet.Proto{procnet.TCP, procnet.UDP, procnet.UDPLite, procnet.Raw} {
		if proto == procnet.UDP && p.sctp {
			tables = append(tables, inetTable{sctp: true, named: p.sctpNamed})
		}
		if !p.show[proto] {
			continue
		}
		if p.v4 {
			tables = append(tables, inetTable{proto: proto, named: p.named[proto]})
		}
		if p.v6 {
			tables = append(tables, inetTable{proto: proto, v6: true, named: p.named[proto]})
		}
	}
	return tables
}

// oldTable is a family that only netstat's command line remembers.
type oldTable struct {
	word, file string
	named      bool
}

// oldTables returns them in netstat's order: all of them when nothing was
// named.
func (p *socketPlan) oldTables(f *netstatFamilies) []oldTable {
	var tables []oldTable
	for _, t := range []oldTable{
		{"IPX", "ipx/socket", f.IPX}, {"AX25", "ax25", f.AX25}, {"X25", "x25/socket", f.X25},
		{"NETROM", "nr", f.Netrom}, {"ROSE", "rose", f.Rose},
	} {
		if t.named || !p.anyNamed {
			tables = append(tables, t)
		}
	}
	return tables
}
