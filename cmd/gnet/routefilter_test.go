package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/routes"
)

// parseFilterFlags reads words as one of gnet's own verbs does.
func parseFilterFlags(words ...string) (*routeFilter, error) {
	f := new(routeFilter)
	cmd := &cobra.Command{Use: "x"}
	addFilterFlags(cmd, f)
	if err := cmd.ParseFlags(words); err != nil {
		return nil, &flagError{err}
	}
	return f, nil
}

func TestRouteFilter_words(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	tests := []struct {
		words []string
		want  routes.Filter
	}{
		{nil, routes.Filter{Table: 254}},
		{[]string{"--table", "local"}, routes.Filter{Table: 255}},
		{[]string{"--table=4294967295"}, routes.Filter{Table: 1<<32 - 1}},
		{[]string{"--table", "all"}, routes.Filter{}},
		{[]string{"--all-tables"}, routes.Filter{}},
		{[]string{"--vrf", "red"}, routes.Filter{VRF: "red"}},
		{[]string{"--root", "10.0.0.0/8"}, routes.Filter{Table: 254, Root: prefix("10.0.0.0/8")}},
		{[]string{"--root", "default"}, routes.Filter{Table: 254}},
		{[]string{"--match", "default"}, routes.Filter{Table: 254, Default: true}},
		{[]string{"--exact", "default"}, routes.Filter{Table: 254, Default: true}},
		{[]string{"--exact", "default", "--exact", "10.0.0.0/8"}, routes.Filter{Table: 254, Exact: prefix("10.0.0.0/8")}},
		{[]string{"--exact", "10.0.0.0/8", "--exact", "default"}, routes.Filter{Table: 254, Default: true}},
		{[]string{"--match", "10.1.2.3"}, routes.Filter{Table: 254, Covering: prefix("10.1.2.3/32")}},
		{[]string{"--exact", "::/0"}, routes.Filter{Table: 254, Exact: prefix("::/0")}},
		{[]string{"--dev", "eth0", "--via", "fe80::1"}, routes.Filter{Table: 254, Dev: "eth0", Via: addr("fe80::1")}},
		{[]string{"--src", "192.0.2.1"}, routes.Filter{Table: 254, Src: addr("192.0.2.1")}},
		{[]string{"--proto", "static"}, routes.Filter{Table: 254, Protocol: 4, HasProtocol: true}},
		{[]string{"--proto", "0"}, routes.Filter{Table: 254, HasProtocol: true}},
		{[]string{"--type", "blackhole"}, routes.Filter{Table: 254, Type: 6}},
		{[]string{"--type", "255"}, routes.Filter{Table: 254, Type: 255}},
		{[]string{"--scope", "link"}, routes.Filter{Table: 254, Scope: 253, HasScope: true}},
		{[]string{"--scope", "7"}, routes.Filter{Table: 254, Scope: 7, HasScope: true}},
	}
	for _, tc := range tests {
		f, err := parseFilterFlags(tc.words...)
		if err != nil {
			t.Errorf("%q: %v", tc.words, err)
			continue
		}
		got, err := f.filter()
		if err != nil {
			t.Errorf("%q: %v", tc.words, err)
		}
		if diff := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tc.words, diff)
		}
		if f.Given() != (len(tc.words) > 0) {
			t.Errorf("%q: given %v", tc.words, f.Given())
		}
	}
}

func TestRouteFilter_refused(t *testing.T) {
	tests := []struct {
		words []string
		want  string
	}{
		{[]string{"--table", "0"}, `--table: "0" is no table: main, local, default, all, a number from 1 to 4294967295, or a name of rt_tables`},
		{[]string{"--table", "4294967296"}, `--table: "4294967296" is no table: main, local, default, all, a number from 1 to 4294967295, or a name of rt_tables`},
		{[]string{"--all-tables=false"}, `--all-tables takes no argument`},
		{[]string{"--vrf", ""}, `--vrf: a VRF device is needed, not an empty word`},
		{[]string{"--dev", ""}, `--dev: an interface is needed, not an empty word`},
		{[]string{"--root", "10.0.0.0/33"}, `--root: "10.0.0.0/33" is no prefix: ADDRESS, ADDRESS/LENGTH or default`},
		{[]string{"--root", "10.1.0.0/8"}, `--root: "10.1.0.0/8" has bits beyond its length: 10.0.0.0/8 is the prefix, 10.1.0.0 the address`},
		{[]string{"--exact", "2001:db8::1/32"}, `--exact: "2001:db8::1/32" has bits beyond its length: 2001:db8::/32 is the prefix, 2001:db8::1 the address`},
		{[]string{"--match", "fe80::1%eth0"}, `--match: "fe80::1%eth0" is no prefix: ADDRESS, ADDRESS/LENGTH or default`},
		{[]string{"--via", "fe80::1%eth0"}, `--via: "fe80::1%eth0" is no address without a zone`},
		{[]string{"--proto", "256"}, `--proto: "256" is no protocol: kernel, boot, static, ra, a number from 0 to 255, or a name of rt_protos`},
		{[]string{"--type", "none"}, `--type: "none" is no type: unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, throw, or a number from 1 to 255`},
		{[]string{"--scope", "planet"}, `--scope: "planet" is no scope: global, site, link, host, nowhere, or a number from 0 to 255`},
		{[]string{"--table", "5", "--vrf", "red"}, `--table and --vrf name different tables`},
	}
	for _, tc := range tests {
		f, err := parseFilterFlags(tc.words...)
		if err == nil {
			_, err = f.filter()
		}
		if err == nil {
			t.Errorf("%q: accepted", tc.words)
			continue
		}
		if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tc.words, diff)
		}
	}
}

// TestRouteFilter_family: words of two families select nothing, which must be said.
func TestRouteFilter_family(t *testing.T) {
	tests := []struct {
		words []string
		only  uint8
		want  uint8
		bad   string
	}{
		{words: nil},
		{words: nil, only: unix.AF_INET},
		{words: []string{"--exact", "default"}, only: unix.AF_INET6},
		{words: []string{"--match", "10.0.0.1", "--src", "10.0.0.2"}, want: unix.AF_INET},
		{words: []string{"--root", "2001:db8::/32"}, only: unix.AF_INET6, want: unix.AF_INET6},
		{words: []string{"--via", "fe80::1"}, only: unix.AF_INET},
		{words: []string{"--via", "10.0.0.1"}, want: unix.AF_INET},
		{words: []string{"--match", "2001:db8::/32"}, only: unix.AF_INET, bad: "--match 2001:db8::/32: IPv6, and only IPv4 routes are asked for"},
		{words: []string{"--via", "10.0.0.1"}, only: unix.AF_INET6, bad: "--via 10.0.0.1: IPv4, and only IPv6 routes are asked for"},
		{words: []string{"--root", "10.0.0.0/8", "--src", "2001:db8::1"}, bad: "--root 10.0.0.0/8 is IPv4 and --src 2001:db8::1 IPv6: no route is of both"},
	}
	for _, tc := range tests {
		f, err := parseFilterFlags(tc.words...)
		if err != nil {
			t.Errorf("%q: %v", tc.words, err)
			continue
		}
		got, err := f.family(tc.only)
		bad := ""
		if err != nil {
			bad = err.Error()
		}
		if got != tc.want || bad != tc.bad {
			t.Errorf("%q of %d: family %d, %q", tc.words, tc.only, got, bad)
		}
	}
}
