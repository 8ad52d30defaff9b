package analyze

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// talk writes the events of one pair of sockets for tests.
type talk struct {
	events []event.Event
	id     int
}

var talkSockets = [3]netip.AddrPort{event.Client: netip.MustParseAddrPort("192.0.2.1:40000"), event.Server: netip.MustParseAddrPort("192.0.2.2:7")}

func (k *talk) add(e event.Event) {
	e.N, e.T, e.Conn = len(k.events)+1, int64(len(k.events)), 1
	k.events = append(k.events, e)
}

// make returns a segment that from sends, seq and ack as in a header.
func (k *talk) make(from event.Host, flags event.Flags, seq, ack uint32, n int) event.Segment {
	k.id++
	return event.Segment{ID: k.id, Src: talkSockets[from], Dst: talkSockets[from.Peer()], Flags: flags, Seq: seq, Ack: ack, Win: 1000, Len: n}
}

func (k *talk) tx(from event.Host, s event.Segment, state event.State) {
	k.add(event.Event{Kind: event.KindTx, Host: from, Seg: s, State: state})
}

func (k *talk) rx(to event.Host, s event.Segment, state event.State) {
	k.add(event.Event{Kind: event.KindRx, Host: to, Seg: s, State: state})
}

func (k *talk) state(h event.Host, s event.State) {
	k.add(event.Event{Kind: event.KindState, Host: h, State: s})
}

// both sends s and has it arrive.
func (k *talk) both(from event.Host, s event.Segment, at, there event.State) {
	k.tx(from, s, at)
	k.rx(from.Peer(), s, there)
}

