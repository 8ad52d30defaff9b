// Package words walks over the words of a small language on the command line, one blank or more between two words, and
// makes errors that point at the word at fault.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Walker stands at one word of a text. The zero value of Word is the end.
type Walker struct {
	text, rest string
	// Word is where the walker stands, "" before the first and behind the last word.
	Word string
	at   int // offset of Word in text
}

// Walk returns a walker before the first word of text.
func Walk(text string) *Walker { return &Walker{text: text, rest: text} }

// Next goes to the next word and reports whether there is one.
func (w *Walker) Next() bool {
	w.rest = strings.TrimLeft(w.rest, " \t")
	w.at = len(w.text) - len(w.rest)
	n := strings.IndexAny(w.rest, " \t")
	if n < 0 {
		n = len(w.rest)
	}
	w.Word, w.rest = w.rest[:n], w.rest[n:]
	return w.Word != ""
}

// Peek returns the word after the present one, "" if there is none.
func (w *Walker) Peek() string {
	next := *w
	next.Next()
	return next.Word
}

// Fail returns the error of the present word. want says what could have stood there.
func (w *Walker) Fail(want string) *Error {
	return &Error{Text: w.text, Word: w.Word, Offset: w.at, Want: want}
}

// Error is a text that cannot be read. Word is the word at fault, Offset its place in Text in bytes; both point behind
// the end if words are missing.
type Error struct {
	Text, Word string
	Offset     int
	// Want says what could have stood there, Meant what was probably meant, "" if nothing is near.
	Want, Meant string
}

// Error names the text, the word and what was wanted.
func (e *Error) Error() string {
	if e.Word == "" {
		return fmt.Sprintf("%q: ends where %s should follow", e.Text, e.Want)
	}
	text := fmt.Sprintf("%q: %q: want %s", e.Text, e.Word, e.Want)
	if e.Meant != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Meant)
	}
	return text
}

// Pointer returns two lines, the text and a caret below the word at fault.
func (e *Error) Pointer() string {
	return e.Text + "\n" + strings.Repeat(" ", len([]rune(e.Text[:e.Offset]))) + "^"
}

// Number reads a decimal number from low to high, without sign or leading zero.
func Number(s string, low, high int64) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= low && n <= high
}

// Duration reads a time with its unit, such as 20ms or 1m30s, from 0 to high.
func Duration(s string, high time.Duration) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && s[0] >= '0' && s[0] <= '9' && d >= 0 && d <= high
}
