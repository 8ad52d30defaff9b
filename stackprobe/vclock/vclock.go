// Package vclock is the time of a run: a heap of what is due, run in one order on one goroutine.
//
// A virtual Loop jumps from one due moment to the next, so minutes of back-off cost milliseconds and equal inputs give
// equal runs. A real Loop waits for CLOCK_MONOTONIC. Everything above is written once for both.
package vclock

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Clock is what a part of the laboratory needs of time. All moments are durations since the start of the run. Its
// methods may be called from any goroutine.
type Clock interface {
	// Now returns the present moment.
	Now() time.Duration
	// Tick returns the present moment for a protocol engine. In virtual time each call is one nanosecond after the one
	// before: two transmissions must never bear the same time, because RACK orders segments by it (RFC 8985 section 6.2)
	// and a tie makes an engine retransmit what was not lost.
	Tick() time.Duration
	// After has f called on the loop's goroutine when d has passed, at once if d is not positive.
	After(d time.Duration, f func()) *Timer
	// At has f called on the loop's goroutine at the moment at, at once if that has passed. Of two functions for one
	// moment the first added goes first.
	At(at time.Duration, f func())
}

// Loop is the clock and the executor of one run.
type Loop struct {
	real  bool
	start time.Time

	mu    sync.Mutex
	now   time.Duration // virtual only
	seq   uint64
	queue entries
	wake  chan struct{} // real only: something was added
}

// NewVirtual returns a loop in virtual time that stands at zero.
func NewVirtual() *Loop { return &Loop{} }

// NewReal returns a loop on CLOCK_MONOTONIC whose zero is this moment.
func NewReal() *Loop {
	return &Loop{real: true, start: time.Now(), wake: make(chan struct{}, 1)}
}

// Start returns the moment at which a real loop stood at zero, the zero Time for a virtual one: its times are nobody's.
func (l *Loop) Start() time.Time { return l.start }

// Now implements Clock.
func (l *Loop) Now() time.Duration {
	if l.real {
		return time.Since(l.start)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// Tick implements Clock.
func (l *Loop) Tick() time.Duration {
	if l.real {
		return time.Since(l.start)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now++
	return l.now
}

// After implements Clock.
func (l *Loop) After(d time.Duration, f func()) *Timer {
	t := &Timer{loop: l, f: f}
	t.Reset(d)
	return t
}

// At implements Clock.
func (l *Loop) At(at time.Duration, f func()) {
	l.mu.Lock()
	l.push(&entry{at: at, f: f})
	l.mu.Unlock()
	l.signal()
}

// push adds e; l.mu is held.
func (l *Loop) push(e *entry) {
	l.seq++
	e.seq = l.seq
	heap.Push(&l.queue, e)
}

// signal wakes a real loop that waits for its next moment.
func (l *Loop) signal() {
	if !l.real {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default: // one token is enough: the loop looks at the whole queue when it wakes
	}
}

// Outcome says what a Step did.
type Outcome uint8

// The outcomes. Idle: nothing is scheduled, so in virtual time nothing will ever happen again. Late: the next moment
// lies after the limit; virtual time then stands at the limit.
const (
	Ran Outcome = iota
	Idle
	Late
	Cancelled
)

// Step runs the next function that is due, and waits for it in real time. It returns Cancelled when ctx ends. Only one
// goroutine may call Step.
func (l *Loop) Step(ctx context.Context, limit time.Duration) Outcome {
	if ctx.Err() != nil {
		return Cancelled
	}
	if l.real {
		return l.stepReal(ctx, limit)
	}
	l.mu.Lock()
	switch {
	case len(l.queue) == 0:
		l.mu.Unlock()
		return Idle
	case l.queue[0].at > limit:
		l.now = max(l.now, limit)
		l.mu.Unlock()
		return Late
	}
	e := heap.Pop(&l.queue).(*entry)
	l.now = max(l.now, e.at)
	l.mu.Unlock()
	e.f()
	return Ran
}

func (l *Loop) stepReal(ctx context.Context, limit time.Duration) Outcome {
	for {
		now := l.Now()
		if now >= limit {
			return Late
		}
		wait := limit - now
		l.mu.Lock()
		if len(l.queue) > 0 {
			if l.queue[0].at <= now {
				e := heap.Pop(&l.queue).(*entry)
				l.mu.Unlock()
				e.f()
				return Ran
			}
			wait = min(wait, l.queue[0].at-now)
		}
		l.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return Cancelled
		case <-l.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// Timer is a function that a Loop will call once. Its methods may be called from any goroutine, the function itself
// included.
type Timer struct {
	loop *Loop
	f    func()
	e    *entry // guarded by loop.mu
}

// Stop prevents the call and reports whether it was still to come.
func (t *Timer) Stop() bool {
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	return t.remove()
}

// Due returns the moment of the call and true if it is still to come.
func (t *Timer) Due() (time.Duration, bool) {
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	if t.e == nil || t.e.index < 0 {
		return 0, false
	}
	return t.e.at, true
}

// remove takes the timer out of the queue; loop.mu is held.
func (t *Timer) remove() bool {
	if t.e == nil || t.e.index < 0 {
		return false
	}
	heap.Remove(&t.loop.queue, t.e.index)
	return true
}

// Reset has the function called when d from now has passed, instead of when it was due before.
func (t *Timer) Reset(d time.Duration) {
	at := t.loop.Now() + max(d, 0)
	t.loop.mu.Lock()
	t.remove()
	t.e = &entry{at: at, f: t.f}
	t.loop.push(t.e)
	t.loop.mu.Unlock()
	t.loop.signal()
}

// entry is one function in the queue; index is its place in the heap, -1 outside.
type entry struct {
	at    time.Duration
	seq   uint64
	f     func()
	index int
}

// entries is a heap by moment, then by order of adding.
type entries []*entry

func (h entries) Len() int { return len(h) }
func (h entries) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *entries) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *entries) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
