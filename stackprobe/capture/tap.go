package capture

import (
	"gnet/stackprobe/event"
)

// Tap makes the events of packets as a Live shows them, one after another, like a Replay those of a file.
type Tap struct{ v Replay }

// NewTap returns a tap for a device. yield gets each event, valid until it returns, and returns false when it wants no more.
func NewTap(device string, yield func(*event.Event) bool) *Tap {
	t := &Tap{*NewReplay(nil)}
	t.v.r, t.v.device = nil, device
	t.v.yield = func(e *event.Event, _ error) bool { return yield(e) }
	return t
}

// Packet takes the next packet. It reports false when nobody wants more events. The error is a *PacketError, behind which it goes on.
func (t *Tap) Packet(p *Packet) (bool, error) {
	err := t.v.packet(p)
	if err == errStop {
		return false, nil
	}
	return true, err
}

// Begun reports whether there was an event.
func (t *Tap) Begun() bool { return t.v.begun }

// Sampled tells the state and the variables that the kernel of host has shown for a connection at the moment at, nanoseconds since
// 1970. They stand behind the last segment, since packets that came before that moment may still be in the ring.
func (t *Tap) Sampled(at int64, host event.Host, conn int, state event.State, vars *event.Vars) bool {
	v := &t.v
	v.e = event.Event{T: v.e.T, State: state, StateHow: event.Read, Vars: *vars}
	v.e.Vars.At = max(at-v.first, 1)
	return v.put(v.e.T, event.KindVars, host, conn) == nil
}

// Note tells something about the capture.
func (t *Tap) Note(level event.Level, text string) bool {
	v := &t.v
	v.e = event.Event{T: v.e.T, Level: level, Text: text}
	return v.put(v.e.T, event.KindNote, event.None, 0) == nil
}

// End tells what is not in the events.
func (t *Tap) End() { t.v.end() }
