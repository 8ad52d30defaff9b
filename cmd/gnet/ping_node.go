package main

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// nodeOptions is what the options -N ask for (RFC 4620).
type nodeOptions struct {
	qtype, flags uint16 // qtype 0: no query
	// subject is the text behind subject-WORD=, and kind its kind; full makes a
	// name of one label a whole one.
	hasSubject bool
	subject    string
	kind       uint8
	full       bool
	zone       string // device of the group that listens for subject, behind %
}

// errNodeHelp asks for the words of -N.
var errNodeHelp = errors.New("help for -N")

// nodeHelp is the answer to -N help.
const nodeHelp = `ping -6 -N QUERY [-N SUBJECT] DESTINATION
Query:
  name               names of the node
  ipv4               its IPv4 addresses on the asked interface
  ipv4-all           on all interfaces
  ipv6               its IPv6 addresses on the asked interface
  ipv6-all           on all interfaces
  ipv6-compatible, ipv6-linklocal, ipv6-sitelocal, ipv6-global
                     those of a kind
Subject, the node itself unless given:
  subject-ipv6=ADDRESS
  subject-ipv4=ADDRESS
  subject-name=NAME[%DEVICE]
  subject-fqdn=NAME[%DEVICE]
`

// nodeQuery returns what a word asks for: type and flags (RFC 4620 6).
func nodeQuery(word string) (qtype, flags uint16, ok bool) {
	switch word {
	case "name":
		return wire.NodeName, 0, true
	case "ipv4":
		return wire.NodeIPv4, 0, true
	case "ipv4-all":
		return wire.NodeIPv4, 2, true
	case "ipv6":
		return wire.NodeIPv6, 0, true
	case "ipv6-all":
		return wire.NodeIPv6, 2, true
	case "ipv6-compatible":
		return wire.NodeIPv6, 4, true
	case "ipv6-linklocal":
		return wire.NodeIPv6, 8, true
	case "ipv6-sitelocal":
		return wire.NodeIPv6, 16, true
	case "ipv6-global":
		return wire.NodeIPv6, 32, true
	}
	return 0, 0, false
}

// setNode reads one -N: a query, of which there may be several of one type, or a
// subject.
func (o *pingOptions) setNode(arg string) error {
	n := &o.Node
	if arg == "help" {
		return errNodeHelp
	}
	if qtype, flags, ok := nodeQuery(arg); ok {
		if n.qtype != 0 && n.qtype != qtype {
			return fail(statusCannot, "Qtype conflict")
		}
		n.qtype, n.flags = qtype, n.flags|flags
		return nil
	}
	word, text, given := strings.Cut(arg, "=")
	kinds := map[string]uint8{"subject-ipv6": wire.NodeSubjectIPv6, "subject-ipv4": wire.NodeSubjectIPv4,
		"subject-name": wire.NodeSubjectName, "subject-fqdn": wire.NodeSubjectName}
	kind, known := kinds[word]
	switch {
	case !given || !known:
		return fail(statusCannot, "invalid -N argument: %s", arg).withHint("-N help lists the words")
	case n.hasSubject && n.kind != kind:
		return fail(statusCannot, "Subject type conflict")
	}
	n.hasSubject, n.kind, n.full, n.subject, n.zone = true, kind, word == "subject-fqdn", text, ""
	if kind == wire.NodeSubjectName {
		n.subject, n.zone, _ = strings.Cut(strings.ToLower(text), "%")
		if _, err := n.name(); err != nil {
			return fail(statusCannot, "inappropriate subject name: %s", text)
		}
	}
	return nil
}

// name returns a subject that is a name, as it is on the wire: with a second
// empty label when it is one label that lacks its domain (RFC 4620 5.1).
func (n *nodeOptions) name() ([]byte, error) {
	b, err := wire.AppendDNSName(nil, n.subject)
	if err == nil && !n.full && !strings.Contains(n.subject, ".") {
		b = append(b, 0)
	}
	return b, err
}

