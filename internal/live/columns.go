package live

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"gnet/internal/safe"
)

// Columns returns how many columns s takes on a terminal once it has been made safe.
func Columns(s string) int {
	s = safe.String(s)
	n := 0
	for s != "" {
		_, rest, width := cluster(s)
		s, n = rest, n+width
	}
	return n
}

// maxMarks bounds the marks over and under a character: more would be drawn over the rows above and below.
const maxMarks = 4

// cluster returns the first character of s as people see it, with the marks that combine with it, and the columns that it takes. What
// terminals disagree about is taken apart, so that each finds a place of its own: characters that joiners or variation selectors would
// make one are several, and the joiners go.
func cluster(s string) (first, rest string, width int) {
	if s[0] >= ' ' && s[0] < 0x7f && (len(s) == 1 || s[1] < 0x80) {
		return s[:1], s[1:], 1
	}
	whole, _, width, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	r, n := utf8.DecodeRuneInString(whole)
	switch {
	case combines(r): // with nothing
		return "", s[n:], 0
	case n == len(whole):
		return whole, s[n:], width
	}
	first = s[:n]
	for marks := 0; n < len(whole); {
		r, size := utf8.DecodeRuneInString(whole[n:])
		if !combines(r) {
			break
		}
		n += size
		if marks < maxMarks && !unicode.In(r, unicode.Cf, unicode.Variation_Selector) {
			first += string(r)
			marks++
		}
	}
	return first, s[n:], uniseg.StringWidth(first)
}

// combines reports whether terminals give a character no column of its own.
func combines(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) || r >= 0x1160 && r <= 0x11ff || r >= 0xd7b0 && r <= 0xd7fb // jamo that end a syllable
}

// Wrap breaks text at blanks into lines of at most width columns, and a word that is longer anywhere.
func Wrap(text string, width int) (lines []string) {
	line, used := "", 0
	for _, word := range strings.Fields(safe.String(text)) {
		n := Columns(word)
		if line != "" && used+1+n > width {
			lines, line, used = append(lines, line), "", 0
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		for used+n > width && width > 0 && n > 0 {
			var head string
			head, word = cut(word, width)
			if word == "" {
				word, n = head, Columns(head)
				break
			}
			lines, n = append(lines, head), Columns(word)
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}

// cut parts a word behind what fits into width columns, and one character at least.
func cut(word string, width int) (head, tail string) {
	for at, used := 0, 0; at < len(word); {
		_, rest, n := cluster(word[at:])
		if used += n; used > width && at > 0 {
			return word[:at], word[at:]
		}
		at = len(word) - len(rest)
	}
	return word, ""
}
