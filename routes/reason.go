package routes

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// ReasonKind names why the kernel's answer is not, or not only, the winning entry.
type ReasonKind uint8

// The reasons.
const (
	// ReasonUnspecified: the kernel takes 0.0.0.0 and :: as a destination for this host (net/ipv4/route.c,
	// ip_route_output_key_hash_rcu; net/ipv6/ip6_output.c).
	ReasonUnspecified ReasonKind = iota + 1
	// ReasonType: multicast and broadcast destinations get a type of their own, whatever the entry's (net/ipv4/route.c,
	// __mkroute_output).
	ReasonType
	// ReasonMultipath: one of several next hops, by a hash over the flow (net/ipv4/fib_semantics.c, fib_select_multipath;
	// net/ipv6/route.c, fib6_select_path).
	ReasonMultipath
	// ReasonDefaults: among default routes of equal metric the neighbour's state decides (net/ipv4/fib_semantics.c,
	// fib_select_default).
	ReasonDefaults
	// ReasonReachable: among IPv6 routes of equal prefix and metric the neighbour's state and the router's preference decide, in
	// turn when they are equal (RFC 4191 section 3.2; net/ipv6/route.c, rt6_score_route).
	ReasonReachable
	// ReasonRedirect: a cached exception holds another gateway (ICMP redirect; net/ipv4/route.c, update_or_create_fnhe).
	ReasonRedirect
	// ReasonPathMTU: a cached exception holds a path MTU (RFC 1191, RFC 8201).
	ReasonPathMTU
	// ReasonRule: a rule depends on what a destination alone does not tell.
	ReasonRule
	// ReasonSplit: local and main, which the kernel holds in one tree until the first rule is changed, are searched one after the
	// other (net/ipv4/fib_frontend.c, fib_unmerge).
	ReasonSplit
	// ReasonOneTree: while local and main are one tree, the kernel calls its table main, also for an entry of local
	// (net/ipv4/fib_trie.c, fib_trie_table).
	ReasonOneTree
	// ReasonOnLink: an IPv4 packet is bound to an interface that no entry leads out of; the kernel takes the destination for a
	// neighbour there (net/ipv4/route.c, ip_route_output_key_hash_rcu).
	ReasonOnLink
	// ReasonForwarding: what comes in by an interface is not forwarded (net/ipv4/route.c, ip_route_input_slow).
	ReasonForwarding
	// ReasonSource: the source address may not come in by that interface (net/ipv4/fib_frontend.c, fib_validate_source), or is none of this
	// host, which sends from no other (net/ipv4/route.c, ip_route_output_key_hash_rcu).
	ReasonSource
	// ReasonChanging: the rules or a table changed each time they were read, so rows may be missing or doubled.
	ReasonChanging
	// ReasonUnknown: none of the above was found; the table may have changed between the questions.
	ReasonUnknown
)

