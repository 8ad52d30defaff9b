package stackprobe

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// end is one end's stack.
type end interface {
	link.End
	// Settle returns when the stack has done what follows from what it got so far.
	Settle()
	// Sample yields state and variables of its connections, of each that may have changed since the call before; call it
	// after Settle.
	Sample(yield func(event.Tuple, event.State, event.Vars))
	// Close ends the stack; it sends nothing any more.
	Close()
}

// listener is an end that can be the server.
type listener interface {
	// Listen opens a port and returns the function that takes the next connection from its queue, nil if there is none.
	Listen(port uint16) (accept func() (app.Conn, error), err error)
}

// connector is an end that can be the client.
type connector interface {
	// Connect begins to connect from local port to peer and returns at once.
	Connect(port uint16, peer netip.AddrPort) (app.Conn, error)
}

// kernel is what a kernel's end has beyond an engine's.
type kernel interface {
	// Sums returns the kernel's own sums of its connections.
	Sums() (acked, received uint64, ok bool)
	// Err returns the first error of its interface.
	Err() error
	// Dropped returns how many packets were lost before they reached the link.
	Dropped() (uint64, error)
}

// exchange is a world that is ready to run.
type exchange struct {
	cfg    *Config
	run    *event.Run
	loop   *vclock.Loop
	link   *link.Link
	rec    *recorder
	ends   [3]end // by event.Host
	client *app.Client
	server *app.Echo
	// start opens the server's port and begins the client's connect, and fills client and server.
	start func(x *exchange) error
}

// connect makes the exchange's link. Ends are attached by the world.
func (x *exchange) connect(client, server link.Path) {
	x.link = link.New(link.Config{Clock: x.loop, Client: client, Server: server, Rules: x.cfg.Faults, Seed: x.cfg.Seed, Sink: x.rec.put})
}

// attach makes e the end h.
func (x *exchange) attach(h event.Host, e end) {
	x.ends[h] = e
	x.link.Attach(h, e)
}

// close ends both stacks.
func (x *exchange) close() {
	for _, e := range x.ends {
		if e != nil {
			e.Close()
		}
	}
}

// drive runs the exchange to its end and gives events to emit as they come. It stops early if emit returns false. The
// error is that of ctx or of a start that failed.
func (x *exchange) drive(ctx context.Context, emit func([]event.Event) bool) error {
	x.rec.put(&event.Event{Kind: event.KindRun, Run: x.run})
	if err := x.start(x); err != nil {
		return err
	}
	var batch []event.Event
	for {
		x.work()
		last := vclock.Ran
		if !x.over() {
			if batch = x.rec.take(batch); !emit(batch) {
				return nil
			}
			if last = x.loop.Step(ctx, time.Duration(x.run.Deadline)); last == vclock.Ran {
				continue
			}
		}
		x.conclude(last)
		emit(x.rec.take(nil))
		if last == vclock.Cancelled {
			return ctx.Err()
		}
		return nil
	}
}

// work lets both ends do what the last event made possible, and records what has changed in them. The two never work at
// the same time: each reading of the virtual clock moves it, so which of two readings came first would be left to the
// scheduler.
func (x *exchange) work() {
	x.sample()
	x.client.Step()
	x.settle()
	x.server.Step()
	x.sample()
}

// settle lets both ends come to rest.
func (x *exchange) settle() {
	for h := event.Client; h <= event.Server; h++ {
		x.ends[h].Settle()
	}
}

func (x *exchange) sample() {
	x.settle()
	for h := event.Client; h <= event.Server; h++ {
		x.ends[h].Sample(func(t event.Tuple, state event.State, vars event.Vars) {
			x.rec.observe(x.loop.Now(), h, x.link.Conn(h, t), state, vars)
		})
	}
}

// journal returns the function that records the calls of h's application where they began.
func (x *exchange) journal(h event.Host) app.Journal {
	return func() func(event.App) {
		at, place := x.loop.Now(), x.rec.place()
		return func(a event.App) {
			x.rec.insert(place, &event.Event{T: int64(at), Kind: event.KindApp, Host: h, App: a})
		}
	}
}

func (x *exchange) note(level event.Level, text string) {
	x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindNote, Level: level, Text: text})
}

// over reports whether nothing more can happen that the run is about: an application has failed, or both have closed and
// their connections too, and no packet is on its way. TIME-WAIT is not waited for.
func (x *exchange) over() bool {
	if x.link.InFlight() > 0 {
		return false
	}
	if x.client.Err() != nil || x.server.Err() != nil {
		return true
	}
	return x.client.Done() && x.server.Done() && ended(x.rec.state(event.Client)) && ended(x.rec.state(event.Server))
}

// ended reports whether a connection in state s has nothing left to send.
func ended(s event.State) bool {
	return s == event.TimeWait || s == event.Closed || s == event.ClosedReset
}

// conclude records the last events: what the run did not show, and what came of it.
func (x *exchange) conclude(last vclock.Outcome) {
	for h := event.Client; h <= event.Server; h++ {
		if x.rec.state(h) == event.TimeWait {
			x.note(event.Info, h.String()+" stays in TIME-WAIT; the run does not wait for its end")
		}
		if n := x.link.Count(h).Other; n > 0 {
			x.note(event.Info, fmt.Sprintf("%s sent %d packets that are no TCP segments; they passed and are not shown", h, n))
		}
	}
	if k, ok := x.ends[event.Client].(kernel); ok {
		if k.Err() != nil {
			x.note(event.Warning, k.Err().Error())
		}
		if n, err := k.Dropped(); err != nil || n > 0 {
			x.note(event.Warning, fmt.Sprintf("the kernel's queue to the link lost %d packets that are not in the events", n))
		}
	}
	x.link.Idle(func(rule string, matched int) bool {
		x.note(event.Warning, fmt.Sprintf("fault %q took nothing: %d segments matched", rule, matched))
		return true
	})
	e := x.totals()
	e.Reason = x.reason(last)
	e.OK = e.Reason == ""
	x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindEnd, End: e})
}

func (x *exchange) totals() *event.End {
	e := &event.End{}
	e.Client.Written, e.Client.Received = x.client.Totals()
	e.Server.Written, e.Server.Received, e.Server.Match = x.server.Totals()
	// The client fails at the first wrong octet, so what it has counted is right.
	e.Client.Match = x.client.Err() != app.ErrContent
	for h, t := range map[event.Host]*event.Totals{event.Client: &e.Client, event.Server: &e.Server} {
		c := x.link.Count(h)
		t.State, t.Segments, t.Retransmitted, t.Lost = x.rec.state(h), c.Segments, c.Retransmitted, c.Lost
	}
	if k, ok := x.ends[event.Client].(kernel); ok {
		e.Client.KernelAcked, e.Client.KernelReceived, e.Client.HasKernel = k.Sums()
	}
	return e
}

// reason says why the exchange failed, "" if it did not.
func (x *exchange) reason(last vclock.Outcome) string {
	switch {
	case x.client.Err() != nil:
		return "client: " + x.client.Err().Error()
	case x.server.Err() != nil:
		return "server: " + x.server.Err().Error()
	case last == vclock.Cancelled:
		return "interrupted"
	case last == vclock.Late:
		return "not finished after " + time.Duration(x.run.Deadline).String()
	case last == vclock.Idle:
		return "both ends wait for ever"
	}
	if _, _, match := x.server.Totals(); !match {
		return "server: " + app.ErrContent.Error()
	}
	return ""
}
