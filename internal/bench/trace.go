package main

import (
	"context"
	"fmt"
	"time"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// The limits of what the laboratory may cost.
const (
	// recordedAtLeast is the share of the pace without recording that virtual time keeps with all state recorded,
	// tunAtLeast that of the goodput over TUN, bulkAtLeast the share of iperf3's goodput that --bulk has.
	recordedAtLeast, tunAtLeast, bulkAtLeast = 0.5, 0.2, 0.5
	// handshakeAtMost is what a handshake in memory may take, in starts of a Go program.
	handshakeAtMost = 12
)

// trace measures what recording costs, how fast the two stacks are without it, and the shortest run.
func (l *lab) trace() {
	l.virtualTime()
	l.tunGoodput()
	l.bulk()
	l.handshake()
}

// atLeast is what a figure was to be at least, and whether it is.
func atLeast(got, want float64) string {
	if got >= want {
		return fmt.Sprint(want)
	}
	return fmt.Sprintf("%v (missed)", want)
}

// traced is what came of one run of the laboratory.
type traced struct {
	events int
	// wall is the time from before the run to its end, span that between its first and its last moment on its own clock.
	wall, span time.Duration
	// sent counts the segments that the kernel's client transmitted by the events, counted by the kernel itself.
	sent, counted int
	// dropped is how many packets the link's queue lost by the run's own note.
	dropped int
}

// runTraced runs the laboratory in this process.
func (l *lab) runTraced(c stackprobe.Config) traced {
	var r traced
	begin := time.Now()
	for e, err := range stackprobe.Run(context.Background(), c) {
		l.must(err)
		r.add(e)
		if e.End != nil && !e.End.OK {
			l.Fatalf("a run of the laboratory failed: %s", e.End.Reason)
		}
	}
	r.wall = time.Since(begin)
	return r
}

// add counts one event.
func (r *traced) add(e *event.Event) {
	r.events++
	r.span = time.Duration(e.T)
	switch {
	case e.Kind == event.KindTx && e.Host == event.Client:
		r.sent++
	case e.Kind == event.KindCounters && e.Host == event.Client:
		for _, c := range e.Counters {
			if c.Name == "TcpOutSegs" || c.Name == "TcpRetransSegs" {
				r.counted += int(c.Value)
			}
		}
	case e.Kind == event.KindNote:
		var n int
		if k, _ := fmt.Sscanf(e.Text, "the kernel's queue to the link lost %d packets", &n); k == 1 {
			r.dropped += n
		}
	}
}

// pairs runs c with and without recording in turn.
func (l *lab) pairs(c stackprobe.Config, rounds int) (recorded, quiet []traced) {
	for range rounds {
		for _, c.Quiet = range []bool{false, true} {
			r := l.runTraced(c)
			if c.Quiet {
				quiet = append(quiet, r)
			} else {
				recorded = append(recorded, r)
			}
		}
	}
	return recorded, quiet
}

// middleOf is the median of one figure.
func middleOf(runs []traced, figure func(*traced) time.Duration) time.Duration {
	var all []time.Duration
	for i := range runs {
		all = append(all, figure(&runs[i]))
	}
	return middle(all)
}

// virtualTime measures the events per second of two engines that lose a segment in a hundred. The run without recording takes the
// same steps, so it has as many events that nobody sees.
func (l *lab) virtualTime() {
	rule, err := link.ParseRule("client> loss 1%")
	l.must(err)
	c := stackprobe.Config{World: stackprobe.Memory, Bytes: l.virtualBytes, Seed: 1, Delay: stackprobe.DefaultDelay, Faults: []link.Rule{rule}}
	recorded, quiet := l.pairs(c, l.rounds)
	with, without := middleOf(recorded, (*traced).wallTime), middleOf(quiet, (*traced).wallTime)
	n := float64(recorded[0].events)
	ratio := without.Seconds() / with.Seconds()
	l.print("\nTwo engines in virtual time, events a second with all state recorded, and of the same run without:\n")
	l.heading("| what | events | recorded | not recorded | ratio | at least |")
	l.print("| `trace tcp --link memory`, %s bytes each way, 1 %% lost | %s | %.0f | %.0f | %.2f | %s |\n", thousands(c.Bytes), thousands(recorded[0].events),
		n/with.Seconds(), n/without.Seconds(), ratio, atLeast(ratio, recordedAtLeast))
}

func (r *traced) wallTime() time.Duration { return r.wall }
func (r *traced) ownTime() time.Duration  { return r.span }

// tunGoodput measures what the kernel's client and the engine's server move over TUN, one segment in one packet, with all events
// and with none, in each direction.
func (l *lab) tunGoodput() {
	l.print("\nKernel and engine over TUN, MTU 1500, no delay, with all events and with none; what the kernel counts as sent is in the events or\ncounted as lost:\n")
	l.heading("| what | recorded | not recorded | ratio | at least | kernel sent | events of that | counted as lost | missing |")
	for from := event.Client; from <= event.Server; from++ {
		c := stackprobe.Config{World: stackprobe.Tun, Bytes: l.tunBytes, Seed: 1, Deadline: 5 * time.Minute}
		c.Ends[from].Role, c.Ends[from.Peer()].Role = app.RoleSource, app.RoleSink
		recorded, quiet := l.pairs(c, l.slowRounds)
		with, without := middleOf(recorded, (*traced).ownTime), middleOf(quiet, (*traced).ownTime)
		var sum traced
		for _, r := range recorded {
			sum.sent, sum.counted, sum.dropped = sum.sent+r.sent, sum.counted+r.counted, sum.dropped+r.dropped
		}
		ratio, missing := without.Seconds()/with.Seconds(), fmt.Sprint(sum.counted-sum.sent-sum.dropped)
		if missing != "0" {
			missing += " (missed)"
		}
		l.print("| `trace tcp`, %s MiB %s to %s | %s | %s | %.2f | %s | %s | %s | %s | %s |\n", thousands(l.tunBytes>>20), from, from.Peer(),
			bitRate(8*float64(l.tunBytes)/with.Seconds()), bitRate(8*float64(l.tunBytes)/without.Seconds()), ratio, atLeast(ratio, tunAtLeast),
			thousands(sum.counted), thousands(sum.sent), thousands(sum.dropped), missing)
	}
}

// bitRate writes bits per second.
func bitRate(bits float64) string {
	switch {
	case bits >= 1e9:
		return fmt.Sprintf("%.3g Gbit/s", bits/1e9)
	case bits >= 1e6:
		return fmt.Sprintf("%.3g Mbit/s", bits/1e6)
	}
	return fmt.Sprintf("%.3g kbit/s", bits/1e3)
}

// handshake measures the shortest run as a whole process, beside a Go program that prints one line.
func (l *lab) handshake() {
	argv := []string{l.gnet, "trace", "tcp", "--link", "memory", "--bytes", "0"}
	medians, err := contest(l.starts, []string{l.buildHello(l.dir)}, argv)
	l.must(err)
	hello, ours := medians[0], medians[1]
	l.print("\nA connection opened and closed in memory, the whole process, beside a Go program that imports net and prints one line:\n")
	l.heading("| what | gnet | hello | ratio | at most | CPU gnet | CPU hello |")
	l.print("| `trace tcp --link memory --bytes 0` | %s | %s | %s | %s | %s | %s |\n", short(ours.wall), short(hello.wall), ratio(ours.wall, hello.wall),
		target(float64(ours.wall)/float64(hello.wall), handshakeAtMost), short(ours.cpu), short(hello.cpu))
}
