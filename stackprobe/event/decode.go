package event

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxObject bounds the text of one event. The longest that a run writes has 64 KiB of a packet in hexadecimal.
const maxObject = 1 << 20

// maxLine bounds how long the end of a line is looked for that holds no list of rows: a device may have none.
const maxLine = 1 << 26

// DecodeError is a place in a stored run that is not what it should be.
type DecodeError struct {
	// Line counts from 1, Column the bytes of the line from 1.
	Line, Column int
	Want         string
}

// Error names the place and what should stand there.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("line %d, column %d: want %s", e.Line, e.Column, e.Want)
}

// EndlessError is a line of so many bytes that there is no sense in looking for its end.
type EndlessError struct{ Line int }

// Error names the line.
func (e *EndlessError) Error() string {
	return fmt.Sprintf("line %d has more than %d bytes: no stored run", e.Line, maxLine)
}

// SchemaError is a stored run of another form.
type SchemaError struct{ Schema string }

// Error names the form and the one that is read here.
func (e *SchemaError) Error() string { return fmt.Sprintf("schema %q: want %s", e.Schema, Schema) }

// Decode returns the events of a stored run as r has them: AppendJSON's objects one per line (those of the format jsonl
// among them, whose notes are passed over), or the one object of the format json. Keys that are not known are passed over,
// and so is "derived": package analyze computes it anew. The pointer is valid until the next step.
//
// A nil event with a *DecodeError is one bad line, one bad row where many stand in a long line, or what is missing at the end; the
// walk goes on. Any other error is last: a *SchemaError, an *EndlessError, or that of r. An object of more than 1 MiB is a bad one;
// no more than that is ever held.
func Decode(r io.Reader) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		d := decoder{r: bufio.NewReaderSize(r, 64<<10), yield: yield}
		err := d.run()
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

// errStop is a consumer that wants no more.
var errStop = errors.New("stopped")

// decoder walks over a stored run. Objects are gathered from lines, so that after a bad one the next line is a new start.
type decoder struct {
	r     *bufio.Reader
	yield func(*Event, error) bool
	line  int    // number of the last line that was read
	long  []byte // a line that the reader's buffer cannot hold
	rows  rowScanner
	// offset is where in its line the text begins that is read.
	offset int
	state  place
	e      Event
	// buf are the lines of an object that is not whole yet, from line start on; depth is how many of its brackets are open
	// and indent the blanks before it.
	buf                  []byte
	start, depth, indent int
}

// place is where in a stored run the decoder is.
type place uint8

const (
	outside place = iota // before the head of the format json, or in a run that has none
	inRows               // within its list of rows
	behind               // behind that
)

// run reads to the end; the error is the last.
func (d *decoder) run() error {
	for {
		line, err := d.read()
		if err != nil && err != io.EOF {
			return err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if err := d.take(line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return d.finish()
		}
	}
}

// read returns the next line without its end, or the next row of a line that the buffer cannot hold and that stands in the list of
// rows; it is valid until the next call. A line that is too long is cut where that is seen.
func (d *decoder) read() ([]byte, error) {
	if d.rows.on {
		return d.row()
	}
	d.line++
	d.offset = 0
	line, err := d.r.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return bytes.TrimRight(line, "\r\n"), err
	}
	head := d.state == outside && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(`{"schema"`))
	if len(d.buf) == 0 && (head || d.state == inRows) {
		d.rows.begin(line, head)
		return d.row()
	}
	d.long = append(d.long[:0], line...)
	for seen := len(line); err == bufio.ErrBufferFull; {
		if line, err = d.r.ReadSlice('\n'); len(d.long) <= maxObject {
			d.long = append(d.long, line...)
		}
		if seen += len(line); seen > maxLine {
			return nil, &EndlessError{d.line}
		}
	}
	return bytes.TrimRight(d.long, "\r\n"), err
}

// finish says what is missing at the end.
func (d *decoder) finish() error {
	switch {
	case len(d.buf) > 0:
		return d.bad(d.start, 1, "an object that ends")
	case d.state == inRows:
		return d.bad(d.line, 1, "the end of the list of rows")
	}
	return nil
}

// bad hands on a bad line.
func (d *decoder) bad(line, column int, want string) error {
	if !d.yield(nil, &DecodeError{line, column, want}) {
		return errStop
	}
	return nil
}

// take reads a line.
func (d *decoder) take(line []byte) error {
	if d.state == behind {
		return nil // notes and summary
	}
	if len(line)+len(d.buf) > maxObject {
		d.buf = d.buf[:0]
		return d.bad(d.line, d.offset+1, fmt.Sprintf("at most %d bytes for an event", maxObject))
	}
	if len(d.buf) > 0 {
		return d.more(line)
	}
	d.start = d.line
	return d.parse(line)
}

