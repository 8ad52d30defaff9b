package path

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/internal/wire"
	"gnet/ping/probe"
)

// lockMTU gives the client's routes to the server a fixed MTU.
func lockMTU(t *testing.T, p *nstest.Path, mtu uint32) {
	t.Helper()
	last := len(p.Hosts) - 1
	for dst, gateway := range map[string]string{fmt.Sprintf("10.77.%d.0/24", last): "10.77.1.2", fmt.Sprintf("fd77:%d::/64", last): "fd77:1::2"} {
		family := uint8(unix.AF_INET6)
		if netip.MustParseAddr(gateway).Is4() {
			family = unix.AF_INET
		}
		route := &rtnl.Route{Family: family, Dst: netip.MustParsePrefix(dst), Gateway: netip.MustParseAddr(gateway), Protocol: unix.RTPROT_STATIC,
			Metrics: rtnl.Metrics{MTU: mtu, Lock: 1 << unix.RTAX_MTU}}
		p.Client().Netlink(t, func(c *rtnl.Conn) error { return c.AddRoute(route, unix.NLM_F_CREATE|unix.NLM_F_REPLACE) })
	}
}

// poison makes the client's kernel believe a forged message about the path to the
// server, as somebody can who sees one packet of it.
func poison(t *testing.T, p *nstest.Path, mtu uint32) {
	t.Helper()
	ping := nstest.Peer(t, "ping")
	for _, six := range []bool{false, true} {
		if six {
			mtu = max(mtu, 1280) // the kernel believes in no less
		}
		stop := p.Server().Respond(t, six, func(r *nstest.Responder, q nstest.EchoRequest) { forge(r, q, liar(six), mtu) })
		p.Client().Run(t, ping, "-n", "-c1", "-W1", "-s", "1300", p.ServerAddr(six).String())
		stop()
	}
}

// liar is an address that no host of the path has.
func liar(six bool) netip.Addr {
	if six {
		return netip.MustParseAddr("2001:db8::66")
	}
	return netip.MustParseAddr("203.0.113.66")
}

// forge says that a request was too long.
func forge(r *nstest.Responder, q nstest.EchoRequest, from netip.Addr, mtu uint32) {
	if r.Six() {
		r.Complain(q, from, wire.ICMPv6TooBig, 0, mtu)
		return
	}
	r.Complain(q, from, wire.ICMPv4Unreachable, wire.ICMPv4FragNeeded, mtu)
}

// TestKernel_cached: what our own kernel thinks of the path, rightly or not, has no
// part in the measurement.
func TestKernel_cached(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, tt := range []struct {
		name   string
		set    func(t *testing.T, p *nstest.Path)
		cached [2]int
		want   [2]string
	}{
		{"a forged message", func(t *testing.T, p *nstest.Path) { poison(t, p, 552) }, [2]int{552, 1280},
			[2]string{"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", "icmp forward 1400 router, reverse 1400 replies, behind hop 2 named"}},
		{"a forged message, black hole", func(t *testing.T, p *nstest.Path) { p.Blind(t, 1); p.Blind(t, 2); poison(t, p, 1280) }, [2]int{1280, 1280},
			[2]string{"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered", "icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered"}},
		{"a locked route", func(t *testing.T, p *nstest.Path) { lockMTU(t, p, 552) }, [2]int{552, 552},
			[2]string{"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", "icmp forward 1400 router, reverse 1400 replies, behind hop 2 named"}},
		{"a locked route, the ends of a link differ", func(t *testing.T, p *nstest.Path) { lockMTU(t, p, 1300); p.SetMTU(t, 3, 1400, 1380) }, [2]int{1300, 1300},
			[2]string{"icmp forward 1384 silence, reverse 1380 replies, behind hop 2, mtu_mismatch", "icmp forward 1384 silence, reverse 1380 replies, behind hop 2, icmp_filtered"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, nstest.PathMTUs()...)
				tt.set(t, p)
				for i, six := range []bool{false, true} {
					dest, f := p.ServerAddr(six), []probe.Family{probe.IPv4, probe.IPv6}[i]
					if mtu, err := probe.RouteMTU(f, probe.Config{Dest: dest}); mtu != tt.cached[i] || err != nil {
						t.Errorf("%v: the kernel believes in %d, %v", dest, mtu, err)
					}
					r, lines := measured(t, dest, nil)
					if diff := cmp.Diff(tt.want[i], short(r)); diff != "" {
						t.Errorf("%v (-want +got)\n%s%s", dest, diff, lines)
					}
				}
			})
		})
	}
}

