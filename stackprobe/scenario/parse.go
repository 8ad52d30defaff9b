package scenario

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gnet/internal/words"
	"gnet/stackprobe/event"
)

// MaxText is the longest file in octets.
const MaxText = 256 << 10

// maxTime bounds every time in a file.
const maxTime = 24 * time.Hour

// Parse reads the file of that name. Its lines are
//
//	title TEXT          look TEXT           world { memory | kernel | kernel-client | kernel-server }
//	delay T[,T]         mtu N               seed N          ipv6            connections N
//	client WORDS        server WORDS        fault RULE      inject WORDS    peer WORDS
//	until done|closed   deadline T          expect EXPECTATION
//
// A line that begins with a blank continues the look above it, one that begins with # is a comment. title and world must
// be there, expect, fault, inject and peer may stand more than once. The error is an *Error.
func Parse(file, text string) (*Scenario, error) {
	p := parser{s: &Scenario{File: file, Name: baseName(file)}, seen: map[string]bool{}}
	if len(text) > MaxText {
		return nil, &Error{File: file, Line: 1, Column: 1, Word: "file", Want: "at most 256 KiB"}
	}
	for line := range strings.Lines(text) {
		p.n++
		p.text = strings.TrimRightFunc(line, unicode.IsSpace)
		if err := p.line(); err != nil {
			return nil, p.place(err)
		}
	}
	for _, name := range [...]string{"title", "world"} {
		if !p.seen[name] {
			return nil, &Error{File: file, Line: p.n + 1, Column: 1, Want: "a line " + name}
		}
	}
	return p.s, nil
}

// baseName is the name of a file without its folder and its ending.
func baseName(file string) string {
	name := file[strings.LastIndexByte(file, '/')+1:]
	return strings.TrimSuffix(name, Ending)
}

// Ending is how the name of a file ends.
const Ending = ".scn"

// parser reads one file line by line.
type parser struct {
	s    *Scenario
	n    int    // number of the line
	text string // the line
	seen map[string]bool
	last string // the word that began the last line that was no comment
}

// place gives an error of a line its place in the file.
func (p *parser) place(err error) error {
	e := &Error{File: p.s.File, Line: p.n, Text: strings.ReplaceAll(p.text, "\t", " ")}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	e.Column = 1 + utf8.RuneCountInString(p.text[:f.at.Offset])
	e.Word, e.Want, e.Meant = f.at.Word, f.at.Want, f.meant
	return e
}

// line reads one line.
func (p *parser) line() error {
	w := words.Walk(p.text)
	if !w.Next() || w.Word[0] == '#' {
		return nil
	}
	if bad := strings.IndexFunc(p.text, func(r rune) bool { return r == utf8.RuneError || r != '\t' && unicode.IsControl(r) }); bad >= 0 {
		return &failure{&words.Error{Text: p.text, Word: p.text[bad:], Offset: bad, Want: "text in UTF-8 without control characters"}, ""}
	}
	if p.text[0] == ' ' || p.text[0] == '\t' {
		if p.last != "look" {
			return fail(w, "no blank at the beginning: only a look goes on in the next line")
		}
		p.s.Look += " " + strings.Join(strings.Fields(p.text), " ")
		return nil
	}
	for _, d := range directives() {
		if d.name != w.Word {
			continue
		}
		if p.seen[d.name] && !d.many {
			return fail(w, d.name+" only once")
		}
		p.seen[d.name], p.last = true, d.name
		if err := d.read(p, w); err != nil {
			return err
		}
		if w.Next() {
			return fail(w, "nothing more")
		}
		return nil
	}
	names := Directives()
	return fail(w, choice(names), names...)
}

// directive is a kind of line: read takes the words behind its name.
type directive struct {
	name string
	many bool
	read func(*parser, *words.Walker) error
}

func directives() []directive {
	return []directive{
		{"title", false, func(p *parser, w *words.Walker) error { return p.sentence(w, &p.s.Title) }},
		{"look", false, func(p *parser, w *words.Walker) error { return p.sentence(w, &p.s.Look) }},
		{"world", false, (*parser).worlds},
		{"delay", false, (*parser).delay},
		{"mtu", false, func(p *parser, w *words.Walker) error { return number(w, 68, 65535, &p.s.MTU) }},
		{"seed", false, (*parser).seed},
		{"ipv6", false, func(p *parser, _ *words.Walker) error { p.s.IPv6 = true; return nil }},
		{"connections", false, func(p *parser, w *words.Walker) error { return number(w, 1, 1000, &p.s.Connections) }},
		{"client", false, func(p *parser, w *words.Walker) error { return p.end(w, event.Client) }},
		{"server", false, func(p *parser, w *words.Walker) error { return p.end(w, event.Server) }},
		{"fault", true, func(p *parser, w *words.Walker) error { return p.list(w, &p.s.Faults, "a rule") }},
		{"inject", true, func(p *parser, w *words.Walker) error { return p.list(w, &p.s.Inject, "what is injected") }},
		{"peer", true, func(p *parser, w *words.Walker) error { return p.list(w, &p.s.Peers, "what the peer does") }},
		{"until", false, (*parser).until},
		{"deadline", false, func(p *parser, w *words.Walker) error { return duration(w, &p.s.Deadline) }},
		{"expect", true, (*parser).expect},
	}
}

