package view_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// stormEvents are SYNs of the client on one connection at these times in nanoseconds, each with the timer that sent it, and an
// arrival of each at the server 20 ms later.
func stormEvents(times ...int64) []event.Event {
	var list []event.Event
	for i, t := range times {
		if i > 0 {
			list = append(list, event.Event{T: t, Kind: event.KindTimer, Host: event.Client, Conn: 1, Timer: event.Timer{Kind: event.TimerSyn}})
		}
		list = append(list, event.Event{T: t, Kind: event.KindTx, Host: event.Client, Conn: 1, Seg: event.Segment{ID: i + 1, Flags: event.SYN, Seq: 7, Win: 1}})
	}
	for i, t := range times {
		list = append(list, event.Event{T: t + 20e6, Kind: event.KindRx, Host: event.Server, Conn: 1, Seg: event.Segment{ID: i + 1, Flags: event.SYN, Seq: 7, Win: 1}})
	}
	return list
}

// drawn are the rows about segments and timers.
func drawn(t *testing.T, list []event.Event) []string {
	t.Helper()
	var b strings.Builder
	l := view.NewLadder(&b, view.Options{Width: 70, ASCII: true})
	track := analyze.New()
	for i := range list {
		list[i].N = i + 1
		track.Add(&list[i])
		if err := l.Event(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	rows, _, _ := strings.Cut(b.String(), "\n\n")
	return strings.Split(strings.TrimSpace(rows), "\n")[1:]
}

// TestLadder_foldsStorms: SYNs that no retransmission timer would send so soon are told in one sentence behind the first; those
// of a timer are all drawn.
func TestLadder_foldsStorms(t *testing.T) {
	for name, c := range map[string]struct {
		times []int64
		want  []string
	}{
		"timer": {[]int64{0, 1e9, 3e9}, []string{
			"  0.000   0.020 C->S SYN 0 win 1",
			"  1.000              client: syn timer expired",
			"  1.000   1.020 C->S R SYN 0 win 1 had it",
			"  3.000              client: syn timer expired",
			"  3.000   3.020 C->S R SYN 0 win 1 had it",
		}},
		"storm": {[]int64{0, 1e9, 1e9 + 2e6, 1e9 + 6e6, 1e9 + 14e6, 1e9 + 30e6}, []string{
			"  0.000   0.020 C->S SYN 0 win 1",
			"  1.000              client: syn timer expired",
			"  1.000   1.020 C->S R SYN 0 win 1 had it",
			"  1.002              client: syn timer expired",
			"  1.002   1.022 C->S R SYN 0 win 1 had it",
			"  1.030              client: the SYN again 3 times within 24 ms:",
			"                     netstack's way after a RST in SYN-SENT",
		}},
	} {
		if d := cmp.Diff(c.want, drawn(t, stormEvents(c.times...))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestLadder_injected: a segment that somebody else put on the link says so.
func TestLadder_injected(t *testing.T) {
	list := stormEvents(0)
	for i := range list {
		list[i].Seg.Origin, list[i].Seg.Line = event.Injected, "client> at 0s syn seq raw 7"
	}
	if d := cmp.Diff([]string{"  0.000   0.020 C->S injected SYN 0 win 1"}, drawn(t, list)); d != "" {
		t.Error(d)
	}
}
