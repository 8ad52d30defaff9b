// Package nltest puts a scripted kernel behind a netlink.Conn, for tests.
package nltest

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Datagram is one datagram of the scripted kernel.
type Datagram struct {
	Bytes []byte
	// Port is the sender's port id; the kernel's is 0.
	Port uint32
	// Lost is the number of bytes that were cut off.
	Lost int
	// Err is returned by the receive call instead of bytes.
	Err error
}

// Kernel answers requests by its script and remembers them.
type Kernel struct {
	// Script returns the answer to one request, given as a parsed message.
	Script func(request netlink.Message) []Datagram
	// Requests are the bytes of all requests so far.
	Requests [][]byte

	queue []Datagram
}

// Dial makes a connection to a kernel that follows script.
func Dial(script func(request netlink.Message) []Datagram) (*netlink.Conn, *Kernel) {
	k := &Kernel{Script: script}
	return netlink.NewConn(k), k
}

// Tell puts datagrams into the receive queue that answer no request, as multicast groups bring them.
func (k *Kernel) Tell(datagrams ...Datagram) { k.queue = append(k.queue, datagrams...) }

// Send takes a request and queues the script's answer.
func (k *Kernel) Send(p []byte) error {
	request := append([]byte(nil), p...)
	k.Requests = append(k.Requests, request)
	msgs := netlink.Walk(request)
	for msgs.Next() {
		k.queue = append(k.queue, k.Script(msgs.Message())...)
	}
	return msgs.Err()
}

// Recv gives the next queued datagram, or EAGAIN where a real socket would wait
// for ever.
func (k *Kernel) Recv(p []byte) (int, uint32, error) {
	if len(k.queue) == 0 {
		return 0, 0, unix.EAGAIN
	}
	d := k.queue[0]
	k.queue = k.queue[1:]
	return copy(p, d.Bytes) + d.Lost, d.Port, d.Err
}

// Close does nothing.
func (k *Kernel) Close() error { return nil }

// Append appends one message with its padding to datagram.
func Append(datagram []byte, typ, flags uint16, seq uint32, body []byte) []byte {
	datagram = binary.NativeEndian.AppendUint32(datagram, uint32(unix.NLMSG_HDRLEN+len(body)))
	datagram = binary.NativeEndian.AppendUint16(datagram, typ)
	datagram = binary.NativeEndian.AppendUint16(datagram, flags)
	datagram = binary.NativeEndian.AppendUint32(datagram, seq)
	datagram = binary.NativeEndian.AppendUint32(datagram, 0)
	return pad(append(datagram, body...))
}

// AppendAttr appends one attribute with its padding to body.
func AppendAttr(body []byte, typ uint16, data []byte) []byte {
	body = binary.NativeEndian.AppendUint16(body, uint16(unix.NLA_HDRLEN+len(data)))
	body = binary.NativeEndian.AppendUint16(body, typ)
	return pad(append(body, data...))
}

func pad(b []byte) []byte {
	for len(b)%unix.NLMSG_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

// AppendAck appends an NLMSG_ERROR message that acknowledges request with
// errno, and with the kernel's sentence if there is one.
func AppendAck(datagram []byte, request netlink.Message, errno unix.Errno, sentence string) []byte {
	body := binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
	body = Append(body, request.Type, request.Flags, request.Seq, nil)
	flags := uint16(unix.NLM_F_CAPPED)
	if sentence != "" {
		flags |= unix.NLM_F_ACK_TLVS
		body = AppendAttr(body, unix.NLMSGERR_ATTR_MSG, append([]byte(sentence), 0))
	}
	return Append(datagram, unix.NLMSG_ERROR, flags, request.Seq, body)
}

// AppendDone appends the end of a dump with its errno.
func AppendDone(datagram []byte, request netlink.Message, errno unix.Errno) []byte {
	body := binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
	return Append(datagram, unix.NLMSG_DONE, unix.NLM_F_MULTI, request.Seq, body)
}
