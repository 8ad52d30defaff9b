package procfile

import (
	"errors"
	"fmt"
)

// Reasons of a ParseError. They say what is wrong with the text of the column; the ParseError says where.
var (
	// ErrMissing: the row ended before this column.
	ErrMissing = errors.New("column is missing")
	// ErrNotHex: a byte that is no hexadecimal digit, or an empty column.
	ErrNotHex = errors.New("not a hexadecimal number")
	// ErrNotDecimal: a byte that is no decimal digit, or an empty column.
	ErrNotDecimal = errors.New("not a decimal number")
	// ErrRange: the number does not fit the width that the kernel prints this column from.
	ErrRange = errors.New("number out of range")
	// ErrNotAddress: an address column without the form of its file.
	ErrNotAddress = errors.New("not an address")
	// ErrTooLong: the row is longer than MaxRow.
	ErrTooLong = errors.New("row is too long")
)

// textLimit is how much of an offending text a ParseError keeps: enough to find the place, not a 100 kB row.
const textLimit = 64

// ParseError is one bad row. The walk over the file goes on after it.
type ParseError struct {
	File   string // path as it was opened
	Line   int    // counted from 1, the header included
	Column string // kernel's name of the column, empty when the row as a whole is bad
	Text   string // the text that failed, raw, at most 64 bytes of it
	Err    error  // one of the reasons of this package, or the caller's own
}

// Error says where and why on one line. The text is quoted, so that it carries no control byte.
func (e *ParseError) Error() string {
	where := fmt.Sprintf("%s: line %d", e.File, e.Line)
	if e.Column != "" {
		where += ": " + e.Column
	}
	if e.Text != "" {
		where += fmt.Sprintf(" %q", e.Text)
	}
	return where + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }

func clip(text []byte) string { return string(text[:min(len(text), textLimit)]) }
