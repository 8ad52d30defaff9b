package engine

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"gnet/stackprobe/vclock"
)

// clock gives netstack the time of the run.
type clock struct {
	vclock.Clock
	stack *Stack
}

// epoch is the wall time at which every run starts for the engine. Nothing on the wire depends on it.
const epoch = 1_000_000_000

func (c *clock) Now() time.Time { return time.Unix(epoch, 0).Add(c.Clock.Now()) }

func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	// Netstack takes the zero of its clock for "never", so ours starts one second later.
	return tcpip.MonotonicTime{}.Add(c.Clock.Tick() + time.Second)
}

// sinceStart is the moment that NowMonotonic gave for t.
func sinceStart(t tcpip.MonotonicTime) time.Duration {
	return t.Sub(tcpip.MonotonicTime{}) - time.Second
}

func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &timer{}
	t.Timer = c.Clock.After(d, func() {
		c.stack.busy = true
		c.stack.nic.table.fire(t, f, c.Clock.Now())
	})
	return t
}

// timer is one of the clock's timers in netstack's hands. owner and slot are the connection that has it, known when it
// has run once, and which of that connection's timers it is.
type timer struct {
	*vclock.Timer
	owner *connection
	slot  int
}

func (t *timer) Stop() bool            { return t.Timer.Stop() }
func (t *timer) Reset(d time.Duration) { t.Timer.Reset(d) }
