package event

import (
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// Schema names the JSON form of events; adding a key keeps the number, removing or changing one raises it.
const Schema = "gnet/trace-tcp/1"

// AppendJSON appends e as one JSON object without a line end: fixed key order, an unknown value has no key. Equal
// events give equal bytes. The keys are those of gnet-json(5).
func AppendJSON(dst []byte, e *Event) []byte {
	o := object{append(dst, '{')}
	o.int("t_ns", e.T)
	o.int("n", int64(e.N))
	o.optStr("clock", e.Clock.String())
	o.optStr("event", e.Kind.String())
	if e.Host != None {
		o.str("host", e.Host.String())
	}
	if e.Conn != 0 {
		o.int("conn", int64(e.Conn))
	}
	switch e.Kind {
	case KindTx, KindRx, KindLost:
		o.segment(&e.Seg, &e.Derived)
		o.optStr("rule", e.Rule)
	case KindApp:
		o.str("call", e.App.Call.String())
		if e.App.Call == Write || e.App.Call == Receive {
			o.int("bytes", int64(e.App.Bytes))
		}
		o.optStr("error", e.App.Err)
	case KindTimer:
		o.str("timer", e.Timer.Kind.String())
		o.str("timer_how", e.Timer.How.String())
	case KindNote:
		o.str("level", e.Level.String())
		o.str("text", e.Text)
	case KindRun:
		o.run(e.Run)
	case KindEnd:
		o.end(e.End)
	}
	o.optStr("from", e.From.String())
	o.optStr("state", e.State.String())
	o.optStr("state_how", e.StateHow.String())
	o.vars(&e.Vars)
	return append(o.b, '}')
}

// object appends the members of one JSON object.
type object struct{ b []byte }

func (o *object) key(k string) {
	if c := o.b[len(o.b)-1]; c != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

func (o *object) int(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) str(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
}

func (o *object) optStr(k, v string) {
	if v != "" {
		o.str(k, v)
	}
}

// list appends a list of objects with one member each, the form in which all our JSON has lists: a member can be added
// later without changing what is there.
func (o *object) list(k, member string, v []string) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, s := range v {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, '{')
		o.str(member, s)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

func (o *object) addr(k string, a netip.AddrPort) {
	o.key(k)
	o.b = append(a.Addr().AppendTo(append(o.b, '"')), '"')
	o.int(k+"_port", int64(a.Port()))
}

func (o *object) segment(s *Segment, d *Derived) {
	o.int("segment", int64(s.ID))
	o.addr("src", s.Src)
	o.addr("dst", s.Dst)
	o.int("ip_id", int64(s.IPID))
	o.int("ttl", int64(s.Hop))
	o.key("flags")
	o.b = append(s.Flags.Append(append(o.b, '"')), '"')
	o.int("seq", int64(s.Seq))
	if s.Flags.Has(ACK) {
		o.int("ack", int64(s.Ack))
	}
	if d.HasRelSeq {
		o.int("rel_seq", d.RelSeq)
	}
	if d.HasRelAck {
		o.int("rel_ack", d.RelAck)
	}
	o.int("win", int64(s.Win))
	if d.HasWindow {
		o.int("window", int64(d.Window))
	}
	o.int("len", int64(s.Len))
	o.options(&s.Opts, d)
	if s.Len > 0 {
		// 64-bit numbers are strings everywhere in our JSON: a reader with doubles would round them.
		o.str("hash", strconv.FormatUint(s.Hash, 16))
	}
	o.bool("checksum_ok", !s.BadSum)
	if d.Attempt > 0 {
		o.int("attempt", int64(d.Attempt))
	}
	o.optStr("why", d.Why.String())
	o.optStr("why_how", d.WhyHow.String())
}

func (o *object) options(p *Options, d *Derived) {
	if p.Has&OptMSS != 0 {
		o.int("mss", int64(p.MSS))
	}
	if p.Has&OptWScale != 0 {
		o.int("wscale", int64(p.WScale))
	}
	if p.Has&OptSackPermitted != 0 {
		o.bool("sack_permitted", true)
	}
	if p.Has&OptTimestamps != 0 {
		o.int("ts_val", int64(p.TSVal))
		o.int("ts_ecr", int64(p.TSEcr))
	}
	if p.Has&OptSack != 0 {
		o.blocks(p, d)
	}
}

func (o *object) blocks(p *Options, d *Derived) {
	o.key("sack")
	o.b = append(o.b, '[')
	for i := range p.Sack[:p.NSack] {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, '{')
		o.int("left", int64(p.Sack[i].Left))
		o.int("right", int64(p.Sack[i].Right))
		o.int("rel_left", d.RelSack[i].First)
		o.int("rel_right", d.RelSack[i].Last)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

// varNames are the keys of the variables, in the order of the bits of VarSet.
var varNames = [...]string{"iss", "irs", "una", "nxt", "wnd", "cwnd", "ssthresh", "rto_ns", "srtt_ns", "rttvar_ns", "rcv_nxt", "rcv_wnd"}

func (o *object) vars(v *Vars) {
	if v.Has == 0 {
		return
	}
	o.optStr("vars_how", v.How.String())
	all := [...]int64{int64(v.ISS), int64(v.IRS), int64(v.Una), int64(v.Nxt), int64(v.Wnd), int64(v.Cwnd), int64(v.Ssthresh),
		v.RTO, v.SRTT, v.RTTVar, int64(v.RcvNxt), int64(v.RcvWnd)}
	for i, x := range all {
		if v.Has&(1<<i) != 0 {
			o.int(varNames[i], x)
		}
	}
	if v.Computed != 0 {
		o.str("computed", v.Computed.String())
	}
}

// String returns the keys of the variables in s, in schema order, a blank between them.
func (s VarSet) String() string {
	var b []byte
	for i, n := range varNames {
		if s&(1<<i) == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(b, n...)
	}
	return string(b)
}

func (o *object) run(r *Run) {
	o.str("schema", Schema)
	o.optStr("world", r.World)
	o.optStr("why_world", r.Why)
	o.optStr("version", r.Version)
	o.str("seed", strconv.FormatInt(r.Seed, 10))
	o.int("run_bytes", int64(r.Bytes))
	o.int("delay_client_ns", r.DelayClient)
	o.int("delay_server_ns", r.DelayServer)
	o.int("mtu", int64(r.MTU))
	o.int("deadline_ns", r.Deadline)
	o.stack("client_", &r.Client)
	o.stack("server_", &r.Server)
	o.list("faults", "rule", r.Faults)
	o.list("pinned", "what", r.Pinned)
	o.list("unpinned", "what", r.Unpinned)
}

func (o *object) stack(prefix string, s *Stack) {
	o.optStr(prefix+"stack", s.Name)
	o.optStr(prefix+"cc", s.CC)
	o.optStr(prefix+"recovery", s.Recovery)
	o.optStr(prefix+"addr", s.Addr)
}

func (o *object) end(e *End) {
	o.bool("ok", e.OK)
	o.optStr("reason", e.Reason)
	o.totals("client_", &e.Client)
	o.totals("server_", &e.Server)
}

func (o *object) totals(prefix string, t *Totals) {
	o.optStr(prefix+"state", t.State.String())
	o.int(prefix+"written", t.Written)
	o.int(prefix+"received", t.Received)
	o.bool(prefix+"match", t.Match)
	o.int(prefix+"segments", int64(t.Segments))
	o.int(prefix+"retransmitted", int64(t.Retransmitted))
	o.int(prefix+"lost", int64(t.Lost))
	if t.HasKernel {
		o.int(prefix+"kernel_acked", int64(t.KernelAcked))
		o.int(prefix+"kernel_received", int64(t.KernelReceived))
	}
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259 section 7). Control characters and bidirectional controls become
// \uXXXX, so that a terminal that shows the string obeys nothing; a byte that is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || hidden(r):
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// hidden reports bidirectional controls and line separators.
func hidden(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e ||
		r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}
