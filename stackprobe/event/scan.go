package event

import (
	"encoding/hex"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep values may stand in each other; ours need four.
const maxDepth = 16

// scanner reads JSON (RFC 8259) from a buffer. The first thing that is wrong is kept in want and at, and ends all loops.
type scanner struct {
	b      []byte
	i      int
	depth  int
	want   string // what should have stood at the offset at, "" while all is well
	at     int
	inText bool   // it is within a string
	spare  []byte // of strings with escapes
	schema string // the schema that was met
	raw    []byte // what text returns next instead of what stands there, if it is not nil
}

// fail says what should stand at the offset at.
func (s *scanner) fail(at int, want string) {
	if s.want == "" {
		s.want, s.at = want, at
	}
}

// next skips blanks and returns the byte behind them, 0 at the end.
func (s *scanner) next() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// accept takes c if it is next.
func (s *scanner) accept(c byte) bool {
	if s.want == "" && s.next() == c {
		s.i++
		return true
	}
	return false
}

// expect takes c, which must be next.
func (s *scanner) expect(c byte) bool {
	if !s.accept(c) {
		s.fail(s.i, strconv.QuoteRune(rune(c)))
		return false
	}
	return true
}

// members calls body with each key of the object that is next; body must take the value. The key is valid during the call.
func (s *scanner) members(body func(key []byte)) {
	if s.enter('{') && !s.accept('}') {
		for s.want == "" {
			s.next()
			key := s.text()
			s.spare = nil // the key may stand in it
			if !s.expect(':') {
				break
			}
			body(key)
			if s.want != "" || s.accept('}') {
				break
			}
			if !s.accept(',') {
				s.fail(s.i, "a comma or }")
			}
		}
	}
	s.depth--
}

// elements calls body for each element of the array that is next; body must take it.
func (s *scanner) elements(body func()) {
	if s.enter('[') && !s.accept(']') {
		for s.want == "" {
			body()
			if s.want != "" || s.accept(']') {
				break
			}
			if !s.accept(',') {
				s.fail(s.i, "a comma or ]")
			}
		}
	}
	s.depth--
}

func (s *scanner) enter(open byte) bool {
	if s.depth++; s.depth > maxDepth {
		s.fail(s.i, "fewer values in each other")
		return false
	}
	return s.expect(open)
}

// skip takes any value.
func (s *scanner) skip() {
	switch c := s.next(); {
	case s.want != "":
	case s.raw != nil:
		s.raw = nil
	case c == '{':
		s.members(func([]byte) { s.skip() })
	case c == '[':
		s.elements(s.skip)
	case c == '"':
		s.text()
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	default:
		for _, word := range [...]string{"true", "false", "null"} {
			if s.literal(word) {
				return
			}
		}
		s.fail(s.i, "a value")
	}
}

// literal takes word if it is next.
func (s *scanner) literal(word string) bool {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return false
	}
	s.i += len(word)
	return true
}

// number takes a number and returns its text.
func (s *scanner) number() []byte {
	s.next()
	if s.raw != nil {
		s.fail(s.i, "a number that has no bytes")
	}
	start := s.i
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	first := s.i
	if s.digits(); s.i > first+1 && s.b[first] == '0' {
		s.fail(start, "a number without leading zeros")
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		s.digits()
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		if s.i++; s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		s.digits()
	}
	return s.b[start:s.i]
}

// digits takes at least one digit.
func (s *scanner) digits() {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	if s.i == start {
		s.fail(s.i, "a digit")
	}
}

// int takes an integer from low to high.
func (s *scanner) int(low, high int64) int64 {
	s.next()
	start := s.i
	n, err := strconv.ParseInt(string(s.number()), 10, 64)
	if err != nil || n < low || n > high {
		s.fail(start, "an integer from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10))
		return 0
	}
	return n
}

// uint takes an integer from 0 to high.
func (s *scanner) uint(high uint64) uint64 {
	s.next()
	start := s.i
	n, err := strconv.ParseUint(string(s.number()), 10, 64)
	if err != nil || n > high {
		s.fail(start, "an integer from 0 to "+strconv.FormatUint(high, 10))
		return 0
	}
	return n
}

// bool takes true or false.
func (s *scanner) bool() bool {
	s.next()
	switch {
	case s.want != "" || s.raw != nil:
		s.fail(s.i, "true or false")
	case s.literal("true"):
		return true
	case !s.literal("false"):
		s.fail(s.i, "true or false")
	}
	return false
}

// text takes a string. What it returns is valid until the next call.
func (s *scanner) text() []byte {
	if raw := s.raw; raw != nil {
		s.raw = nil
		return raw
	}
	if !s.expect('"') {
		return nil
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.utf8(s.b[start:s.i-1], start)
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			s.fail(s.i, "no control byte")
			return nil
		}
		s.i++
	}
	s.fail(s.i, "the end of the string")
	s.inText = true
	return nil
}

func (s *scanner) utf8(b []byte, at int) []byte {
	if !utf8.Valid(b) {
		s.fail(at, "UTF-8")
		return nil
	}
	return b
}

// escaped goes on with a string in which the first escape has come.
func (s *scanner) escaped(start int) []byte {
	out := append(s.spare[:0], s.b[start:s.i]...)
	for s.i < len(s.b) && s.want == "" {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			s.spare = out
			return s.utf8(out, start)
		case c == '\\':
			out = s.escape(out)
			continue
		case c < 0x20:
			s.fail(s.i, "no control byte")
			return nil
		default:
			out = append(out, c)
		}
		s.i++
	}
	s.fail(s.i, "the end of the string")
	s.inText = true
	return nil
}

// escape appends what the escape that is next stands for.
func (s *scanner) escape(out []byte) []byte {
	at := s.i
	if s.i+1 >= len(s.b) {
		s.i = len(s.b)
		return out
	}
	c := s.b[s.i+1]
	s.i += 2
	switch c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'u':
		r := s.hex4()
		if utf16.IsSurrogate(r) && s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
			s.i += 2
			r = utf16.DecodeRune(r, s.hex4())
		}
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
		}
		return utf8.AppendRune(out, r)
	}
	s.fail(at, "an escape of RFC 8259")
	return out
}

// hex4 takes four hexadecimal digits.
func (s *scanner) hex4() rune {
	var d [2]byte
	if s.i+4 > len(s.b) {
		s.fail(s.i, "four hexadecimal digits")
		s.i = len(s.b)
		return 0
	}
	if _, err := hex.Decode(d[:], s.b[s.i:s.i+4]); err != nil {
		s.fail(s.i, "four hexadecimal digits")
	}
	s.i += 4
	return rune(d[0])<<8 | rune(d[1])
}
