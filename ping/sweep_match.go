package ping

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// receiveAll handles what waits on the sockets, up to so many batches, and
// reports whether there was anything.
func (s *Sweep) receiveAll(batches int) (bool, error) {
	for i := range batches * probe.BatchLen {
		m, err := s.conn.Receive()
		if m != nil && m.First {
			s.now = s.clock.Now() // later than the arrival of all that one call brought
		}
		switch {
		case err != nil && errors.As(err, new(*probe.ParseError)):
			s.common.Malformed++
			continue
		case err != nil:
			return false, err
		case m == nil || s.stopped:
			return i > 0, nil
		}
		s.handle(m)
	}
	return true, nil
}

func (s *Sweep) handle(m *probe.Received) {
	drops := &s.drops[0]
	if m.Family == probe.IPv6 {
		drops = &s.drops[1]
	}
	*drops = max(*drops, m.Drops)
	s.common.Dropped = max(s.common.Dropped, s.drops[0]+s.drops[1])
	switch m.Kind {
	case probe.Packet:
		if !s.reply(m) && m.Family == probe.IPv4 {
			s.rawError(m)
		}
	case probe.ICMPError:
		s.pendingErrors++
		s.icmpError(m)
	case probe.LocalError:
		s.localError(m)
	case probe.TransmitStamp:
		s.stamped(m)
	}
}

// stamped notes when a probe left. A stamp from before the send call belongs to
// another probe: the kernel's count has begun anew meanwhile.
func (s *Sweep) stamped(m *probe.Received) {
	target, seq := int(m.Tag&(MaxTargets-1)), int64(m.Tag>>24)
	if target >= len(s.Targets) {
		return
	}
	slot := s.slot(target, seq)
	if slot.seq != seq {
		return
	}
	if slot.stamp == 0 && nanoseconds(m.Stamp) >= slot.wall {
		slot.stamp = nanoseconds(m.Stamp)
	}
	if slot.device == 0 {
		slot.device = nanoseconds(m.Hardware)
	}
}

// reply handles m if it is an echo reply.
func (s *Sweep) reply(m *probe.Received) bool {
	four, want := m.Family == probe.IPv4, wire.ICMPv6EchoReply
	if four {
		want = wire.ICMPv4EchoReply
	}
	echo, ok := parseEcho(m.Data, want)
	if !ok {
		return false
	}
	if echo.id != s.socket(four).ID {
		return true // another program's, from before the filter was in place
	}
	e := Event{Seq: int64(echo.seq), At: arrival(m.Message, s.now), From: m.From, Bytes: len(m.Data), TTL: m.TTL}
	target, slot, why := s.probeOf(m, &echo)
	e.Target = target
	if slot != nil {
		e.Seq = slot.seq
		e.RTT, e.Source = s.roundTrip(slot, m)
		e.Truncated, e.Longer = len(m.Data) < len(s.pattern), len(m.Data) > len(s.pattern)
		e.Late = s.Wait > 0 && e.RTT > s.Wait
	}
	switch {
	case why != 0:
		e.Kind, e.Reason = Foreign, why
		s.figures(e.Target).Foreign++
		s.emit(e)
	case m.BadChecksum:
		e.Kind = Corrupted
		s.stats[target].Corrupted++
		s.emit(e)
	default:
		s.accept(slot, e, echo.data)
	}
	return true
}

// figures returns those of a target, or those that belong to none.
func (s *Sweep) figures(target int) *Stats {
	if target < 0 {
		return &s.common
	}
	return &s.stats[target]
}

// roundTrip returns the time from a probe to an answer that is handled now.
func (s *Sweep) roundTrip(slot *sweepSlot, m *probe.Received) (time.Duration, TimeSource) {
	if s.UserTime {
		return slot.roundTrip(0, 0, s.now)
	}
	return slot.roundTrip(nanoseconds(m.Stamp), nanoseconds(m.Hardware), s.now)
}

// probeOf finds the probe that an echo reply is about, or says why it is foreign;
// the target, -1 for none, and the probe, nil for none, are then those that it
// pretends to be about.
func (s *Sweep) probeOf(m *probe.Received, echo *echo) (target int, slot *sweepSlot, why Reason) {
	cookie, carried := echo.cookie()
	if carried = carried && s.Size >= stampLen; carried && !m.BadChecksum {
		target = int(cookie & (MaxTargets - 1))
		if target < len(s.Targets) {
			slot = s.find(target, echo.seq)
		}
		if slot != nil && slot.cookie == cookie && s.Targets[target].Is4() == (m.Family == probe.IPv4) {
			if !s.anySource(target) && !sameHost(m.From, s.Targets[target]) {
				return target, slot, OtherSource
			}
			return target, slot, 0
		}
	}
	slot = nil
	if target = s.lookup(m.From); target < 0 && !carried {
		target = s.anyTarget(m, echo)
	}
	if target >= 0 {
		slot = s.find(target, echo.seq)
	}
	switch {
	case slot == nil:
		return target, nil, NotAsked
	case carried && !m.BadChecksum:
		return target, slot, OtherCookie
	}
	return target, slot, 0
}

