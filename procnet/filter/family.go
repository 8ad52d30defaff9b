package filter

import (
	"strings"

	"gnet/procnet"
)

// family is the address family of a socket's table. An IPv6 socket is of inet6 even when it talks IPv4.
type family uint8

const (
	familyAny family = iota
	familyInet
	familyInet6
	familyUnix
)

func (f family) String() string { return [...]string{"any", "inet", "inet6", "unix"}[f] }

// cutFamily cuts inet: or inet6: off. In ss such a prefix limits the tables that are read; here it limits its condition.
func cutFamily(text string) (family, string) {
	for _, f := range []family{familyInet, familyInet6} {
		if rest, ok := strings.CutPrefix(text, f.String()+":"); ok {
			return f, rest
		}
	}
	return familyAny, text
}

func inFamily(f family, n expr) expr {
	if f == familyAny {
		return n
	}
	if n == (always{}) {
		return f
	}
	return and{f, n}
}

func readFamily(p *parser, c *comparand) (expr, error) {
	for _, f := range []family{familyInet, familyInet6, familyUnix} {
		if c.text == f.String() {
			return f, nil
		}
	}
	return nil, p.fail(c.value, "%q is no family", c.text).hint("families are inet, inet6 and unix")
}

func (f family) eval(s *Socket, _ *Needs) Verdict {
	switch f {
	case familyUnix:
		return verdict(s.Unix != nil)
	case familyInet6:
		return verdict(s.Inet != nil && s.Inet.V6)
	}
	return verdict(s.Inet != nil && !s.Inet.V6)
}

func (f family) needs() Needs { return 0 }

func (f family) append(dst []byte) []byte {
	return append(appendComparison(dst, "family", equal), f.String()...)
}

// proto is the protocol of a socket, by the word of the Proto column without the 6 of IPv6: tcp, udp, udplite, raw, sctp or unix.
type proto string

// protocols returns the protocols that sockets have.
func protocols() []procnet.Proto {
	return []procnet.Proto{procnet.TCP, procnet.UDP, procnet.UDPLite, procnet.Raw, procnet.SCTP}
}

func readProto(p *parser, c *comparand) (expr, error) {
	name, f := c.text, familyAny
	if bare, ok := strings.CutSuffix(name, "6"); ok {
		name, f = bare, familyInet6
	}
	if name == "udpl" {
		name = "udplite"
	}
	words := make([]string, 0, 6)
	for _, known := range protocols() {
		words = append(words, known.File(false))
		if name == known.File(false) {
			return inFamily(f, proto(name)), nil
		}
	}
	if c.text == "unix" {
		return familyUnix, nil
	}
	return nil, p.fail(c.value, "%q is no protocol", c.text).hint("protocols are %s and unix; tcp6 and the like are those over IPv6", strings.Join(words, ", "))
}

func (n proto) eval(s *Socket, _ *Needs) Verdict {
	return verdict(s.Inet != nil && s.Inet.Proto.File(false) == string(n))
}

func (n proto) needs() Needs { return 0 }

func (n proto) append(dst []byte) []byte { return append(appendComparison(dst, "proto", equal), n...) }
