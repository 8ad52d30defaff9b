package nstest

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// Responder answers the echo requests to a host in place of its kernel, as
// honestly as its reply function is.
type Responder struct {
	t       Reporter
	six     bool
	in, out int
	reply   func(*Responder, EchoRequest)
	done    chan struct{}
}

// Reporter is a TB that takes the errors of another goroutine.
type Reporter interface {
	TB
	Errorf(format string, args ...any)
}

// EchoRequest is a request as a Responder saw it. Its bytes belong to the one
// who got it.
type EchoRequest struct {
	Src, Dst netip.Addr
	// ID and Seq are identifier and sequence number, as on the wire.
	ID, Seq uint16
	// Packet is the whole packet, ICMP the message in it. A socket gets no IPv6
	// header: that one is made up, with a hop limit of 61.
	Packet, ICMP []byte
}

// Respond makes the host answer echo requests of IPv4, or IPv6 with six, as
// reply says until the returned function is called. reply runs in a goroutine of
// the responder, for one request after the other. The host must not be the
// sender of the requests.
func (h *Host) Respond(t Reporter, six bool, reply func(*Responder, EchoRequest)) (stop func()) {
	t.Helper()
	r := &Responder{t: t, six: six, reply: reply, done: make(chan struct{})}
	ignore := "net/ipv4/icmp_echo_ignore_all"
	if six {
		ignore = "net/ipv6/icmp/echo_ignore_all"
	}
	h.Sysctl(t, ignore, "1")
	h.Do(t, r.open)
	go r.serve()
	return func() {
		unix.Shutdown(r.in, unix.SHUT_RD)
		<-r.done
		unix.Close(r.in)
		unix.Close(r.out)
		h.Sysctl(t, ignore, "0")
	}
}

// responderIdle is how many empty waits of 20 ms end a responder that nobody
// stopped.
const responderIdle = 500

// open opens a socket for requests, and one that takes whole packets.
func (r *Responder) open() (err error) {
	domain, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if r.six {
		domain, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	if r.in, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, proto); err != nil {
		return err
	}
	if r.six {
		if err = unix.SetsockoptInt(r.in, unix.SOL_IPV6, unix.IPV6_RECVPKTINFO, 1); err != nil {
			return err
		}
	}
	if r.out, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
		return err
	}
	return unix.SetsockoptTimeval(r.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000})
}

// serve reads requests until the socket is shut down, which a raw socket says by
// an empty read or an error.
func (r *Responder) serve() {
	defer close(r.done)
	buf, oob := make([]byte, 1<<16), make([]byte, 256)
	for idle := 0; idle < responderIdle; {
		n, oobn, _, from, err := unix.Recvmsg(r.in, buf, oob, 0)
		switch {
		case errors.Is(err, unix.EAGAIN):
			idle++
			continue
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return
		}
		idle = 0
		if q, ok := r.parse(slices.Clone(buf[:n]), oob[:oobn], from); ok {
			r.reply(r, q)
		}
	}
}

// parse returns the request in what the socket gave, if it is one.
func (r *Responder) parse(b, oob []byte, from unix.Sockaddr) (EchoRequest, bool) {
	var q EchoRequest
	want := wire.ICMPv4EchoRequest
	if r.six {
		sa, ok := from.(*unix.SockaddrInet6)
		if !ok {
			return q, false
		}
		q.Src, q.Dst, q.ICMP = netip.AddrFrom16(sa.Addr), destination6(oob), b
		header := wire.IPv6Fields{NextHeader: wire.ProtoICMPv6, HopLimit: 61, Src: q.Src, Dst: q.Dst}
		head, err := header.Append(nil, len(b))
		if err != nil || !q.Dst.IsValid() {
			return q, false
		}
		q.Packet, want = append(head, b...), wire.ICMPv6EchoRequest
	} else {
		ip, err := wire.CheckIPv4(b)
		if err != nil {
			return q, false
		}
		q.Src, q.Dst, q.Packet, q.ICMP = ip.Src(), ip.Dst(), b, ip.Payload()
	}
	if len(q.ICMP) < wire.ICMPHeader || q.ICMP[0] != want {
		return q, false
	}
	q.ID, q.Seq = binary.BigEndian.Uint16(q.ICMP[4:]), binary.BigEndian.Uint16(q.ICMP[6:])
	return q, true
}

