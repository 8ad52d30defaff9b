package main

import (
	"cmp"
	"encoding/hex"

	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// ofKind holds for events of one kind.
func ofKind(k event.Kind) func(*event.Event) bool {
	return func(e *event.Event) bool { return e.Kind == k }
}

// faultColumns are the columns of what a rule did to a segment, and of messages about one.
func faultColumns() []render.Column[event.Event] {
	type e = event.Event
	fault := func(name string, kind render.Kind, unit, doc string, known func(*event.Fault) bool, get func(*event.Fault) int64) render.Column[e] {
		return eventInt(name, kind, unit, doc, func(e *e) bool { return (isSegment(e) || e.Packet != nil) && known(&e.Fault) }, func(e *e) int64 { return get(&e.Fault) })
	}
	isICMP := func(e *e) bool {
		return e.Kind == event.KindICMP || isPacket(e) && e.ICMP != event.ICMP{}
	}
	return []render.Column[e]{
		eventWord("rule", "The fault rule that took or changed the segment.", func(e *e) string { return cmp.Or(e.Rule, e.Fault.Rule) }),
		eventWord("fault", "What the rule did: drop, dup, corrupt, delay, reorder, rate, loss, burst, mtu, down or overlap.", func(e *e) string { return e.Fault.Action.String() }),
		fault("rule_number", render.Int, "", "Place of the rule in the run's list, from 1.", func(f *event.Fault) bool { return f.Number != 0 }, func(f *event.Fault) int64 { return int64(f.Number) }),
		fault("wait_ns", render.Duration, "ns", "What the rule added to the segment's way.", func(f *event.Fault) bool { return f.Wait != 0 }, func(f *event.Fault) int64 { return f.Wait }),
		fault("copy", render.Int, "", "Number of the copy that dup made.", func(f *event.Fault) bool { return f.Copy != 0 }, func(f *event.Fault) int64 { return int64(f.Copy) }),
		fault("fragments", render.Int, "", "Into how many fragments a router has cut the packet.", func(f *event.Fault) bool { return f.Fragments != 0 }, func(f *event.Fault) int64 { return int64(f.Fragments) }),
		fault("bit", render.Int, "", "Place of the bit that corrupt turned, counted from the first of the IP packet.", func(f *event.Fault) bool { return f.Action == event.Corrupt }, func(f *event.Fault) int64 { return int64(f.Bit) }),
		eventInt("icmp_type", render.Int, "", "Type of the ICMP message that the sender got, or of one that is itself on its way as a packet.", isICMP, func(e *e) int64 { return int64(e.ICMP.Type) }),
		eventInt("icmp_code", render.Int, "", "Its code.", isICMP, func(e *e) int64 { return int64(e.ICMP.Code) }),
		eventInt("icmp_mtu", render.Int, "bytes", "MTU of the next hop in it.", func(e *e) bool { return isICMP(e) && e.ICMP.MTU != 0 }, func(e *e) int64 { return int64(e.ICMP.MTU) }),
		eventInt("icmp_size", render.Int, "bytes", "Length of the IP packet with it.", func(e *e) bool { return isICMP(e) && e.ICMP.Size != 0 }, func(e *e) int64 { return int64(e.ICMP.Size) }),
		eventWord("icmp_wire", "The first bytes of that packet, hexadecimal; the run has snap of them.", func(e *e) string {
			if !isICMP(e) {
				return ""
			}
			return hex.EncodeToString([]byte(e.ICMP.Wire))
		}),
	}
}

// happeningColumns are the columns of application calls, timers, checks, counters and notes.
func happeningColumns() []render.Column[event.Event] {
	type e = event.Event
	isTimer, isCheck, isFrame := ofKind(event.KindTimer), ofKind(event.KindCheck), ofKind(event.KindFrame)
	return []render.Column[e]{
		eventWord("call", "Call of the application: listen, connect, established, accept, write, receive, eof, shutdown, close, failed or abort.", func(e *e) string { return e.App.Call.String() }),
		eventInt("bytes", render.Int, "bytes", "Bytes that a call moved.",
			func(e *e) bool {
				return e.Kind == event.KindApp && (e.App.Call == event.Write || e.App.Call == event.Receive)
			}, func(e *e) int64 { return int64(e.App.Bytes) }),
		eventWord("error", "Why a call failed.", func(e *e) string { return e.App.Err }),
		eventWord("timer", "Timer: rto, syn, synack, tlp, reorder, persist, keepalive, delayed-ack, time-wait, fin-wait-2 or user.", func(e *e) string { return e.Timer.Kind.String() }),
		eventWord("timer_op", "What happened to it: fired, armed or stopped.", func(e *e) string {
			if !isTimer(e) {
				return ""
			}
			return e.Timer.Op.String()
		}),
		eventInt("timer_at_ns", render.Duration, "ns", "When an armed timer will expire, since the start of the run.", func(e *e) bool { return isTimer(e) && e.Timer.Op == event.Armed }, func(e *e) int64 { return e.Timer.At }),
		eventWord("timer_how", "Where timer comes from: read or inferred.", func(e *e) string { return e.Timer.How.String() }),
		eventWord("check", "What was compared, in the kernel's word: a computed value does not agree with the kernel's.", func(e *e) string { return e.Check.Name }),
		eventInt("check_computed", render.Int, "", "The value computed from the segments.", isCheck, func(e *e) int64 { return e.Check.Computed }),
		eventInt("check_read", render.Int, "", "The value that the kernel says.", isCheck, func(e *e) int64 { return e.Check.Read }),
		eventWord("frame", "Whether the end sent a frame of Ethernet that is of no connection, or received it: ARP, neighbour discovery, groups.", func(e *e) string {
			if e.Kind != event.KindFrame {
				return ""
			}
			return e.Frame.Way()
		}),
		eventInt("frame_size", render.Int, "bytes", "Length of that frame without its check sequence.", isFrame, func(e *e) int64 { return int64(e.Frame.Size) }),
		eventWord("frame_wire", "Its first bytes, hexadecimal; the run has snap of them.", func(e *e) string { return hex.EncodeToString([]byte(e.Frame.Wire)) }),
		counterList(),
		eventWord("level", "Weight of a note: info or warning.", func(e *e) string {
			if e.Kind != event.KindNote {
				return ""
			}
			return e.Level.String()
		}),
		eventWord("text", "Sentence of a note, or why a router took a packet.", func(e *e) string { return e.Text }),
	}
}

// counterList lists the counters of a stack.
func counterList() render.Column[event.Event] {
	c := column("counters", render.List, "", "Counters of the end's stack at the end of the run, those that are not 0; with conn those that a kernel has for that connection, by struct tcp_info.", func(e *event.Event, v *render.Value) {
		if e.Kind != event.KindCounters {
			return
		}
		v.EmptyList()
		for _, c := range e.Counters {
			counter := v.Object(2)
			counter[0].Str(c.Name)
			counter[1].Uint(c.Value)
		}
	})
	c.Sub = []render.Field{{Name: "name", Kind: render.String, Doc: "The stack's own name of the counter."},
		{Name: "value", Kind: render.Uint, Doc: "Its value."}}
	return c
}
