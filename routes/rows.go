package routes

import (
	"bytes"
	"iter"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/rtnl"
)

// IPv4Rows walks the rows of /proc/net/route as they follow from rtnetlink: the same rows in the same order, in half the time. A long
// table is received while it is read, so that the Conn must not be one that watches. The row is valid until the next step; an error is the last
// value.
//
// Both walk the same tree (net/ipv4/fib_trie.c, fib_route_seq_show and fib_table_dump); what the file makes of a route is
// repeated here.
func (c *Conn) IPv4Rows() iter.Seq2[*IPv4Row, error] {
	return func(yield func(*IPv4Row, error) bool) {
		var row IPv4Row
		c.rt.ReadAhead()
		for r, err := range c.List(Filter{Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN}) {
			if err != nil {
				yield(nil, err)
				return
			}
			if r.Type == unix.RTN_BROADCAST || r.Type == unix.RTN_MULTICAST {
				continue
			}
			row.fromRoute(r)
			if !yield(&row, nil) {
				return
			}
		}
	}
}

// IPv4RowOf returns the row that /proc/net/route has for an IPv4 route, or would have if the route were of the main table.
func IPv4RowOf(r *rtnl.Route) IPv4Row {
	var row IPv4Row
	row.fromRoute(r)
	return row
}

// IPv6RowOf returns the row that /proc/net/ipv6_route has for an IPv6 route, of a multipath route that of the first next hop, as far as
// IPv6Rows knows it.
func IPv6RowOf(r *rtnl.Route) IPv6Row {
	var row IPv6Row
	row.fromRoute(r)
	if len(r.Multipath) > 0 {
		row.hop(r.Multipath[0].Gateway, r.Multipath[0].Oif, r.Multipath[0].OifName, uint32(r.Multipath[0].Flags))
	} else {
		row.hop(r.Gateway, r.Oif, r.OifName, r.Flags)
	}
	return row
}

// fromRoute makes a row of a route (net/ipv4/fib_trie.c, fib_route_seq_show and fib_flag_trans).
func (row *IPv4Row) fromRoute(r *rtnl.Route) {
	*row = IPv4Row{Destination: r.Dst.Addr(), Mask: mask4(r.Dst.Bits()), Flags: FlagUp, Metric: r.Priority,
		Window: r.Metrics.Window, IRTT: r.Metrics.RTT >> 3, Gateway: netip.IPv4Unspecified()}
	if r.Metrics.AdvMSS != 0 {
		row.MTU = r.Metrics.AdvMSS + mssHeaders
	}
	if r.Type == unix.RTN_UNREACHABLE || r.Type == unix.RTN_PROHIBIT {
		row.Flags |= FlagReject
	}
	if r.Dst.Bits() == 32 {
		row.Flags |= FlagHost
	}
	gateway, oif, name := r.Gateway, r.Oif, r.OifName
	if len(r.Multipath) > 0 {
		gateway, oif, name = r.Multipath[0].Gateway, r.Multipath[0].Oif, r.Multipath[0].OifName
	}
	switch {
	case !gateway.IsValid():
	case gateway.Is4():
		row.Gateway = gateway
		row.setGateway(!gateway.IsUnspecified())
	default: // the kernel asks for the first four bytes of the address, whatever its family
		raw := gateway.As16()
		row.setGateway([4]byte(raw[:4]) != [4]byte{})
	}
	row.Iface = ifaceName(oif, name, "*")
}

func (row *IPv4Row) setGateway(is bool) {
	if is {
		row.Flags |= FlagGateway
	}
}

// ifaceName returns the name of an interface: none where there is no index, and the index where it went before its name was read.
func ifaceName(index int, name, none string) string {
	switch {
	case name != "":
		return name
	case index == 0:
		return none
	}
	return "if" + strconv.Itoa(index)
}

// mask4 returns the IPv4 mask of a length from 0 to 32.
func mask4(bits int) netip.Addr {
	m := ^uint32(0)
	if bits < 32 {
		m = ^(m >> bits)
	}
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
}

