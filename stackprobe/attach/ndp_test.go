package attach

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The parties of the tests.
func us() (MAC, netip.Addr) {
	return MAC{2, 1, 3, 4, 5, 6}, netip.MustParseAddr("2001:db8::9")
}

func them() (MAC, netip.Addr) {
	return MAC{2, 2, 3, 4, 5, 6}, netip.MustParseAddr("2001:db8::1")
}

// advertisement is one of a router's, with those options.
func advertisement(rest uint32, options ...byte) []byte {
	mac, _ := them()
	return icmp6(mac, group(allNodes()), linkLocal(mac), allNodes(), ndpHops, nil, routerAdvert, rest, append(make([]byte, 8), options...))
}

// prefixOption is one with 2001:db8:7::/bits.
func prefixOption(bits, flags byte, valid byte) []byte {
	p := netip.MustParseAddr("2001:db8:7::1").As16()
	return append([]byte{optionPrefix, 4, bits, flags, 0, 0, 0, valid, 0, 0, 0, 60, 0, 0, 0, 0}, p[:]...)
}

func TestNeighbours(t *testing.T) {
	mac, addr := us()
	theirs, their := them()
	for name, c := range map[string]struct {
		frame []byte
		to    MAC
		want  neighbour
	}{
		"a question": {solicit(mac, addr, their), MAC{0x33, 0x33, 0xff, 0, 0, 1}, neighbour{src: addr, target: their, mac: mac}},
		"a probe":    {solicit(mac, netip.Addr{}, addr), MAC{0x33, 0x33, 0xff, 0, 0, 9}, neighbour{src: netip.IPv6Unspecified(), target: addr}},
		"an answer":  {advertise(mac, addr, theirs, their), theirs, neighbour{advert: true, override: true, src: addr, target: addr, mac: mac}},
		"an answer to a probe": {advertise(mac, addr, MAC{}, netip.IPv6Unspecified()), MAC{0x33, 0x33, 0, 0, 0, 1},
			neighbour{advert: true, override: true, src: addr, target: addr, mac: mac}},
	} {
		if MAC(c.frame) != c.to || MAC(c.frame[6:]) != mac {
			t.Errorf("%s: from %v to %v, want from %v to %v", name, MAC(c.frame[6:]), MAC(c.frame), mac, c.to)
		}
		ip, m, ok := readNDP(c.frame[frameHeader:])
		if !ok {
			t.Errorf("%s is not heeded", name)
			continue
		}
		got, ok := readNeighbour(ip, m)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(neighbour{}), cmpopts.EquateComparable(netip.Addr{})); diff != "" || !ok {
			t.Errorf("%s: %v (-want +got):\n%s", name, ok, diff)
		}
	}
}

// TestNeighbours_notHeeded: what RFC 4861 section 7.1 wants discarded.
func TestNeighbours_notHeeded(t *testing.T) {
	mac, addr := us()
	_, their := them()
	good := func() []byte { return solicit(mac, addr, their)[frameHeader:] }
	for name, spoil := range map[string]func(p []byte) []byte{
		"forwarded":        func(p []byte) []byte { p[7] = 254; return p },
		"a code":           func(p []byte) []byte { p[41] = 1; return p },
		"a wrong checksum": func(p []byte) []byte { p[43]++; return p },
		"cut":              func(p []byte) []byte { return p[:len(p)-1] },
		"an empty option":  func(p []byte) []byte { p[65] = 0; p[43]++; return p }, // the sum falls by 1, and rises again
		"a group as target": func(p []byte) []byte {
			return icmp6(mac, mac, addr, addr, ndpHops, nil, neighbourSolicit, 0, allNodes().AsSlice())[frameHeader:]
		},
		"too short": func(p []byte) []byte {
			return icmp6(mac, mac, addr, addr, ndpHops, nil, neighbourSolicit, 0, addr.AsSlice()[:15])[frameHeader:]
		},
	} {
		ip, m, ok := readNDP(spoil(good()))
		if ok {
			_, ok = readNeighbour(ip, m)
		}
		if ok {
			t.Errorf("%s: heeded", name)
		}
	}
}