// String returns the reason's name: "multipath".
func (k ReasonKind) String() string {
	names := [...]string{"", "unspecified", "type", "multipath", "defaults", "reachability", "redirect", "path-mtu", "rule", "split-tables", "one-tree",
		"on-link", "forwarding", "source", "changing", "unknown"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Reason is one finding about the kernel's answer.
type Reason struct {
	Kind ReasonKind
	Text string // one sentence, lower case
}

// hasSelector reports whether a rule looks at more of a packet than its destination.
func hasSelector(r *rtnl.Rule) bool {
	return r.Src.IsValid() && r.Src.Bits() > 0 || r.IifName != "" || r.OifName != "" || r.FwMark&r.FwMask != 0 || r.Tos != 0 ||
		r.L3mdev || r.UIDs.Set || r.IPProto != 0 || r.SrcPort != (rtnl.PortRange{}) || r.DstPort != (rtnl.PortRange{}) ||
		r.SuppressIfGroup >= 0
}

// Ask puts the question to the kernel alone: the way, and the table's entry behind it. The kernel's refusal is part of the answer.
func (c *Conn) Ask(q Query) (*Answer, error) {
	f, err := c.resolve(q)
	if err != nil {
		return nil, err
	}
	return c.ask(&f)
}

func (c *Conn) ask(f *flow) (*Answer, error) {
	// IPv6 always names the table, and refuses the flag that asks for it.
	flags := uint32(unix.RTM_F_LOOKUP_TABLE)
	if f.Dst.Is6() {
		flags = 0
	}
	route, err := c.rt.RouteGet(f.request(flags))
	if err != nil {
		err = opError(OpGet, err)
		if !isRefusal(err) {
			return nil, err
		}
		return &Answer{Err: err}, nil
	}
	answer := &Answer{Route: route}
	// Kernels before 5.2 answer the second question with EINVAL or as the first; then there is no entry to compare.
	entry, err := c.rt.RouteGet(f.request(flags | unix.RTM_F_FIB_MATCH))
	if err == nil && entry.Flags&unix.RTM_F_CLONED == 0 {
		answer.Entry = entry
		if entry.NexthopID != 0 {
			objects, err := c.objects()
			if err != nil {
				return nil, err
			}
			objects.resolve(entry)
		}
	}
	return answer, nil
}

// isRefusal tells the answers "there is no way" from failures to ask.
func isRefusal(err error) bool {
	return slices.ContainsFunc([]error{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES, unix.EINVAL, unix.EAGAIN, unix.ENETDOWN, unix.EXDEV},
		func(errno error) bool { return errors.Is(err, errno) })
}

// compare decides whether the kernel agrees and collects the reasons.
func (l *Lookup) compare() {
	if l.Kernel.Err != nil {
		l.Agree = l.Refused != nil && errors.Is(l.Kernel.Err, l.Refused)
	} else {
		l.Agree = l.Refused == nil && l.Winner != nil && l.sameEntry()
	}
	if l.Dst.IsUnspecified() {
		l.because(ReasonUnspecified, "the kernel takes %v as a destination for this host", l.Dst)
	} else if l.Winner != nil && l.Kernel.Route != nil {
		l.findings()
	}
	l.bound()
	if l.Agree || len(l.Reasons) > 0 {
		return
	}
	for i := range l.Rules {
		if r := &l.Rules[i].Rule; hasSelector(r) {
			l.because(ReasonRule, "rule %d looks at more than the destination (%s)", r.Priority, l.flow.mismatch(r))
			return
		}
	}
	if len(l.Reasons) == 0 {
		l.because(ReasonUnknown, "no reason found: the tables may have changed between the two questions")
	}
}

func (l *Lookup) because(kind ReasonKind, format string, args ...any) {
	l.Reasons = append(l.Reasons, Reason{kind, fmt.Sprintf(format, args...)})
}

// sameEntry reports whether the kernel's entry is the winner; where it named none, whether its way is one of the winner's.
func (l *Lookup) sameEntry() bool {
	w := &l.Winner.Route
	if e := l.Kernel.Entry; e != nil {
		return e.Dst == w.Dst && l.sameTable(e.Table, w.Table) && (e.Type == w.Type || l.ownType(e.Type)) && e.Priority == w.Priority && e.Tos == w.Tos &&
			sameHops(hops(e), hops(w))
	}
	return l.sameTable(l.Kernel.Route.Table, w.Table) && hasHop(w, l.Kernel.Route)
}

// ownType reports whether a type comes from the destination and not from an entry.
func (l *Lookup) ownType(typ uint8) bool {
	return typ == unix.RTN_MULTICAST && l.Dst.IsMulticast() ||
		typ == unix.RTN_BROADCAST && l.Dst == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// sameTable reports whether the kernel's table is the winner's. While local and main are one tree the kernel calls it main.
func (l *Lookup) sameTable(kernel, winner uint32) bool {
	return kernel == winner || l.oneTree && kernel == unix.RT_TABLE_MAIN && winner == unix.RT_TABLE_LOCAL
}

// sameHops reports whether two routes have the same next hops. The kernel answers for an IPv6 route with the chosen one first.
func sameHops(a, b []rtnl.Nexthop) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x rtnl.Nexthop) bool {
		return !slices.ContainsFunc(b, func(y rtnl.Nexthop) bool { return x.Gateway == y.Gateway && x.Oif == y.Oif })
	})
}

// hops returns the next hops of a route, which are one where it is no multipath route.
func hops(r *rtnl.Route) []rtnl.Nexthop {
	if len(r.Multipath) > 0 {
		return r.Multipath
	}
	return []rtnl.Nexthop{{Gateway: r.Gateway, Oif: r.Oif, OifName: r.OifName}}
}

// hasHop reports whether the way that the kernel chose goes over a next hop of the entry. IPv6 names the destination itself as the
// gateway of a route without one in some kernels, so a missing gateway agrees with all.
func hasHop(entry, way *rtnl.Route) bool {
	return slices.ContainsFunc(hops(entry), func(h rtnl.Nexthop) bool {
		return h.Oif == way.Oif && (h.Gateway == way.Gateway || !h.Gateway.IsValid())
	})
}

