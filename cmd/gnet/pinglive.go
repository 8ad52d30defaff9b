package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/render"
	"gnet/ping"
)

// maxLiveTargets is how many hosts the view has room for in memory: each needs 30 kB.
const maxLiveTargets = 1024

// checkLive refuses what cannot be shown in a view, with the reason.
func (o *pingOptions) checkLive() error {
	if o.Plot != "" && o.PMTU && !o.Explain {
		return fail(statusCannot, "--plot and --pmtu: it measures and ends")
	}
	if !o.Live {
		return nil
	}
	for _, other := range []struct {
		set       bool
		name, why string
	}{
		{o.Format != render.Classic, "--format and --json", "rows for programs and a picture do not share standard output"},
		{o.PMTU, "--pmtu", "it measures and ends"}, {o.Explain, "--explain", "its lines have no place in the view"},
		{o.Flood, "-f", "it draws a dot for each probe; -i 0 sends as fast"},
		{o.Audible, "-a", "the bell belongs to lines"}, {o.RecordRoute, "-R", "the routes have no place in the view"},
		{o.Timestamps != timestampsUnset, "-T", "the times of hops have no place in the view"},
		{o.Node != nodeOptions{}, "-N", "its answers are no round trips"},
	} {
		if other.set {
			return fail(statusCannot, "--live and %s: %s", other.name, other.why)
		}
	}
	return nil
}

// recorded reports whether a run is drawn.
func (o *pingOptions) recorded() bool { return o.Live || o.Plot != "" }

// liveFeed takes events from the run's goroutine to the view's, many at a time.
type liveFeed struct {
	record *pingRecord
	view   *pingView
	clock  func() time.Duration
	mu     sync.Mutex
	loop   *live.Loop
	queue  []liveEvent
	posted bool
	last   time.Duration // when deliver was called last
}

// liveEvent is an event with its time since the start and the figures of its host.
type liveEvent struct {
	ping.Event
	at      time.Duration
	figures ping.Stats
}

// liveGather is how long events are gathered before they are drawn: a crowd of answers is one picture.
const liveGather = 80 * time.Millisecond

// take queues a copy of ev.
func (f *liveFeed) take(ev *ping.Event, stats *ping.Stats) {
	kept := liveEvent{Event: *ev, at: f.clock()}
	kept.Data, kept.Options, kept.Stats = nil, nil, nil
	if stats != nil {
		kept.figures = *stats
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, kept)
	if len(f.queue) >= maxLiveQueue {
		f.store() // nobody draws: the terminal is stuck
	}
	if !f.posted {
		f.posted = true
		time.AfterFunc(liveGather, func() { f.loop.Post(f.deliver) })
	}
}

// maxLiveQueue is how many events wait to be drawn together.
const maxLiveQueue = 1 << 12

// deliver records what is queued, for the picture that comes next.
func (f *liveFeed) deliver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store()
	f.posted = false
	f.last = f.clock()
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	f.record.settle(f.last)
}

// store records what is queued. The caller holds the lock.
func (f *liveFeed) store() {
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	for i := range f.queue {
		f.record.take(&f.queue[i].Event, f.queue[i].at, &f.queue[i].figures)
	}
	clear(f.queue)
	f.queue = f.queue[:0]
}

// idle delivers where nothing has done so for longer than a tick, and reports whether it did: what comes once a second is drawn once.
func (f *liveFeed) idle() bool {
	if f.clock()-f.last < pingTick*3/2 {
		return false
	}
	f.deliver()
	return true
}

// liveSince returns a clock that starts now.
func liveSince() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// pingTick is how often the view looks for probes that have no answer.
const pingTick = time.Second

// pingLiveHint names what prints where there is no terminal for a view.
const pingLiveHint = "without --live ping prints lines; -c ends them, --json makes rows of them"

// await does the work that finds the addresses of what is pinged; where names are among that, a view says so while it goes on.
func (o *pingOptions) await(ctx context.Context, e *env, whose string, named bool, work func(context.Context) error) error {
	if !o.Live || !named {
		return work(ctx)
	}
	return awaitLive(ctx, e, "PING "+whose, "looking up "+whose, pingLiveHint, work)
}

// showPing shows a run while deliver runs it.
func showPing(ctx context.Context, e *env, d *pingDrawing, deliver func(context.Context) error) error {
	v := newPingView(d.record, d.head)
	v.counted = d.o.Count > 0 || d.o.Deadline > 0
	feed := &liveFeed{record: d.record, clock: d.clock, view: v}
	d.take = feed.take
	o := e.liveOptions()
	o.Every, o.Tick = pingTick, func(time.Time) bool { return !v.over && feed.idle() }
	ended, err := showLive(ctx, e, v, o, pingLiveHint,
		func(l *live.Loop) { feed.loop, v.loop = l, l }, deliver)
	feed.deliver()
	if status := (*failure)(nil); errors.As(ended, &status) && status.status != 128+int(unix.SIGINT) && status.status != 128+int(unix.SIGTERM) {
		d.ended = ended // those two are the ways to end a ping
	}
	return err
}
