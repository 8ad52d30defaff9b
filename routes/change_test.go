package routes

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// bootRoutes lists what was added by hand, as iproute2 sees it.
func bootRoutes(t *testing.T, family string) []string {
	t.Helper()
	out, err := exec.Command(nstest.Peer(t, "ip"), family, "route", "show", "proto", "boot").Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

func TestAddDelete(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("addr add 10.50.0.77/24 dev d0 label d0:1")
		c, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		def, gw2, gw3 := prefix("0.0.0.0/0"), addr("10.50.0.2"), addr("10.50.0.3")
		net8 := prefix("10.0.0.0/8")
		six, gw62, gw63 := prefix("2001:db8:9::7/48"), addr("2001:db8:50::2"), addr("2001:db8:50::3")
		for _, step := range []struct {
			name   string
			do     func(Change) error
			change Change
			want   error
			table  []string // what is there afterwards; nil: not looked at
		}{
			{"gateway", c.Add, Change{Dst: def, Gateway: gw2}, nil, []string{"default via 10.50.0.2 dev d0"}},
			{"the same again", c.Add, Change{Dst: def, Gateway: gw2}, unix.EEXIST, nil},
			{"a second gateway goes in front", c.Add, Change{Dst: def, Gateway: gw3}, nil, []string{"default via 10.50.0.3 dev d0", "default via 10.50.0.2 dev d0"}},
			{"delete what is not there", c.Delete, Change{Dst: def, Gateway: addr("10.50.0.9")}, unix.ESRCH, nil},
			{"delete by gateway", c.Delete, Change{Dst: def, Gateway: gw2}, nil, []string{"default via 10.50.0.3 dev d0"}},
			{"delete the first", c.Delete, Change{Dst: def}, nil, []string{}},
			{"the largest metric", c.Add, Change{Dst: net8, Gateway: gw2, Metric: 1<<32 - 1, HasMetric: true}, nil, []string{"10.0.0.0/8 via 10.50.0.2 dev d0 metric 4294967295"}},
			{"delete by metric", c.Delete, Change{Dst: net8, Metric: 1<<32 - 1, HasMetric: true}, nil, []string{}},
			{"on the link", c.Add, Change{Dst: net8, Device: "d1", HasDevice: true}, nil, []string{"10.0.0.0/8 dev d1 scope link"}},
			{"delete by device", c.Delete, Change{Dst: net8, Device: "d0", HasDevice: true}, unix.ESRCH, nil},
			{"delete by the right device", c.Delete, Change{Dst: net8, Device: "d1", HasDevice: true}, nil, []string{}},
			{"metrics", c.Add, Change{Dst: net8, Gateway: gw2, MSS: 1400, Window: 8192, IRTT: 300}, nil, []string{"10.0.0.0/8 via 10.50.0.2 dev d0 window 8192 rtt 300ms advmss 1360"}},
			{"delete it", c.Delete, Change{Dst: net8}, nil, []string{}},
			{"reject drops gateway and device", c.Add, Change{Dst: net8, Gateway: gw2, Device: "nosuch", HasDevice: true, Reject: true}, nil, []string{"unreachable 10.0.0.0/8 scope host"}},
			{"reject must be named", c.Delete, Change{Dst: net8}, unix.ESRCH, nil},
			{"delete reject", c.Delete, Change{Dst: net8, Reject: true}, nil, []string{}},
			{"own address as gateway", c.Add, Change{Dst: net8, Gateway: addr("10.50.0.1")}, nil, []string{"10.0.0.0/8 via 10.50.0.1 dev d0 scope link"}},
			{"delete it by gateway", c.Delete, Change{Dst: net8, Gateway: addr("10.50.0.1")}, nil, []string{}},
			{"alias gives the source", c.Add, Change{Dst: net8, Device: "d0:1", HasDevice: true}, nil, []string{"10.0.0.0/8 dev d0 scope link src 10.50.0.77"}},
			{"delete by alias", c.Delete, Change{Dst: net8, Device: "d0:1", HasDevice: true}, nil, []string{}},
			{"no such alias", c.Add, Change{Dst: net8, Device: "d0:2", HasDevice: true}, unix.ENODEV, nil},
			{"no such device", c.Add, Change{Dst: net8, Device: "nosuch", HasDevice: true}, unix.ENODEV, nil},
			{"a name too long for a device", c.Add, Change{Dst: net8, Device: "averyveryverylongname0", HasDevice: true}, unix.ENODEV, nil},
			{"neither gateway nor device", c.Add, Change{Dst: net8}, unix.ENODEV, nil},
			{"gateway 0.0.0.0", c.Add, Change{Dst: net8, Gateway: addr("0.0.0.0")}, unix.EINVAL, nil},
			{"bits outside the mask", c.Add, Change{Dst: prefix("10.0.0.0/0"), Gateway: gw2}, unix.EINVAL, nil},
			{"gateway not on the link", c.Add, Change{Dst: net8, Gateway: addr("10.99.99.99")}, unix.ENETUNREACH, []string{}},
		} {
			if err := step.do(step.change); !errors.Is(err, step.want) {
				t.Errorf("%s: %v, want %v", step.name, err, step.want)
			}
			if got := bootRoutes(t, "-4"); step.table != nil && strings.Join(got, "\n") != strings.Join(step.table, "\n") {
				t.Errorf("%s: table (-want +got)\n%s", step.name, cmp.Diff(step.table, got))
			}
		}
		for _, step := range []struct {
			name   string
			do     func(Change) error
			change Change
			want   error
			table  []string
		}{
			{"metric 1, bits outside the mask dropped", c.Add, Change{Dst: six, Gateway: gw62}, nil, []string{"2001:db8:9::/48 via 2001:db8:50::2 dev d0 metric 1 pref medium"}},
			{"metric 0 is 1024", c.Add, Change{Dst: six, Gateway: gw62, HasMetric: true}, nil, nil},
			{"two next hops", c.Add, Change{Dst: six, Gateway: gw63}, nil, nil},
			{"delete one next hop of the lowest metric", c.Delete, Change{Dst: six}, nil, []string{
				"2001:db8:9::/48 via 2001:db8:50::3 dev d0 metric 1 pref medium", "2001:db8:9::/48 via 2001:db8:50::2 dev d0 metric 1024 pref medium"}},
			{"delete by gateway, whatever the metric", c.Delete, Change{Dst: six, Gateway: gw62}, nil, []string{"2001:db8:9::/48 via 2001:db8:50::3 dev d0 metric 1 pref medium"}},
			{"delete another metric", c.Delete, Change{Dst: six, Metric: 7, HasMetric: true}, unix.ESRCH, nil},
			{"delete the last", c.Delete, Change{Dst: six}, nil, []string{}},
			{"a host through a gateway", c.Add, Change{Dst: prefix("2001:db8:9::7/128"), Gateway: gw62}, nil, []string{"2001:db8:9::7 via 2001:db8:50::2 dev d0 metric 1 pref medium"}},
			{"no such device", c.Delete, Change{Dst: six, Device: "nosuch", HasDevice: true}, unix.ENODEV, nil},
		} {
			if err := step.do(step.change); !errors.Is(err, step.want) {
				t.Errorf("v6: %s: %v, want %v", step.name, err, step.want)
			}
			if got := bootRoutes(t, "-6"); step.table != nil && strings.Join(got, "\n") != strings.Join(step.table, "\n") {
				t.Errorf("v6: %s: table (-want +got)\n%s", step.name, cmp.Diff(step.table, got))
			}
		}
	})
}

