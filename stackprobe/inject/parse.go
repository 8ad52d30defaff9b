package inject

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gnet/internal/words"
	"gnet/stackprobe/event"
)

// maxTime bounds every time, maxData the data of a segment: any link takes so much.
const (
	maxTime = 24 * time.Hour
	maxData = 1200
)

// ParseLine reads one crafted segment:
//
//	line    = [ "client>" | "server>" ] when segment { "from" ADDRESS | "port" N [ "-" N ] | "every" T }
//	when    = "at" T | "on" ( "client>" | "server>" ) match [ N ] [ "after" T ]
//	match   = "any" | "syn" | "synack" | "ack" | "data" | "fin" | "rst"
//	segment = ( "syn" | "synack" | "ack" | "data" | "fin" | "rst" ) { "seq" number | "ack" number | "win" N | "mss" N | "len" N }
//	number  = N | "nxt" [ ( "+" | "-" ) N ] | "raw" N
//
// The direction is client> if none is said, and N of a match is 1. A SYN needs a seq, because nothing was sent before it.
// The error is a *words.Error.
func ParseLine(text string) (Line, error) {
	p := parser{w: words.Walk(text)}
	l := Line{From: event.Client}
	p.next()
	if h := direction(p.w.Word); h != event.None {
		l.From = h
		p.next()
	}
	p.when(&l.When, "client>", "server>")
	if l.When.On && l.When.N == 0 {
		l.When.N = 1
	}
	p.segment(&l.Segment)
	for p.err == nil && p.w.Word != "" {
		p.target(&l)
	}
	if s := &l.Segment; p.err == nil && s.Seq.Base == Natural && s.Kind == "syn" {
		p.fail("\"seq raw 1000\": nothing was sent before a SYN that its number could follow")
	}
	if p.err != nil {
		return Line{}, p.err
	}
	l.Text = l.String()
	return l, nil
}

// ParseStep reads one step of a scripted end:
//
//	step = ( "client" | "server" ) when [ "send" segment ] [ "state" STATE ]
//	when = "at" T | "on" match [ N ] [ "after" T ]
//
// match, segment and number are those of ParseLine; without N the step is for every segment that matches. At least one of
// send and state must be there. The error is an *words.Error.
func ParseStep(text string) (Step, error) {
	p := parser{w: words.Walk(text)}
	var s Step
	p.next()
	switch p.w.Word {
	case "client":
		s.End = event.Client
	case "server":
		s.End = event.Server
	default:
		p.fail("client or server", "client", "server")
	}
	p.next()
	p.when(&s.When)
	s.When.Of = s.End.Peer()
	if !s.When.On {
		s.When.Of = event.None
	}
	if p.err == nil && p.w.Word == "send" {
		p.next()
		s.Sends = true
		p.segment(&s.Segment)
	}
	if p.err == nil && p.w.Word == "state" {
		p.next()
		s.State = p.state()
	}
	switch {
	case p.err != nil:
	case p.w.Word != "" || !s.Sends && s.State == event.StateUnknown:
		p.stray(&s)
	}
	if p.err != nil {
		return Step{}, p.err
	}
	s.Text = s.String()
	return s, nil
}

// parser walks over the words of a line and keeps the first error. Each method takes the words that are its own and leaves
// the parser at the first that is not.
type parser struct {
	w   *words.Walker
	err error
}

func (p *parser) next() { p.w.Next() }

// fail notes that the present word is wrong.
func (p *parser) fail(want string, choices ...string) {
	if p.err != nil {
		return
	}
	e := p.w.Fail(want)
	if e.Word != "" {
		if meant := words.Nearest(e.Word, choices...); meant != e.Word { // the same is right elsewhere
			e.Meant = meant
		}
	}
	p.err = e
}

// stray says what could follow a step.
func (p *parser) stray(s *Step) {
	switch {
	case s.State != event.StateUnknown:
		p.fail("nothing more")
	case s.Sends:
		p.fail("seq, ack, win, mss, len or state", "seq", "ack", "win", "mss", "len", "state")
	case s.When.On && s.When.After == 0:
		p.fail("after, send or state", "after", "send", "state")
	default:
		p.fail("send or state", "send", "state")
	}
}

func direction(word string) event.Host {
	switch word {
	case "client>":
		return event.Client
	case "server>":
		return event.Server
	}
	return event.None
}

// when reads the moment. dirs are the directions of which one must stand before a match, none if there is no choice.
func (p *parser) when(when *When, dirs ...string) {
	switch p.w.Word {
	case "at":
		p.next()
		p.time(&when.At)
	case "on":
		when.On = true
		p.next()
		if len(dirs) > 0 {
			if when.Of = direction(p.w.Word); when.Of == event.None {
				p.fail("client> or server>: who sends the segment that is waited for", dirs...)
			}
			p.next()
		}
		p.match(when)
	default:
		p.fail("\"at 1s\" or \"on\" and a segment", "at", "on")
	}
}

