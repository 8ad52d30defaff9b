package event

import (
	"bytes"
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"strconv"
)

// decodeEvent reads the object that is next into e, and reports whether it is an event: the format jsonl also has notes of
// the command, which are none.
func decodeEvent(s *scanner, e *Event) (isEvent bool) {
	*e = Event{}
	p := parts{scanner: s, e: e}
	isEvent = true
	start := s.i
	s.members(func(key []byte) {
		if string(key) == "kind" {
			isEvent = string(s.text()) == "row"
			return
		}
		p.member(key)
	})
	if s.want == "" && isEvent {
		p.finish(start)
	}
	return isEvent
}

// parts reads the members of an event.
type parts struct {
	*scanner
	e           *Event
	run         Run
	end         End
	expectation Expectation
	rule        string
}

// finish puts together what several members say.
func (p *parts) finish(start int) {
	e := p.e
	switch e.Kind {
	case 0:
		p.fail(start, `the key "event"`)
	case KindRun:
		e.Run = &p.run
	case KindEnd:
		e.End = &p.end
	case KindExpectation:
		e.Expectation = &p.expectation
	}
	if e.Kind == KindLost {
		e.Rule = p.rule
	}
	if e.Fault.Action != 0 {
		e.Fault.Rule = p.rule
	}
}

// member takes the value of a key. A key that is not known is of a later version; "derived" is computed anew.
func (p *parts) member(key []byte) {
	if base, ok := bytes.CutSuffix(key, []byte("_hex")); ok && p.next() == '"' { // the true bytes of the text before
		at := p.i
		raw, err := hex.DecodeString(string(p.text()))
		if err != nil {
			p.fail(at, "hexadecimal digits")
			return
		}
		p.raw, key = append([]byte{}, raw...), base
	}
	if p.event(key) || p.segment(key) || p.options(key) || p.fault(key) || p.happening(key) || p.runMember(key) || p.endMember(key) || p.expectationMember(key) || p.vars(key) || p.datagram(key) {
		return
	}
	p.skip()
}

// event takes what every event has.
func (p *parts) event(key []byte) bool {
	e := p.e
	switch string(key) {
	case "t_ns":
		e.T = p.time()
	case "n":
		e.N = p.count()
	case "clock":
		e.Clock = Clock(p.word(clockNames[:]))
	case "event":
		e.Kind = Kind(p.word(kindNames[:]))
	case "host":
		e.Host = Host(p.word(hostNames[:]))
	case "conn":
		e.Conn = int(p.int(0, math.MaxInt32))
	case "from":
		e.From = State(p.word(stateNames[:]))
	case "state":
		e.State = State(p.word(stateNames[:]))
	case "state_how":
		e.StateHow = How(p.word(howNames[:]))
	case "evidence":
		e.Evidence = Evidence(p.words(evidenceNames[:]))
	default:
		return false
	}
	return true
}

// time takes a moment or a length of time that is not negative.
func (p *parts) time() int64 { return p.int(0, math.MaxInt64) }

// count takes a number of things.
func (p *parts) count() int { return int(p.int(0, math.MaxInt)) }

// word takes one of names, without the empty one, and returns its place.
func (p *parts) word(names []string) uint8 {
	p.next()
	at := p.i
	text := p.text()
	for i, n := range names {
		if n != "" && string(text) == n {
			return uint8(i)
		}
	}
	p.fail(at, "a word that is known here")
	return 0
}

// words takes names with blanks between them and returns the set of their places.
func (p *parts) words(names []string) uint32 {
	p.next()
	at := p.i
	var set uint32
	for w := range bytes.FieldsSeq(p.text()) {
		i := slices.Index(names, string(w))
		if i < 0 {
			p.fail(at, "words that are known here")
			return 0
		}
		set |= 1 << i
	}
	return set
}

// addr takes an address and puts it beside the port of to.
func (p *parts) addr(to *netip.AddrPort) {
	p.next()
	at := p.i
	a, err := netip.ParseAddr(string(p.text()))
	if err != nil {
		p.fail(at, "an address")
	}
	*to = netip.AddrPortFrom(a, to.Port())
}