// group returns the address of the group in which the nodes listen that have the
// subject's name: the first three bytes of the MD5 of its first label, length
// included, behind ff02::2:ff00:0/104 (RFC 4620 5.2).
func (n *nodeOptions) group() (netip.Addr, bool) {
	if !n.hasSubject || n.kind != wire.NodeSubjectName {
		return netip.Addr{}, false
	}
	label, _, _ := strings.Cut(n.subject, ".")
	sum := md5.Sum(append([]byte{uint8(len(label))}, label...))
	a := [16]byte{0xff, 2, 11: 2, 12: 0xff, 13: sum[0], 14: sum[1], 15: sum[2]}
	return netip.AddrFrom16(a).WithZone(n.zone), true
}

// findNode looks up the address that is a subject. It comes before any socket.
func (o *pingOptions) findNode(ctx context.Context) error {
	n := &o.Node
	if !n.hasSubject || n.kind == wire.NodeSubjectName {
		return nil
	}
	family := probe.IPv6
	if n.kind == wire.NodeSubjectIPv4 {
		family = probe.IPv4
	}
	target, err := resolveTarget(ctx, n.subject, family)
	if err != nil {
		return err
	}
	n.subject = target.Addrs[0].WithZone("").String()
	return nil
}

// nodeQuery returns the query to a destination, nil when none is asked for or
// the destination is none of IPv6, where there are no such messages.
func (o *pingOptions) nodeQuery(dest netip.Addr) (*ping.NodeQuery, error) {
	n := &o.Node
	if n.qtype == 0 || !dest.Is6() {
		return nil, nil
	}
	q := &ping.NodeQuery{Qtype: n.qtype, Flags: n.flags, SubjectKind: n.kind}
	var err error
	switch {
	case !n.hasSubject:
		q.Subject = dest.AsSlice()
	case n.kind == wire.NodeSubjectName:
		q.Subject, err = n.name()
	default:
		var a netip.Addr
		a, err = netip.ParseAddr(n.subject)
		q.Subject = a.AsSlice()
	}
	return q, err
}

// appendNode appends what a node answered.
func (p *pingPrinter) appendNode(b []byte, ev *ping.Event) []byte {
	n, err := wire.CheckNodeInfo(ev.Data)
	if err != nil {
		return b
	}
	switch n.Code() {
	case wire.NodeSuccess:
		b = appendNodeAnswer(b, n)
	case wire.NodeRefused:
		b = append(b, " refused"...)
	case wire.NodeUnknown:
		b = append(b, " unknown"...)
	default:
		b = fmt.Appendf(b, " unknown code(%02x)", n.Code())
	}
	return fmt.Appendf(b, "; seq=%d;", uint16(ev.Seq))
}

func appendNodeAnswer(b []byte, n wire.NodeInfo) []byte {
	switch n.Qtype() {
	case wire.NodeName:
		return appendNodeNames(b, n)
	case wire.NodeIPv4, wire.NodeIPv6:
		return appendNodeAddrs(b, n)
	}
	return fmt.Appendf(b, " unknown qtype(0x%02x)", n.Qtype())
}

// appendNodeNames appends the names: a whole one ends in a dot.
func appendNodeNames(b []byte, n wire.NodeInfo) []byte {
	if len(n.Data()) < wire.NodeNames {
		return append(b, " parse error (too short)"...)
	}
	for at := wire.NodeNames; at < len(n.Data()); {
		if at > wire.NodeNames {
			b = append(b, ',')
		}
		after, next, full, err := n.NextName(append(b, ' '), at)
		if err != nil {
			return append(b, " parse error (truncated)"...)
		}
		if b = after; full {
			b = append(b, '.')
		}
		at = next
	}
	return b
}

func appendNodeAddrs(b []byte, n wire.NodeInfo) []byte {
	count, cut := n.AddrCount()
	separator := " "
	for i := range count {
		b = n.Addr(i).AppendTo(append(b, separator...))
		separator = ", "
	}
	if cut {
		b = append(append(b, separator...), "parse error (truncated)"...)
	}
	if n.Flags()&wire.NodeTruncated != 0 {
		b = append(b, " (truncated)"...)
	}
	return b
}
