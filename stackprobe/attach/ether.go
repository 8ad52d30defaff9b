package attach

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// MAC is an address of Ethernet.
type MAC [6]byte

// String returns the usual form.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// The values of EtherType, and the lengths of a frame's header and of a message of ARP for IPv4 (RFC 826).
const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806

	frameHeader = 14
	arpLen      = 28

	arpRequest = 1
	arpReply   = 2
)

// everybody is the address of a broadcast.
func everybody() MAC { return MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

// ether gives the engine's packets their frames, and takes them off: the engine's Ethernet. It resolves addresses as RFC 826 says.
type ether struct {
	o       *Outside
	mac     MAC
	addr    netip.Addr
	network netip.Prefix
	gateway netip.Addr
	known   map[netip.Addr]MAC
	asked   map[netip.Addr]*question
}

// question is an address that nobody has answered for yet, and the packets that wait for it.
type question struct {
	tries   int
	packets [][]byte
}

// The bounds of a question: RFC 1122 section 2.3.2.1 asks for at most one request a second, and for at least one packet that waits.
const (
	askAgain   = time.Second
	maxAsked   = 3
	maxWaiting = 64
)

// transmit sends a packet to whoever is next on its way.
func (e *ether) transmit(packet []byte) {
	ip, err := wire.CheckIPv4(packet)
	if err != nil {
		return
	}
	next := ip.Dst()
	if !e.network.Contains(next) {
		next = e.gateway
	}
	if mac, ok := e.known[next]; ok {
		e.o.write(frame(mac, e.mac, typeIPv4, packet))
		return
	}
	q := e.asked[next]
	if q == nil {
		q = &question{}
		e.asked[next] = q
		e.ask(next, q)
	}
	if len(q.packets) < maxWaiting {
		q.packets = append(q.packets, packet)
	}
}

// ask asks for an address, again and again until somebody answers or the tries are used up.
func (e *ether) ask(addr netip.Addr, q *question) {
	if q.tries == maxAsked {
		delete(e.asked, addr)
		e.o.note(event.Warning, fmt.Sprintf("ARP: nobody answers for %v; %d packets for it were not sent", addr, len(q.packets)))
		return
	}
	q.tries++
	e.o.write(frame(everybody(), e.mac, typeARP, arp(arpRequest, e.mac, e.addr, MAC{}, addr)))
	e.o.clock.At(e.o.clock.Now()+askAgain, func() {
		if e.asked[addr] == q && !e.o.closed {
			e.ask(addr, q)
		}
	})
}

// receive returns the packet for the engine in a frame, nil if there is none, and answers for the engine's address.
func (e *ether) receive(b []byte) []byte {
	if len(b) < frameHeader || MAC(b[:6]) != e.mac && MAC(b[:6]) != everybody() {
		return nil // a bridge floods what it does not know the port of
	}
	body := b[frameHeader:]
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeARP:
		e.resolve(body)
	case typeIPv4:
		if ip, err := wire.CheckIPv4(body); err == nil && ip.Dst() == e.addr && !ip.Truncated() {
			return body[:binary.BigEndian.Uint16(body[2:])] // short frames are padded
		}
	}
	return nil
}

// resolve takes a message of ARP.
func (e *ether) resolve(b []byte) {
	op, sender, from, to, ok := readARP(b)
	if !ok {
		return
	}
	_, asked := e.asked[from]
	if asked || e.known[from] != (MAC{}) && e.known[from] != sender {
		if !asked {
			e.o.note(event.Warning, fmt.Sprintf("ARP: %v is at %v now, no longer at %v", from, sender, e.known[from]))
		} else {
			e.o.note(event.Info, fmt.Sprintf("ARP: %v is at %v", from, sender))
		}
		e.known[from] = sender
	}
	if from == e.addr {
		e.o.note(event.Warning, fmt.Sprintf("ARP: %v has the engine's address %v too", sender, e.addr))
	}
	if q := e.asked[from]; q != nil {
		delete(e.asked, from)
		for _, p := range q.packets {
			e.o.write(frame(sender, e.mac, typeIPv4, p))
		}
	}
	if op == arpRequest && to == e.addr {
		e.known[from] = sender // whoever asks will be answered
		e.o.write(frame(sender, e.mac, typeARP, arp(arpReply, e.mac, e.addr, sender, from)))
	}
}

// frame makes a frame.
func frame(to, from MAC, typ uint16, body []byte) []byte {
	b := make([]byte, 0, frameHeader+len(body))
	b = append(append(b, to[:]...), from[:]...)
	return append(binary.BigEndian.AppendUint16(b, typ), body...)
}

// arpHead is how every message of ARP for IPv4 over Ethernet begins.
func arpHead() []byte { return []byte{0, 1, 8, 0, 6, 4} }

// arp makes a message; an invalid sender's address is that of a probe (RFC 5227).
func arp(op uint16, mac MAC, addr netip.Addr, toMAC MAC, to netip.Addr) []byte {
	b := binary.BigEndian.AppendUint16(arpHead(), op)
	b = append(b, mac[:]...)
	if addr.IsValid() {
		b = append(b, addr.AsSlice()...)
	} else {
		b = append(b, 0, 0, 0, 0)
	}
	b = append(b, toMAC[:]...)
	return append(b, to.AsSlice()...)
}

// readARP reads a message.
func readARP(b []byte) (op uint16, mac MAC, from, to netip.Addr, ok bool) {
	if len(b) < arpLen || !bytes.Equal(b[:6], arpHead()) {
		return 0, mac, from, to, false
	}
	return binary.BigEndian.Uint16(b[6:]), MAC(b[8:14]), netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28])), true
}
