package scenario

import (
	"fmt"
	"strings"

	"gnet/internal/words"
)

// Error is a file that cannot be read. File, Line and Column are the place, the numbers from 1 and Column in characters;
// Word is the word at fault, "" where words are missing.
type Error struct {
	File         string
	Line, Column int
	// Text is the line, Word the word at fault.
	Text, Word string
	// Want says what could have stood there, Meant what was probably meant, "" if nothing is near.
	Want, Meant string
}

// Error names the place, the word and what was wanted.
func (e *Error) Error() string {
	at := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Word == "" {
		return at + "ends where " + e.Want + " should follow"
	}
	text := fmt.Sprintf("%s%q: want %s", at, e.Word, e.Want)
	if e.Meant != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Meant)
	}
	return text
}

// Pointer returns two lines, the line of the file and a caret below the word at fault.
func (e *Error) Pointer() string {
	return e.Text + "\n" + strings.Repeat(" ", max(e.Column-1, 0)) + "^"
}

// In returns the error for a word within l, the text of a line of s that another room could not read: offset is the
// word's place in that text in bytes.
func (s *Scenario) In(l Line, offset int, word, want, meant string) *Error {
	before := l.Text[:min(max(offset, 0), len(l.Text))]
	e := &Error{File: s.File, Line: l.Line, Column: l.Column + len([]rune(before)), Word: word, Want: want, Meant: meant}
	e.Text = strings.Repeat(" ", max(l.Column-1, 0)) + l.Text
	return e
}

// failure is the error of a word of a line before its place is known.
type failure struct {
	at    *words.Error
	meant string
}

func (f *failure) Error() string { return f.at.Error() }

// fail makes the error for the word at which w stands. choices are words that could have stood there; one that is near is
// what was meant.
func fail(w *words.Walker, want string, choices ...string) error {
	meant := words.Nearest(w.Word, choices...)
	if meant == w.Word { // it is right elsewhere
		meant = ""
	}
	return &failure{w.Fail(want), meant}
}

// choice writes names as a sentence has them.
func choice(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
