package routes

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The JSON of a file of routes is read by a scanner of our own: a million lines go through it, and encoding/json takes longer for
// one than the kernel takes to add the route. It accepts what RFC 8259 accepts, to a depth of jsonDepth; a fuzz test holds it
// against encoding/json.

// errJSON: the text is no JSON value.
var errJSON = errors.New("it is no JSON")

// jsonDepth bounds the nesting; a route has a list of objects of lists.
const jsonDepth = 16

// jsonValue is one value: its first byte is its kind (one of `"{[tfn-` or a digit) and raw its text, of a string without the quotes.
type jsonValue struct {
	kind byte
	raw  []byte
}

// jsonScanner walks over one text.
type jsonScanner struct {
	b []byte
	i int
}

func (s *jsonScanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r') {
		s.i++
	}
}

// take steps over the byte c, if it comes next.
func (s *jsonScanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// value reads one value, blanks around it included.
func (s *jsonScanner) value(depth int) (jsonValue, error) {
	s.space()
	if s.i >= len(s.b) || depth > jsonDepth {
		return jsonValue{}, errJSON
	}
	start, kind := s.i, s.b[s.i]
	var err error
	switch kind {
	case '"':
		start++
		if err = s.text(); err == nil {
			v := jsonValue{kind, s.b[start : s.i-1]}
			s.space()
			return v, nil
		}
	case '{', '[':
		err = s.nested(kind, depth)
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	default:
		err = s.number()
	}
	v := jsonValue{kind, s.b[start:s.i]}
	s.space()
	return v, err
}

func (s *jsonScanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return errJSON
	}
	s.i += len(w)
	return nil
}

// text steps over a string and its quotes.
func (s *jsonScanner) text() error {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c < ' ':
			return errJSON
		case c == '\\':
			s.i++
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return errJSON
}

func (s *jsonScanner) escape() error {
	if s.i >= len(s.b) {
		return errJSON
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		if len(s.b)-s.i > 4 {
			if _, err := strconv.ParseUint(string(s.b[s.i+1:s.i+5]), 16, 16); err == nil && s.b[s.i+1] != '+' && s.b[s.i+1] != '-' {
				s.i += 4
				return nil
			}
		}
	}
	return errJSON
}

func (s *jsonScanner) number() error {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return errJSON
	}
	if s.take('.') && !s.digits() {
		return errJSON
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return errJSON
		}
	}
	return nil
}

func (s *jsonScanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// nested steps over an object or a list.
func (s *jsonScanner) nested(kind byte, depth int) error {
	s.i++
	closing := byte(']')
	if kind == '{' {
		closing = '}'
	}
	if s.space(); s.take(closing) {
		return nil
	}
	for {
		if kind == '{' {
			if _, err := s.name(); err != nil {
				return err
			}
		}
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
		if s.take(closing) {
			return nil
		}
		if !s.take(',') {
			return errJSON
		}
	}
}

// name reads a member's name and the colon.
func (s *jsonScanner) name() ([]byte, error) {
	s.space()
	start := s.i + 1
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return nil, errJSON
	}
	if err := s.text(); err != nil {
		return nil, err
	}
	name := s.b[start : s.i-1]
	if s.space(); !s.take(':') {
		return nil, errJSON
	}
	return name, nil
}

// eachMember calls fn with each member of the object that is text, as a whole. Names are as written, with their escapes.
func eachMember(text []byte, fn func(name []byte, v jsonValue) error) error {
	return each(text, '{', '}', fn)
}

// eachElement calls fn with each element of the list that is text, as a whole.
func eachElement(text []byte, fn func(v jsonValue) error) error {
	return each(text, '[', ']', func(_ []byte, v jsonValue) error { return fn(v) })
}

func each(text []byte, opening, closing byte, fn func(name []byte, v jsonValue) error) error {
	s := jsonScanner{b: text}
	if s.space(); !s.take(opening) {
		return errJSON
	}
	s.space()
	for first := true; ; first = false {
		if first && s.take(closing) {
			break
		}
		var name []byte
		if opening == '{' {
			var err error
			if name, err = s.name(); err != nil {
				return err
			}
		}
		v, err := s.value(1)
		if err != nil {
			return err
		}
		if err := fn(name, v); err != nil {
			return err
		}
		if s.take(closing) {
			break
		}
		if !s.take(',') {
			return errJSON
		}
	}
	if s.space(); s.i != len(s.b) {
		return errJSON
	}
	return nil
}

// unescape appends the text of a string to b.
func (v jsonValue) unescape(b []byte) []byte {
	for i := 0; i < len(v.raw); i++ {
		if v.raw[i] != '\\' {
			b = append(b, v.raw[i])
			continue
		}
		i++
		switch c := v.raw[i]; c {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, n := escapedRune(v.raw[i:])
			b = utf8.AppendRune(b, r)
			i += n - 1
		default:
			b = append(b, c)
		}
	}
	return b
}

// escapedRune reads uXXXX, or the two of a surrogate pair, at the beginning of b; n is what it took.
func escapedRune(b []byte) (r rune, n int) {
	first, _ := strconv.ParseUint(string(b[1:5]), 16, 16)
	r, n = rune(first), 5
	if utf16.IsSurrogate(r) {
		if len(b) >= 11 && b[5] == '\\' && b[6] == 'u' {
			second, _ := strconv.ParseUint(string(b[7:11]), 16, 16)
			if pair := utf16.DecodeRune(r, rune(second)); pair != utf8.RuneError {
				return pair, 11
			}
		}
		r = utf8.RuneError
	}
	return r, n
}
