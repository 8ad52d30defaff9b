package view

import (
	"io"
	"strconv"

	"gnet/internal/safe"
)

// htmlWriter writes a page. What is text passes text, which no byte from outside survives that means something in HTML or to a
// reader's eye; what is markup is ours and passes raw. It keeps the first error of the writer and writes nothing after it.
type htmlWriter struct {
	w   io.Writer
	buf []byte
	err error
}

// flushAt is how much is gathered before it is written.
const flushAt = 1 << 16

// raw writes markup.
func (h *htmlWriter) raw(parts ...string) {
	for _, s := range parts {
		h.buf = append(h.buf, s...)
	}
	if len(h.buf) >= flushAt {
		h.flush()
	}
}

// text writes text, which is also fit for the value of an attribute in quotes.
func (h *htmlWriter) text(s string) {
	if !safe.Clean(s) {
		s = safe.String(s)
	}
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			h.buf = append(h.buf, "&amp;"...)
		case '<':
			h.buf = append(h.buf, "&lt;"...)
		case '>':
			h.buf = append(h.buf, "&gt;"...)
		case '"':
			h.buf = append(h.buf, "&quot;"...)
		case '\'':
			h.buf = append(h.buf, "&#39;"...)
		default:
			h.buf = append(h.buf, c)
		}
	}
}

// element writes an element that holds text alone; class can be "".
func (h *htmlWriter) element(tag, class, text string) {
	h.raw("<", tag)
	if class != "" {
		h.raw(` class="`, class, `"`)
	}
	h.raw(">")
	h.text(text)
	h.raw("</", tag, ">")
}

// int writes a number.
func (h *htmlWriter) int(n int) { h.buf = strconv.AppendInt(h.buf, int64(n), 10) }

// quote writes a JSON string that may stand within a script element: no "<" is left that could end it, and what safe escapes is
// escaped.
func (h *htmlWriter) quote(s string) {
	if !safe.Clean(s) {
		s = safe.String(s)
	}
	h.buf = append(h.buf, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			h.buf = append(h.buf, '\\', c)
		case '<', '>', '&':
			const hex = "0123456789abcdef"
			h.buf = append(h.buf, `\u00`...)
			h.buf = append(h.buf, hex[c>>4], hex[c&15])
		default:
			h.buf = append(h.buf, c)
		}
	}
	h.buf = append(h.buf, '"')
}

func (h *htmlWriter) flush() {
	if h.err == nil && len(h.buf) > 0 {
		_, h.err = h.w.Write(h.buf)
	}
	h.buf = h.buf[:0]
}
