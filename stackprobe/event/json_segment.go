package event

import "encoding/hex"

func (o *object) segment(s *Segment) {
	o.int("segment", int64(s.ID))
	o.addr("src", s.Src)
	o.addr("dst", s.Dst)
	if !s.Dst.Addr().Is6() { // IPv6 has no identification (RFC 8200)
		o.int("ip_id", int64(s.IPID))
	}
	o.int("ttl", int64(s.Hop))
	o.key("flags")
	o.b = append(s.Flags.Append(append(o.b, '"')), '"')
	o.int("seq", int64(s.Seq))
	if s.Flags.Has(ACK) {
		o.int("ack", int64(s.Ack))
	}
	o.int("win", int64(s.Win))
	o.int("len", int64(s.Len))
	o.optInt("size", int64(s.Size))
	o.options(&s.Opts)
	if s.Len > 0 {
		o.hash("hash", s.Hash)
	}
	o.bool("checksum_ok", !s.BadSum)
	o.optStr("crafted", s.Origin.String())
	o.optStr("crafted_line", s.Line)
	o.optHex("wire", s.Wire)
}

// optHex appends bytes in hexadecimal, nothing if there are none.
func (o *object) optHex(key, s string) {
	if s == "" {
		return
	}
	o.key(key)
	o.b = append(hex.AppendEncode(append(o.b, '"'), []byte(s)), '"')
}

func (o *object) options(p *Options) {
	if p.Has&OptMSS != 0 {
		o.int("mss", int64(p.MSS))
	}
	if p.Has&OptWScale != 0 {
		o.int("wscale", int64(p.WScale))
	}
	o.is("sack_permitted", p.Has&OptSackPermitted != 0)
	if p.Has&OptTimestamps != 0 {
		o.int("ts_val", int64(p.TSVal))
		o.int("ts_ecr", int64(p.TSEcr))
	}
	if p.Has&OptSack != 0 {
		o.blocks("sack", p.Sack[:min(int(p.NSack), MaxBlocks)])
	}
}

// derived appends what follows from this event and those before, as an object of its own: a reader that wants what was
// observed leaves it out.
func (o *object) derived(e *Event) {
	d := &e.Derived
	if *d == (Derived{}) {
		return
	}
	o.key("derived")
	o.b = append(o.b, '{')
	if d.HasRelSeq {
		o.int("rel_seq", d.RelSeq)
		o.int("rel_end", d.RelEnd)
	}
	if d.HasRelAck {
		o.int("rel_ack", d.RelAck)
	}
	if d.HasWindow {
		o.int("window", int64(d.Window))
	}
	if n := min(int(e.Seg.Opts.NSack), MaxBlocks); n > 0 && d.HasRelAck {
		o.list("rel_sack", n, func(i int) {
			o.int("left", d.RelSack[i].First)
			o.int("right", d.RelSack[i].Last)
		})
	}
	o.optInt("attempt", int64(d.Attempt))
	o.optStr("why", d.Why.String())
	o.optStr("why_how", d.WhyHow.String())
	if d.SentN != 0 {
		o.int("sent_n", int64(d.SentN))
		o.int("sent_t_ns", d.SentT)
	}
	o.is("repeat", d.Repeat)
	o.is("spurious", d.Spurious)
	o.is("copy", d.Copy)
	o.is("stale", d.Stale)
	o.optInt("newly_acked", d.NewlyAcked)
	o.optInt("dup_ack", int64(d.DupAck))
	o.optStr("dup_cause", d.DupCause.String())
	o.optStr("gap", d.Gap.String())
	o.optStr("wireshark", d.Wireshark.String())
	o.optStr("wireshark_misread", d.Misread.String())
	o.b = append(o.b, '}')
}
