package stackprobe_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestLaws holds every lesson to what is true of any run.
func TestLaws(t *testing.T) {
	for _, l := range lessons {
		t.Run(l.name, func(t *testing.T) { checkLaws(t, collect(t, l.config(t))) })
	}
}

// checkLaws: events are in order and numbered without a gap; the first says how the run was made and the last how it
// ended; each transmission arrives once, one delay later at the soonest, or is lost; checksums are right; the totals are
// those of the events.
func checkLaws(t *testing.T, events []event.Event) {
	t.Helper()
	if events[0].Kind != event.KindRun {
		t.Fatalf("first event is %v", events[0].Kind)
	}
	end := outcome(t, events)
	sent := make(map[int]*event.Event)
	over := make(map[int]event.Kind)
	damaged := make(map[int]bool)
	delay := [3]int64{event.Client: events[0].Run.DelayClient, event.Server: events[0].Run.DelayServer}
	var got [3]event.Totals
	for i := range events {
		e := &events[i]
		if e.N != i+1 || i > 0 && e.T < events[i-1].T || e.Clock != events[0].Run.Clock {
			t.Errorf("event %d at %d has number %d and clock %v", i+1, e.T, e.N, e.Clock)
		}
		switch e.Kind {
		case event.KindTx:
			sent[e.Seg.ID] = e
			got[e.Host].Segments++
			if e.Derived.Attempt > 1 {
				got[e.Host].Retransmitted++
			}
			if e.Seg.BadSum {
				t.Errorf("segment %d has a wrong checksum", e.Seg.ID)
			}
			if e.State == event.StateUnknown {
				t.Errorf("segment %d left in an unknown state", e.Seg.ID)
			}
		case event.KindFault:
			if e.Fault.Copy > 0 {
				sent[e.Fault.Copy] = sent[e.Seg.ID]
			}
			damaged[e.Seg.ID] = damaged[e.Seg.ID] || e.Fault.Action == event.Corrupt
		case event.KindLost, event.KindRx:
			tx := sent[e.Seg.ID]
			switch {
			case tx == nil:
				t.Fatalf("segment %d: %v without tx", e.Seg.ID, e.Kind)
			case over[e.Seg.ID] != 0:
				t.Errorf("segment %d: %v after %v", e.Seg.ID, e.Kind, over[e.Seg.ID])
			case damaged[e.Seg.ID] && e.Kind == event.KindRx:
				if !e.Seg.BadSum {
					t.Errorf("segment %d was damaged and has a right checksum", e.Seg.ID)
				}
			case !sameSegment(tx.Seg, e.Seg):
				t.Errorf("segment %d changed on its way", e.Seg.ID)
			case e.Kind == event.KindRx && (e.Host != tx.Host.Peer() || e.T < tx.T+delay[tx.Host]):
				t.Errorf("segment %d arrived at %v after %v", e.Seg.ID, e.Host, time.Duration(e.T-tx.T))
			}
			over[e.Seg.ID] = e.Kind
			if e.Kind == event.KindLost {
				got[e.Host].Lost++
			}
		case event.KindState:
			if e.From == e.State {
				t.Errorf("change from %v to %v", e.From, e.State)
			}
			got[e.Host].State = e.State
		}
	}
	for id := range sent {
		if over[id] == 0 {
			t.Errorf("segment %d neither arrived nor was lost", id)
		}
	}
	for h, total := range map[event.Host]event.Totals{event.Client: end.Client, event.Server: end.Server} {
		want := event.Totals{State: total.State, Segments: total.Segments, Retransmitted: total.Retransmitted, Lost: total.Lost}
		if d := cmp.Diff(want, got[h]); d != "" {
			t.Errorf("%v: the totals are not those of the events: %s", h, d)
		}
	}
	c, s := &end.Client, &end.Server
	if end.OK && (c.Received != s.Written || s.Received != c.Written || c.ReceivedHash != s.WrittenHash || s.ReceivedHash != c.WrittenHash || !c.Match || !s.Match) {
		t.Errorf("ok, but %+v", end)
	}
}

// sameSegment compares all but the number, which a copy has for itself.
func sameSegment(a, b event.Segment) bool {
	a.ID = b.ID
	return a == b
}

// TestReadVariablesAreThoseOnTheWire compares what is read inside the engine with what the segments at its tap say: both
// roads to SND.UNA, SND.NXT, SND.WND and RCV.NXT must agree whenever the end is at rest.
func TestReadVariablesAreThoseOnTheWire(t *testing.T) {
	type wire struct{ Una, Nxt, Wnd, RcvNxt uint32 }
	var now [3]wire
	checked := 0
	for _, e := range collect(t, config(t, 100_000, []string{"client> drop data 3", "server> drop data 7-8", "server> drop ack 20-30"})) {
		w, d := &now[e.Host], &e.Derived
		switch e.Kind {
		case event.KindTx:
			w.Nxt = max(w.Nxt, uint32(d.RelEnd))
			if d.HasRelAck {
				w.RcvNxt = uint32(d.RelAck)
			}
		case event.KindRx:
			if d.HasRelAck {
				w.Una, w.Wnd = max(w.Una, uint32(d.RelAck)), d.Window
			}
		case event.KindVars:
			v := &e.Vars
			una, nxt, rcvNxt := v.Rel()
			if v.Has&event.HasCwnd != 0 && v.Computed&^(event.HasISS|event.HasIRS|event.HasBackoff) != 0 {
				t.Errorf("event %d: the engine did not tell %v", e.N, v.Computed)
			}
			if d := cmp.Diff(*w, wire{una, nxt, v.Wnd, rcvNxt}); d != "" {
				t.Errorf("event %d at %v: %s", e.N, e.Host, d)
			}
			checked++
		}
	}
	if checked < 50 {
		t.Errorf("only %d samples", checked)
	}
}

