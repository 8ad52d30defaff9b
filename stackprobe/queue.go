package stackprobe

import (
	"slices"
	"sync"

	"gnet/stackprobe/event"
)

// queue hands events from a run in real time to its consumer. It never makes the producer wait.
type queue struct {
	mu     sync.Mutex
	cond   *sync.Cond
	events []event.Event
	closed bool
	err    error
}

func newQueue() *queue {
	q := &queue{}
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
	q.events = append(q.events, batch...)
	q.cond.Signal()
	return true
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
	for len(q.events) == 0 && !q.closed {
		q.cond.Wait()
	}
	batch, q.events = slices.Clip(q.events), nil
	return batch, q.err, !q.closed
}

// drain waits until the producer has closed the queue.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		q.cond.Wait()
	}
}
