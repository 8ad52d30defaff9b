package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// objectLab has routes through nexthop objects; with compat "0" the kernel names the object alone, not its next hops.
func objectLab(t *testing.T, compat string) (host *nstest.Host, run func(words ...string) nstest.Result, ip func(lines ...string)) {
	t.Helper()
	host, run = routeListLab(t)
	host.Sysctl(t, "net/ipv4/nexthop_compat_mode", compat)
	program := nstest.Peer(t, "ip")
	ip = func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			if r := host.Run(t, program, strings.Fields(line)...); r.Status != 0 {
				t.Fatal(line, r)
			}
		}
	}
	ip("nexthop add id 31 via fe80::31 dev d0", "nexthop add id 32 via fe80::32 dev d0", "nexthop add id 50 group 31/32,2",
		"route add 10.112.0.0/16 nhid 31", "route add 10.113.0.0/16 nhid 50", "-6 route add 2001:db8:113::/48 nhid 50")
	return host, run, ip
}

// TestRouteObject: what is asked of a route with a nexthop object is answered from the object where the kernel leaves it to it.
func TestRouteObject(t *testing.T) {
	for _, compat := range []string{"1", "0"} {
		t.Run("compat "+compat, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				_, run, _ := objectLab(t, compat)
				for line, want := range map[string]string{
					"get --brief 10.112.0.1":         "10.112.0.1: via fe80::31 dev d0 src 10.50.0.1, by 10.112.0.0/16 via fe80::31 dev d0 table main\n",
					"save --exact 10.112.0.0/16":     "",
					"flush --dry-run --via fe80::32": "2 routes would be deleted\n",
				} {
					r := run(strings.Fields(line)...)
					if r.Status != 0 || r.Stderr != "" || !strings.HasSuffix(r.Stdout, want) {
						t.Errorf("%s: %+v", line, r)
					}
				}
				for _, dst := range []string{"10.112.0.1", "10.113.0.1", "10.3.0.1", "2001:db8:113::1"} {
					if r := run("get", dst); r.Status != 0 || !strings.Contains(r.Stdout, ": the same\n") || strings.Contains(r.Stdout, "redirect") {
						t.Errorf("%s: %+v", dst, r)
					}
				}
				if n := strings.Count(run("save", "--dev", "d0", "--root", "10.112.0.0/15").Stdout, "\n"); n != 2 {
					t.Errorf("save by the interface of an object: %d routes", n)
				}
			})
		})
	}
}

// TestRouteObject_deleted: by another gateway or device than its own the original deletes a route over an object, and gnet does not.
func TestRouteObject_deleted(t *testing.T) {
	difference(t, "v6-del-object")
	nstest.InNetns(t, func(t *testing.T) {
		host, run, ip := objectLab(t, "1")
		original := nstest.Peer(t, "route")
		ip("-6 nexthop add id 70 via 2001:db8:50::2 dev d0")
		listed := func() string {
			return strings.TrimSpace(host.Run(t, nstest.Peer(t, "ip"), "-6", "route", "show", "2001:db8:170::/48").Stdout)
		}
		const there = "2001:db8:170::/48 nhid 70 via 2001:db8:50::2 dev d0 metric 5 pref medium"
		for _, wrong := range []string{"gw 2001:db8:50::9 metric 5", "metric 5 dev lo"} {
			line := strings.Fields("-6 del 2001:db8:170::/48 " + wrong)
			ip("-6 route add 2001:db8:170::/48 nhid 70 metric 5")
			if r := run(line...); r.Status != 7 || r.Stdout != "" || r.Stderr != "SIOCDELRT: No such process\n" || listed() != there {
				t.Errorf("gnet, %s: %+v, and left %q", wrong, r, listed())
			}
			if r := host.Run(t, original, line...); r.Status != 0 || listed() != "" {
				t.Errorf("the original, %s: %+v, and left %q", wrong, r, listed())
			}
		}
		ip("-6 route add 2001:db8:170::/48 nhid 70 metric 5")
		if r := run("-6", "del", "2001:db8:170::/48", "gw", "2001:db8:50::2"); r.Status != 0 || listed() != "" {
			t.Errorf("by its own gateway: %+v, and left %q", r, listed())
		}
	})
}

// TestRouteObject_watched: the kernel deletes the routes of an object without a word, or with one when they are known to be gone.
func TestRouteObject_watched(t *testing.T) {
	for _, compat := range []string{"1", "0"} {
		t.Run("compat "+compat, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				host, _, ip := objectLab(t, compat)
				watch := watchRoutesOf(t, host, "--dev", "d0")
				ip("route del 10.112.0.0/16", "route add 10.112.0.0/16 nhid 31", "nexthop del id 50")
				watch.until("deleted  10.113.0.0/16")
				watch.until("deleted  2001:db8:113::/48")
				ip("nexthop del id 31")
				watch.until("10.112.0.0/16 nhid 31 proto boot (found)")
				var got []string
				for line := range strings.Lines(watch.end()) {
					words := strings.Fields(line)
					if len(words) > 2 && (strings.HasPrefix(words[2], "10.11") || strings.HasPrefix(words[2], "2001:db8:113:")) {
						got = append(got, fmt.Sprint(words[1], " ", words[2], " ", strings.Contains(line, "(found)")))
					}
				}
				slices.Sort(got)
				want := []string{"added 10.112.0.0/16 false", "deleted 10.112.0.0/16 false", "deleted 10.112.0.0/16 true", "deleted 10.113.0.0/16 true", "deleted 2001:db8:113::/48 true"}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