// anySource reports whether any host may answer for a target.
func (s *Sweep) anySource(target int) bool { return slices.Contains(s.AnySource, target) }

// anyTarget returns the first target that any host may answer for and that was
// sent such a probe, -1 when there is none.
func (s *Sweep) anyTarget(m *probe.Received, echo *echo) int {
	for _, target := range s.AnySource {
		if s.Targets[target].Is4() == (m.Family == probe.IPv4) && s.find(target, echo.seq) != nil {
			return target
		}
	}
	return -1
}

// accept counts an answer that is one.
func (s *Sweep) accept(slot *sweepSlot, e Event, data []byte) {
	st := &s.stats[e.Target]
	e.Kind = Reply
	if slot.answered {
		e.Kind = Duplicate
		st.Duplicates++
	} else {
		st.Received++
		slot.answered = true
		if slot.blamed {
			st.Explained-- // the probe arrived after all
		} else {
			s.settle(slot.seq)
		}
	}
	st.RTT.add(e.RTT)
	s.longest = max(s.longest, e.RTT)
	if e.Wrong = firstWrong(data, s.pattern[wire.ICMPHeader:]); e.Wrong > 0 {
		e.Want, e.Data = s.pattern[wire.ICMPHeader+e.Wrong], data
	}
	st.note(&e)
	s.emit(e)
}

// settle notes that a probe came back for the first time.
func (s *Sweep) settle(seq int64) {
	s.settled++
	if seq == s.current {
		s.awaited--
	}
}

// icmpError handles an error that the kernel has tied to one of our probes.
func (s *Sweep) icmpError(m *probe.Received) {
	four, want := m.Family == probe.IPv4, wire.ICMPv6EchoRequest
	if four {
		want = wire.ICMPv4EchoRequest
	}
	quoted, ok := parseEcho(m.Data, want)
	if !ok || quoted.id != s.socket(four).ID {
		return // about another program's probe: a raw socket sees those too
	}
	s.complaint(m, m.From, &quoted, Event{Kind: ICMPError, From: m.Offender, Type: m.Type, Code: m.Code, Info: m.Info})
}

// rawError handles an ICMP message that is no echo reply.
func (s *Sweep) rawError(m *probe.Received) {
	if c, ok := readComplaint(m.Message); ok && c.quoted.id == s.IPv4.ID {
		s.complaint(m, c.dst, &c.quoted, c.event)
	}
}

// complaint counts and yields an error or advice about the probe to dst that it
// quotes.
func (s *Sweep) complaint(m *probe.Received, dst netip.Addr, quoted *echo, e Event) {
	target := s.lookup(dst)
	if target < 0 {
		return // forged
	}
	slot := s.find(target, quoted.seq)
	if slot == nil {
		return // forged, or older than is remembered
	}
	e.Target, e.Seq, e.At, e.Bytes, e.TTL = target, slot.seq, arrival(m.Message, s.now), len(m.Data), m.TTL
	e.RTT, e.Source = s.roundTrip(slot, m)
	st := &s.stats[target]
	if s.Size >= stampLen && !mayQuote(quoted, slot.cookie) {
		e.Kind, e.Reason = Foreign, OtherCookie
		st.Foreign++
		s.emit(e)
		return
	}
	if e.Kind == ICMPError {
		st.Errors++
		if !slot.blamed && !slot.answered {
			slot.blamed = true
			st.Explained++
			s.settle(slot.seq)
		}
	}
	s.emit(e)
}

// localError handles our own kernel's refusal of a probe. The kernel queues it
// once for each attempt.
func (s *Sweep) localError(m *probe.Received) {
	target := s.lookup(m.From)
	var slot *sweepSlot
	if target >= 0 && len(s.out) > 0 && target == s.cursor {
		slot = s.slot(target, s.seqs[0])
	}
	if slot == nil || !slot.sending {
		// Not about a probe that is being sent, which would be refused.
		s.figures(target).Errors++
		return
	}
	if slot.refused {
		return
	}
	slot.refused = true
	e := Event{Kind: NotSent, Target: target, Seq: slot.seq, At: arrival(m.Message, s.now), TTL: -1, Info: m.Info, Err: m.Errno}
	if m.Errno == unix.EMSGSIZE {
		e.Kind = TooLong
	}
	s.emit(e)
}
