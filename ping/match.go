package ping

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// receive handles one message, if one waits.
func (p *Pinger) receive() (bool, error) {
	m, err := p.conn.Receive()
	switch {
	case m != nil:
	case err == nil:
		return false, nil
	case errors.As(err, new(*probe.ParseError)):
		p.stats.Malformed++
		return true, nil
	default:
		return false, err
	}
	if m.Kind == probe.LocalError {
		p.stats.Errors++ // not about a probe that is being sent, which would be refused
	}
	p.handleFor(p.last, m)
	return true, nil
}

// handleFor sorts a message. A local error names no probe: it is about current,
// the one that was being sent.
func (p *Pinger) handleFor(current int64, m *probe.Message) {
	p.stats.Dropped = max(p.stats.Dropped, m.Drops)
	p.now, p.current = p.clock.Now(), true
	switch m.Kind {
	case probe.Packet:
		if !p.reply(m) {
			p.rawError(m)
		}
	case probe.ICMPError:
		p.icmpError(m)
	case probe.LocalError:
		p.localError(current, m)
	case probe.TransmitStamp:
		p.transmitStamp(m)
	}
}

// transmitStamp notes when a probe left.
func (p *Pinger) transmitStamp(m *probe.Message) {
	if m.StampID >= p.stamps || p.stamps-m.StampID > uint32(len(p.stampOf)) {
		return
	}
	s := p.table.get(p.stampOf[m.StampID%uint32(len(p.stampOf))])
	if s == nil {
		return
	}
	if s.stamp == 0 {
		s.stamp = nanoseconds(m.Stamp)
	}
	if s.device == 0 {
		s.device = nanoseconds(m.Hardware)
	}
}

// reply handles m if it is an echo reply.
func (p *Pinger) reply(m *probe.Message) bool {
	echo, ok := p.parseReply(m.Data)
	if !ok {
		return false
	}
	if echo.id != p.ID {
		return true // another program's, from before the filter was in place
	}
	e := &p.event
	*e = Event{At: arrival(m, p.now), From: m.From, Bytes: len(m.Data), TTL: m.TTL, Options: m.Options}
	s := p.table.get(number(p.last, echo.seq))
	if s == nil {
		e.Seq = int64(echo.seq)
		p.foreign(e, NotAsked)
		return true
	}
	e.Seq = s.n
	e.RTT, e.Source = p.roundTrip(s, m)
	if p.Node == nil {
		e.Truncated, e.Longer = len(m.Data) < len(p.message), len(m.Data) > len(p.message)
	}
	e.Late = p.Wait > 0 && e.RTT > p.Wait
	if m.BadChecksum {
		e.Kind = Corrupted
		p.stats.Corrupted++
		p.report()
		return true
	}
	if !p.carries(&echo, s) {
		p.foreign(e, OtherCookie)
		return true
	}
	if !p.AnySource && !sameHost(m.From, p.Target) {
		p.foreign(e, OtherSource)
		return true
	}
	p.accept(s, e, echo.data)
	return true
}

// accept counts an answer that is one.
func (p *Pinger) accept(s *sent, e *Event, data []byte) {
	e.Kind = Reply
	if s.answered {
		e.Kind = Duplicate
		p.stats.Duplicates++
	} else {
		p.stats.Received++
		p.answer(s)
		if p.Distribution != nil {
			p.Distribution.Add(e.RTT, e.Source)
		}
	}
	p.cameBack(s.n)
	p.underWay(s.n)
	p.stats.RTT.add(e.RTT)
	p.adapt()
	if p.Node != nil {
		e.Data = data
	} else if e.Wrong = firstWrong(data, p.message[wire.ICMPHeader:]); e.Wrong > 0 {
		e.Want, e.Data = p.message[wire.ICMPHeader+e.Wrong], data
	}
	p.stats.note(e)
	if !p.OmitReplies || e.Kind != Reply || p.stats.Received == 1 {
		p.report()
	}
}

// answer notes the first answer to s. An error about it explains nothing any
// more: the probe arrived.
func (p *Pinger) answer(s *sent) {
	s.answered = true
	if s.blamed {
		p.stats.Explained--
	} else {
		p.settled++
	}
}

// blame notes an ICMP error about s.
func (p *Pinger) blame(s *sent) {
	p.stats.Errors++
	if s.blamed || s.answered {
		return
	}
	s.blamed = true
	p.stats.Explained++
	p.settled++
}

// note counts what is remarkable about an answer.
func (s *Stats) note(e *Event) {
	s.Truncated += one(e.Truncated)
	s.Longer += one(e.Longer)
	s.Altered += one(e.Wrong > 0)
	s.Late += one(e.Late)
	s.ClockSteps += one(e.Source == ClockStepped)
}

// one is 1 for true.
func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (p *Pinger) foreign(e *Event, why Reason) {
	e.Kind, e.Reason = Foreign, why
	p.stats.Foreign++
	p.report()
}

// cameBack notes that probe n got an answer or an error.
func (p *Pinger) cameBack(n int64) { p.answered = max(p.answered, n) }

// underWay measures how many probes were under way when something about probe n
// came back. iputils leaves out the errors of IPv6.
func (p *Pinger) underWay(n int64) { p.stats.Pipe = max(p.stats.Pipe, p.last-n+1) }

// icmpError handles an error that the kernel has tied to one of our probes.
func (p *Pinger) icmpError(m *probe.Message) {
	quoted, ok := p.parseQuoted(m.Data)
	if !ok || quoted.id != p.ID || !sameHost(m.From, p.Target) {
		return // about another program's probe: a raw socket sees those too
	}
	p.complaint(ICMPError, &quoted, m, Event{From: m.Offender, Type: m.Type, Code: m.Code, Info: m.Info})
}

// rawError handles an ICMP message that is no echo reply.
func (p *Pinger) rawError(m *probe.Message) {
	c, ok := readComplaint(m)
	if ok && p.Family == probe.IPv4 && c.quoted.id == p.ID && sameHost(c.dst, p.Target) {
		p.complaint(c.event.Kind, &c.quoted, m, c.event)
	}
}

// complaint counts and yields an error or advice about the probe that it quotes.
func (p *Pinger) complaint(kind Kind, quoted *echo, m *probe.Message, e Event) {
	s := p.table.get(number(p.last, quoted.seq))
	if s == nil {
		return // forged, or older than the table
	}
	e.Kind, e.Seq, e.At, e.Bytes, e.TTL = kind, s.n, arrival(m, p.now), len(m.Data), m.TTL
	e.RTT, e.Source = p.roundTrip(s, m)
	if !p.mayQuote(quoted, s) {
		e.Kind, e.Reason = Foreign, OtherCookie
		p.stats.Foreign++
		p.emit(e)
		return
	}
	if kind == ICMPError {
		p.blame(s)
		p.cameBack(s.n)
		if p.Family == probe.IPv4 {
			p.underWay(s.n)
		}
	}
	p.emit(e)
}

// localError handles our own kernel's refusal of probe n.
func (p *Pinger) localError(n int64, m *probe.Message) {
	e := Event{Kind: NotSent, Seq: n, At: arrival(m, p.now), TTL: -1, Info: m.Info, Err: m.Errno}
	if m.Errno == unix.EMSGSIZE {
		e.Kind = TooLong
	}
	p.emit(e)
}

// sameHost compares addresses without their zones: a reply from a link-local
// address always has one, its target need not.
func sameHost(a, b netip.Addr) bool { return a == b || a.WithZone("") == b.WithZone("") }
