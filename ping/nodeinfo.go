package ping

import (
	"encoding/binary"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// NodeQuery is what a node information query asks (RFC 4620).
type NodeQuery struct {
	// Qtype is what is asked for and Flags which of that: wire.NodeName and so on.
	Qtype, Flags uint16
	// SubjectKind says what Subject, as it is on the wire, is: wire.NodeSubjectIPv6
	// and so on.
	SubjectKind uint8
	Subject     []byte
}

// message returns the query without its nonce.
func (q *NodeQuery) message() []byte {
	return wire.AppendNodeQuery(nil, q.Qtype, q.Flags, q.SubjectKind, q.Subject)
}

// The nonce of a query holds what an echo request has in its header and data:
// identifier, number, and 32 bits of the cookie.
const (
	nonceSeq    = 2
	nonceCookie = 4
)

func fillNonce(b []byte, id uint16, s *sent) {
	nonce := wire.NodeInfo(b).Nonce()
	binary.BigEndian.PutUint16(nonce, id)
	binary.BigEndian.PutUint16(nonce[nonceSeq:], uint16(s.n))
	binary.BigEndian.PutUint32(nonce[nonceCookie:], uint32(s.cookie))
}

// parseNode reads a node information message of a type, in the terms of an echo
// message; its data is the whole message.
func parseNode(b []byte, want uint8) (echo, bool) {
	n, err := wire.CheckNodeInfo(b)
	if err != nil || n.Type() != want {
		return echo{}, false
	}
	nonce := n.Nonce()
	return echo{
		id:    binary.BigEndian.Uint16(nonce),
		seq:   binary.BigEndian.Uint16(nonce[nonceSeq:]),
		nonce: binary.BigEndian.Uint32(nonce[nonceCookie:]),
		data:  b,
	}, true
}

// parseReply reads a message that may be an answer to one of our probes.
func (p *Pinger) parseReply(b []byte) (echo, bool) {
	switch {
	case p.Node != nil:
		return parseNode(b, wire.ICMPv6NodeReply)
	case p.Family == probe.IPv6:
		return parseEcho(b, wire.ICMPv6EchoReply)
	}
	return parseEcho(b, wire.ICMPv4EchoReply)
}

// parseQuoted reads a message that may be one of our probes.
func (p *Pinger) parseQuoted(b []byte) (echo, bool) {
	switch {
	case p.Node != nil:
		return parseNode(b, wire.ICMPv6NodeQuery)
	case p.Family == probe.IPv6:
		return parseEcho(b, wire.ICMPv6EchoRequest)
	}
	return parseEcho(b, wire.ICMPv4EchoRequest)
}

// carries reports whether an answer carries what probe s did, as far as that can
// be told.
func (p *Pinger) carries(e *echo, s *sent) bool {
	if p.Node != nil {
		return e.nonce == uint32(s.cookie)
	}
	cookie, ok := e.cookie()
	return !ok || !p.hasCookie() || cookie == s.cookie
}

// mayQuote reports whether what an ICMP error quotes may be probe s.
func (p *Pinger) mayQuote(e *echo, s *sent) bool {
	if p.Node != nil {
		return e.nonce == uint32(s.cookie)
	}
	return !p.hasCookie() || mayQuote(e, s.cookie)
}
