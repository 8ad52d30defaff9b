package stackprobe_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// wiresharkRuns is how many runs Wireshark is asked about.
const wiresharkRuns = 200

// Wireshark sees in the captures of 200 runs with faults what happened in them: each retransmission, duplicate
// acknowledgment, closed window and probe has its flag at the tap where it means something, or is misread in a way that
// package analyze knows by name; and no flag is without a cause. Every misreading that virtual time can bring about is one of
// some run: a name that nothing needs would hide the next mistake.
func TestWireshark_seesWhatHappened(t *testing.T) {
	tshark := nstest.Peer(t, capture.Program)
	asked, err := capture.StartTshark(tshark)
	if err != nil {
		t.Fatal(err)
	}
	misread := make(map[event.Misreading]int)
	packets := 0
	for run := range wiresharkRuns {
		c, about := wiresharkConfig(t, run)
		events := eventsOf(t, c)
		for i, why := range contradictions(events) {
			t.Errorf("run %d (%s), event %d: %s: %s", run, about, events[i].N, why, sightText(&events[i]))
		}
		for tap := event.Client; tap <= event.Server; tap++ {
			var past tapPast
			for i := range events {
				e := &events[i]
				if !passesTap(e, tap) {
					continue
				}
				packets++
				p := []byte(e.Seg.Wire)
				readdress(p, run, tap)
				if e.Derived.Wireshark, err = asked.Ask(&capture.Packet{Time: e.T, Data: p, Length: e.Seg.Size}); err != nil {
					t.Fatal(err)
				}
				analyze.Misread(e)
				misread[e.Derived.Misread]++
				why := atOdds(e)
				if why == "" {
					why = past.unfounded(e)
				}
				if past.add(e); why != "" {
					t.Errorf("run %d (%s), event %d: %s: %s", run, about, e.N, why, sightText(e))
				}
			}
		}
		if t.Failed() {
			break
		}
	}
	if err := asked.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d packets, %v", packets, misread)
	for m := event.LateAsRepeat; m < event.OtherMisreading; m++ {
		if misread[m] == 0 && m != event.InjectedAsSent {
			t.Errorf("no run has %v: a name that nothing needs", m)
		}
	}
}

// wiresharkConfig draws a run as the soak does; some have a slow reader, some are idle for so long that probes are sent.
func wiresharkConfig(t *testing.T, run int) (stackprobe.Config, string) {
	rng := rand.New(rand.NewPCG(uint64(run+1), 0))
	c, faults := soakConfig(t, rng)
	c.World, c.Bytes = stackprobe.Memory, 20000
	switch run % 4 {
	case 1:
		c.Ends[event.Server].ReadStart, c.Ends[event.Server].RcvBuf = 2*time.Second, 8000
	case 2:
		o := &c.Ends[event.Client]
		o.Keepalive, o.KeepaliveEvery, o.Write, o.Pause = 500*time.Millisecond, 300*time.Millisecond, 4000, 3*time.Second
	}
	return c, fmt.Sprintf("seed %d, IPv6 %t, %q", c.Seed, c.IPv6, faults)
}

