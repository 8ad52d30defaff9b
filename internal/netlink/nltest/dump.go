package nltest

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// dumpSize is how large the kernel makes the datagrams of a dump
// (net/netlink/af_netlink.c, netlink_dump).
const dumpSize = 32 << 10

// Dump is a transport whose kernel answers each request with a dump that is made
// while it is read, so that its length costs no memory.
type Dump struct {
	// Rows is the number of messages, Type their type.
	Rows int
	Type uint16
	// Body is what every message has behind its header.
	Body []byte
	// Number, if set, makes message i differ from the others by changing the copy
	// of Body that is about to be sent.
	Number func(body []byte, i int)

	seq  uint32
	next int
	done bool
}

// Send begins the dump again. Of the request only its number matters.
func (d *Dump) Send(p []byte) error {
	d.seq = binary.NativeEndian.Uint32(p[8:])
	d.next, d.done = 0, false
	return nil
}

// Recv makes the next datagram, at last one with NLMSG_DONE alone. After that it
// is EAGAIN, where a real socket would wait for ever.
func (d *Dump) Recv(p []byte) (int, uint32, error) {
	if d.done {
		return 0, 0, unix.EAGAIN
	}
	out := p[:0]
	size := unix.NLMSG_HDRLEN + len(d.Body) + unix.NLMSG_ALIGNTO
	for ; d.next < d.Rows && len(out)+size <= min(dumpSize, len(p)); d.next++ {
		at := len(out) + unix.NLMSG_HDRLEN
		out = Append(out, d.Type, unix.NLM_F_MULTI, d.seq, d.Body)
		if d.Number != nil {
			d.Number(out[at:at+len(d.Body)], d.next)
		}
	}
	if len(out) == 0 {
		d.done = true
		out = AppendDone(out, netlink.Message{Seq: d.seq}, 0)
	}
	return len(out), 0, nil
}

// Close does nothing.
func (d *Dump) Close() error { return nil }
