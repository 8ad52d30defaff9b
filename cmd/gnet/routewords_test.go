package main

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixedNames is a resolver for tests. It fails the test when it is asked for a literal.
type fixedNames struct {
	t              testing.TB
	networks       map[string]string
	hosts4, hosts6 map[string]string
	broken         bool // DNS does not answer
}

func newFixedNames(t testing.TB) fixedNames {
	return fixedNames{
		t:        t,
		networks: map[string]string{"loopback": "127.0.0.0", "mynet": "10.44.0.0", "default": "0.0.0.0"},
		hosts4:   map[string]string{"gw1": "10.50.0.2", "localhost": "127.0.0.1"},
		hosts6:   map[string]string{"sixhost": "2001:db8::7"},
	}
}

func (n fixedNames) Network(name string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(n.networks[name])
	return a, err == nil
}

func (n fixedNames) Host(_ context.Context, name string, v6 bool) (netip.Addr, error) {
	if _, err := netip.ParseAddr(name); err == nil || strings.Trim(name, "0123456789.") == "" {
		n.t.Errorf("the resolver was asked for %q", name)
	}
	hosts := n.hosts4
	if v6 {
		hosts = n.hosts6
	}
	if a, err := netip.ParseAddr(hosts[name]); err == nil {
		return a, nil
	}
	if n.broken {
		return netip.Addr{}, errors.New("no answer")
	}
	return netip.Addr{}, errNoSuchHost
}

