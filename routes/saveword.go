package routes

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// number of a word, by the last one of its kind or by find.
func (p *routeParser) remember(place int, v jsonValue, find func(word string) (uint32, error)) (uint32, error) {
	b, err := p.string(v)
	if err != nil {
		return 0, err
	}
	last := &p.words[place]
	if last.word != "" && last.word == string(b) {
		return last.n, nil
	}
	word := string(b)
	n, err := find(word)
	if err != nil {
		return 0, err
	}
	*last = remembered{word, n}
	return n, nil
}

// NoInterfaceError says that a route's interface is not there.
type NoInterfaceError struct{ Name string }

// Error names the interface.
func (e *NoInterfaceError) Error() string { return "there is no interface " + strconv.Quote(e.Name) }

// iface finds an interface by its name. missing says that there is none.
func (p *routeParser) iface(v jsonValue) (index int, missing, err error) {
	n, err := p.remember(wordIface, v, func(name string) (uint32, error) {
		index, ok := p.ifindex(name)
		if !ok {
			return 0, &NoInterfaceError{name}
		}
		return uint32(index), nil
	})
	if none := (*NoInterfaceError)(nil); errors.As(err, &none) {
		return 0, none, nil
	}
	return int(n), nil, err
}

// ifaceHex finds an interface by the bytes of a name that is not UTF-8.
func (p *routeParser) ifaceHex(v jsonValue) (index int, missing, err error) {
	name, err := p.bytes(v)
	if err != nil {
		return 0, nil, err
	}
	if index, ok := p.ifindex(name); ok {
		return index, nil, nil
	}
	return 0, &NoInterfaceError{name}, nil
}

func (p *routeParser) table(v jsonValue) (uint32, error) {
	if v.kind != '"' {
		n, err := number(v, math.MaxUint32)
		if err == nil && n == 0 {
			err = errors.New("there is no table 0")
		}
		return n, err
	}
	return p.remember(wordTable, v, func(name string) (uint32, error) {
		for _, t := range [...]uint32{unix.RT_TABLE_MAIN, unix.RT_TABLE_LOCAL, unix.RT_TABLE_DEFAULT} {
			if TableName(t) == name {
				return t, nil
			}
		}
		if n, err := strconv.ParseUint(name, 10, 32); err == nil && n > 0 {
			return uint32(n), nil
		}
		if p.labels.Table != nil {
			if n, ok := p.labels.Table(name); ok {
				return n, nil
			}
		}
		return 0, fmt.Errorf("there is no table %q", name)
	})
}

// byNumber returns the number that a text is, else what it is a word for.
func byNumber(text string, parse func(string) (uint8, bool)) (uint8, bool) {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil {
		return uint8(n), true
	}
	return parse(text)
}

func (p *routeParser) typ(v jsonValue) error {
	b, err := p.string(v)
	if err != nil {
		return err
	}
	if string(b) == "unicast" {
		return nil
	}
	typ, ok := byNumber(string(b), ParseType)
	if p.r.Type = typ; !ok {
		return fmt.Errorf("%q is no type", b)
	}
	return nil
}

func (p *routeParser) protocol(v jsonValue) error {
	n, err := p.remember(wordProtocol, v, func(name string) (uint32, error) {
		if n, ok := byNumber(name, ParseProtocol); ok {
			return uint32(n), nil
		}
		if p.labels.Protocol != nil {
			if n, ok := p.labels.Protocol(name); ok {
				return uint32(n), nil
			}
		}
		return 0, fmt.Errorf("there is no protocol %q", name)
	})
	p.r.Protocol = uint8(n)
	return err
}

func (p *routeParser) scope(v jsonValue) error {
	n, err := p.remember(wordScope, v, func(name string) (uint32, error) {
		n, ok := byNumber(name, ParseScope)
		if !ok {
			return 0, fmt.Errorf("there is no scope %q", name)
		}
		return uint32(n), nil
	})
	p.r.Scope = uint8(n)
	return err
}

// tos reads a number, or iproute2's text of one, which is hexadecimal.
func (p *routeParser) tos(v jsonValue) error {
	if v.kind != '"' {
		n, err := number(v, math.MaxUint8)
		p.r.Tos = uint8(n)
		return err
	}
	b, _ := p.string(v)
	n, err := strconv.ParseUint(string(b), 0, 8)
	if err != nil {
		return fmt.Errorf("%q is no type of service that can be read: a number up to 0xff", b)
	}
	p.r.Tos = uint8(n)
	return nil
}

// onlink reads our boolean, our words or iproute2's list of them, of which only this one is more than a state.
func (p *routeParser) onlink(v jsonValue) (flags uint32, err error) {
	switch v.kind {
	case 't':
		return unix.RTNH_F_ONLINK, nil
	case 'f':
		return 0, nil
	case '"':
		words, err := p.text(v)
		for word := range strings.FieldsSeq(words) {
			if word == "onlink" {
				flags = unix.RTNH_F_ONLINK
			}
		}
		return flags, err
	}
	err = eachElement(v.raw, func(v jsonValue) error {
		b, err := p.string(v)
		if string(b) == "onlink" {
			flags = unix.RTNH_F_ONLINK
		}
		return err
	})
	return flags, err
}

// expires reads the rest of a lifetime, in parts of a second. The route gets seconds, rounded up.
func (p *routeParser) expires(v jsonValue, perSecond uint64) error {
	n, err := number64(v, math.MaxInt64)
	p.six = true
	p.r.Expires = int32(min((n+perSecond-1)/perSecond, math.MaxInt32))
	return err
}

// preference reads the router preference of RFC 4191 section 2.1.
func (p *routeParser) preference(v jsonValue) error {
	b, err := p.string(v)
	if err != nil {
		return err
	}
	p.six = true
	for n := range uint8(4) {
		if PreferenceName(n) == string(b) {
			p.r.Pref = n
			return nil
		}
	}
	return fmt.Errorf("%q is none of low, medium, high", b)
}

// realms reads our number or iproute2's object of two.
func (p *routeParser) realms(v jsonValue) (uint32, error) {
	if v.kind != '{' {
		return number(v, math.MaxUint32)
	}
	var both uint32
	err := eachMember(v.raw, func(name []byte, v jsonValue) error {
		b, err := p.string(v)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(b), 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no number of a realm", b)
		}
		switch string(name) {
		case "from":
			both |= uint32(n) << 16
		case "to":
			both |= uint32(n)
		default:
			return fmt.Errorf("%q is no key of realms", name)
		}
		return nil
	})
	return both, err
}