func eventsOf(t *testing.T, c stackprobe.Config) []event.Event {
	t.Helper()
	var events []event.Event
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

func passesTap(e *event.Event, tap event.Host) bool {
	return e.Host == tap && (e.Kind == event.KindTx || e.Kind == event.KindRx) && e.Seg.Wire != ""
}

// readdress gives the packets of each run and tap addresses of their own, so that one tshark can be asked about all of them.
func readdress(p []byte, run int, tap event.Host) {
	if p[0]>>4 == 4 {
		for _, at := range [...]int{12, 16} {
			p[at], p[at+1] = 10, byte(tap)<<4|p[at+3]&15
			binary.BigEndian.PutUint16(p[at+2:], uint16(run))
		}
		return
	}
	for _, at := range [...]int{8, 24} {
		p[at+8] = byte(tap)
		binary.BigEndian.PutUint16(p[at+10:], uint16(run))
	}
}

// atOdds says what of e Wireshark has not seen, or has seen without a cause, for no reason that is known.
func atOdds(e *event.Event) string {
	d := &e.Derived
	says, tx := d.Wireshark, e.Kind == event.KindTx
	repeats := says & (event.SaysRetransmission | event.SaysFastRetransmission | event.SaysSpuriousRetransmission | event.SaysOutOfOrder)
	window := e.Seg.Win == 0 && e.Seg.Flags&(event.SYN|event.FIN|event.RST) == 0
	switch {
	case d.Misread == event.OtherMisreading:
		return "a difference without a name"
	case d.Misread != 0:
		return ""
	case tx && d.Repeat && repeats == 0:
		return "a retransmission was not seen"
	case !tx && d.DupAck > 0 && says&event.SaysDuplicateAck == 0:
		return "a duplicate acknowledgment was not seen"
	case window && says&event.SaysZeroWindow == 0:
		return "a closed window was not seen"
	case d.Why == event.WindowProbe && says&event.SaysZeroWindowProbe == 0, d.Why == event.Keepalive && says&event.SaysKeepAlive == 0:
		return "a probe was not seen"
	case tx && !d.Repeat && repeats != 0:
		return "a retransmission was seen that is none"
	case says&event.SaysDuplicateAck != 0 && !tx && d.DupAck == 0:
		return "a duplicate acknowledgment was seen that is none"
	case !window && says&event.SaysZeroWindow != 0:
		return "a closed window was seen that is none"
	case says&event.SaysKeepAlive != 0 && d.Why != event.Keepalive:
		return "a keepalive was seen that is none"
	}
	return ""
}

func sightText(e *event.Event) string {
	d := &e.Derived
	return fmt.Sprintf("%v %v %v len %d seq %d ack %d win %d, why %v, attempt %d, copy %t, stale %t, dup %d, gap %v: Wireshark %v, %v", e.Host, e.Kind, e.Seg.Flags, e.Seg.Len, d.RelSeq,
		d.RelAck, d.Window, d.Why, d.Attempt, d.Copy, d.Stale, d.DupAck, d.Gap, d.Wireshark, d.Misread)
}

// tapPast is what has passed a tap, as far as Wireshark's own rules ask for it.
type tapPast struct {
	dirs     [3]dirPast // by event.Host of the sender
	syn, rtt int64
}

// dirPast is about the segments of one sender: the number behind the highest, when that was reached, and the last
// acknowledgment.
type dirPast struct {
	next, at, ack int64
	seen          bool
}

func sender(e *event.Event) event.Host {
	if e.Kind == event.KindTx {
		return e.Host
	}
	return e.Host.Peer()
}

func (p *tapPast) add(e *event.Event) {
	d := &p.dirs[sender(e)]
	switch {
	case e.Seg.Flags.Has(event.SYN) && !e.Seg.Flags.Has(event.ACK) && p.syn == 0:
		p.syn = e.T
	case !e.Seg.Flags.Has(event.SYN) && p.rtt == 0:
		p.rtt = e.T - p.syn
	}
	if e.Derived.RelEnd > d.next || !d.seen {
		d.next, d.at, d.seen = e.Derived.RelEnd, e.T, true
	}
	d.ack = e.Derived.RelAck
}

// unfounded says which misreading does not follow from Wireshark's rule: that a segment is out of order if it comes sooner
// after the highest than a round trip of the handshake takes, or 3 ms, and that a duplicate acknowledgment has the number of the
// one before it, and stands behind all that its sender has sent.
func (p *tapPast) unfounded(e *event.Event) string {
	d := &p.dirs[sender(e)]
	switch e.Derived.Misread {
	case event.RepeatAsLate:
		if late := e.T - d.at; late > max(p.rtt, 3_000_000) {
			return fmt.Sprintf("out of order %d ns behind the highest, a round trip takes %d", late, p.rtt)
		}
	case event.DupOvertaken:
		if d.ack == e.Derived.RelAck && d.next == e.Derived.RelSeq {
			return "it came in order"
		}
	case event.RepeatAsNew:
		if e.Derived.RelSeq < d.next {
			return "octets behind its first one had passed"
		}
	}
	return ""
}

// contradictions lists the events, by their index, whose labels no fault of the run can have caused.
func contradictions(events []event.Event) map[int]string {
	found := make(map[int]string)
	var took, slowed, copied, repeated [3]bool // by the sender of what it was done to
	for i := range events {
		e := &events[i]
		d := &e.Derived
		from := sender(e)
		switch e.Kind {
		case event.KindLost:
			took[e.Host] = true
		case event.KindFault:
			slowed[e.Host] = slowed[e.Host] || e.Fault.Action == event.Delay || e.Fault.Action == event.Reorder
			copied[e.Host] = copied[e.Host] || e.Fault.Action == event.Dup
		case event.KindTx:
			probe := d.Why == event.WindowProbe || d.Why == event.Keepalive
			if d.Repeat && !probe && !slices.Contains(took[:], true) && !slices.Contains(slowed[:], true) {
				found[i] = "a retransmission, and no segment was lost, damaged or late before it"
			}
			repeated[from] = repeated[from] || d.Repeat || probe
		case event.KindRx:
			took[from] = took[from] || e.Seg.BadSum // the receiver drops it
			cause := [...]struct {
				of   event.Host
				what event.Cause
			}{{from, d.Gap}, {from.Peer(), d.DupCause}}
			for _, c := range cause {
				switch {
				case c.what == event.CauseLoss && !took[c.of]:
					found[i] = "cause loss, and no segment of that end was lost or damaged"
				case c.what == event.CauseReordering && !slowed[c.of]:
					found[i] = "cause reordering, and no segment of that end was late"
				case c.what == event.CauseDuplicate && !copied[c.of] && !repeated[c.of]:
					found[i] = "cause duplicate, and no segment of that end was copied or repeated"
				}
			}
			if d.Copy && !copied[from] {
				found[i] = "a copy, and the link made none"
			}
		}
	}
	return found
}
