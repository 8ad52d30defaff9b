package kernelside

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestTimed: what two looks at a connection's timer tell of the time between them.
func TestTimed(t *testing.T) {
	const ms = time.Millisecond
	armed := func(kind event.TimerKind, at time.Duration) event.Timer {
		return event.Timer{Kind: kind, Op: event.Armed, At: int64(at), How: event.Read}
	}
	for _, tt := range []struct {
		name      string
		old       timer
		gone, rst bool
		now       time.Duration
		kind      event.TimerKind
		at        time.Duration
		want      []event.Timer
	}{
		{"the first", timer{}, false, false, 5 * ms, event.RTO, 205 * ms, []event.Timer{armed(event.RTO, 205*ms)}},
		{"the same, cut", timer{kind: event.RTO, at: 205 * ms}, false, false, 9 * ms, event.RTO, 200 * ms, nil},
		{"begun anew", timer{kind: event.RTO, at: 205 * ms}, false, false, 50 * ms, event.RTO, 250 * ms, []event.Timer{armed(event.RTO, 250*ms)}},
		{"due, and the kernel late", timer{kind: event.TimerSynAck, at: 205 * ms}, false, false, 300 * ms, event.TimerSynAck, 300 * ms, nil},
		{"stopped before its time", timer{kind: event.TimerSynAck, at: 205 * ms}, false, false, 100 * ms, 0, 0,
			[]event.Timer{{Kind: event.TimerSynAck, Op: event.Stopped, How: event.Inferred}}},
		{"accepted when it was due", timer{kind: event.TimerSynAck, at: 205 * ms}, false, false, 210 * ms, 0, 0, nil},
		{"given up", timer{kind: event.TimerSynAck, at: 205 * ms}, true, false, 210 * ms, 0, 0,
			[]event.Timer{{Kind: event.TimerSynAck, Op: event.Fired, At: int64(205 * ms), How: event.Inferred}}},
		{"reset when it was due", timer{kind: event.TimerSynAck, at: 205 * ms}, true, true, 210 * ms, 0, 0, nil},
		{"another after it", timer{kind: event.TimerFinWait2, at: 205 * ms}, false, false, 210 * ms, event.TimerTimeWait, 900 * ms,
			[]event.Timer{{Kind: event.TimerFinWait2, Op: event.Fired, At: int64(205 * ms), How: event.Inferred}, armed(event.TimerTimeWait, 900*ms)}},
	} {
		c := &connection{gone: tt.gone, rst: tt.rst, timer: tt.old}
		var got []event.Timer
		c.timed(tt.now, tt.kind, tt.at, event.Read, func(e event.Timer) { got = append(got, e) })
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}
