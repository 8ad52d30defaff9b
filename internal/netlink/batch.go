package netlink

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// The bounds of one datagram of a Batch. The kernel takes one as long as the send buffer, 208 KiB by default (net/netlink/af_netlink.c,
// netlink_sendmsg); beyond 64 KiB nothing gets faster.
const (
	batchBytes    = 64 << 10
	batchMessages = 1024
)

// answerCost is what a refusal takes of the receive buffer: not its bytes but the memory of its sk_buff (skb->truesize, 896 bytes
// with a kernel's sentence in it, 1280 for a long one), rounded up generously.
const answerCost = 2048

// receiveBuffer is asked for so that a datagram full of refused messages can be answered.
const receiveBuffer = batchMessages * answerCost

// Batch sends many requests in few datagrams, with one acknowledgement for each datagram: the kernel answers what it refuses in any
// case (net/netlink/af_netlink.c, netlink_rcv_skb), so that silence before the last message's acknowledgement means success.
//
// The kernel handles a datagram before the send call returns, so all of its answers are in the receive buffer then. A datagram never
// holds more messages than the buffer can hold refusals. Should answers be lost all the same (ENOBUFS), the messages without one are
// reported as ErrUnknown: done or refused, nobody can tell.
type Batch struct {
	// Messages is the most messages in one datagram; NewBatch sets it to what the receive buffer can answer.
	Messages int

	conn    *Conn
	op      string
	report  func(n uint64, err error)
	out     []byte // the messages of the datagram that is being filled
	last    int    // where its last message begins
	count   int
	first   uint64 // number of its first message
	seq     uint32 // sequence number of that message
	results []result
	lost    bool
	done    bool
}

// result is the answer to one message.
type result struct {
	ack      ack
	answered bool
}

// NewBatch starts a batch. op names the operation in errors. report is called once for each message whose fate was decided, in the
// order of sending and numbered from 0: with nil when the kernel carried it out, an *OpError when it refused, ErrUnknown
// (errors.Is) when the answer was lost. The connection serves nothing else between Add and Flush.
func (c *Conn) NewBatch(op string, report func(n uint64, err error)) *Batch {
	room := receiveBuffer
	if s, ok := c.t.(interface{ growReceive(int) int }); ok {
		room = s.growReceive(receiveBuffer)
	}
	return &Batch{Messages: min(batchMessages, max(1, room/answerCost)), conn: c, op: op, report: report}
}

// Add takes a copy of r, which Conn.Request made, and sends the datagram when it is full. An error is that of Flush.
func (b *Batch) Add(r *Request) error {
	if r.err != nil {
		return &OpError{Op: b.op, Err: r.err}
	}
	if b.count > 0 && (b.count >= b.Messages || len(b.out)+align(len(r.b)) > batchBytes) {
		if err := b.Flush(); err != nil {
			return err
		}
	}
	if b.count == 0 {
		b.seq = b.conn.seq + 1
	}
	b.conn.seq++
	msg, _ := r.finish(b.conn.seq, unix.NLM_F_REQUEST)
	b.last = len(b.out)
	b.out = append(b.out, msg...)
	b.out = append(b.out, make([]byte, align(len(msg))-len(msg))...)
	b.count++
	return nil
}

// Pending is the number of messages that wait for Flush.
func (b *Batch) Pending() int { return b.count }

// Flush sends what is pending and reports each message's fate. Its error means that the connection is of no further use. When the
// datagram could not be sent nothing of it was carried out and nothing is reported; when its answers could not be read, what was not
// answered is reported as ErrUnknown.
func (b *Batch) Flush() error {
	if b.count == 0 {
		return nil
	}
	defer b.clear()
	c := b.conn
	if c.busy {
		return &OpError{Op: b.op, Err: ErrBusy}
	}
	if c.broken != nil {
		return c.broken
	}
	flags := binary.NativeEndian.Uint16(b.out[b.last+6:])
	binary.NativeEndian.PutUint16(b.out[b.last+6:], flags|unix.NLM_F_ACK)
	b.results = append(b.results[:0], make([]result, b.count)...)
	b.lost, b.done = false, false
	if err := c.t.Send(b.out); err != nil {
		return &OpError{Op: b.op, Err: err}
	}
	err := b.collect()
	b.deliver(err != nil)
	return err
}

func (b *Batch) clear() {
	b.first += uint64(b.count)
	b.out, b.count = b.out[:0], 0
}

// collect reads answers until the last message's. After ENOBUFS that one may have been lost too, so the socket is then emptied
// without waiting: all answers that there will ever be are in it.
func (b *Batch) collect() error {
	c := b.conn
	for !b.done {
		recv := c.t.Recv
		if now, ok := c.t.(interface {
			RecvNow(p []byte) (int, uint32, error)
		}); ok && b.lost {
			recv = now.RecvNow
		}
		n, port, err := recv(c.buf)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			b.lost = true
			continue
		case errors.Is(err, unix.EAGAIN) && b.lost:
			return nil
		case err == nil && n > len(c.buf):
			err = ErrTruncated
		}
		if err != nil {
			return c.fail(b.op, err)
		}
		if port != 0 {
			c.strays++
			continue
		}
		if err := b.datagram(c.buf[:n]); err != nil {
			return c.fail(b.op, err)
		}
	}
	return nil
}

func (b *Batch) datagram(p []byte) error {
	msgs := Walk(p)
	for msgs.Next() {
		m := msgs.Message()
		i := m.Seq - b.seq
		if m.Type == unix.NLMSG_OVERRUN {
			b.lost = true
			continue
		}
		if m.Type != unix.NLMSG_ERROR || i >= uint32(b.count) || b.results[i].answered {
			b.conn.strays++
			continue
		}
		answer, err := parseError(m)
		if err != nil {
			return err
		}
		b.results[i] = result{answer, true}
		b.done = b.done || i == uint32(b.count)-1
	}
	return msgs.Err()
}

// deliver reports the messages of the datagram in their order.
func (b *Batch) deliver(broken bool) {
	for i := range b.results {
		r := &b.results[i]
		var err error
		switch {
		case r.ack.errno != 0:
			err = &OpError{Op: b.op, Err: r.ack.errno, Kernel: r.ack.kernel, Refused: true}
		case !r.answered && (b.lost || broken):
			err = &OpError{Op: b.op, Err: ErrUnknown}
		}
		b.report(b.first+uint64(i), err)
	}
}
