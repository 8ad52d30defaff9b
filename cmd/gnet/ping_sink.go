package main

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gnet/internal/render"
	"gnet/ping"
)

// pingSink takes what a run yields.
type pingSink interface {
	event(ev *ping.Event)
	// full reports whether nothing more can be written: a disk is full. Without
	// it a ping that nobody reads would go on for ever.
	full() bool
	// drain waits until all events are printed.
	drain()
	// close ends the output with the figures.
	close(s *ping.Stats) error
}

// newPingSink returns the sink of the options' format; the classic one has
// printed the first line.
func newPingSink(ctx context.Context, e *env, o *pingOptions, series *pingSeries) pingSink {
	if o.Format != render.Classic {
		return newPingDocument(e, o, series)
	}
	p := &pingPrinter{e: e, o: o, series: *series}
	if !o.Numeric {
		p.names = newPingNames(ctx)
	}
	p.header()
	if p.names == nil {
		return pingLines{p}
	}
	return newNamedLines(p)
}

// pingLines prints each line when its event happens.
type pingLines struct{ *pingPrinter }

func (l pingLines) full() bool { return l.e.Stdout.err.err != nil }

func (l pingLines) drain() {}

func (l pingLines) close(s *ping.Stats) error {
	l.summary(s)
	return nil
}

// namedLines prints in a goroutine of its own, because a line may wait for a
// name server, and a probe must not. Nothing is dropped meanwhile.
type namedLines struct {
	*pingPrinter
	mu      sync.Mutex
	more    sync.Cond
	waiting []ping.Event
	ended   bool
	failed  atomic.Bool
	done    chan struct{}
}

func newNamedLines(p *pingPrinter) *namedLines {
	l := &namedLines{pingPrinter: p, done: make(chan struct{})}
	l.more.L = &l.mu
	go l.print()
	return l
}

// event queues a copy of ev.
func (l *namedLines) event(ev *ping.Event) {
	kept := *ev
	kept.Data, kept.Options = slices.Clone(ev.Data), slices.Clone(ev.Options)
	if ev.Stats != nil {
		stats := *ev.Stats
		kept.Stats = &stats
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, kept)
	l.more.Signal()
}

// next returns what waits, nothing at the end.
func (l *namedLines) next() []ping.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && !l.ended {
		l.more.Wait()
	}
	events := l.waiting
	l.waiting = nil
	return events
}

func (l *namedLines) print() {
	defer close(l.done)
	for events := l.next(); len(events) > 0; events = l.next() {
		for i := range events {
			l.pingPrinter.event(&events[i])
		}
		l.failed.Store(l.e.Stdout.err.err != nil)
	}
}

func (l *namedLines) full() bool { return l.failed.Load() }

func (l *namedLines) drain() {
	l.mu.Lock()
	l.ended = true
	l.more.Signal()
	l.mu.Unlock()
	<-l.done
}

func (l *namedLines) close(s *ping.Stats) error {
	l.summary(s)
	return nil
}

// nameWait is how long a line waits for a name.
const nameWait = 2 * time.Second

// pingNames finds the names of addresses and remembers the answers, also that
// there is none.
type pingNames struct {
	ctx      context.Context
	resolver net.Resolver
	known    map[netip.Addr]string
}

func newPingNames(ctx context.Context) *pingNames {
	return &pingNames{ctx: ctx, resolver: net.Resolver{PreferGo: true}, known: make(map[netip.Addr]string)}
}

// name returns the name of a, "" when it has none or the name server is slow.
func (n *pingNames) name(a netip.Addr) string {
	if name, ok := n.known[a]; ok {
		return name
	}
	ctx, cancel := context.WithTimeout(n.ctx, nameWait)
	defer cancel()
	names, _ := n.resolver.LookupAddr(ctx, a.String())
	name := ""
	if len(names) > 0 {
		name = strings.TrimSuffix(names[0], ".")
	}
	n.known[a] = name
	return name
}
