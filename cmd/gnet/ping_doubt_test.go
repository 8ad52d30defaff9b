package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

func TestPlateau(t *testing.T) {
	var got []int
	for packet := 65535; packet > 68; packet = got[len(got)-1] {
		got = append(got, plateau(packet))
	}
	want := []int{32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68} // RFC 1191, table 7-1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for packet, want := range map[int]int{1500: 1492, 1493: 1492, 84: 68, 28: 68} {
		if got := plateau(packet); got != want {
			t.Errorf("below %d: %d, want %d", packet, got, want)
		}
	}
}

// Each claim is doubted once, for what is wrong with it.
func TestMTUDoubts(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	six := netip.MustParseAddr("2001:db8::1")
	needed := func(from netip.Addr, mtu uint32) ping.Event {
		return ping.Event{Kind: ping.ICMPError, From: from, Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4FragNeeded, Info: mtu}
	}
	tooBig := func(mtu uint32) ping.Event {
		return ping.Event{Kind: ping.ICMPError, From: six, Type: wire.ICMPv6TooBig, Info: mtu}
	}
	unreachable := needed(a, 21)
	unreachable.Code = 1
	reply := needed(a, 21)
	reply.Kind = ping.Reply
	const less, room = " names a suspicious MTU: 20 is less than every link of IPv4 carries", " names a suspicious MTU: 84 has room for these packets of 84 bytes"
	for _, tt := range []struct {
		family probe.Family
		events []ping.Event
		want   []string
	}{
		{probe.IPv4, []ping.Event{needed(a, 20), needed(a, 20), needed(b, 20), needed(a, 84), needed(a, 84)},
			[]string{"192.0.2.1" + less, "", "192.0.2.2" + less, "192.0.2.1" + room, ""}},
		{probe.IPv4, []ping.Event{needed(a, 0), needed(a, 67), needed(a, 68), needed(a, 83), unreachable, reply},
			[]string{"192.0.2.1 names no MTU, as routers older than RFC 1191 do: 68 is the usual one below 84",
				"192.0.2.1 names a suspicious MTU: 67 is less than every link of IPv4 carries", "", "", "", ""}},
		{probe.IPv6, []ping.Event{tooBig(0), tooBig(1279), tooBig(1280)},
			[]string{"2001:db8::1 names a suspicious MTU: 0 is less than every link of IPv6 carries",
				"2001:db8::1 names a suspicious MTU: 1279 is less than every link of IPv6 carries",
				"2001:db8::1 names a suspicious MTU: 1280 has room for these packets of 84 bytes"}},
	} {
		var d mtuDoubts
		var got []string
		for _, ev := range tt.events {
			got = append(got, d.doubt(&ev, tt.family, 84))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A liar who changes the claim each time is not listened to for ever.
func TestMTUDoubts_bounded(t *testing.T) {
	var d mtuDoubts
	said := 0
	for mtu := range uint32(60) {
		ev := ping.Event{Kind: ping.ICMPError, From: netip.MustParseAddr("192.0.2.1"), Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4FragNeeded, Info: mtu}
		for range 2 {
			if d.doubt(&ev, probe.IPv4, 84) != "" {
				said++
			}
		}
	}
	if said != maxDoubts {
		t.Errorf("said %d times, want %d", said, maxDoubts)
	}
}
