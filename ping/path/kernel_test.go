package path

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/ping"
	"gnet/ping/probe"
)

// measurement prepares one of the path to a host through the kernel.
func measurement(t *testing.T, dest netip.Addr) *Measurement {
	t.Helper()
	f := probe.IPv6
	if dest.Is4() {
		f = probe.IPv4
	}
	s, err := Open(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := probe.Config{Dest: dest, TTL: -1, TOS: -1}
	if s.Echo().Mode() == probe.Raw {
		c.ID = uint16(1 + rand.IntN(1<<16-1))
	}
	source, err := probe.Source(f, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(c, source); err != nil {
		t.Fatal(err)
	}
	mtu, err := s.DeviceMTU()
	if err != nil {
		t.Fatal(err)
	}
	return New(s, ping.NewSystemClock(), Config{Target: dest, DeviceMTU: mtu, Methods: s.Methods(), Pieces: s.Pieces(), Random: rand.Uint64})
}

// measured measures the path to a host through the kernel. during, if there is
// one, is called behind each round.
func measured(t *testing.T, dest netip.Addr, during func(round int)) (*Result, string) {
	t.Helper()
	m := measurement(t, dest)
	var b strings.Builder
	round := 0
	for p, err := range m.Run(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Round != round {
			b.WriteString("\n")
			round = p.Round
			if during != nil {
				during(round)
			}
		}
		fmt.Fprintf(&b, " %v %d", p.Method, p.Size)
		if p.TTL > 0 {
			fmt.Fprintf(&b, "@%d", p.TTL)
		}
		if p.Pieces {
			b.WriteString("p")
		} else if p.Fragment {
			b.WriteString("f")
		}
		fmt.Fprintf(&b, " %v", p.Fate)
		if p.ReplyFragment > 0 {
			fmt.Fprintf(&b, "/%d", p.ReplyFragment)
		}
	}
	return m.Result(), b.String()
}

// TestKernel: paths of real kernels. Losses by chance do not happen there; a busy
// machine is another matter, so that rounds are not counted.
func TestKernel(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, tt := range []struct {
		name string
		mtus []uint32
		set  func(t *testing.T, p *nstest.Path)
		four string
		six  string
	}{
		{"ICMP comes back", nstest.PathMTUs(), nil,
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named",
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named"},
		{"black hole", nstest.PathMTUs(), func(t *testing.T, p *nstest.Path) { p.Blind(t, 2) },
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered",
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered"},
		{"asymmetric", nstest.PathMTUs(), func(t *testing.T, p *nstest.Path) { p.ReturnMTU(t, 2, 1300) },
			"icmp forward 1400 router, reverse 1300 replies, behind hop 2 named",
			"icmp forward 1400 router, reverse 1300 replies, behind hop 2 named"},
		{"jumbo with a blind link", []uint32{9000, 8950, 9000}, func(t *testing.T, p *nstest.Path) { p.Blind(t, 1) },
			"icmp forward 8950 silence, reverse 8950 replies, behind hop 1, icmp_filtered",
			"icmp forward 8950 silence, reverse 8950 replies, behind hop 1, icmp_filtered"},
		{"1280 at the edge", []uint32{1500, 1500, 1280}, nil,
			"icmp forward 1280 router, reverse 1280 replies, behind hop 2 named",
			"icmp forward 1280 router, reverse 1280 replies, behind hop 2 named"},
		// IPv6 is not spoken over so narrow a link.
		{"the least MTU of IPv4", []uint32{1500, 1500, 1500}, func(t *testing.T, p *nstest.Path) { p.SetMTU(t, 2, 68, 68) },
			"icmp forward 68 router, reverse 68 replies, behind hop 1 named", "no answer"},
		{"the least MTU of IPv4, black hole", []uint32{1500, 1500, 1500}, func(t *testing.T, p *nstest.Path) { p.SetMTU(t, 2, 68, 68); p.Blind(t, 1) },
			"icmp forward 68 silence, reverse 68 replies, behind hop 1, icmp_filtered", "no answer"},
		{"our own link takes everything", []uint32{65535, 1280, 65535}, nil,
			"icmp forward 1280 router, reverse 1280 replies, behind hop 1 named",
			"icmp forward 1280 router, reverse 1280 replies, behind hop 1 named"},
		{"the ends of a link differ", []uint32{1500, 1500, 1500}, func(t *testing.T, p *nstest.Path) { p.SetMTU(t, 2, 1500, 1400) },
			"icmp forward 1404 silence, reverse 1400 replies, behind hop 1, mtu_mismatch",
			"icmp forward 1404 silence, reverse 1400 replies, behind hop 1, icmp_filtered"},
		{"request fragments dropped", []uint32{1500, 1500, 1500}, func(t *testing.T, p *nstest.Path) {
			p.Drop(t, 1, "iifname left ip frag-off & 0x3fff != 0")
			p.Drop(t, 1, "iifname left exthdr frag exists")
		}, "icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, request_fragments_dropped",
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, request_fragments_dropped"},
		{"reply fragments dropped", []uint32{1500, 1500, 1500}, func(t *testing.T, p *nstest.Path) {
			p.Drop(t, 1, "iifname right ip frag-off & 0x3fff != 0")
			p.Drop(t, 1, "iifname right exthdr frag exists")
		}, "icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, reply_fragments_dropped",
			"icmp forward 1500 own_link, reverse 1500 own_link, behind hop 0, reply_fragments_dropped"},
		{"all fragments dropped, and the way back is narrower", []uint32{1500, 1500, 1500}, func(t *testing.T, p *nstest.Path) {
			p.ReturnMTU(t, 2, 1400)
			p.Drop(t, 1, "ip frag-off & 0x3fff != 0")
			p.Drop(t, 1, "exthdr frag exists")
		}, "udp forward 1500 own_link, reverse 1400 lower_bound, behind hop 0, request_fragments_dropped",
			"udp forward 1500 own_link, reverse 1400 lower_bound, behind hop 0, request_fragments_dropped"},
		{"limited routers", nstest.PathMTUs(), func(t *testing.T, p *nstest.Path) {
			p.Blind(t, 2)
			for n := 1; n <= 4; n++ {
				p.LimitErrors(t, n)
			}
		}, "icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered",
			"icmp forward 1400 silence, reverse 1400 replies, behind hop 2, icmp_filtered"},
		{"routers with private addresses", nstest.PathMTUs(), func(t *testing.T, p *nstest.Path) {
			for n := 1; n <= 3; n++ {
				p.AnswerFrom(t, n, simPrivate, netip.MustParseAddr("fd99::1"))
			}
		}, "icmp forward 1400 router, reverse 1400 replies, behind hop 2 named",
			"icmp forward 1400 router, reverse 1400 replies, behind hop 2 named"},
		{"echo filtered", nstest.PathMTUs(), func(t *testing.T, p *nstest.Path) {
			p.Drop(t, 4, "icmp type echo-request")
			p.Drop(t, 4, "icmpv6 type echo-request")
		}, "tcp forward 1400 router, reverse 0 lower_bound, behind hop 2 named",
			"tcp forward 1400 router, reverse 0 lower_bound, behind hop 2 named"},
		{"silent host", nstest.PathMTUs(), func(t *testing.T, p *nstest.Path) {
			p.Drop(t, 4, "iifname left meta l4proto { icmp, tcp, udp }")
			p.Drop(t, 4, "iifname left icmpv6 type echo-request")
			p.Drop(t, 4, "iifname left ip6 nexthdr { tcp, udp }")
		}, "no answer", "no answer"},
		{"loopback", []uint32{1500, 1500}, nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				p := nstest.NewPath(t, tt.mtus...)
				if tt.set != nil {
					tt.set(t, p)
				}
				for _, six := range []bool{false, true} {
					want, dest := tt.four, p.ServerAddr(six)
					if six {
						want = tt.six
					}
					if want == "" {
						dest = map[bool]netip.Addr{false: netip.MustParseAddr("127.0.0.1"), true: netip.IPv6Loopback()}[six]
						want = "icmp forward 65535 own_link, reverse 65535 own_link, behind hop 0"
					}
					r, lines := measured(t, dest, nil)
					t.Logf("%v: %d rounds, %d probes, %v", dest, r.Rounds, r.Probes, r.Elapsed)
					if diff := cmp.Diff(want, short(r)); diff != "" {
						t.Errorf("%v (-want +got)\n%s%s", dest, diff, lines)
					}
				}
			})
		})
	}
}
