package main

import (
	"fmt"
	"net/netip"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// appendICMPError appends the line of an ICMP error or advice.
func (p *pingPrinter) appendICMPError(b []byte, ev *ping.Event) []byte {
	colon := ""
	if ev.Kind == ping.Advice {
		colon = ":" // iputils prints these from another place, with a colon
	}
	b = fmt.Appendf(b, "From %s%s icmp_seq=%d ", p.host(ev.From), colon, uint16(ev.Seq))
	if p.series.Family == probe.IPv4 {
		b = append(b, icmpv4Sentence(ev.Type, ev.Code, ev.Info)...)
	} else {
		b = append(b, icmpv6Sentence(ev.Type, ev.Code, ev.Info)...)
	}
	if b = append(b, '\n'); p.o.Verbose && ev.Kind == ping.Advice && ev.Type == wire.ICMPv4Redirect {
		b = appendHeader(b, ev.Data)
	}
	return b
}

// appendHeader appends the IPv4 header of a packet that a message is about, its
// fields in hexadecimal.
func appendHeader(b, packet []byte) []byte {
	q, err := wire.ParseQuoteIPv4(packet)
	if err != nil {
		return b
	}
	ip := wire.IPv4(packet) // the quotation's header is whole, its length need not be right
	flags := ip[6] >> 5
	b = append(b, "Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst Data\n"...)
	b = fmt.Appendf(b, " %x  %x  %02x %04x %04x   %x %04x  %02x  %02x %04x %v  %v ", ip[0]>>4, ip[0]&15, ip.TOS(), q.TotalLength, q.ID,
		flags, q.Offset/8, q.TTL, q.Protocol, ip.Checksum(), q.Src, q.Dst)
	return append(fmt.Appendf(b, "%x", ip.Options()), '\n')
}

// icmpv4Sentence is what iputils says of an ICMP message.
func icmpv4Sentence(typ, code uint8, info uint32) string {
	switch typ {
	case wire.ICMPv4Unreachable:
		return unreachableSentence(code, info)
	case wire.ICMPv4SourceQuench:
		return "Source Quench"
	case wire.ICMPv4Redirect:
		return redirectSentence(code, info)
	case wire.ICMPv4TimeExceeded:
		switch code {
		case 0:
			return "Time to live exceeded"
		case 1:
			return "Frag reassembly time exceeded"
		}
		return fmt.Sprintf("Time exceeded, Bad Code: %d", code)
	case wire.ICMPv4ParamProblem:
		return fmt.Sprintf("Parameter problem: pointer = %d", pointer(info))
	}
	return fmt.Sprintf("Bad ICMP type: %d", typ)
}

// pointer returns the pointer of a parameter problem: the first byte of the
// word, as the kernel passes it (icmp_unreach, net/ipv4/icmp.c).
func pointer(info uint32) uint32 {
	if info > 0xff {
		return info >> 24
	}
	return info
}

// unreachableSentence is for type 3, whose codes are in the order of IANA's
// registry.
func unreachableSentence(code uint8, info uint32) string {
	sentences := [...]string{
		"Destination Net Unreachable", "Destination Host Unreachable", "Destination Protocol Unreachable",
		"Destination Port Unreachable", "", "Source Route Failed", "Destination Net Unknown",
		"Destination Host Unknown", "Source Host Isolated", "Destination Net Prohibited",
		"Destination Host Prohibited", "Destination Net Unreachable for Type of Service",
		"Destination Host Unreachable for Type of Service", "Packet filtered", "Precedence Violation",
		"Precedence Cutoff",
	}
	switch {
	case code == wire.ICMPv4FragNeeded:
		return fmt.Sprintf("Frag needed and DF set (mtu = %d)", info)
	case int(code) < len(sentences):
		return sentences[code]
	}
	return fmt.Sprintf("Dest Unreachable, Bad Code: %d", code)
}

func redirectSentence(code uint8, info uint32) string {
	sentences := [...]string{"Redirect Network", "Redirect Host", "Redirect Type of Service and Network",
		"Redirect Type of Service and Host"}
	text := fmt.Sprintf("Redirect, Bad Code: %d", code)
	if int(code) < len(sentences) {
		text = sentences[code]
	}
	gateway := netip.AddrFrom4([4]byte{byte(info >> 24), byte(info >> 16), byte(info >> 8), byte(info)})
	return fmt.Sprintf("%s(New nexthop: %v)", text, gateway)
}

// icmpv6Sentence is what iputils says of an ICMPv6 error.
func icmpv6Sentence(typ, code uint8, info uint32) string {
	choose := func(unknown string, sentences ...string) string {
		if int(code) < len(sentences) {
			return sentences[code]
		}
		return fmt.Sprintf(unknown, code)
	}
	switch typ {
	case wire.ICMPv6Unreachable:
		return "Destination unreachable: " + choose("Unknown code %d", "No route", "Administratively prohibited",
			"Beyond scope of source address", "Address unreachable", "Port unreachable")
	case wire.ICMPv6TooBig:
		text := fmt.Sprintf("Packet too big: mtu=%d", info)
		if code != 0 {
			text += fmt.Sprintf(", code=%d", code)
		}
		return text
	case wire.ICMPv6TimeExceeded:
		return "Time exceeded: " + choose("code %d", "Hop limit", "Defragmentation failure")
	case wire.ICMPv6ParamProblem:
		return "Parameter problem: " + choose("code %d", "Wrong header field", "Unknown header", "Unknown option") +
			fmt.Sprintf(" at %d", info)
	}
	return fmt.Sprintf("unknown icmp type: %d", typ)
}
