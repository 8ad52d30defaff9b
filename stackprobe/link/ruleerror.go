package link

import (
	"fmt"
	"strings"
)

// RuleError is a rule that cannot be read. Word is the word at fault, Offset its place in Text in bytes; if words are
// missing, Word is "" and Offset is the end.
type RuleError struct {
	Text, Word string
	Offset     int
	// Want says what could have stood there, Meant what was probably meant, "" if nothing is near.
	Want, Meant string
}

// Error names the rule, the word and what was wanted.
func (e *RuleError) Error() string {
	if e.Word == "" {
		return fmt.Sprintf("fault %q: ends where %s should follow", e.Text, e.Want)
	}
	text := fmt.Sprintf("fault %q: %q: want %s", e.Text, e.Word, e.Want)
	if e.Meant != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Meant)
	}
	return text
}

// Pointer returns two lines, the rule and a caret below the word at fault.
func (e *RuleError) Pointer() string {
	return e.Text + "\n" + strings.Repeat(" ", len([]rune(e.Text[:e.Offset]))) + "^"
}
