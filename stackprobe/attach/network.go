package attach

import (
	"crypto/rand"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// view is what a plan depends on: the host's interfaces, and the networks that it knows a way to.
type view struct {
	names map[int]string
	used  []netip.Prefix
	// carrying are the interfaces with an address that others reach and that are up, but the loopback, in the order of their numbers.
	carrying []int
}

// look looks at the host, as far as one version of IP is concerned.
func look(c *rtnl.Conn, six bool) (*view, error) {
	family := uint8(unix.AF_INET)
	if six {
		family = unix.AF_INET6
	}
	v := &view{names: map[int]string{}}
	up := map[int]bool{}
	for l, err := range c.Links() {
		if err != nil {
			return nil, err
		}
		v.names[l.Index] = l.Name
		up[l.Index] = l.Up() && l.Flags&unix.IFF_LOOPBACK == 0
	}
	for a, err := range c.Addrs(family) {
		if err != nil {
			return nil, err
		}
		v.used = append(v.used, a.Prefix.Masked())
		if six && a.Prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if up[a.Index] && !slices.Contains(v.carrying, a.Index) {
			v.carrying = append(v.carrying, a.Index)
		}
	}
	slices.Sort(v.carrying)
	for r, err := range c.Routes(rtnl.RouteFilter{Family: family}) {
		if err != nil {
			return nil, err
		}
		if r.Dst.IsValid() && r.Dst.Bits() > 0 {
			v.used = append(v.used, r.Dst)
		}
	}
	return v, nil
}

// Networks that are wider than these say nothing of single ones within. Tunnels of whole hosts replace the default route without taking it
// away: by 0.0.0.0/1 and 128.0.0.0/1, by ::/3, 2000::/4, 3000::/4 and fc00::/7.
const (
	// widest4 is the length of the widest private network of IPv4 (RFC 1918 section 3).
	widest4 = 8
	// globalID is where the random part of a local network of IPv6 ends: nobody else has drawn the same, whoever routes all of them
	// (RFC 4193 section 3.2).
	globalID = 48
)

// free returns a network of four addresses that the host has no way to: the last of one of 256, from the top of each private network
// (RFC 1918) down, where people number least. Of IPv6 it is one of 64 bits in a random local one (RFC 4193).
func (v *view) free(six bool) (netip.Prefix, error) {
	for six {
		b := [16]byte{0: 0xfd}
		rand.Read(b[1:6])
		if p := netip.PrefixFrom(netip.AddrFrom16(b), 64); !v.uses(p, globalID) {
			return p, nil
		}
	}
	for p := range quads() {
		if !v.uses(p, widest4) {
			return p, nil
		}
	}
	return netip.Prefix{}, ErrNoNetwork
}

// uses reports whether the host knows a way to a part of p, or to a network around it that is not wider than widest.
func (v *view) uses(p netip.Prefix, widest int) bool {
	return slices.ContainsFunc(v.used, func(u netip.Prefix) bool { return u.Bits() >= widest && u.Overlaps(p) })
}

// quads yields the networks of four in the order in which they are tried.
func quads() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for _, of := range [...]struct {
			top   [2]byte // the highest first two octets
			count int
		}{{[2]byte{172, 31}, 16}, {[2]byte{192, 168}, 1}, {[2]byte{10, 255}, 256}} {
			for n := range of.count << 8 {
				second := int(of.top[1]) - n>>8
				a := netip.AddrFrom4([4]byte{of.top[0], byte(second), byte(255 - n&255), 252})
				if !yield(netip.PrefixFrom(a, 30)) {
					return
				}
			}
		}
	}
}

// device returns a name that no interface has.
func (v *view) device() string {
	for n := 0; ; n++ {
		name := fmt.Sprintf("gnet%d", n)
		taken := false
		for _, other := range v.names {
			taken = taken || other == name
		}
		if !taken {
			return name
		}
	}
}
