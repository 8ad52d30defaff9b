package app

import (
	"bytes"
	"strings"

	"gnet/internal/words"
)

// request is what is needed of a request.
type request struct {
	method string
	path   string // decoded, begins with a slash
	head   bool   // no body is wanted
	old    bool   // HTTP/1.0
	// close says that the connection is over after the answer, asked that the client wants that.
	close, asked bool
	// content is the length of what follows the head.
	content int64
}

// maxContent bounds what is read of a request's content; nobody wants it.
const maxContent = 1 << 30

// cutHead cuts what has come behind the empty line that ends a head; ok is false if that has not come. A line may end with LF alone,
// and empty lines before a request are passed over (RFC 9112 section 2.2).
func cutHead(b []byte) (head, rest []byte, ok bool) {
	for len(b) > 0 && b[0] == '\n' || len(b) > 1 && b[0] == '\r' && b[1] == '\n' {
		b = b[bytes.IndexByte(b, '\n')+1:]
	}
	for i := 0; i < min(len(b), maxHead); {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			break
		}
		line := bytes.TrimSuffix(b[i:i+n], []byte("\r"))
		if i += n + 1; len(line) == 0 {
			return b[:i], b[i:], true
		}
	}
	return nil, b, false
}

// parseRequest reads a head (RFC 9112 sections 3 to 5). The status is that of the refusal, 0 for none.
func parseRequest(head []byte) (r request, status int) {
	first := true
	host := 0
	for line := range strings.Lines(string(head)) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		switch {
		case first:
			first = false
			if status = r.line(line); status != 0 {
				return r, status
			}
		case line != "":
			name, value, ok := strings.Cut(line, ":")
			if !ok || !token(name) || strings.ContainsAny(value, "\r\x00") {
				return r, 400
			}
			if strings.EqualFold(name, "host") {
				host++
			}
			if status = r.field(name, strings.Trim(value, " \t")); status != 0 {
				return r, status
			}
		}
	}
	if host > 1 || host == 0 && !r.old {
		return r, 400
	}
	return r, 0
}

// line reads the request line.
func (r *request) line(line string) (status int) {
	f := strings.Split(line, " ")
	if len(f) != 3 || !token(f[0]) {
		return 400
	}
	r.method, r.head = f[0], f[0] == "HEAD"
	switch version := f[2]; {
	case version == "HTTP/1.0":
		r.old, r.close = true, true
	case len(version) != 8 || !strings.HasPrefix(version, "HTTP/") || version[6] != '.' || !digit(version[5]) || !digit(version[7]):
		return 400
	case version[5] != '1':
		return 505
	}
	return r.target(f[1])
}

// target reads the target of the request, with or without the server's name before it, and what stands for octets in it
// (RFC 3986 section 2.1). A query is not looked at.
func (r *request) target(t string) (status int) {
	if rest, ok := strings.CutPrefix(t, "http://"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		t = "/" + rest
	}
	if r.method != "GET" && r.method != "HEAD" {
		return 0 // it is refused whatever it asks for
	}
	t, _, _ = strings.Cut(t, "?")
	if !strings.HasPrefix(t, "/") {
		return 400
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		c := t[i]
		if c == '%' {
			if i+2 >= len(t) {
				return 400
			}
			high, low := hexDigit(t[i+1]), hexDigit(t[i+2])
			if high < 0 || low < 0 {
				return 400
			}
			c, i = byte(high<<4|low), i+2
		} else if c <= ' ' || c >= 0x7f {
			return 400
		}
		if c == 0 {
			return 400
		}
		b.WriteByte(c)
	}
	r.path = b.String()
	return 0
}

// field reads a field that says something of the connection or of the content.
func (r *request) field(name, value string) (status int) {
	switch {
	case strings.EqualFold(name, "connection"):
		for option := range strings.SplitSeq(value, ",") {
			switch option = strings.Trim(option, " \t"); {
			case strings.EqualFold(option, "close"):
				r.close, r.asked = true, true
			case strings.EqualFold(option, "keep-alive") && !r.asked:
				r.close = false
			}
		}
	case strings.EqualFold(name, "transfer-encoding"):
		return 501 // where its content ends is not known
	case strings.EqualFold(name, "content-length"):
		n, ok := words.Number(value, 0, maxContent)
		if !ok || r.content != 0 && r.content != n {
			return 400
		}
		r.content = n
	}
	return 0
}

// token reports whether s is a token (RFC 9110 section 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// hexDigit returns the value of a hexadecimal digit, -1 for anything else.
func hexDigit(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
