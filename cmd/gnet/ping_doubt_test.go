package main

import (
	"net/netip"
	"testing"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

func TestPlateau(t *testing.T) {
	for packet, want := range map[int]int{65535: 32000, 32000: 17914, 1500: 1492, 1492: 1006, 84: 68, 28: 68} {
		if got := plateau(packet); got != want {
			t.Errorf("below %d: %d, want %d", packet, got, want)
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
