package ping

import (
	"net/netip"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// complaint is what an ICMP message says about an echo request that it quotes.
type complaint struct {
	event  Event // Kind, From, Type, Code and Info
	dst    netip.Addr
	quoted echo
}

// readComplaint reads the ICMP messages that the kernel does not put on the error
// queue of a raw IPv4 socket (raw_err, net/ipv4/raw.c, and icmp_unreach): source
// quench, redirect, a reassembly that timed out, unreachable codes beyond 15. ok
// is false for all others.
func readComplaint(m *probe.Message) (c complaint, ok bool) {
	icmp, err := wire.CheckICMPv4(m.Data)
	if err != nil || m.BadChecksum {
		return complaint{}, false
	}
	c.event = Event{Kind: ICMPError, From: m.From, Type: icmp.Type(), Code: icmp.Code()}
	switch {
	case icmp.Type() == wire.ICMPv4SourceQuench:
		c.event.Kind = Advice
	case icmp.Type() == wire.ICMPv4Redirect:
		c.event.Kind, c.event.Data = Advice, m.Data[wire.ICMPHeader:]
		gateway := icmp.Gateway().As4()
		c.event.Info = uint32(gateway[0])<<24 | uint32(gateway[1])<<16 | uint32(gateway[2])<<8 | uint32(gateway[3])
	case icmp.Type() == wire.ICMPv4TimeExceeded && icmp.Code() == 1:
	case icmp.Type() == wire.ICMPv4Unreachable && icmp.Code() > 15:
	default:
		return complaint{}, false // comes through the error queue
	}
	quote, err := icmp.Quote()
	if err != nil {
		return complaint{}, false
	}
	c.dst = quote.Dst
	if _, _, ok = quote.Echo(); !ok {
		return complaint{}, false
	}
	c.quoted, ok = parseEcho(quote.Transport, wire.ICMPv4EchoRequest)
	return c, ok
}
