package stackprobe_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// knowledge writes how what the ends know changes in a run: beside each event that changed something a line for each
// change, with the event that proves it.
func knowledge(events []event.Event) string {
	var k analyze.Knows
	var b strings.Builder
	for i := range events {
		e := &events[i]
		changes := k.Add(e)
		if e.Kind == event.KindTx || e.Kind == event.KindRx || e.Kind == event.KindLost || len(changes) > 0 {
			fmt.Fprintf(&b, "%4d %s\n", e.N, strings.TrimSpace(line(e)))
		}
		for _, c := range changes {
			words := ""
			if c.View.Value != analyze.None {
				words = " " + c.Matter.Words(c.Host, c.View.Value)
			} else {
				words = " " + c.Matter.Words(c.Host, analyze.Yes)
			}
			if c.View.Proof.N != 0 {
				words += fmt.Sprintf(" (from %d)", c.View.Proof.N)
			}
			fmt.Fprintf(&b, "%-16s %-6s %s%s\n", "", c.Host, c.View.Verdict, words)
		}
	}
	return b.String()
}

// TestKnowledge compares what the ends know in the lessons of the handshake and the close.
func TestKnowledge(t *testing.T) {
	for _, l := range []lesson{
		{name: "handshake", client: "role source bytes 0 close fin after 1s", server: "role sink"},
		{name: "synack-lost", faults: []string{"server> drop synack 1"}, client: "role source bytes 0 close fin after 3s", server: "role sink"},
		{name: "final-ack-lost", bytes: 100, faults: []string{"client> drop ack 1"}, client: "role source start 3s", server: "role sink"},
		{name: "last-ack-lost", faults: []string{"client> drop ack 2"}, client: "role source bytes 0", server: "role sink"},
	} {
		t.Run(l.name, func(t *testing.T) {
			events := collect(t, l.config(t))
			compareFile(t, filepath.Join("testdata", "knows", l.name+".txt"), knowledge(events))
		})
	}
}

// TestKnowledge_lessons compares what the ends know in lessons that no honest pair of stacks gives.
func TestKnowledge_lessons(t *testing.T) {
	for _, name := range []string{"old-duplicate-syn", "simultaneous-open", "two-way", "half-open"} {
		t.Run(name, func(t *testing.T) {
			s, err := scenario.Lesson(name)
			if err != nil || s == nil {
				t.Fatalf("%+v, %v", s, err)
			}
			c, err := stackprobe.Prepare(s)
			if err != nil {
				t.Fatal(err)
			}
			compareFile(t, filepath.Join("testdata", "knows", name+".txt"), knowledge(collect(t, c)))
		})
	}
}

// TestKnowledge_laws holds what the ends know in random runs to what the other end's tap shows: nobody knows what is not so,
// each piece of knowledge names the arrival that proves it, none is lost while the connection stands, and an honest
// end goes by nothing that is wrong.
func TestKnowledge_laws(t *testing.T) {
	learnt := 0
	for seed := range int64(150) {
		l := lesson{bytes: 3000, faults: []string{"loss 15%", "dup any 3", "client> reorder by 2 data 1", "delay 5ms jitter 5ms", "corrupt any 6"},
			client: []string{"", "close half", "close reset", "role source"}[seed%4], server: []string{"", "", "", "role source"}[seed%4]}
		c := l.config(t)
		c.Seed, c.Conns = seed+1, 1+int(seed%2)
		learnt += knowledgeLaws(t, seed, collect(t, c))
	}
	if learnt < 1500 {
		t.Errorf("%d pieces of knowledge are too few to say anything", learnt)
	}
}

// side names one end of one connection.
type side struct {
	conn int
	host event.Host
}

// shown is what the taps have shown of one end's sending.
type shown struct {
	syn, fin    bool          // they have arrived at the peer
	ack, finAck bool          // and so have acknowledgments of the peer's
	synLeft     bool          // its SYN has left
	finEnd      int64         // behind its FIN that has left, 0 for none
	got         [1 << 13]bool // its octets that have arrived
	over        bool
}

