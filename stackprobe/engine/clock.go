package engine

import (
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"gnet/stackprobe/vclock"
)

// clock gives netstack the time of the run.
type clock struct {
	vclock.Clock
	stack *Stack
	// inTimer is true while one of the stack's timers runs: what it sends then, it sends because time has passed.
	inTimer atomic.Bool
}

// epoch is the wall time at which every run starts for the engine. Nothing on the wire depends on it.
const epoch = 1_000_000_000

func (c *clock) Now() time.Time { return time.Unix(epoch, 0).Add(c.Clock.Now()) }

func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	// Netstack takes the zero of its clock for "never", so ours starts one second later.
	return tcpip.MonotonicTime{}.Add(c.Clock.Tick() + time.Second)
}

func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	return timer{c.Clock.After(d, func() {
		c.stack.busy = true
		c.inTimer.Store(true)
		f()
		c.inTimer.Store(false)
	})}
}

type timer struct{ *vclock.Timer }

func (t timer) Stop() bool            { return t.Timer.Stop() }
func (t timer) Reset(d time.Duration) { t.Timer.Reset(d) }
