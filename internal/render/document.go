package render

import (
	"bytes"
	"fmt"
	"io"
)

// Format is an output format of the command line.
type Format uint8

// The formats of --format. Classic is not written by a Document: each command
// prints its own lines.
const (
	Classic Format = iota
	Table
	JSON
	JSONL
	CSV
)

// ParseFormat returns the format of a --format word, or an error that lists
// the words.
func ParseFormat(word string) (Format, error) {
	for f, w := range FormatWords() {
		if w == word {
			return Format(f), nil
		}
	}
	return Classic, fmt.Errorf("unknown format %q (classic, table, json, jsonl or csv)", word)
}

// FormatWords returns the words of --format, indexed by Format.
func FormatWords() []string { return []string{"classic", "table", "json", "jsonl", "csv"} }

// Document is one machine-readable answer: rows, notes and perhaps a summary
// in one format. Rows stream to the writer except in the table format, which
// must know the widest cell. The first write error is kept and returned by
// every later call.
type Document struct {
	w       io.Writer
	format  Format
	buf     []byte
	err     error
	rows    int
	notes   []note
	summary []byte // JSON object of the summary, written after the rows
	table   tableRows
	headed  bool // CSV header written
}

type note struct{ level, text string }

// NewDocument starts a document of the given schema, such as
// "gnet/netstat/1". The caller owns and flushes w.
func NewDocument(w io.Writer, format Format, schema string) *Document {
	d := &Document{w: w, format: format}
	if format == JSON {
		d.buf = append(d.buf, `{"schema":`...)
		d.buf = appendJSONString(d.buf, schema)
		d.buf = append(d.buf, `,"rows":[`...)
	}
	return d
}

// Rows writes rows of one type into a document.
type Rows[T any] struct {
	d       *Document
	columns []Column[T]
}

// NewRows returns the writer of a document's rows.
func NewRows[T any](d *Document, columns []Column[T]) *Rows[T] {
	r := &Rows[T]{d: d, columns: columns}
	switch d.format {
	case Table:
		d.table.head(Fields(columns))
	case CSV:
		if !d.headed {
			d.buf = appendCSVHead(d.buf, Fields(columns))
			d.headed = true
		}
	}
	return r
}

// Write writes one row and returns the document's first write error.
func (r *Rows[T]) Write(row *T) error {
	d := r.d
	d.rows++
	switch d.format {
	case JSON:
		if d.rows > 1 {
			d.buf = append(d.buf, ',')
		}
		d.buf = append(d.buf, '\n')
		d.buf = appendObject(d.buf, "", r.columns, row)
	case JSONL:
		d.buf = appendObject(d.buf, "row", r.columns, row)
		d.buf = append(d.buf, '\n')
	case CSV:
		d.buf = appendCSVRow(d.buf, r.columns, row)
	case Table:
		d.table.rows = append(d.table.rows, tableRow(r.columns, row))
	}
	return d.flush(32 << 10)
}

// WriteObject writes a row in json or jsonl whose object the caller has made: the keys and values that the columns make, which a
// test must hold to that. It is for rows so many that asking each column takes too long. object begins with a brace and has a key.
func (r *Rows[T]) WriteObject(object []byte) error {
	d := r.d
	d.rows++
	if d.format == JSON {
		if d.rows > 1 {
			d.buf = append(d.buf, ',')
		}
		d.buf = append(append(d.buf, '\n'), object...)
		return d.flush(32 << 10)
	}
	d.buf = append(append(d.buf, `{"kind":"row",`...), object[1:]...)
	d.buf = append(d.buf, '\n')
	return d.flush(32 << 10)
}

// Change writes a row that says what changed: kind "change" in jsonl, a row
// elsewhere.
func (r *Rows[T]) Change(row *T) error {
	if r.d.format != JSONL {
		return r.Write(row)
	}
	r.d.buf = appendObject(r.d.buf, "change", r.columns, row)
	r.d.buf = append(r.d.buf, '\n')
	return r.d.flush(0)
}

// Summary writes what is true of all rows together: the key "summary" in json,
// a line of kind "summary" in jsonl, nothing in csv and table, which hold rows
// only.
func Summary[T any](d *Document, columns []Column[T], row *T) error {
	switch d.format {
	case JSON:
		d.summary = appendObject(nil, "", columns, row)
	case JSONL:
		d.buf = appendObject(d.buf, "summary", columns, row)
		d.buf = append(d.buf, '\n')
	}
	return d.flush(32 << 10)
}

// Note records a message that also went to stderr. The level is "warning",
// "hint" or "error".
func (d *Document) Note(level, text string) error {
	switch d.format {
	case JSON:
		d.notes = append(d.notes, note{level, text})
	case JSONL:
		d.buf = append(d.buf, `{"kind":"note",`...)
		d.buf = append(appendNote(d.buf, note{level, text}), '}', '\n')
	}
	return d.flush(32 << 10)
}

// Flush writes what is buffered, for output that is watched as it grows.
func (d *Document) Flush() error { return d.flush(0) }

// Close ends the document and returns its first write error.
func (d *Document) Close() error {
	switch d.format {
	case JSON:
		d.closeJSON()
	case Table:
		var out bytes.Buffer
		if err := d.table.render(&out); err != nil && d.err == nil {
			d.err = err
		}
		d.buf = append(d.buf, out.Bytes()...)
	}
	return d.flush(0)
}

func (d *Document) closeJSON() {
	if d.rows > 0 {
		d.buf = append(d.buf, '\n')
	}
	d.buf = append(d.buf, ']')
	if d.summary != nil {
		d.buf = append(d.buf, `,"summary":`...)
		d.buf = append(d.buf, d.summary...)
	}
	d.buf = append(d.buf, `,"notes":[`...)
	for i, n := range d.notes {
		if i > 0 {
			d.buf = append(d.buf, ',')
		}
		d.buf = append(appendNote(append(d.buf, '{'), n), '}')
	}
	d.buf = append(d.buf, "]}\n"...)
}

// flush writes the buffer once it holds more than limit bytes.
func (d *Document) flush(limit int) error {
	if len(d.buf) > limit && d.err == nil {
		_, d.err = d.w.Write(d.buf)
	}
	if len(d.buf) > limit {
		d.buf = d.buf[:0]
	}
	return d.err
}

func appendNote(dst []byte, n note) []byte {
	dst = append(dst, `"level":`...)
	dst = appendJSONString(dst, n.level)
	dst = append(dst, `,"text":`...)
	return appendJSONString(dst, n.text)
}
