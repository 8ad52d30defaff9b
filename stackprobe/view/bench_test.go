package view

import (
	"io"
	"runtime"
	"testing"

	"gnet/stackprobe/event"
)

// longStream yields n events of a transfer that goes on and on, each thousandth segment lost and repeated. It makes each as it is
// asked for, so that what a view keeps is seen in the memory.
func longStream(n int, yield func(*event.Event)) {
	base := longRun()
	var head, round []event.Event
	for i := range base {
		switch e := &base[i]; {
		case e.T < 40*ms || e.Kind == event.KindRun:
			head = append(head, *e)
		case e.Kind == event.KindTx && e.Seg.Len > 0, e.Kind == event.KindRx && e.T < 100*ms, e.Kind == event.KindTx && e.Host == sv && e.T < 100*ms:
			round = append(round, *e)
		}
	}
	for i := range head {
		yield(&head[i])
	}
	var e event.Event
	for i := len(head); i < n; i++ {
		turn := (i - len(head)) / len(round)
		e = round[(i-len(head))%len(round)]
		e.T += int64(turn) * 60 * ms
		e.N = i + 1
		if e.Seg.ID > 0 {
			e.Seg.ID += turn * 100
		}
		e.Derived.RelSeq += int64(turn) * 42600
		e.Derived.RelEnd += int64(turn) * 42600
		e.Derived.RelAck += int64(turn) * 42600
		if e.Kind == event.KindTx && turn%16 == 3 && i%64 == 0 {
			e.Derived.Repeat, e.Derived.Why, e.Derived.WhyHow = true, event.Fast, event.Inferred
		}
		yield(&e)
	}
}

// BenchmarkLadder draws a run of 100,000 events, folded and not; beside it stands the same run as JSON.
func BenchmarkLadder(b *testing.B) {
	const n = 100_000
	perEvent := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
	}
	for name, o := range map[string]Options{
		"60": {Width: 60}, "80": {Width: 80}, "132": {Width: 132}, "explain": {Width: 80, Explain: true},
		"unfold-60": {Width: 60, Unfold: true}, "unfold-80": {Width: 80, Unfold: true}, "unfold-132": {Width: 132, Unfold: true},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l := NewLadder(io.Discard, o)
				longStream(n, func(e *event.Event) {
					if err := l.Event(e); err != nil {
						b.Fatal(err)
					}
				})
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b)
		})
	}
	b.Run("json", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			longStream(n, func(e *event.Event) { buf = event.AppendJSON(buf[:0], e) })
		}
		perEvent(b)
	})
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			longStream(n, func(*event.Event) {})
		}
		perEvent(b)
	})
}

// TestLadder_bounded: what a ladder holds does not grow with the run.
func TestLadder_bounded(t *testing.T) {
	for _, o := range []Options{{Width: 60}, {Width: 80}, {Width: 132}, {Width: 60, Unfold: true}, {Width: 132, Unfold: true}} {
		held := func(n int) int64 {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			l := NewLadder(io.Discard, o)
			longStream(n, func(e *event.Event) {
				if err := l.Event(e); err != nil {
					t.Fatal(err)
				}
			})
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(l)
			return int64(after.HeapAlloc) - int64(before.HeapAlloc)
		}
		short, long := held(10_000), held(100_000)
		if long > 1<<20 || long > short+64<<10 {
			t.Errorf("%+v: 10,000 events hold %d bytes, 100,000 hold %d", o, short, long)
		}
	}
}
