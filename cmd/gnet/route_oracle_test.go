package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// routePeers is the installed route and gnet under that name, each in a namespace of equal layout.
type routePeers struct {
	oldPath, newPath string
	ip               string
	old, new         *nstest.Host
	far              *nstest.Host // where the links of both end
}

func newRoutePeers(t *testing.T) *routePeers {
	t.Helper()
	// No test waits for a name server: nobody listens there, which loopback says at once.
	mountText(t, "/etc/resolv.conf", "nameserver 127.0.0.1\n")
	p := &routePeers{
		oldPath: nstest.Peer(t, "route"), newPath: gnetCalled(t, "route"), ip: nstest.Peer(t, "ip"),
		old: nstest.NewHost(t, "old"), new: nstest.NewHost(t, "new"), far: nstest.NewHost(t, "far"),
	}
	for _, name := range []string{"d0", "d1", "d2"} {
		p.link(t, name)
	}
	for _, h := range []*nstest.Host{p.old, p.new} {
		routeAddresses(t, h)
	}
	return p
}

// gnetCalled returns the path of this test binary under the name of a command. Every user can run it.
func gnetCalled(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(publicDir(t), name)
	copyExecutable(t, path)
	return path
}

// routeAddresses gives the interfaces the addresses of the captures: d0 both families, d2 point to point.
func routeAddresses(t *testing.T, h *nstest.Host) {
	t.Helper()
	ip := nstest.Peer(t, "ip")
	for _, words := range []string{
		"addr add 10.50.0.1/24 dev d0", "addr add 10.51.0.1/24 dev d1", "addr add 10.52.0.1 peer 10.52.0.2 dev d2",
		"addr add 10.50.0.77/24 dev d0 label d0:1",
		"addr add 2001:db8:50::1/64 dev d0 nodad", "addr add fe80::99/64 dev d0 nodad",
	} {
		if r := h.Run(t, ip, strings.Fields(words)...); r.Status != 0 {
			t.Fatalf("ip %s: %s", words, r.Stderr)
		}
	}
	for _, addr := range []string{"2001:db8:50::1", "fe80::99"} {
		h.Netlink(t, func(c *rtnl.Conn) error {
			return waitForLocal6(c, addr, func(r *rtnl.Route) bool { return r.Dst.Addr().String() == addr })
		})
	}
}

// link makes a link in both namespaces and waits for its multicast routes: the kernel makes them some time after the carrier is
// there, and the two tables have one order only if the links came up one after the other.
func (p *routePeers) link(t *testing.T, name string) {
	t.Helper()
	hosts := []*nstest.Host{p.old, p.new}
	for _, h := range hosts {
		routeLink(t, h, p.far, name)
	}
	for _, h := range hosts {
		h.Netlink(t, func(c *rtnl.Conn) error {
			link, err := c.LinkByName(name)
			if err != nil {
				return err
			}
			return waitForLocal6(c, name, func(r *rtnl.Route) bool { return r.Oif == link.Index && r.Dst.Addr().IsMulticast() })
		})
	}
}

// routeLink makes a veth pair to another namespace, without link-local addresses, which would differ from one namespace to the next.
func routeLink(t *testing.T, h, far *nstest.Host, name string) {
	t.Helper()
	h.Netlink(t, func(c *rtnl.Conn) error {
		return c.AddLink(rtnl.NewLink{Name: name, Kind: "veth", PeerName: "far", PeerNetns: far.NS.Fd()})
	})
	up := func(c *rtnl.Conn, name, rename string) error {
		link, err := c.LinkByName(name)
		if err != nil {
			return err
		}
		change := new(rtnl.LinkChange)
		if rename != "" {
			change.Name(rename)
		}
		if err := c.SetLink(link.Index, change.NoLinkLocal()); err != nil {
			return err
		}
		return c.SetLink(link.Index, new(rtnl.LinkChange).Up())
	}
	far.Netlink(t, func(c *rtnl.Conn) error { return up(c, "far", "f"+h.Name+name[:2]) })
	h.Netlink(t, func(c *rtnl.Conn) error { return up(c, name, "") })
}

