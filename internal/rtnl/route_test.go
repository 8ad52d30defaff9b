package rtnl

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

var byValue = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// u32 is a value in host order, as most attributes carry it.
func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// attrs joins attributes: type, payload, type, payload.
func attrs(body []byte, pairs ...any) []byte {
	for i := 0; i < len(pairs); i += 2 {
		body = nltest.AppendAttr(body, uint16(pairs[i].(int)), pairs[i+1].([]byte))
	}
	return body
}

// routeSeeds are bodies of RTM_NEWROUTE as the kernel sends them, one field per
// line, and what they mean. A nil route is a body that must be refused.
func routeSeeds() map[string]struct {
	body []byte
	want *Route
} {
	header := func(family, dst, src, tos, table, protocol, scope, kind byte, flags uint32) []byte {
		return append([]byte{family, dst, src, tos, table, protocol, scope, kind}, u32(flags)...)
	}
	type seed = struct {
		body []byte
		want *Route
	}
	gw6 := netip.MustParseAddr("fe80::a0b")
	gw6b := gw6.As16()
	return map[string]seed{
		"IPv4 with every attribute": {
			attrs(header(unix.AF_INET, 13, 0, 0x10, 254, 4, 253, 1, unix.RTNH_F_LINKDOWN),
				unix.RTA_TABLE, u32(70000),
				unix.RTA_DST, []byte{10, 200, 0, 0},
				unix.RTA_PRIORITY, u32(0xfffffffe),
				unix.RTA_METRICS, attrs(nil, unix.RTAX_LOCK, u32(4), unix.RTAX_MTU, u32(0x5dc), unix.RTAX_CC_ALGO, []byte("reno\x00"), 99, u32(1)),
				unix.RTA_PREFSRC, []byte{10, 0, 0, 1},
				unix.RTA_GATEWAY, []byte{10, 0, 0, 9},
				unix.RTA_OIF, u32(7),
				rtaNHID, u32(31), unix.RTA_FLOW, u32(0x20005), unix.RTA_ENCAP_TYPE, []byte{1, 0}, unix.RTA_ENCAP, []byte("tunnel.."),
				200, []byte("a type of tomorrow")),
			&Route{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.200.0.0/13"), Tos: 0x10, Table: 70000, Protocol: 4, Scope: 253, Type: 1,
				Flags: unix.RTNH_F_LINKDOWN, Priority: 0xfffffffe, Metrics: Metrics{Lock: 4, MTU: 1500, CongAlg: "reno", Other: "\x08\x00\x63\x00\x01\x00\x00\x00"},
				Encap: Encap{Type: 1, Data: "tunnel.."}, Realms: 0x20005, Other: "\x16\x00\xc8\x00a type of tomorrow\x00\x00",
				PrefSrc: netip.MustParseAddr("10.0.0.1"), Gateway: netip.MustParseAddr("10.0.0.9"), Oif: 7, OifName: "seven", NexthopID: 31},
		},
		"IPv6 with source, expiry and preference": {
			attrs(header(unix.AF_INET6, 0, 48, 0, 254, 9, 0, 1, unix.RTM_F_CLONED),
				unix.RTA_SRC, append([]byte{0xfd, 0x77}, make([]byte, 14)...),
				unix.RTA_GATEWAY, gw6b[:],
				unix.RTA_IIF, u32(8),
				unix.RTA_CACHEINFO, append(append(append(append(u32(3), u32(250)...), u32(179900)...), u32(0xffffff8f)...), make([]byte, 16)...),
				unix.RTA_PREF, []byte{3}),
			&Route{Family: unix.AF_INET6, Dst: netip.MustParsePrefix("::/0"), Src: netip.MustParsePrefix("fd77::/48"), Gateway: gw6, Iif: 8,
				Table: 254, Protocol: 9, Type: 1, Flags: unix.RTM_F_CLONED, Refs: 3, LastUse: 250, Expires: 179900, Error: -113, Pref: 3},
		},
		"two next hops, one of the other family": {
			attrs(header(unix.AF_INET, 16, 0, 0, 254, 3, 0, 1, 0),
				unix.RTA_DST, []byte{10, 11, 0, 0},
				unix.RTA_MULTIPATH, append(
					attrs([]byte{16, 0, byte(unix.RTNH_F_ONLINK), 4, 7, 0, 0, 0}, unix.RTA_GATEWAY, []byte{10, 0, 0, 9}),
					attrs([]byte{32, 0, 0, 0xff, 9, 0, 0, 0}, unix.RTA_VIA, append([]byte{unix.AF_INET6, 0}, gw6b[:]...))...)),
			&Route{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.11.0.0/16"), Table: 254, Protocol: 3, Type: 1, Multipath: []Nexthop{
				{Gateway: netip.MustParseAddr("10.0.0.9"), Oif: 7, OifName: "seven", Flags: unix.RTNH_F_ONLINK, Weight: 5},
				{Gateway: gw6, Oif: 9, Weight: 256}}},
		},
		"a next hop with a tunnel and more": {
			attrs(header(unix.AF_INET, 16, 0, 0, 254, 3, 0, 1, 0),
				unix.RTA_DST, []byte{10, 11, 0, 0},
				unix.RTA_MULTIPATH, attrs([]byte{48, 0, byte(unix.RTNH_F_ONLINK), 4, 7, 0, 0, 0}, unix.RTA_GATEWAY, []byte{10, 0, 0, 9},
					unix.RTA_ENCAP_TYPE, []byte{2, 0}, unix.RTA_ENCAP|unix.NLA_F_NESTED, []byte("mpls"), unix.RTA_FLOW, u32(7), 200, []byte("what"))),
			&Route{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.11.0.0/16"), Table: 254, Protocol: 3, Type: 1, Multipath: []Nexthop{
				{Gateway: netip.MustParseAddr("10.0.0.9"), Oif: 7, OifName: "seven", Flags: unix.RTNH_F_ONLINK, Weight: 5,
					Encap: Encap{Type: 2, Data: "mpls"}, Realms: 7, Other: "\x08\x00\xc8\x00what"}}},
		},
		"source longer than an address":          {attrs(header(unix.AF_INET6, 0, 129, 0, 254, 3, 0, 1, 0), unix.RTA_SRC, gw6b[:]), nil},
		"shorter than struct rtmsg":              {header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0)[:11], nil},
		"address of five bytes":                  {attrs(header(unix.AF_INET, 8, 0, 0, 254, 3, 0, 1, 0), unix.RTA_DST, []byte{1, 2, 3, 4, 5}), nil},
		"prefix longer than the address":         {attrs(header(unix.AF_INET, 33, 0, 0, 254, 3, 0, 1, 0), unix.RTA_DST, []byte{1, 2, 3, 4}), nil},
		"priority of two bytes":                  {attrs(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_PRIORITY, []byte{1, 2}), nil},
		"next hop longer than its attribute":     {attrs(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_MULTIPATH, []byte{16, 0, 0, 0, 7, 0, 0, 0}), nil},
		"next hop shorter than its head":         {attrs(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_MULTIPATH, []byte{7, 0, 0, 0, 7, 0, 0, 0}), nil},
		"bad attribute inside a next hop":        {attrs(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_MULTIPATH, []byte{12, 0, 0, 0, 7, 0, 0, 0, 3, 0, 5, 0}), nil},
		"bad attribute inside the metrics":       {attrs(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_METRICS, []byte{9, 0, 2, 0, 1}), nil},
		"next hop's address without a family":    {attrs(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_VIA, []byte{1}), nil},
		"cache information of fifteen bytes":     {attrs(header(unix.AF_INET6, 0, 0, 0, 254, 3, 0, 1, 0), unix.RTA_CACHEINFO, make([]byte, 15)), nil},
		"last attribute longer than the body":    {append(header(unix.AF_INET, 0, 0, 0, 254, 3, 0, 1, 0), 5, 0, 1, 0), nil},
		"destination of the other family's size": {attrs(header(unix.AF_INET, 64, 0, 0, 254, 3, 0, 1, 0), unix.RTA_DST, gw6b[:]), nil},
	}
}

