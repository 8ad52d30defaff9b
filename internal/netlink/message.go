package netlink

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Message is one netlink message (struct nlmsghdr and what follows it).
// Body is a view into the receive buffer.
type Message struct {
	Type  uint16
	Flags uint16
	Seq   uint32
	Pid   uint32
	Body  []byte
}

// Messages is a cursor over the messages of one datagram.
type Messages struct {
	rest []byte
	msg  Message
	err  error
}

// Walk starts a walk over the messages in datagram. It allocates nothing.
func Walk(datagram []byte) Messages { return Messages{rest: datagram} }

// Next steps to the next message; false at the end or at the first message
// whose length cannot be true. All lengths are checked before any field is
// used: after such a message nothing in the datagram has a known place.
func (m *Messages) Next() bool {
	if m.err != nil || len(m.rest) == 0 {
		return false
	}
	if len(m.rest) < unix.NLMSG_HDRLEN {
		m.err = ErrShortMessage
		return false
	}
	size := binary.NativeEndian.Uint32(m.rest)
	if size < unix.NLMSG_HDRLEN || uint64(size) > uint64(len(m.rest)) {
		m.err = ErrBadLength
		return false
	}
	m.msg = Message{
		Type:  binary.NativeEndian.Uint16(m.rest[4:]),
		Flags: binary.NativeEndian.Uint16(m.rest[6:]),
		Seq:   binary.NativeEndian.Uint32(m.rest[8:]),
		Pid:   binary.NativeEndian.Uint32(m.rest[12:]),
		Body:  m.rest[unix.NLMSG_HDRLEN:size:size],
	}
	m.rest = m.rest[min(align(int(size)), len(m.rest)):]
	return true
}

// Message is the message that Next stepped to.
func (m *Messages) Message() Message { return m.msg }

// Err is what ended the walk early, nil at the regular end.
func (m *Messages) Err() error { return m.err }

// align rounds up to NLMSG_ALIGNTO, which is also NLA_ALIGNTO.
func align(n int) int { return (n + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1) }

// ack is the content of NLMSG_ERROR and of NLMSG_DONE: an errno (0: success)
// and the kernel's sentence.
type ack struct {
	errno  unix.Errno
	kernel string
}

// parseError reads an NLMSG_ERROR message: struct nlmsgerr, the request's
// payload unless NLM_F_CAPPED is set, then attributes if NLM_F_ACK_TLVS is
// (net/netlink/af_netlink.c, netlink_ack).
func parseError(m Message) (ack, error) {
	if len(m.Body) < 4+unix.NLMSG_HDRLEN {
		return ack{}, ErrShortMessage
	}
	tlvs := m.Body[4+unix.NLMSG_HDRLEN:]
	if m.Flags&unix.NLM_F_CAPPED == 0 {
		echoed := binary.NativeEndian.Uint32(m.Body[4:])
		if echoed < unix.NLMSG_HDRLEN || uint64(echoed)-unix.NLMSG_HDRLEN > uint64(len(tlvs)) {
			return ack{}, ErrBadLength
		}
		tlvs = tlvs[min(align(int(echoed))-unix.NLMSG_HDRLEN, len(tlvs)):]
	}
	return parseAck(m, tlvs)
}

// parseDone reads an NLMSG_DONE message: an errno, then attributes if
// NLM_F_ACK_TLVS is set (net/netlink/af_netlink.c, netlink_dump_done). A
// missing errno, as old kernels and some families send it, means success.
func parseDone(m Message) (ack, error) {
	if len(m.Body) < 4 {
		return ack{}, nil
	}
	return parseAck(m, m.Body[4:])
}

func parseAck(m Message, tlvs []byte) (ack, error) {
	var a ack
	if code := int32(binary.NativeEndian.Uint32(m.Body)); code < 0 {
		a.errno = unix.Errno(-int64(code))
	}
	if m.Flags&unix.NLM_F_ACK_TLVS == 0 {
		return a, nil
	}
	attrs := ReadAttrs(tlvs)
	for attrs.Next() {
		if attrs.Type() == unix.NLMSGERR_ATTR_MSG {
			a.kernel = attrs.String()
		}
	}
	return a, attrs.Err()
}
