package rtnl

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Rule is one entry of the routing policy (RTM_NEWRULE, struct fib_rule_hdr).
// A zero or invalid selector matches every packet.
type Rule struct {
	Family uint8
	// Priority orders the rules, lowest first.
	Priority uint32
	Src, Dst netip.Prefix
	Tos      uint8
	// Table is the one that Action FR_ACT_TO_TBL looks into.
	Table uint32
	// Action is unix.FR_ACT_*.
	Action uint8
	// Goto is the priority that FR_ACT_GOTO jumps to.
	Goto uint32
	// Flags are FIB_RULE_INVERT and so on.
	Flags    uint32
	Protocol uint8
	// IifName and OifName are text from outside.
	IifName, OifName string
	FwMark, FwMask   uint32
	// SuppressPrefixLen drops matches of at most that length; -1: off.
	SuppressPrefixLen int32
	// SuppressIfGroup drops matches through that device group; -1: off.
	SuppressIfGroup int32
	L3mdev          bool
	// IPProto is the IP protocol's number, 0: any.
	IPProto uint8
	// SrcPort, DstPort and UIDs are inclusive ranges; the zero value: any.
	SrcPort, DstPort PortRange
	UIDs             UIDRange
}

// PortRange is an inclusive range of ports; the zero value is any port.
type PortRange struct{ First, Last uint16 }

// UIDRange is an inclusive range of user ids if Set is true.
type UIDRange struct {
	First, Last uint32
	Set         bool
}

const sizeofRuleHeader = 12 // struct fib_rule_hdr, linux/fib_rules.h

// Rules lists the rules of a family in the order in which the kernel tries
// them; unix.AF_UNSPEC lists those of IPv4 and then of IPv6.
func (c *Conn) Rules(family uint8) iter.Seq2[*Rule, error] {
	head := func(r *netlink.Request) { r.Fixed(sizeofRuleHeader)[0] = family }
	return list(c, "list rules", unix.RTM_GETRULE, head, func(m netlink.Message, rule *Rule) (bool, error) {
		return decodeRule(m, family, rule)
	})
}

// decodeRule reads struct fib_rule_hdr and its attributes
// (net/core/fib_rules.c, fib_nl_fill_rule).
func decodeRule(m netlink.Message, family uint8, r *Rule) (bool, error) {
	if m.Type != unix.RTM_NEWRULE {
		return false, nil
	}
	if len(m.Body) < sizeofRuleHeader {
		return false, netlink.ErrShortMessage
	}
	fam := m.Body[0]
	if fam != unix.AF_INET && fam != unix.AF_INET6 || family != unix.AF_UNSPEC && fam != family {
		return false, nil
	}
	*r = Rule{
		Family: fam, Tos: m.Body[3], Table: uint32(m.Body[4]), Action: m.Body[7],
		Flags: binary.NativeEndian.Uint32(m.Body[8:]), SuppressPrefixLen: -1, SuppressIfGroup: -1,
	}
	attrs := netlink.ReadAttrs(m.Body[sizeofRuleHeader:])
	for attrs.Next() {
		switch attrs.Type() {
		case unix.FRA_DST:
			r.Dst = netip.PrefixFrom(attrs.Addr(), int(m.Body[1]))
		case unix.FRA_SRC:
			r.Src = netip.PrefixFrom(attrs.Addr(), int(m.Body[2]))
		default:
			r.attribute(&attrs)
		}
	}
	return true, attrs.Err()
}

func (r *Rule) attribute(a *netlink.Attrs) {
	switch a.Type() {
	case unix.FRA_PRIORITY:
		r.Priority = a.Uint32()
	case unix.FRA_TABLE:
		r.Table = a.Uint32()
	case unix.FRA_GOTO:
		r.Goto = a.Uint32()
	case unix.FRA_IIFNAME:
		r.IifName = a.String()
	case unix.FRA_OIFNAME:
		r.OifName = a.String()
	case unix.FRA_FWMARK:
		r.FwMark = a.Uint32()
	case unix.FRA_FWMASK:
		r.FwMask = a.Uint32()
	case unix.FRA_SUPPRESS_PREFIXLEN:
		r.SuppressPrefixLen = int32(a.Uint32())
	case unix.FRA_SUPPRESS_IFGROUP:
		r.SuppressIfGroup = int32(a.Uint32())
	case unix.FRA_L3MDEV:
		r.L3mdev = a.Uint8() != 0
	case unix.FRA_PROTOCOL:
		r.Protocol = a.Uint8()
	case unix.FRA_IP_PROTO:
		r.IPProto = a.Uint8()
	case unix.FRA_SPORT_RANGE:
		r.SrcPort = ports(a)
	case unix.FRA_DPORT_RANGE:
		r.DstPort = ports(a)
	case unix.FRA_UID_RANGE:
		both := a.Uint64()
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], both)
		r.UIDs = UIDRange{First: binary.NativeEndian.Uint32(b[:]), Last: binary.NativeEndian.Uint32(b[4:]), Set: true}
	}
}

// ports reads struct fib_rule_port_range: two ports in host order.
func ports(a *netlink.Attrs) PortRange {
	if len(a.Data()) != 4 {
		a.Fail()
		return PortRange{}
	}
	return PortRange{First: binary.NativeEndian.Uint16(a.Data()), Last: binary.NativeEndian.Uint16(a.Data()[2:])}
}
