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
