package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/routes"
)

// ruleText is a rule's selectors and action in the words and the order of ip-rule(8). It may hold names of interfaces, text from
// outside.
func ruleText(r *rtnl.Rule) string {
	var b strings.Builder
	if r.Flags&unix.FIB_RULE_INVERT != 0 {
		b.WriteString("not ")
	}
	b.WriteString("from " + prefixText(r.Src, "all"))
	if to := prefixText(r.Dst, ""); to != "" {
		b.WriteString(" to " + to)
	}
	if r.Tos != 0 {
		fmt.Fprintf(&b, " tos %#x", r.Tos)
	}
	switch {
	case r.FwMask == 0 && r.FwMark == 0:
	case r.FwMask == 0xffffffff:
		fmt.Fprintf(&b, " fwmark %#x", r.FwMark)
	default:
		fmt.Fprintf(&b, " fwmark %#x/%#x", r.FwMark, r.FwMask)
	}
	ruleDevices(&b, r)
	if r.UIDs.Set {
		fmt.Fprintf(&b, " uidrange %d-%d", r.UIDs.First, r.UIDs.Last)
	}
	if r.IPProto != 0 {
		b.WriteString(" ipproto " + ipProtocolText(r.IPProto))
	}
	rulePorts(&b, "sport", r.SrcPort)
	rulePorts(&b, "dport", r.DstPort)
	ruleAction(&b, r)
	return b.String()
}

// prefixText writes a host without its length; a prefix of length 0 is all.
func prefixText(p netip.Prefix, all string) string {
	switch {
	case !p.IsValid() || p.Bits() == 0:
		return all
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

func ruleDevices(b *strings.Builder, r *rtnl.Rule) {
	for _, end := range []struct {
		word, name string
		gone       uint32
	}{{"iif", r.IifName, unix.FIB_RULE_IIF_DETACHED}, {"oif", r.OifName, unix.FIB_RULE_OIF_DETACHED}} {
		if end.name == "" {
			continue
		}
		b.WriteString(" " + end.word + " " + end.name)
		if r.Flags&end.gone != 0 {
			b.WriteString(" [detached]")
		}
	}
}

func ipProtocolText(protocol uint8) string {
	switch protocol {
	case unix.IPPROTO_ICMP:
		return "icmp"
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_UDP:
		return "udp"
	case unix.IPPROTO_ICMPV6:
		return "ipv6-icmp"
	}
	return strconv.Itoa(int(protocol))
}

func rulePorts(b *strings.Builder, word string, r rtnl.PortRange) {
	switch {
	case r == rtnl.PortRange{}:
	case r.First == r.Last:
		fmt.Fprintf(b, " %s %d", word, r.First)
	default:
		fmt.Fprintf(b, " %s %d-%d", word, r.First, r.Last)
	}
}

func ruleAction(b *strings.Builder, r *rtnl.Rule) {
	switch {
	case r.L3mdev:
		b.WriteString(" lookup [l3mdev-table]")
	case r.Action == unix.FR_ACT_TO_TBL:
		b.WriteString(" lookup " + routes.TableName(r.Table))
	}
	if r.SuppressPrefixLen >= 0 {
		fmt.Fprintf(b, " suppress_prefixlength %d", r.SuppressPrefixLen)
	}
	if r.SuppressIfGroup >= 0 {
		fmt.Fprintf(b, " suppress_ifgroup %d", r.SuppressIfGroup)
	}
	switch r.Action {
	case unix.FR_ACT_TO_TBL:
	case unix.FR_ACT_GOTO:
		fmt.Fprintf(b, " goto %d", r.Goto)
		if r.Flags&unix.FIB_RULE_UNRESOLVED != 0 {
			b.WriteString(" [unresolved]")
		}
	case unix.FR_ACT_NOP:
		b.WriteString(" nop")
	case unix.FR_ACT_BLACKHOLE:
		b.WriteString(" blackhole")
	case unix.FR_ACT_UNREACHABLE:
		b.WriteString(" unreachable")
	case unix.FR_ACT_PROHIBIT:
		b.WriteString(" prohibit")
	default:
		fmt.Fprintf(b, " action %d", r.Action)
	}
}