// IPv6Rows walks the rows of /proc/net/ipv6_route as they follow from rtnetlink. It lacks what rtnetlink does not carry: RefCnt and
// Use are 0, each table's null entry is left out, and of the flags FlagDefault, FlagAddrconf and those without a letter are not known. It reads
// as IPv4Rows does.
func (c *Conn) IPv6Rows() iter.Seq2[*IPv6Row, error] {
	return func(yield func(*IPv6Row, error) bool) {
		var row IPv6Row
		c.rt.ReadAhead()
		for r, err := range c.List(Filter{Family: unix.AF_INET6}) {
			if err != nil {
				yield(nil, err)
				return
			}
			row.fromRoute(r)
			if len(r.Multipath) == 0 {
				row.hop(r.Gateway, r.Oif, r.OifName, r.Flags)
				if !yield(&row, nil) {
					return
				}
			}
			flags, shown := row.Flags, r.Multipath // the file has a line for each
			if r.NexthopID != 0 && len(shown) > 1 {
				shown = shown[:1] // but of an object the first alone
			}
			for i := range shown {
				h := &shown[i]
				row.Flags = flags
				row.hop(h.Gateway, h.Oif, h.OifName, uint32(h.Flags))
				if !yield(&row, nil) {
					return
				}
			}
		}
	}
}

// RTF_ bits of IPv6 that have no letter (include/uapi/linux/ipv6_route.h).
const (
	flagAnycast RouteFlags = 0x00100000
	flagLocal   RouteFlags = 0x80000000
)

// fromRoute makes all of a row but its next hop (net/ipv6/ip6_fib.c, ipv6_route_native_seq_show; the flags are those that
// net/ipv6/route.c, rtm_to_fib6_config and fib6_nh_init, net/ipv6/addrconf.c, addrconf_f6i_alloc, give).
func (row *IPv6Row) fromRoute(r *rtnl.Route) {
	*row = IPv6Row{Destination: r.Dst.Addr(), DestLen: uint8(r.Dst.Bits()), Source: netip.IPv6Unspecified(), Metric: r.Priority, Flags: FlagUp}
	if r.Src.IsValid() {
		row.Source, row.SourceLen = r.Src.Addr(), uint8(r.Src.Bits())
	}
	kernel := r.Protocol == unix.RTPROT_KERNEL
	switch r.Type {
	case unix.RTN_BLACKHOLE, unix.RTN_UNREACHABLE, unix.RTN_PROHIBIT, unix.RTN_THROW:
		if r.NexthopID == 0 {
			row.Flags = FlagReject | FlagNonexthop
		}
	case unix.RTN_LOCAL:
		row.Flags |= flagLocal
		if kernel {
			row.Flags |= FlagNonexthop
		}
	case unix.RTN_ANYCAST:
		if kernel {
			row.Flags |= flagAnycast | FlagNonexthop
		}
	}
	// The kernel makes a rejecting route of one that leads into the loopback interface.
	if r.Oif == loopback && !kernel && (r.Type == unix.RTN_UNICAST || r.Type == unix.RTN_ANYCAST) && !r.Dst.Addr().IsLoopback() {
		row.Flags = FlagReject | FlagNonexthop
	}
	if r.Expires != 0 {
		row.Flags |= FlagExpires
	}
}

// hop sets the next hop of a row.
func (row *IPv6Row) hop(gateway netip.Addr, oif int, name string, flags uint32) {
	row.NextHop = netip.IPv6Unspecified()
	if gateway.IsValid() {
		row.NextHop = gateway
		row.Flags |= FlagGateway
	}
	if flags&unix.RTNH_F_ONLINK != 0 {
		row.Flags |= FlagHost // one bit has both meanings
	}
	row.Iface = ifaceName(oif, name, "")
}

// IPv6Entries returns the number of routes in all IPv6 tables, null entries not counted, from the file rt6_stats of a proc tree; false
// when it cannot be read.
//
// Written by rt6_stats_seq_show (net/ipv6/route.c): seven hexadecimal numbers of which the fourth is fib_rt_entries.
func IPv6Entries(root procfile.Root) (uint64, bool) {
	f, err := root.OpenNet("rt6_stats")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var buffer [256]byte
	n, err := f.Read(buffer[:])
	if err != nil {
		return 0, false
	}
	return parseIPv6Entries(buffer[:n])
}

func parseIPv6Entries(text []byte) (uint64, bool) {
	const entries, fields = 3, 7
	words := bytes.Fields(text)
	if len(words) != fields {
		return 0, false
	}
	n, err := strconv.ParseUint(string(words[entries]), 16, 64)
	return n, err == nil
}
