package main

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// seenPacket is one packet of ICMP as the wire had it.
type seenPacket struct {
	At       time.Time
	Src, Dst netip.Addr
	// ID is the identification that fragments share; Length that of the packet,
	// Header that of all before Piece's data.
	ID             uint32
	Length, Header int
	Piece          wire.Fragment
	DF             bool
	TTL            uint8
	// Type, Code, EchoID and Seq are those of the ICMP message, in its first packet;
	// MTU and Quote those of an error.
	Type, Code  uint8
	EchoID, Seq uint16
	MTU         uint32
	Quote       wire.Quote
	isError     bool
	six         bool
}

// isFragment reports whether the packet is a part of a datagram.
func (p *seenPacket) isFragment() bool { return p.Piece.MF || p.Piece.Offset > 0 }

// isTimeout reports whether a host says that it has given up a datagram for want
// of a fragment (RFC 792, code 1; RFC 4443, section 3.3).
func (p *seenPacket) isTimeout() bool {
	if p.six {
		return p.isError && p.Type == wire.ICMPv6TimeExceeded && p.Code == 1
	}
	return p.isError && p.Type == wire.ICMPv4TimeExceeded && p.Code == 1
}

// parseSeen reads the first bytes of a packet from its IP header on; ok is false
// when it is none of ICMP, or cut too short.
func parseSeen(f probe.Family, b []byte) (p seenPacket, ok bool) {
	var message []byte
	if f == probe.IPv6 {
		message, ok = p.readIPv6(b)
	} else {
		message, ok = p.readIPv4(b)
	}
	if !ok || p.Piece.Length < 0 {
		return seenPacket{}, false
	}
	if p.Piece.Offset > 0 {
		return p, true
	}
	if len(message) < wire.ICMPHeader {
		return seenPacket{}, false
	}
	p.Type, p.Code = message[0], message[1]
	p.EchoID, p.Seq = binary.BigEndian.Uint16(message[4:]), binary.BigEndian.Uint16(message[6:])
	return p, p.readError(message)
}

func (p *seenPacket) readIPv4(b []byte) (message []byte, ok bool) {
	h, err := wire.CheckIPv4(b)
	if err != nil || h.Protocol() != wire.ProtoICMP {
		return nil, false
	}
	p.Src, p.Dst, p.ID, p.TTL, p.DF = h.Src(), h.Dst(), uint32(h.ID()), h.TTL(), h.DF()
	p.Length, p.Header = h.TotalLength(), h.HeaderLen()
	p.Piece = wire.Fragment{Offset: h.Offset(), Length: p.Length - p.Header, MF: h.MF()}
	return h.Payload(), true
}

func (p *seenPacket) readIPv6(b []byte) (message []byte, ok bool) {
	h, err := wire.CheckIPv6(b)
	if err != nil {
		return nil, false
	}
	u, err := h.Upper()
	if err != nil || u.Protocol != wire.ProtoICMPv6 {
		return nil, false
	}
	p.six, p.Src, p.Dst, p.ID, p.TTL = true, h.Src(), h.Dst(), u.ID, h.HopLimit()
	p.Length = wire.IPv6Header + h.PayloadLength()
	p.Header = wire.IPv6Header + len(h.Payload()) - len(u.Data)
	p.Piece = wire.Fragment{Offset: u.Offset, Length: p.Length - p.Header, MF: u.MF}
	return u.Data, true
}

// readError reads what an ICMP error quotes. It is false when that cannot be read;
// other messages need nothing.
func (p *seenPacket) readError(message []byte) bool {
	info := binary.BigEndian.Uint32(message[4:])
	var err error
	switch {
	case p.six && p.Type < 128: // RFC 4443, section 2.1
		p.isError, p.MTU = true, info
		p.Quote, err = wire.ParseQuoteIPv6(message[wire.ICMPHeader:])
	case !p.six && (p.Type == wire.ICMPv4Unreachable || p.Type == wire.ICMPv4TimeExceeded || p.Type == wire.ICMPv4ParamProblem):
		p.isError, p.MTU = true, info&0xffff
		p.Quote, err = wire.ParseQuoteIPv4(message[wire.ICMPHeader:])
	}
	return err == nil
}

