package words

import (
	"slices"
	"strings"
)

// Nearest returns the one of words that word is a slip of: one letter too many, missing, wrong or exchanged with its
// neighbour, two in a word of more than four letters, or other case. It returns "" if there is none.
func Nearest(word string, words ...string) string {
	word = strings.ToLower(word)
	if len(word) > 24 { // no word of these languages is so long, and the distance costs the product of both lengths
		return ""
	}
	best, least := "", len(word)+1
	for _, w := range words {
		allowed := 1
		if len(w) > 4 {
			allowed = 2
		}
		// What is left of a short word after so many slips would be anything.
		allowed = min(allowed, len(w)-2)
		if d := Distance(word, w); d <= allowed && d < least {
			best, least = w, d
		}
	}
	if i := slices.Index(words, word); i >= 0 {
		return words[i]
	}
	return best
}

// Distance is the number of letters to insert, delete, replace or exchange with their neighbours that make a of b
// (optimal string alignment). It takes the product of the two lengths.
func Distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
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
