package kernelside

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The two processes exchange one message each over a SOCK_SEQPACKET pair: lines of text, descriptors beside them.
const (
	requestMagic = "gnet world 1"
	replyMagic   = "gnet world 1 reply"
	maxMessage   = 8 << 10
)

// request is what the helper has to make.
type request struct {
	client, server string // IPv4 addresses
	port           uint16 // the client's
	mtu            int
	cc             string
}

func (r *request) encode() []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%d\n%s", requestMagic, r.client, r.server, r.port, r.mtu, r.cc)
}

// decodeRequest reads a request; it reports false for anything else, which means that this process is no helper.
func decodeRequest(b []byte) (request, bool) {
	f := strings.Split(string(b), "\n")
	if len(f) != 6 || f[0] != requestMagic {
		return request{}, false
	}
	port, err1 := strconv.ParseUint(f[3], 10, 16)
	mtu, err2 := strconv.ParseUint(f[4], 10, 16)
	return request{client: f[1], server: f[2], port: uint16(port), mtu: int(mtu), cc: f[5]}, err1 == nil && err2 == nil
}

// reply is what the helper made: descriptors of TUN, socket and socket table, and what is pinned; or how it failed.
type reply struct {
	// step is "" for success, otherwise what failed; errno is its cause, text the whole sentence.
	step, text string
	errno      int
	// pinned lists what was fixed, unpinned what could not be, with the cause.
	pinned, unpinned []string
}

func (r *reply) encode() []byte {
	lines := []string{replyMagic, r.step, strconv.Itoa(r.errno), strings.ReplaceAll(r.text, "\n", " ")}
	for _, p := range r.pinned {
		lines = append(lines, "+"+p)
	}
	for _, p := range r.unpinned {
		lines = append(lines, "-"+p)
	}
	b := strings.Join(lines, "\n")
	return []byte(b[:min(len(b), maxMessage)])
}

func decodeReply(b []byte) (reply, error) {
	f := strings.Split(string(b), "\n")
	if len(f) < 4 || f[0] != replyMagic {
		return reply{}, &Error{Step: "world helper", Text: fmt.Sprintf("unreadable answer of %d bytes", len(b))}
	}
	errno, err := strconv.Atoi(f[2])
	if err != nil {
		return reply{}, &Error{Step: "world helper", Text: "unreadable errno in the answer"}
	}
	r := reply{step: f[1], errno: errno, text: f[3]}
	for _, line := range f[4:] {
		switch {
		case strings.HasPrefix(line, "+"):
			r.pinned = append(r.pinned, line[1:])
		case strings.HasPrefix(line, "-"):
			r.unpinned = append(r.unpinned, line[1:])
		}
	}
	return r, nil
}

// Error says why there is no kernel at the other end.
type Error struct {
	// Step is what failed: "namespaces", "tun", "address", "socket", "world helper".
	Step string
	// Text is the sentence for people.
	Text string
	// Err is the cause, a unix.Errno where the kernel refused something.
	Err error
}

// Error is one line: the step and its cause.
func (e *Error) Error() string {
	if e.Text != "" {
		return e.Text
	}
	return e.Step + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// failure makes the error of a reply.
func (r *reply) failure() error {
	if r.step == "" {
		return nil
	}
	e := &Error{Step: r.step, Text: r.text}
	if r.errno != 0 {
		e.Err = unix.Errno(r.errno)
	}
	return e
}
