package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"gnet/procnet"
)

// watchTable is one reading, or as much of it as has been read.
type watchTable struct {
	at     time.Duration // by the reader's clock
	filter *watchFilter
	// rows are the sockets that are there, live of them, and behind them those that are gone and still marked. They are not changed
	// any more.
	rows []watched
	live int
	// partial: the reading goes on, and these are the first ones of it.
	partial bool
	// unmarked is how many sockets were gone of late, and are not among the rows because there were too many.
	unmarked int
	owners   []watchOwner // of rows that came with their processes, by watched.owner
	notes    []string
	err      error
	took     time.Duration
	// detail is the socket that was asked for, nil where it is not among the rows. It is not shared.
	detail *procnet.InetSocket

	unowned []uint64     // inodes whose processes were never looked for
	memory  *watchMemory // of rows
	free    chan<- *watchMemory
}

// watchMemory is where rows stand: at any time it belongs to the reader or to the view.
type watchMemory struct{ rows []watched }

// release gives the memory of the rows back, once another table is shown; nobody may look at them after that.
func (t *watchTable) release(shown *watchTable) {
	if t.memory == nil || t.memory == shown.memory {
		return
	}
	select {
	case t.free <- t.memory:
	default: // there is enough
	}
}

// watchOwner is the process that holds a socket.
type watchOwner struct {
	pid     int
	program string
}

// watchRequest is what the view wants to see. It is not changed once it has been handed over.
type watchRequest struct {
	filter *watchFilter
	paused bool
	detail *watched // nil without
}

// watchReader reads the sockets again and again, beside the view. A reading takes as long as the kernel needs to say what it has, half a
// second for a million sockets: the first of its rows are shown while the others come.
type watchReader struct {
	ctx     context.Context
	source  watchSource
	every   time.Duration
	now     func() time.Duration // since the start, by a clock that nobody can set
	request atomic.Pointer[watchRequest]
	poke    chan struct{}
	free    chan *watchMemory

	// Of the readings so far:
	memory   *watchMemory // which the last complete one is in
	previous []watched    // its sockets
	index    watchIndex   // over previous
	seen     []bool       // which of previous are in the reading under way
	gone     []watched
	goneAt   watchIndex
	goneMore []goneCount // of those that are gone and not kept
	lastAt   time.Duration
	filter   *watchFilter
	begun    bool
}

// goneCount is how many sockets were gone at a reading and are not kept.
type goneCount struct {
	at      time.Duration
	sockets int
}

const (
	// watchMark is how long new sockets and those that are gone are marked.
	watchMark = 5 * time.Second
	// watchGoneMost bounds those that are gone: of 50,000 in a second nobody reads the quarter of a million that would be marked.
	watchGoneMost = 10_000
	// watchFirst is how many rows are shown as soon as they are there: more than a screen has. It is a power of two.
	watchFirst = 256
	// watchShow is the time between two looks at a reading that goes on.
	watchShow = 100 * time.Millisecond
)

func newWatchReader(ctx context.Context, source watchSource, every time.Duration) *watchReader {
	r := &watchReader{ctx: ctx, source: source, every: every, now: liveSince(), poke: make(chan struct{}, 1), free: make(chan *watchMemory, 2)}
	r.request.Store(&watchRequest{})
	return r
}

// ask hands over what the view wants to see, and has the sockets read at once.
func (r *watchReader) ask(request watchRequest) {
	r.request.Store(&request)
	select {
	case r.poke <- struct{}{}:
	default: // it is told already
	}
}

// run reads until done is closed or post refuses. It rests at least as long as a reading takes.
func (r *watchReader) run(post func(func()) bool, done <-chan struct{}, take func(*watchTable), learn func(map[uint64]watchOwner, error)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	show := func(table *watchTable) bool { return post(func() { take(table) }) }
	for {
		select {
		case <-done:
			return
		case <-r.ctx.Done():
			return
		case <-r.poke:
		case <-timer.C:
		}
		took := time.Duration(0)
		if request := r.request.Load(); !request.paused || request.filter != r.filter || !r.begun {
			begin := r.now()
			table := r.read(request, show)
			if table == nil {
				continue // something else is wanted now
			}
			if !show(table) {
				return
			}
			if owners, err := r.findOwners(table); owners != nil || err != nil {
				if !post(func() { learn(owners, err) }) {
					return
				}
			}
			took = r.now() - begin
		}
		timer.Reset(max(r.every-took, took))
	}
}