func knowledgeLaws(t *testing.T, seed int64, events []event.Event) (learnt int) {
	t.Helper()
	var k analyze.Knows
	sides := map[side]*shown{}
	of := func(conn int, h event.Host) *shown {
		s := sides[side{conn, h}]
		if s == nil {
			s = &shown{}
			sides[side{conn, h}] = s
		}
		return s
	}
	held := map[side]map[analyze.Matter]analyze.View{}
	for i := range events {
		e := &events[i]
		watch(of, e)
		for _, c := range k.Add(e) {
			own, peer := of(c.Conn, c.Host), of(c.Conn, c.Host.Peer())
			at := side{c.Conn, c.Host}
			if held[at] == nil {
				held[at] = map[analyze.Matter]analyze.View{}
			}
			before := held[at][c.Matter]
			held[at][c.Matter] = c.View
			if before.Verdict == analyze.Sure && c.View.Verdict != analyze.Sure && c.View.Value != analyze.Closed && !own.over && !peer.over {
				t.Errorf("seed %d, event %d: %v no longer knows %s", seed, e.N, c.Host, c.Matter.Words(c.Host, before.Value))
			}
			if c.View.Verdict == analyze.Wrong {
				t.Errorf("seed %d, event %d: %v believes wrongly: %s", seed, e.N, c.Host, c.Matter.Words(c.Host, c.View.Value))
			}
			if c.View.Verdict != analyze.Sure {
				continue
			}
			learnt++
			if n := c.View.Proof.N; n < 1 || n > e.N || events[n-1].Kind != event.KindRx || events[n-1].Host != c.Host {
				t.Errorf("seed %d, event %d: event %d proves nothing to %v", seed, e.N, n, c.Host)
			}
			if !truth(c, own, peer) {
				t.Errorf("seed %d, event %d: %v knows %s, which is not so", seed, e.N, c.Host, c.Matter.Words(c.Host, c.View.Value))
			}
		}
	}
	return learnt
}

// truth says from the taps alone whether what an end knows is so.
func truth(c analyze.Change, own, peer *shown) bool {
	switch c.Matter {
	case analyze.OwnNumber:
		return own.syn
	case analyze.PeerNumber:
		return peer.synLeft
	case analyze.AckArrived:
		return own.ack
	case analyze.FinArrived:
		return own.fin && own.whole()
	case analyze.FinAckArrived:
		return own.finAck
	case analyze.PeerReads:
		return own.syn && (c.View.Value == analyze.Open || peer.over || own.fin && own.whole())
	case analyze.PeerWrites:
		return peer.synLeft && (c.View.Value == analyze.Open && own.ack || c.View.Value == analyze.Closed && (peer.over || peer.finEnd > 0))
	}
	return false
}

// whole reports whether all octets before the FIN have arrived.
func (s *shown) whole() bool {
	for n := int64(1); n < s.finEnd; n++ {
		if !s.got[n] {
			return false
		}
	}
	return true
}

// watch notes what a tap shows.
func watch(of func(int, event.Host) *shown, e *event.Event) {
	s, d := &e.Seg, &e.Derived
	switch e.Kind {
	case event.KindTx:
		own := of(e.Conn, e.Host)
		own.synLeft = own.synLeft || s.Flags.Has(event.SYN)
		if s.Flags.Has(event.FIN) {
			own.finEnd = d.RelEnd
		}
		own.over = own.over || s.Flags.Has(event.RST)
	case event.KindState:
		own := of(e.Conn, e.Host)
		own.over = own.over || e.State == event.Closed || e.State == event.ClosedReset
	case event.KindRx:
		from, own := of(e.Conn, e.Host.Peer()), of(e.Conn, e.Host)
		if s.BadSum || s.Flags.Has(event.RST) {
			return
		}
		from.syn = from.syn || s.Flags.Has(event.SYN)
		from.fin = from.fin || s.Flags.Has(event.FIN)
		from.ack = from.ack || s.Flags.Has(event.ACK) && d.RelAck >= 1
		from.finAck = from.finAck || own.finEnd > 0 && s.Flags.Has(event.ACK) && d.RelAck >= own.finEnd
		for n := max(d.RelSeq, 0); n < d.RelEnd; n++ {
			from.got[n] = true
		}
	}
}