func TestRouters(t *testing.T) {
	mac, _ := them()
	for name, c := range map[string]struct {
		frame []byte
		want  router
		ok    bool
	}{
		"all": {advertisement(64<<24|1800, append([]byte{optionMTU, 1, 0, 0, 0, 0, 5, 0xdc}, prefixOption(64, 0xc0, 60)...)...),
			router{addr: linkLocal(mac), lifetime: 30 * time.Minute, mtu: 1500, prefix: netip.MustParsePrefix("2001:db8:7::/64"), onLink: true}, true},
		"neighbours by way of it": {advertisement(1, prefixOption(64, 0x40, 60)...),
			router{addr: linkLocal(mac), lifetime: time.Second, prefix: netip.MustParsePrefix("2001:db8:7::/64")}, true},
		"no prefix for hosts":     {advertisement(0, prefixOption(64, 0x80, 60)...), router{addr: linkLocal(mac)}, true},
		"a prefix that has ended": {advertisement(0, prefixOption(64, 0xc0, 0)...), router{addr: linkLocal(mac)}, true},
		"a prefix too long":       {advertisement(0, prefixOption(80, 0xc0, 60)...), router{addr: linkLocal(mac)}, true},
		"a prefix of 200 bits":    {advertisement(0, prefixOption(200, 0xc0, 60)...), router{addr: linkLocal(mac)}, true},
		"a length that lies":      {advertisement(0, prefixOption(64, 0xc0, 60)[:24]...), router{}, false},
	} {
		ip, m, ok := readNDP(c.frame[frameHeader:])
		if !ok {
			t.Errorf("%s is not heeded", name)
			continue
		}
		got, ok := readRouter(ip, m)
		if ok != c.ok {
			t.Errorf("%s: %v, want %v", name, ok, c.ok)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(router{}), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" && c.ok {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestQueries: who asks for the groups, in both versions; other sources and hop limits are not heeded.
func TestQueries(t *testing.T) {
	mac, _ := them()
	from := linkLocal(mac)
	query := func(src netip.Addr, hops uint8, code uint16, more int) []byte {
		body := append(make([]byte, 16), make([]byte, more)...)
		return icmp6(mac, group(allNodes()), src, allNodes(), hops, routerAlert(), mldQuery, uint32(code)<<16, body)[frameHeader:]
	}
	type answer struct {
		group  netip.Addr
		within time.Duration
		v1, ok bool
	}
	all := netip.IPv6Unspecified()
	for name, c := range map[string]struct {
		packet []byte
		want   answer
	}{
		"version 1":          {query(from, 1, 10000, 0), answer{all, 10 * time.Second, true, true}},
		"version 2":          {query(from, 1, 10000, 4), answer{all, 10 * time.Second, false, true}},
		"an exponent":        {query(from, 1, 0x9234, 4), answer{all, 0x1234 << 4 * time.Millisecond, false, true}},
		"forwarded":          {query(from, 2, 10000, 0), answer{}},
		"no link-local":      {query(netip.MustParseAddr("2001:db8::1"), 1, 10000, 0), answer{}},
		"what is no query":   {report(mac, from, isExclude, all)[frameHeader:], answer{}},
		"version 1's report": {reportV1(mac, from, all)[frameHeader:], answer{}},
	} {
		var got answer
		got.group, got.within, got.v1, got.ok = readQuery(c.packet)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(answer{}), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAddresses(t *testing.T) {
	mac := MAC{0x02, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f}
	got := []string{linkLocal(mac).String(), interfaceAddr(netip.MustParsePrefix("2001:db8::/64"), mac).String(),
		solicitedNode(netip.MustParseAddr("2001:db8::12:3456")).String(), group(netip.MustParseAddr("ff02::1:ff12:3456")).String()}
	want := []string{"fe80::1b:2cff:fe3d:4e5f", "2001:db8::1b:2cff:fe3d:4e5f", "ff02::1:ff12:3456", "33:33:ff:12:34:56"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzNDP: no message is read beyond its end, and what an answer says is what is read of it when it is made again.
func FuzzNDP(f *testing.F) {
	mac, addr := us()
	theirs, their := them()
	for _, b := range [][]byte{solicit(mac, addr, their), solicit(mac, netip.Addr{}, addr), advertise(mac, addr, theirs, their), solicitRouters(mac, linkLocal(mac)),
		report(mac, linkLocal(mac), toExclude, solicitedNode(addr)), reportV1(mac, linkLocal(mac), solicitedNode(addr)),
		advertisement(1800, slices.Concat([]byte{optionMTU, 1, 0, 0, 0, 0, 5, 0xdc}, prefixOption(64, 0xc0, 60))...), {}} {
		f.Add(b[min(frameHeader, len(b)):])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		readQuery(b)
		ip, m, ok := readNDP(b)
		if !ok {
			return
		}
		readRouter(ip, m)
		n, ok := readNeighbour(ip, m)
		if !ok || !n.advert {
			return
		}
		ip2, m2, ok := readNDP(advertise(n.mac, n.target, MAC{}, ip.Dst())[frameHeader:])
		again, ok2 := readNeighbour(ip2, m2)
		if want := (neighbour{true, true, n.target, n.target, n.mac}); !ok || !ok2 || again != want {
			t.Errorf("%+v was read, and of the same made again %+v", n, again)
		}
	})
}
