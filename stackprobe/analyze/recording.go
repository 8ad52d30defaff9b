package analyze

import (
	"fmt"

	"gnet/stackprobe/event"
)

const (
	// maxRecorded bounds the events that a Recording keeps; each takes some 1000 bytes.
	maxRecorded = 250_000
	// maxMarked bounds what the marks of a Recording keep, in ends of connections; each takes some 500 bytes.
	maxMarked = 100_000
	// recordChunk is how many events are allocated together.
	recordChunk = 1024
)

// Recording keeps the first 250,000 events of a run, so that one can go forward and back through them, and counts the others. Beside them
// stands what was known at some of them, from which what was known at any is computed: at every 256th, or of many connections and long
// runs at so many fewer that memory stays bounded. The zero value is ready.
type Recording struct {
	chunks [][]event.Event
	n      int
	now    Moment // behind the last event
	marks  []mark
	every  int
	kept   int // the sum of the sizes of the marks
	// Beyond counts the events that were not kept.
	Beyond int
	last   *Moment // the one that At gave
	lastAt int
}

// mark is what was known behind the event of that place.
type mark struct {
	at     int
	moment *Moment
}

// Add takes the next event, with what Tracker.Add has derived for it, and reports whether it is kept.
func (r *Recording) Add(e *event.Event) bool {
	if r.n == maxRecorded {
		r.Beyond++
		return false
	}
	if r.n%recordChunk == 0 {
		r.chunks = append(r.chunks, make([]event.Event, 0, recordChunk))
	}
	c := &r.chunks[len(r.chunks)-1]
	*c = append(*c, *e)
	r.n++
	r.now.Add(e)
	if r.every == 0 {
		r.every = 256
	}
	if r.n%r.every == 0 {
		r.mark()
	}
	return true
}

// mark remembers what is known now; where the marks are too many every second one goes.
func (r *Recording) mark() {
	r.marks = append(r.marks, mark{r.n - 1, r.now.Clone()})
	r.kept += r.now.size()
	if r.kept <= maxMarked || len(r.marks) < 2 {
		return
	}
	r.every *= 2
	kept := r.marks[:0]
	r.kept = 0
	for _, m := range r.marks {
		if (m.at+1)%r.every == 0 {
			kept = append(kept, m)
			r.kept += m.moment.size()
		}
	}
	clear(r.marks[len(kept):])
	r.marks = kept
}

// Len is the number of the events that are kept.
func (r *Recording) Len() int { return r.n }

// Event returns the event of a place, from 0. It must not be changed.
func (r *Recording) Event(at int) *event.Event {
	if at < 0 || at >= r.n {
		panic(fmt.Sprintf("event %d of %d", at, r.n))
	}
	return &r.chunks[at/recordChunk][at%recordChunk]
}

// At returns what was known behind the event of a place. It is valid until the next call.
func (r *Recording) At(at int) *Moment {
	if r.last == nil || r.lastAt > at || at-r.lastAt > r.every {
		r.last, r.lastAt = &Moment{}, -1
		for i := len(r.marks) - 1; i >= 0; i-- {
			if m := r.marks[i]; m.at <= at {
				r.last, r.lastAt = m.moment.Clone(), m.at
				break
			}
		}
	}
	for r.lastAt < at {
		r.lastAt++
		r.last.Add(r.Event(r.lastAt))
	}
	return r.last
}
