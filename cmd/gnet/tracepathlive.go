package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/render"
	"gnet/ping/path"
)

// checkLive refuses what has no place in the view.
func (o *tracepathOptions) checkLive() error {
	if o.Live && o.Format != render.Classic {
		return fail(statusNo, "--live and --format and --json: rows for programs and a picture do not share standard output")
	}
	return nil
}

// hopLiveHint names what prints where there is no terminal for a view.
const hopLiveHint = "without --live tracepath prints lines; --rounds N adds a table, --json makes rows"

// lookUp finds the addresses of the host; the view says that it waits for them.
func (o *tracepathOptions) lookUp(ctx context.Context, e *env) (pingTarget, error) {
	var found pingTarget
	work := func(ctx context.Context) (err error) {
		if found, err = resolveTarget(ctx, o.Host, o.Family); err != nil {
			return lookUpFailure(err, o.Host)
		}
		return nil
	}
	err := error(nil)
	if o.Live && isName(o.Host) {
		err = awaitLive(ctx, e, "TRACEPATH "+o.Host, "looking up "+o.Host, hopLiveHint, work)
	} else {
		err = work(ctx)
	}
	if err != nil {
		return pingTarget{}, err
	}
	return found, nil
}

// hopView shows the hops to a host, which are asked in rounds.
type hopView struct {
	o      *tracepathOptions
	title  string
	now    time.Duration
	hops   []path.Hop
	mtus   map[int]string // where the MTU is less from a hop on
	mtu    int
	rounds int
	names  *hopNames
	list   live.List
	loop   *live.Loop // nil in a simulation
	over   bool       // the rounds are, and the view stays
}

func newHopView(o *tracepathOptions, title string) *hopView {
	return &hopView{o: o, title: title, mtus: map[int]string{}, names: newHopNames()}
}

// Typing reports that no text is typed here.
func (v *hopView) Typing() bool { return false }

// Help are the keys.
func (v *hopView) Help() []live.Binding {
	return []live.Binding{{Keys: "Up Down j k PgUp PgDn Home End g G", Does: "select a hop; below are all that answered there"}}
}

// Key takes a key.
func (v *hopView) Key(_ *live.Loop, k live.Key) { v.list.Key(k, len(v.hops)) }

// stay has the view stay.
func (v *hopView) stay() bool {
	v.over = true
	return true
}

// keys is the last line.
func (v *hopView) keys() string {
	switch {
	case v.over:
		return "? keys  " + finishedWords
	case v.o.Rounds > 1 && (v.loop == nil || !v.loop.Touched()):
		return "? keys  q quit  any key: stay at the end"
	}
	return "? keys  q quit"
}

// state says how far the rounds are.
func (v *hopView) state() string {
	if v.rounds == 0 {
		return "looking for the hops"
	}
	hops := len(v.hops)
	for hops > 0 && v.hops[hops-1].Beyond {
		hops--
	}
	return fmt.Sprintf("%s, %s, path MTU %d", plural(hops, "hop"), plural(v.rounds, "round"), v.mtu)
}

// Draw draws the hops.
func (v *hopView) Draw(c *live.Canvas) {
	w, h := c.Size()
	clock := clockOf(v.now)
	c.Cell(0, 0, w-len(clock)-1, live.Strong, "TRACEPATH "+v.title)
	c.Right(0, 0, w, live.Plain, clock)
	c.Text(0, 1, live.Plain, v.state())
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
		switch {
		case hop.Beyond:
			style = live.Faint
		case hop.Answered < hop.Sent || hop.Err != nil:
			style = live.Warn
		}
		row.Right(0, 0, 3, live.Faint, numeral(int64(hop.TTL)))
		row.Cell(4, 0, host, style, v.hosts(hop))
		x := 4 + host
		for _, col := range columns {
			row.Right(x+1, 0, col.width, style, col.cell(v, hop))
			x += col.width + 1
		}
	})
	if i := v.list.Selected; i < len(v.hops) {
		c.Text(0, h-2, live.Faint, fmt.Sprintf("hop %d: %s", v.hops[i].TTL, v.details(&v.hops[i])))
	}
	c.Text(0, h-1, live.Faint, v.keys())
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
			return cellMillis(f(h))
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

// latest are the hosts that answered at a hop, the one that answered last first: where the path has changed it is the one of now.
func latest(h *path.Hop) []path.HopHost {
	hosts := slices.Clone(h.Hosts)
	slices.SortStableFunc(hosts, func(a, b path.HopHost) int { return cmp.Compare(b.Last, a.Last) })
	return hosts
}

// hosts are those that answered at a hop.
func (v *hopView) hosts(h *path.Hop) string {
	var names []string
	for _, host := range latest(h) {
		names = append(names, v.o.hostWords(host.Addr, v.names.known[host.Addr]))
	}
	switch {
	case h.Beyond:
		return "behind the end now: " + strings.Join(names, ", ")
	case len(names) > 0:
		return strings.Join(names, ", ")
	case h.Err != nil:
		return "not sent: " + errnoText(h.Err)
	}
	return "no reply"
}

