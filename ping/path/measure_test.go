package path

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/ping/probe"
)

var simPrivate = netip.MustParseAddr("192.168.0.1")

// forged makes the first router send messages that name these MTUs about each long
// packet, which it forwards all the same.
func forged(mtus ...int) func(*simPath) {
	return func(n *simPath) {
		n.forge = func(n *simPath, p *Packet) {
			for _, mtu := range mtus {
				if p.Size > 600 && p.TTL == 0 {
					n.claim(p, 0, mtu)
				}
			}
		}
	}
}

func TestMeasure(t *testing.T) {
	blind := func(routers ...int) func(*simPath) {
		return func(n *simPath) {
			for _, r := range routers {
				n.routers[r-1].blind = true
			}
		}
	}
	for _, tt := range []struct {
		name   string
		family probe.Family
		links  []simLink
		set    func(*simPath)
		want   string
		rounds int // at most
	}{
		{"ICMP comes back", probe.IPv4, mtus(1500, 1450, 1400, 1500), nil,
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", 2},
		{"black hole", probe.IPv4, mtus(1500, 1450, 1400, 1500), blind(2),
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered", 4},
		{"black hole, between the first sizes", probe.IPv4, mtus(1500, 1407, 1500), blind(1),
			"icmp forward 1407 silence, reverse 1407 replies, behind hop 1, icmp_filtered", 4},
		{"black hole at the edge", probe.IPv4, mtus(1500, 1500, 1280, 1500), blind(2),
			"icmp forward 1280 silence, reverse 1280 replies, behind hop 2, icmp_filtered", 4},
		{"black hole of 1281", probe.IPv4, mtus(1500, 1500, 1281, 1500), blind(2),
			"icmp forward 1281 silence, reverse 1281 replies, behind hop 2, icmp_filtered", 4},
		{"1280 at the edge", probe.IPv6, mtus(1500, 1500, 1280, 1500), nil,
			"icmp forward 1280 router, reverse 1280 replies, behind hop 2 named", 4},
		{"two black holes", probe.IPv4, mtus(1500, 1420, 1450, 1372, 1500), blind(1, 3),
			"icmp forward 1372 silence, reverse 1372 replies, behind hop 3, icmp_filtered", 4},
		{"small black hole", probe.IPv4, mtus(1500, 700, 1500), blind(1),
			"icmp forward 700 silence, reverse 700 replies, behind hop 1, icmp_filtered", 6},
		{"IPv6", probe.IPv6, mtus(1500, 1450, 1400, 1500), nil,
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", 4},
		{"IPv6 black hole, no raw socket", probe.IPv6, mtus(1500, 1450, 1400, 1500), blind(2),
			"icmp forward 1400 silence, reverse 1400 lower_bound, behind hop 2, icmp_filtered", 4},
		{"IPv6 black hole", probe.IPv6, mtus(1500, 1450, 1400, 1500), func(n *simPath) { n.pieces = true; blind(2)(n) },
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered", 4},
		{"asymmetric", probe.IPv4, []simLink{{forward: 1500}, {forward: 1450}, {forward: 1400, back: 1300}, {forward: 1500}}, nil,
			"icmp forward 1400 router, reverse 1300 replies, behind hop 2 named", 4},
		{"asymmetric, IPv6", probe.IPv6, []simLink{{forward: 1500}, {forward: 1450}, {forward: 1400, back: 1300}, {forward: 1500}}, nil,
			"icmp forward 1400 router, reverse 1300 replies, behind hop 2 named", 4},
		{"asymmetric, the way back wider", probe.IPv4, []simLink{{forward: 1500}, {forward: 1400, back: 1450}, {forward: 1500}}, nil,
			"icmp forward 1400 router, reverse 1450 replies, behind hop 1 named", 4},
		{"jumbo with a blind link", probe.IPv4, mtus(9000, 8950, 9000), blind(1),
			"icmp forward 8950 silence, reverse 8950 replies, behind hop 1, icmp_filtered", 5},
		{"jumbo with an odd blind link", probe.IPv4, mtus(9000, 5003, 9000), blind(1),
			"icmp forward 5003 silence, reverse 5003 replies, behind hop 1, icmp_filtered", 7},
		{"jumbo at home alone", probe.IPv4, mtus(9000, 1500, 1492, 1500), nil,
			"icmp forward 1492 router, reverse 1492 replies, behind hop 2 named", 3},
		{"loopback", probe.IPv4, mtus(65535), nil, "icmp forward 65535 own_link, reverse 65535 own_link, behind hop 0", 2},
		{"the ends of a link differ", probe.IPv4, []simLink{{forward: 1500}, {forward: 1500}, {forward: 1500, takes: 1404}, {forward: 1500}},
			func(n *simPath) { n.pieces = true }, "icmp forward 1404 silence, reverse 1404 lower_bound, behind hop 2, mtu_mismatch", 6},
		{"the ends of a link differ, no raw socket", probe.IPv4, []simLink{{forward: 1500}, {forward: 1500}, {forward: 1500, takes: 1404}, {forward: 1500}},
			nil, "icmp forward 1404 silence, reverse 1404 lower_bound, behind hop 2, mtu_mismatch_or_request_fragments_dropped", 6},
		{"request fragments dropped", probe.IPv4, []simLink{{forward: 1500}, {forward: 1500, noFragments: true}, {forward: 1500}}, nil,
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, request_fragments_dropped", 6},
		{"request fragments dropped, IPv6", probe.IPv6, []simLink{{forward: 1500}, {forward: 1500, noFragments: true}, {forward: 1500}}, nil,
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, request_fragments_dropped", 6},
		{"reply fragments dropped", probe.IPv4, []simLink{{forward: 1500}, {forward: 1500, noFragmentsBack: true}, {forward: 1500}}, nil,
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, reply_fragments_dropped", 6},
		{"reply fragments dropped on a narrower way back", probe.IPv4, []simLink{{forward: 1500, noFragmentsBack: true}, {forward: 1400, back: 1300}, {forward: 1500}}, nil,
			"udp forward 1400 router, reverse 1300 lower_bound, behind hop 1 named, reply_fragments_dropped", 8},
		{"echo filtered", probe.IPv4, mtus(1500, 1450, 1400, 1500), func(n *simPath) { n.deaf[Echo], n.deaf[TCP] = true, true },
			"udp forward 1400 router, reverse 0 lower_bound, behind hop 2 named", 5},
		{"echo filtered, black hole", probe.IPv4, mtus(1500, 1450, 1400, 1500), func(n *simPath) { n.deaf[Echo], n.deaf[TCP], n.routers[1].blind = true, true, true },
			"udp forward 1400 silence, reverse 0 lower_bound, behind hop 2, icmp_filtered", 12},
		{"echo and UDP filtered, black hole", probe.IPv4, mtus(1500, 1450, 1400, 1500), func(n *simPath) { n.deaf[Echo], n.deaf[UDP], n.routers[1].blind = true, true, true },
			"tcp forward 1400 silence, reverse 0 lower_bound, behind hop 2, unknown", 6},
		{"no answer", probe.IPv4, mtus(1500, 1500), func(n *simPath) { n.deaf = [3]bool{true, true, true} }, "no answer", 3},
		{"no answer behind a narrow link", probe.IPv4, mtus(1500, 1400, 1500), func(n *simPath) { n.deaf = [3]bool{true, true, true} }, "no answer", 3},
		{"mute routers, black hole", probe.IPv4, mtus(1500, 1500, 1400, 1500, 1500), func(n *simPath) { n.routers[1].mute, n.routers[2].mute = true, true },
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 1 before 4, icmp_filtered", 5},
		{"limited routers, black hole", probe.IPv4, mtus(1500, 1500, 1400, 1500, 1500), func(n *simPath) {
			for i := range n.routers {
				n.routers[i].rate, n.routers[i].blind = true, true
			}
		}, "icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered", 4},
		{"routers with one address", probe.IPv4, mtus(1500, 1500, 1400, 1500, 1500), func(n *simPath) {
			for i := range n.routers {
				n.routers[i].from = simPrivate
			}
		}, "icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", 4},
		{"a router that names no MTU", probe.IPv4, mtus(1500, 1500, 1400, 1500), func(n *simPath) { n.routers[1].says = -1 },
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2, not 0: names_none", 4},
		{"a router that names too much", probe.IPv4, mtus(1500, 1500, 1400, 1500), func(n *simPath) { n.routers[1].says = 9000 },
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2, not 9000: not_smaller", 4},
		{"a router that names too little", probe.IPv4, mtus(1500, 1500, 1400, 1500), func(n *simPath) { n.routers[1].says = 1300 },
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2, not 1300: refuted", 4},
		{"twins", probe.IPv4, mtus(1500, 1450, 1400, 1500), func(n *simPath) { n.twins = true },
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", 2},
		{"out of order", probe.IPv4, mtus(1500, 1450, 1400, 1500), func(n *simPath) { n.jitter = 15 * ms },
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", 3},
		{"the link becomes narrower", probe.IPv4, mtus(1500, 1500, 1450, 1500), func(n *simPath) {
			n.routers[1].blind = true
			n.changeAt, n.change = 5*ms, func(n *simPath) { n.links[2].forward = 1400 }
		}, "icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered, changed 1", 9},
		{"our own link becomes narrower", probe.IPv4, mtus(1500, 1500, 1450), func(n *simPath) {
			n.changeAt, n.change = 10*ms, func(n *simPath) { n.links[0].forward = 1400 }
		}, "icmp forward 1400 own_link, reverse 1400 own_link, behind hop 0, changed 1", 4},
		{"the link becomes narrower, routers answer", probe.IPv4, mtus(1500, 1500, 1450, 1500), func(n *simPath) {
			n.changeAt, n.change = 10*ms, func(n *simPath) { n.links[2].forward = 1400 }
		}, "icmp forward 1400 router, reverse 1400 replies, behind hop 2 named, changed 1", 8},
		{"forged", probe.IPv4, mtus(1500, 1450, 1400, 1500), forged(552, 68, 0, 9000),
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named, not 552: refuted, not 68: refuted, not 0: names_none, not 9000: not_smaller", 3},
		{"forged over a path that is whole", probe.IPv4, mtus(1500, 1500, 1500), forged(552, 68, 0, 9000),
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, not 552: refuted, not 68: refuted, not 0: names_none, not 9000: not_smaller", 3},
		{"forged in a black hole", probe.IPv4, mtus(1500, 1450, 1400, 1500), func(n *simPath) { forged(552, 68, 0, 9000)(n); n.routers[0].blind, n.routers[1].blind = true, true },
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered, not 552: refuted, not 68: refuted, not 0: names_none, not 9000: not_smaller", 6},
		{"forged, IPv6", probe.IPv6, mtus(1500, 1450, 1400, 1500), forged(1280, 68, 0, 9000),
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named, not 1280: refuted, not 68: below_minimum, not 0: names_none, not 9000: not_smaller, not 1280: not_smaller", 4},
		{"our own firewall stops fragments", probe.IPv4, mtus(1500, 1500), func(n *simPath) { n.refuses = func(p *Packet) bool { return p.Size > 1500 } },
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0", 5},
		{"own link", probe.IPv4, mtus(1500, 1500), nil, "icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, fast := range []bool{false, true} {
				n := newSim(tt.family, 1, slices.Clone(tt.links))
				if tt.set != nil {
					tt.set(n)
				}
				if fast && n.change != nil {
					continue // all is known before it happens
				}
				r, lines := n.measure(t, func(c *Config) { c.Fast = fast })
				if diff := cmp.Diff(tt.want, short(r)); diff != "" || r.Rounds > tt.rounds {
					t.Errorf("fast %v: %d rounds, %d probes\n%s\n%s", fast, r.Rounds, r.Probes, diff, strings.Join(lines, "\n"))
				}
			}
		})
	}
}

// TestMeasure_loss: every run right, with losses of a tenth and of more than a
// quarter of the round trips.
func TestMeasure_loss(t *testing.T) {
	const runs = 200
	for _, tt := range []struct {
		name   string
		oneWay float64
		family probe.Family
		mtus   []int
		blind  bool
		want   string
	}{
		{"a tenth", 0.05, probe.IPv4, []int{1500, 1450, 1400, 1500}, false, "1400 router"},
		{"a tenth, black hole", 0.05, probe.IPv4, []int{1500, 1450, 1400, 1500}, true, "1400 silence"},
		{"a tenth, IPv6 black hole", 0.05, probe.IPv6, []int{1500, 1450, 1400, 1500}, true, "1400 silence"},
		{"a tenth, odd black hole", 0.05, probe.IPv4, []int{1500, 1433, 1500}, true, "1433 silence"},
		{"28 in a hundred", 0.15, probe.IPv4, []int{1500, 1450, 1400, 1500}, false, "1400 router"},
		{"28 in a hundred, black hole", 0.15, probe.IPv4, []int{1500, 1450, 1400, 1500}, true, "1400 silence"},
		{"28 in a hundred, IPv6", 0.15, probe.IPv6, []int{1500, 1450, 1400, 1500}, false, "1400 router"},
		{"28 in a hundred, whole path", 0.15, probe.IPv4, []int{1500, 1500, 1500}, false, "1500 own_link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rounds, probes, right, exact, limits := 0, 0, 0, 0, 0
			wantReverse := strings.Fields(tt.want)[0]
			for seed := range uint64(runs) {
				n := newSim(tt.family, seed, mtus(tt.mtus...))
				n.loss, n.pieces = tt.oneWay, true
				for i := range n.routers {
					n.routers[i].blind = tt.blind
				}
				r, lines := n.measure(t, nil)
				if got := fmt.Sprint(r.Forward.MTU, " ", r.Forward.Basis); got != tt.want {
					t.Errorf("seed %d: %s in %d rounds\n%s", seed, short(r), r.Rounds, strings.Join(lines, "\n"))
				} else {
					right++
				}
				if r.Reverse.Exact() {
					exact++
					if got := fmt.Sprint(r.Reverse.MTU); got != wantReverse {
						t.Errorf("seed %d: %s", seed, short(r))
					}
				}
				if r.LimitKnown {
					limits++
					narrow := slices.Index(tt.mtus, slices.Min(tt.mtus))
					if r.Limit.Hop > narrow || r.Limit.NextHop <= narrow {
						t.Errorf("seed %d: %s", seed, short(r))
					}
				}
				rounds, probes = max(rounds, r.Rounds), max(probes, r.Probes)
			}
			// The benchmark of paths reads this line.
			t.Logf("right in %d of %d runs, at most %d rounds and %d probes; reverse exact in %d, link known in %d", right, runs, rounds, probes, exact, limits)
			if exact < runs*9/10 || limits < runs*9/10 {
				t.Errorf("reverse exact in %d of %d runs, link known in %d", exact, runs, limits)
			}
		})
	}
}

// TestMeasure_invented: replies with another cookie, from another host, about
// probes that nobody sent, and errors about another's packets count for nothing.
func TestMeasure_invented(t *testing.T) {
	n := newSim(probe.IPv4, 1, mtus(1500, 1400, 1500))
	n.forge = func(n *simPath, p *Packet) {
		honest := Answer{Kind: Reply, Number: p.Number, Cookie: p.Cookie, HasCookie: true, From: n.host(), Size: p.Size, TTL: 60}
		cookie, host, number, blank, about := honest, honest, honest, honest, honest
		cookie.Cookie++
		host.From = simPrivate
		number.Number += 1000
		blank.HasCookie = false
		about.Kind, about.About, about.Type, about.Code, about.Info = ICMPError, simPrivate, 3, 4, 600
		for _, a := range []Answer{cookie, host, number, blank, about} {
			n.deliver(ms, a)
		}
	}
	r, lines := n.measure(t, nil)
	if diff := cmp.Diff("icmp forward 1400 router, reverse 1400 replies, behind hop 1 named", short(r)); diff != "" {
		t.Errorf("%s\n%s", diff, strings.Join(lines, "\n"))
	}
	// What comes after the end of the last round is not seen.
	if r.Foreign < 3*r.Probes || r.OtherSource < r.Probes/2 {
		t.Errorf("%d foreign, %d from others of %d probes", r.Foreign, r.OtherSource, r.Probes)
	}
}

// TestMeasure_replacedRoute: what our own kernel says of a link while it replaces the
// route changes nothing of the measurement, since it does not say it twice.
func TestMeasure_replacedRoute(t *testing.T) {
	for _, family := range []probe.Family{probe.IPv4, probe.IPv6} {
		t.Run(family.String(), func(t *testing.T) {
			path := func() *simPath {
				return newSim(family, 1, []simLink{{forward: 1500}, {forward: 1400}, {forward: 1450}})
			}
			steady, replaced := path(), path()
			replaced.replaced = true
			want, wantLines := steady.measure(t, nil)
			got, gotLines := replaced.measure(t, nil)
			if diff := cmp.Diff(wantLines, gotLines); diff != "" || replaced.failed == 0 {
				t.Errorf("the rounds (-want +got):\n%s", diff)
			}
			if got.DeviceMTU != want.DeviceMTU || got.Changes != 0 || got.Forward.MTU != 1400 {
				t.Errorf("%+v", got)
			}
		})
	}
}
