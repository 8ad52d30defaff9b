package routes

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// Query is the packet whose route is looked up. What is not given is as RTM_GETROUTE has it: the packet is sent from this host by this
// user, has no source address yet, mark 0, TOS 0, and is UDP without ports (net/ipv4/route.c, inet_rtm_getroute; net/ipv6/route.c,
// inet6_rtm_getroute).
type Query struct {
	Dst netip.Addr
	// Src is the source address; invalid: none yet.
	Src netip.Addr
	// Iif is the interface that the packet has come in by, to be forwarded; Oif the one that it is bound to leave by.
	Iif, Oif string
	Mark     uint32
	Tos      uint8
	// UID is the user's, if HasUID is set, else that of this process.
	UID    uint32
	HasUID bool
	// IPProto is the IP protocol, 0: UDP. The ports are 0 when not given.
	IPProto      uint8
	SPort, DPort uint16
}

// uid returns the user whose packet it is.
func (q *Query) uid() uint32 {
	if q.HasUID {
		return q.UID
	}
	return uint32(os.Geteuid())
}

func (q *Query) protocol() uint8 {
	if q.IPProto == 0 {
		return unix.IPPROTO_UDP
	}
	return q.IPProto
}

// incoming returns the interface by which the rules see the packet come in: what is sent from here has come in through lo.
func (q *Query) incoming() string {
	if q.Iif == "" {
		return "lo"
	}
	return q.Iif
}

// flow is a query with what the kernel is asked by number.
type flow struct {
	Query
	iif, oif int
	vrfTable uint32 // of the VRF that Oif or Iif is, or belongs to; 0: none
}

// resolve finds the interfaces of a query. Its error is a *DeviceError.
func (c *Conn) resolve(q Query) (flow, error) {
	q.Dst, q.Src = q.Dst.Unmap().WithZone(""), q.Src.Unmap().WithZone("")
	f := flow{Query: q}
	for _, end := range []struct {
		name  string
		index *int
	}{{q.Iif, &f.iif}, {q.Oif, &f.oif}} {
		if end.name == "" {
			continue
		}
		link, err := c.link(end.name)
		if err != nil {
			return f, err
		}
		*end.index = link.Index
		if f.vrfTable, err = c.vrfTable(link); err != nil {
			return f, err
		}
	}
	return f, nil
}

// vrfTable returns the table of the VRF that an interface is or belongs to (net/l3mdev/l3mdev.c, l3mdev_update_flow).
func (c *Conn) vrfTable(link *rtnl.Link) (uint32, error) {
	if link.VRFTable != 0 || link.Master == 0 {
		return link.VRFTable, nil
	}
	master, err := c.rt.LinkByIndex(link.Master)
	if errors.Is(err, unix.ENODEV) { // gone meanwhile
		return 0, nil
	}
	if err != nil {
		return 0, opError(OpInterface, err)
	}
	return master.VRFTable, nil
}

func (f *flow) request(flags uint32) rtnl.RouteQuery {
	return rtnl.RouteQuery{Dst: f.Dst, Src: f.Src, Oif: f.oif, Iif: f.iif, Mark: f.Mark, Tos: f.Tos, UID: f.UID, HasUID: f.HasUID,
		IPProto: f.IPProto, SPort: f.SPort, DPort: f.DPort, Flags: flags}
}

// selects reports whether a rule takes in a packet, and which selector is against it (net/core/fib_rules.c, fib_rule_match;
// net/ipv4/fib_rules.c, fib4_rule_match; net/ipv6/fib6_rules.c, fib6_rule_match).
func (f *flow) selects(r *rtnl.Rule) (bool, string) {
	why := f.mismatch(r)
	if r.Flags&unix.FIB_RULE_INVERT == 0 {
		return why == "", why
	}
	if why == "" {
		return false, "inverted, and its selectors match"
	}
	return true, ""
}

// mismatch returns the first selector that the packet does not have, or "".
func (f *flow) mismatch(r *rtnl.Rule) string {
	switch {
	case r.Dst.IsValid() && r.Dst.Bits() > 0 && !r.Dst.Contains(f.Dst):
		return "to " + r.Dst.String()
	case r.Src.IsValid() && r.Src.Bits() > 0 && !(f.Src.IsValid() && r.Src.Contains(f.Src)):
		return "from " + r.Src.String()
	case r.IifName != "" && r.IifName != f.incoming():
		return "iif " + r.IifName
	case r.OifName != "" && r.OifName != f.Oif:
		return "oif " + r.OifName
	case (r.FwMark^f.Mark)&r.FwMask != 0:
		return fmt.Sprintf("fwmark %#x/%#x", r.FwMark, r.FwMask)
	case r.Tos != 0 && r.Tos != f.Tos:
		return fmt.Sprintf("tos %#x", r.Tos)
	case r.L3mdev && f.vrfTable == 0:
		return "l3mdev"
	case r.UIDs.Set && !inRange(r.UIDs, f.uid()):
		return fmt.Sprintf("uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	case r.IPProto != 0 && r.IPProto != f.protocol():
		return fmt.Sprintf("ipproto %d", r.IPProto)
	case !inPorts(r.SrcPort, f.SPort):
		return fmt.Sprintf("sport %d-%d", r.SrcPort.First, r.SrcPort.Last)
	case !inPorts(r.DstPort, f.DPort):
		return fmt.Sprintf("dport %d-%d", r.DstPort.First, r.DstPort.Last)
	}
	return ""
}

func inRange(r rtnl.UIDRange, uid uint32) bool { return r.First <= uid && uid <= r.Last }

// inPorts reports whether a port is in a range; a rule without a range takes every port.
func inPorts(r rtnl.PortRange, port uint16) bool {
	return r == (rtnl.PortRange{}) || r.First <= port && port <= r.Last
}

// boundTo reports whether an entry must have a next hop on the packet's outgoing interface: always for IPv4 (net/ipv4/fib_trie.c,
// fib_table_lookup), for IPv6 when there is no source address or the destination has a scope that needs it (net/ipv6/route.c,
// ip6_route_output_flags); otherwise the interface is only preferred.
func (f *flow) boundTo() int {
	if f.Dst.Is4() || !f.Src.IsValid() || f.Dst.IsLinkLocalUnicast() || f.Dst.IsMulticast() {
		return f.oif
	}
	return 0
}