// read reads the sockets once. The first reading, and the first one with another filter, is shown while it goes on. It returns nil where
// the filter has been changed meanwhile.
func (r *watchReader) read(request *watchRequest, show func(*watchTable) bool) *watchTable {
	g := r.round(request, show)
	table := g.table
	table.notes, table.err = r.source.read(request.filter, request.detail != nil, g.row)
	if g.over {
		return nil
	}
	table.rows, table.live = g.memory.rows, len(g.memory.rows)
	if table.err == nil {
		r.keep(g)
	}
	table.took = r.now() - table.at
	return table
}

// findOwners looks for the processes of the sockets that were never looked for. What it returns is nil where there are none.
func (r *watchReader) findOwners(table *watchTable) (map[uint64]watchOwner, error) {
	inodes := table.unowned
	if len(inodes) == 0 || table.err != nil {
		return nil, nil
	}
	of, err := r.source.owners(inodes)
	if err != nil {
		return nil, err
	}
	owners := make(map[uint64]watchOwner, len(inodes))
	for _, inode := range inodes {
		owners[inode] = watchOwner{} // an inode may have been another socket's
		if holders := of(inode); len(holders) > 0 {
			owners[inode] = watchOwner{holders[0].PID, programWord(holders[0].Arg0)}
		}
	}
	return owners, nil
}

// watchRound is a reading under way.
type watchRound struct {
	r       *watchReader
	request *watchRequest
	table   *watchTable
	memory  *watchMemory
	show    func(*watchTable) bool
	shown   time.Duration // when a part was shown
	over    bool          // it is not wanted any more
	same    bool          // as the one before: what is new, is new
	seconds float64       // since that
	next    int           // where the row stood after which this one's stood
	met     int           // of the previous rows
	numbers map[watchOwner]int32
}

// round begins a reading.
func (r *watchReader) round(request *watchRequest, show func(*watchTable) bool) *watchRound {
	now := r.now()
	g := &watchRound{r: r, request: request, show: show, memory: r.reuse(), same: r.begun && request.filter == r.filter, seconds: (now - r.lastAt).Seconds(), shown: now - watchShow}
	g.table = &watchTable{at: now, filter: request.filter, memory: g.memory, free: r.free}
	if cap(g.memory.rows) == 0 {
		g.memory.rows = make([]watched, 0, len(r.previous)+len(r.previous)/16+watchFirst)
	}
	r.index.over(r.previous)
	r.goneAt.over(r.gone)
	if cap(r.seen) < len(r.previous) {
		r.seen = make([]bool, cap(r.previous))
	}
	r.seen = r.seen[:len(r.previous)]
	clear(r.seen)
	return g
}

// reuse returns memory that nobody looks at. That of the last complete reading is looked at even if the view has let go of it.
func (r *watchReader) reuse() *watchMemory {
	for {
		select {
		case m := <-r.free:
			if m != r.memory {
				m.rows = m.rows[:0]
				return m
			}
		default:
			return new(watchMemory)
		}
	}
}

// row takes a socket, and reports whether more are wanted.
func (g *watchRound) row(s *shownSocket) bool {
	w := watchedOf(s.inet)
	if len(s.owners) > 0 {
		w.owner = g.number(watchOwner{s.owners[0].PID, programWord(s.owners[0].Arg0)})
	}
	if g.request.detail != nil && g.request.detail.is(&w) {
		g.table.detail = keepInet(s.inet)
	}
	g.compare(&w)
	m := g.memory
	if len(m.rows) == cap(m.rows) {
		m.rows = slices.Grow(m.rows, len(m.rows)+watchFirst)
	}
	m.rows = append(m.rows, w)
	return len(m.rows)%watchFirst != 0 || g.progress()
}

