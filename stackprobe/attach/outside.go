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
	device *link.Device
	clock  vclock.Clock
	send   func(at time.Duration, packet []byte, sent link.Sent)
	wake   *wake
	buf    []byte
	states map[event.Tuple]*capture.Inference
	news   []news
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
	return &Outside{device: h.device, buf: make([]byte, 1<<16), states: map[event.Tuple]*capture.Inference{}}
}

// Start begins to pass on what comes from outside: send gets each packet with the moment of reading, on the clock's goroutine.
func (o *Outside) Start(clock vclock.Clock, send func(at time.Duration, packet []byte, sent link.Sent)) (err error) {
	o.clock, o.send = clock, send
	o.wake, err = newWake(o.device.Fd(), func() { clock.At(clock.Now(), func() {}) })
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
	if err := o.device.Write(packet); err != nil && o.err == nil {
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
	ip, err := wire.CheckIPv4(packet)
	if err != nil || ip.Protocol() != wire.ProtoTCP || ip.Truncated() || ip.Offset() != 0 || ip.MF() {
		return s, false
	}
	tcp, err := wire.CheckTCP(ip.Payload())
	if err != nil {
		return s, false
	}
	s = event.Segment{Src: netip.AddrPortFrom(ip.Src(), tcp.SrcPort()), Dst: netip.AddrPortFrom(ip.Dst(), tcp.DstPort()), Seq: tcp.Seq(), Ack: tcp.Ack(),
		Flags: event.Flags(tcp.Flags()), Len: len(tcp.Payload()), BadSum: !tcp.ChecksumOK(ip.Src(), ip.Dst())}
	return s, true
}
