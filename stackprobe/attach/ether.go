package attach

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
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

// frameHeader is the length of a frame's header.
const frameHeader = 14

// everybody is the address of a broadcast.
func everybody() MAC { return MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

// ether gives the engine's packets their frames, and takes them off: the engine's Ethernet. It resolves addresses of IPv4 as RFC 826 says,
// and those of IPv6 as RFC 4861 section 7.2.
type ether struct {
	o       *Outside
	mac     MAC
	addr    netip.Addr
	local   netip.Addr // the link-local address, of IPv6 alone
	network netip.Prefix
	gateway netip.Addr
	known   map[netip.Addr]MAC
	asked   map[netip.Addr]*question
	// strangers counts packets for nobody on this link without a way out of it.
	strangers int
}

// question is an address that nobody has answered for yet, and the packets that wait for it.
type question struct {
	tries   int
	packets [][]byte
	lost    int // those that found no place to wait
}

// The bounds of a question: RFC 1122 section 2.3.2.1 asks for at most one request a second, and for at least one packet that waits; so do
// RFC 4861 sections 7.2.2 and 10.
const (
	askAgain   = time.Second
	maxAsked   = 3
	maxWaiting = 64
)

// newEther returns the Ethernet of a plan.
func newEther(o *Outside, p *Plan) *ether {
	e := &ether{o: o, mac: p.MAC, addr: p.Engine, network: p.Network, gateway: p.Gateway, known: map[netip.Addr]MAC{}, asked: map[netip.Addr]*question{}}
	if p.Engine.Is6() {
		e.local = linkLocal(p.MAC)
	}
	return e
}

// protocol is the name of what resolves addresses here.
func (e *ether) protocol() string {
	if e.addr.Is6() {
		return "NDP"
	}
	return "ARP"
}

// typ is the type of frames with packets.
func (e *ether) typ() uint16 {
	if e.addr.Is6() {
		return typeIPv6
	}
	return typeIPv4
}

// transmit sends a packet to whoever is next on its way.
func (e *ether) transmit(packet []byte) {
	next, ok := destination(packet)
	if !ok {
		return
	}
	if !e.network.Contains(next) {
		to := next
		if next = e.gateway; !next.IsValid() {
			if e.strangers++; e.strangers == 1 {
				e.o.note(event.Warning, fmt.Sprintf("%v is not in %v, and without a gateway nothing is sent there", to, e.network))
			}
			return
		}
	}
	if mac, ok := e.known[next]; ok {
		e.o.write(frame(mac, e.mac, e.typ(), packet))
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
	} else {
		q.lost++
	}
}

// destination is where a packet goes.
func destination(packet []byte) (netip.Addr, bool) {
	if ip, err := wire.CheckIPv4(packet); err == nil {
		return ip.Dst(), true
	}
	ip, err := wire.CheckIPv6(packet)
	if err != nil {
		return netip.Addr{}, false
	}
	return ip.Dst(), true
}

// ask asks for an address, again and again until somebody answers or the tries are used up.
func (e *ether) ask(addr netip.Addr, q *question) {
	if q.tries == maxAsked {
		delete(e.asked, addr)
		e.o.note(event.Warning, fmt.Sprintf("%s: nobody answers for %v; %d packets for it were not sent", e.protocol(), addr, len(q.packets)+q.lost))
		return
	}
	q.tries++
	if addr.Is6() {
		e.say(solicit(e.mac, e.addr, addr))
	} else {
		e.say(frame(everybody(), e.mac, typeARP, arp(arpRequest, e.mac, e.addr, MAC{}, addr)))
	}
	e.o.clock.At(e.o.clock.Now()+askAgain, func() {
		if e.asked[addr] == q && !e.o.closed {
			e.ask(addr, q)
		}
	})
}

// say sends a frame of the engine's Ethernet itself.
func (e *ether) say(b []byte) {
	e.o.frame(true, b)
	e.o.write(b)
}

// receive returns the packet for the engine in a frame, nil if there is none, and answers for the engine's address.
func (e *ether) receive(b []byte) []byte {
	if len(b) < frameHeader || !e.mine(MAC(b[:6])) {
		return nil // a bridge floods what it does not know the port of
	}
	body := b[frameHeader:]
	switch typ := binary.BigEndian.Uint16(b[12:]); {
	case typ == typeARP && e.addr.Is4():
		e.o.frame(false, b)
		e.resolve(body)
	case typ == typeIPv4:
		if ip, err := wire.CheckIPv4(body); err == nil && ip.Dst() == e.addr && !ip.Truncated() {
			return body[:binary.BigEndian.Uint16(body[2:])] // short frames are padded
		}
	case typ == typeIPv6 && e.addr.Is6():
		return e.receive6(b)
	}
	return nil
}

// mine reports whether frames for a MAC address are for the engine.
func (e *ether) mine(m MAC) bool {
	return m == e.mac || m == everybody() || e.addr.Is6() && (m == group(allNodes()) || m == group(solicitedNode(e.addr)) || m == group(solicitedNode(e.local)))
}

// receive6 is receive for IPv6.
func (e *ether) receive6(b []byte) []byte {
	packet := b[frameHeader:]
	ip, err := wire.CheckIPv6(packet)
	if err != nil || ip.Truncated() {
		return nil
	}
	if g, within, v1, ok := readQuery(packet); ok {
		e.o.frame(false, b)
		e.report(g, within, v1)
		return nil
	}
	if ip, m, ok := readNDP(packet); ok {
		if n, ok := readNeighbour(ip, m); ok {
			e.o.frame(false, b)
			e.neighbour(MAC(b[6:12]), &n)
			return nil
		}
	}
	if u, err := ip.Upper(); err == nil && u.Protocol == wire.ProtoICMPv6 && len(u.Data) > 0 && u.Data[0] >= routerSolicitation && u.Data[0] <= 137 {
		e.o.frame(false, b)
		return nil // a router's, or one that is not to be heeded: the engine's stack has no part in it
	}
	if ip.Dst() != e.addr {
		return nil
	}
	return packet[:wire.IPv6Header+ip.PayloadLength()]
}

// report answers who asks for the groups of this link, some time within what he allows, so that not all answer at once.
func (e *ether) report(asked netip.Addr, within time.Duration, v1 bool) {
	var groups []netip.Addr
	for _, a := range []netip.Addr{e.addr, e.local} {
		if g := solicitedNode(a); (asked.IsUnspecified() || asked == g) && (len(groups) == 0 || groups[0] != g) {
			groups = append(groups, g)
		}
	}
	if len(groups) == 0 {
		return
	}
	e.o.clock.At(e.o.clock.Now()+rand.N(max(min(within, 10*time.Second), 1)), func() {
		switch {
		case e.o.closed:
		case v1:
			for _, g := range groups {
				e.say(reportV1(e.mac, e.local, g))
			}
		default:
			e.say(report(e.mac, e.local, isExclude, groups...))
		}
	})
}

// neighbour takes a solicitation or an advertisement, in a frame from that MAC address.
func (e *ether) neighbour(from MAC, n *neighbour) {
	own := n.target == e.addr || n.target == e.local
	switch {
	case n.advert && own:
		e.o.note(event.Warning, fmt.Sprintf("NDP: %v has the engine's address %v too", from, n.target))
	case n.advert && n.mac != MAC{}:
		e.learn(n.target, n.mac, n.override)
	case n.advert || !own:
	case n.src.IsUnspecified():
		e.o.note(event.Warning, fmt.Sprintf("NDP: %v wants the engine's address %v", from, n.target))
		e.say(advertise(e.mac, n.target, MAC{}, n.src)) // it is defended (RFC 4862 section 5.4.3)
	default:
		to := n.mac
		if to == (MAC{}) {
			to = from
		}
		e.learn(n.src, to, true)
		e.known[n.src] = to // whoever asks will be answered
		e.say(advertise(e.mac, n.target, to, n.src))
	}
}

// resolve takes a message of ARP.
func (e *ether) resolve(b []byte) {
	op, sender, from, to, ok := readARP(b)
	if !ok {
		return
	}
	if from == e.addr {
		e.o.note(event.Warning, fmt.Sprintf("ARP: %v has the engine's address %v too", sender, e.addr))
		return
	}
	e.learn(from, sender, true)
	if op == arpRequest && to == e.addr {
		e.known[from] = sender // whoever asks will be answered
		e.say(frame(sender, e.mac, typeARP, arp(arpReply, e.mac, e.addr, sender, from)))
	}
}

// learn takes where an address is, if it was asked for, or known otherwise and that is to be overridden, and sends what waits for it.
func (e *ether) learn(addr netip.Addr, mac MAC, override bool) {
	q, before := e.asked[addr], e.known[addr]
	switch {
	case q != nil:
		e.o.note(event.Info, fmt.Sprintf("%s: %v is at %v", e.protocol(), addr, mac))
	case before == (MAC{}) || before == mac || !override:
		return
	default:
		e.o.note(event.Warning, fmt.Sprintf("%s: %v is at %v now, no longer at %v", e.protocol(), addr, mac, before))
	}
	e.known[addr] = mac
	if q == nil {
		return
	}
	delete(e.asked, addr)
	if q.lost > 0 {
		e.o.note(event.Warning, fmt.Sprintf("%s: %d packets for %v were not sent: more than %d waited for its answer", e.protocol(), q.lost, addr, maxWaiting))
	}
	for _, p := range q.packets {
		e.o.write(frame(mac, e.mac, e.typ(), p))
	}
}

// frame makes a frame.
func frame(to, from MAC, typ uint16, body []byte) []byte {
	b := make([]byte, 0, frameHeader+len(body))
	b = append(append(b, to[:]...), from[:]...)
	return append(binary.BigEndian.AppendUint16(b, typ), body...)
}