func TestDecodeRoute(t *testing.T) {
	names := map[int]string{7: "seven"}
	for name, tc := range routeSeeds() {
		t.Run(name, func(t *testing.T) {
			got := new(Route)
			ok, err := decodeRoute(netlink.Message{Type: unix.RTM_NEWROUTE, Body: tc.body}, names, got)
			if tc.want == nil {
				if !errors.Is(err, netlink.ErrBadAttribute) && !errors.Is(err, netlink.ErrShortMessage) {
					t.Errorf("got %+v, %v; want an error", got, err)
				}
				return
			}
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			if diff := cmp.Diff(tc.want, got, byValue); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRoutes_kernelThatIgnoresTheFilter: before 4.20 every route of the family
// comes, and cached ones and other families with them.
func TestRoutes_kernelThatIgnoresTheFilter(t *testing.T) {
	row := func(family, third, table, protocol, kind byte, flags uint32, oif uint32) []byte {
		head := append([]byte{family, 24, 0, 0, table, protocol, 0, kind}, u32(flags)...)
		return attrs(head, unix.RTA_DST, []byte{10, 0, third, 0}, unix.RTA_OIF, u32(oif))
	}
	multipath := attrs(append([]byte{unix.AF_INET, 24, 0, 0, 254, 4, 0, 1}, u32(0)...),
		unix.RTA_DST, []byte{10, 0, 2, 0}, unix.RTA_MULTIPATH, []byte{8, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0})
	nl, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		var b []byte
		if r.Type == unix.RTM_GETROUTE {
			for _, body := range [][]byte{
				row(unix.AF_INET, 1, 254, 4, 1, 0, 7),
				multipath,
				row(unix.AF_INET, 3, 253, 4, 1, 0, 7),
				row(unix.AF_INET, 4, 254, 3, 1, 0, 7),
				row(unix.AF_INET, 5, 254, 4, 2, 0, 7),
				row(unix.AF_INET, 6, 254, 4, 1, unix.RTM_F_CLONED, 7),
				row(unix.AF_INET, 7, 254, 4, 1, 0, 8),
				row(128, 8, 254, 4, 1, 0, 7),
			} {
				b = nltest.Append(b, unix.RTM_NEWROUTE, unix.NLM_F_MULTI, r.Seq, body)
			}
		}
		return []nltest.Datagram{{Bytes: nltest.AppendDone(b, r, 0)}}
	})
	var got []string
	for r, err := range NewConn(nl).Routes(RouteFilter{Family: unix.AF_INET, Table: 254, Protocol: 4, Type: 1, Oif: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Dst.String())
	}
	if diff := cmp.Diff([]string{"10.0.1.0/24", "10.0.2.0/24"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRouteEncode_isWhatDecodeReads: each route that can be sent comes back.
func TestRouteEncode_isWhatDecodeReads(t *testing.T) {
	for name, tc := range routeSeeds() {
		if tc.want == nil || tc.want.Family == unix.AF_INET6 {
			continue // cache information is read only
		}
		t.Run(name, func(t *testing.T) {
			nl, kernel := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, 0, "")}}
			})
			if err := NewConn(nl).AddRoute(tc.want, unix.NLM_F_CREATE); err != nil {
				t.Fatal(err)
			}
			got := new(Route)
			sent := netlink.Walk(kernel.Requests[0])
			sent.Next()
			if _, err := decodeRoute(sent.Message(), map[int]string{7: "seven"}, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, byValue, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Multipath" }, cmp.Comparer(sameHops))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// sameHops takes nil and empty for the same.
func sameHops(a, b []Nexthop) bool {
	return len(a) == len(b) && (len(a) == 0 || cmp.Equal(a, b, byValue))
}

// FuzzDecode: no body makes a decoder panic, and what it accepts is whole: a
// valid prefix, or an error, never both.
func FuzzDecode(f *testing.F) {
	for _, seed := range routeSeeds() {
		f.Add(uint16(unix.RTM_NEWROUTE), seed.body)
	}
	f.Add(uint16(unix.RTM_NEWLINK), attrs(make([]byte, 16), unix.IFLA_IFNAME, []byte("e0\x00"), unix.IFLA_MTU, u32(1500),
		unix.IFLA_LINKINFO, attrs(nil, unix.IFLA_INFO_KIND, []byte("veth\x00")), unix.IFLA_ADDRESS, make([]byte, 6)))
	f.Add(uint16(unix.RTM_NEWADDR), attrs([]byte{unix.AF_INET, 24, 128, 0, 2, 0, 0, 0}, unix.IFA_ADDRESS, []byte{10, 0, 0, 1}, unix.IFA_LOCAL, []byte{10, 0, 0, 2}, unix.IFA_FLAGS, u32(128)))
	f.Add(uint16(unix.RTM_NEWNEIGH), attrs([]byte{unix.AF_INET, 0, 0, 0, 2, 0, 0, 0, 128, 0, 0, 0}, unix.NDA_DST, []byte{10, 0, 0, 1}, unix.NDA_LLADDR, make([]byte, 6)))
	f.Add(uint16(unix.RTM_NEWRULE), attrs([]byte{unix.AF_INET, 8, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0}, unix.FRA_DST, []byte{10, 0, 0, 0}, unix.FRA_DPORT_RANGE, u32(53), unix.FRA_UID_RANGE, make([]byte, 8)))
	f.Add(uint16(unix.RTM_NEWLINK), attrs(make([]byte, 16), unix.IFLA_LINKINFO, attrs(nil, unix.IFLA_INFO_KIND, []byte("vrf\x00"),
		unix.IFLA_INFO_DATA, attrs(nil, unix.IFLA_VRF_TABLE, u32(1001)))))
	for _, body := range nexthopSeeds() {
		f.Add(uint16(unix.RTM_NEWNEXTHOP), body)
	}
	f.Fuzz(func(t *testing.T, typ uint16, body []byte) {
		m := netlink.Message{Type: typ, Body: body}
		var (
			route Route
			link  Link
			addr  Addr
			neigh Neigh
			rule  Rule
			hop   NexthopObject
		)
		if ok, err := decodeRoute(m, nil, &route); ok && err == nil && unspecified(route.Family).IsValid() && !route.Dst.IsValid() {
			t.Errorf("accepted without a destination: %+v", route)
		}
		for _, decode := range []func() (bool, error){
			func() (bool, error) { return decodeLink(m, &link) },
			func() (bool, error) { return decodeAddr(m, 0, &addr) },
			func() (bool, error) { return decodeNeigh(m, 0, &neigh) },
			func() (bool, error) { return decodeRule(m, 0, &rule) },
			func() (bool, error) { return decodeNexthop(m, &hop) },
		} {
			if _, err := decode(); err != nil && !errors.Is(err, netlink.ErrBadAttribute) && !errors.Is(err, netlink.ErrShortMessage) {
				t.Errorf("error %v is not one of the decoder's", err)
			}
		}
	})
}

// BenchmarkDecodeRoute: a table of a million routes is read at this price each.
func BenchmarkDecodeRoute(b *testing.B) {
	seed := routeSeeds()["two next hops, one of the other family"]
	m := netlink.Message{Type: unix.RTM_NEWROUTE, Body: seed.body}
	names, route := map[int]string{7: "seven"}, new(Route)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := decodeRoute(m, names, route); !ok || err != nil || len(route.Multipath) != 2 {
			b.Fatal(ok, err, route)
		}
	}
}

// TestDecodeRoute_allocatesNothing once the next hops have their place.
func TestDecodeRoute_allocatesNothing(t *testing.T) {
	for name, tc := range routeSeeds() {
		if tc.want == nil || tc.want.Metrics.CongAlg != "" || len(tc.want.Multipath) > 0 && tc.want.Multipath[0].Other != "" {
			continue // a name, and what is kept unread, is a string of its own
		}
		route := new(Route)
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := decodeRoute(netlink.Message{Type: unix.RTM_NEWROUTE, Body: tc.body}, nil, route); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
