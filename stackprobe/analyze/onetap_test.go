package analyze

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// Of a capture of one tap nobody knows what had arrived: what a run would say of it is left out, and the rest stays.
func TestTracker_oneTap(t *testing.T) {
	d1, d2, again := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 201, 100, 1), seg(4, event.ACK, 1, 100, 1)
	events := []event.Event{tx(0, cl, d1), rx(0, sv, d1), tx(1, cl, d2), rx(1, sv, d2), tx(2, sv, seg(3, event.ACK, 1, 0, 101)), rx(2, cl, seg(3, event.ACK, 1, 0, 101)),
		tx(3, sv, seg(5, event.ACK, 1, 0, 101)), rx(3, cl, seg(5, event.ACK, 1, 0, 101)), tx(4, cl, again), rx(4, sv, again)}
	type known struct {
		Repeat, Spurious, Stale bool
		Gap, Cause              event.Cause
		DupAck                  int
	}
	for world, want := range map[string][]known{
		"memory":       {{}, {}, {}, {Gap: event.CauseReordering}, {}, {}, {Cause: event.CauseReordering}, {DupAck: 1, Cause: event.CauseReordering}, {Repeat: true, Spurious: true}, {Stale: true}},
		event.TapWorld: {{}, {}, {}, {}, {}, {}, {}, {DupAck: 1}, {Repeat: true}, {}},
	} {
		track := opened()
		run := event.Event{Kind: event.KindRun, Run: &event.Run{World: world}}
		track.Add(&run)
		var got []known
		for _, d := range follow(track, events...) {
			got = append(got, known{d.Repeat, d.Spurious, d.Stale, d.Gap, d.DupCause, d.DupAck})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", world, diff)
		}
	}
}

// TestTracker_outside: of an end outside nobody knows what has arrived there, nor when its segments left it and where they are; what the
// other end has is known all the same.
func TestTracker_outside(t *testing.T) {
	d1, d2, again := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 201, 100, 1), seg(4, event.ACK, 1, 100, 1)
	events := []event.Event{tx(0, cl, d1), rx(0, sv, d1), tx(1, cl, d2), rx(1, sv, d2), tx(2, sv, seg(3, event.ACK, 1, 0, 101)), rx(2, cl, seg(3, event.ACK, 1, 0, 101)),
		tx(3, sv, seg(5, event.ACK, 1, 0, 101)), rx(3, cl, seg(5, event.ACK, 1, 0, 101)), tx(4, cl, again), rx(4, sv, again),
		tx(5, sv, seg(6, event.ACK, 1, 0, 101)), rx(5, cl, seg(6, event.ACK, 1, 0, 101))}
	type known struct {
		Repeat, Spurious, Stale bool
		Gap, Cause              event.Cause
		DupAck                  int
	}
	ours := event.Stack{Name: "gvisor"}
	for name, c := range map[string]struct {
		run  event.Run
		want []known
	}{
		"both are ours": {event.Run{World: "memory", Client: ours, Server: ours}, []known{{}, {}, {}, {Gap: event.CauseReordering}, {}, {}, {Cause: event.CauseReordering},
			{DupAck: 1, Cause: event.CauseReordering}, {Repeat: true, Spurious: true}, {Stale: true}, {Cause: event.CauseDuplicate}, {DupAck: 2, Cause: event.CauseDuplicate}}},
		"the server is not": {event.Run{World: "nat", Client: ours, Server: event.Stack{Name: event.NotOurs}},
			[]known{{}, {}, {}, {}, {}, {}, {}, {DupAck: 1}, {Repeat: true}, {}, {}, {DupAck: 2}}},
		"the client is not": {event.Run{World: "bridge", Client: event.Stack{Name: event.NotOurs}, Server: ours},
			[]known{{}, {}, {}, {}, {}, {}, {}, {DupAck: 1}, {Repeat: true}, {Stale: true}, {Cause: event.CauseDuplicate}, {DupAck: 2, Cause: event.CauseDuplicate}}},
	} {
		track := opened()
		track.Add(&event.Event{Kind: event.KindRun, Run: &c.run})
		var got []known
		for _, d := range follow(track, events...) {
			got = append(got, known{d.Repeat, d.Spurious, d.Stale, d.Gap, d.DupCause, d.DupAck})
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestFigures_outside: octets that are sent to an end outside again are counted there once.
func TestFigures_outside(t *testing.T) {
	d1, again := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 1, 100, 1)
	f := figuresOf(append([]event.Event{{Kind: event.KindRun, Run: &event.Run{World: "nat", Server: event.Stack{Name: event.NotOurs}}}},
		on(1, tx(0, cl, seg(8, event.SYN, 0, 0, 0)), rx(0, sv, seg(8, event.SYN, 0, 0, 0)), tx(0, cl, d1), rx(0, sv, d1), tx(1, cl, again), rx(1, sv, again))...)...)
	conns, _ := f.Connections()
	got := [...]int64{conns[0].Ends[sv].Fresh, int64(conns[0].Ends[cl].Repeats), int64(conns[0].Ends[cl].Spurious)}
	if want := [...]int64{100, 1, 0}; got != want {
		t.Errorf("octets, repeats and needless ones: %v, want %v", got, want)
	}
}
