package capture

import (
	"fmt"
	"io"

	"gnet/stackprobe/event"
)

// maxMarks bounds the packets on their way of which it is remembered what the link did to them. A run never has so many; of
// a damaged one the rest arrives without such a comment.
const maxMarks = 4096

// Run writes the packets of a run: an interface for what each end transmits and one for what it receives. A packet that the
// link took stands at its sender's interface alone, one that the link copied twice at the receiver's, one that it
// damaged with other octets at each. An ICMP message stands where it arrived. What was injected between the ends stands where it arrived. The comments of a packet
// are what its end knew at that moment. In the world of a bridge a fifth interface has the frames of its Ethernet that are of no connection.
//
// It holds one packet back until the next, because what the link did to it is told after it has left, and remembers what
// was done to the packets on their way, at most maxMarks.
type Run struct {
	w    *Writer
	out  io.Writer
	run  *event.Run
	held Packet
	has  bool // a packet is held back
	id   int  // its Segment.ID
	// copies are the numbers of the copies that the link made of the held packet.
	copies []int
	marks  map[int][]string
	last   int64
	err    error // the first, which Close repeats
	sums   [5]struct{ packets, lost, missing uint64 }
}

// MissingError is a packet of which a run holds no octets.
type MissingError struct{ N int }

// Error names the event.
func (e *MissingError) Error() string {
	return fmt.Sprintf("event %d has no octets of its packet: the run was made with a snap of 0", e.N)
}

// NewRun returns a view that writes to w. It writes as it goes; the caller gives it a buffer.
func NewRun(w io.Writer) *Run { return &Run{out: w, marks: map[int][]string{}} }

// Event takes the next event. The error is that of the writer, or a *MissingError; nothing is written after one.
func (r *Run) Event(e *event.Event) error {
	if r.err == nil {
		r.err = r.event(e)
	}
	return r.err
}

func (r *Run) event(e *event.Event) error {
	if e.Kind == event.KindRun && r.w == nil {
		return r.begin(e.Run)
	}
	if r.w == nil {
		if err := r.begin(&event.Run{}); err != nil {
			return err
		}
	}
	switch e.Kind {
	case event.KindTx, event.KindRx:
		return r.packet(e)
	case event.KindICMP:
		return r.message(e)
	case event.KindFrame:
		return r.frame(e)
	case event.KindFault, event.KindLost:
		r.fault(e)
	case event.KindEnd:
		return r.flush()
	}
	return nil
}

// Close writes what is held back and the sums. It returns the first error of Event, or its own.
func (r *Run) Close() error {
	if r.err != nil || r.w == nil {
		return r.err
	}
	if err := r.flush(); err != nil {
		return err
	}
	for i := range r.w.interfaces {
		s := &r.sums[i]
		var texts []string
		if s.lost > 0 {
			texts = append(texts, fmt.Sprintf("the link took %d of them", s.lost))
		}
		if s.missing > 0 {
			texts = append(texts, fmt.Sprintf("%d ICMP messages are not here: the run holds none of their octets", s.missing))
		}
		if err := r.w.Statistics(i, r.last, s.packets, 0, texts...); err != nil {
			return err
		}
	}
	return nil
}

// side is the index of the interface for what passes an end that way.
func side(h event.Host, d Direction) int {
	i := 0
	if h == event.Server {
		i = 2
	}
	if d == Inbound {
		i++
	}
	return i
}

// begin writes the section and the four interfaces.
func (r *Run) begin(run *event.Run) (err error) {
	r.run = run
	r.w, err = NewWriter(r.out, section(run))
	if err != nil {
		return err
	}
	for _, h := range [...]event.Host{event.Client, event.Server} {
		stack, program := &run.Client, run.Programs[h]
		if h == event.Server {
			stack = &run.Server
		}
		for _, d := range [...]Direction{Outbound, Inbound} {
			if _, err := r.w.Interface(tap(h, d, stack, program, run)); err != nil {
				return err
			}
		}
	}
	if run.World != event.BridgeWorld {
		return nil
	}
	_, err = r.w.Interface(&Interface{Name: "bridge", Description: "what finds neighbours, and is of no connection", Link: Ethernet, Snap: uint32(max(run.Snap, 0))})
	return err
}

// bridged is the interface of a bridge's frames.
const bridged = 4

