package stackprobe

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestRecorderOrder: what is stamped earlier than the event before it is moved to that; a call stands where it began; a
// state that a transmission shows stands before it, once.
func TestRecorderOrder(t *testing.T) {
	r := &recorder{clock: event.Mono}
	r.put(&event.Event{T: 10, Kind: event.KindNote, Text: "a"})
	place := r.place()
	tx := event.Event{T: 30, Kind: event.KindTx, Host: event.Client, State: event.SynSent, StateHow: event.Read}
	r.put(&tx)
	r.put(&event.Event{T: 20, Kind: event.KindNote, Text: "late"})
	r.insert(place, &event.Event{T: 5, Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Connect}})
	r.observe(40, event.Client, 0, event.SynSent, event.Vars{})
	r.observe(40, event.Client, 0, event.StateEstablished, event.Vars{Has: event.HasCwnd, Cwnd: 10})
	r.observe(50, event.Client, 0, event.StateEstablished, event.Vars{Has: event.HasCwnd, Cwnd: 10})
	r.insert(r.place(), &event.Event{T: 60, Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Close}})
	type short struct {
		N     int
		T     int64
		Kind  event.Kind
		State event.State
	}
	var got []short
	for _, e := range r.take(nil) {
		got = append(got, short{e.N, e.T, e.Kind, e.State})
		if e.Clock != event.Mono {
			t.Errorf("event %d has clock %v", e.N, e.Clock)
		}
	}
	want := []short{
		{1, 10, event.KindNote, 0}, {2, 10, event.KindApp, 0}, {3, 30, event.KindState, event.SynSent}, {4, 30, event.KindTx, event.SynSent},
		{5, 30, event.KindNote, 0}, {6, 40, event.KindState, event.StateEstablished}, {7, 40, event.KindVars, event.StateEstablished}, {8, 60, event.KindApp, 0},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestRecorderExpiry: an expiry that an end does not tell is concluded from what it repeats, named by what that is, and stands
// before it; one that it tells stands there once.
func TestRecorderExpiry(t *testing.T) {
	r := &recorder{untold: [3]bool{event.Client: true}}
	repeat := func(h event.Host, f event.Flags, attempt int, ev event.Evidence) {
		r.put(&event.Event{T: 1, Kind: event.KindTx, Host: h, Conn: 1, Seg: event.Segment{Flags: f}, Evidence: ev,
			Derived: event.Derived{Numbers: event.Numbers{Attempt: attempt}}})
	}
	repeat(event.Client, event.SYN, 2, event.Expired)
	repeat(event.Client, event.SYN|event.ACK, 2, event.Expired)
	repeat(event.Client, event.ACK, 2, event.Expired)
	repeat(event.Client, event.ACK, 1, event.Expired)
	repeat(event.Client, event.ACK, 3, event.Resending)
	repeat(event.Server, event.ACK, 2, event.Expired)
	r.timer(r.place()-1, &event.Event{T: 1, Kind: event.KindTimer, Host: event.Server, Conn: 1, Timer: event.Timer{Kind: event.RTO, How: event.Read}})
	type short struct {
		N    int
		Host event.Host
		Kind event.Kind
		event.Timer
	}
	var got []short
	for _, e := range r.take(nil) {
		got = append(got, short{e.N, e.Host, e.Kind, e.Timer})
	}
	tx := func(n int, h event.Host) short { return short{N: n, Host: h, Kind: event.KindTx} }
	fired := func(n int, h event.Host, k event.TimerKind, how event.How) short {
		return short{n, h, event.KindTimer, event.Timer{Kind: k, How: how}}
	}
	want := []short{fired(1, event.Client, event.TimerSyn, event.Inferred), tx(2, event.Client), fired(3, event.Client, event.TimerSynAck, event.Inferred),
		tx(4, event.Client), fired(5, event.Client, event.RTO, event.Inferred), tx(6, event.Client), tx(7, event.Client), tx(8, event.Client),
		fired(9, event.Server, event.RTO, event.Read), tx(10, event.Server)}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTap computes an end's variables from a connection whose numbers wrap.
func TestTap(t *testing.T) {
	iss, irs := uint32(1<<32-2), uint32(1<<32-1)
	var p tap
	send := func(f event.Flags, seq, ack uint32, n int, window uint32) {
		s := event.Segment{Flags: f, Seq: seq, Ack: ack, Len: n}
		p.announces(&s, &event.Numbers{Window: window, HasWindow: true})
		p.sends(&s)
	}
	receive := func(f event.Flags, seq, ack uint32, window uint32) {
		p.receives(&event.Segment{Flags: f, Seq: seq, Ack: ack}, &event.Numbers{Window: window, HasWindow: true})
	}
	send(event.SYN, iss, 0, 0, 1000)
	receive(event.SYN|event.ACK, irs, iss+1, 2000)
	send(event.ACK, iss+1, irs+1, 100, 1500)
	send(event.ACK, iss+1, irs+1, 100, 1500)        // again
	receive(event.ACK, irs+1, iss+51, 1900)         // half of it
	receive(event.ACK, irs+1, iss+11, 1900)         // old
	receive(event.ACK, irs+1, iss+500, 1900)        // never sent
	receive(event.RST|event.ACK, irs+1, iss+101, 0) // tells nothing
	want := event.Vars{Has: event.HasISS | event.HasIRS | event.HasUna | event.HasNxt | event.HasWnd | event.HasRcvNxt | event.HasRcvWnd,
		ISS: iss, IRS: irs, Una: iss + 51, Nxt: iss + 101, Wnd: 1900, RcvNxt: irs + 1, RcvWnd: 1500}
	if d := cmp.Diff(want, p.Vars); d != "" {
		t.Error(d)
	}
	read := event.Vars{Has: event.HasCwnd | event.HasWnd, How: event.Read, Cwnd: 10, Wnd: 7}
	p.complete(&read)
	want.Has |= event.HasCwnd
	want.How, want.Cwnd, want.Wnd = event.Read, 10, 7
	want.Computed = want.Has &^ (event.HasCwnd | event.HasWnd)
	if d := cmp.Diff(want, read); d != "" {
		t.Errorf("what the stack tells must stay: %s", d)
	}
}