var compareRouteAddrs = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestParseRoute_changes(t *testing.T) {
	gw := netip.MustParseAddr("10.50.0.2")
	to := func(prefix string, with func(*routeChange)) routeChange {
		p := netip.MustParsePrefix(prefix)
		c := routeChange{Dst: p, V6: p.Addr().Is6()}
		if with != nil {
			with(&c)
		}
		return c
	}
	viaGw := func(c *routeChange) { c.Gateway = gw }
	onD0 := func(c *routeChange) { c.Device, c.HasDevice = "d0", true }
	for line, want := range map[string]routeChange{
		"add default gw 10.50.0.2":                 to("0.0.0.0/0", viaGw),
		"add 0.0.0.0/0 gw 10.50.0.2":               to("0.0.0.0/0", viaGw),
		"add 0/0 gw 10.50.0.2":                     to("0.0.0.0/0", viaGw),
		"add 0.0.0.0 netmask 0.0.0.0 gw gw1":       to("0.0.0.0/0", viaGw),
		"add -net 0.0.0.0 gw 10.50.0.2":            to("0.0.0.0/0", viaGw),
		"add 0.0.0.0 gw 10.50.0.2":                 to("0.0.0.0/32", func(c *routeChange) { c.Gateway, c.BareZero = gw, true }),
		"add -host 0.0.0.0 gw 10.50.0.2":           to("0.0.0.0/32", viaGw),
		"add -host default gw 10.50.0.2":           to("0.0.0.0/32", viaGw),
		"add 10.9 gw gw1":                          to("10.0.0.9/32", viaGw),
		"add 0x0a000001 gw 0x0a320002":             to("10.0.0.1/32", viaGw),
		"add 010.1.1.1 gw 10.50.2":                 to("8.1.1.1/32", viaGw),
		"add -net 10.0.0.0/8 d0":                   to("10.0.0.0/8", onD0),
		"add -net 10.0.0.0/0x8 dev d0":             to("10.0.0.0/8", onD0),
		"add -net 10.0.0.0/010 device d0":          to("10.0.0.0/8", onD0),
		"add -net 10.0.0.0 netmask 255.0.0.0 d0":   to("10.0.0.0/8", onD0),
		"add -net 10.0.0.0 d0":                     to("10.0.0.0/0", onD0), // the kernel refuses it
		"add mynet netmask 255.255.0.0 d0":         to("10.44.0.0/16", onD0),
		"add mynet/16 d0":                          to("10.44.0.0/16", onD0),
		"add -host mynet d0":                       to("10.44.0.0/32", onD0),
		"add -net 192.0.2.7/32 d0":                 to("192.0.2.7/32", onD0),
		"add 192.0.2.7 netmask 255.255.255.255 d0": to("192.0.2.7/32", onD0),
		"add localhost d0":                         to("127.0.0.1/32", onD0),
		"add 1.2.3.4 reject":                       to("1.2.3.4/32", func(c *routeChange) { c.Reject = true }),
		"add 1.2.3.4 gw gw1 metric 4294967295": to("1.2.3.4/32", func(c *routeChange) {
			c.Gateway, c.Metric, c.HasMetric = gw, 1<<32-1, true
		}),
		"add 1.2.3.4 gw gw1 mtu 1400 window 128 irtt 300 mod dyn reinstate": to("1.2.3.4/32", func(c *routeChange) {
			c.Gateway, c.MSS, c.Window, c.IRTT, c.Modified, c.Dynamic, c.Reinstate = gw, 1400, 128, 300, true, true, true
		}),
		"-n add -v 1.2.3.4 -e gw gw1": to("1.2.3.4/32", viaGw),
		"del default":                 to("0.0.0.0/0", func(c *routeChange) { c.Delete = true }),
		"delete -net 10.0.0.0/8":      to("10.0.0.0/8", func(c *routeChange) { c.Delete = true }),
		"-6 add default d0":           to("::/0", onD0),
		"add -6 2001:db8::/32 dev d0": to("2001:db8::/32", onD0),
		"--inet6 add 2001:db8::1 d0":  to("2001:db8::1/128", onD0),
		"-A inet6 add sixhost/64 d0":  to("2001:db8::7/64", onD0),
		"-6 add fe80::1%d0 d0":        to("fe80::1/128", onD0),
		"-6 del 2001:db8::/32 gw fe80::1 dev d0 metric 0 mod dyn": to("2001:db8::/32", func(c *routeChange) {
			c.Delete, c.Gateway, c.Device, c.HasDevice, c.HasMetric = true, netip.MustParseAddr("fe80::1"), "d0", true, true
			c.Modified, c.Dynamic = true, true
		}),
	} {
		o, err := parseRoute(context.Background(), strings.Fields(line), false, newFixedNames(t))
		if err != nil {
			t.Errorf("route %s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(&want, o.Change, compareRouteAddrs); diff != "" {
			t.Errorf("route %s (-want +got)\n%s", line, diff)
		}
	}
}

func TestParseRoute_listings(t *testing.T) {
	for line, want := range map[string]routeListing{
		"":                     {},
		"-n":                   {Numeric: true},
		"-N":                   {Numeric: true},
		"-e":                   {Form: routeFormMSS},
		"-een":                 {Form: routeFormLong, Numeric: true},
		"-eee":                 {Form: routeFormLong},
		"-eeee":                {Form: routeFormLong},
		"-FC":                  {FIB: true, Cache: true},
		"-6 -4":                {Families: []routeFamily{routeInet6, routeInet}},
		"-A inet,inet6":        {Families: []routeFamily{routeInet, routeInet6}},
		"-4 --inet -A ip":      {Families: []routeFamily{routeInet}},
		"--protocol=inet6 -v ": {Families: []routeFamily{routeInet6}},
	} {
		o, err := parseRoute(context.Background(), strings.Fields(line), false, newFixedNames(t))
		if err != nil || o.Change != nil {
			t.Errorf("route %s: %v, %+v", line, err, o.Change)
			continue
		}
		if diff := cmp.Diff(want, o.Listing); diff != "" {
			t.Errorf("route %s (-want +got)\n%s", line, diff)
		}
	}
}

// refusal is what a test compares of an error: where it goes, not its usage text.
type refusal struct {
	Text   string
	Status int
	Bare   bool // without the program's name
	Usage  bool
}

func TestParseRoute_refusals(t *testing.T) {
	usage := func(text string) refusal { return refusal{Text: text, Status: statusUsage, Usage: true} }
	bare := func(status int, text string) refusal { return refusal{Text: text, Status: status, Bare: true} }
	const words = "expected netmask, gw, metric, mss, window, irtt, reject, blackhole, prohibit, throw, unreachable, table, tos, mod, dyn, reinstate, dev or, as the last word, an interface"
	for line, want := range map[string]refusal{
		"add":                                   usage(`"add": a target must follow`),
		"add -net":                              usage(`"-net": a target must follow`),
		"del -host":                             usage(`"-host": a target must follow`),
		"delete":                                usage(`"delete": a target must follow`),
		"-6 add":                                usage(`"add": a target must follow`),
		"-6 replace":                            usage(`"replace": a target must follow`),
		"add -net 10.0.0.0/33 d0":               usage(`"10.0.0.0/33": the length after the slash is a number from 0 to 32`),
		"add -net 10.0.0.0/-1 d0":               usage(`"10.0.0.0/-1": the length after the slash is a number from 0 to 32`),
		"add -net 10.0.0.0/8/8 d0":              usage(`"10.0.0.0/8/8": the length after the slash is a number from 0 to 32`),
		"add -net 10.0.0.0/2x d0":               usage(`"10.0.0.0/2x": the length after the slash is a number from 0 to 32`),
		"add -net 10.0.0.0/08 d0":               usage(`"10.0.0.0/08": the length after the slash is a number from 0 to 32`),
		"add 10.0.0.0/8 d0":                     usage("netmask 00ffffff doesn't make sense with host route"),
		"add 1.2.3.4/0 d0":                      usage("netmask ffffffff doesn't make sense with host route"),
		"add -host 0.0.0.0/0 d0":                usage("netmask ffffffff doesn't make sense with host route"),
		"add -net 10.0.0.1/8 d0":                usage("netmask doesn't match route address"),
		"add -net 10.0.0.0 netmask 255.0.255.0": usage("bogus netmask 255.0.255.0"),
		"add -net 10.0.0.0 netmask loopback":    usage("bogus netmask loopback"),
		"add -net 10.0.0.0/8 netmask 255.0.0.0": usage(`"255.0.0.0": the length of the prefix is given already`),
		"add 1.2.3.4 netmask":                   usage(`"netmask": a mask must follow`),
		"add 1.2.3.4 metric":                    usage(`"metric": a number must follow`),
		"add 1.2.3.4 metric 12abc":              usage(`"12abc": metric is a number from 0 to 4294967295`),
		"add 1.2.3.4 metric 4294967296":         usage(`"4294967296": metric is a number from 0 to 4294967295`),
		"add 1.2.3.4 metric -1":                 usage("invalid option -- '1'"),
		"add 1.2.3.4 mss":                       usage(`"mss": a number must follow`),
		"add 1.2.3.4 mss 63":                    usage("Invalid MSS/MTU."),
		"add 1.2.3.4 mtu 65537":                 usage("Invalid MSS/MTU."),
		"add 1.2.3.4 window 127":                usage("Invalid window."),
		"add 1.2.3.4 window":                    usage(`"window": a number must follow`),
		"add 1.2.3.4 irtt foo":                  usage(`"foo": irtt is a number of milliseconds from 0 to 536870911`),
		"add 1.2.3.4 irtt 536870912":            usage(`"536870912": irtt is a number of milliseconds from 0 to 536870911`),
		"add 1.2.3.4 irtt":                      usage(`"irtt": a number must follow`),
		"add 1.2.3.4 gw":                        usage(`"gw": an address must follow`),
		"add 1.2.3.4 gw gw1 gateway gw1":        usage(`"gw1": there can be one gateway only`),
		"add 1.2.3.4 gw default":                usage("default: cannot use a NETWORK as gateway!"),
		"add 1.2.3.4 gw mynet":                  usage("mynet: cannot use a NETWORK as gateway!"),
		"add 1.2.3.4 dev":                       usage(`"dev": an interface must follow`),
		"add 1.2.3.4 dev d0 dev d1":             usage(`"d1": there can be one interface only`),
		"add 1.2.3.4 dev d0 d1":                 usage(`"d1": ` + words),
		"add 1.2.3.4 d0 metric 3":               usage(`"d0": ` + words),
		"add nosuch d0":                         bare(statusLookup, "nosuch: Unknown host"),
		"add -host nosuch d0":                   bare(statusLookup, "nosuch: Unknown host"),
		"add 256.1.1.1 d0":                      bare(statusLookup, "256.1.1.1: Unknown host"),
		"add 1.2.3.4.5 d0":                      bare(statusLookup, "1.2.3.4.5: Unknown host"),
		"add 2001:db8::/32 d0":                  bare(statusLookup, "2001:db8::: Unknown host"),
		"add -net -net 10.0.0.0/8":              bare(statusLookup, "#net: Unknown host"),
		"add -net /8 d0":                        bare(statusLookup, "Unknown server error"),
		"-6 add 2001:db8::/129 d0":              usage(`"2001:db8::/129": the length after the slash is a number from 0 to 128`),
		"-6 add 2001:db8::/6x d0":               usage(`"2001:db8::/6x": the length after the slash is a number from 0 to 128`),
		"-6 add 2001:db8::1 mtu 1300 d0":        usage(`"mtu": expected gw, metric, blackhole, prohibit, throw, unreachable, table, mod, dyn, dev or, as the last word, an interface`),
		"-6 add 2001:db8::1 metric":             usage(`"metric": a number must follow`),
		"-6 add 2001:db8::1 metric x":           usage(`"x": metric is a number from 0 to 4294967295`),
		"-6 add 2001:db8::1 gw":                 usage(`"gw": an address must follow`),
		"-6 add 2001:db8::1 dev":                usage(`"dev": an interface must follow`),
		"-6 add 2001:db8::1 gw fe80::1 gw ::1":  usage(`"::1": there can be one gateway only`),
		"-6 add 2001:db8::1 gw sixhost":         bare(statusLookup, "sixhost: Resolver Error 0 (no error)"),
		"-6 add 2001:db8::1 gw 10.0.0.1":        bare(statusLookup, "10.0.0.1: Resolver Error 0 (no error)"),
		"-6 add 2001:db8::1 gw fe80::1%d0":      bare(statusLookup, "fe80::1%d0: Resolver Error 0 (no error)"),
		"-6 add nosuch d0":                      bare(statusNo, "getaddrinfo: nosuch: -2\nnosuch: Unknown host"),
		"-6 add -net 2001:db8::/64":             bare(statusNo, "getaddrinfo: #net: -2\n#net: Unknown host"),
		"-6 add 10.0.0.0/8 d0":                  bare(statusNo, "getaddrinfo: 10.0.0.0: -9\n10.0.0.0: Resolver Error 0 (no error)"),
		"-6 add /64 d0":                         bare(statusNo, "getaddrinfo: : -2\nUnknown server error"),
		"del -net 10.0.0.0/8 table":             usage(`"table": a table must follow`),
		"del -net 10.0.0.0/8 table 0":           usage(`"0": table is main, local, default, a number from 1 to 4294967295, or a name of rt_tables`),
		"del -net 10.0.0.0/8 tos":               usage(`"tos": a number must follow`),
		"del -net 10.0.0.0/8 tos 256":           usage(`"256": tos is a number from 0 to 255`),
		"del -net 10.0.0.0/8 blackhole throw":   usage(`"throw": a route has one type`),
		"del -net 10.0.0.0/8 reject throw":      usage(`"throw": a route has one type`),
		"del -net 10.0.0.0/8 throw reject":      usage(`"reject": a route has one type`),
		"add -net 10.0.0.0/8 throw dev d0":      usage("a route of type throw has no gateway and no interface"),
		"-6 add 2001:db8::/32 prohibit gw ::2":  usage("a route of type prohibit has no gateway and no interface"),
		"-6 del 2001:db8::/32 table x/y":        usage(`"x/y": table is main, local, default, a number from 1 to 4294967295, or a name of rt_tables`),
		"frob":                                  usage(`"frob": expected add, replace, del, delete, get, save, restore, flush, diff, watch, confirm, pending or dismiss`),
		"-n get 1.2.3.4":                        usage("get must be the first word, and takes options of its own"),
		"flush":                                 {Text: "Flushing `inet' routing table not supported", Status: 3, Bare: true, Usage: true},
		"-6 flush x":                            {Text: "Flushing `inet6' routing table not supported", Status: 3, Bare: true, Usage: true},
		"-C add default d0":                     {Text: "Modifying `inet' routing cache not supported", Status: 3, Bare: true, Usage: true},
		"-A inet,inet6 add default d0":          bare(3, "Please don't supply more than one address family.\nAddress family `inet,inet6' not supported."),
		"-A foo":                                bare(1, "Unknown address family `foo'."),
		"-A unix":                               bare(3, "No routing for address family `unix'."),
		"-A unix add default":                   bare(3, "No routing for address family `unix'."),
		"-A":                                    usage("option requires an argument -- 'A'"),
		"--frob":                                usage("unrecognized option '--frob'"),
		"add default d0 --json":                 usage("add, replace and del print no rows: no --format"),
		"add default d0 --proc-root testdata":   usage("add, replace and del change the running kernel: no --proc-root"),
	} {
		_, err := parseRoute(context.Background(), strings.Fields(line), false, newFixedNames(t))
		var f *failure
		if !errors.As(err, &f) {
			t.Errorf("route %s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, refusal{f.Error(), f.status, f.bare, f.usage != ""}); diff != "" {
			t.Errorf("route %s (-want +got)\n%s", line, diff)
		}
	}
}

// TestParseRoute_silentDNS: without an answer nobody can say that a host is unknown, where the old tool tells the two apart.
func TestParseRoute_silentDNS(t *testing.T) {
	names := newFixedNames(t)
	names.broken = true
	for line, want := range map[string]string{
		"add nosuch d0":              "nosuch: Host name lookup failure",
		"add -net nosuch d0":         "nosuch: Host name lookup failure",
		"add 1.2.3.4 netmask nosuch": "nosuch: Host name lookup failure",
		"add -host nosuch d0":        "nosuch: Unknown host",
		"add 1.2.3.4 gw nosuch":      "nosuch: Unknown host",
		"-6 add nosuch d0":           "getaddrinfo: nosuch: -3\nnosuch: Host name lookup failure",
	} {
		if _, err := parseRoute(context.Background(), strings.Fields(line), false, names); err == nil || err.Error() != want {
			t.Errorf("route %s: %v, want %s", line, err, want)
		}
	}
}

// FuzzRouteWords: no command line panics; it is refused with a status and a sentence, or asks for something the kernel can be sent.
func FuzzRouteWords(f *testing.F) {
	for line := range strings.Lines(routeAddLines + routeDelLines + routeV6Lines + routeUsageLines) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "; ")
		if rest, ok := strings.CutPrefix(line, "route"); ok {
			f.Add(strings.TrimSpace(rest))
		}
	}
	f.Add("add \x1b[31m gw \xff metric 99999999999999999999")
	f.Fuzz(func(t *testing.T, line string) {
		o, err := parseRoute(context.Background(), strings.Split(line, " "), false, newFixedNames(t))
		if err != nil {
			var bad *failure
			if !errors.Is(err, errShowHelp) && !errors.Is(err, errShowVersion) && (!errors.As(err, &bad) || bad.status == 0 || bad.Error() == "") {
				t.Errorf("%q: %T %v", line, err, err)
			}
			if !reflect.ValueOf(o).IsZero() {
				t.Errorf("%q: options beside an error\n%+v", line, o)
			}
			return
		}
		if c := o.Change; c != nil && (!c.Dst.IsValid() || c.Dst.Addr().Is6() != c.V6 || c.Gateway.IsValid() && c.Gateway.Is6() != c.V6) {
			t.Errorf("%q: %+v", line, c)
		}
	})
}
