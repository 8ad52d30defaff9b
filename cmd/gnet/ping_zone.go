package main

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/internal/safe"
)

// zoneOf finds the link of a link-local address that was named without one
// (RFC 4007). The only link that has such addresses is the one; among several
// the user has to choose, since the same address may exist on each. "" leaves
// the address as it is.
func zoneOf(o *pingOptions, a netip.Addr) (string, error) {
	if !a.Is6() || a.Zone() != "" || o.Device != "" || !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() {
		return "", nil
	}
	links, err := linkLocalLinks()
	if err != nil || len(links) == 0 {
		return "", nil // then the kernel decides, and says what it thinks
	}
	if len(links) == 1 {
		return links[0], nil
	}
	zoned := make([]string, len(links))
	for i, name := range links {
		zoned[i] = a.String() + "%" + safe.String(name)
	}
	return "", fail(statusCannot, "%v exists on each link: name one", a).withHint("%s", strings.Join(zoned, ", "))
}

// linkLocalLinks returns the names of the interfaces that are up, have a carrier
// and a link-local address, in the kernel's order.
func linkLocalLinks() ([]string, error) {
	conn, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var local []int
	for addr, err := range conn.Addrs(unix.AF_INET6) {
		if err != nil {
			return nil, err
		}
		if addr.Prefix.Addr().IsLinkLocalUnicast() {
			local = append(local, addr.Index)
		}
	}
	var names []string
	for link, err := range conn.Links() {
		if err != nil {
			return nil, err
		}
		if slices.Contains(local, link.Index) && link.Up() && link.Flags&unix.IFF_LOWER_UP != 0 {
			names = append(names, link.Name)
		}
	}
	return names, nil
}
