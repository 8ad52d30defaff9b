package view

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"gnet/internal/safe"
	"gnet/stackprobe/event"
)

// style is how a cell is coloured; a page without colour ignores it.
type style uint8

const (
	plain  style = iota
	faint        // what is not from the wire: time lines, notes
	strong       // states, headings
	bad          // lost segments, failures
	again        // retransmissions and duplicates
)

// sgr are the sequences that switch the styles on (ECMA-48 8.3.117).
var sgr = [...]string{plain: "", faint: "\x1b[2m", strong: "\x1b[1m", bad: "\x1b[31m", again: "\x1b[33m"}

// glyphs are the characters that lines are made of. Each takes one column.
type glyphs struct {
	rail, line, toRight, toLeft rune // the time line of an end; a segment on its way and its heads
	down, up, cross, lost       rune // a slant to the right, to the left, two that cross, the end of a lost segment
	stuck                       rune // a slant that has no column left
	ellipsis                    string
}

var (
	unicodeGlyphs = glyphs{'│', '─', '►', '◄', '╲', '╱', '╳', '✗', '┊', "…"}
	asciiGlyphs   = glyphs{'|', '-', '>', '<', '\\', '/', 'X', 'x', ':', "..."}
)

// page writes rows. It keeps the first error of the writer and writes nothing after it.
type page struct {
	w      io.Writer
	opts   Options
	glyphs glyphs
	buf    []byte
	err    error
	used   signs
	// captured says that the events are of a capture, which has no account of its end.
	captured bool
	brief    int64    // how long a stretch must last for its length to be said
	conn     int      // the first connection, 0 before it
	many     bool     // there are others
	spare    [][]cell // rows that have been written
	// expectations are what came of those of a scenario, to be written at the end; more is how many there were beyond the
	// bound.
	expectations []event.Expectation
	more         int
	// sink takes the rows in the place of w, if there is one. at is the place of the event that is being drawn, places those of rows that
	// are not written yet, by their first cell.
	sink   func(Row)
	at     int
	places map[*cell]int
}

// signs is a set of signs that need a word of explanation.
type signs uint16

const (
	signAgain   signs = 1 << iota // R
	signGuess                     // ~
	signDup                       // dup N
	signHadIt                     // had it
	signUnknown                   // ?
	signQueued                    // a slant that stands still
	signWait                      // +N ms
	signConn                      // #N
	signFolded                    // … N segments …
	signPolled                    // '
)

// meanings explains the signs, in the order of their bits.
var meanings = [...]string{"R retransmission, with its cause", "~ concluded, not read from the stack", "dup N the Nth duplicate acknowledgment",
	"had it: all of it had arrived before", "? neither arrived nor lost so far", "on its way, drawn no further",
	"+ so much longer on its way by the rule named above", "#N the Nth connection", "told in one row, --unfold shows each",
	"' read a moment after the row's time"}

// cell is one column of a row.
type cell struct {
	r  rune
	st style
}

// row gives an empty row of the page's width.
func (p *page) row() []cell {
	var row []cell
	if n := len(p.spare); n > 0 {
		row, p.spare = p.spare[n-1], p.spare[:n-1]
	} else {
		row = make([]cell, p.opts.Width)
	}
	for i := range row {
		row[i] = cell{r: ' '}
	}
	p.place(row)
	return row
}

// put writes s into row from column at on; what would leave the row is cut. s must be clean.
func put(row []cell, at int, s string, st style) {
	for _, r := range s {
		if at >= len(row) {
			return
		}
		if at >= 0 {
			row[at] = cell{r, st}
		}
		at++
	}
}

// emit writes a row without the blanks at its end. The row is the page's again.
func (p *page) emit(row []cell) {
	end := len(row)
	for end > 0 && row[end-1].r == ' ' {
		end--
	}
	if p.sink != nil {
		p.give(row, end)
		return
	}
	p.buf = p.buf[:0]
	now := plain
	for _, c := range row[:end] {
		if p.opts.Color && c.st != now && c.r != ' ' {
			if now != plain {
				p.buf = append(p.buf, "\x1b[0m"...)
			}
			p.buf = append(p.buf, sgr[c.st]...)
			now = c.st
		}
		p.buf = utf8.AppendRune(p.buf, c.r)
	}
	if now != plain {
		p.buf = append(p.buf, "\x1b[0m"...)
	}
	p.buf = append(p.buf, '\n')
	p.spare = append(p.spare, row)
	if p.err == nil {
		_, p.err = p.w.Write(p.buf)
	}
}

// text writes a paragraph: head and body in the first row, what does not fit below, indented. Both must be clean.
func (p *page) text(head, body string, st style) {
	indent := len(head)
	if indent > p.opts.Width/2 {
		head, body, indent = "", head+body, 2
	}
	for i, line := range wrap(body, p.opts.Width-indent) {
		row := p.row()
		if i == 0 {
			put(row, 0, head, strong)
		}
		put(row, indent, line, st)
		p.emit(row)
	}
}

// clean makes text from outside fit for a cell grid: what package safe escapes, and also characters that do not take
// exactly one column (combining, East Asian wide, emoji) or, on an ASCII page, are not ASCII, become \xNN.
func (p *page) clean(s string) string {
	s = safe.String(s)
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf || (!p.opts.ASCII && narrow(r)) {
			b.WriteRune(r)
			continue
		}
		const hex = "0123456789abcdef"
		for _, c := range []byte(string(r)) {
			b.WriteString(`\x`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// narrow says whether r is printed in one column by every terminal: letters and signs below the first wide block
// (UAX #11), without marks and format characters.
func narrow(r rune) bool {
	return r < 0x1100 && unicode.IsGraphic(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Me, r) && !unicode.Is(unicode.Zs, r) || r == '…'
}

// columns is the number of columns of clean text.
func columns(s string) int { return utf8.RuneCountInString(s) }

// fit cuts clean text to n columns, with an ellipsis where something was cut.
func (p *page) fit(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	e := columns(p.glyphs.ellipsis)
	if n <= e {
		return p.glyphs.ellipsis[:0]
	}
	return prefix(s, n-e) + p.glyphs.ellipsis
}

// prefix gives the first n columns of clean text, never a part of an escape.
func prefix(s string, n int) string {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	// safe.Cut knows where escapes are; it counts bytes, so it gets the bytes of n columns.
	return safe.Cut(s, at)
}

// wrap breaks clean text into lines of at most n columns, at blanks where there are any. There is always one line.
func wrap(s string, n int) []string {
	var lines []string
	for columns(s) > n {
		head := prefix(s, n)
		if at := strings.LastIndexByte(head, ' '); s[len(head)] != ' ' && at > 0 {
			head = head[:at]
		}
		if head == "" { // an escape wider than the line: it must not stop us
			head = s[:min(n, len(s))]
		}
		lines = append(lines, strings.TrimRight(head, " "))
		s = strings.TrimLeft(s[len(head):], " ")
	}
	return append(lines, s)
}
