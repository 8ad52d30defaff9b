// Package safe turns text from outside (process names, unix paths, interface
// names, DNS answers, stored events) into text for a terminal.
//
// A terminal obeys bytes, not characters: an ESC in a process name can rewrite
// the line that is meant to expose it (CVE-2024-58251 of net-tools). So each
// byte of a control character, of a bidirectional control and of anything that
// is not UTF-8 becomes \xNN. Machine formats do not pass here: they carry the
// true string, escaped by their own rules.
package safe

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// Append appends s to dst with every unsafe byte as \xNN and returns the
// extended slice. It allocates only when dst has no room.
func Append(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		n := unsafeLen(s[i:])
		if n == 0 {
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		for _, b := range []byte(s[i : i+n]) {
			dst = append(dst, '\\', 'x', hexDigits[b>>4], hexDigits[b&15])
		}
		i += n
		start = i
	}
	return append(dst, s[start:]...)
}

// String returns s with every unsafe byte as \xNN; s itself when there is none.
func String(s string) string {
	if Clean(s) {
		return s
	}
	return string(Append(make([]byte, 0, len(s)+16), s))
}

// Clean reports whether s can go to a terminal as it is.
func Clean(s string) bool {
	for i := 0; i < len(s); {
		if b := s[i]; b < utf8.RuneSelf {
			if b < 0x20 || b == 0x7f {
				return false
			}
			i++
			continue
		}
		if unsafeLen(s[i:]) != 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		i += n
	}
	return true
}

// Cut returns the longest prefix of the escaped string s that has at most
// width bytes and ends neither inside an escape nor inside a UTF-8 sequence.
func Cut(s string, width int) string {
	if len(s) <= width {
		return s
	}
	end := 0
	for end < len(s) {
		n := unitLen(s[end:])
		if end+n > width {
			break
		}
		end += n
	}
	return s[:end]
}

// unitLen returns the length of the escape or character at the start of s.
func unitLen(s string) int {
	if len(s) >= 4 && s[0] == '\\' && s[1] == 'x' && isHex(s[2]) && isHex(s[3]) {
		return 4
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f'
}

// unsafeLen returns how many bytes at the start of s must be escaped: the
// length of a control or bidi character, 1 for a byte that is not UTF-8, or 0.
func unsafeLen(s string) int {
	b := s[0]
	if b < utf8.RuneSelf {
		if b < 0x20 || b == 0x7f {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return 1
	case r >= 0x80 && r < 0xa0, // C1 controls: U+009B is CSI
		r == 0x061c, r == 0x200e, r == 0x200f, // bidi marks (UAX #9)
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
		r == 0x2028, r == 0x2029: // line and paragraph separator end a row
		return n
	}
	return 0
}