func (p *parser) match(when *When) {
	if !p.oneOf(matchNames(), (*string)(&when.Match)) {
		return
	}
	if w := p.w.Word; w != "" && w[0] >= '0' && w[0] <= '9' {
		var n int64
		p.number(1, 1<<20, &n)
		when.N = int(n)
	}
	if p.w.Word == "after" {
		p.next()
		p.time(&when.After)
	}
}

// oneOf takes one of names.
func (p *parser) oneOf(names []string, to *string) bool {
	for _, n := range names {
		if p.err == nil && n == p.w.Word {
			*to = n
			p.next()
			return true
		}
	}
	last := len(names) - 1
	p.fail(strings.Join(names[:last], ", ")+" or "+names[last], names...)
	return false
}

func (p *parser) time(to *time.Duration) {
	d, ok := words.Duration(p.w.Word, maxTime)
	if !ok {
		p.fail("a time with its unit, such as 20ms or 1.5s, up to 24h")
		return
	}
	*to = d
	p.next()
}

// number takes a number from low to high.
func (p *parser) number(low, high int64, to *int64) {
	n, ok := words.Number(p.w.Word, low, high)
	if !ok {
		p.fail(fmt.Sprintf("a number from %d to %d", low, high))
		return
	}
	*to = n
	p.next()
}

// segment reads a segment and what belongs to it.
func (p *parser) segment(s *Segment) {
	if !p.oneOf(segmentNames(), &s.Kind) {
		return
	}
	if s.Kind == "data" {
		s.Len = DefaultData
	}
	seen := map[string]bool{}
	for p.err == nil {
		word := p.w.Word
		if seen[word] {
			p.fail(word + " only once")
			return
		}
		seen[word] = true
		if !p.property(s, word) {
			return
		}
	}
}

// property takes one property of a segment and reports whether word began one.
func (p *parser) property(s *Segment, word string) bool {
	var n int64
	switch {
	case word == "seq":
		p.next()
		p.sequence(&s.Seq)
	case word == "ack" && s.Kind != "syn":
		p.next()
		p.sequence(&s.Ack)
	case word == "win":
		p.next()
		p.number(0, 65535, &n)
		s.Win, s.HasWin = uint16(n), true
	case word == "mss" && (s.Kind == "syn" || s.Kind == "synack"):
		p.next()
		p.number(1, 65535, &n)
		s.MSS = uint16(n)
	case word == "len" && s.Kind != "rst":
		p.next()
		p.number(0, maxData, &n)
		s.Len = int(n)
	default:
		return false
	}
	return true
}

const wantNumber = "a sequence number: 1 (from the initial one), nxt, nxt+100, nxt-1 or \"raw 1000\""

// sequence reads a sequence number.
func (p *parser) sequence(to *Number) {
	word := p.w.Word
	if rest, next := strings.CutPrefix(word, "nxt"); next {
		to.Base = Next
		if rest != "" {
			n, ok := words.Number(rest[1:], 0, 1<<32-1)
			if !ok || rest[0] != '+' && rest[0] != '-' {
				p.fail(wantNumber)
				return
			}
			if to.N = n; rest[0] == '-' {
				to.N = -n
			}
		}
		p.next()
		return
	}
	to.Base = Initial
	if word == "raw" {
		to.Base = Raw
		p.next()
	}
	n, ok := words.Number(p.w.Word, 0, 1<<32-1)
	if !ok {
		p.fail(wantNumber, "raw", "nxt")
		return
	}
	to.N = n
	p.next()
}

// target takes what a line says of the segment's addresses.
func (p *parser) target(l *Line) {
	switch p.w.Word {
	case "from":
		p.next()
		a, err := netip.ParseAddr(p.w.Word)
		if err != nil || a.Zone() != "" || l.From != event.Client {
			p.fail("an address without a zone, for a segment that seems to come from a client")
			return
		}
		l.Source = a
		p.next()
	case "port":
		p.next()
		p.ports(l)
	case "every":
		p.next()
		p.time(&l.Every)
	default:
		p.fail("seq, ack, win, mss, len, from, port or every", "seq", "ack", "win", "mss", "len", "from", "port", "every")
	}
}

// ports reads "5000" or "5000-5010".
func (p *parser) ports(l *Line) {
	low, high, dash := strings.Cut(p.w.Word, "-")
	a, okA := words.Number(low, 1, 65535)
	b, okB := a, true
	if dash {
		b, okB = words.Number(high, a, 65535)
	}
	if !okA || !okB || b-a >= maxPorts {
		p.fail("the client's port or a range of at most " + strconv.Itoa(maxPorts) + ", such as 5000-5010")
		return
	}
	l.Low, l.High = uint16(a), uint16(b)
	p.next()
}

// maxPorts bounds how many segments one line makes.
const maxPorts = 1000

// state takes the name of a TCP state.
func (p *parser) state() event.State {
	var names []string
	for s := event.Closed; s < event.ClosedReset; s++ {
		if names = append(names, s.String()); s.String() == p.w.Word {
			p.next()
			return s
		}
	}
	last := len(names) - 1
	p.fail(strings.Join(names[:last], ", ")+" or "+names[last], names...)
	return event.StateUnknown
}