// frame takes a frame that is of no connection. Of a damaged run, which has them in another world, it is left out.
func (r *Run) frame(e *event.Event) error {
	if err := r.flush(); err != nil || r.w.interfaces <= bridged {
		return err
	}
	if e.Frame.Wire == "" {
		return &MissingError{e.N}
	}
	p := &r.held
	*p = Packet{Interface: bridged, Direction: Inbound, Time: stamp(r.run, e.T), Data: append(p.Data[:0], e.Frame.Wire...), Length: e.Frame.Size, Comments: p.Comments[:0]}
	if e.Frame.Sent {
		p.Direction = Outbound
	}
	r.has, r.id, r.copies = true, 0, r.copies[:0]
	return nil
}

// tap describes an interface.
func tap(h event.Host, d Direction, s *event.Stack, program string, run *event.Run) *Interface {
	i := &Interface{Name: h.String() + " tx", Description: "what the " + h.String() + " transmits", OS: s.Name, Link: Raw, Snap: uint32(max(run.Snap, 0))}
	if d == Inbound {
		i.Name, i.Description = h.String()+" rx", "what arrives at the "+h.String()
	}
	if s.Addr != "" {
		i.Description += ", " + s.Addr
	}
	if run.Start != 0 {
		i.Comments = append(i.Comments, startComment+event.StartText(run.Start))
	}
	if program != "" {
		i.Comments = append(i.Comments, "its application: "+program)
	}
	return i
}

// packet takes a segment that left or arrived.
func (r *Run) packet(e *event.Event) error {
	if err := r.flush(); err != nil {
		return err
	}
	if e.Host != event.Client && e.Host != event.Server {
		return nil
	}
	if e.Kind == event.KindTx && e.Seg.Origin == event.Injected {
		return nil // its end did not send it
	}
	if e.Seg.Wire == "" {
		return &MissingError{e.N}
	}
	p := &r.held
	*p = Packet{Direction: Outbound, Time: stamp(r.run, e.T), Data: append(p.Data[:0], e.Seg.Wire...), Length: e.Seg.Size,
		ID: uint64(max(e.Seg.ID, 0)), Comments: append(p.Comments[:0], about(e)...)}
	if e.Kind == event.KindRx {
		p.Direction = Inbound
		p.Comments = append(p.Comments, r.marks[e.Seg.ID]...)
		delete(r.marks, e.Seg.ID)
	}
	p.Interface = side(e.Host, p.Direction)
	r.has, r.id, r.copies = true, e.Seg.ID, r.copies[:0]
	return nil
}

// message takes an ICMP message that arrived. One of which the run holds no octets, as runs of earlier versions, is counted.
func (r *Run) message(e *event.Event) error {
	if err := r.flush(); err != nil {
		return err
	}
	if e.Host != event.Client && e.Host != event.Server {
		return nil
	}
	at := side(e.Host, Inbound)
	if e.ICMP.Wire == "" {
		r.sums[at].missing++
		return nil
	}
	p := &r.held
	*p = Packet{Interface: at, Direction: Inbound, Time: stamp(r.run, e.T), Data: append(p.Data[:0], e.ICMP.Wire...), Length: e.ICMP.Size,
		Comments: append(p.Comments[:0], aboutMessage(e))}
	r.has, r.id, r.copies = true, 0, r.copies[:0]
	return nil
}

// fault writes on the held packet what a rule did to it, or to the copy that another rule has made of it.
func (r *Run) fault(e *event.Event) {
	f := &e.Fault
	text := deed(e)
	if r.has && r.id != 0 {
		for _, id := range r.copies {
			if id == e.Seg.ID {
				r.held.Comments = append(r.held.Comments, "its copy: "+text)
			}
		}
		if r.id == e.Seg.ID {
			r.held.Comments = append(r.held.Comments, text)
		}
	}
	if e.Kind == event.KindLost {
		delete(r.marks, e.Seg.ID)
		r.sums[side(e.Host, Outbound)].lost++
		return
	}
	r.mark(e.Seg.ID, text)
	if f.Action == event.Dup && f.Copy != 0 {
		r.copies = append(r.copies, f.Copy)
		r.mark(f.Copy, fmt.Sprintf("a copy of %d, made by the link", e.Seg.ID))
	}
}

// mark notes what is to be said of a packet where it arrives.
func (r *Run) mark(id int, text string) {
	if _, known := r.marks[id]; known || len(r.marks) < maxMarks {
		r.marks[id] = append(r.marks[id], text)
	}
}

// flush writes the packet that is held back.
func (r *Run) flush() error {
	if !r.has {
		return nil
	}
	r.has = false
	r.last = max(r.last, r.held.Time)
	r.sums[r.held.Interface].packets++
	return r.w.Packet(&r.held)
}
