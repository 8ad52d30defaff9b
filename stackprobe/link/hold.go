package link

import (
	"fmt"
	"slices"
	"time"

	"gnet/stackprobe/event"
	"gnet/stackprobe/vclock"
)

// patience is how long a packet waits for those that are to pass it. It is shorter than any retransmission timeout of
// either stack (200 ms at least), so that a packet behind which nothing follows is late and not lost.
const patience = 100 * time.Millisecond

// held is a packet that lets others pass.
type held struct {
	*passage
	// arrival is the earliest moment for it: that of the last one that has passed it, or its own.
	arrival time.Duration
	left    int // how many have still to pass
	timer   *vclock.Timer
}

// hold keeps p back until as many later packets as it wants are on their way.
func (l *Link) hold(p *passage, arrival time.Duration) {
	h := &held{passage: p, arrival: arrival, left: p.behind}
	h.timer = l.clock.After(patience, func() { l.tire(h) })
	l.held[p.from] = append(l.held[p.from], h)
}

// passed counts p, which goes on its way and arrives at the moment arrival, for those before it that wait for it.
func (l *Link) passed(p *passage, arrival time.Duration) {
	for _, h := range l.held[p.from] {
		if h.number < p.number {
			h.left--
			h.arrival = max(h.arrival, arrival)
		}
	}
	for {
		i := slices.IndexFunc(l.held[p.from], func(h *held) bool { return h.left <= 0 })
		if i < 0 {
			return
		}
		h := l.held[p.from][i]
		l.held[p.from] = slices.Delete(l.held[p.from], i, i+1)
		h.timer.Stop()
		l.depart(h.passage, h.arrival)
	}
}

// tire sends h on its way although fewer packets than it wants have passed it. It runs on the clock's goroutine.
func (l *Link) tire(h *held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.held[h.from], h)
	if i < 0 {
		return // it went while this was due
	}
	l.held[h.from] = slices.Delete(l.held[h.from], i, i+1)
	if h.shown() {
		l.tell(&event.Event{T: int64(l.clock.Now()), Kind: event.KindNote, Host: h.from, Conn: h.conn, Text: fmt.Sprintf(
			"%s %d of %s went on after %v: of %d packets that were to pass it, %d did", h.noun(), h.id(), h.from, patience, h.behind, h.behind-h.left)})
	}
	l.depart(h.passage, max(h.arrival, l.clock.Now()+l.path[h.from].Delay+h.wait))
}
