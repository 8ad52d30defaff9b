package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"gnet/ping/probe"
)

// pingTarget is a destination as it was named and as it was found.
type pingTarget struct {
	// Name is the operand, Canonical its canonical name: the operand itself when
	// that is an address.
	Name, Canonical string
	// Addrs are its addresses in the order of RFC 6724.
	Addrs []netip.Addr
	// Numeric: the operand was an address.
	Numeric bool
}

// familyOf returns the family of an address.
func familyOf(a netip.Addr) probe.Family {
	if a.Is4() {
		return probe.IPv4
	}
	return probe.IPv6
}

// parseTarget reads an address: any notation of inet_aton(3), or IPv6 with an
// optional zone. ok is false for a name.
func parseTarget(operand string) (target pingTarget, ok bool, err error) {
	if !strings.ContainsAny(operand, " \t\n\v\f\r") {
		if a, ok := parseAton(operand); ok {
			return pingTarget{operand, operand, []netip.Addr{a}, true}, true, nil
		}
	}
	text, zone, zoned := strings.Cut(operand, "%")
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() {
		return pingTarget{}, false, nil
	}
	if zoned {
		device, known := probe.Device(zone)
		switch local := a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast(); {
		case !known, !local && device == zone:
			// getaddrinfo(3) takes a device's name as the zone of a link-local address only.
			return pingTarget{}, true, fail(statusCannot, "%s: Name or service not known", operand)
		case local:
			a = a.WithZone(device)
		default:
			a = a.WithZone(zone) // its index: shown, and without effect
		}
	}
	return pingTarget{operand, operand, []netip.Addr{a}, true}, true, nil
}

// resolveTarget finds the addresses of an operand in a family, or in both.
func resolveTarget(ctx context.Context, operand string, family probe.Family) (pingTarget, error) {
	target, literal, err := parseTarget(operand)
	if err != nil {
		return pingTarget{}, err
	}
	if !literal {
		if target, err = lookUpTarget(ctx, operand, family); err != nil {
			return pingTarget{}, err
		}
	}
	if family == 0 {
		return target, nil
	}
	var wanted []netip.Addr
	for _, a := range target.Addrs {
		if familyOf(a) == family {
			wanted = append(wanted, a)
		}
	}
	if len(wanted) == 0 {
		return pingTarget{}, fail(statusCannot, "%s: Address family for hostname not supported", operand)
	}
	target.Addrs = wanted
	return target, nil
}

// uniqueLocalFirst puts the IPv6 addresses of fc00::/7 first that are reached
// from such an address. Go sorts by RFC 6724, where IPv4 precedes them; the C
// library's table (gai.conf(5)) has no row for them, and they go before IPv4.
func uniqueLocalFirst(addrs []netip.Addr) []netip.Addr {
	unique := func(a netip.Addr) bool { return a.Is6() && a.IsPrivate() }
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int {
		switch {
		case unique(a) && b.Is4() && reachedFromUnique(a):
			return -1
		case unique(b) && a.Is4() && reachedFromUnique(b):
			return 1
		}
		return 0
	})
	return addrs
}

func reachedFromUnique(a netip.Addr) bool {
	source, err := probe.Source(probe.IPv6, probe.Config{Dest: a, TTL: -1, TOS: -1})
	return err == nil && source.IsPrivate()
}
