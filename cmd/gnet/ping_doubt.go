package main

import (
	"fmt"
	"net/netip"
	"slices"

	"gnet/ping"
	"gnet/ping/probe"
)

// mtuDoubts says, once for each claim, that an ICMP error names an MTU that
// cannot be true: whoever is on the path, or guesses well, can send one, and the
// kernel believes it for ten minutes.
type mtuDoubts struct{ said []mtuClaim }

type mtuClaim struct {
	from netip.Addr
	mtu  uint32
}

// maxDoubts bounds what is remembered, and said.
const maxDoubts = 16

// doubt returns the line for an event, "" when there is nothing to say or it was
// said before. packet is the length of the probes' IP packets.
func (d *mtuDoubts) doubt(ev *ping.Event, family probe.Family, packet int) string {
	row := echoRow{Event: ev, family: family}
	claim := mtuClaim{ev.From, ev.Info}
	if ev.Kind != ping.ICMPError || !row.namesMTU() || len(d.said) == maxDoubts || slices.Contains(d.said, claim) {
		return ""
	}
	text := mtuDoubt(family, ev.Info, packet)
	if text == "" {
		return ""
	}
	d.said = append(d.said, claim)
	return fmt.Sprintf("%v %s", ev.From, text)
}

// mtuDoubt says what is wrong with an MTU that is named for a packet that was too
// big, "" when it may be true.
func mtuDoubt(family probe.Family, mtu uint32, packet int) string {
	least := uint32(68) // RFC 791, section 3.2
	if family == probe.IPv6 {
		least = 1280 // RFC 8200, section 5
	}
	switch {
	case mtu == 0 && family == probe.IPv4:
		return fmt.Sprintf("names no MTU, as routers older than RFC 1191 do: %d is the usual one below %d", plateau(packet), packet)
	case mtu < least:
		return fmt.Sprintf("names a suspicious MTU: %d is less than every link of IPv%d carries", mtu, family)
	case int64(mtu) >= int64(packet):
		return fmt.Sprintf("names a suspicious MTU: %d has room for these packets of %d bytes", mtu, packet)
	}
	return ""
}

// plateau returns the largest usual MTU below the length of a packet (RFC 1191,
// section 7.1).
func plateau(packet int) int {
	for _, mtu := range [...]int{32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296} {
		if mtu < packet {
			return mtu
		}
	}
	return 68
}
