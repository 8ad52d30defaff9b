package stackprobe

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"gnet/stackprobe/event"
)

// maxQueued is how many events wait in memory, maxQueuedBytes how much room they take there; more go to a file.
const (
	maxQueued      = 200_000
	maxQueuedBytes = 256 << 20
)

// queue hands events from a run in real time to its consumer, in their order. It never makes the producer wait: what the
// consumer does not take in time goes to a file, and what the file has no room for is counted and said.
type queue struct {
	mu     sync.Mutex
	cond   *sync.Cond
	events []event.Event // in memory, older than those in spool
	limit  int
	bytes  int // what the events in memory take, and its limit
	most   int
	spool  spool
	// full says that the file takes no more; late are the few events that are kept all the same until it is empty. lost
	// counts the others, and cause is why they were lost.
	full   bool
	late   []event.Event
	lost   int
	cause  error
	closed bool
	err    error
}

func newQueue() *queue {
	q := &queue{limit: maxQueued, most: maxQueuedBytes}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// put adds a copy of batch.
func (q *queue) put(batch []event.Event) bool {
	if len(batch) == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := room(batch); !q.full && q.spool.empty() && len(q.events)+len(batch) <= q.limit && q.bytes+n <= q.most {
		q.events, q.bytes = append(q.events, batch...), q.bytes+n
	} else {
		for i := range batch {
			q.store(&batch[i])
		}
	}
	q.cond.Signal()
	return true
}

// room is how many bytes events take in memory, with the parts of packets that they hold.
func room(batch []event.Event) int {
	n := len(batch) * int(unsafe.Sizeof(event.Event{}))
	for i := range batch {
		n += len(batch[i].Seg.Wire)
	}
	return n
}

// store adds an event behind those in memory.
func (q *queue) store(e *event.Event) {
	if !q.full {
		lost, err := q.spool.put(e)
		if err == nil {
			return
		}
		q.full, q.cause = true, err
		q.lost += lost - 1 // without e itself
	}
	if rare(e.Kind) {
		q.late = append(q.late, *e)
	} else {
		q.lost++
	}
}

// rare reports whether a run has few events of kind k, without which it could not be understood.
func rare(k event.Kind) bool {
	switch k {
	case event.KindRun, event.KindEnd, event.KindNote, event.KindCounters, event.KindCheck:
		return true
	}
	return false
}

// close says that nothing more will come, and why.
func (q *queue) close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.err = true, err
	q.cond.Signal()
}

// get waits for events and takes them; open is false with the last ones.
func (q *queue) get() (batch []event.Event, err error, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.none() && !q.closed {
		q.cond.Wait()
	}
	if batch = q.oldest(); q.lost > 0 {
		batch = q.admit(batch)
	}
	return batch, q.err, !q.closed || !q.none()
}

func (q *queue) none() bool { return len(q.events) == 0 && q.spool.empty() && len(q.late) == 0 }

// oldest takes events: those in memory, then those in the file, then those that came when that was full.
func (q *queue) oldest() []event.Event {
	if len(q.events) > 0 {
		batch := slices.Clip(q.events)
		q.events, q.bytes = nil, 0
		return batch
	}
	if !q.spool.empty() {
		batch, lost, err := q.spool.take()
		if err != nil {
			q.lost, q.cause = q.lost+lost, err
		}
		return batch
	}
	batch := q.late
	q.late, q.full = nil, false
	return batch
}

// admit says before the end of the run that events were lost, and makes it a failure: what the events show is not all.
func (q *queue) admit(batch []event.Event) []event.Event {
	i := slices.IndexFunc(batch, func(e event.Event) bool { return e.Kind == event.KindEnd })
	if i < 0 {
		return batch
	}
	end := batch[i]
	text := fmt.Sprintf("%d events found no room: %v", q.lost, q.cause)
	note := event.Event{T: end.T, N: end.N, Clock: end.Clock, Kind: event.KindNote, Level: event.Warning, Text: text}
	end.N++
	if end.End != nil && end.End.OK {
		e := *end.End
		e.OK, e.Reason = false, text
		end.End = &e
	}
	return slices.Replace(batch, i, i+1, note, end)
}

// drain waits until the producer has closed the queue, and gives up what nobody took.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		q.cond.Wait()
	}
	q.spool.close()
}
