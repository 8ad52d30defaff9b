package event

import (
	"cmp"
	"encoding/hex"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// Schema names the JSON form of events; adding a key keeps the number, removing or changing one raises it.
const Schema = "gnet/trace-tcp/2"

// AppendJSON appends e as one JSON object without a line end: fixed key order, an unknown value has no key. Equal
// events give equal bytes. The keys are those of gnet-json(5).
func AppendJSON(dst []byte, e *Event) []byte {
	o := object{append(dst, '{')}
	o.int("t_ns", e.T)
	o.int("n", int64(e.N))
	o.optStr("clock", e.Clock.String())
	o.optStr("event", e.Kind.String())
	o.optStr("host", e.Host.String())
	o.optInt("conn", int64(e.Conn))
	switch e.Kind {
	case KindTx, KindRx, KindLost, KindFault, KindICMP, KindDiscard:
		if e.Packet == nil && e.Kind != KindDiscard {
			o.segment(&e.Seg)
		}
		o.fault(e)
		o.icmp(e)
		o.optStr("text", e.Text)
	case KindApp:
		o.optStr("call", e.App.Call.String())
		if e.App.Call == Write || e.App.Call == Receive {
			o.int("bytes", int64(e.App.Bytes))
		}
		o.optStr("error", e.App.Err)
	case KindTimer:
		o.timer(&e.Timer)
	case KindCheck:
		o.str("check", e.Check.Name)
		o.int("check_computed", e.Check.Computed)
		o.int("check_read", e.Check.Read)
	case KindCounters:
		o.counters(e.Counters)
	case KindNote:
		o.str("level", e.Level.String())
		o.str("text", e.Text)
	case KindFrame:
		o.str("frame", e.Frame.Way())
		o.int("frame_size", int64(e.Frame.Size))
		o.optHex("frame_wire", e.Frame.Wire)
	case KindRun:
		o.run(e.Run)
	case KindEnd:
		o.end(e.End)
	case KindExpectation:
		o.expectation(e.Expectation)
	}
	o.optStr("from", e.From.String())
	o.optStr("state", e.State.String())
	o.optStr("state_how", e.StateHow.String())
	o.vars(&e.Vars)
	o.optStr("evidence", e.Evidence.String())
	if e.Packet != nil {
		o.packet(e.Packet)
	}
	if e.Reassembly != nil {
		o.reassembly(e.Reassembly)
	}
	o.derived(e)
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

func (o *object) uint(k string, v uint64) {
	o.key(k)
	o.b = strconv.AppendUint(o.b, v, 10)
}

// optInt appends a number that is unknown when 0.
func (o *object) optInt(k string, v int64) {
	if v != 0 {
		o.int(k, v)
	}
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

// is appends a truth value that has no key when false.
func (o *object) is(k string, v bool) {
	if v {
		o.bool(k, true)
	}
}

// str appends a text. One that is not UTF-8 cannot be a JSON string: its bytes follow as k_hex.
func (o *object) str(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
	if !utf8.ValidString(v) {
		o.key(k + "_hex")
		o.b = append(hex.AppendEncode(append(o.b, '"'), []byte(v)), '"')
	}
}

func (o *object) optStr(k, v string) {
	if v != "" {
		o.str(k, v)
	}
}

// hash appends a 64-bit number, which is a string everywhere in our JSON: a reader with doubles would round it.
func (o *object) hash(k string, v uint64) { o.str(k, strconv.FormatUint(v, 16)) }

// list appends n objects, the form in which all our JSON has lists: a member can be added later without changing what is
// there.
func (o *object) list(k string, n int, member func(i int)) {
	o.key(k)
	o.b = append(o.b, '[')
	for i := range n {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, '{')
		member(i)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

func (o *object) texts(k, member string, v []string) {
	o.list(k, len(v), func(i int) { o.str(member, v[i]) })
}

func (o *object) blocks(k string, v []Block) {
	o.list(k, len(v), func(i int) {
		o.int("left", int64(v[i].Left))
		o.int("right", int64(v[i].Right))
	})
}

func (o *object) counters(v []Counter) {
	o.list("counters", len(v), func(i int) {
		o.str("name", v[i].Name)
		o.uint("value", v[i].Value)
	})
}

func (o *object) addr(k string, a netip.AddrPort) {
	if a.Addr().IsValid() {
		o.key(k)
		o.b = append(a.Addr().AppendTo(append(o.b, '"')), '"')
	}
	o.int(k+"_port", int64(a.Port()))
}

// fault appends what a rule did to the segment.
func (o *object) fault(e *Event) {
	f := &e.Fault
	o.optStr("rule", cmp.Or(e.Rule, f.Rule))
	o.optStr("fault", f.Action.String())
	o.optInt("rule_number", int64(f.Number))
	o.optInt("wait_ns", f.Wait)
	o.optInt("copy", int64(f.Copy))
	o.optInt("fragments", int64(f.Fragments))
	if f.Action == Corrupt {
		o.int("bit", int64(f.Bit))
	}
}

func (o *object) icmp(e *Event) {
	if e.Kind != KindICMP && (e.Packet == nil || e.ICMP == (ICMP{})) {
		return
	}
	o.int("icmp_type", int64(e.ICMP.Type))
	o.int("icmp_code", int64(e.ICMP.Code))
	o.optInt("icmp_mtu", int64(e.ICMP.MTU))
	o.optInt("icmp_size", int64(e.ICMP.Size))
	o.optHex("icmp_wire", e.ICMP.Wire)
}

func (o *object) timer(t *Timer) {
	o.optStr("timer", t.Kind.String())
	o.str("timer_op", t.Op.String())
	if t.Op == Armed {
		o.int("timer_at_ns", t.At)
	}
	o.optStr("timer_how", t.How.String())
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259 section 7). Control characters and bidirectional controls become
// \uXXXX, so that a terminal that shows the string obeys nothing; a byte that is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError && n == 1 || hidden(r):
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

// hidden reports bidirectional controls and line separators.
func hidden(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e ||
		r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}