func TestConfigErrors(t *testing.T) {
	words := func(client, server string) (ends [3]app.Options) {
		for h, text := range map[event.Host]string{event.Client: client, event.Server: server} {
			o, err := app.ParseOptions(text)
			if err != nil {
				t.Fatal(err)
			}
			ends[h] = o
		}
		return ends
	}
	for want, c := range map[string]stackprobe.Config{
		"bytes -1: want 0 to 1073741824":                                           {Bytes: -1},
		"bytes 1073741825: want 0 to 1073741824":                                   {Bytes: stackprobe.MaxBytes + 1},
		"delay -1ns: want 0s to 1m0s":                                              {Delay: -1},
		"delay 1h0m0s: want 0s to 1m0s":                                            {Delay: time.Hour},
		"delay 2h0m0s: want 0s to 1m0s":                                            {DelayServer: new(2 * time.Hour)},
		"deadline -1ns: want a positive time":                                      {Deadline: -1},
		"mtu 67: want 68 to 65535":                                                 {World: stackprobe.Memory, MTU: 67},
		"mtu 87: want 88 to 65535":                                                 {MTU: 87},
		"mtu 1279: want 1280 to 65535":                                             {MTU: 1279, IPv6: true},
		"snap -2: want 0 to 65535":                                                 {Snap: -2},
		"connections 1001: want 1 to 1000":                                         {Conns: 1001},
		"client kernel: want engine: in memory there is no kernel":                 {World: stackprobe.Memory, Client: stackprobe.Kernel},
		`fault "mtu 1000": want an mtu from 1280: every link takes that with IPv6`: {IPv6: true, Faults: rules(t, "mtu 1000")},
		"roles exchange and source: want the peer of exchange to be echo":          {Ends: words("", "role source")},
		"roles exchange and sink: want the peer of exchange to be echo":            {Ends: words("", "role sink")},
		"roles echo and echo: want one end that sends":                             {Ends: words("role echo", "")},
		"roles sink and sink: want one end that sends":                             {Ends: words("role sink", "role sink")},
		"roles sink and echo: want one end that sends":                             {Ends: words("role sink", "role echo")},
	} {
		for e, err := range stackprobe.Run(context.Background(), c) {
			if _, ok := errors.AsType[*stackprobe.ConfigError](err); !ok || e != nil || err.Error() != want {
				t.Errorf("%v, %v, want %s", e, err, want)
			}
		}
	}
}

func TestDeadline(t *testing.T) {
	c := config(t, 100, []string{"client> drop data"})
	c.Deadline = 3 * time.Second
	end := outcome(t, collect(t, c))
	if end.OK || end.Reason != "not finished after 3s" {
		t.Errorf("%+v", end)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last event.Event
	var got error
	for e, err := range stackprobe.Run(ctx, config(t, 3000, nil)) {
		if err != nil {
			got = err
			continue
		}
		last = *e
		if e.N == 10 {
			cancel()
		}
	}
	if !errors.Is(got, context.Canceled) || last.Kind != event.KindEnd || last.End.Reason != "interrupted" {
		t.Errorf("%v, %v", got, last.Kind)
	}
}

// TestNothingIsLeftInTheProcess: after runs that ended, failed, were broken off and cancelled, no goroutine is left.
func TestNothingIsLeftInTheProcess(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		collect(t, config(t, 3000, nil))
		collect(t, config(t, 100, []string{"drop"}))
		for e := range stackprobe.Run(context.Background(), config(t, 3000, nil)) {
			if e.N == 20 {
				break
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for range stackprobe.Run(ctx, config(t, 3000, nil)) {
		}
	}
	expectGoroutines(t, before)
}

// expectGoroutines waits until no more goroutines run than before: those that have ended are counted for a moment.
func expectGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
}

// TestRandomFaults holds runs with faults of every kind in any combination to the laws: they end by themselves, and what
// they call delivered is delivered.
func TestRandomFaults(t *testing.T) {
	rng := rand.New(rand.NewSource(7))
	pick := func(words ...string) string { return words[rng.Intn(len(words))] }
	delivered := 0
	for i := range 150 {
		var faults []string
		for range 1 + rng.Intn(3) {
			list := pick("", strconv.Itoa(1+rng.Intn(9)), fmt.Sprintf("%d-%d", 1+rng.Intn(4), 4+rng.Intn(9)), fmt.Sprintf("first %d", 1+rng.Intn(4)))
			faults = append(faults, pick("client> ", "server> ", "")+"drop "+pick("syn", "synack", "ack", "data", "fin", "rst", "any")+" "+list)
		}
		c := config(t, rng.Intn(40_000), faults)
		c.Seed, c.Delay = int64(i), time.Duration(rng.Intn(100))*time.Millisecond
		t.Run(fmt.Sprintf("%d %d %v %v", i, c.Bytes, c.Delay, faults), func(t *testing.T) {
			events := collect(t, c)
			checkLaws(t, events)
			end := outcome(t, events)
			if end.OK {
				delivered++
			} else if end.Reason == "" {
				t.Error("failed without a reason")
			}
		})
	}
	if delivered < 50 {
		t.Errorf("only %d runs delivered", delivered)
	}
}
