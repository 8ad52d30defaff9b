package filter

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// host is src and dst with addresses: a host name stands for all of its own. An IPv4 prefix also matches the mapped addresses of IPv6
// sockets, as in inet_diag.
type host struct {
	dest     bool
	prefixes []netip.Prefix // masked
	name     string         // "" for an address
}

// readHost reads [FAMILY:]ADDRESS[/PREFIX][:PORT], or the pattern of a unix socket's name.
func readHost(p *parser, c *comparand) (expr, error) {
	dest := c.name == "dst"
	if pattern, ok := strings.CutPrefix(c.text, "unix:"); ok || strings.HasPrefix(c.text, "/") || strings.HasPrefix(c.text, "@") {
		if dest {
			return nil, p.fail(c.value, "the name of a unix socket's peer is not known").hint("src compares the name of the socket itself")
		}
		return unixName{pattern}, nil
	}
	if c.text == "" { // an unset variable of a script must not select every socket
		return nil, p.fail(c.value, "the address is missing").hint("* is any address")
	}
	family, text := cutFamily(c.text)
	address, portText, err := p.splitHost(c.value, text)
	if err != nil {
		return nil, err
	}
	var parts and
	if family != familyAny {
		parts = append(parts, family)
	}
	switch address {
	case "", "*", "any", "all", "default":
	default:
		h, err := p.host(c.value, dest, family, address)
		if err != nil {
			return nil, err
		}
		parts = append(parts, h)
	}
	if portText != "" && portText != "*" {
		value, err := p.port(c.value, portText)
		if err != nil {
			return nil, err
		}
		parts = append(parts, port{dest, equal, value})
	}
	if len(parts) == 0 {
		return always{}, nil
	}
	return single(parts), nil
}

// splitHost cuts an address from its port. An IPv6 address without brackets may end in what looks like a port.
func (p *parser) splitHost(t token, text string) (address, port string, err error) {
	if inside, ok := strings.CutPrefix(text, "["); ok {
		address, rest, closed := strings.Cut(inside, "]")
		mask, port, colon := strings.Cut(rest, ":")
		if !closed || address == "" || mask != "" && (mask[0] != '/' || strings.Contains(address, "/")) {
			return "", "", p.fail(t, "%q is no address", text).hint("an address in brackets is [ADDRESS], [ADDRESS/PREFIX] or [ADDRESS]:PORT")
		}
		if colon && port == "" {
			port = "*"
		}
		return address + mask, port, nil
	}
	last := strings.LastIndexByte(text, ':')
	switch {
	case last < 0:
		return text, "", nil
	case strings.IndexByte(text, ':') == last, strings.IndexByte(text, '/') >= 0 && strings.IndexByte(text, '/') < last:
		return text[:last], text[last+1:], nil
	case strings.Contains(text, "/"):
		return text, "", nil
	}
	_, whole := netip.ParseAddr(text)
	_, front := netip.ParseAddr(text[:last])
	if whole == nil && front == nil && allDigits(text[last+1:]) {
		return "", "", p.fail(t, "%q is an address, and an address with a port", text).
			hint("write [%s] or [%s]:%s", text, text[:last], text[last+1:])
	}
	if whole != nil && front == nil {
		return text[:last], text[last+1:], nil
	}
	return text, "", nil
}

// host reads an address with or without a prefix, or asks for a name.
func (p *parser) host(t token, dest bool, f family, text string) (expr, error) {
	prefix, err := parsePrefix(text)
	switch {
	case err == nil && (f == familyInet && prefix.Addr().Is6() || f == familyInet6 && prefix.Addr().Is4()):
		return nil, p.fail(t, "%s is no %s address", text, f)
	case err == nil:
		return host{dest, []netip.Prefix{prefix}, ""}, nil
	case err != errNoAddress:
		return nil, p.fail(t, "%q %v", text, err)
	case !isHostName(text):
		return nil, p.fail(t, "%q is no address", text).hint("addresses are 192.0.2.1, 192.0.2.0/24, 192.0.2.1:80, [2001:db8::1]:80 or *:80")
	}
	addrs, err := p.names.Host(text)
	if err != nil || len(addrs) == 0 {
		return nil, p.fail(t, "%q is no address, and no host of that name was found", text)
	}
	h := host{dest: dest, name: text}
	for _, a := range addrs {
		a = a.Unmap().WithZone("")
		h.prefixes = append(h.prefixes, netip.PrefixFrom(a, a.BitLen()))
	}
	return h, nil
}