// A route of IPv6 over a nexthop object is deleted as one that has its next hop itself, and with it the whole of a group.
func TestDelete_nexthopObject(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("nexthop add id 5 via 2001:db8:50::2 dev d0")
		ip("nexthop add id 6 via 2001:db8:50::3 dev d0")
		ip("nexthop add id 7 group 5/6")
		c, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		dst := prefix("2001:db8:9::/48")
		over5, over7 := Change{Dst: dst, Gateway: addr("2001:db8:50::2")}, Change{Dst: dst, Metric: 7, HasMetric: true}
		const behind5 = "2001:db8:9::/48 nhid 5 via 2001:db8:50::2 dev d0 metric 5 pref medium"
		const behind = "2001:db8:9::/48 via 2001:db8:50::3 dev d0 metric 5 pref medium"
		ip("-6 route add 2001:db8:9::/48 nhid 5 metric 5")
		ip("-6 route add 2001:db8:9::/48 nhid 7 metric 7")
		for _, step := range []struct {
			name   string
			change Change
			want   error
			table  []string
		}{
			{"another gateway", Change{Dst: dst, Gateway: addr("2001:db8:50::9")}, unix.ESRCH, []string{
				"2001:db8:9::/48 nhid 5 via 2001:db8:50::2 dev d0 metric 5 pref medium", "2001:db8:9::/48 nhid 7 metric 7 pref medium",
				"nexthop via 2001:db8:50::2 dev d0 weight 1", "nexthop via 2001:db8:50::3 dev d0 weight 1"}},
			{"by the object's gateway", over5, nil, []string{
				"2001:db8:9::/48 nhid 7 metric 7 pref medium", "nexthop via 2001:db8:50::2 dev d0 weight 1", "nexthop via 2001:db8:50::3 dev d0 weight 1"}},
			{"a group by its metric", over7, nil, nil},
			{"by device, which is another", Change{Dst: dst, Device: "d1", HasDevice: true}, unix.ESRCH, []string{behind5, behind}},
			{"by type, which is another", Change{Dst: dst, Type: unix.RTN_BLACKHOLE}, unix.ESRCH, []string{behind5, behind}},
			{"what stands behind an object", Change{Dst: dst, Gateway: addr("2001:db8:50::3")}, ErrShadowed, []string{behind5, behind}},
			{"the object in front", Change{Dst: dst, Metric: 5, HasMetric: true}, nil, []string{behind}},
			{"what stood behind it", Change{Dst: dst, Gateway: addr("2001:db8:50::3")}, nil, nil},
			{"by a gateway that the kernel leaves to the object", over5, nil, nil},
		} {
			switch step.name {
			case "by device, which is another":
				ip("-6 route add 2001:db8:9::/48 nhid 5 metric 5")
				ip("-6 route append 2001:db8:9::/48 via 2001:db8:50::3 dev d0 metric 5")
			case "by a gateway that the kernel leaves to the object":
				if err := os.WriteFile("/proc/sys/net/ipv4/nexthop_compat_mode", []byte("0"), 0); err != nil {
					t.Fatal(err)
				}
				ip("-6 route add 2001:db8:9::/48 nhid 5 metric 5")
			}
			if err := c.Delete(step.change); !errors.Is(err, step.want) {
				t.Errorf("%s: %v, want %v", step.name, err, step.want)
			}
			if diff := cmp.Diff(step.table, bootRoutes(t, "-6")); diff != "" {
				t.Errorf("%s: table (-want +got)\n%s", step.name, diff)
			}
		}
	})
}

// TestOpError: what was done, the errno, and the kernel's own words.
func TestOpError(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lookupHost(t)
		c, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		err = c.Add(Change{Dst: prefix("10.0.0.0/8"), Gateway: addr("10.99.99.99")})
		var op *OpError
		if !errors.As(err, &op) {
			t.Fatalf("%T: %v", err, err)
		}
		if diff := cmp.Diff(OpError{Op: OpAdd, Err: unix.ENETUNREACH, Kernel: "Nexthop has invalid gateway"}, *op, compareErrnos); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if want := "adding a route: network is unreachable (Nexthop has invalid gateway)"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	})
}
