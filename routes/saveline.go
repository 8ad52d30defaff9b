package routes

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// routeParser makes a route of one JSON object: a row of `gnet route save` or a route of `ip -j route`. Their keys do not clash. It is
// used again and again, and remembers the last word of each kind, since a million routes have the same few.
type routeParser struct {
	// ifindex finds an interface; false when there is none of that name.
	ifindex func(name string) (int, bool)
	// table and protocol find the number for a name that the kernel does not know.
	labels Labels

	r       rtnl.Route
	seen    uint64 // keys so far, by their place in routeKeys
	kind    string
	family  string
	six     bool // a key that only a route of IPv6 has
	metric  bool
	missing error // the interface's name is no interface's; the bytes of its name may follow
	scratch []byte
	words   [4]remembered
}

// Labels finds numbers for the names that administrators give: of rt_tables(5) and rt_protos. A nil function knows no name.
type Labels struct {
	Table    func(name string) (uint32, bool)
	Protocol func(name string) (uint8, bool)
}

// remembered is the last word of one kind and its number.
type remembered struct {
	word string
	n    uint32
}

// The places of routeParser.words.
const (
	wordIface = iota
	wordTable
	wordProtocol
	wordScope
)

// routeKeys are the keys that may stand in an object once; those of iproute2 share a place with ours.
const (
	keyFamily = iota
	keyDestination
	keySource
	keyGateway
	keyIface
	keyIfaceHex
	keyMetric
	keyTable
	keyType
	keyProtocol
	keyScope
	keyPrefSrc
	keyTos
	keyOnlink
	keyNexthopID
	keyNexthops
	keyMetrics
	keyExpires   // iproute2's, in seconds
	keyExpiresNs // ours
	keyPreference
	keyRealms
	keyEncapType
	keyEncap
	keyOther
	keyKind
	keyWeight // of a next hop
)

// parse reads an object into p.r. skip is true for an object that is no route: a note or a summary.
func (p *routeParser) parse(text []byte) (skip bool, err error) {
	p.r = rtnl.Route{Multipath: p.r.Multipath[:0], Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST, Protocol: unix.RTPROT_BOOT}
	p.seen, p.kind, p.family, p.six, p.metric, p.missing = 0, "", "", false, false, nil
	if err := eachMember(text, p.member); err != nil {
		return false, err
	}
	if p.kind != "" && p.kind != "row" && p.kind != "change" {
		return true, nil
	}
	return false, p.finish()
}

