package capture

import (
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strings"
	"time"

	"gnet/stackprobe/event"
)

// maxPairs bounds the pairs of sockets whose client is remembered, and the connections whose states are followed. Beyond, a client
// is told by its port, and states are not known.
const maxPairs = 1 << 14

// Replay reads a capture as the events of a run. A capture of one tap has each segment once: that moment stands for its
// departure and its arrival. One that Run has written has both ends, each with the moments of its own. The states are inferred
// from the segments; nothing is known of what only the stacks know.
type Replay struct {
	r       *Reader
	yield   func(*event.Event, error) bool
	e       event.Event
	begun   bool
	both    bool   // of Run
	device  string // of a live capture, "" for a file
	first   int64  // the time of the first packet
	n, id   int
	late    int // packets that stand behind later ones
	other   int // packets that are neither TCP segments that can be read nor messages about them
	flows   event.Flows
	clients map[pair]netip.AddrPort
	states  map[int]*[3]inferred // by connection, then by event.Host
}

// pair names two sockets, the lower one first.
type pair struct{ a, b netip.AddrPort }

// NewReplay returns a replay of the capture r.
func NewReplay(r io.Reader) *Replay {
	return &Replay{r: NewReader(r), clients: map[pair]netip.AddrPort{}, states: map[int]*[3]inferred{}}
}

// Events returns the events in the order of the file. The pointer is valid until the next step. A nil event with a *PacketError
// is one packet that cannot be read; any other error is the last.
func (v *Replay) Events() iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		v.yield = yield
		for p, err := range v.r.Packets() {
			if err == nil {
				err = v.packet(p)
				if err == errStop {
					return
				}
			}
			if err != nil && !yield(nil, err) {
				return
			}
		}
		v.end()
	}
}

// put yields an event at the moment t of the host.
func (v *Replay) put(t int64, kind event.Kind, host event.Host, conn int) error {
	v.n++
	v.e.T, v.e.N, v.e.Kind, v.e.Host, v.e.Conn = t, v.n, kind, host, conn
	if !v.yield(&v.e, nil) {
		return errStop
	}
	return nil
}

// packet takes a packet.
func (v *Replay) packet(p *Packet) error {
	ip, _, err := p.IP()
	if err != nil {
		return err
	}
	var s event.Segment
	if !segment(ip, &s) {
		known, err := v.message(p, ip)
		if !known {
			v.other++
		}
		return err
	}
	host, direction := ownTap(p)
	if !v.begun {
		if err := v.begin(p, &s, host != event.None); err != nil {
			return err
		}
	}
	if err := v.follow(p); err != nil {
		return err
	}
	t := v.moment(p)
	if v.both && host != event.None {
		return v.own(p, &s, t, host, direction)
	}
	v.id++
	s.ID = v.id
	// A sender's own capture is made before its device writes the checksum; a file does not tell.
	s.BadSum = s.BadSum && p.Judged && !p.Partial
	return v.passed(&s, t)
}

// setBack is how far back in time a packet of a live capture shows that the time of day was set: no kernel holds packets for so long.
const setBack = time.Second

// follow has the times of a live capture go on where the time of day was set back. Those of the packets are on that clock, and would all
// stand still until it is again what it was; of a file nobody knows whose clocks its packets have.
func (v *Replay) follow(p *Packet) error {
	back := v.e.T - (p.Time - v.first)
	if v.device == "" || back <= int64(setBack) {
		return nil
	}
	v.first -= back
	v.e = event.Event{T: v.e.T, Level: event.Warning,
		Text: fmt.Sprintf("the time of day was set back, by at least %v: times go on from the packet before", time.Duration(back).Round(time.Millisecond))}
	return v.put(v.e.T, event.KindNote, event.None, 0)
}

// moment is the time of p since the start, not before the last.
func (v *Replay) moment(p *Packet) int64 {
	t := p.Time - v.first
	if last := v.e.T; t < last {
		v.late++
		return last
	}
	return t
}

// begins is the moment at which the run began that p is of, as Run has written it; 0 if that is not there.
func begins(p *Packet) int64 {
	for _, c := range p.At.Comments {
		if text, ok := strings.CutPrefix(c, startComment); ok {
			ns, _ := event.ParseStart(text)
			return ns
		}
	}
	return 0
}