// isHostName reports whether text can be the name of a host: letters, digits, dots, hyphens, and more than digits.
func isHostName(text string) bool {
	letters := false
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
		letters = letters || letter
		if !letter && !('0' <= c && c <= '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return letters
}

// badAddress is the reason why something that looks like an address is none.
type badAddress string

func (e badAddress) Error() string { return string(e) }

const errNoAddress badAddress = "is no address"

// parsePrefix reads an address with or without a length behind a slash, or for IPv4 a mask. As in ss an IPv4 address may have
// fewer than four numbers, and those that are missing are zero: 10/8, 127.1 is 127.1.0.0.
func parsePrefix(text string) (netip.Prefix, error) {
	address, length, masked := strings.Cut(text, "/")
	var a netip.Addr
	var err error
	if strings.Contains(address, ":") {
		a, err = netip.ParseAddr(address)
		if a.Zone() != "" {
			return netip.Prefix{}, badAddress("has a zone, which no socket's address has: use dev")
		}
	} else {
		a, err = parseIPv4(address)
	}
	if err != nil {
		if _, isBad := err.(badAddress); !isBad {
			err = errNoAddress
		}
		return netip.Prefix{}, err
	}
	n := a.BitLen()
	if masked {
		if n, err = parseLength(a, length); err != nil {
			return netip.Prefix{}, err
		}
	}
	return netip.PrefixFrom(a, n).Masked(), nil
}

func parseIPv4(text string) (netip.Addr, error) {
	parts := strings.Split(text, ".")
	var b [4]byte
	for i, part := range parts {
		if !allDigits(part) {
			return netip.Addr{}, errNoAddress
		}
		n, err := parseNumber(part, 8)
		if err == errLeadingZero {
			return netip.Addr{}, badAddress(err.Error())
		}
		if err != nil || i == len(b) {
			return netip.Addr{}, errNoAddress
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom4(b), nil
}

// parseLength reads the length of a prefix, or an IPv4 mask.
func parseLength(a netip.Addr, text string) (int, error) {
	if a.Is4() && strings.Contains(text, ".") {
		m, err := parseIPv4(text)
		if err != nil || strings.Count(text, ".") != 3 {
			return 0, badAddress("has a mask that is no address")
		}
		b := m.As4()
		mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		n := bits.LeadingZeros32(^mask)
		if mask<<n != 0 {
			return 0, badAddress("has a mask with holes")
		}
		return n, nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || !allDigits(text) || int(n) > a.BitLen() {
		return 0, badAddress(fmt.Sprintf("has a prefix length that is not 0 to %d", a.BitLen()))
	}
	return int(n), nil
}

func (n host) eval(s *Socket, _ *Needs) Verdict {
	if s.Inet == nil {
		return No
	}
	addr := s.Inet.Local.Addr()
	if n.dest {
		addr = s.Inet.Remote.Addr()
	}
	addr = addr.WithZone("") // no prefix contains an address with a zone
	for _, p := range n.prefixes {
		a := addr
		if p.Addr().Is4() {
			a = a.Unmap()
		}
		if p.Contains(a) {
			return Yes
		}
	}
	return No
}

func (n host) needs() Needs { return 0 }

func (n host) append(dst []byte) []byte {
	name := "src"
	if n.dest {
		name = "dst"
	}
	dst = appendComparison(dst, name, equal)
	if n.name != "" {
		return append(dst, n.name...)
	}
	p := n.prefixes[0]
	text := p.String()
	if p.IsSingleIP() {
		text = p.Addr().String()
	}
	if p.Addr().Is6() {
		text = "[" + text + "]"
	}
	return append(dst, text...)
}
