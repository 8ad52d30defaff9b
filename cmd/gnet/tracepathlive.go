package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/render"
	"gnet/ping/path"
)

// liveRounds is how many rounds a view has when --rounds does not say: what is known of each probe is kept.
const liveRounds = 1000

// checkLive refuses what has no place in the view.
func (o *tracepathOptions) checkLive() error {
	if o.Live && o.Format != render.Classic {
		return fail(statusNo, "--live and --format and --json: rows for programs and a picture do not share standard output")
	}
	return nil
}

// hopView shows the hops to a host, which are asked in rounds.
type hopView struct {
	title  string
	begin  time.Time
	now    time.Duration
	hops   []path.Hop
	mtus   map[int]string // where the MTU is less from a hop on
	mtu    int
	rounds int
	list   live.List
}

// Typing reports that no text is typed here.
func (v *hopView) Typing() bool { return false }

// Help are the keys.
func (v *hopView) Help() []live.Binding {
	return []live.Binding{{Keys: "Up Down PgUp PgDn Home End", Does: "select a hop; below are all that answered there"}}
}

// Key takes a key.
func (v *hopView) Key(_ *live.Loop, k live.Key) { v.list.Key(k, len(v.hops)) }

// Draw draws the hops.
func (v *hopView) Draw(c *live.Canvas) {
	w, h := c.Size()
	clock := clockOf(v.now)
	c.Cell(0, 0, w-len(clock)-1, live.Strong, "TRACEPATH "+v.title)
	c.Right(0, 0, w, live.Plain, clock)
	state := "looking for the hops"
	if v.rounds > 0 {
		state = fmt.Sprintf("%s, %s, path MTU %d", plural(len(v.hops), "hop"), plural(v.rounds, "round"), v.mtu)
	}
	c.Text(0, 1, live.Plain, state)
	columns := liveHopColumns(w)
	numbers := 0
	for _, col := range columns {
		numbers += col.width + 1
	}
	host := max(w-4-numbers, 8)
	c.Cell(0, 2, host+4, live.Heading, "hop host")
	x := 4 + host
	for _, col := range columns {
		c.Right(x+1, 2, col.width, live.Heading, col.head)
		x += col.width + 1
	}
	v.list.Draw(c.Part(0, 3, w, h-5), len(v.hops), func(i int, row *live.Canvas) {
		hop := &v.hops[i]
		style := live.Plain
		if hop.Answered < hop.Sent || hop.Err != nil {
			style = live.Warn
		}
		row.Right(0, 0, 3, live.Faint, numeral(int64(hop.TTL)))
		row.Cell(4, 0, host, style, hopHosts(hop))
		x := 4 + host
		for _, col := range columns {
			row.Right(x+1, 0, col.width, style, col.cell(v, hop))
			x += col.width + 1
		}
	})
	if i := v.list.Selected; i < len(v.hops) {
		c.Text(0, h-2, live.Faint, fmt.Sprintf("hop %d: %s", v.hops[i].TTL, hopHosts(&v.hops[i])))
	}
	c.Text(0, h-1, live.Faint, "? keys  q quit")
}

// liveHopColumn is a column of numbers.
type liveHopColumn struct {
	head  string
	width int
	cell  func(v *hopView, h *path.Hop) string
}

// liveHopColumns are those that a screen of that width has room for.
func liveHopColumns(w int) []liveHopColumn {
	rtt := func(f func(h *path.Hop) time.Duration) func(*hopView, *path.Hop) string {
		return func(_ *hopView, h *path.Hop) string {
			if h.Answered == 0 {
				return "-"
			}
			return threeDigits(f(h))
		}
	}
	var list []liveHopColumn
	for _, c := range []struct {
		from int // the width of the screen at which it is shown
		liveHopColumn
	}{
		{0, liveHopColumn{"loss", 5, func(_ *hopView, h *path.Hop) string {
			if h.Sent == 0 {
				return "-"
			}
			return percentText(hopLoss(h))
		}}},
		{60, liveHopColumn{"sent", 5, func(_ *hopView, h *path.Hop) string { return numeral(int64(h.Sent)) }}},
		{70, liveHopColumn{"min ms", 6, rtt(func(h *path.Hop) time.Duration { return h.Min })}},
		{0, liveHopColumn{"avg ms", 6, rtt(func(h *path.Hop) time.Duration { return h.Mean })}},
		{60, liveHopColumn{"max ms", 6, rtt(func(h *path.Hop) time.Duration { return h.Max })}},
		{50, liveHopColumn{"pmtu", 6, func(v *hopView, h *path.Hop) string { return v.mtus[h.TTL] }}},
	} {
		if w >= c.from {
			list = append(list, c.liveHopColumn)
		}
	}
	return list
}