// findings adds what the kernel's way has that the winner alone does not explain.
func (l *Lookup) findings() {
	w, way, entry := &l.Winner.Route, l.Kernel.Route, l.Kernel.Entry
	if entry == nil {
		entry = w
	} else if !l.Agree {
		l.tieFindings(w, entry)
	}
	if l.Agree && entry.Table != w.Table {
		l.because(ReasonOneTree, "the kernel holds local and main in one tree until the first rule is changed, and calls both main")
	}
	if n := len(entry.Multipath); n > 0 {
		l.because(ReasonMultipath, "the route has %d next hops; a hash over the flow chooses one%s", n, chosenHop(entry, way))
	}
	if way.Type != w.Type && l.ownType(way.Type) {
		l.because(ReasonType, "a %s destination has a type of its own; the entry only gives the way", TypeName(way.Type))
	}
	if way.Type == unix.RTN_UNICAST && way.Gateway.IsValid() && !hasHop(entry, way) {
		l.because(ReasonRedirect, "a cached exception sends it through %v (ICMP redirect)", way.Gateway)
	}
	if way.Metrics.MTU != 0 && way.Metrics.MTU != entry.Metrics.MTU {
		l.because(ReasonPathMTU, "a cached exception knows a path MTU of %d bytes", way.Metrics.MTU)
	}
}

// chosenHop says which of an entry's next hops the way goes over, and its share; "" when it is none of them or not the only one.
func chosenHop(entry, way *rtnl.Route) string {
	number, sum := 0, 0
	for i, h := range entry.Multipath {
		sum += h.Weight
		if h.Oif == way.Oif && h.Gateway == way.Gateway {
			if number != 0 {
				return ""
			}
			number = i + 1
		}
	}
	if number == 0 {
		return ""
	}
	return fmt.Sprintf(": here number %d, of weight %d in %d", number, entry.Multipath[number-1].Weight, sum)
}

// bound explains answers to packets that come in by an interface or are bound to one.
func (l *Lookup) bound() {
	q := &l.flow.Query
	switch {
	case l.Dst.Is4() && q.Oif != "" && l.Refused != nil && l.Kernel.Route != nil:
		l.because(ReasonOnLink, "no entry leads out of %s; the kernel takes the destination for a neighbour on that link", q.Oif)
	case l.Agree:
	case l.foreign:
		l.because(ReasonSource, "%v is no address of this host, which sends from its own alone; --iif asks about a packet that comes in", q.Src)
	case q.Iif == "" || l.Kernel.Err == nil:
	case errors.Is(l.Kernel.Err, unix.EHOSTUNREACH):
		l.because(ReasonForwarding, "what comes in by %s is not forwarded", q.Iif)
	case errors.Is(l.Kernel.Err, unix.EXDEV), errors.Is(l.Kernel.Err, unix.EINVAL):
		l.because(ReasonSource, "the kernel takes no packet from %s that comes in by %s: the way back is another, or it is no source address",
			sourceText(q.Src), q.Iif)
	}
}

// foreignSource reports whether an IPv4 packet that leaves this host has a source address that is not the host's. IPv6 does not look.
func (c *Conn) foreignSource(f *flow) bool {
	if !f.Src.Is4() || f.Src.IsUnspecified() || f.iif != 0 {
		return false
	}
	way, err := c.rt.RouteGet(rtnl.RouteQuery{Dst: f.Src})
	return err != nil || way.Type != unix.RTN_LOCAL
}

func sourceText(src netip.Addr) string {
	if !src.IsValid() {
		return "an unspecified source"
	}
	return src.String()
}

// tieFindings explains another entry of the same prefix and metric, or of another table.
func (l *Lookup) tieFindings(w, entry *rtnl.Route) {
	switch {
	case entry.Dst == w.Dst && entry.Table == w.Table && entry.Priority == w.Priority && w.Family == unix.AF_INET6:
		l.because(ReasonReachable, "several routes are equal; the neighbour's state and the router's preference decide, in turn when equal")
	case entry.Dst == w.Dst && entry.Table == w.Table && entry.Priority == w.Priority && w.Dst.Bits() == 0:
		l.because(ReasonDefaults, "several default routes have the same metric; the state of the gateway's neighbour entry decides")
	case entry.Table == unix.RT_TABLE_LOCAL && w.Table == unix.RT_TABLE_MAIN:
		l.because(ReasonSplit, "the kernel searches local before main, as it does for good once a rule was changed")
	}
}