// TestKernel_loss: a router that loses packets in both directions. Each run is
// right, whatever the chance.
func TestKernel_loss(t *testing.T) {
	nstest.Peer(t, "nft")
	const runs = 4
	for _, tt := range []struct {
		name  string
		share int // of a hundred packets, each way
		blind bool
		basis Basis
	}{
		{"a tenth of the round trips", 5, false, Routers},
		{"a tenth of the round trips, black hole", 5, true, Silence},
		{"28 in a hundred", 15, false, Routers},
		{"28 in a hundred, black hole", 15, true, Silence},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, nstest.PathMTUs()...)
				if tt.blind {
					p.Blind(t, 2)
				}
				// Neighbours are asked for with a hop limit of 255 (RFC 4861).
				for _, packets := range []string{"ip ttl < 100", "ip6 hoplimit < 100"} {
					p.Drop(t, 1, fmt.Sprintf("%s numgen random mod 100 < %d", packets, tt.share))
				}
				lost := 0
				for run := range 2 * runs {
					r, lines := measured(t, p.ServerAddr(run%2 > 0), nil)
					lost += r.Lost
					t.Logf("%s: %d rounds, %d probes, %v", short(r), r.Rounds, r.Probes, r.Elapsed)
					if r.Forward.MTU != 1400 || r.Forward.Basis != tt.basis || r.Reverse.Exact() && r.Reverse.MTU != 1400 || r.LimitKnown && r.Limit.Hop > 2 {
						t.Errorf("run %d: %s\n%s", run, short(r), lines)
					}
				}
				if lost == 0 {
					t.Error("nothing was lost")
				}
			})
		})
	}
}

// TestKernel_change: links whose MTU changes while it is measured. It is said, and
// the figure is that of the path as it is at the end.
func TestKernel_change(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, tt := range []struct {
		name  string
		set   func(t *testing.T, p *nstest.Path)
		after int
		to    [2]uint32 // link and its MTU
		want  string
		six   string // "": the same
	}{
		{"narrower, routers answer", nil, 1, [2]uint32{3, 1350}, "icmp forward 1350 router, reverse 1350 replies, behind hop 2 named, changed 1", ""},
		{"narrower, black hole", func(t *testing.T, p *nstest.Path) { p.Blind(t, 2) }, 2, [2]uint32{3, 1350},
			"icmp forward 1350 silence, reverse 1350 replies, behind hop 2, icmp_filtered, changed 1", ""},
		{"our own link", nil, 1, [2]uint32{1, 1300}, "icmp forward 1300 own_link, reverse 1300 own_link, behind hop 0, changed 1", ""},
		{"our own link, black hole", func(t *testing.T, p *nstest.Path) { p.Blind(t, 2) }, 2, [2]uint32{1, 1300},
			"icmp forward 1300 own_link, reverse 1300 own_link, behind hop 0, changed 1", ""},
		{"wider, black hole", func(t *testing.T, p *nstest.Path) { p.Blind(t, 1); p.Blind(t, 2) }, 1, [2]uint32{3, 1450},
			"icmp forward 1450 silence, reverse 1450 lower_bound, behind hop 1, icmp_filtered",
			// The host has learned its way back before.
			"icmp forward 1450 silence, reverse 1400 replies, behind hop 1, icmp_filtered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, nstest.PathMTUs()...)
				if tt.set != nil {
					tt.set(t, p)
				}
				for _, six := range []bool{false, true} {
					p.SetMTU(t, 1, 1500, 1500)
					p.SetMTU(t, 3, 1400, 1400)
					r, lines := measured(t, p.ServerAddr(six), func(round int) {
						if round == tt.after {
							p.SetMTU(t, int(tt.to[0]), tt.to[1], tt.to[1])
						}
					})
					want := tt.want
					if six && tt.six != "" {
						want = tt.six
					}
					if diff := cmp.Diff(want, short(r)); diff != "" {
						t.Errorf("six %v (-want +got)\n%s%s", six, diff, lines)
					}
				}
			})
		})
	}
}