// member reads one key of a route.
func (p *routeParser) member(name []byte, v jsonValue) error {
	key, err := p.key(name)
	if err != nil || key < 0 {
		return err
	}
	if p.seen&(1<<key) != 0 {
		return fmt.Errorf("%q stands there twice", name)
	}
	p.seen |= 1 << key
	if err := p.set(key, v); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

// key finds the place of a key; -1: it says nothing about how the route was made.
func (p *routeParser) key(name []byte) (int, error) {
	switch string(name) {
	case "kind":
		return keyKind, nil
	case "family":
		return keyFamily, nil
	case "destination", "dst":
		return keyDestination, nil
	case "source", "from":
		return keySource, nil
	case "gateway", "via":
		return keyGateway, nil
	case "iface", "dev":
		return keyIface, nil
	case "iface_hex":
		return keyIfaceHex, nil
	case "metric":
		return keyMetric, nil
	case "table":
		return keyTable, nil
	case "type":
		return keyType, nil
	case "protocol":
		return keyProtocol, nil
	case "scope":
		return keyScope, nil
	case "preferred_source", "prefsrc":
		return keyPrefSrc, nil
	case "tos":
		return keyTos, nil
	case "onlink", "flags":
		return keyOnlink, nil
	case "nexthop_id", "nhid":
		return keyNexthopID, nil
	case "nexthops":
		return keyNexthops, nil
	case "metrics":
		return keyMetrics, nil
	case "expires_ns":
		return keyExpiresNs, nil
	case "expires":
		return keyExpires, nil
	case "preference", "pref":
		return keyPreference, nil
	case "realms", "flow":
		return keyRealms, nil
	case "encap_type":
		return keyEncapType, nil
	case "encap":
		return keyEncap, nil
	case "other":
		return keyOther, nil
	case "nh_info": // of ip -d: what the object named by nhid is
		return -1, nil
	case "level", "text", "cache", "age", "used", "users", "error", "error_text", "time", "change":
		return -1, nil // state, or a note's
	}
	return 0, fmt.Errorf("%q is no key that can be restored", name)
}

// set stores the value of a key of the route itself.
func (p *routeParser) set(key int, v jsonValue) (err error) {
	r := &p.r
	switch key {
	case keyKind:
		p.kind, err = p.text(v)
	case keyFamily:
		if p.family, err = p.text(v); err == nil && p.family != "inet" && p.family != "inet6" {
			err = errors.New("inet or inet6")
		}
	case keyDestination:
		err = p.destination(v)
	case keySource:
		r.Src, err = p.prefix(v)
	case keyGateway:
		r.Gateway, err = p.addr(v)
	case keyIface:
		r.Oif, p.missing, err = p.iface(v)
	case keyIfaceHex:
		r.Oif, p.missing, err = p.ifaceHex(v)
	case keyMetric:
		r.Priority, err = number(v, math.MaxUint32)
		p.metric = true
	case keyTable:
		r.Table, err = p.table(v)
	case keyType:
		err = p.typ(v)
	case keyProtocol:
		err = p.protocol(v)
	case keyScope:
		err = p.scope(v)
	case keyPrefSrc:
		r.PrefSrc, err = p.addr(v)
	case keyTos:
		err = p.tos(v)
	case keyOnlink:
		r.Flags, err = p.onlink(v)
	case keyNexthopID:
		r.NexthopID, err = number(v, math.MaxUint32)
	case keyNexthops:
		err = eachElement(v.raw, p.nexthop)
	case keyMetrics:
		err = eachElement(v.raw, p.metrics)
	case keyExpires:
		err = p.expires(v, 1)
	case keyExpiresNs:
		err = p.expires(v, 1e9)
	case keyPreference:
		err = p.preference(v)
	case keyRealms:
		r.Realms, err = p.realms(v)
	case keyEncapType:
		r.Encap.Type, err = number16(v)
	case keyEncap:
		r.Encap.Data, err = p.bytes(v)
	case keyOther:
		r.Other, err = p.bytes(v)
	}
	return err
}

// nexthop reads one element of nexthops.
func (p *routeParser) nexthop(v jsonValue) error {
	hop, seen, missing := rtnl.Nexthop{Weight: 1}, uint64(0), error(nil)
	err := eachMember(v.raw, func(name []byte, v jsonValue) (err error) {
		key := -1
		if string(name) == "weight" {
			key = keyWeight
		} else if key, err = p.key(name); err != nil {
			return err
		}
		if key >= 0 && seen&(1<<key) != 0 {
			return fmt.Errorf("%q stands there twice", name)
		}
		seen |= 1 << max(key, 0)
		switch key {
		case -1:
		case keyWeight:
			var n uint32
			n, err = number(v, 256)
			hop.Weight = int(n)
		case keyGateway:
			hop.Gateway, err = p.addr(v)
		case keyIface:
			hop.Oif, missing, err = p.iface(v)
		case keyIfaceHex:
			hop.Oif, missing, err = p.ifaceHex(v)
		case keyOnlink:
			var flags uint32
			flags, err = p.onlink(v)
			hop.Flags = uint8(flags)
		case keyRealms:
			hop.Realms, err = p.realms(v)
		case keyEncapType:
			hop.Encap.Type, err = number16(v)
		case keyEncap:
			hop.Encap.Data, err = p.bytes(v)
		case keyOther:
			hop.Other, err = p.bytes(v)
		default:
			err = errors.New("no key of a next hop")
		}
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		return nil
	})
	p.r.Multipath = append(p.r.Multipath, hop)
	return cmp.Or(err, missing)
}

// finish decides the family and what follows from it, and checks that the parts are of one route.
func (p *routeParser) finish() error {
	r := &p.r
	if p.seen&(1<<keyDestination) == 0 {
		return errors.New(`there is no "destination"`)
	}
	if p.missing != nil {
		return p.missing
	}
	if r.Family = p.familyOf(); r.Family == unix.AF_INET6 && !p.metric {
		r.Priority = defaultPriority6
	}
	any := netip.IPv4Unspecified()
	if r.Family == unix.AF_INET6 {
		any = netip.IPv6Unspecified()
	}
	if !r.Dst.IsValid() {
		r.Dst = netip.PrefixFrom(any, 0)
	}
	for _, a := range [...]netip.Addr{r.Dst.Addr(), r.Src.Addr(), r.PrefSrc} {
		if a.IsValid() && a.BitLen() != any.BitLen() {
			return fmt.Errorf("%v is of the other family", a)
		}
	}
	if r.Family == unix.AF_INET6 && (r.Gateway.Is4() || r.Scope != 0) {
		return errors.New("IPv6 routes have neither an IPv4 gateway nor a scope")
	}
	if r.Dst != r.Dst.Masked() {
		return fmt.Errorf("%v has bits outside of its length", r.Dst)
	}
	sendable4(r)
	return nil
}

// sendable4 leaves the next hop of a nexthop object to the object.
func sendable4(r *rtnl.Route) {
	expires := r.Expires
	sendable(r)
	r.Expires = expires
}

// familyOf returns the family that the route says, or that its addresses are of. A default route without any is of IPv6 when it has a
// router preference, which iproute2 prints for that family alone.
func (p *routeParser) familyOf() uint8 {
	switch {
	case p.family == "inet":
		return unix.AF_INET
	case p.family == "inet6":
		return unix.AF_INET6
	case p.r.Dst.IsValid():
		return familyOf(p.r.Dst.Addr())
	case p.six, p.r.Gateway.Is6():
		return unix.AF_INET6
	}
	return unix.AF_INET
}

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
		return "", errors.New("not bytes in hexadecimal; a tunnel as iproute2 words it cannot be restored, its `ip route save` can")
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
	if prefix, ok := parsePrefix4(b); ok && prefix.Bits() == 32 && b[len(b)-1] != '/' && !hasSlash(b) {
		return prefix.Addr(), nil
	}
	addr, err = netip.ParseAddr(string(b))
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is no address", b)
	}
	return addr, nil
}

func hasSlash(b []byte) bool {
	for _, c := range b {
		if c == '/' {
			return true
		}
	}
	return false
}

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

// onlink reads our boolean or iproute2's list of flags, of which only this one is more than a state.
func (p *routeParser) onlink(v jsonValue) (flags uint32, err error) {
	switch v.kind {
	case 't':
		return unix.RTNH_F_ONLINK, nil
	case 'f':
		return 0, nil
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
