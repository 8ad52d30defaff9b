package filter

import "strconv"

// queue is sendq and recvq: the columns Send-Q and Recv-Q, bytes, or of the recvq of a listening TCP socket connections.
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

func (n queue) eval(s *Socket, _ *Needs) Verdict {
	switch {
	case s.Inet == nil:
		return No
	case n.send:
		return verdict(n.op.holds(uint64(s.Inet.TxQueue), n.value))
	}
	return verdict(n.op.holds(uint64(s.Inet.RxQueue), n.value))
}

func (n queue) needs() Needs { return 0 }

func (n queue) append(dst []byte) []byte {
	name := "recvq"
	if n.send {
		name = "sendq"
	}
	return strconv.AppendUint(appendComparison(dst, name, n.op), n.value, 10)
}
