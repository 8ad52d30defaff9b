package view

import (
	"io"
	"testing"

	"gnet/stackprobe/event"
)

// BenchmarkLadder draws a run of about 400 events; beside it stands the same run as JSON.
func BenchmarkLadder(b *testing.B) {
	events := longRun()
	for name, o := range map[string]Options{"60": {Width: 60}, "80": {Width: 80}, "132": {Width: 132}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l := NewLadder(io.Discard, o)
				for i := range events {
					if err := l.Event(&events[i]); err != nil {
						b.Fatal(err)
					}
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
		})
	}
	b.Run("json", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			for i := range events {
				buf = event.AppendJSON(buf[:0], &events[i])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
}
