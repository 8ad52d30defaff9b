package filter

import (
	"strings"

	"gnet/internal/words"
)

// SyntaxError says which word of an expression is wrong, and why. Its text is Msg, without a position: who prints it shows
// Expr with Word marked.
type SyntaxError struct {
	Expr   string
	Offset int    // of Word in Expr, in bytes
	Word   string // as it stands in Expr; empty when the expression ends too soon
	Msg    string
	Hint   string // what to write instead; may be empty
}

// Error returns the message.
func (e *SyntaxError) Error() string { return e.Msg }

// longest is more than any word of the language has; a longer one is no slip of one.
const longest = 32

// nearest returns the one of known that was most likely meant by word, "" when none is near: a third of its letters may differ.
func nearest(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, found := 1+max(1, len(word)/3), ""
	for _, w := range known {
		if d := words.Distance(word, w); d < best {
			best, found = d, w
		}
	}
	return found
}
