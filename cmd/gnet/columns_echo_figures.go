package main

import (
	"time"

	"gnet/internal/render"
	"gnet/ping"
)

// figures makes the columns of ping's figures for rows that have them: the
// summary of one target, and the result of each of many. It returns nil for a
// row that has none.
type figures[R any] func(*R) *ping.Stats

// count is the column of a number.
func (f figures[R]) count(name, doc string, get func(*ping.Stats) int64) render.Column[R] {
	return column(name, render.Int, "", doc, func(r *R, v *render.Value) {
		if s := f(r); s != nil {
			v.Int(get(s))
		}
	})
}

// totals are the columns of the probes and their answers.
func (f figures[R]) totals() []render.Column[R] {
	return []render.Column[R]{
		f.count("transmitted", "Probes that our own kernel took to send.", func(s *ping.Stats) int64 { return s.Transmitted }),
		f.count("not_sent", "Probes that our own kernel refused; they are no loss.", func(s *ping.Stats) int64 { return s.NotSent }),
		f.count("received", "Probes that were answered.", func(s *ping.Stats) int64 { return s.Received }),
		f.count("duplicates", "Further answers to the same probes.", func(s *ping.Stats) int64 { return s.Duplicates }),
	}
}

// flaws are the columns of the answers that were not as they should be.
func (f figures[R]) flaws() []render.Column[R] {
	return []render.Column[R]{
		f.count("truncated", "Answers with less data than the probe.", func(s *ping.Stats) int64 { return s.Truncated }),
		f.count("longer", "Answers with more data than the probe.", func(s *ping.Stats) int64 { return s.Longer }),
		f.count("altered", "Answers with other data than the probe.", func(s *ping.Stats) int64 { return s.Altered }),
		f.count("corrupted", "Answers with a wrong checksum.", func(s *ping.Stats) int64 { return s.Corrupted }),
		f.count("errors", "ICMP errors about probes.", func(s *ping.Stats) int64 { return s.Errors }),
		f.count("foreign", "Echo replies that answered no probe, and ICMP errors that quote other data than was sent.", func(s *ping.Stats) int64 { return s.Foreign }),
		f.count("late", "Answers later than -W allows for; they are among the received.", func(s *ping.Stats) int64 { return s.Late }),
	}
}

// explained is the column of the losses with a known reason.
func (f figures[R]) explained() render.Column[R] {
	return f.count("lost_icmp", "Probes without an answer about which an ICMP error came.", func(s *ping.Stats) int64 { return s.Explained })
}

// loss is the column of the share that was lost.
func (f figures[R]) loss() render.Column[R] {
	return column("loss_percent", render.Float, "", "Share of lost in transmitted; absent when no probe was sent.", func(r *R, v *render.Value) {
		if s := f(r); s != nil {
			if loss, ok := s.Loss(); ok {
				v.Float(loss)
			}
		}
	})
}

// roundTrips are the columns of the times.
func (f figures[R]) roundTrips() []render.Column[R] {
	rtt := func(name, doc string, get func(*ping.Spread) time.Duration) render.Column[R] {
		return column(name, render.Duration, "ns", doc, func(r *R, v *render.Value) {
			if s := f(r); s != nil && s.RTT.N > 0 {
				v.Duration(get(&s.RTT))
			}
		})
	}
	return []render.Column[R]{
		rtt("rtt_min_ns", "Shortest round-trip time.", func(s *ping.Spread) time.Duration { return s.Min }),
		rtt("rtt_avg_ns", "Mean round-trip time.", (*ping.Spread).Average),
		rtt("rtt_max_ns", "Longest round-trip time.", func(s *ping.Spread) time.Duration { return s.Max }),
		rtt("rtt_mdev_ns", "Standard deviation of the round-trip times.", (*ping.Spread).Deviation),
	}
}
