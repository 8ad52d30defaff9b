package ping

import (
	"time"

	"gnet/ping/probe"
)

// departure is when a probe left. It has no pointers and few bytes: there may be
// as many as a table of probes holds.
type departure struct {
	mono   time.Duration // just before the send call
	wall   int64         // the same on the other clock, in nanoseconds since 1970
	stamp  int64         // the kernel's transmit stamp likewise, 0 for none
	device int64         // the device's, by its own clock, 0 for none
}

// arrival is when m arrived, by the kernel if it says so.
func arrival(m *probe.Message, now Instant) time.Time {
	if m.Stamp.IsZero() {
		return now.Wall
	}
	return m.Stamp
}

// nanoseconds returns a time in nanoseconds since 1970, 0 for the zero Time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// roundTrip returns the time from probe s to an answer m that is handled now.
func (p *Pinger) roundTrip(s *sent, m *probe.Message) (time.Duration, TimeSource) {
	if p.UserTime {
		return s.roundTrip(0, 0, p.now)
	}
	return s.roundTrip(nanoseconds(m.Stamp), nanoseconds(m.Hardware), p.now)
}

// roundTrip returns the time from a departure to an answer that the kernel and
// the device stamped so, 0 for none, and that is handled now. A distance between
// stamps is believed if it lies within the time that has passed on the monotonic
// clock: the kernel's stamps are on a clock that can be set, and the device's on
// one that nobody vouches for.
func (d *departure) roundTrip(arrived, device int64, now Instant) (time.Duration, TimeSource) {
	bracket := now.Mono - d.mono
	within := func(from, to int64) bool { return from != 0 && to >= from && time.Duration(to-from) <= bracket }
	switch {
	case device != 0 && within(d.device, device):
		return time.Duration(device - d.device), Device
	case arrived == 0:
		return bracket, UserUser
	case d.stamp >= d.wall && within(d.stamp, arrived):
		return time.Duration(arrived - d.stamp), KernelKernel
	case within(d.wall, arrived):
		return time.Duration(arrived - d.wall), UserKernel
	case d.stepped(now):
		return bracket, ClockStepped
	}
	return bracket, UserUser
}

// stepped reports whether the time of day was set since: both clocks run at one
// speed, whatever adjusts it.
func (d *departure) stepped(now Instant) bool {
	drift := time.Duration(now.Wall.UnixNano()-d.wall) - (now.Mono - d.mono)
	return drift.Abs() > time.Millisecond
}
