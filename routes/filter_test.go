package routes

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// filterTable has one route of each kind that a filter tells apart, under a name.
func filterTable() []struct {
	name string
	rtnl.Route
} {
	type row = struct {
		name string
		rtnl.Route
	}
	v4, v6 := uint8(unix.AF_INET), uint8(unix.AF_INET6)
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	return []row{
		{"default", rtnl.Route{Family: v4, Table: 254, Type: 1, Protocol: 3, Dst: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.1"), OifName: "e0"}},
		{"net8", rtnl.Route{Family: v4, Table: 254, Type: 1, Protocol: 4, Tos: 16, Dst: prefix("10.0.0.0/8"), Gateway: addr("10.0.0.2"), OifName: "e1"}},
		{"net16", rtnl.Route{Family: v4, Table: 100, Type: 6, Protocol: 4, Dst: prefix("10.9.0.0/16")}},
		{"host", rtnl.Route{Family: v4, Table: 255, Type: 2, Protocol: 2, Scope: 254, Dst: prefix("10.9.1.1/32"), OifName: "e0", PrefSrc: addr("10.9.1.1")}},
		{"multi", rtnl.Route{Family: v4, Table: 254, Type: 1, Protocol: 3, Dst: prefix("172.16.0.0/12"), Multipath: []rtnl.Nexthop{
			{Gateway: addr("10.0.0.1"), OifName: "e1"}, {Gateway: addr("fe80::1"), OifName: "e0"}}}},
		{"six", rtnl.Route{Family: v6, Table: 254, Type: 1, Protocol: 0, Dst: prefix("2001:db8::/32"), Gateway: addr("fe80::1"), OifName: "e0"}},
	}
}

func TestFilter_match(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	tests := []struct {
		name   string
		filter Filter
		want   []string
	}{
		{"all", Filter{}, []string{"default", "net8", "net16", "host", "multi", "six"}},
		{"family", Filter{Family: unix.AF_INET6}, []string{"six"}},
		{"table", Filter{Table: 100}, []string{"net16"}},
		{"type", Filter{Type: unix.RTN_LOCAL}, []string{"host"}},
		{"protocol", Filter{Protocol: 4, HasProtocol: true}, []string{"net8", "net16"}},
		{"protocol 0", Filter{HasProtocol: true}, []string{"six"}},
		{"scope 0", Filter{HasScope: true}, []string{"default", "net8", "net16", "multi", "six"}},
		{"scope", Filter{Scope: 254, HasScope: true}, []string{"host"}},
		{"tos", Filter{Tos: 16, HasTos: true}, []string{"net8"}},
		{"source", Filter{Src: addr("10.9.1.1")}, []string{"host"}},
		{"inside", Filter{Root: prefix("10.0.0.0/8")}, []string{"net8", "net16", "host"}},
		{"inside everything", Filter{Root: prefix("0.0.0.0/0")}, []string{"default", "net8", "net16", "host", "multi"}},
		{"inside of a longer one with the same address", Filter{Root: prefix("10.9.0.0/24")}, nil},
		{"containing", Filter{Covering: prefix("10.9.1.0/24")}, []string{"default", "net8", "net16"}},
		{"exact", Filter{Exact: prefix("10.9.0.0/16")}, []string{"net16"}},
		{"default routes", Filter{Default: true}, []string{"default"}},
		{"default routes inside of a prefix", Filter{Default: true, Root: prefix("10.0.0.0/8")}, nil},
		{"six only", Filter{Root: prefix("::/0")}, []string{"six"}},
		{"device", Filter{Dev: "e0"}, []string{"default", "host", "multi", "six"}},
		{"gateway", Filter{Via: addr("10.0.0.1")}, []string{"default", "multi"}},
		{"gateway of the other family", Filter{Via: addr("fe80::1")}, []string{"multi", "six"}},
		{"both of one next hop", Filter{Via: addr("10.0.0.1"), Dev: "e0"}, []string{"default"}},
		{"all together", Filter{Family: unix.AF_INET, Table: 254, Type: 1, Protocol: 3, HasProtocol: true, Dev: "e1"}, []string{"multi"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, row := range filterTable() {
				if tc.filter.Match(&row.Route) {
					got = append(got, row.name)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFilter_narrow(t *testing.T) {
	wide := []Filter{{}, {Family: unix.AF_INET, Table: 5}, {VRF: "v"}}
	narrow := []Filter{{Dev: "e0"}, {Default: true}, {HasProtocol: true}, {HasTos: true}, {HasScope: true}, {Type: 1}, {Exact: netip.MustParsePrefix("::/0")}}
	is := func(f Filter) bool { return f.Narrow() }
	if slices.ContainsFunc(wide, is) {
		t.Error("a family and a table are called narrow")
	}
	for _, f := range narrow {
		if !is(f) {
			t.Errorf("%+v is called wide", f)
		}
	}
}
