package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// When nothing comes back, one line says why, as far as it can be known.
func TestPingHint_kernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		nft := nstest.Peer(t, "nft")
		lab.client.Sysctl(t, "net/ipv4/neigh/right/retrans_time_ms", "100")
		lab.client.Sysctl(t, "net/ipv6/neigh/right/retrans_time_ms", "100")
		lab.client.AddRoute(t, "10.95.0.0/24", "10.77.1.98")
		rules := func(h *nstest.Host, text string) func() {
			if r := h.Run(t, nft, "add table inet t; "+text); r.Status != 0 {
				t.Fatalf("nft %s: %s", text, r.Stderr)
			}
			return func() { h.Run(t, nft, "delete table inet t") }
		}
		ignore := func(h *nstest.Host) func() {
			h.Sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
			return func() { h.Sysctl(t, "net/ipv4/icmp_echo_ignore_all", "0") }
		}
		for _, tt := range []struct {
			name, line string
			before     func() (after func())
			want       string
		}{
			{"own firewall", "-c2 -i.05 -W.2 " + labServer4, func() func() {
				return rules(lab.client, "add chain inet t o { type filter hook output priority 0; }; add rule inet t o meta l4proto {icmp, icmpv6} drop")
			}, "a firewall of this host refuses the probes: nft list ruleset shows it, with hook output"},
			{"own firewall drops the answers", "-c4 -i.2 -W.2 " + labServer4, func() func() {
				return rules(lab.client, "add chain inet t i { type filter hook input priority 0; }; add rule inet t i icmp type echo-reply drop")
			}, "answers arrived on right, and this host dropped them: nft list ruleset shows its firewall, with hook prerouting or input"},
			{"own firewall drops the answers, IPv6", "-c4 -i.2 -W.2 " + labServer6, func() func() {
				return rules(lab.client, "add chain inet t i { type filter hook input priority 0; }; add rule inet t i icmpv6 type echo-reply drop")
			}, "answers arrived on right, and this host dropped them: nft list ruleset shows its firewall, with hook prerouting or input"},
			{"a neighbour fails", "-c1 -W4 10.77.1.99", nil, "10.77.1.99 on right does not answer ARP requests: no such host on this link"},
			{"a neighbour fails, IPv6", "-c1 -W4 fd77:1::99", nil, "fd77:1::99 on right does not answer neighbour solicitations: no such host on this link"},
			{"a neighbour fails, link-local", "-c1 -W4 fe80::99%right", nil, "fe80::99 on right does not answer neighbour solicitations: no such host on this link"},
			{"a neighbour has not answered yet", "-c1 -W.1 10.77.1.97", nil, "10.77.1.97 on right does not answer ARP requests: no such host on this link"},
			{"a gateway fails", "-c1 -W4 10.95.0.1", nil, "the gateway 10.77.1.98 on right does not answer ARP requests"},
			{"a router has no route", "-c1 -W1 10.99.0.1", nil, "10.77.1.2 says: Destination Net Unreachable"},
			{"a router has no route, IPv6", "-c1 -W1 fd99::1", nil, "fd77:1::2 says: Destination unreachable: No route"},
			{"a router's firewall", "-c1 -W1 " + labServer4, func() func() {
				return rules(lab.r1, "add chain inet t f { type filter hook forward priority 0; }; add rule inet t f icmp type echo-request reject with icmp admin-prohibited")
			}, "a firewall at 10.77.1.2 refuses the probes: Packet filtered"},
			{"the host's firewall", "-c1 -W1 " + labServer4, func() func() {
				return rules(lab.server, "add chain inet t f { type filter hook input priority 0; }; add rule inet t f icmp type echo-request reject with icmp port-unreachable")
			}, "the host is there, and says: Destination Port Unreachable"},
			{"hops", "-c1 -t2 -W1 " + labServer4, nil, "the probes got no further than 10.77.2.2, because of -t 2"},
			{"hops, IPv6", "-c1 -t1 -W1 " + labServer6, nil, "the probes got no further than fd77:1::2, because of -t 1"},
			{"longer than the link", "-M do -s 3000 -c1 -W1 " + labServer4, nil,
				"a packet of 3028 bytes does not fit into the MTU of 1500; -s 1472 does, and --pmtu finds out what the whole path carries"},
			{"longer than the path", "-M do -s 1472 -c1 -W1 " + labServer4, nil,
				"10.77.1.2 cannot pass on 1500 bytes in one piece: --pmtu finds out what the whole path carries"},
			{"longer than the path, IPv6", "-M do -s 1452 -c1 -W1 " + labServer6, nil,
				"fd77:1::2 cannot pass on 1500 bytes in one piece: --pmtu finds out what the whole path carries"},
			{"a black hole", "-M do -s 1300 -c1 -W.3 " + labServer4, func() func() { return ignore(lab.server) },
				"nothing came back; a router may drop packets of 1328 bytes in silence, because they must not be fragmented: --pmtu finds out"},
			{"a silent neighbour", "-c1 -W.3 10.77.1.2", func() func() { return ignore(lab.r1) },
				"the probe left through right, and the host is there (its link address is known), but nothing came back: it may ignore echo requests"},
			{"a silent host", "-c3 -i.05 -W.3 " + labServer4, func() func() { return ignore(lab.server) },
				"the 3 probes left through right to the gateway 10.77.1.2, which is there, and nothing came back: the host is down, or something on the way drops them or their answers"},
			{"another host", "-c1 -W.3 " + labServer4, func() func() {
				return lab.respond(false, func(r *responder, q echoRequest) { r.Send(q, netip.MustParseAddr("10.77.3.7"), q.Answer(), true) })
			}, "10.77.3.7 answers in place of the host that was asked"},
			{"damaged", "-c1 -W.3 " + labServer4, func() func() {
				return lab.respond(false, func(r *responder, q echoRequest) {
					b := q.Answer()
					b[2] ^= 0x55
					r.Send(q, q.Dst, b, false)
				})
			}, "answers came, but damaged: their checksum is wrong"},
			{"damaged, and seen to arrive", "-c4 -i.1 -W.3 " + labServer4, func() func() {
				return lab.respond(false, func(r *responder, q echoRequest) {
					b := q.Answer()
					b[2] ^= 0x55
					r.Send(q, q.Dst, b, false)
				})
			}, "answers came, but damaged: their checksum is wrong"},
			{"multicast", "-c1 -W.3 -I right 224.0.0.99", nil, "the probe left, and no host answered: most ignore such probes"},
			{"prohibit", "-c1 10.90.0.1", nil, "a route of this host prohibits 10.90.0.1; gnet route get 10.90.0.1 explains it"},
			{"blackhole", "-c1 10.91.0.1", nil, "a route of this host throws away what is for 10.91.0.1; gnet route get 10.91.0.1 explains it"},
			{"unreachable", "-c1 10.92.0.1", nil, "a route of this host says that 10.92.0.1 is unreachable; gnet route get 10.92.0.1 explains it"},
			{"throw", "-c1 10.93.0.1", nil, "this host has no route to 10.93.0.1; gnet route get 10.93.0.1 explains it"},
			{"prohibit, IPv6", "-c1 fd90::1", nil, "a route of this host prohibits fd90::1; gnet route get fd90::1 explains it"},
			{"blackhole, IPv6", "-c1 fd91::1", nil, "a route of this host throws away what is for fd91::1; gnet route get fd91::1 explains it"},
			{"unreachable, IPv6", "-c1 fd92::1", nil, "a route of this host says that fd92::1 is unreachable; gnet route get fd92::1 explains it"},
			{"a foreign source", "-I 10.9.9.9 -c1 " + labServer4, nil, "-I wants an address of this host; ip addr lists them"},
			{"an answer", "-c1 " + labServer4, nil, ""},
		} {
			after := func() {}
			if tt.before != nil {
				after = tt.before()
			}
			got := lab.client.Run(t, gnet, strings.Fields(tt.line)...)
			after()
			lab.forget()
			if diff := cmp.Diff(tt.want, hints(got.Stderr)); diff != "" {
				t.Errorf("%s: ping %s (-want +got):\n%s%s%s", tt.name, tt.line, diff, got.Stdout, got.Stderr)
			}
		}
	})
}

// hints returns the hint lines without their prefix.
func hints(stderr string) string {
	var found []string
	for line := range strings.Lines(stderr) {
		if text, ok := strings.CutPrefix(line, "hint: "); ok {
			found = append(found, strings.TrimSuffix(text, "\n"))
		}
	}
	return strings.Join(found, "\n")
}