// hopHosts are the addresses that answered at a hop.
func hopHosts(h *path.Hop) string {
	var names []string
	for _, a := range h.From {
		names = append(names, a.String())
	}
	switch {
	case len(names) > 0:
		return strings.Join(names, ", ")
	case h.Err != nil:
		return "not sent: " + errnoText(h.Err)
	}
	return "no reply"
}

// learn takes what the trace knows by now. It runs on the goroutine of the view.
func (v *hopView) learn(hops []path.Hop, mtu, rounds int, steps map[int]string) {
	v.hops, v.mtu, v.rounds = hops, mtu, rounds
	for ttl, step := range steps {
		v.mtus[ttl] = step
	}
}

// mtuStep is the hop from which on the MTU is less, and what it is.
func mtuStep(ev *path.HopEvent) (ttl int, text string) {
	switch ev.Kind {
	case path.OwnMTU, path.RouterMTU:
		return ev.TTL, numeral(int64(ev.MTU))
	case path.SilentMTU: // routers said nothing: it was measured
		return ev.TTL, "~" + numeral(int64(ev.MTU))
	}
	return 0, ""
}

// showLive shows the trace in rounds, and prints what tracepath --rounds does when it is over.
func (t *hopTrace) showLive(ctx context.Context, e *env, o *tracepathOptions) error {
	if o.Rounds == 1 {
		o.Rounds = liveRounds
	}
	v := &hopView{title: t.target.Name + " (" + t.dest.String() + ")", mtus: map[int]string{}}
	since := liveSince()
	options := e.liveOptions()
	options.Every, options.Tick = time.Second, func(time.Time) bool { v.now = since(); return true }
	var loop *live.Loop
	var found []path.HopEvent
	whole := false
	follow := func(events iter.Seq2[*path.HopEvent, error], round int) error {
		steps := map[int]string{}
		for ev, err := range events {
			if err != nil {
				return err
			}
			found = append(found, *ev)
			if ttl, text := mtuStep(ev); ttl > 0 {
				steps[ttl] = text
			}
			if round == 0 { // hop by hop
				hops, mtu, now := t.Hops(), t.MTU(), steps
				loop.Post(func() { v.learn(hops, mtu, 0, now) })
				steps = map[int]string{}
			}
		}
		hops, mtu := t.Hops(), t.MTU()
		loop.Post(func() { v.learn(hops, mtu, round+1, steps) })
		return nil
	}
	first := 0 // the events of the way itself
	err := showLive(ctx, v, options, "without --live tracepath prints lines; --rounds N adds a table, --json makes rows", func(l *live.Loop) { loop = l },
		func(ctx context.Context) error {
			err := follow(t.Run(ctx), 0)
			first = len(found)
			whole = err == nil
			asked := first > 0 && found[0].Kind != path.HopNotSent
			for round := 1; err == nil && asked && round < o.Rounds; round++ {
				err = follow(t.Repeat(ctx, 1), round)
			}
			if path.Interrupted(err) {
				return nil
			}
			return err
		})
	if err != nil {
		return err
	}
	return t.summary(ctx, e, o, found, first, whole)
}

// summary prints what the lines of a run without a view are, once it is over.
func (t *hopTrace) summary(ctx context.Context, e *env, o *tracepathOptions, found []path.HopEvent, first int, whole bool) error {
	sink := newHopLines(ctx, e, o, t)
	replay := func(events []path.HopEvent) iter.Seq2[*path.HopEvent, error] {
		return func(yield func(*path.HopEvent, error) bool) {
			for i := range events {
				if !yield(&events[i], nil) {
					return
				}
			}
		}
	}
	if !whole {
		first = len(found)
	}
	notSent, err := t.tell(e, sink, replay(found[:first]))
	if err == nil && whole {
		t.warnSilence(e, notSent)
		sink.found()
		_, err = t.tell(e, sink, replay(found[first:]))
	}
	if err == nil {
		err = sink.close(!whole)
	}
	switch {
	case err != nil:
		return unlessWriteError(e, err)
	case notSent != nil:
		return fail(statusNo, "%s", errnoText(notSent))
	case !whole:
		return exitSilently(128 + int(unix.SIGINT))
	}
	return nil
}