func (p *parts) port(to *netip.AddrPort) {
	*to = netip.AddrPortFrom(to.Addr(), uint16(p.uint(math.MaxUint16)))
}

// hash takes a 64-bit number in hexadecimal.
func (p *parts) hash() uint64 {
	p.next()
	at := p.i
	n, err := strconv.ParseUint(string(p.text()), 16, 64)
	if err != nil {
		p.fail(at, "a hexadecimal number of 64 bits")
	}
	return n
}

// happening takes what applications, timers, checks, counters and notes have.
func (p *parts) happening(key []byte) bool {
	e := p.e
	switch string(key) {
	case "call":
		e.App.Call = Call(p.word(callNames[:]))
	case "bytes":
		e.App.Bytes = p.count()
	case "error":
		e.App.Err = string(p.text())
	case "timer":
		e.Timer.Kind = TimerKind(p.word(timerNames[:]))
	case "timer_op":
		e.Timer.Op = TimerOp(p.word(opNames[:]))
	case "timer_at_ns":
		e.Timer.At = p.time()
	case "timer_how":
		e.Timer.How = How(p.word(howNames[:]))
	case "check":
		e.Check.Name = string(p.text())
	case "check_computed":
		e.Check.Computed = p.int(math.MinInt64, math.MaxInt64)
	case "check_read":
		e.Check.Read = p.int(math.MinInt64, math.MaxInt64)
	case "counters":
		p.counters()
	case "frame":
		e.Frame.Sent = p.word([]string{"received", "sent"}) == 1
	case "frame_size":
		e.Frame.Size = int(p.int(0, math.MaxInt32))
	case "frame_wire":
		e.Frame.Wire = p.wire()
	case "level":
		e.Level = Level(p.word(levelNames[:]))
	case "text":
		e.Text = string(p.text())
	default:
		return false
	}
	return true
}

func (p *parts) counters() {
	p.elements(func() {
		var c Counter
		p.members(func(key []byte) {
			switch string(key) {
			case "name":
				c.Name = string(p.text())
			case "value":
				c.Value = p.uint(math.MaxUint64)
			default:
				p.skip()
			}
		})
		p.e.Counters = append(p.e.Counters, c)
	})
}

// fault takes what a rule did, and a message about a packet.
func (p *parts) fault(key []byte) bool {
	e := p.e
	switch string(key) {
	case "rule":
		p.rule = string(p.text())
	case "fault":
		e.Fault.Action = Action(p.word(actionNames[:]))
	case "rule_number":
		e.Fault.Number = int(p.int(0, math.MaxInt32))
	case "wait_ns":
		e.Fault.Wait = p.time()
	case "copy":
		e.Fault.Copy = p.count()
	case "fragments":
		e.Fault.Fragments = p.count()
	case "bit":
		e.Fault.Bit = int(p.int(0, math.MaxInt32))
	case "icmp_type":
		e.ICMP.Type = uint8(p.uint(math.MaxUint8))
	case "icmp_code":
		e.ICMP.Code = uint8(p.uint(math.MaxUint8))
	case "icmp_mtu":
		e.ICMP.MTU = int(p.int(0, math.MaxInt32))
	case "icmp_size":
		e.ICMP.Size = int(p.int(0, math.MaxInt32))
	case "icmp_wire":
		e.ICMP.Wire = p.wire()
	default:
		return false
	}
	return true
}

// segment takes the header of a segment.
func (p *parts) segment(key []byte) bool {
	s := &p.e.Seg
	switch string(key) {
	case "segment":
		s.ID = p.count()
	case "src":
		p.addr(&s.Src)
	case "src_port":
		p.port(&s.Src)
	case "dst":
		p.addr(&s.Dst)
	case "dst_port":
		p.port(&s.Dst)
	case "ip_id":
		s.IPID = uint16(p.uint(math.MaxUint16))
	case "ttl":
		s.Hop = uint8(p.uint(math.MaxUint8))
	case "flags":
		s.Flags = p.flags()
	case "seq":
		s.Seq = uint32(p.uint(math.MaxUint32))
	case "ack":
		s.Ack = uint32(p.uint(math.MaxUint32))
	case "win":
		s.Win = uint16(p.uint(math.MaxUint16))
	case "len":
		s.Len = int(p.int(0, 1<<20))
	case "size":
		s.Size = int(p.int(0, 1<<20))
	case "hash":
		s.Hash = p.hash()
	case "checksum_ok":
		s.BadSum = !p.bool()
	case "crafted":
		s.Origin = Origin(p.word(originNames[:]))
	case "crafted_line":
		s.Line = string(p.text())
	case "wire":
		s.Wire = p.wire()
	default:
		return false
	}
	return true
}

