package filter

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token is by its form alone: a word may still be an operator or a name.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuoted
	tokenOpen
	tokenClose
	tokenNot
	tokenAnd
	tokenOr
	tokenCompare // = == != < <= > >=
	tokenBad     // a quote without its end
)

// token is one word of the expression, and where it stands there.
type token struct {
	kind       tokenKind
	text       string // the word itself, without quotes
	start, end int
}

// wordMode says where a bare word ends: a name before an operator, as in sport=22, a value not, as in cgroup /a=b.
type wordMode bool

const (
	nameWord  wordMode = false
	valueWord wordMode = true
)

// lex returns the token at offset at of the expression.
func lex(expr string, at int, mode wordMode) token {
	for at < len(expr) && isBlank(expr[at]) {
		at++
	}
	if at == len(expr) {
		return token{kind: tokenEnd, start: at, end: at}
	}
	if kind, n := symbol(expr[at:]); kind != tokenWord && (mode == nameWord || !startsValue(kind)) {
		return token{kind: kind, text: expr[at : at+n], start: at, end: at + n}
	}
	if expr[at] == '\'' || expr[at] == '"' {
		return lexQuoted(expr, at)
	}
	stop := "()&|"
	if mode == nameWord {
		stop = "()&|!=<>"
	}
	end := at
	for end < len(expr) && !isBlank(expr[end]) && strings.IndexByte(stop, expr[end]) < 0 {
		end++
	}
	return token{kind: tokenWord, text: expr[at:end], start: at, end: end}
}

// isBlank reports what isspace(3) does in the C locale.
func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// startsValue reports whether a value may begin with the symbol.
func startsValue(k tokenKind) bool { return k == tokenNot || k == tokenCompare }

// symbol returns the operator at the start of s and its length, or tokenWord.
func symbol(s string) (tokenKind, int) {
	second := byte(0)
	if len(s) > 1 {
		second = s[1]
	}
	long := func(double byte) int {
		if second == double {
			return 2
		}
		return 1
	}
	switch s[0] {
	case '(':
		return tokenOpen, 1
	case ')':
		return tokenClose, 1
	case '&':
		return tokenAnd, long('&')
	case '|':
		return tokenOr, long('|')
	case '=', '<', '>':
		return tokenCompare, long('=')
	case '!':
		if second == '=' {
			return tokenCompare, 2
		}
		return tokenNot, 1
	}
	return tokenWord, 0
}

// lexQuoted reads a word in ' or ". A backslash in front of anything but \, ' , " and xNN stands for itself, so that it
// reaches a pattern as it is.
func lexQuoted(expr string, at int) token {
	quote := expr[at]
	var b strings.Builder
	for i := at + 1; i < len(expr); i++ {
		c := expr[i]
		if c == quote {
			return token{kind: tokenQuoted, text: b.String(), start: at, end: i + 1}
		}
		if c == '\\' {
			if n, taken := escape(expr[i+1:]); taken > 0 {
				b.WriteByte(n)
				i += taken
				continue
			}
		}
		b.WriteByte(c)
	}
	return token{kind: tokenBad, text: expr[at:], start: at, end: len(expr)}
}

// escape returns the byte that s, behind a backslash, stands for, and how much of s that takes; 0 when it is no escape.
func escape(s string) (c byte, taken int) {
	switch {
	case s == "":
		return 0, 0
	case s[0] == '\\' || s[0] == '\'' || s[0] == '"':
		return s[0], 1
	case s[0] == 'x' && len(s) >= 3 && isHex(s[1]) && isHex(s[2]):
		return hexDigit(s[1])<<4 | hexDigit(s[2]), 3
	}
	return 0, 0
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// appendValue appends a value so that it reads back as the same: bare where that is safe, else in quotes.
func appendValue(dst []byte, s string) []byte {
	bare := s != "" && utf8.ValidString(s)
	for i := 0; bare && i < len(s); i++ {
		bare = s[i] > ' ' && s[i] != 0x7f && strings.IndexByte("()&|!=<>'\"\\", s[i]) < 0
	}
	if bare {
		return append(dst, s...)
	}
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c >= 0x7f:
			dst = append(dst, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