// story is one line for each change.
func story(events []event.Event) []string {
	var k Knows
	var lines []string
	for i := range events {
		for _, c := range k.Add(&events[i]) {
			line := fmt.Sprintf("%d %s %s %s", events[i].N, c.Host, c.View.Verdict, c.Matter.Words(c.Host, c.View.Value))
			if c.View.Verdict == Sure {
				line += fmt.Sprintf(" (%d)", c.View.Proof.N)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// handshake opens the connection, without the client's ACK if it is lost.
func (k *talk) handshake(ackArrives bool) {
	k.both(cl, k.make(cl, event.SYN, 100, 0, 0), event.SynSent, event.Listening)
	k.both(sv, k.make(sv, event.SYN|event.ACK, 700, 101, 0), event.SynReceived, event.SynSent)
	ack := k.make(cl, event.ACK, 101, 701, 0)
	if k.tx(cl, ack, event.StateEstablished); ackArrives {
		k.rx(sv, ack, event.SynReceived)
	}
}

// TestKnows_story compares what the ends learn in exchanges that no honest pair of stacks has, or not without luck.
func TestKnows_story(t *testing.T) {
	for name, c := range map[string]struct {
		events func(k *talk)
		want   string
	}{
		// A listener cannot tell an old SYN from a new one. Its answer tells: nobody acknowledges it.
		"old duplicate SYN": {func(k *talk) {
			k.rx(sv, k.make(cl, event.SYN, 90, 0, 0), event.Listening)
			k.both(sv, k.make(sv, event.SYN|event.ACK, 700, 91, 0), event.SynReceived, event.Closed)
			k.both(cl, k.make(cl, event.RST, 91, 0, 0), event.StateUnknown, event.SynReceived)
			k.state(sv, event.Listening)
		}, `1 server wrong client-number confirmed
			6 server nothing client-number confirmed`},
		// The same while the client opens a new connection: the answer to the old SYN acknowledges a number that it never sent.
		"old duplicate SYN overtakes": {func(k *talk) {
			k.tx(cl, k.make(cl, event.SYN, 5000, 0, 0), event.SynSent)
			k.rx(sv, k.make(cl, event.SYN, 90, 0, 0), event.Listening)
			k.both(sv, k.make(sv, event.SYN|event.ACK, 700, 91, 0), event.SynReceived, event.SynSent)
			k.both(cl, k.make(cl, event.RST, 91, 0, 0), event.SynSent, event.SynReceived)
			k.state(sv, event.Listening)
			k.both(cl, k.make(cl, event.SYN, 5000, 0, 0), event.SynSent, event.Listening)
			k.both(sv, k.make(sv, event.SYN|event.ACK, 800, 5001, 0), event.SynReceived, event.SynSent)
		}, `2 server wrong client-number confirmed
			7 server nothing client-number confirmed
			9 client unaware client-number confirmed
			9 client unaware client->server open
			9 server assumes client-number confirmed
			11 client knows client-number confirmed (11)
			11 client knows server-number confirmed (11)
			11 client knows client->server open (11)
			11 server unaware server-number confirmed
			11 server unaware ack arrived
			11 server unaware server->client open
			11 server unaware client->server open`},
		// A peer that believes after the SYN alone takes a connection for open that nobody has opened, and stays there.
		"two ways and an old SYN": {func(k *talk) {
			old := k.make(cl, event.SYN, 90, 0, 0)
			old.Origin = event.Injected
			k.both(cl, old, event.StateUnknown, event.Listening)
			k.tx(sv, k.make(sv, event.SYN|event.ACK, 700, 91, 0), event.StateEstablished)
		}, `2 server wrong client-number confirmed
			3 server wrong server-number confirmed
			3 server wrong server->client open
			3 server wrong client->server open`},
		// The same peer with a real SYN is right by luck: it has no proof.
		"two ways": {func(k *talk) {
			k.both(cl, k.make(cl, event.SYN, 100, 0, 0), event.SynSent, event.Listening)
			k.both(sv, k.make(sv, event.SYN|event.ACK, 700, 101, 0), event.StateEstablished, event.SynSent)
		}, `2 client unaware client-number confirmed
			2 client unaware client->server open
			2 server assumes client-number confirmed
			3 server wrong server-number confirmed
			3 server wrong server->client open
			3 server wrong client->server open
			4 client knows client-number confirmed (4)
			4 client knows server-number confirmed (4)
			4 client knows client->server open (4)
			4 client unaware server->client open
			4 server assumes server-number confirmed
			4 server unaware ack arrived
			4 server assumes server->client open
			4 server assumes client->server open`},
		// Each end hears the other's SYN, then that its own has arrived. Neither hears that its SYN,ACK did until data come.
		"simultaneous open": {func(k *talk) {
			one, two := k.make(cl, event.SYN, 100, 0, 0), k.make(sv, event.SYN, 700, 0, 0)
			k.tx(cl, one, event.SynSent)
			k.tx(sv, two, event.SynSent)
			k.rx(sv, one, event.SynSent)
			k.rx(cl, two, event.SynSent)
			both, back := k.make(cl, event.SYN|event.ACK, 100, 701, 0), k.make(sv, event.SYN|event.ACK, 700, 101, 0)
			k.tx(cl, both, event.SynReceived)
			k.tx(sv, back, event.SynReceived)
			k.rx(sv, both, event.SynReceived)
			k.rx(cl, back, event.SynReceived)
			k.both(cl, k.make(cl, event.ACK, 101, 701, 10), event.StateEstablished, event.StateEstablished)
			k.both(sv, k.make(sv, event.ACK, 701, 111, 0), event.StateEstablished, event.StateEstablished)
		}, `3 client unaware client-number confirmed
			3 client unaware client->server open
			3 server assumes client-number confirmed
			4 client assumes server-number confirmed
			4 server unaware server-number confirmed
			4 server unaware server->client open
			7 client unaware ack arrived
			7 client unaware server->client open
			7 server knows server-number confirmed (7)
			7 server knows client-number confirmed (7)
			7 server knows server->client open (7)
			8 client knows client-number confirmed (8)
			8 client knows server-number confirmed (8)
			8 client knows client->server open (8)
			8 server unaware ack arrived
			8 server unaware client->server open
			10 server knows ack arrived (10)
			10 server knows client->server open (10)
			12 client knows ack arrived (12)
			12 client knows server->client open (12)`},
		// The server restarts: what the client knows of it is out of date until its data meet a RST.
		"half-open": {func(k *talk) {
			k.handshake(true)
			k.state(sv, event.Listening)
			k.both(cl, k.make(cl, event.ACK, 101, 701, 10), event.StateEstablished, event.Listening)
			k.both(sv, k.make(sv, event.RST, 701, 0, 0), event.StateUnknown, event.StateEstablished)
			k.state(cl, event.ClosedReset)
		}, `2 client unaware client-number confirmed
			2 client unaware client->server open
			2 server assumes client-number confirmed
			4 client knows client-number confirmed (4)
			4 client knows server-number confirmed (4)
			4 client knows client->server open (4)
			4 server unaware server-number confirmed
			4 server unaware ack arrived
			4 server unaware server->client open
			4 server unaware client->server open
			6 client unaware ack arrived
			6 client unaware server->client open
			6 server knows server-number confirmed (6)
			6 server knows client-number confirmed (6)
			6 server knows ack arrived (6)
			6 server knows server->client open (6)
			6 server knows client->server open (6)
			7 client nothing ack arrived
			7 client unaware client->server closed
			7 client unaware server->client closed
			7 server nothing server-number confirmed
			7 server nothing client-number confirmed
			7 server nothing ack arrived
			7 server nothing server->client open
			7 server nothing client->server open`},
	} {
		t.Run(name, func(t *testing.T) {
			var k talk
			c.events(&k)
			if diff := cmp.Diff(strings.Split(strings.ReplaceAll(c.want, "\t", ""), "\n"), story(k.events)); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

// TestKnows_proofs: an acknowledgment proves only what it can: not one of a SYN that left before the peer's was heard, not a broken
// or an impossible segment, and not an acknowledgment of what was also sent without the news.
func TestKnows_proofs(t *testing.T) {
	for name, c := range map[string]struct {
		events func(k *talk)
		ask    string
		want   bool
	}{
		"the ACK's arrival is not known":   {func(k *talk) { k.handshake(true) }, "client ack arrived", false},
		"nor from an ACK of the SYN again": {func(k *talk) { k.handshake(true); k.both(sv, k.make(sv, event.ACK, 701, 101, 0), 0, 0) }, "client ack arrived", false},
		"but from data":                    {func(k *talk) { k.handshake(true); k.both(sv, k.make(sv, event.ACK, 701, 101, 5), 0, 0) }, "client ack arrived", true},
		"a broken segment proves nothing": {func(k *talk) {
			k.handshake(true)
			s := k.make(sv, event.ACK, 701, 101, 5)
			s.BadSum = true
			k.rx(cl, s, 0)
		}, "client ack arrived", false},
		"nor one beyond the window":                   {func(k *talk) { k.handshake(true); k.both(sv, k.make(sv, event.ACK, 901701, 101, 5), 0, 0) }, "client ack arrived", false},
		"nor one that acknowledges what was not sent": {func(k *talk) { k.handshake(true); k.both(sv, k.make(sv, event.ACK, 701, 999, 5), 0, 0) }, "client ack arrived", false},
		"a lost ACK":                         {func(k *talk) { k.handshake(false) }, "not server client->server open", true},
		"a lost ACK is not known to be lost": {func(k *talk) { k.handshake(false) }, "unaware server server->client open", true},
		"a FIN behind a gap is no end": {func(k *talk) {
			k.handshake(true)
			k.both(sv, k.make(sv, event.FIN|event.ACK, 711, 101, 0), 0, 0)
		}, "client server->client closed", false},
		"and is when the gap is filled": {func(k *talk) {
			k.handshake(true)
			k.both(sv, k.make(sv, event.FIN|event.ACK, 711, 101, 0), 0, 0)
			k.both(sv, k.make(sv, event.ACK, 701, 101, 10), 0, 0)
		}, "client server->client closed", true},
		// The client's FIN left first without the ACK of the server's and was repeated with it: which one came is not known.
		"a FIN repeated with the ACK of the peer's": {func(k *talk) {
			k.handshake(true)
			k.tx(cl, k.make(cl, event.FIN|event.ACK, 101, 701, 0), event.FinWait1)
			k.both(sv, k.make(sv, event.FIN|event.ACK, 701, 101, 0), 0, 0)
			k.tx(cl, k.make(cl, event.FIN|event.ACK, 101, 702, 0), event.Closing)
			k.both(sv, k.make(sv, event.ACK, 702, 102, 0), 0, 0)
		}, "client finack arrived", false},
		"a FIN that brought the ACK of the peer's": {func(k *talk) {
			k.handshake(true)
			k.both(sv, k.make(sv, event.FIN|event.ACK, 701, 101, 0), 0, 0)
			k.both(cl, k.make(cl, event.FIN|event.ACK, 101, 702, 0), event.LastAck, event.FinWait1)
			k.both(sv, k.make(sv, event.ACK, 702, 102, 0), 0, 0)
		}, "client finack arrived", true},
	} {
		t.Run(name, func(t *testing.T) {
			var talk talk
			c.events(&talk)
			var k Knows
			for i := range talk.events {
				k.Add(&talk.events[i])
			}
			q, err := Lookup(strings.Fields(c.ask))
			if err != nil {
				t.Fatal(err)
			}
			if holds, _ := k.Holds(1, q); holds != c.want {
				v, _ := k.Look(1, q.Host, q.Matter)
				t.Errorf("%s: %t, found %+v; %+v", c.ask, holds, v, v.Verdict.String())
			}
		})
	}
}

// TestLookup: every form is read, its words come back, and an error names the word and what could stand there.
func TestLookup(t *testing.T) {
	for text, want := range map[string]Question{
		"server client->server open":            {sv, PeerWrites, Open, Sure},
		"not client client->server open":        {cl, PeerReads, Open, Nothing},
		"unaware client server->client closed":  {cl, PeerWrites, Closed, Unaware},
		"server server->client carries":         {sv, OwnNumber, Yes, Sure},
		"client server-number confirmed":        {cl, PeerNumber, Yes, Sure},
		"wrong server client-number confirmed":  {sv, PeerNumber, Yes, Wrong},
		"assumes server client->server carries": {sv, PeerNumber, Yes, Assumes},
		"client syn arrived":                    {cl, OwnNumber, Yes, Sure},
		"server synack arrived":                 {sv, AckArrived, Yes, Sure},
		"client ack arrived":                    {cl, AckArrived, Yes, Sure},
		"client fin arrived":                    {cl, FinArrived, Yes, Sure},
		"client finack arrived":                 {cl, FinAckArrived, Yes, Sure},
	} {
		got, err := Lookup(strings.Fields(text))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		again, err := Lookup(strings.Fields(want.Host.String() + " " + want.Matter.Words(want.Host, want.Value)))
		if want.Verdict = Sure; err != nil || again != want {
			t.Errorf("%s: the words of its matter are read as %+v, %v", text, again, err)
		}
	}
	for text, want := range map[string]LookupError{
		"":                          {0, "", []string{"not", "unaware", "assumes", "wrong", "client", "server"}},
		"not sever":                 {1, "sever", []string{"client", "server"}},
		"client client->server":     {2, "", []string{"open", "closed", "carries"}},
		"client syn confirmed":      {2, "confirmed", []string{"arrived"}},
		"client client-number ever": {2, "ever", []string{"confirmed"}},
		"client fin arrived twice":  {3, "twice", []string{"nothing more"}},
		"server down":               {1, "down", matterWords()},
	} {
		_, err := Lookup(strings.Fields(text))
		le, ok := errors.AsType[*LookupError](err)
		if !ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, *le); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
