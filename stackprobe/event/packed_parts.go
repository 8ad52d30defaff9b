package event

// segment codes s but its flags, which are in the head.
func (c *coder) segment(s *Segment) {
	number(c, &s.ID)
	c.addr(&s.Src)
	c.addr(&s.Dst)
	number(c, &s.IPID)
	octet(c, &s.Hop)
	c.any32(&s.Seq)
	c.any32(&s.Ack)
	number(c, &s.Win)
	number(c, &s.Len)
	number(c, &s.Size)
	c.wire(&s.Wire)
	octet(c, &s.Origin)
	hash, line, opts := s.Hash != 0, s.Line != "", s.Opts != Options{}
	ack := s.Opts.NSack != 0 || s.Opts.Sack != [MaxBlocks]Block{}
	c.bits(&s.BadSum, &hash, &line, &opts, &ack)
	if hash {
		c.any64(&s.Hash)
	}
	if line {
		c.text(&s.Line)
	}
	if opts {
		octet(c, &s.Opts.Has)
		number(c, &s.Opts.MSS)
		octet(c, &s.Opts.WScale)
		c.any32(&s.Opts.TSVal)
		c.any32(&s.Opts.TSEcr)
	}
	if ack {
		octet(c, &s.Opts.NSack)
		c.blocks(&s.Opts.Sack, s.Ack)
	}
}

// blocks codes pieces of sequence space that lie near at.
func (c *coder) blocks(list *[MaxBlocks]Block, at uint32) {
	for i := range list {
		c.near32(&list[i].Left, at)
		c.near32(&list[i].Right, list[i].Left)
	}
}

// derived codes what follows for e, but whether it is a repetition, which is in the head.
func (c *coder) derived(e *Event) {
	d := &e.Derived
	sent, blocks, opinion, dup := d.SentN != 0 || d.SentT != 0, d.RelSack != [MaxBlocks]Range{}, d.Wireshark != 0 || d.Misread != 0, d.DupAck != 0 || d.DupCause != 0 || d.Gap != 0
	c.bits(&d.HasRelSeq, &d.HasRelAck, &d.HasWindow, &d.Spurious, &d.Copy, &d.Stale)
	c.bits(&sent, &blocks, &opinion, &dup)
	number(c, &d.RelSeq)
	offset(c, &d.RelEnd, d.RelSeq)
	number(c, &d.RelAck)
	number(c, &d.Window)
	number(c, &d.Attempt)
	octet(c, &d.Why)
	octet(c, &d.WhyHow)
	number(c, &d.NewlyAcked)
	if sent {
		offset(c, &d.SentN, e.N)
		offset(c, &d.SentT, e.T)
	}
	if blocks {
		for i := range d.RelSack {
			number(c, &d.RelSack[i].First)
			offset(c, &d.RelSack[i].Last, d.RelSack[i].First)
		}
	}
	if opinion {
		number(c, &d.Wireshark)
		number(c, &d.Misread)
	}
	if dup {
		number(c, &d.DupAck)
		octet(c, &d.DupCause)
		octet(c, &d.Gap)
	}
}

// vars codes the variables that were shown at the time t.
func (c *coder) vars(v *Vars, t int64) {
	number(c, &v.Has)
	number(c, &v.Computed)
	octet(c, &v.How)
	sampled, kernel, board, held, recovery := v.At != 0, v.BytesAcked|v.BytesReceived != 0 || v.NotSent|v.Backoff|v.Probes != 0, v.NScoreboard != 0 || v.Scoreboard != [MaxBlocks]Block{},
		v.NHeld != 0 || v.Held != [MaxBlocks]Block{}, v.Sacked|v.Lost|v.Retrans|v.DupAcks != 0
	times, buffers := v.RTO|v.SRTT|v.RTTVar != 0, v.SndBuf|v.RcvBuf != 0
	c.bits(&sampled, &kernel, &board, &held, &recovery, &times, &buffers)
	c.any32(&v.ISS)
	c.any32(&v.IRS)
	c.near32(&v.Una, v.ISS)
	c.near32(&v.Nxt, v.Una)
	c.near32(&v.RcvNxt, v.IRS)
	for _, n := range [...]*uint32{&v.Wnd, &v.Cwnd, &v.Ssthresh, &v.RcvWnd, &v.Flight, &v.Reordering, &v.SndMSS} {
		number(c, n)
	}
	octet(c, &v.Congestion)
	if times {
		number(c, &v.RTO)
		number(c, &v.SRTT)
		number(c, &v.RTTVar)
	}
	if buffers {
		number(c, &v.SndBuf)
		number(c, &v.RcvBuf)
	}
	if sampled {
		offset(c, &v.At, t)
	}
	if recovery {
		for _, n := range [...]*uint32{&v.Sacked, &v.Lost, &v.Retrans, &v.DupAcks} {
			number(c, n)
		}
	}
	if kernel {
		number(c, &v.BytesAcked)
		number(c, &v.BytesReceived)
		for _, n := range [...]*uint32{&v.NotSent, &v.Backoff, &v.Probes} {
			number(c, n)
		}
	}
	if board {
		octet(c, &v.NScoreboard)
		c.blocks(&v.Scoreboard, v.Una)
	}
	if held {
		octet(c, &v.NHeld)
		c.blocks(&v.Held, v.RcvNxt)
	}
}
