package attach

import (
	"net/netip"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Outside is the end of a world that is everybody beyond the host's interface. Of its stacks nothing is known but their segments: what
// leaves and what arrives there is seen at the host's side of the link, and states are inferred. It is used on the clock's goroutine
// alone.
type Outside struct {
	plan   *Plan
	device *link.Device
	note   func(level event.Level, text string)
	frame  func(sent bool, b []byte)
	uplink *uplink // nil if its state is not replicated
	clock  vclock.Clock
	send   func(at time.Duration, packet []byte, sent link.Sent)
	wake   *wake
	buf    []byte
	states map[event.Tuple]*capture.Inference
	news   []news
	ether  *ether // nil where packets come without frames
	closed bool
	err    error
}

// news is a state that was inferred and not yet told.
type news struct {
	tuple event.Tuple
	state event.State
}

// maxStates bounds the connections whose states are followed; beyond, states are not known.
const maxStates = 1 << 14

// Outside returns the end, which ends before h.
func (h *Host) Outside() *Outside {
	o := &Outside{device: h.device, buf: make([]byte, 1<<17), states: map[event.Tuple]*capture.Inference{}, plan: &h.Plan}
	if h.Mode == Bridge {
		o.ether = newEther(o, &h.Plan)
	}
	return o
}

// Start begins to pass on what comes from outside: send gets each packet with the moment of reading, and note sentences about what is no
// packet of the connection, both on the clock's goroutine; frame gets the frames of a bridge that are of none, and may keep them.
func (o *Outside) Start(clock vclock.Clock, send func(at time.Duration, packet []byte, sent link.Sent), note func(level event.Level, text string),
	frame func(sent bool, b []byte)) (err error) {
	o.clock, o.send, o.note, o.frame = clock, send, note, frame
	if o.wake, err = newWake(o.device.Fd(), func() { clock.At(clock.Now(), func() {}) }); err != nil {
		return err
	}
	if o.plan.Replicate {
		o.uplink, err = o.replicate()
	}
	return err
}

// Deliver implements link.End: the packet enters the host.
func (o *Outside) Deliver(packet []byte) {
	if o.closed {
		return
	}
	if s, ok := readSegment(packet); ok {
		if i := o.inference(event.Tuple{Local: s.Dst, Remote: s.Src}); i != nil {
			o.news = append(o.news, news{event.Tuple{Local: s.Dst, Remote: s.Src}, i.Got(&s)})
		}
	}
	if o.ether != nil {
		o.ether.transmit(packet)
		return
	}
	o.write(packet)
}

// write has a packet or a frame enter the host.
func (o *Outside) write(b []byte) {
	if err := o.device.Write(b); err != nil && o.err == nil {
		o.err = err
	}
}

// Settle passes on what has come from outside since the last call.
func (o *Outside) Settle() {
	for !o.closed && o.clock != nil {
		n, ok, err := o.device.Read(o.buf)
		if err != nil && o.err == nil {
			o.err = err
		}
		if !ok || err != nil {
			break
		}
		at := o.clock.Now()
		packet := append([]byte(nil), o.buf[:n]...)
		if o.ether != nil {
			packet = o.ether.receive(packet)
		} else if ip, err := wire.CheckIPv6(packet); err == nil && ip.Dst() != o.plan.Engine {
			continue // this host speaks of groups to its interface
		}
		if packet == nil {
			continue
		}
		sent := link.Sent{}
		if s, ok := readSegment(packet); ok {
			if i := o.inference(event.Tuple{Local: s.Src, Remote: s.Dst}); i != nil {
				if sent.State = i.Sent(&s); sent.State != event.StateUnknown {
					sent.StateHow = event.Inferred
				}
			}
		}
		o.send(at, packet, sent)
	}
	if o.wake != nil {
		o.wake.ready()
	}
}

// Sample yields the states that were inferred since the last call; there are no variables.
func (o *Outside) Sample(yield func(event.Tuple, event.State, event.Vars)) {
	for _, n := range o.news {
		yield(n.tuple, n.state, event.Vars{})
	}
	o.news = o.news[:0]
}

// Err returns the first error of the interface, nil if there was none.
func (o *Outside) Err() error { return o.err }

// Close ends the end. The interface is Host's.
func (o *Outside) Close() {
	if o.closed {
		return
	}
	o.closed = true
	if o.uplink != nil {
		o.uplink.close()
	}
	if o.wake != nil {
		o.wake.close()
	}
}

// inference is what is known of a connection as that end names it; nil beyond the bound.
func (o *Outside) inference(t event.Tuple) *capture.Inference {
	i := o.states[t]
	if i == nil && len(o.states) < maxStates {
		i = &capture.Inference{}
		o.states[t] = i
	}
	return i
}

// readSegment reads of a packet what states are inferred from.
func readSegment(packet []byte) (s event.Segment, ok bool) {
	src, dst, data, ok := readTCP(packet)
	if !ok {
		return s, false
	}
	tcp, err := wire.CheckTCP(data)
	if err != nil {
		return s, false
	}
	s = event.Segment{Src: netip.AddrPortFrom(src, tcp.SrcPort()), Dst: netip.AddrPortFrom(dst, tcp.DstPort()), Seq: tcp.Seq(), Ack: tcp.Ack(),
		Flags: event.Flags(tcp.Flags()), Len: len(tcp.Payload()), BadSum: !tcp.ChecksumOK(src, dst)}
	return s, true
}

// readTCP returns the segment in a packet that is no fragment, and between whom it goes.
func readTCP(packet []byte) (src, dst netip.Addr, data []byte, ok bool) {
	if ip, err := wire.CheckIPv4(packet); err == nil {
		return ip.Src(), ip.Dst(), ip.Payload(), ip.Protocol() == wire.ProtoTCP && !ip.Truncated() && ip.Offset() == 0 && !ip.MF()
	}
	ip, err := wire.CheckIPv6(packet)
	if err != nil || ip.Truncated() {
		return src, dst, nil, false
	}
	u, err := ip.Upper()
	return ip.Src(), ip.Dst(), u.Data, err == nil && u.Protocol == wire.ProtoTCP && !u.Fragmented
}