// flags takes the names of control bits with commas between them.
func (p *parts) flags() Flags {
	p.next()
	at := p.i
	var f Flags
	for name := range bytes.SplitSeq(p.text(), []byte{','}) {
		if len(name) == 0 {
			continue
		}
		i := slices.Index(flagNames[:], string(name))
		if i < 0 {
			p.fail(at, "names of control bits")
			return 0
		}
		f |= 1 << i
	}
	return f
}

func (p *parts) wire() string {
	p.next()
	at := p.i
	b, err := hex.DecodeString(string(p.text()))
	if err != nil {
		p.fail(at, "hexadecimal digits")
	}
	return string(b)
}

// options takes the TCP options of a segment.
func (p *parts) options(key []byte) bool {
	o := &p.e.Seg.Opts
	switch string(key) {
	case "mss":
		o.MSS, o.Has = uint16(p.uint(math.MaxUint16)), o.Has|OptMSS
	case "wscale":
		o.WScale, o.Has = uint8(p.uint(14)), o.Has|OptWScale
	case "sack_permitted":
		if p.bool() {
			o.Has |= OptSackPermitted
		}
	case "ts_val":
		o.TSVal, o.Has = uint32(p.uint(math.MaxUint32)), o.Has|OptTimestamps
	case "ts_ecr":
		o.TSEcr, o.Has = uint32(p.uint(math.MaxUint32)), o.Has|OptTimestamps
	case "sack":
		o.NSack, o.Has = p.blocks(&o.Sack), o.Has|OptSack
	default:
		return false
	}
	return true
}

// blocks takes at most MaxBlocks pieces of sequence space.
func (p *parts) blocks(to *[MaxBlocks]Block) (n uint8) {
	p.next()
	at := p.i
	p.elements(func() {
		var b Block
		p.members(func(key []byte) {
			switch string(key) {
			case "left":
				b.Left = uint32(p.uint(math.MaxUint32))
			case "right":
				b.Right = uint32(p.uint(math.MaxUint32))
			default:
				p.skip()
			}
		})
		if n == MaxBlocks {
			p.fail(at, "at most four blocks")
			return
		}
		to[n] = b
		n++
	})
	return n
}

// vars takes the variables of an end.
func (p *parts) vars(key []byte) bool {
	v := &p.e.Vars
	switch string(key) {
	case "vars_how":
		v.How = How(p.word(howNames[:]))
		return true
	case "vars_at_ns":
		v.At = p.time()
		return true
	case "computed":
		v.Computed = VarSet(p.words(varNames[:]))
		return true
	}
	i := slices.Index(varNames[:], string(key))
	if i < 0 {
		return false
	}
	bit := VarSet(1) << i
	v.Has |= bit
	if w := v.word(i); w != nil {
		*w = uint32(p.uint(math.MaxUint32))
		return true
	}
	switch bit {
	case HasRTO:
		v.RTO = p.time()
	case HasSRTT:
		v.SRTT = p.time()
	case HasRTTVar:
		v.RTTVar = p.time()
	case HasCongestion:
		v.Congestion = Congestion(p.word(congNames[:]))
	case HasBytesAcked:
		v.BytesAcked = p.uint(math.MaxUint64)
	case HasBytesReceived:
		v.BytesReceived = p.uint(math.MaxUint64)
	case HasScoreboard:
		v.NScoreboard = p.blocks(&v.Scoreboard)
	case HasHeld:
		v.NHeld = p.blocks(&v.Held)
	}
	return true
}
