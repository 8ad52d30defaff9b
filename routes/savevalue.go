package routes

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
)

// text returns a string's text.
func (p *routeParser) text(v jsonValue) (string, error) {
	b, err := p.string(v)
	return string(b), err
}

// string returns a string's text in p.scratch, which the next call overwrites.
func (p *routeParser) string(v jsonValue) ([]byte, error) {
	if v.kind != '"' {
		return nil, errors.New("not a string")
	}
	p.scratch = v.unescape(p.scratch[:0])
	return p.scratch, nil
}

// number reads a number without a sign and a fraction.
func number(v jsonValue, largest uint64) (uint32, error) {
	n, err := number64(v, largest)
	return uint32(n), err
}

func number16(v jsonValue) (uint16, error) {
	n, err := number64(v, math.MaxUint16)
	return uint16(n), err
}

func number64(v jsonValue, largest uint64) (uint64, error) {
	var n uint64
	if v.kind < '0' || v.kind > '9' {
		return 0, fmt.Errorf("not a number from 0 to %d", largest)
	}
	for _, c := range v.raw {
		if c < '0' || c > '9' || n > largest/10 {
			return 0, fmt.Errorf("not a number from 0 to %d", largest)
		}
		n = 10*n + uint64(c-'0')
	}
	if n > largest {
		return 0, fmt.Errorf("not a number from 0 to %d", largest)
	}
	return n, nil
}

// bytes reads opaque bytes in hexadecimal.
func (p *routeParser) bytes(v jsonValue) (string, error) {
	b, err := p.string(v)
	if err != nil {
		return "", err
	}
	raw := make([]byte, hex.DecodedLen(len(b)))
	if _, err := hex.Decode(raw, b); err != nil {
		return "", errors.New("not bytes in hexadecimal")
	}
	return string(raw), nil
}

// destination reads a prefix, an address, or default, whose family is decided later.
func (p *routeParser) destination(v jsonValue) (err error) {
	if v.kind == '"' && string(v.raw) == "default" {
		p.r.Dst = netip.Prefix{}
		return nil
	}
	p.r.Dst, err = p.prefix(v)
	return err
}

// prefix reads ADDRESS/LENGTH, or an address alone.
func (p *routeParser) prefix(v jsonValue) (netip.Prefix, error) {
	b, err := p.string(v)
	if err != nil {
		return netip.Prefix{}, err
	}
	if prefix, ok := parsePrefix4(b); ok {
		return prefix, nil
	}
	if prefix, err := netip.ParsePrefix(string(b)); err == nil {
		return prefix, nil
	}
	addr, err := netip.ParseAddr(string(b))
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no prefix", b)
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// parsePrefix4 is netip.ParsePrefix for the usual case, without its allocations.
func parsePrefix4(b []byte) (netip.Prefix, bool) {
	var addr [4]byte
	i := 0
	for n := range addr {
		start, value := i, 0
		for ; i < len(b) && b[i] >= '0' && b[i] <= '9' && i-start < 4; i++ {
			value = 10*value + int(b[i]-'0')
		}
		if i == start || value > 255 || i-start > 1 && b[start] == '0' {
			return netip.Prefix{}, false
		}
		addr[n] = byte(value)
		if n < 3 {
			if i >= len(b) || b[i] != '.' {
				return netip.Prefix{}, false
			}
			i++
		}
	}
	bits, length := 32, b[i:]
	if len(length) > 0 {
		if length = length[1:]; b[i] != '/' || len(length) == 0 || len(length) > 2 || len(length) == 2 && length[0] == '0' {
			return netip.Prefix{}, false
		}
		bits = 0
		for _, c := range length {
			if c < '0' || c > '9' {
				return netip.Prefix{}, false
			}
			bits = 10*bits + int(c-'0')
		}
		if bits > 32 {
			return netip.Prefix{}, false
		}
	}
	return netip.PrefixFrom(netip.AddrFrom4(addr), bits), true
}

// addr reads an address; iproute2 writes a gateway of the other family as an object.
func (p *routeParser) addr(v jsonValue) (addr netip.Addr, err error) {
	if v.kind == '{' {
		err = eachMember(v.raw, func(name []byte, v jsonValue) (err error) {
			if string(name) == "host" {
				addr, err = p.addr(v)
			} else if string(name) != "family" {
				err = fmt.Errorf("%q is no key of a gateway", name)
			}
			return err
		})
		if err == nil && !addr.IsValid() {
			err = errors.New("there is no host")
		}
		return addr, err
	}
	b, err := p.string(v)
	if err != nil {
		return addr, err
	}
	if prefix, ok := parsePrefix4(b); ok && prefix.Bits() == 32 && bytes.IndexByte(b, '/') < 0 {
		return prefix.Addr(), nil
	}
	addr, err = netip.ParseAddr(string(b))
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is no address", b)
	}
	return addr, nil
}