// seenDatagram is an echo request or its reply, as far as it was seen.
type seenDatagram struct {
	Reply   bool
	Seq     uint16
	packets []seenPacket // in the order of the wire
	covered int          // bytes
	length  int          // of the message; -1 before the last fragment
	plan    *explainPlan
}

func (d *seenDatagram) add(p *seenPacket) {
	again := false
	for i := range d.packets {
		again = again || d.packets[i].Piece == p.Piece
	}
	d.packets = append(d.packets, *p)
	if again {
		return
	}
	d.covered += p.Piece.Length
	if !p.Piece.MF {
		d.length = p.Piece.Offset + p.Piece.Length
	}
}

// whole reports whether all of it was seen.
func (d *seenDatagram) whole() bool { return d.covered == d.length }

// matches reports whether packet i is as it was planned.
func (d *seenDatagram) matches(i int) bool {
	p := d.plan
	return p != nil && i < len(p.pieces) && d.packets[i].Piece == p.pieces[i] && d.packets[i].DF == p.df &&
		d.packets[i].Length == p.headers(len(p.pieces))+p.pieces[i].Length
}

// asPlanned reports whether all packets are, and no more and no fewer.
func (d *seenDatagram) asPlanned() bool {
	if d.plan == nil || len(d.packets) != len(d.plan.pieces) {
		return false
	}
	for i := range d.packets {
		if !d.matches(i) {
			return false
		}
	}
	return true
}

// wireKey is what the fragments of a datagram share.
type wireKey struct {
	src netip.Addr
	id  uint32
}

const (
	// maxIncomplete bounds the datagrams that are kept for what may be missing,
	// maxStrays the fragments whose first has not come.
	maxIncomplete = 256
	maxStrays     = 2048
)

// wireWatch picks what belongs to a run out of what passes a device. Its methods
// may be called from two goroutines.
type wireWatch struct {
	packets  *probe.Packets
	family   probe.Family
	id       uint16
	us, them netip.Addr

	mu         sync.Mutex
	datagrams  []*seenDatagram // that were not taken, in order of their first packets
	fragments  map[wireKey]*seenDatagram
	complaints []*seenPacket
	strays     []seenPacket
	lostStrays int
	replied    map[uint16]bool
	givenUp    map[uint16]bool
}

func openWireWatch(series *pingSeries, device int, us netip.Addr) (*wireWatch, error) {
	them := series.Target.WithZone("")
	us = us.WithZone("")
	packets, err := probe.OpenPackets(series.Family, device, us, them)
	if err != nil {
		return nil, err
	}
	return newWireWatch(packets, series.Family, series.ID, us, them), nil
}

func newWireWatch(packets *probe.Packets, f probe.Family, id uint16, us, them netip.Addr) *wireWatch {
	return &wireWatch{packets: packets, family: f, id: id, us: us, them: them, fragments: make(map[wireKey]*seenDatagram),
		replied: make(map[uint16]bool), givenUp: make(map[uint16]bool)}
}

// receive takes in what waits.
func (w *wireWatch) receive() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		raw, err := w.packets.Next()
		if raw == nil || err != nil {
			return err
		}
		if p, ok := parseSeen(w.family, raw.Data); ok {
			p.At = raw.At
			w.see(&p)
		}
	}
}

