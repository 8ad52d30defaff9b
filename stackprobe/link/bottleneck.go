package link

import "time"

// bottleneck is what a Rate rule makes of one direction: a transmitter that takes one packet after the other, and a
// queue before it that drops what finds it full (drop-tail).
type bottleneck struct {
	// done are the moments at which the packets in it will have been transmitted, in order; those before head are gone.
	done []time.Duration
	head int
}

// join takes a packet of size octets that comes at the moment at, behind those that were taken before, also where one of
// them came later because it had waited elsewhere. It returns how long its stay lasts, its own
// transmission included, or false if the queue is full.
func (q *bottleneck) join(at time.Duration, size int, r *Rule) (stay time.Duration, ok bool) {
	for q.head < len(q.done) && q.done[q.head] <= at {
		q.head++
	}
	if q.head == len(q.done) {
		q.done, q.head = q.done[:0], 0
	}
	// One packet is being transmitted, the others wait.
	if int64(len(q.done)-q.head) > r.Queue {
		return 0, false
	}
	begin := at
	if q.head < len(q.done) {
		begin = q.done[len(q.done)-1]
	}
	end := begin + transmission(size, r.Rate)
	q.push(end)
	return end - at, true
}

// push adds a packet, and moves the rest to the front when half of the room is of packets that are gone.
func (q *bottleneck) push(end time.Duration) {
	if q.head > len(q.done)/2 {
		q.done = q.done[:copy(q.done, q.done[q.head:])]
		q.head = 0
	}
	q.done = append(q.done, end)
}

// transmission returns how long size octets take at rate bits per second, in whole nanoseconds.
func transmission(size int, rate int64) time.Duration {
	return time.Duration(int64(size) * 8 * int64(time.Second) / rate)
}
