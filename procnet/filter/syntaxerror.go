package filter

import "strings"

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

// nearest returns the one of words that was most likely meant by word, "" when none is near: a third of its letters may differ.
func nearest(word string, words []string) string {
	word = strings.ToLower(word)
	best, found := 1+max(1, len(word)/3), ""
	for _, w := range words {
		if d := distance(word, w); d < best {
			best, found = d, w
		}
	}
	return found
}

// distance is how many letters have to be changed, added, removed or swapped with their neighbour to make b of a
// (the optimal string alignment distance).
func distance(a, b string) int {
	const longest = 32
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var rows [3][longest + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