// see takes in a packet.
func (w *wireWatch) see(p *seenPacket) {
	if p.isError {
		w.complain(p)
		return
	}
	request, reply := wire.ICMPv4EchoRequest, wire.ICMPv4EchoReply
	if p.six {
		request, reply = wire.ICMPv6EchoRequest, wire.ICMPv6EchoReply
	}
	key := wireKey{p.Src, p.ID}
	switch {
	case p.Piece.Offset > 0:
		switch d, known := w.fragments[key]; {
		case d != nil:
			d.add(p)
			w.note(d)
		case known || p.Src != w.them: // of another ping; what we send begins with its first fragment
		case len(w.strays) < maxStrays:
			w.strays = append(w.strays, *p)
		default:
			w.lostStrays++
		}
	case p.EchoID != w.id || p.Type != request && p.Type != reply:
		if p.isFragment() {
			w.fragments[key] = nil
			w.adopt(key, nil)
		}
	case p.Type == request && p.Dst != w.them || p.Type == reply && p.Src != w.them:
	default:
		w.begin(p, key, p.Type == reply)
	}
}

// begin takes in the first packet of a message. Another copy of it, from a network
// that duplicates, begins no new one; another message may have the same
// identification, of which there are 65536.
func (w *wireWatch) begin(p *seenPacket, key wireKey, reply bool) {
	if d := w.fragments[key]; d != nil && p.isFragment() && d.Seq == p.Seq && d.Reply == reply {
		d.add(p)
		return
	}
	d := &seenDatagram{Reply: reply, Seq: p.Seq, length: -1}
	d.add(p)
	w.datagrams = append(w.datagrams, d)
	if p.isFragment() {
		w.fragments[key] = d
		w.adopt(key, d)
	}
	w.note(d)
}

// adopt gives the fragments that came before their first to d, or to nobody.
func (w *wireWatch) adopt(key wireKey, d *seenDatagram) {
	w.strays = slices.DeleteFunc(w.strays, func(s seenPacket) bool {
		ours := s.Src == key.src && s.ID == key.id
		if ours && d != nil {
			d.add(&s)
		}
		return ours
	})
}

// note remembers which probes were answered.
func (w *wireWatch) note(d *seenDatagram) {
	if d.Reply && d.whole() {
		w.replied[d.Seq] = true
	}
}

// complain takes in an ICMP error, if it is about one of our packets.
func (w *wireWatch) complain(p *seenPacket) {
	id, seq, ok := p.Quote.Echo()
	if d := w.fragments[wireKey{p.Quote.Src, p.Quote.ID}]; !ok && d != nil && !d.Reply {
		id, seq, ok = w.id, d.Seq, true
	}
	if !ok || id != w.id || p.Quote.Dst != w.them {
		return
	}
	p.Seq = seq
	if p.isTimeout() {
		w.givenUp[seq] = true
	}
	w.complaints = append(w.complaints, p)
}

// take returns what is complete, and with rest what is not.
func (w *wireWatch) take(rest bool) (datagrams []*seenDatagram, complaints []*seenPacket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var kept []*seenDatagram
	for i, d := range w.datagrams {
		if !rest && !d.whole() && i >= len(w.datagrams)-maxIncomplete {
			kept = append(kept, d)
			continue
		}
		datagrams = append(datagrams, d)
		if p := &d.packets[0]; p.isFragment() && d.Reply {
			delete(w.fragments, wireKey{p.Src, p.ID})
		}
	}
	complaints, w.complaints, w.datagrams = w.complaints, nil, kept
	if len(w.fragments) > 4*maxIncomplete {
		clear(w.fragments) // the requests of a long run, kept for complaints about them
	}
	return datagrams, complaints
}

// settled is the number of probes about which nothing more will come.
func (w *wireWatch) settled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.replied)
	for seq := range w.givenUp {
		if !w.replied[seq] {
			n++
		}
	}
	return n
}

// timeouts is the number of those that the host gave up.
func (w *wireWatch) timeouts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.givenUp)
}

// answered reports whether anything has come back.
func (w *wireWatch) answered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.replied) > 0 || len(w.givenUp) > 0 || len(w.complaints) > 0
}

// strayCount is the number of fragments of the host that no first one has claimed.
func (w *wireWatch) strayCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.strays) + w.lostStrays
}
