package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestTraced_add: what the kernel's client sent is told from what it counts, and a loss that is noted is counted.
func TestTraced_add(t *testing.T) {
	var r traced
	for _, e := range []event.Event{
		{Kind: event.KindTx, Host: event.Client, T: 1}, {Kind: event.KindTx, Host: event.Server, T: 2}, {Kind: event.KindRx, Host: event.Client, T: 3},
		{Kind: event.KindCounters, Host: event.Client, Counters: []event.Counter{{Name: "TcpInSegs", Value: 9}, {Name: "TcpOutSegs", Value: 5}, {Name: "TcpRetransSegs", Value: 2}}},
		{Kind: event.KindCounters, Host: event.Server, Counters: []event.Counter{{Name: "TcpOutSegs", Value: 100}}},
		{Kind: event.KindNote, Text: "the kernel's queue to the link lost 6 packets that are not in the events"}, {Kind: event.KindNote, Text: "other"},
		{Kind: event.KindEnd, T: 4},
	} {
		r.add(&e)
	}
	if d := cmp.Diff(traced{events: 8, span: 4, sent: 1, counted: 7, dropped: 6}, r, cmp.AllowUnexported(traced{})); d != "" {
		t.Error(d)
	}
	runs := []traced{{wall: 9, span: 1}, {wall: 3, span: 7}, {wall: 5, span: 4}}
	if w, s := middleOf(runs, (*traced).wallTime), middleOf(runs, (*traced).ownTime); w != 5 || s != 4 {
		t.Errorf("medians %d, %d", w, s)
	}
}

func TestMiddleMoved_ofEachFigureByItself(t *testing.T) {
	got := middleMoved([]moved{{3e9, 0.5}, {1e9, 2.25}, {2e9, 1}})
	if want := (moved{2e9, 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAtLeast(t *testing.T) {
	for _, tt := range []struct {
		got, want float64
		text      string
	}{{0.5, 0.5, "0.5"}, {0.49, 0.5, "0.5 (missed)"}, {3, 0.2, "0.2"}} {
		if text := atLeast(tt.got, tt.want); text != tt.text {
			t.Errorf("%v of %v: %q, want %q", tt.got, tt.want, text, tt.text)
		}
	}
}

func TestBitRate(t *testing.T) {
	for bits, want := range map[float64]string{1234: "1.23 kbit/s", 56.78e6: "56.8 Mbit/s", 12.345e9: "12.3 Gbit/s"} {
		if got := bitRate(bits); got != want {
			t.Errorf("%v: %q, want %q", bits, got, want)
		}
	}
}
