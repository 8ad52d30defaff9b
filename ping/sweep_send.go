package ping

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

const (
	// slice is the time for which the rate is kept by sending several probes at
	// once: waking up for each one would cost more than sending it.
	slice = time.Millisecond
	// minBackOff is the first pause after the device queue was full. It is shorter
	// than for one target, because a full queue is normal here.
	minBackOff = time.Millisecond
)

// gap is the time from one probe to the next that the rate asks for.
func (s *Sweep) gap() time.Duration {
	if s.Rate <= 0 {
		return 0
	}
	return time.Second / time.Duration(s.Rate)
}

// roundDue returns when the next probe may be sent as far as its round goes.
func (s *Sweep) roundDue() time.Duration {
	if s.cursor > 0 || s.Interval == 0 && s.awaited == 0 && (s.took || s.round == 0) {
		return 0
	}
	return s.roundAt
}

// nextSend returns when something is to be sent, all bounds considered.
func (s *Sweep) nextSend() time.Duration {
	paced := s.paced
	if gap := s.gap(); gap > 0 && gap < slice {
		paced += slice
	}
	return max(s.roundDue(), paced, s.notBefore)
}

// allowed returns how many probes may go out at once now.
func (s *Sweep) allowed(now time.Duration) int {
	if s.allSent() || now < max(s.roundDue(), s.paced, s.notBefore) {
		return 0
	}
	n := min(len(s.Targets)-s.cursor, probe.BatchLen)
	gap := s.gap()
	if gap == 0 {
		return n
	}
	s.paced = max(s.paced, now-time.Duration(s.Burst-1)*gap)
	return min(n, int((now-s.paced)/gap)+1)
}

// sendDue sends the probes that are due, at most one batch, and reports whether
// there were any.
func (s *Sweep) sendDue(now time.Duration) (bool, error) {
	n := s.allowed(now)
	if n == 0 {
		return false, nil
	}
	if s.cursor == 0 {
		s.beginRound(now)
	}
	s.prepare(n)
	if s.stopped {
		return true, nil
	}
	if err := s.transmit(); err != nil {
		return true, err
	}
	if s.cursor == len(s.Targets) {
		s.cursor = 0
		s.round++
		s.roundAt += s.Interval
		if s.Interval == 0 {
			s.roundAt = s.lastSent + floodInterval
		}
	}
	return true, nil
}

// beginRound keeps the schedule: a round that is late does not delay the next
// one, unless a whole interval is lost.
func (s *Sweep) beginRound(now time.Duration) {
	if now-s.roundAt >= s.Interval {
		s.roundAt = now
	}
	s.current, s.awaited, s.took = s.round+1, 0, false
}

// prepare makes the messages of the next n targets.
func (s *Sweep) prepare(n int) {
	seconds := uint64(s.clock.Now().Wall.Unix())
	s.out, s.seqs = s.outBuffer[:0], s.seqsBuffer[:0]
	seq := s.round + 1
	for i := range n {
		target := s.cursor + i
		if s.ReportUnanswered && seq > 1 && s.backOff == 0 {
			s.reportUnanswered(target, seq-1)
		}
		slot := s.slot(target, seq)
		*slot = sweepSlot{seq: seq, cookie: s.Random()&^(MaxTargets-1) | uint64(target)}
		message := s.messages[i*len(s.pattern):][:len(s.pattern)]
		s.fill(message, target, slot, seconds)
		s.out = append(s.out, probe.Outgoing{To: s.Targets[target], Data: message, Tag: tagOf(target, seq)})
		s.seqs = append(s.seqs, seq)
	}
}

// tagOf names a probe for its transmit stamp, which comes soon.
func tagOf(target int, seq int64) uint64 { return uint64(seq)<<24 | uint64(target) }

func (s *Sweep) reportUnanswered(target int, seq int64) {
	if last := s.find(target, uint16(seq)); last != nil && !last.answered && !last.refused {
		s.emit(Event{Kind: Unanswered, Target: target, Seq: seq, At: s.clock.Now().Wall, TTL: -1})
	}
}

