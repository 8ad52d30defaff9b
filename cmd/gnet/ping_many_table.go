package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"gnet/internal/safe"
	"gnet/ping"
)

// The columns of manyTable.
const (
	cellTarget = iota
	cellAddress
	cellSent
	cellReceived
	cellLoss
	cellMin
	cellAverage
	cellMax
	cellDeviation
	cellRemarks
	cellCount
)

// manyTable prints the results of all targets, one on a line, and of all
// together. Times are in milliseconds.
type manyTable struct {
	results *manyResults
	widths  [cellCount]int
	// named: some target was given by a name, and the addresses have a column.
	named bool
	line  []byte
	row   cells
}

// cells are the texts of a row, one behind the other: there may be a million
// rows, which are made twice and not kept.
type cells struct {
	text []byte
	ends [cellCount]int
}

func (c *cells) reset() { c.text, c.ends = c.text[:0], [cellCount]int{} }

// end ends the cell that was appended to text, and all before it that were not.
func (c *cells) end(cell int) {
	for i := cell; i < cellCount; i++ {
		c.ends[i] = len(c.text)
	}
}

func (c *cells) cell(i int) []byte {
	if i == 0 {
		return c.text[:c.ends[0]]
	}
	return c.text[c.ends[i-1]:c.ends[i]]
}

func (c *cells) put(cell int, text string) {
	c.text = append(c.text, text...)
	c.end(cell)
}

func (c *cells) putInt(cell int, n int64) {
	c.text = strconv.AppendInt(c.text, n, 10)
	c.end(cell)
}

// putTime puts milliseconds with three decimals.
func (c *cells) putTime(cell int, d time.Duration) {
	us := d.Microseconds()
	c.text = strconv.AppendInt(c.text, us/1000, 10)
	c.text = append(c.text, '.', byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
	c.end(cell)
}

func (c *cells) heads() {
	c.reset()
	for i, head := range [...]string{"target", "address", "sent", "received", "loss", "min", "avg", "max", "mdev", ""} {
		c.put(i, head)
	}
}

// write prints the table. The width of its columns is known when all rows were
// seen.
func (t *manyTable) write(w io.Writer) {
	t.named = slices.ContainsFunc(t.results.run.targets.found, func(t manyTarget) bool { return !t.Numeric })
	t.row.heads()
	t.measure()
	t.results.all(func(r *manyResult) {
		t.fill(r)
		t.measure()
	})
	sum := t.results.sum()
	fmt.Fprintf(w, "--- statistics of %s, times in ms ---\n", plural(sum.Targets+sum.Missing, "target"))
	t.row.heads()
	w.Write(t.format())
	t.results.all(func(r *manyResult) {
		t.fill(r)
		w.Write(t.format())
	})
	io.WriteString(w, sum.line())
}

// fill makes the cells of a row.
func (t *manyTable) fill(r *manyResult) {
	c, st := &t.row, r.stats
	c.reset()
	c.text = safe.Append(c.text, r.target.label())
	c.end(cellTarget)
	if r.missing != "" {
		c.put(cellAddress, "-")
		c.put(cellRemarks, safe.String(r.missing))
		return
	}
	if t.named {
		c.put(cellAddress, safe.String(r.target.Addr.String()))
	}
	c.putInt(cellSent, st.Transmitted)
	c.putInt(cellReceived, st.Received)
	if loss, ok := st.Loss(); ok {
		c.put(cellLoss, percent(loss)+"%")
	}
	if st.RTT.N > 0 && t.results.run.o.Size >= timedSize {
		c.putTime(cellMin, st.RTT.Min)
		c.putTime(cellAverage, st.RTT.Average())
		c.putTime(cellMax, st.RTT.Max)
		c.putTime(cellDeviation, st.RTT.Deviation())
	}
	c.text = r.appendRemarks(c.text)
	c.end(cellRemarks)
}

// appendRemarks appends what the figures do not say.
func (r *manyResult) appendRemarks(b []byte) []byte {
	begin, st := len(b), r.stats
	for _, part := range [...]struct {
		n    int64
		what string
	}{{st.Duplicates, "duplicates"}, {st.Corrupted, "corrupted"}, {st.Truncated, "truncated"}, {st.Longer, "longer"},
		{st.Altered, "altered"}, {st.Foreign, "foreign"}, {st.Late, "late"}, {st.Errors, "errors"}, {st.NotSent, "not sent"}} {
		if part.n == 0 {
			continue
		}
		if len(b) > begin {
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "+%d %s", part.n, part.what)
	}
	if trouble := r.trouble(); trouble != "" {
		b = safe.Append(append(b, ": "...), trouble)
	}
	if r.last.kind == ping.ICMPError {
		b = append(safe.Append(append(b, " (from "...), r.last.from.String()), ')')
	}
	return b
}

func (t *manyTable) measure() {
	for i := range t.widths {
		t.widths[i] = max(t.widths[i], utf8.RuneCount(t.row.cell(i)))
	}
}

// format returns a line: words to the left, numbers to the right.
func (t *manyTable) format() []byte {
	b := t.line[:0]
	for i := range cellCount {
		cell := t.row.cell(i)
		if i == cellAddress && !t.named {
			continue
		}
		if i > 0 {
			b = append(b, "  "...)
		}
		pad := t.widths[i] - utf8.RuneCount(cell)
		switch {
		case i == cellRemarks:
			b = append(b, cell...)
		case i >= cellSent:
			b = append(appendBlanks(b, pad), cell...)
		default:
			b = appendBlanks(append(b, cell...), pad)
		}
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	t.line = append(b, '\n')
	return t.line
}

func appendBlanks(b []byte, n int) []byte {
	for range n {
		b = append(b, ' ')
	}
	return b
}

// line is the last line: all targets together.
func (s *manySum) line() string {
	b := fmt.Appendf(nil, "%s, %d answered", plural(s.Targets, "target"), s.Answered)
	if silent := s.Targets - s.Answered; silent > 0 {
		b = fmt.Appendf(b, ", %d did not", silent)
	}
	if s.Missing > 0 {
		b = fmt.Appendf(b, ", %d not found", s.Missing)
	}
	b = fmt.Appendf(b, "; %d packets transmitted, %d received", s.Transmitted, s.Received)
	for _, part := range []struct {
		n    int64
		what string
	}{{s.Duplicates, "duplicates"}, {s.Corrupted, "corrupted"}, {s.Errors, "errors"}} {
		if part.n > 0 {
			b = fmt.Appendf(b, ", +%d %s", part.n, part.what)
		}
	}
	if loss, ok := s.loss(); ok {
		b = fmt.Appendf(b, ", %s%% packet loss", percent(loss))
	}
	b = fmt.Appendf(b, ", time %dms", s.results.sweep.Elapsed().Milliseconds())
	if s.NotSent > 0 {
		b = fmt.Appendf(b, ", %d not sent", s.NotSent)
	}
	return string(append(b, '\n'))
}
