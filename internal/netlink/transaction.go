package netlink

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// The messages that enclose a transaction (linux/netfilter/nfnetlink.h).
const (
	transactionBegin = 16 // NFNL_MSG_BATCH_BEGIN
	transactionEnd   = 17 // NFNL_MSG_BATCH_END
)

// Transaction is several messages to a netfilter subsystem of which the kernel carries out all or none (net/netfilter/nfnetlink.c,
// nfnetlink_rcv_batch). They are one datagram. The connection serves nothing else between NewTransaction and Commit.
type Transaction struct {
	conn  *Conn
	op    string
	sub   uint16
	out   []byte
	begin uint32 // sequence number of the opening message
	count uint32
	err   error
}

// NewTransaction starts a transaction of a subsystem (NFNL_SUBSYS_*). op names the operation in errors.
func (c *Conn) NewTransaction(op string, subsystem uint16) *Transaction {
	t := &Transaction{conn: c, op: op, sub: subsystem, begin: c.seq + 1}
	t.enclose(transactionBegin)
	return t
}

// enclose appends an opening or closing message: struct nfgenmsg with the subsystem as its res_id.
func (t *Transaction) enclose(typ uint16) {
	r := t.conn.Request(typ, 0)
	binary.BigEndian.PutUint16(r.Fixed(4)[2:], t.sub)
	t.append(r, 0)
}

func (t *Transaction) append(r *Request, flags uint16) {
	t.conn.seq++
	msg, err := r.finish(t.conn.seq, unix.NLM_F_REQUEST|flags)
	if err != nil && t.err == nil {
		t.err = err
	}
	t.out = append(t.out, msg...)
	t.out = append(t.out, make([]byte, align(len(msg))-len(msg))...)
}

// Add takes a copy of r, which Conn.Request made.
func (t *Transaction) Add(r *Request) {
	t.append(r, unix.NLM_F_ACK)
	t.count++
}

// Commit sends the transaction and waits for an answer to each of its messages. The error is the first refusal: then nothing of it
// was carried out.
func (t *Transaction) Commit() error {
	c := t.conn
	switch {
	case c.busy:
		return &OpError{Op: t.op, Err: ErrBusy}
	case c.broken != nil:
		return c.broken
	case t.err != nil:
		return &OpError{Op: t.op, Err: t.err}
	case t.count == 0:
		return nil
	}
	t.enclose(transactionEnd)
	if err := c.t.Send(t.out); err != nil {
		return &OpError{Op: t.op, Err: err}
	}
	var refused error
	for answered := uint32(0); answered < t.count; {
		n, port, err := c.t.Recv(c.buf)
		if err == nil && n > len(c.buf) {
			err = ErrTruncated
		}
		if err != nil {
			return c.fail(t.op, err)
		}
		if port != 0 {
			c.strays++
			continue
		}
		more, whole, err := t.answers(c.buf[:n], &refused)
		if err != nil {
			return c.fail(t.op, err)
		}
		if answered += more; whole {
			break
		}
	}
	return refused
}

// answers counts the answers in a datagram. whole says that the kernel has refused the transaction as such, in one answer: to the
// opening message, as without the rights for it.
func (t *Transaction) answers(p []byte, refused *error) (count uint32, whole bool, err error) {
	msgs := Walk(p)
	for msgs.Next() {
		m := msgs.Message()
		i := m.Seq - t.begin // 0: the opening message
		if m.Type != unix.NLMSG_ERROR || i > t.count {
			t.conn.strays++
			continue
		}
		a, err := parseError(m)
		if err != nil {
			return count, whole, err
		}
		if a.errno != 0 && *refused == nil {
			*refused = &OpError{Op: t.op, Err: a.errno, Kernel: a.kernel, Refused: true}
		}
		if i == 0 {
			whole = whole || a.errno != 0
			continue
		}
		count++
	}
	return count, whole, msgs.Err()
}
