package main

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// Which of several things that are known is said.
func TestLossHint(t *testing.T) {
	target, gateway, source := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	o := defaultPing()
	probeAll := defaultPing()
	probeAll.MTU, probeAll.Size = probe.MTUProbe, 1000
	s := &pingSeries{Target: target, Source: source, Family: probe.IPv4}
	lost := ping.Stats{Transmitted: 4}
	refused := ping.Stats{Transmitted: 1, NotSent: 3}
	up := hostFacts{known: true, device: "eth0", up: true, carrier: true, neighbour: true, nextHop: gateway, state: unix.NUD_REACHABLE}
	with := func(change func(*hostFacts)) hostFacts {
		h := up
		change(&h)
		return h
	}
	icmp := func(from netip.Addr, typ, code uint8) ping.Event {
		return ping.Event{Kind: ping.ICMPError, From: from, Type: typ, Code: code}
	}
	for _, tt := range []struct {
		name   string
		o      *pingOptions
		stats  ping.Stats
		events []ping.Event
		facts  hostFacts
		want   string
	}{
		{"answered", &o, ping.Stats{Transmitted: 4, Received: 1}, nil, hostFacts{}, ""},
		{"nothing was tried", &o, ping.Stats{}, nil, hostFacts{}, ""},
		{"nothing is known", &o, lost, nil, hostFacts{}, "the 4 probes left, and nothing came back"},
		{"a tunnel", &o, lost, nil, hostFacts{known: true, device: "wg0", up: true, carrier: true, nextHop: target}, "the 4 probes left through wg0, and nothing came back"},
		{"link down", &o, lost, nil, with(func(h *hostFacts) { h.up = false }), "eth0 is down"},
		{"no carrier", &o, lost, nil, with(func(h *hostFacts) { h.carrier = false }), "eth0 has no carrier"},
		{"link gone", &o, lost, nil, hostFacts{gone: true}, "the device of the probes was removed"},
		{"source gone", &o, lost, nil, with(func(h *hostFacts) { h.noSource = true }), "the source address 192.0.2.2 is not on this host any more"},
		{"route gone", &o, lost, nil, hostFacts{routeErr: unix.ENETUNREACH}, "this host has no route to 192.0.2.9; gnet route get 192.0.2.9 explains it"},
		{"own drops", &o, ping.Stats{Transmitted: 4, Dropped: 3}, nil, with(func(h *hostFacts) { h.seen = 3 }), "3 answers were lost here, in ping's own receive buffer"},
		{"reverse path", &o, lost, nil, with(func(h *hostFacts) { h.seen, h.seenOn, h.filtered = 3, "eth1", 2 }),
			"answers arrived on eth1, and the reverse path filter of this host dropped them: the way back is not through eth1 (sysctl net.ipv4.conf.eth1.rp_filter)"},
		{"reverse path, no rights", &o, lost, nil, with(func(h *hostFacts) { h.filtered = 2 }),
			"the reverse path filter of this host dropped packets meanwhile (sysctl net.ipv4.conf.all.rp_filter, nstat TcpExtIPReversePathFilter)"},
		{"not ours", &o, lost, []ping.Event{{Kind: ping.Foreign, Reason: ping.OtherCookie, From: target}}, up, "answers came, but they are not to these probes"},
		{"not ours, and seen to arrive", &o, lost, []ping.Event{{Kind: ping.Foreign, Reason: ping.OtherCookie, From: target}, {Kind: ping.Foreign, Reason: ping.NotAsked, From: target}},
			with(func(h *hostFacts) { h.seen, h.seenOn = 2, "eth0" }), "answers came, but they are not to these probes"},
		{"damaged, and seen to arrive", &o, lost, []ping.Event{{Kind: ping.Corrupted, From: target}},
			with(func(h *hostFacts) { h.seen, h.seenOn = 1, "eth0" }), "answers came, but damaged: their checksum is wrong"},
		{"more arrived than were ignored", &o, lost, []ping.Event{{Kind: ping.Corrupted, From: target}},
			with(func(h *hostFacts) { h.seen, h.seenOn = 2, "eth0" }), "answers arrived on eth0, and this host dropped them: nft list ruleset shows its firewall, with hook prerouting or input"},
		{"a forged error", &o, lost, []ping.Event{{Kind: ping.Foreign, Reason: ping.OtherCookie, From: gateway, Type: 3, Code: 1}}, up,
			"192.0.2.1 sends ICMP errors, but they are not about these probes"},
		{"must not be fragmented", &probeAll, lost, nil, up,
			"nothing came back; a router may drop packets of 1028 bytes in silence, because they must not be fragmented: --pmtu finds out"},
		{"link down in mid-run", &o, refused, []ping.Event{{Kind: ping.NotSent, Err: unix.ENETDOWN}, {Kind: ping.NotSent, Err: unix.ENETUNREACH}, {Kind: ping.NotSent, Err: unix.ENETUNREACH}},
			with(func(h *hostFacts) { h.up = false }), "eth0 is down (3 of 4 probes)"},
		{"source gone in mid-run", &o, refused, []ping.Event{{Kind: ping.NotSent, Err: unix.EINVAL}, {Kind: ping.NotSent, Err: unix.EINVAL}, {Kind: ping.NotSent, Err: unix.EINVAL}},
			with(func(h *hostFacts) { h.noSource = true }), "the source address 192.0.2.2 is not on this host any more (3 of 4 probes)"},
		{"device gone in mid-run", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.NotSent, Err: unix.ENODEV}}, hostFacts{}, "the device of the probes was removed"},
		{"queue full", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.NotSent, Err: unix.ENOBUFS}}, up, "the send queue of the device, or of the socket (-S), stayed full"},
		{"another refusal", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.NotSent, Err: unix.EIO}}, up, "this host's kernel refuses the probes: Input/output error"},
		{"most of them", &o, lost, []ping.Event{{Kind: ping.NotSent, Err: unix.EPERM}, icmp(gateway, 3, 0), icmp(gateway, 3, 0)}, up,
			"192.0.2.1 says: Destination Net Unreachable (2 of 4 probes)"},
		{"a circle", &o, ping.Stats{Transmitted: 1}, []ping.Event{icmp(gateway, wire.ICMPv4TimeExceeded, 0)}, up,
			"the probes went in a circle until 192.0.2.1 gave up: routers disagree about the way"},
		{"reassembly", &o, ping.Stats{Transmitted: 1}, []ping.Event{icmp(target, wire.ICMPv4TimeExceeded, 1)}, up,
			"the host is there, and says: Frag reassembly time exceeded"},
		{"the last router", &o, ping.Stats{Transmitted: 1}, []ping.Event{icmp(gateway, 3, 1)}, up,
			"192.0.2.1 got no answer from the next host: Destination Host Unreachable"},
		{"a firewall here", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.NotSent, Err: unix.EPERM}}, up,
			"a firewall of this host refuses the probes: nft list ruleset shows it, with hook output"},
		{"a route says unreachable", &o, lost, nil, with(func(h *hostFacts) { h.routeErr = unix.EHOSTUNREACH }),
			"a route of this host says that 192.0.2.9 is unreachable; gnet route get 192.0.2.9 explains it"},
		{"a route prohibits", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.NotSent, Err: unix.EACCES}}, up,
			"a route of this host prohibits 192.0.2.9; gnet route get 192.0.2.9 explains it"},
		{"a black hole of our own", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.NotSent, Err: unix.EINVAL}}, up,
			"a route of this host throws away what is for 192.0.2.9; gnet route get 192.0.2.9 explains it"},
		{"our own complaint", &o, ping.Stats{Transmitted: 1}, []ping.Event{icmp(source, 3, 1)}, up, "the gateway 192.0.2.1 on eth0 does not answer ARP requests"},
		{"a complaint of another address of ours", &o, ping.Stats{Transmitted: 1}, []ping.Event{icmp(gateway, 3, 1)}, with(func(h *hostFacts) { h.own = true }),
			"the gateway 192.0.2.1 on eth0 does not answer ARP requests"},
		{"a router's MTU", &probeAll, ping.Stats{Transmitted: 1}, []ping.Event{{Kind: ping.ICMPError, From: gateway, Type: 3, Code: 4, Info: 900}}, up,
			"192.0.2.1 cannot pass on 1028 bytes in one piece: --pmtu finds out what the whole path carries"},
		{"a router's MTU that cannot be", &probeAll, ping.Stats{Transmitted: 1}, []ping.Event{{Kind: ping.ICMPError, From: gateway, Type: 3, Code: 4, Info: 20}}, up,
			"192.0.2.1 names a suspicious MTU: 20 is less than every link of IPv4 carries"},
		{"a router's firewall", &o, ping.Stats{Transmitted: 1}, []ping.Event{icmp(gateway, 3, 13)}, up, "a firewall at 192.0.2.1 refuses the probes: Packet filtered"},
		{"damaged before they reached us", &o, ping.Stats{Transmitted: 4, Damaged: 2}, nil, with(func(h *hostFacts) { h.seen, h.seenOn = 2, "eth0" }),
			"answers came, but damaged: their checksum is wrong"},
		{"another host", &o, lost, []ping.Event{{Kind: ping.Foreign, Reason: ping.OtherSource, From: gateway}}, up, "192.0.2.1 answers in place of the host that was asked"},
		{"no neighbour", &o, lost, nil, with(func(h *hostFacts) { h.nextHop, h.state = target, unix.NUD_FAILED }),
			"192.0.2.9 on eth0 does not answer ARP requests: no such host on this link"},
		{"no neighbour yet", &o, lost, nil, with(func(h *hostFacts) { h.state = unix.NUD_INCOMPLETE }), "the gateway 192.0.2.1 on eth0 does not answer ARP requests"},
		{"a silent neighbour", &o, lost, nil, with(func(h *hostFacts) { h.nextHop, h.state = target, unix.NUD_DELAY }),
			"the 4 probes left through eth0, and the host is there (its link address is known), but nothing came back: it may ignore echo requests"},
		{"silence behind the gateway", &o, lost, nil, up, "the 4 probes left through eth0 to the gateway 192.0.2.1, which is there, and nothing came back: " +
			"the host is down, or something on the way drops them or their answers"},
		{"an MTU below every packet", &o, ping.Stats{NotSent: 1}, []ping.Event{{Kind: ping.TooLong, Info: 20}}, up,
			"a packet of 84 bytes does not fit into the MTU of 20, and --pmtu finds out what the whole path carries"},
	} {
		var c pingCauses
		for i := range tt.events {
			c.see(&tt.events[i])
		}
		if got := lossHint(tt.o, s, &tt.stats, &c, &tt.facts); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// What depends on the series.
func TestLossHint_series(t *testing.T) {
	o := defaultPing()
	a := netip.MustParseAddr
	six := pingSeries{Target: a("2001:db8::9"), Source: a("2001:db8::2"), Family: probe.IPv6}
	icmp := func(from string, code uint8) ping.Event {
		return ping.Event{Kind: ping.ICMPError, From: a(from), Type: wire.ICMPv6Unreachable, Code: code}
	}
	for _, tt := range []struct {
		name   string
		series pingSeries
		events []ping.Event
		facts  hostFacts
		want   string
	}{
		{"multicast", pingSeries{Target: a("224.0.0.99"), Family: probe.IPv4, Multicast: true}, nil, hostFacts{},
			"the probe left, and no host answered: most ignore such probes"},
		{"no neighbour", six, nil, hostFacts{known: true, device: "eth0", up: true, carrier: true, neighbour: true, nextHop: six.Target, state: unix.NUD_FAILED},
			"2001:db8::9 on eth0 does not answer neighbour solicitations: no such host on this link"},
		{"our own complaint", six, []ping.Event{icmp("2001:db8::2", 3)}, hostFacts{}, "2001:db8::9 does not answer neighbour solicitations: no such host on this link"},
		{"the last router", six, []ping.Event{icmp("2001:db8::1", 3)}, hostFacts{}, "2001:db8::1 got no answer from the next host: Destination unreachable: Address unreachable"},
		{"a router's firewall", six, []ping.Event{icmp("2001:db8::1", 1)}, hostFacts{}, "a firewall at 2001:db8::1 refuses the probes: Destination unreachable: Administratively prohibited"},
		{"the host", six, []ping.Event{icmp("2001:db8::9", 4)}, hostFacts{}, "the host is there, and says: Destination unreachable: Port unreachable"},
		{"a circle", six, []ping.Event{{Kind: ping.ICMPError, From: a("2001:db8::1"), Type: wire.ICMPv6TimeExceeded}}, hostFacts{},
			"the probes went in a circle until 2001:db8::1 gave up: routers disagree about the way"},
	} {
		var c pingCauses
		for i := range tt.events {
			c.see(&tt.events[i])
		}
		if got := lossHint(&o, &tt.series, &ping.Stats{Transmitted: 1}, &c, &tt.facts); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}