// waitForLocal6 waits for a route of the local table that the kernel makes in its own time.
func waitForLocal6(c *rtnl.Conn, what string, is func(*rtnl.Route) bool) error {
	for range 1000 {
		for r, err := range c.Routes(rtnl.RouteFilter{Family: unix.AF_INET6, Table: unix.RT_TABLE_LOCAL}) {
			if err != nil {
				return err
			}
			if is(r) {
				return nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("no local route for %s came up", what)
}

// routeOutcome is what one command line did.
type routeOutcome struct {
	Status   int
	Stdout   string
	Sentence string // stderr without usage and hints
	Table    string // ip route show table all
}

// usageHead is where a usage begins; that text is gnet's own by design.
var usageHead = regexp.MustCompile(`(?m)^[Uu]sage: `)

func (p *routePeers) outcome(t *testing.T, h *nstest.Host, cmd *exec.Cmd) routeOutcome {
	t.Helper()
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	r := h.Output(t, cmd)
	o := routeOutcome{Status: r.Status, Stdout: withoutRefs(r.Stdout), Sentence: r.Stderr}
	usage := usageHead.FindStringIndex(o.Sentence)
	if usage != nil {
		o.Sentence = o.Sentence[:usage[0]]
		// Where the original has the usage alone, gnet names the wrong word.
		if o.Sentence == "" || strings.HasPrefix(o.Sentence, `route: "`) {
			o.Sentence = "usage"
		}
	}
	o.Sentence = withoutHints(o.Sentence)
	for _, family := range []string{"-4", "-6"} {
		o.Table += h.Run(t, p.ip, family, "route", "show", "table", "all").Stdout
	}
	return o
}

// refColumn is the Ref column of the IPv6 listing. The kernel counts references from caches there, which come and go between two
// reads.
var refColumn = regexp.MustCompile(`(?m)^(.{57,} .{4} *-?\d+ +)(\d+)( +-?\d+ \S+)$`)

func withoutRefs(stdout string) string {
	if !strings.Contains(stdout, "Next Hop") {
		return stdout
	}
	return refColumn.ReplaceAllString(stdout, "${1}R${3}")
}

// TestWithoutRefs shows that the normalisation hides the one column and nothing beside it.
func TestWithoutRefs(t *testing.T) {
	const listing = "Kernel IPv6 routing table\n" + inet6Heads +
		"2001:db8:50::/64               ::                         U    256 1      0 d0\n"
	same := strings.Replace(listing, "256 1      0", "256 14      0", 1)
	if diff := cmp.Diff(withoutRefs(listing), withoutRefs(same)); diff != "" {
		t.Errorf("another reference count is a difference:\n%s", diff)
	}
	for _, other := range []string{"257 1      0 d0", "256 1      1 d0", "256 1      0 d1", "256  1      0 d0", "256 1       0 d0"} {
		if withoutRefs(strings.Replace(listing, "256 1      0 d0", other, 1)) == withoutRefs(listing) {
			t.Errorf("%q is not told from the original", other)
		}
	}
}

// flush removes the routes that a command added.
func (p *routePeers) flush(t *testing.T) {
	t.Helper()
	for _, h := range []*nstest.Host{p.old, p.new} {
		h.Netlink(t, func(c *rtnl.Conn) error {
			for r, err := range c.Routes(rtnl.RouteFilter{Protocol: unix.RTPROT_BOOT}) {
				if err != nil {
					return err
				}
				own := *r
				own.Multipath = slices.Clone(r.Multipath)
				defer c.DelRoute(&own)
			}
			return nil
		})
	}
}

// run runs the same words through both tools and compares; id names an intended difference, which must then be there.
func (p *routePeers) run(t *testing.T, words []string, id string) {
	t.Helper()
	want := p.outcome(t, p.old, exec.Command(p.oldPath, words...))
	got := p.outcome(t, p.new, exec.Command(p.newPath, words...))
	diff := cmp.Diff(want, got)
	switch {
	case id == "" && diff != "":
		t.Errorf("route %q (-original +gnet)\n%s", words, diff)
	case id != "" && diff == "":
		t.Errorf("route %q does not show the difference %s", words, id)
	}
}

// script runs command lines. A line may end in "; ID" for an intended difference; lines of ip and of sh apply to both namespaces.
// With fresh each line starts from the layout alone.
func (p *routePeers) script(t *testing.T, lines string, ids map[string]bool, fresh bool) {
	t.Helper()
	for line := range strings.Lines(lines) {
		line, id, _ := strings.Cut(strings.TrimSpace(line), "; ")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if id != "" && !ids[id] {
			t.Fatalf("%s: no row %q", line, id)
		}
		switch words[0] {
		case "reset":
			p.flush(t)
		case "route":
			p.run(t, words[1:], id)
		case "ip":
			for _, h := range []*nstest.Host{p.old, p.new} {
				if r := h.Run(t, p.ip, words[1:]...); r.Status != 0 {
					t.Fatalf("%s: %s", line, r.Stderr)
				}
			}
		default:
			t.Fatalf("%s: neither route nor ip", line)
		}
		if fresh {
			p.flush(t)
		}
	}
}

// routeDifferences returns the ids that the oracle tests below may name.
func routeDifferences(t *testing.T) map[string]bool {
	ids := make(map[string]bool)
	for _, d := range []string{
		difference(t, "route-flush").ID, difference(t, "zero-prefix").ID, difference(t, "net-32").ID, difference(t, "host-netmask").ID,
		difference(t, "prefix-range").ID, difference(t, "metric-range").ID, difference(t, "number-words").ID,
		difference(t, "route-bad-option").ID, difference(t, "route-extend-again").ID, difference(t, "no-target").ID, difference(t, "v6-del-metric").ID,
		difference(t, "v6-host-onlink").ID, difference(t, "v6-mod-dyn").ID, difference(t, "route-families").ID, difference(t, "route-types").ID,
	} {
		ids[d] = true
	}
	return ids
}

// TestRouteOracle_differencesShown holds the scripts to the rows: each row is shown by a line.
func TestRouteOracle_differencesShown(t *testing.T) {
	all := routeAddLines + routeDelLines + routeV6Lines + routeUsageLines
	for _, id := range slices.Sorted(maps.Keys(routeDifferences(t))) {
		if !strings.Contains(all, "; "+id+"\n") {
			t.Errorf("no line of the oracle scripts shows %s", id)
		}
	}
}

func TestRouteOracle_add(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newRoutePeers(t).script(t, routeAddLines, routeDifferences(t), true)
	})
}

func TestRouteOracle_del(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newRoutePeers(t).script(t, routeDelLines, routeDifferences(t), false)
	})
}

