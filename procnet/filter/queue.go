package filter

import (
	"strconv"

	"gnet/internal/sockdiag"
)

// queue is sendq and recvq: the columns Send-Q and Recv-Q, bytes, or connections of the recvq of a listening TCP or unix socket.
type queue struct {
	send  bool
	op    comparison
	value uint64
}

func readQueue(p *parser, c *comparand) (expr, error) {
	n, err := parseBytes(c.text)
	if err != nil {
		return nil, p.fail(c.value, "%q %v", c.text, err)
	}
	return queue{c.name == "sendq", c.op, n}, nil
}

func (n queue) eval(s *Socket, unknown *Needs) Verdict {
	receive, send, ok := s.queues(unknown)
	have := receive
	if n.send {
		have = send
	}
	return verdict(ok && n.op.holds(uint64(have), n.value))
}

// queues returns what waits to be read and to be sent. The Send-Q of a listening socket is 0: unix_diag gives it the limit of the other.
func (s *Socket) queues(unknown *Needs) (receive, send uint32, ok bool) {
	if s.Unix == nil {
		return s.Inet.RxQueue, s.Inet.TxQueue, true
	}
	d := s.Unix.Diag
	if d == nil || d.Has&sockdiag.UnixRQLen == 0 {
		*unknown |= NeedUnixDiag
		return 0, 0, false
	}
	if s.Unix.Accepting() {
		return d.RQueue, 0, true
	}
	return d.RQueue, d.WQueue, true
}

func (n queue) needs() Needs { return 0 }

func (n queue) append(dst []byte) []byte {
	name := "recvq"
	if n.send {
		name = "sendq"
	}
	return strconv.AppendUint(appendComparison(dst, name, n.op), n.value, 10)
}