// begin yields the first event.
func (v *Replay) begin(p *Packet, s *event.Segment, both bool) error {
	v.begun, v.both = true, both
	run := &event.Run{World: event.TapWorld, IPv6: s.Src.Addr().Is6(), Snap: int(p.At.Snap)}
	if both {
		run.World = event.CaptureWorld
		run.Why = "both ends, as gnet has captured them; the states are inferred"
		v.first = begins(p)
	} else {
		v.first = p.Time
		sums := "checksums are not judged"
		if v.device != "" {
			sums = "checksums are judged where the segment has one already"
		}
		run.Why = "seen from one tap: when a segment passed it stands for its departure and its arrival, the states are inferred, " + sums + "; begins at " +
			time.Unix(0, p.Time).UTC().Format("2006-01-02T15:04:05.000000000Z")
		if v.device != "" {
			run.Why = "captured on " + v.device + ", " + run.Why
		}
	}
	run.Start = v.first
	from := v.from(s)
	run.Client.Addr, run.Server.Addr = s.Src.Addr().String(), s.Dst.Addr().String()
	if from == event.Server {
		run.Client.Addr, run.Server.Addr = run.Server.Addr, run.Client.Addr
	}
	v.e = event.Event{Run: run}
	return v.put(0, event.KindRun, event.None, 0)
}

// passed yields the events of a segment that passed the only tap.
func (v *Replay) passed(s *event.Segment, t int64) error {
	from := v.from(s)
	conn := v.flows.Place(from, s)
	v.flows.Departs(conn, from, s)
	if err := v.departs(s, t, from, conn); err != nil {
		return err
	}
	return v.arrives(s, t, from.Peer(), conn)
}

// own yields those of a segment at one of the interfaces that Run writes.
func (v *Replay) own(p *Packet, s *event.Segment, t int64, host event.Host, d Direction) error {
	s.ID = int(min(p.ID, 1<<62))
	from := host
	if d == Inbound {
		from = host.Peer()
	}
	conn := v.flows.Place(from, s)
	if d == Inbound {
		for _, c := range p.Comments {
			if line, ok := strings.CutPrefix(c, "injected by "); ok {
				s.Origin, s.Line = event.Injected, line
			}
		}
		return v.arrives(s, t, host, conn)
	}
	v.flows.Departs(conn, from, s)
	if err := v.departs(s, t, host, conn); err != nil {
		return err
	}
	for _, c := range p.Comments {
		if rule, ok := strings.CutPrefix(c, lostComment); ok {
			v.e = event.Event{Seg: *s, Rule: rule, Fault: event.Fault{Rule: rule}}
			return v.put(t, event.KindLost, host, conn)
		}
	}
	return nil
}

// ownTap says whose interface p was seen at, and which way, if its name is one of those that Run writes.
func ownTap(p *Packet) (event.Host, Direction) {
	for h := event.Client; h <= event.Server; h++ {
		switch p.At.Name {
		case h.String() + " tx":
			return h, Outbound
		case h.String() + " rx":
			return h, Inbound
		}
	}
	return event.None, Unknown
}

func pairOf(s *event.Segment) pair {
	if s.Dst.Compare(s.Src) < 0 {
		return pair{s.Dst, s.Src}
	}
	return pair{s.Src, s.Dst}
}

// from says which end sent s: the client is the one that sent the SYN, or, where that was not seen, the one with the higher port.
func (v *Replay) from(s *event.Segment) event.Host {
	k := pairOf(s)
	client, known := v.clients[k]
	if !known {
		client = s.Src
		server := s.Flags.Has(event.SYN | event.ACK)
		if !s.Flags.Has(event.SYN) {
			server = s.Src.Port() < s.Dst.Port()
		}
		if server {
			client = s.Dst
		}
		if len(v.clients) < maxPairs {
			v.clients[k] = client
		}
	}
	if s.Src == client {
		return event.Client
	}
	return event.Server
}

// end says what of the file is not in the events.
func (v *Replay) end() {
	skipped := 0
	if v.r != nil {
		skipped = v.r.Skipped()
	}
	for _, note := range [...]struct {
		n    int
		text string
	}{{v.other, "packets are no TCP segments that can be read"}, {v.late, "packets stand behind later ones; their times are taken as those of the ones before them"},
		{skipped, "blocks are of sorts that are not read here"}} {
		if note.n > 0 {
			v.e = event.Event{T: v.e.T, Level: event.Warning, Text: fmt.Sprintf("%d %s", note.n, note.text)}
			if v.put(v.e.T, event.KindNote, event.None, 0) != nil {
				return
			}
		}
	}
}
