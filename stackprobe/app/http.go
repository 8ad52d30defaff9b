package app

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"gnet/internal/words"
)

// web is a server of HTTP/1.1 on one connection (RFC 9112), as far as GET and HEAD go. It takes octets as they come and makes the
// answers, one after the other.
type web struct {
	root    *os.Root // nil: generated octets only
	pattern Pattern

	in   []byte // what has come and is not read yet: never more than a head
	skip int64  // octets of a request's content that are to come
	// head is what is to be sent before the body; left is how much of the body is still to be made, from position at on.
	head     []byte
	file     *os.File // the body's, nil for the pattern
	at, left int64
	// last says that nothing is answered any more after what is being sent.
	last bool
	err  error // why the body cannot be finished
}

// maxHead bounds a request's line and fields.
const maxHead = 16 << 10

// take takes what has come.
func (w *web) take(b []byte) {
	if w.last {
		return // nobody will answer it
	}
	n := min(w.skip, int64(len(b)))
	w.skip -= n
	w.in = append(w.in, b[n:]...)
}

// busy reports whether something is to be sent.
func (w *web) busy() bool { return len(w.head) > 0 || w.left > 0 || w.ready() }

// ready reports whether a request can be answered, or refused.
func (w *web) ready() bool {
	if w.last || w.skip > 0 {
		return false
	}
	_, _, ok := cutHead(w.in)
	return ok || len(w.in) > maxHead
}

// more puts what is to be sent next into b and returns how much that is.
func (w *web) more(b []byte) (int, error) {
	if len(w.head) == 0 && w.left == 0 && w.ready() {
		w.answer()
	}
	n := copy(b, w.head)
	w.head = w.head[n:]
	part := b[n:min(int64(len(b)), int64(n)+w.left)]
	if w.file != nil {
		if _, err := io.ReadFull(io.NewSectionReader(w.file, w.at, w.left), part); err != nil {
			return n, err // the file has become shorter than was promised
		}
	} else {
		w.pattern.Fill(part, w.at)
	}
	w.at, w.left = w.at+int64(len(part)), w.left-int64(len(part))
	if w.left == 0 {
		w.close()
	}
	return n + len(part), nil
}

// close lets go of the body's file.
func (w *web) close() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// answer reads the next request and makes the head of the answer.
func (w *web) answer() {
	head, rest, ok := cutHead(w.in)
	if !ok {
		w.refuse(431, false)
		return
	}
	r, status := parseRequest(head)
	w.in = append(w.in[:0], rest...)
	n := min(r.content, int64(len(w.in)))
	w.in, w.skip = w.in[n:], r.content-n
	switch {
	case status != 0:
		w.refuse(status, r.head)
	case r.method != "GET" && r.method != "HEAD":
		w.say(405, "Allow: GET, HEAD\r\n", &r, reason(405)+"\n")
	default:
		w.get(&r)
	}
}

// refuse answers a request that cannot be read, behind which nothing can be found any more.
func (w *web) refuse(status int, head bool) {
	w.in, w.skip = nil, 0
	w.say(status, "", &request{head: head, close: true}, reason(status)+"\n")
}

// get answers GET and HEAD.
func (w *web) get(r *request) {
	if number, ok := strings.CutPrefix(r.path, "/bytes/"); ok {
		if n, ok := words.Number(number, 0, MaxBytes); ok {
			w.begin(200, "Content-Type: application/octet-stream\r\n", r, n)
			return
		}
	}
	if w.root == nil && r.path == "/" {
		w.say(200, "", r, "GET /bytes/N gives N octets, 0 to "+strconv.Itoa(MaxBytes)+".\n")
		return
	}
	f, size := w.open(r.path)
	if f == nil {
		w.say(404, "", r, reason(404)+"\n")
		return
	}
	w.begin(200, "Content-Type: application/octet-stream\r\n", r, size)
	if w.left > 0 {
		w.file = f
	} else {
		f.Close()
	}
}

// open opens a file below the root, nil if there is no such regular file or it cannot be read. os.Root follows nothing that leads out
// of it. Without O_NONBLOCK the opening of a pipe without a writer would wait.
func (w *web) open(path string) (*os.File, int64) {
	name := strings.TrimPrefix(path, "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	if w.root == nil {
		return nil, 0
	}
	f, err := w.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0
	}
	if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
		return f, fi.Size()
	}
	f.Close()
	return nil, 0
}

// say answers with a short text.
func (w *web) say(status int, fields string, r *request, text string) {
	w.begin(status, "Content-Type: text/plain\r\n"+fields, r, int64(len(text)))
	if w.left = 0; !r.head {
		w.head = append(w.head, text...)
	}
}

// begin makes the head of an answer with a body of size octets, which a HEAD does not get (RFC 9110 section 9.3.2).
func (w *web) begin(status int, fields string, r *request, size int64) {
	w.last = r.close
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + strconv.Itoa(status) + " " + reason(status) + "\r\n" + fields + "Content-Length: " + strconv.FormatInt(size, 10) + "\r\n")
	switch {
	case r.close:
		b.WriteString("Connection: close\r\n")
	case r.old:
		b.WriteString("Connection: keep-alive\r\n")
	}
	b.WriteString("\r\n")
	w.head, w.at, w.left = b.Bytes(), 0, size
	if r.head {
		w.left = 0
	}
}

// reason is the reason phrase of a status (RFC 9110 section 15, RFC 6585 section 5).
func reason(status int) string {
	switch status {
	case 200:
		return "OK"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 431:
		return "Request Header Fields Too Large"
	case 501:
		return "Not Implemented"
	case 505:
		return "HTTP Version Not Supported"
	}
	return "Bad Request"
}

// answer makes the next octets of the answers ready to be written.
func (s *Session) answer() {
	if s.chunk == nil {
		s.chunk = make([]byte, chunk)
	}
	if !s.web.busy() {
		return
	}
	n, err := s.web.more(s.chunk)
	s.pending, s.web.err = s.chunk[:n], err
}