// Directives returns the words with which a line can begin.
func Directives() []string {
	var names []string
	for _, d := range directives() {
		names = append(names, d.name)
	}
	return names
}

// rest takes the words up to the end of the line, as they stand there.
func (p *parser) rest(w *words.Walker, want string) (Line, error) {
	if !w.Next() {
		return Line{}, fail(w, want)
	}
	at := w.Fail("").Offset
	for w.Next() {
	}
	return Line{Text: p.text[at:], Line: p.n, Column: 1 + utf8.RuneCountInString(p.text[:at])}, nil
}

// sentence takes the rest of the line as words with one blank between them.
func (p *parser) sentence(w *words.Walker, to *string) error {
	l, err := p.rest(w, "a sentence")
	*to = strings.Join(strings.Fields(l.Text), " ")
	return err
}

// end takes the words of end h.
func (p *parser) end(w *words.Walker, h event.Host) (err error) {
	p.s.Ends[h], err = p.rest(w, "what this end does, such as \"role source bytes 1000\"")
	return err
}

// list takes the rest of the line into a list.
func (p *parser) list(w *words.Walker, to *[]Line, want string) error {
	l, err := p.rest(w, want)
	*to = append(*to, l)
	return err
}

func (p *parser) worlds(w *words.Walker) error {
	names := worldNames()[1:]
	for w.Next() || len(p.s.Worlds) == 0 {
		i, ok := index(names, w.Word)
		world := World(i + 1)
		switch {
		case !ok:
			return fail(w, choice(names), names...)
		case p.s.overlaps(world):
			return fail(w, "each world once: kernel is kernel-client and kernel-server")
		}
		p.s.Worlds = append(p.s.Worlds, world)
	}
	return nil
}

// overlaps reports whether a world that is w, has it or is had by it is among those of s.
func (s *Scenario) overlaps(w World) bool {
	for _, own := range s.Worlds {
		if own.Has(w) || w.Has(own) {
			return true
		}
	}
	return false
}

func (p *parser) delay(w *words.Walker) error {
	w.Next()
	one, two, both := strings.Cut(w.Word, ",")
	client, ok1 := words.Duration(one, time.Minute)
	server, ok2 := client, ok1
	if both {
		server, ok2 = words.Duration(two, time.Minute)
	}
	if !ok1 || !ok2 {
		return fail(w, "a time up to 1m such as 20ms, or two such as 5ms,80ms: the client's and the server's")
	}
	p.s.Delay[event.Client], p.s.Delay[event.Server], p.s.HasDelay = client, server, true
	return nil
}

func (p *parser) seed(w *words.Walker) (err error) {
	w.Next()
	if p.s.Seed, err = strconv.ParseInt(w.Word, 10, 64); err != nil {
		return fail(w, "a whole number")
	}
	p.s.HasSeed = true
	return nil
}

func (p *parser) until(w *words.Walker) error {
	w.Next()
	names := []string{"done", "closed"}
	i, ok := index(names, w.Word)
	if !ok {
		return fail(w, choice(names), names...)
	}
	p.s.Closed = i == 1
	return nil
}

func (p *parser) expect(w *words.Walker) error {
	x, err := readExpectation(w)
	if err != nil {
		return err
	}
	x.Line = p.n
	p.s.Expectations = append(p.s.Expectations, x)
	return nil
}

// number takes a number from low to high.
func number(w *words.Walker, low, high int64, to *int) error {
	w.Next()
	n, ok := words.Number(w.Word, low, high)
	if !ok {
		return fail(w, "a number from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10))
	}
	*to = int(n)
	return nil
}

// wantTime is what stands where a time must.
const wantTime = "a time with its unit, such as 20ms or 1.5s, up to 24h"

// duration takes a time that is not 0.
func duration(w *words.Walker, to *time.Duration) error {
	w.Next()
	d, ok := words.Duration(w.Word, maxTime)
	if !ok || d == 0 {
		return fail(w, wantTime)
	}
	*to = d
	return nil
}

func index(names []string, s string) (int, bool) {
	for i, n := range names {
		if n == s {
			return i, true
		}
	}
	return 0, false
}
