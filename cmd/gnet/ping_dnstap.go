package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// dnsTap stands between the resolver and the name servers. It reads along what they
// answer: the resolver keeps the canonical name to itself, and would ask for both families
// to tell it.
type dnsTap struct {
	mu      sync.Mutex
	last    wire.DNSAnswer // an answer with an address, if there was one
	servers []string       // those that were asked
	asked   []string       // the names that they were asked for
	heard   []string       // those of them that a server has said something about
}

// unheardNames is after how many names of the search list that nobody says anything about
// no other is asked for: the C library tries one more when a first one had no answer
// (__res_context_search), where the resolver of Go would wait for each.
const unheardNames = 2

// errUnheard ends a search that nobody answers.
var errUnheard = errors.New("no name server has answered")

// lookUp asks hosts(5) and DNS for the addresses of a name in a family, or in both.
func (t *dnsTap) lookUp(ctx context.Context, name string, family probe.Family) ([]netip.Addr, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: t.dial}
	return resolver.LookupNetIP(ctx, map[probe.Family]string{0: "ip", probe.IPv4: "ip4", probe.IPv6: "ip6"}[family], name)
}

func (t *dnsTap) answer() wire.DNSAnswer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// silence says which name servers did not answer; it is empty when one did, or none was asked.
func (t *dnsTap) silence() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heard) > 0 || len(t.servers) == 0 {
		return ""
	}
	return "no answer from the name servers of resolv.conf(5): " + strings.Join(t.servers, ", ")
}

func (t *dnsTap) dial(ctx context.Context, network, address string) (net.Conn, error) {
	t.mu.Lock()
	if host, _, err := net.SplitHostPort(address); err == nil && !slices.Contains(t.servers, host) {
		t.servers = append(t.servers, host)
	}
	t.mu.Unlock()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		return &tappedUDP{UDPConn: udp, tap: t}, nil
	}
	return conn, err
}

// question notes a question, and reports whether it may be asked.
func (t *dnsTap) question(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.asked, name) {
		return true
	}
	if len(t.asked)-len(t.heard) >= unheardNames {
		return false
	}
	t.asked = append(t.asked, name)
	return true
}

// hear notes what a server says about a name, whatever it is.
func (t *dnsTap) hear(name string, message []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.heard, name) {
		t.heard = append(t.heard, name)
	}
	a, ok := wire.ReadDNSAnswer(message)
	if exists := t.last.Exists; ok && len(t.last.Owner) == 0 {
		t.last = a
		t.last.Exists = a.Exists || exists
	}
}

// tappedUDP is one conversation.
type tappedUDP struct {
	*net.UDPConn
	tap  *dnsTap
	id   uint16 // of the question
	name string // that it is about
}

// dnsName is where the name of a message's first question begins (RFC 1035, section 4.1).
const dnsName = 12

// Write sends a question.
func (c *tappedUDP) Write(b []byte) (int, error) {
	name, _, err := wire.ReadDNSName(nil, b, dnsName)
	if err != nil {
		return 0, err
	}
	c.id, c.name = binary.BigEndian.Uint16(b), string(name)
	if !c.tap.question(c.name) {
		return 0, errUnheard
	}
	return c.UDPConn.Write(b)
}

// Read receives an answer.
func (c *tappedUDP) Read(b []byte) (int, error) {
	n, err := c.UDPConn.Read(b)
	if err == nil && n > dnsName && b[2]&0x80 != 0 && binary.BigEndian.Uint16(b) == c.id { // a response
		c.tap.hear(c.name, b[:n])
	}
	return n, err
}
