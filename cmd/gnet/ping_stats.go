package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnet/ping"
)

// percentiles are those that --stats prints, with their keys in machine formats.
func percentiles() []struct {
	share     float64
	name, key string
} {
	return []struct {
		share     float64
		name, key string
	}{{0.5, "p50", "rtt_p50_ns"}, {0.9, "p90", "rtt_p90_ns"}, {0.95, "p95", "rtt_p95_ns"}, {0.99, "p99", "rtt_p99_ns"},
		{0.999, "p99.9", "rtt_p999_ns"}}
}

// timeSources are all ways to measure a round trip, the best first.
func timeSources() []ping.TimeSource {
	return []ping.TimeSource{ping.Device, ping.KernelKernel, ping.UserKernel, ping.UserUser, ping.ClockStepped}
}

// appendDistribution appends what --stats says behind the summary.
func appendDistribution(b []byte, s *ping.Stats, d *ping.Distribution) []byte {
	if d.Count() > 0 {
		b = appendPercentiles(b, d)
		b = appendSources(b, d)
	}
	b = appendLosses(b, s, d)
	return appendHistogram(b, d)
}

func appendPercentiles(b []byte, d *ping.Distribution) []byte {
	var names, values []string
	for _, p := range percentiles() {
		rtt, _ := d.Quantile(p.share)
		names, values = append(names, p.name), append(values, threeDigits(rtt))
	}
	b = fmt.Appendf(b, "rtt %s = %s ms\n", strings.Join(names, "/"), strings.Join(values, "/"))
	if jitter, ok := d.Jitter(); ok {
		b = fmt.Appendf(b, "rtt jitter = %s ms\n", threeDigits(jitter))
	}
	return b
}

// appendSources says how many times each way of measuring was used.
func appendSources(b []byte, d *ping.Distribution) []byte {
	words := map[ping.TimeSource]string{
		ping.Device: "by the network device", ping.KernelKernel: "by the kernel, out and in", ping.UserKernel: "by the kernel, in only",
		ping.UserUser: "by this program", ping.ClockStepped: "by this program, as the time of day was set",
	}
	var parts []string
	for _, source := range timeSources() {
		if n := d.Source(source).N; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, words[source]))
		}
	}
	return fmt.Appendf(b, "rtt measured: %s\n", strings.Join(parts, ", "))
}

func appendLosses(b []byte, s *ping.Stats, d *ping.Distribution) []byte {
	b = fmt.Appendf(b, "lost %d", s.Lost())
	if runs, longest := d.LossRuns(); runs > 0 {
		b = fmt.Appendf(b, ", runs %d, longest %d", runs, longest)
	}
	if s.Explained > 0 {
		b = fmt.Appendf(b, ", with an ICMP error %d", s.Explained)
	}
	if s.Late > 0 {
		b = fmt.Appendf(b, ", answered late %d", s.Late)
	}
	return append(b, '\n')
}

const (
	// histogramRows and histogramWidth bound the picture.
	histogramRows, histogramWidth = 20, 40
	// finest is how many parts an octave has at most in the picture.
	finest = 16
)

// appendHistogram appends a line for each step of time, as fine as there is room
// for, and one for each doubling at least.
func appendHistogram(b []byte, d *ping.Distribution) []byte {
	rows := spreadRows(d, histogramRows)
	most := int64(0)
	for _, r := range rows {
		most = max(most, r.Count)
	}
	for _, r := range rows {
		bar := (r.Count*histogramWidth + most - 1) / most // nothing is drawn of nothing alone
		line := fmt.Sprintf("%8s to %8s ms %9d %s", threeDigits(r.From), threeDigits(r.To), r.Count, strings.Repeat("#", int(bar)))
		b = append(append(b, strings.TrimRight(line, " ")...), '\n')
	}
	return b
}

// threeDigits returns a time in milliseconds with three digits that count.
func threeDigits(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	decimals := 2
	if ms > 0 {
		decimals = max(0, 2-int(math.Floor(math.Log10(ms))))
	}
	return strconv.FormatFloat(ms, 'f', decimals, 64)
}

// spreadRows are the steps of a histogram of at most n rows, as fine as there is room for, and one for each doubling at least.
func spreadRows(d *ping.Distribution, n int) (rows []ping.Bucket) {
	for parts := finest; parts >= 1; parts /= 2 {
		if rows = slices.Collect(d.Histogram(parts)); len(rows) <= n {
			break
		}
	}
	return rows
}
