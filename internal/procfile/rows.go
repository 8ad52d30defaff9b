package procfile

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// MaxRow is the longest row, in bytes, that is handed out whole. The longest that a kernel writes (unix, with a path of 108
// bytes; snmp's TcpExt names) stays far below. A longer one is one ParseError with ErrTooLong.
const MaxRow = 64 << 10

// emptyReads bounds how often a reader may return nothing and no error before it is called broken.
const emptyReads = 100

// scanner cuts a byte stream at newlines in one fixed buffer. It never splits a row because of how the bytes arrived.
type scanner struct {
	r          io.Reader
	buf        []byte // of fixed size; holds at least one row of MaxRow bytes and its newline
	start, end int    // the unread bytes are buf[start:end]
	seen       int    // bytes of buf[start:] known to hold no newline
	err        error  // what the reader said last: io.EOF or a failure
}

// Rows cuts r into rows, without their newlines. The *Row is valid until the next step. A row longer than MaxRow is one
// *ParseError with a nil row and the walk goes on; an error of r itself is the last value. What r returned of a row before
// such an error is dropped: half a number is a wrong number. A last row without a newline is a row. file is the name that errors
// will carry.
func Rows(r io.Reader, file string) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		s := scanner{r: r, buf: make([]byte, MaxRow+1)}
		row := Row{File: file}
		for {
			text, long, ok := s.next()
			if !ok {
				break
			}
			row.reset(text)
			if long {
				if !yield(nil, row.Bad("", text, ErrTooLong)) {
					return
				}
				continue
			}
			if !yield(&row, nil) {
				return
			}
		}
		if !errors.Is(s.err, io.EOF) {
			yield(nil, s.err)
		}
	}
}

// next returns the next row; long when it is only the start of a row whose rest was skipped; false at the end.
func (s *scanner) next() (text []byte, long, ok bool) {
	if text, ok = s.line(); ok {
		return text, false, true
	}
	if s.end-s.start < len(s.buf) {
		return s.last()
	}
	// The buffer is full and holds no newline. Its head is kept for the message, the rest of the row is read over.
	var head [textLimit]byte
	copy(head[:], s.buf[s.start:])
	for {
		s.start, s.end, s.seen = 0, 0, 0
		if _, ok = s.line(); ok {
			return head[:], true, true
		}
		if s.end < len(s.buf) {
			s.start, s.seen = s.end, 0
			return head[:], true, errors.Is(s.err, io.EOF)
		}
	}
}

// last returns what stands after the last newline, if the file ended there and did not fail there.
func (s *scanner) last() (text []byte, long, ok bool) {
	text = s.buf[s.start:s.end]
	s.start, s.seen = s.end, 0
	return text, false, len(text) > 0 && errors.Is(s.err, io.EOF)
}

// line returns the next row that ends in a newline, reading until there is one; false when the reader ended or the buffer is full.
func (s *scanner) line() ([]byte, bool) {
	for {
		if i := bytes.IndexByte(s.buf[s.start+s.seen:s.end], '\n'); i >= 0 {
			text := s.buf[s.start : s.start+s.seen+i]
			s.start += s.seen + i + 1
			s.seen = 0
			return text, true
		}
		s.seen = s.end - s.start
		if s.err != nil || !s.fill() {
			return nil, false
		}
	}
}

// fill moves the unread bytes to the front and reads more; false when the buffer is full.
func (s *scanner) fill() bool {
	if s.start > 0 {
		copy(s.buf, s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == len(s.buf) {
		return false
	}
	for range emptyReads {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		s.err = err
		if n > 0 || err != nil {
			return true
		}
	}
	s.err = io.ErrNoProgress
	return true
}