// TestKernel_loop: two routers that send a packet to and fro until its time to live ends
// say so.
func TestKernel_loop(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, nstest.PathMTUs()...)
		for _, six := range []bool{false, true} {
			network, dest := "10.88.0.0/16", netip.MustParseAddr("10.88.0.1")
			if six {
				network, dest = "fd88::/16", netip.MustParseAddr("fd88::1")
			}
			p.Client().AddRoute(t, network, p.HopAddr(1, six).String())
			p.Router(1).AddRoute(t, network, p.HopAddr(2, six).String())
			p.Router(2).AddRoute(t, network, map[bool]string{false: "10.77.2.1", true: "fd77:2::1"}[six])
			r, lines := measured(t, dest, nil)
			for i := range r.Refusals {
				r.Refusals[i].Count = min(r.Refusals[i].Count, 1)
			}
			want := []Refusal{{From: p.HopAddr(2, six), Type: wire.ICMPv4TimeExceeded, Count: 1}}
			if six {
				want[0].Type = wire.ICMPv6TimeExceeded
			}
			if diff := cmp.Diff(want, r.Refusals, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || r.Reached {
				t.Errorf("%v, reached %v (-want +got)\n%s%s", dest, r.Reached, diff, lines)
			}
		}
	})
}

// TestKernel_twins: a router that doubles what comes back. Further answers count
// for nothing but themselves.
func TestKernel_twins(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, nstest.PathMTUs()...)
		p.Router(3).Nft(t, `add table ip twins
add chain ip twins in { type filter hook prerouting priority 0; }
add rule ip twins in ip daddr 10.77.1.1 dup to 10.77.3.1 device left
add table ip6 twins
add chain ip6 twins in { type filter hook prerouting priority 0; }
add rule ip6 twins in ip6 daddr fd77:1::1 dup to fd77:3::1 device left`)
		for _, six := range []bool{false, true} {
			r, lines := measured(t, p.ServerAddr(six), nil)
			if diff := cmp.Diff("icmp forward 1400 router, reverse 1400 replies, behind hop 2 named", short(r)); diff != "" || r.Duplicates < 8 {
				t.Errorf("%d duplicates (-want +got)\n%s%s", r.Duplicates, diff, lines)
			}
		}
	})
}

// TestKernel_disorder: a host that answers the other way round, three at a time.
func TestKernel_disorder(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, nstest.PathMTUs()...)
		var held []nstest.EchoRequest
		stop := p.Server().Respond(t, false, func(r *nstest.Responder, q nstest.EchoRequest) {
			if held = append(held, q); len(held) < 3 {
				return
			}
			for _, q := range slices.Backward(held) {
				r.Reply(q, q.Answer())
			}
			held = nil
		})
		defer stop()
		r, lines := measured(t, p.ServerAddr(false), nil)
		if r.Forward.MTU != 1400 || r.Forward.Basis != Routers || r.Reverse.Exact() && r.Reverse.MTU != 1400 || r.Limit.Hop != 2 {
			t.Errorf("%s%s", short(r), lines)
		}
	})
}

