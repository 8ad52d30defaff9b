package stackprobe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestWatchingMovesNothing: a run of which everything is recorded and one of which nothing is are the same run, to the
// nanosecond and the last counter, whatever repairs the losses.
func TestWatchingMovesNothing(t *testing.T) {
	type last struct {
		T        int64
		Counters [3][]event.Counter
		End      event.End
	}
	for _, socket := range []app.Socket{{}, {RACK: app.On}, {SACK: app.Off}, {Congestion: "cubic"}} {
		c := config(t, 200_000, []string{"client> loss 2%", "server> drop ack 3-5"})
		c.Ends[event.Client].Socket, c.Ends[event.Server].Socket = socket, socket
		var runs [2]last
		for i := range runs {
			c.Quiet = i == 1
			for e, err := range stackprobe.Run(t.Context(), c) {
				if err != nil {
					t.Fatal(err)
				}
				switch e.Kind {
				case event.KindCounters:
					runs[i].Counters[e.Host] = e.Counters
				case event.KindEnd:
					runs[i].T, runs[i].End = e.T, *e.End
				}
			}
		}
		if d := cmp.Diff(runs[0], runs[1]); d != "" {
			t.Errorf("%+v: %s", socket, d)
		}
		if !runs[0].End.OK || len(runs[0].Counters[event.Client]) == 0 {
			t.Errorf("%+v: %+v", socket, runs[0])
		}
	}
}
