package stackprobe_test

import (
	"context"
	"testing"

	"gnet/stackprobe"
)

// BenchmarkMemory runs one exchange of 1 MiB each way with a loss in every hundred segments, with all its events and with
// none. "steps" are the events of the run that is recorded, also for the one that is not: both do the same work.
func BenchmarkMemory(b *testing.B) {
	c := config(b, 1<<20, []string{"client> loss 1%"})
	steps := 0
	for range stackprobe.Run(context.Background(), c) {
		steps++
	}
	for _, quiet := range []bool{false, true} {
		name := "recorded"
		if quiet {
			name = "quiet"
		}
		c.Quiet = quiet
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				last := ""
				for e, err := range stackprobe.Run(context.Background(), c) {
					if err != nil {
						b.Fatal(err)
					}
					if e.End != nil {
						last = e.End.Reason
					}
				}
				if last != "" {
					b.Fatal(last)
				}
			}
			b.ReportMetric(float64(steps*b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