// TestKernel_forged: messages from a host that sees the packets and lies about
// them, which our kernel believes. They are reported and change nothing.
func TestKernel_forged(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, tt := range []struct {
		name string
		set  func(t *testing.T, p *nstest.Path)
		want [2]string
	}{
		{"ICMP comes back", nil, [2]string{
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named, not 552: refuted, not 68: refuted, not 0: names_none, not 9000: not_smaller",
			"icmp forward 1400 router, reverse 1400 lower_bound, behind hop 2 named, reply_fragments_dropped, not 552: below_minimum, not 68: below_minimum, not 0: names_none, not 9000: not_smaller"}},
		{"black hole", func(t *testing.T, p *nstest.Path) { p.Blind(t, 1); p.Blind(t, 2) }, [2]string{
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered, not 552: refuted, not 68: refuted, not 0: names_none, not 9000: not_smaller",
			"icmp forward 1400 silence, reverse 1400 lower_bound, behind hop 2, reply_fragments_dropped, not 552: below_minimum, not 68: below_minimum, not 0: names_none, not 9000: not_smaller"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, nstest.PathMTUs()...)
				if tt.set != nil {
					tt.set(t, p)
				}
				for i, six := range []bool{false, true} {
					stop := p.Server().Respond(t, six, func(r *nstest.Responder, q nstest.EchoRequest) {
						if len(q.Packet) > 600 {
							for _, mtu := range []uint32{552, 68, 0, 9000} {
								forge(r, q, liar(six), mtu)
							}
							other := q // of another flow
							other.Packet = slices.Clone(q.Packet)
							other.Packet[len(q.Packet)-len(q.ICMP)+4] ^= 0xff
							forge(r, other, liar(six), 1200)
						}
						if !six || len(q.Packet) <= 1400 { // it cuts no packet of IPv6
							r.Reply(q, q.Answer())
						}
					})
					r, lines := measured(t, p.ServerAddr(six), nil)
					stop()
					if diff := cmp.Diff(tt.want[i], short(r)); diff != "" {
						t.Errorf("six %v (-want +got)\n%s%s", six, diff, lines)
					}
				}
			})
		})
	}
}

// TestKernel_methods: hosts that answer only some kinds of probe.
func TestKernel_methods(t *testing.T) {
	nstest.Peer(t, "nft")
	noEcho := func(t *testing.T, p *nstest.Path) {
		p.Drop(t, 4, "icmp type echo-request")
		p.Drop(t, 4, "icmpv6 type echo-request")
	}
	noTCP := func(t *testing.T, p *nstest.Path) { p.Drop(t, 4, "iifname left meta l4proto tcp") }
	for _, tt := range []struct {
		name string
		set  func(t *testing.T, p *nstest.Path)
		four bool // alone: it takes long
		want string
	}{
		{"UDP alone", func(t *testing.T, p *nstest.Path) { noEcho(t, p); noTCP(t, p) }, false,
			"udp forward 1400 router, reverse 0 lower_bound, behind hop 2 named"},
		{"UDP alone, black hole, the usual limit on its answers", func(t *testing.T, p *nstest.Path) { noEcho(t, p); noTCP(t, p); p.Blind(t, 2); p.LimitErrors(t, 4) }, true,
			"udp forward 1400 silence, reverse 0 lower_bound, behind hop 2, icmp_filtered"},
		{"TCP alone, black hole", func(t *testing.T, p *nstest.Path) {
			noEcho(t, p)
			p.Drop(t, 4, "iifname left meta l4proto udp")
			p.Blind(t, 2)
		}, false,
			"tcp forward 1400 silence, reverse 0 lower_bound, behind hop 2, unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, nstest.PathMTUs()...)
				tt.set(t, p)
				for _, six := range families(tt.four) {
					r, lines := measured(t, p.ServerAddr(six), nil)
					t.Logf("%d rounds, %d probes, %v", r.Rounds, r.Probes, r.Elapsed)
					if diff := cmp.Diff(tt.want, short(r)); diff != "" {
						t.Errorf("six %v (-want +got)\n%s%s", six, diff, lines)
					}
				}
			})
		})
	}
}

// TestKernel_otherSource: replies with the right cookie from an address that
// nobody asked. The host has not answered, and who did is said.
func TestKernel_otherSource(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, nstest.PathMTUs()...)
		p.Drop(t, 4, "iifname left meta l4proto { tcp, udp }")
		for i, six := range []bool{false, true} {
			other := netip.MustParseAddr([]string{"10.99.0.7", "2001:db8::7"}[i])
			stop := p.Server().Respond(t, six, func(r *nstest.Responder, q nstest.EchoRequest) {
				if len(q.Packet) < 1400 {
					r.Send(q, other, q.Answer(), true)
				}
			})
			r, lines := measured(t, p.ServerAddr(six), nil)
			stop()
			if diff := cmp.Diff("no answer", short(r)); diff != "" || r.OtherSource < 4 || r.Other != other {
				t.Errorf("%d from %v (-want +got)\n%s%s", r.OtherSource, r.Other, diff, lines)
			}
		}
	})
}

// families are both IP versions, or the fourth alone, by whether it is the sixth.
func families(four bool) []bool {
	if four {
		return []bool{false}
	}
	return []bool{false, true}
}
