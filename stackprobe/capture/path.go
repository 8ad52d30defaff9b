package capture

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gnet/stackprobe/event"
)

// Path writes the packets of a run of datagrams: two interfaces for each link, one for what leaves on it at each of its ends and
// what arrives there. A packet that the link took stands where it left alone. It holds one packet back, because what the link
// did to it is told after it has left.
type Path struct {
	w    *Writer
	out  io.Writer
	run  *event.Run
	held Packet
	id   int // of the held packet, 0 for none
	err  error
}

// NewPath returns a view that writes to w. It writes as it goes; the caller gives it a buffer.
func NewPath(w io.Writer) *Path { return &Path{out: w} }

// Event takes the next event. The error is that of the writer, or a *MissingError; nothing is written after one.
func (p *Path) Event(e *event.Event) error {
	if p.err == nil {
		p.err = p.event(e)
	}
	return p.err
}

func (p *Path) event(e *event.Event) error {
	switch {
	case e.Kind == event.KindRun && e.Run != nil && e.Run.Path != nil && p.w == nil:
		return p.begin(e.Run)
	case p.w == nil || e.Packet == nil:
		return nil
	}
	switch e.Kind {
	case event.KindTx, event.KindRx:
		return p.packet(e)
	case event.KindFault, event.KindLost:
		if e.Packet.ID == p.id {
			p.held.Comments = append(p.held.Comments, deed(e))
		}
	}
	return nil
}

// Close writes what is held back. It returns the first error of Event, or its own.
func (p *Path) Close() error {
	if p.err != nil || p.w == nil {
		return p.err
	}
	return p.flush()
}

// begin writes the section and the interfaces.
func (p *Path) begin(run *event.Run) (err error) {
	p.run = run
	if p.w, err = NewWriter(p.out, pathSection(run)); err != nil {
		return err
	}
	path := run.Path
	for i := range path.Links {
		for side := range 2 {
			if i+side >= len(path.Nodes) {
				return nil // a stored run whose path is not whole
			}
			n, addr := &path.Nodes[i+side], path.Links[i].Near
			if side == 1 {
				addr = path.Links[i].Far
			}
			tap := &Interface{Name: fmt.Sprintf("link %d at %s", i+1, n.Name), Description: fmt.Sprintf("%s, MTU %d", addr, path.Links[i].MTU), OS: n.Stack, Link: Raw,
				Snap: uint32(max(run.Snap, 0))}
			if _, err := p.w.Interface(tap); err != nil {
				return err
			}
		}
	}
	return nil
}

// packet takes one that left or arrived.
func (p *Path) packet(e *event.Event) error {
	if err := p.flush(); err != nil {
		return err
	}
	k := e.Packet
	tap := 2 * (k.Link - 1)
	if k.Node == k.Link {
		tap++
	}
	if k.Wire == "" {
		return &MissingError{e.N}
	}
	p.held = Packet{Interface: tap, Direction: Outbound, Time: stamp(p.run, e.T), Data: append(p.held.Data[:0], k.Wire...), Length: k.Size, ID: uint64(max(k.ID, 0)),
		Comments: p.held.Comments[:0]}
	if e.Kind == event.KindRx {
		p.held.Direction = Inbound
	}
	p.id = k.ID
	return nil
}

// flush writes the packet that is held back.
func (p *Path) flush() error {
	if p.id == 0 {
		return nil
	}
	p.id = 0
	return p.w.Packet(&p.held)
}

// pathSection says how the run was made.
func pathSection(r *event.Run) *Section {
	mtus := make([]string, 0, len(r.Path.Links))
	for _, l := range r.Path.Links {
		mtus = append(mtus, fmt.Sprint(l.MTU))
	}
	clock := clockText(r)
	s := &Section{Application: strings.TrimSpace("gnet " + r.Version)}
	s.Comments = append(s.Comments, fmt.Sprintf("--link %s --seed %d --size %d --path %s --ttl %d --delay %v; %s", r.World, r.Seed, r.Path.Size,
		strings.Join(mtus, ","), r.Path.TTL, time.Duration(r.DelayClient), clock))
	for _, f := range r.Faults {
		s.Comments = append(s.Comments, "--fault "+strconv.Quote(f))
	}
	return s
}