func TestRouteOracle_v6(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newRoutePeers(t).script(t, routeV6Lines, routeDifferences(t), false)
	})
}

func TestRouteOracle_usage(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		newRoutePeers(t).script(t, routeUsageLines, routeDifferences(t), true)
	})
}

// TestRouteOracle_calledAs: FAMILY_route means that family where the line names none.
func TestRouteOracle_calledAs(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := newRoutePeers(t)
		for _, name := range []string{"inet6_route", "inet_route", "ip6_route", "unix_route", "foo_route"} {
			path := gnetCalled(t, name)
			for _, line := range []string{"-n", "-4 -n", "-A inet -n", "-6 -Cn", "add 2001:db8:7::/32 dev d0", "-n", "-4 add 10.7.0.1 dev d0", "-4n", "del 2001:db8:7::/32 dev d0"} {
				words := strings.Fields(line)
				want := p.outcome(t, p.old, &exec.Cmd{Path: p.oldPath, Args: append([]string{name}, words...)})
				got := p.outcome(t, p.new, exec.Command(path, words...))
				got.Sentence = strings.TrimPrefix(got.Sentence, name+": ") // usage
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s (-original +gnet)\n%s", name, line, diff)
				}
			}
			p.flush(t)
		}
	})
}

// TestRouteOracle_nobody: without CAP_NET_ADMIN listings work and every change is refused with the same sentence.
func TestRouteOracle_nobody(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := newRoutePeers(t)
		for line := range strings.Lines(routeNobodyLines) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			words = words[1:]
			var both [2]routeOutcome
			for i, path := range []string{p.oldPath, p.newPath} {
				cmd := exec.Command(path, words...)
				nstest.AsNobody(t, cmd)
				both[i] = p.outcome(t, []*nstest.Host{p.old, p.new}[i], cmd)
			}
			if diff := cmp.Diff(both[0], both[1]); diff != "" {
				t.Errorf("%s (-original +gnet)\n%s", strings.TrimSpace(line), diff)
			}
		}
	})
}

// TestRouteOracle_netstat: netstat -r prints the same tables, in one namespace.
func TestRouteOracle_netstat(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := newRoutePeers(t)
		old, new := nstest.Peer(t, "netstat"), gnetCalled(t, "netstat")
		p.link(t, "averylongifname")
		p.script(t, routeListingSetup, nil, false)
		for _, options := range []string{"-rn", "-r", "-ren", "-reen", "-r4n", "-r6n", "-r6", "-6ren", "-r46n", "-rn -A inet6,inet",
			"-rCn", "-r6Cn", "-rFCn", "-rN", "-rve"} {
			want := p.outcome(t, p.new, exec.Command(old, strings.Fields(options)...))
			got := p.outcome(t, p.new, exec.Command(new, strings.Fields(options)...))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("netstat %s (-original +gnet)\n%s", options, diff)
			}
		}
	})
}

// TestRouteOracle_symbolic: names from /etc/hosts and /etc/networks, cut as the original cuts them.
func TestRouteOracle_symbolic(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		for path, text := range map[string]string{
			"/etc/hosts": "127.0.0.1 localhost\n::1 ip6-localhost\n10.50.0.2 gw1 gw1-alias\n10.50.0.2 third\n10.7.7.7 hostseven\n" +
				"10.50.0.3 a-very-long-gateway-name.example.com\n2001:db8:50::2 gwsix\n2001:db8:77:: netsix\n",
			"/etc/networks": "default 0.0.0.0\nloopback 127.0.0.0\nmynet 10.44\nhomenet 192.168.4.0 home-alias\nshadow 10.44.0.0\n",
		} {
			mountText(t, path, text)
		}
		p := newRoutePeers(t)
		p.script(t, routeSymbolicLines, nil, false)
	})
}

// mountText puts text over a file, in this test's mount namespace.
func mountText(t *testing.T, path, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(file, path, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(fmt.Errorf("bind mount on %s: %w", path, err))
	}
}
