package routes

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"

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
	// Of a listing in a machine format.
	keyFlags // letters there, iproute2's list of words in its
	keyFlagBits
	keyEncapHex
	keyRealm
	keySourceRealm
	keyLocked
	keyMetricsOther
	keyFlatMetric // and the RTAX_ numbers from there on
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
	if err != nil {
		return tunnelKey(err, p.seen)
	}
	if key < 0 {
		return nil
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
	case "onlink", "hop_flags":
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
	if key, ok := listedKey(string(name)); ok {
		return key, nil
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
		err = p.encap(&r.Encap, v)
	case keyEncapHex:
		r.Encap.Data, err = p.bytes(v)
	case keyOther:
		r.Other, err = p.bytes(v)
	default:
		err = p.listed(key, v)
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
			return tunnelKey(err, seen)
		}
		if key >= 0 && seen&(1<<key) != 0 {
			return fmt.Errorf("%q stands there twice", name)
		}
		seen |= 1 << max(key, 0)
		switch key {
		case -1, keyNexthopID: // which member of a group it is
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
		case keyOnlink, keyFlags:
			var flags uint32
			flags, err = p.onlink(v)
			hop.Flags = uint8(flags)
		case keyRealms:
			hop.Realms, err = p.realms(v)
		case keyRealm, keySourceRealm:
			err = listedRealm(&hop.Realms, key, v)
		case keyEncapType:
			hop.Encap.Type, err = number16(v)
		case keyEncap:
			err = p.encap(&hop.Encap, v)
		case keyEncapHex:
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
	return cmp.Or(err, missing, wholeEncap(&hop.Encap, seen))
}

// finish decides the family and what follows from it, and checks that the parts are of one route.
func (p *routeParser) finish() error {
	r := &p.r
	if p.seen&(1<<keyDestination) == 0 {
		return errors.New(`there is no "destination"`)
	}
	if p.seen&(1<<keyFlagBits) != 0 && p.seen&(1<<keyTable) == 0 {
		return errors.New("a row of /proc/net does not say all that its route was made with; `route save` does, and so does `route --details --json`")
	}
	if err := cmp.Or(p.missing, wholeEncap(&r.Encap, p.seen)); err != nil {
		return err
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
