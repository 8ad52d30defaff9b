package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
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

// showLive shows v while run runs. It returns when both are over: the view ends when the run does, and the run's context when the
// view does. The error is the run's, or why there is no view.
func showLive(ctx context.Context, v live.View, o live.Options, hint string, begin func(*live.Loop), run func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quit := make(chan os.Signal, 1) // its dump would be written over the picture
	signal.Notify(quit, unix.SIGQUIT)
	defer signal.Stop(quit)
	var done chan struct{}
	var failed error
	o.Start = func(l *live.Loop) {
		done = make(chan struct{})
		begin(l)
		l.Go(func() {
			defer close(done)
			failed = run(ctx)
			l.Post(func() { l.Quit(nil) })
		})
	}
	err := live.Run(ctx, v, o)
	cancel()
	if done != nil {
		<-done
	}
	switch {
	case errors.As(err, new(*live.TerminalError)):
		return fail(statusCannot, "--live: %w", err).withHint("%s", hint)
	case errors.As(err, new(*live.LostError)):
		return errors.Join(failed, fail(statusCannot, "%w", err))
	}
	return failed // a key and a signal are the ways to end a ping
}

// liveFeed takes events from the run's goroutine to the view's, many at a time.
type liveFeed struct {
	record *pingRecord
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
	if !f.posted {
		f.posted = true
		time.AfterFunc(liveGather, func() { f.loop.Post(f.deliver) })
	}
}

// deliver records what is queued, on the goroutine of the view.
func (f *liveFeed) deliver() {
	f.mu.Lock()
	queue := f.queue
	f.queue, f.posted = nil, false
	f.mu.Unlock()
	for i := range queue {
		f.record.take(&queue[i].Event, queue[i].at, &queue[i].figures)
	}
	f.last = f.clock()
	f.record.settle(f.last)
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

// showPing shows a run while deliver runs it.
func showPing(ctx context.Context, e *env, d *pingDrawing, deliver func(context.Context) error) error {
	feed := &liveFeed{record: d.record, clock: d.clock}
	d.take = feed.take
	o := e.liveOptions()
	o.Every, o.Tick = pingTick, func(time.Time) bool { return feed.idle() }
	err := showLive(ctx, newPingView(d.record, d.head), o, "without --live ping prints lines; -c ends them, --json makes rows of them",
		func(l *live.Loop) { feed.loop = l }, deliver)
	feed.deliver()
	return err
}