// more adds a line to an object that is not whole. A line that begins like the object's own first line is the next one: the
// end of this one is missing.
func (d *decoder) more(line []byte) error {
	if text := bytes.TrimLeft(line, " \t"); text[0] == '{' && len(line)-len(text) == d.indent {
		start := d.start
		d.buf, d.start = d.buf[:0], d.line
		if err := d.bad(start, 1, "an object that ends"); err != nil {
			return err
		}
		return d.parse(line)
	}
	d.buf = append(append(d.buf, '\n'), line...)
	if d.depth += balance(line); d.depth > 0 {
		return nil
	}
	whole := d.buf
	d.buf, d.offset = nil, 0 // parse may begin the next one
	return d.parse(whole)
}

// parse reads text, which begins at line start.
func (d *decoder) parse(text []byte) error {
	s := scanner{b: text}
	if d.state == outside && !d.head(&s) {
		return d.lineOf(&s)
	}
	if err := s.schemaError(); err != nil {
		return err
	}
	if s.want != "" {
		return d.retry(&s)
	}
	return d.list(&s)
}

// head takes the head of the format json, `{"schema":...,"rows":[`, and reports whether there is one, perhaps not whole.
// It leaves s at its beginning if there is none.
func (d *decoder) head(s *scanner) bool {
	if s.expect('{') && s.next() == 0 {
		s.fail(s.i, "a key")
		return true
	}
	if string(s.text()) != "schema" {
		*s = scanner{b: s.b}
		return false
	}
	s.expect(':')
	s.schema = string(s.text())
	if s.expect(',') && string(s.text()) != "rows" {
		s.fail(s.i, `"rows"`)
	}
	if s.expect(':') && s.expect('[') {
		d.state = inRows
	}
	return true
}

// lineOf reads a line of its own: an event, or what else the format jsonl has.
func (d *decoder) lineOf(s *scanner) error {
	isEvent := decodeEvent(s, &d.e)
	if s.want == "" && s.next() != 0 {
		s.fail(s.i, "the end of the line")
	}
	return d.emit(s, isEvent)
}

// list reads what stands in the list of rows, as far as the text at hand has it whole.
func (d *decoder) list(s *scanner) error {
	for {
		s.accept(',')
		switch s.next() {
		case 0:
			return nil
		case ']':
			d.state = behind
			return nil
		}
		d.start += bytes.Count(s.b[:s.i], []byte{'\n'})
		if last := bytes.LastIndexByte(s.b[:s.i], '\n'); last >= 0 {
			d.offset = s.i - last - 1
		} else {
			d.offset += s.i
		}
		s.b, s.i = s.b[s.i:], 0
		isEvent := decodeEvent(s, &d.e)
		if s.want != "" && s.at >= len(s.b) {
			return d.retry(s)
		}
		if err := d.emit(s, isEvent); err != nil {
			return err
		}
		if s.want != "" && !d.nextRow(s) {
			return nil
		}
	}
}

// nextRow goes to the end of a bad row, which s begins with, and reports whether it has one.
func (d *decoder) nextRow(s *scanner) bool {
	end := rowEnd(s.b)
	*s = scanner{b: s.b, i: end, schema: s.schema}
	return end > 0
}

// retry waits for more lines if only the end is missing.
func (d *decoder) retry(s *scanner) error {
	if s.at < len(s.b) || s.inText {
		return d.emit(s, false)
	}
	first, _, _ := bytes.Cut(s.b, []byte{'\n'})
	d.buf = append(d.buf[:0], s.b...)
	d.depth, d.indent = balance(s.b), len(first)-len(bytes.TrimLeft(first, " \t"))
	return nil
}

// emit hands on the event, or where s has stopped.
func (d *decoder) emit(s *scanner, isEvent bool) error {
	switch err := s.schemaError(); {
	case err != nil:
		return err
	case s.want != "":
		before := s.b[:min(s.at, len(s.b))]
		column := len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
		if bytes.IndexByte(before, '\n') < 0 {
			column += d.offset
		}
		return d.bad(d.start+bytes.Count(before, []byte{'\n'}), column, s.want)
	case isEvent && !d.yield(&d.e, nil):
		return errStop
	}
	return nil
}

// schemaError returns a *SchemaError if s met a schema that is not read here.
func (s *scanner) schemaError() error {
	if s.schema == "" || s.schema == Schema {
		return nil
	}
	return &SchemaError{s.schema}
}

// balance returns how many brackets of text stay open. A string ends with its line.
func balance(text []byte) int {
	n, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			quoted = false
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			n++
		case c == '}' || c == ']':
			n--
		}
	}
	return n
}
