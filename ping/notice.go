package ping

import (
	"sync"
	"sync/atomic"
)

// notices are texts on their way into the stream of events.
type notices struct {
	waiting atomic.Bool
	mu      sync.Mutex
	texts   []string
}

// Notify makes Run yield a Notice event with this text soon: what another
// goroutine has learned about this host, such as a link that went down, comes in
// order with what it explains. Any goroutine may call it.
func (p *Pinger) Notify(text string) {
	p.notices.mu.Lock()
	p.notices.texts = append(p.notices.texts, text)
	p.notices.mu.Unlock()
	p.notices.waiting.Store(true)
	p.conn.Wake()
}

// emitNotices yields what Notify was given.
func (p *Pinger) emitNotices(now Instant) {
	p.notices.mu.Lock()
	texts := p.notices.texts
	p.notices.texts = nil
	p.notices.mu.Unlock()
	for _, text := range texts {
		p.emit(Event{Kind: Notice, At: now.Wall, TTL: -1, Text: text})
	}
}