// details are the hosts of a hop, each with its own figures where there are several.
func (v *hopView) details(h *path.Hop) string {
	if len(h.Hosts) < 2 {
		return v.hosts(h)
	}
	var list []string
	for _, host := range latest(h) {
		list = append(list, fmt.Sprintf("%s %s, avg %s ms", v.o.hostWords(host.Addr, v.names.known[host.Addr]), plural(host.Answered, "answer"), threeDigits(host.Mean)))
	}
	if h.Others > 0 {
		list = append(list, plural(h.Others, "answer")+" of others")
	}
	return strings.Join(list, "; ")
}

// learn takes what the trace knows by now. It runs on the goroutine of the view.
func (v *hopView) learn(hops []path.Hop, mtu, rounds int, steps map[int]string) {
	v.hops, v.mtu, v.rounds = hops, mtu, rounds
	for ttl, step := range steps {
		v.mtus[ttl] = step
	}
	if v.o.namesHosts() {
		for i := range hops {
			v.names.want(hops[i].From)
		}
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

// maxLiveFound bounds what is kept for the lines at the end: MTUs that cannot be true may be named for ever.
const maxLiveFound = 10000

// liveTrace is a trace that is shown.
type liveTrace struct {
	*hopTrace
	view  *hopView
	loop  *live.Loop
	found []path.HopEvent
	more  int // that were found when there were too many
	first int // how many events are those of the way itself
	whole bool
}

// follow passes on what one round finds, the way itself in round 0 hop by hop.
func (t *liveTrace) follow(events iter.Seq2[*path.HopEvent, error], round int) error {
	steps := map[int]string{}
	for ev, err := range events {
		if err != nil {
			return err
		}
		if len(t.found) < maxLiveFound {
			t.found = append(t.found, *ev)
		} else {
			t.more++
		}
		if ttl, text := mtuStep(ev); ttl > 0 {
			steps[ttl] = text
		}
		if round == 0 {
			hops, mtu, now := t.Hops(), t.MTU(), steps
			t.loop.Post(func() { t.view.learn(hops, mtu, 0, now) })
			steps = map[int]string{}
		}
	}
	hops, mtu := t.Hops(), t.MTU()
	t.loop.Post(func() { t.view.learn(hops, mtu, round+1, steps) })
	return nil
}

// run finds the way, and asks its hops again and again.
func (t *liveTrace) run(ctx context.Context, rounds int) error {
	err := t.follow(t.Run(ctx), 0)
	t.first, t.whole = len(t.found), err == nil
	asked := t.first > 0 && t.found[0].Kind != path.HopNotSent
	for round := 1; err == nil && asked && (rounds <= 1 || round < rounds); round++ {
		err = t.follow(t.Repeat(ctx, 1), round)
	}
	if path.Interrupted(err) {
		return nil
	}
	return err
}

// showLive shows the trace in rounds, and prints what tracepath --rounds does when it is over.
func (t *hopTrace) showLive(ctx context.Context, e *env, o *tracepathOptions) error {
	v := newHopView(o, t.target.Name+" ("+t.dest.String()+")")
	since := liveSince()
	options := e.liveOptions()
	options.Every, options.Tick = time.Second, func(time.Time) bool {
		if !v.over {
			v.now = since()
		}
		return !v.over
	}
	l := &liveTrace{hopTrace: t, view: v}
	ended, err := showLive(ctx, e, v, options, hopLiveHint,
		func(loop *live.Loop) {
			l.loop, v.loop = loop, loop
			if o.namesHosts() {
				loop.Go(func() { v.names.look(ctx, loop) })
			}
		}, func(ctx context.Context) error { return l.run(ctx, o.Rounds) })
	if err != nil {
		return err
	}
	if err := l.summary(ctx, e, o); err != nil {
		return errors.Join(ended, err)
	}
	switch {
	case ended != nil:
		return ended
	case !l.whole:
		return exitSilently(128 + int(unix.SIGINT))
	}
	return nil
}

// summary prints what the lines of a run without a view are, once it is over. Names that are not known by then are left out.
func (t *liveTrace) summary(ctx context.Context, e *env, o *tracepathOptions) error {
	shown := *o
	shown.Rounds = max(o.Rounds, 2) // there is a table
	sink := newHopLines(ctx, e, &shown, t.hopTrace)
	for i := range t.found {
		if s := t.found[i].Probe; s != nil {
			sink.names.known[s.From] = ""
		}
	}
	for _, h := range t.Hops() {
		for _, a := range h.From {
			sink.names.known[a] = ""
		}
	}
	maps.Copy(sink.names.known, t.view.names.known)
	if !t.whole {
		t.first = len(t.found)
	}
	notSent, err := t.tell(e, sink, replayed(t.found[:t.first]))
	if err == nil && t.whole {
		t.warnSilence(e, notSent)
		sink.found()
		_, err = t.tell(e, sink, replayed(t.found[t.first:]))
	}
	if t.more > 0 {
		e.warn("%d later findings are left out", t.more)
	}
	if err == nil {
		err = sink.close(!t.whole)
	}
	switch {
	case err != nil:
		return unlessWriteError(e, err)
	case notSent != nil:
		return fail(statusNo, "%s", errnoText(notSent))
	}
	return nil
}

// replayed are events that were found before.
func replayed(events []path.HopEvent) iter.Seq2[*path.HopEvent, error] {
	return func(yield func(*path.HopEvent, error) bool) {
		for i := range events {
			if !yield(&events[i], nil) {
				return
			}
		}
	}
}
