package stackprobe

import (
	"context"
	"net/netip"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/attach"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
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

// clockwork is an end that tells what happened to its timers since the last call, in order.
type clockwork interface {
	Timers(yield func(event.Tuple, event.Timer))
}

// counted is an end whose stack counts; Counters returns those that are not zero, sorted by name.
type counted interface{ Counters() []event.Counter }

// kernel is what a kernel's end has beyond an engine's.
type kernel interface {
	// Sums returns the kernel's own sums for its connections.
	Sums() (acked, received uint64, ok bool)
	// Infos yields what the kernel has counted for each connection, sorted by name.
	Infos(yield func(event.Tuple, []event.Counter))
	// Err returns the first error of its interface.
	Err() error
	// TraceLosses says what is missing of the kernel's trace events, "" if nothing is.
	TraceLosses() string
	// Dropped returns how many packets were lost before they reached the link.
	Dropped() (uint64, error)
}

// exchange is a world that is ready to run.
type exchange struct {
	cfg  *Config
	run  *event.Run
	loop *vclock.Loop
	link *link.Link
	rec  *recorder
	ends [3]end       // by event.Host
	apps [3]*app.Peer // by event.Host
	// seen is where the events begin that follow from what the timers did since they were last asked, by event.Host.
	seen [3]int
	// untraced says why trace events that were asked for are not read.
	untraced string
	// polled says that the loop already wakes the exchange to look at states that no packet tells of.
	polled bool
	// inject puts crafted segments on the link, nil if there are none; peers are the ends that follow a script, by event.Host.
	inject *inject.Injector
	peers  [3]*inject.Peer
	// planned counts the openings and restarts that are still to come, lives the stacks that each end had before.
	planned int
	lives   [3]int
	// broken is why a planned opening failed.
	broken error
	// outside is the end of an attached world that is not ours, nil in all others.
	outside *attach.Outside
	// guest is the program at the kernel's end, nil where that end is ours.
	guest *guest
}

// newExchange returns an exchange without ends. x.run is as far filled as it is the same in every world.
func newExchange(cfg *Config, w World, why string, loop *vclock.Loop, clock event.Clock) *exchange {
	x := &exchange{cfg: cfg, loop: loop, rec: &recorder{clock: clock, quiet: cfg.Quiet}, run: cfg.header(w, clock)}
	x.run.Why, x.run.Start = why, startOf(loop)
	for h := event.Client; h <= event.Server; h++ {
		x.apps[h] = app.NewPeer(app.Config{Options: cfg.Ends[h], Role: cfg.role(h), Peer: cfg.role(h.Peer()), Bytes: cfg.octets(h),
			PeerBytes: cfg.octets(h.Peer()), PeerRepeat: cfg.Ends[h.Peer()].Repeat, Host: h, Seed: cfg.Seed, Clock: loop, Journal: x.journal(h),
			Unchecked: cfg.scripted(h.Peer())})
	}
	return x
}

// startOf is event.Run.Start of a run on loop.
func startOf(loop *vclock.Loop) int64 {
	if t := loop.Start(); !t.IsZero() {
		return t.UnixNano()
	}
	return 0
}

// connect makes the exchange's link. Ends are attached by the world.
func (x *exchange) connect(client, server link.Path) {
	sink := x.rec.put
	if x.cfg.Quiet {
		sink = nil
	}
	if len(x.cfg.Inject) > 0 {
		x.inject = x.injector()
		sink = func(e *event.Event) {
			x.inject.Observe(e)
			x.rec.put(e)
		}
	}
	x.link = link.New(link.Config{Clock: x.loop, Client: client, Server: server, Rules: x.cfg.Faults, Seed: x.cfg.Seed, Snap: x.run.Snap, Sink: sink})
}

// attach makes e the end h.
func (x *exchange) attach(h event.Host, e end) {
	x.ends[h] = e
	x.link.Attach(h, e)
	_, x.rec.untold[h] = e.(kernel)
}

// close ends both stacks.
func (x *exchange) close() {
	if x.guest != nil {
		x.guest.close()
	}
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
	if x.untraced != "" {
		x.note(event.Warning, "no trace events of the kernel: "+x.untraced)
	}
	if err := x.start(); err != nil {
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
			if last = x.loop.Step(ctx, x.cfg.deadline(x.run.Clock)); last == vclock.Ran {
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
	if x.guest != nil {
		x.guest.step()
		x.sample()
		return
	}
	x.apps[event.Client].Step()
	x.settle()
	x.apps[event.Server].Step()
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
	if x.cfg.Quiet && x.link.InFlight() > 0 {
		return // states are asked for when everything has arrived (over), and nothing else is told
	}
	for h := event.Client; h <= event.Server; h++ {
		x.ends[h].Sample(func(t event.Tuple, state event.State, vars event.Vars) {
			x.rec.observe(x.loop.Now(), h, x.link.Conn(h, t), state, vars)
		})
		if c, ok := x.ends[h].(clockwork); ok && !x.cfg.Quiet {
			c.Timers(func(t event.Tuple, timer event.Timer) {
				x.rec.timer(x.seen[h], &event.Event{T: int64(x.loop.Now()), Kind: event.KindTimer, Host: h, Conn: x.link.Conn(h, t), Timer: timer})
			})
			x.seen[h] = x.rec.place()
		}
	}
}

// journal returns the function that records the calls of h's application where they began.
func (x *exchange) journal(h event.Host) app.Journal {
	return func(t event.Tuple) func(event.App) {
		at, place := x.loop.Now(), x.rec.place()
		return func(a event.App) {
			x.rec.insert(place, &event.Event{T: int64(at), Kind: event.KindApp, Host: h, Conn: x.link.Conn(h, t), App: a})
		}
	}
}

func (x *exchange) note(level event.Level, text string) {
	x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindNote, Level: level, Text: text})
}

// over reports whether nothing more can happen that the run is about: no packet is on its way, and every connection has
// come to its end.
func (x *exchange) over() bool {
	if x.guest != nil {
		return x.guest.over()
	}
	if x.broken != nil {
		return true
	}
	if x.outside != nil {
		return x.served()
	}
	if x.link.InFlight() > 0 || x.pending() {
		return false
	}
	if x.apps[event.Server].Err() != nil {
		return true
	}
	if h := x.honest(); h != event.None {
		return x.alone(h)
	}
	if x.cfg.opening(event.Client) == app.OpenNever {
		return false // the clock says when nothing can happen any more
	}
	for _, c := range x.apps[event.Client].Sessions() {
		if !x.ended(c, x.peer(c)) {
			return false
		}
	}
	return true
}

// ended reports whether the connection of client and server, nil if that has not accepted it, has nothing left to do: one
// of the two has failed, or both have closed and so have their stacks.
func (x *exchange) ended(client, server *app.Session) bool {
	if client.Err() != nil {
		return true
	}
	if client.Lost() {
		return server == nil || server.Done()
	}
	if server == nil {
		// A client that resets before its peer has accepted is never met there.
		return client.Done() && x.closed(event.Client, client) && x.cfg.abrupt(event.Client)
	}
	return server.Err() != nil || client.Done() && server.Done() && x.closed(event.Client, client) && x.closed(event.Server, server)
}

// closed reports whether the stack of h has ended the connection of s, as far as the run waits for that.
func (x *exchange) closed(h event.Host, s *app.Session) bool {
	switch x.rec.state(h, x.link.Conn(h, s.Tuple())) {
	case event.Closed, event.ClosedReset:
		return true
	case event.TimeWait:
		if x.cfg.Until == Closed {
			x.poll()
			return false
		}
		return true
	}
	return false
}

// poll looks at the states again in a while: no packet tells that a kernel's TIME-WAIT is over.
func (x *exchange) poll() {
	if x.polled || x.run.Clock == event.Virtual {
		return
	}
	x.polled = true
	x.loop.At(x.loop.Now()+time.Second, func() { x.polled = false })
}

// peer returns the server's session of the client's session c, nil if it has none.
func (x *exchange) peer(c *app.Session) *app.Session {
	t, before := c.Tuple(), 0
	for _, other := range x.apps[event.Client].Sessions() {
		if other == c {
			break
		}
		if other.Tuple() == t {
			before++
		}
	}
	for _, s := range x.apps[event.Server].Sessions() {
		if s.Tuple().Remote != t.Local {
			continue
		}
		if before == 0 {
			return s
		}
		before--
	}
	return nil
}

// abrupt reports whether end h ends its connections so that its peer may see a reset.
func (c *Config) abrupt(h event.Host) bool {
	e := c.Ends[h].End
	return e == app.EndReset || e == app.EndAbrupt
}