// destination6 returns the address in IPV6_PKTINFO.
func destination6(oob []byte) netip.Addr {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.Addr{}
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= 16 {
			return netip.AddrFrom16([16]byte(m.Data))
		}
	}
	return netip.Addr{}
}

// Six reports whether the responder answers requests of IPv6.
func (r *Responder) Six() bool { return r.six }

// Answer returns the honest reply; its checksum is Send's business.
func (q *EchoRequest) Answer() []byte {
	b := slices.Clone(q.ICMP)
	b[0] = wire.ICMPv4EchoReply
	if q.ICMP[0] == wire.ICMPv6EchoRequest {
		b[0] = wire.ICMPv6EchoReply
	}
	return b
}

// Reply sends an ICMP message back from where the request went, with the right
// checksum.
func (r *Responder) Reply(q EchoRequest, icmp []byte) { r.Send(q, q.Dst, icmp, true) }

// Send sends an ICMP message to the sender of q, from any address. With mend the
// checksum is made right.
func (r *Responder) Send(q EchoRequest, src netip.Addr, icmp []byte, mend bool) {
	if mend && len(icmp) >= 4 {
		icmp[2], icmp[3] = 0, 0
		sum := wire.Sum(0)
		if r.six {
			sum = wire.Pseudo(src, q.Src, wire.ProtoICMPv6, len(icmp))
		}
		binary.BigEndian.PutUint16(icmp[2:], sum.Bytes(icmp).Checksum())
	}
	if r.six {
		h := wire.IPv6Fields{NextHeader: wire.ProtoICMPv6, HopLimit: 64, Src: src, Dst: q.Src}
		r.sendBehind(h.Append(nil, len(icmp)))(q.Src, icmp)
		return
	}
	plan, err := wire.PlanIPv4(len(icmp), wire.IPv4MinHeader, responderMTU)
	if err != nil {
		r.t.Errorf("responder: %v", err)
		return
	}
	for i := range plan.Len() {
		f := plan.At(i)
		h := wire.IPv4Fields{ID: q.Seq, TTL: 64, Protocol: wire.ProtoICMP, Src: src, Dst: q.Src, Offset: f.Offset, MF: f.MF}
		r.sendBehind(h.Append(nil, f.Length))(q.Src, icmp[f.Offset:f.Offset+f.Length])
	}
}

// responderMTU is the length above which the packets of Send are fragmented,
// over IPv4.
const responderMTU = 1500

// sendBehind sends data behind a header, if that could be made.
func (r *Responder) sendBehind(header []byte, err error) func(dst netip.Addr, data []byte) {
	return func(dst netip.Addr, data []byte) {
		if err != nil {
			r.t.Errorf("responder: %v", err)
			return
		}
		r.SendPacket(dst, append(header, data...))
	}
}

// SendPacket sends a whole packet towards dst. A packet that the kernel refuses
// fails the test.
func (r *Responder) SendPacket(dst netip.Addr, packet []byte) {
	var to unix.Sockaddr = &unix.SockaddrInet6{Addr: dst.As16()}
	if dst.Is4() {
		to = &unix.SockaddrInet4{Addr: dst.As4()}
	}
	if err := unix.Sendto(r.out, packet, 0, to); err != nil {
		r.t.Errorf("responder: %d bytes to %v: %v", len(packet), dst, err)
	}
}

// Complain answers q with an ICMP error that quotes it, from src: type, code and
// the second word of the message.
func (r *Responder) Complain(q EchoRequest, src netip.Addr, typ, code uint8, rest uint32) {
	if r.six {
		r.Send(q, src, wire.AppendICMPv6(nil, src, q.Src, typ, code, rest, q.Packet[:min(len(q.Packet), 1232)]), false)
		return
	}
	ip, err := wire.CheckIPv4(q.Packet)
	if err != nil {
		r.t.Errorf("responder: %v", err)
		return
	}
	r.Send(q, src, wire.AppendICMPv4(nil, typ, code, rest, q.Packet[:ip.HeaderLen()+8]), false)
}