// fill writes an echo request.
func (s *Sweep) fill(b []byte, target int, slot *sweepSlot, seconds uint64) {
	copy(b, s.pattern)
	four := s.Targets[target].Is4()
	socket := s.socket(four)
	b[0] = wire.ICMPv6EchoRequest
	if four {
		b[0] = wire.ICMPv4EchoRequest
	}
	binary.BigEndian.PutUint16(b[4:], socket.ID)
	binary.BigEndian.PutUint16(b[6:], uint16(slot.seq))
	changed := b[:wire.ICMPHeader]
	if s.Size >= stampLen {
		changed = b[:wire.ICMPHeader+stampLen]
		binary.NativeEndian.PutUint64(b[wire.ICMPHeader:], seconds)
		binary.BigEndian.PutUint64(b[wire.ICMPHeader+cookieOffset:], slot.cookie)
	}
	// The kernel fills in the checksum of ICMPv6 and of ping sockets.
	if four && socket.Mode == probe.Raw {
		binary.BigEndian.PutUint16(b[2:], s.patternSum.Bytes(changed).Checksum())
	}
}

// transmit hands the prepared probes to the kernel, until it has taken or
// refused all of them or its queue is full: what is left is prepared again then.
func (s *Sweep) transmit() error {
	var spare excuse
	for attempt := 0; len(s.out) > 0; {
		together := s.out
		if !s.Stamped {
			together = s.out[:1]
		}
		at := s.clock.Now()
		for i := range together {
			s.slot(s.cursor+i, s.seqs[i]).leave(at)
		}
		n, err := s.conn.Send(together)
		if n > 0 {
			attempt, spare = 0, excuse{}
			s.taken(n, at)
		}
		switch {
		case err == nil:
			continue
		case full(err) && s.backOffFor(at.Mono):
			s.putBack()
			return nil
		}
		again, rerr := s.readAfter(err, attempt, &spare)
		if rerr != nil {
			return rerr
		}
		attempt++
		if !again {
			s.refuse(err, at)
			attempt, spare = 0, excuse{}
		}
	}
	return nil
}

// putBack forgets what was prepared and not taken.
func (s *Sweep) putBack() {
	for i, seq := range s.seqs {
		*s.slot(s.cursor+i, seq) = sweepSlot{}
	}
	s.out, s.seqs = s.out[:0], s.seqs[:0]
}

// taken counts the first n of the prepared probes.
func (s *Sweep) taken(n int, at Instant) {
	s.backOff, s.notBefore, s.took = 0, 0, true
	for i := range n {
		s.stats[s.cursor+i].Transmitted++
		s.awaited++
		if s.ReportSent {
			s.emit(Event{Kind: Sent, Target: s.cursor + i, Seq: s.seqs[i], At: at.Wall, TTL: -1})
		}
	}
	s.advance(n, at.Mono)
}

// advance goes on behind the first n of the prepared probes.
func (s *Sweep) advance(n int, now time.Duration) {
	s.cursor += n
	s.out, s.seqs = s.out[n:], s.seqs[n:]
	s.lastSent = now
	s.paced += time.Duration(n) * s.gap()
}

// readAfter reads what waits on the sockets after the first of the prepared
// probes was refused with err: it may be the fault of an earlier one. It reports
// whether to try again.
func (s *Sweep) readAfter(err error, attempt int, spare *excuse) (again bool, rerr error) {
	slot := s.slot(s.cursor, s.seqs[0])
	slot.sending = true
	before := s.pendingErrors
	_, rerr = s.receiveAll(batchesAtEnd)
	slot.sending = false
	if rerr != nil || slot.refused {
		return false, rerr
	}
	if attempt >= resends {
		return false, nil
	}
	return s.pendingErrors != before || spare.takes(err), nil
}

// refuse counts the first of the prepared probes as not sent. What was on the
// error queue about it has been reported already.
func (s *Sweep) refuse(err error, at Instant) {
	target, seq := s.cursor, s.seqs[0]
	slot := s.slot(target, seq)
	if !slot.refused {
		e := Event{Kind: NotSent, Target: target, Seq: seq, At: at.Wall, TTL: -1, Err: err}
		if errors.Is(err, unix.EMSGSIZE) {
			e.Kind = TooLong
		}
		s.emit(e)
	}
	slot.refused = true
	s.stats[target].NotSent++
	s.settled++
	s.advance(1, at.Mono)
}

// backOffFor puts the rest off. It gives up when the queue has been full for as
// long as one waits for an answer.
func (s *Sweep) backOffFor(now time.Duration) bool {
	if s.backOff == 0 {
		s.backOffSince = now
	}
	s.backOff = min(max(2*s.backOff, minBackOff), maxBackOff)
	s.common.BackOffs++
	s.notBefore = now + s.backOff
	return s.Wait == 0 || now-s.backOffSince < s.Wait
}
