package view

import (
	"io"
	"testing"

	"gnet/stackprobe/event"
)

// BenchmarkPlots draws a run of 100,000 events; beside it stands the same run as JSON.
func BenchmarkPlots(b *testing.B) {
	base := longRun()
	var events []event.Event
	for len(events) < 100_000 {
		for _, e := range base { // one connection after the other, later and later
			e.Conn += len(events) / len(base) % 4
			e.N, e.T = len(events)+1, e.T+int64(len(events)/len(base))*base[len(base)-1].T
			events = append(events, e)
		}
	}
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	}
	b.Run("svg", func(b *testing.B) {
		for b.Loop() {
			v := NewSVG(io.Discard, Options{})
			for i := range events {
				_ = v.Event(&events[i])
			}
			_ = v.Close()
		}
		report(b)
	})
	b.Run("terminal", func(b *testing.B) {
		for b.Loop() {
			v := NewPlot(io.Discard, Options{Width: 120})
			for i := range events {
				_ = v.Event(&events[i])
			}
			_ = v.Close()
		}
		report(b)
	})
	b.Run("json", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			for i := range events {
				buf = event.AppendJSON(buf[:0], &events[i])
			}
		}
		report(b)
	})
}
