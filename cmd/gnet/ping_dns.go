package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// asciiName returns a name as it is looked up: one with letters of the world in
// the form of RFC 5890, all others as they are.
func asciiName(name string) (string, error) {
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0 {
		return name, nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || !utf8.ValidString(name) {
		return "", fail(statusCannot, "%s: Parameter string not correctly encoded", name)
	}
	return ascii, nil
}

// lookUpTarget asks hosts(5) and DNS for the addresses of a name in a family, or
// in both, and for its canonical name. For one family only that is asked.
func lookUpTarget(ctx context.Context, operand string, family probe.Family) (pingTarget, error) {
	name, err := asciiName(operand)
	if err != nil {
		return pingTarget{}, err
	}
	tap := &dnsTap{}
	resolver := &net.Resolver{PreferGo: true, Dial: tap.dial}
	addrs, err := resolver.LookupNetIP(ctx, map[probe.Family]string{0: "ip", probe.IPv4: "ip4", probe.IPv6: "ip6"}[family], name)
	if err != nil || len(addrs) == 0 {
		return pingTarget{}, fail(statusCannot, "%s: %s", name, lookUpSentence(err, family, tap.answer().Exists))
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	target := pingTarget{Name: name, Addrs: uniqueLocalFirst(addrs)}
	switch owner := string(tap.answer().Owner); {
	case owner == "":
		target.Canonical = hostsName(ctx, name)
	case strings.EqualFold(owner, name):
		target.Canonical = name
	default:
		target.Canonical = owner
	}
	return target, nil
}

// hostsName returns the first name of a name's line in hosts(5), or the name
// itself when it stands there with an IPv6 address: that of another family's
// line is not the one.
func hostsName(ctx context.Context, name string) string {
	files := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }}
	if six, err := files.LookupNetIP(ctx, "ip6", name); err == nil && len(six) > 0 {
		return name
	}
	canonical, err := files.LookupCNAME(ctx, name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(canonical, ".")
}

// lookUpSentence is what gai_strerror(3) says. exists: a name server knows the
// name. One that has no address in the family that was asked for may have one in
// the other.
func lookUpSentence(err error, family probe.Family, exists bool) string {
	wrong, answer := (*net.AddrError)(nil), (*net.DNSError)(nil)
	switch {
	case errors.As(err, &wrong) || exists && family != 0:
		return "Address family for hostname not supported"
	case errors.As(err, &answer) && !answer.IsNotFound:
		return "Temporary failure in name resolution"
	case exists:
		return "No address associated with hostname"
	}
	return "Name or service not known"
}

// dnsTap reads along what name servers answer: the resolver keeps the canonical
// name to itself, and would ask for both families to tell it.
type dnsTap struct {
	mu   sync.Mutex
	last wire.DNSAnswer // an answer with an address, if there was one
}

func (t *dnsTap) answer() wire.DNSAnswer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func (t *dnsTap) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		return &tappedUDP{UDPConn: udp, tap: t}, nil
	}
	return conn, err
}

// tappedUDP is one conversation.
type tappedUDP struct {
	*net.UDPConn
	tap *dnsTap
	id  uint16 // of the question
}

// Write sends a question.
func (c *tappedUDP) Write(b []byte) (int, error) {
	if len(b) >= 2 {
		c.id = binary.BigEndian.Uint16(b)
	}
	return c.UDPConn.Write(b)
}

// Read receives an answer.
func (c *tappedUDP) Read(b []byte) (int, error) {
	n, err := c.UDPConn.Read(b)
	if a, ok := wire.ReadDNSAnswer(b[:max(n, 0)]); err == nil && ok && a.ID == c.id {
		c.tap.mu.Lock()
		defer c.tap.mu.Unlock()
		if exists := c.tap.last.Exists; len(c.tap.last.Owner) == 0 {
			c.tap.last = a
			c.tap.last.Exists = a.Exists || exists
		}
	}
	return n, err
}