// progress shows what has been read so far, if nothing else of the kind can be seen, and reports whether the reading is still wanted.
func (g *watchRound) progress() bool {
	if g.r.request.Load().filter != g.request.filter {
		g.over = true
		return false
	}
	now := g.r.now()
	if g.same || now-g.shown < watchShow {
		return true
	}
	g.shown = now
	part := *g.table
	part.rows, part.live, part.partial, part.detail = g.memory.rows, len(g.memory.rows), true, nil
	part.took = now - part.at
	g.over = !g.show(&part)
	return !g.over
}

// number returns the place of an owner in the table.
func (g *watchRound) number(owner watchOwner) int32 {
	n, ok := g.numbers[owner]
	if !ok {
		if g.numbers == nil {
			g.numbers = make(map[watchOwner]int32)
		}
		n = int32(len(g.table.owners))
		g.numbers[owner], g.table.owners = n, append(g.table.owners, owner)
	}
	return n
}

// keepInet copies a socket whole.
func keepInet(s *procnet.InetSocket) *procnet.InetSocket {
	kept := *s
	if kept.Diag != nil {
		kept.Diag = kept.Diag.Clone()
	}
	return &kept
}

// compare finds out what a socket has become since the reading before. A change of the filter makes none new or gone. The kernel's order
// is the same from reading to reading but for what came and went, so most rows stand where they are looked for first.
func (g *watchRound) compare(w *watched) {
	r, at := g.r, g.next
	if at >= len(r.previous) || !r.previous[at].is(w) {
		at = r.index.find(w)
	}
	if at < 0 {
		g.unowned(w)
		if g.same {
			w.marked, w.fresh = g.table.at, true
			if back := r.goneAt.find(w); back >= 0 {
				r.gone[back].gone = false
			}
		}
		return
	}
	g.next = at + 1
	if !r.seen[at] {
		r.seen[at] = true
		g.met++
	}
	before := &r.previous[at]
	if w.inode != before.inode || before.owner >= 0 {
		g.unowned(w)
	}
	w.marked, w.fresh = before.marked, before.fresh && g.table.at-before.marked < watchMark
	if w.counts && before.counts && w.bytesIn >= before.bytesIn && w.bytesOut >= before.bytesOut && g.seconds > 0 {
		w.rated, w.in, w.out = true, float64(w.bytesIn-before.bytesIn)/g.seconds, float64(w.bytesOut-before.bytesOut)/g.seconds
	}
}

// unowned notes a socket whose process is to be looked for.
func (g *watchRound) unowned(w *watched) {
	if w.inode != 0 && w.owner < 0 {
		g.table.unowned = append(g.table.unowned, w.inode)
	}
}

// keep keeps a complete reading for the next one, and adds to its table what is gone.
func (r *watchReader) keep(g *watchRound) {
	r.age(g)
	m := g.memory
	live := len(m.rows)
	m.rows = append(m.rows, r.gone...)
	g.table.rows, g.table.live = m.rows, live
	r.memory, r.previous, r.lastAt, r.filter, r.begun = m, m.rows[:live], g.table.at, g.request.filter, true
}

// age takes in the sockets that are not there any more, as many as are kept, and lets go of those whose time is over.
func (r *watchReader) age(g *watchRound) {
	now := g.table.at
	if !g.same {
		r.gone, r.goneMore = r.gone[:0], r.goneMore[:0]
		return
	}
	r.gone = slices.DeleteFunc(r.gone, func(w watched) bool { return !w.gone || now-w.marked >= watchMark })
	r.goneMore = slices.DeleteFunc(r.goneMore, func(c goneCount) bool { return now-c.at >= watchMark })
	if g.met < len(r.previous) {
		more := r.miss(now)
		r.goneMore = append(r.goneMore, goneCount{now, more})
	}
	for _, c := range r.goneMore {
		g.table.unmarked += c.sockets
	}
}

// miss takes in the previous sockets that were not seen again, and returns how many of them are not kept.
func (r *watchReader) miss(now time.Duration) (more int) {
	for i := range r.previous {
		switch {
		case r.seen[i]:
		case len(r.gone) >= watchGoneMost:
			more++
		default:
			w := r.previous[i]
			w.gone, w.fresh, w.marked = true, false, now
			w.rated, w.in, w.out = false, 0, 0
			r.gone = append(r.gone, w)
		}
	}
	return more
}
