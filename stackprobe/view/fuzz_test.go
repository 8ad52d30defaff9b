package view

import (
	"encoding/binary"
	"testing"

	"gnet/stackprobe/event"
)

// baseRuns are the runs that the fuzzer damages, in a fixed order.
var baseRuns = []func() []event.Event{plainRun, lostRun, crossRun, timeoutRun, oddRun, longRun, kindsRun}

// damage changes events as ops say, seven bytes for each change: what, where (2), and a value (4).
func damage(events []event.Event, ops []byte) []event.Event {
	for ; len(ops) >= 7 && len(events) > 0 && len(events) < 2000; ops = ops[7:] {
		at := int(binary.BigEndian.Uint16(ops[1:])) % len(events)
		value := binary.BigEndian.Uint32(ops[3:])
		switch ops[0] % 16 {
		case 0:
			events = append(events[:at], events[at+1:]...)
		case 1:
			events = append(events[:at+1], events[at:]...)
		case 2:
			other := int(value) % len(events)
			events[at], events[other] = events[other], events[at]
		case 3:
			events[at].T = int64(int32(value)) << (value % 32) // into the past and far into the future
		default:
			change(&events[at], ops[0]%16, value, ops[3:7])
		}
	}
	return events
}

// change damages one event.
func change(e *event.Event, what byte, value uint32, raw []byte) {
	switch what {
	case 4:
		e.Kind = event.Kind(value)
	case 5:
		e.Host = event.Host(value)
	case 6:
		e.State, e.StateHow = event.State(value), event.How(value>>8)
	case 7:
		e.Seg.Flags = event.Flags(value)
	case 8:
		e.Derived.RelSeq, e.Derived.HasRelSeq, e.Derived.HasWindow = int64(int32(value)), value&1 == 0, value&2 == 0
	case 9:
		e.Seg.Len = int(int32(value))
	case 10:
		e.Seg.Opts.Has, e.Seg.Opts.NSack = event.OptionSet(value), uint8(value>>8)
	case 11:
		e.Seg.ID = int(int32(value))
	case 12:
		e.Derived.Why, e.Derived.WhyHow, e.Derived.Attempt, e.Conn = event.Reason(value), event.How(value>>8), int(value>>16&3), int(value>>24)
		e.Derived.Repeat = e.Derived.Attempt > 1
	case 13:
		text := string(raw) + e.Rule + string(raw) + e.Text
		text = text[:min(len(text), 500)] // it doubles with each change
		e.Rule, e.Text, e.App.Err, e.Fault.Rule, e.Check.Name = text, text, text, text, text
	case 14:
		e.Timer = event.Timer{Kind: event.TimerKind(value), Op: event.TimerOp(value >> 8), At: int64(value) << (value % 40), How: event.How(value >> 16)}
		e.Fault.Action, e.Fault.Wait, e.ICMP.Type = event.Action(value), int64(int32(value)), uint8(value>>24)
		e.App.Call, e.App.Bytes, e.Level = event.Call(value), int(int32(value)), event.Level(value>>8)
	case 15:
		e.Run, e.End = nil, nil
		if value&1 == 0 {
			e.Run = &event.Run{World: string(raw), Faults: []string{string(raw)}, DelayClient: int64(int32(value)) * ms, Clock: event.Clock(value)}
			e.End = &event.End{Reason: string(raw), Client: event.Totals{Segments: int(value)}}
		}
	}
}

// Any stream of events: no panic, no row wider than the page, no byte that a terminal obeys.
func FuzzLadder(f *testing.F) {
	for i := range baseRuns {
		f.Add(uint8(i), uint8(80), uint8(i), []byte(nil))
		f.Add(uint8(i), uint8(57), uint8(i+4), []byte(nil))
		f.Add(uint8(i), uint8(45+17*i), uint8(i), []byte{13, 0, 30, 0x1b, 0xe2, 0x80, 0xae, 9, 0, 20, 0x7f, 0xff, 0xff, 0xff, 3, 0, 25, 0x80, 0, 0, 31})
	}
	f.Fuzz(func(t *testing.T, run, width, opts uint8, ops []byte) {
		o := Options{Width: int(width), ASCII: opts&1 != 0, Color: opts&2 != 0, Explain: opts&4 != 0, Unfold: opts&8 != 0, Absolute: opts&16 != 0}
		if o.Width == 0 {
			o.Width = wideWidth
		}
		events := damage(baseRuns[int(run)%len(baseRuns)](), ops)
		if wrong := checkRows(draw(t, events, o), o); wrong != "" {
			t.Fatal(wrong)
		}
	})
}
