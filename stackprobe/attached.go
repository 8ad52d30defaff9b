package stackprobe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/attach"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Attach connects the engine to a network of this host's: one end of the run is the engine, the other one is a server or whoever comes.
// Of that end only the segments are seen, and its states are inferred from them.
type Attach struct {
	// Host is the host's side, open as long as the run goes on.
	Host *attach.Host
	// Server is whom the engine connects to.
	Server netip.AddrPort
	// Port is where the engine listens instead, 0 if it connects.
	Port uint16
	// Limit ends a run that listens when so many connections are over, 0: only its context does.
	Limit int
	// Get has the engine, as client, send that request, and read until the server closes; "" for the role of its Options.
	Get string
}

// end returns the end that is the engine's.
func (a *Attach) end() event.Host {
	if a.Port != 0 {
		return event.Server
	}
	return event.Client
}

// addr returns the address of end h, the unspecified one for clients that nobody knows yet.
func (a *Attach) addr(h event.Host) netip.Addr {
	switch {
	case h == a.end():
		return a.Host.Engine
	case a.Port == 0:
		return a.Server.Addr()
	case a.Host.Engine.Is6():
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// ports is how many ports the engine's first one is taken from: a server remembers those of a run before (RFC 9293 section 3.6.1).
const ports = 20000

// socket returns the socket of end h on the i-th connection.
func (a *Attach) socket(h event.Host, i int, seed int64) netip.AddrPort {
	switch {
	case h == event.Client && a.Port == 0:
		return netip.AddrPortFrom(a.addr(h), uint16(ClientPort+(uint64(seed)+uint64(i))%ports))
	case h == event.Server && a.Port != 0:
		return netip.AddrPortFrom(a.addr(h), a.Port)
	case h == event.Server:
		return a.Server
	}
	return netip.AddrPortFrom(a.addr(h), 0)
}

// checkAttach reports the first value that an attached run cannot have.
func (c *Config) checkAttach() error {
	other := c.Attach.end().Peer()
	switch {
	case c.Ends[other] != (app.Options{}):
		return &ConfigError{"at-" + other.String(), c.Ends[other].String(), "nothing: that end is not ours"}
	case len(c.Peer) > 0 || c.Scenario != nil || c.Tracefs:
		return &ConfigError{"attach", "with a script, a lesson or tracefs", "a plain run"}
	case c.Attach.Port != 0 && len(c.Inject) > 0:
		return &ConfigError{"inject", c.Inject[0].Text, "an engine that connects: nobody knows who will come"}
	case c.opening(c.Attach.end()) != app.OpenPassive && c.Attach.Port != 0, c.opening(c.Attach.end()) != app.OpenActive && c.Attach.Port == 0:
		return &ConfigError{"open", "another way", "an engine that does what the command says"}
	case c.Attach.Limit < 0:
		return &ConfigError{"connections", fmt.Sprint(c.Attach.Limit), "a positive number"}
	case c.Attach.Get != "" && c.Ends[event.Client].Role != app.RoleDefault:
		return &ConfigError{"get", "", "no role of the engine's"}
	}
	return nil
}

// attached builds the world of the engine and a network of the host's.
func attached(cfg *Config) (*exchange, error) {
	a, h := cfg.Attach, cfg.Attach.end()
	median, worst := clockError() // before the run's clock begins
	x := newExchange(cfg, Auto, "", vclock.NewReal(), event.Mono)
	x.run.World, x.run.ClockError, x.run.ClockErrorMax = a.Host.Mode.String(), median, worst
	x.run.Why = "the other end is not ours: its states are inferred from its segments, which are seen where they enter and leave this host's " + a.Host.Device
	x.run.Pinned = []string{"initial sequence numbers, timestamps and IPv4 identification from the seed"}
	if a.Get != "" {
		x.apps[h] = x.getter(h)
	}
	var paths [3]link.Path
	for e := event.Client; e <= event.Server; e++ {
		paths[e] = link.Path{Delay: cfg.delay(e), Renumber: e == h}
	}
	x.connect(paths[event.Client], paths[event.Server])
	x.outside = a.Host.Outside()
	x.attach(h.Peer(), x.outside)
	x.rec.inferred[h.Peer()] = true
	about := &x.run.Server
	if h == event.Server {
		about = &x.run.Client
	}
	about.Name, about.Addr = event.NotOurs, a.addr(h.Peer()).String()
	if h == event.Server {
		about.Addr = "anybody"
	}
	err := x.engine(h)
	if err == nil {
		err = x.outside.Start(x.loop, func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(h.Peer(), at, packet, sent) }, x.note, x.frame)
	}
	if err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

// frame records a frame that the engine, as a host of a bridge's network, has sent or got.
func (x *exchange) frame(sent bool, b []byte) {
	x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindFrame, Host: x.cfg.Attach.end(),
		Frame: event.Frame{Sent: sent, Size: len(b), Wire: string(b[:min(len(b), x.run.Snap)])}})
}

// getter is the application that sends a request and reads to the end.
func (x *exchange) getter(h event.Host) *app.Peer {
	return app.NewPeer(app.Config{Options: x.cfg.Ends[h], Role: app.RoleSink, Peer: app.RoleProgram, Host: h, Seed: x.cfg.Seed, Clock: x.loop,
		Journal: x.journal(h), Request: x.cfg.Attach.Get})
}

// served reports whether an attached run is over: so many connections have ended as it is about, and nothing of them is on its way.
func (x *exchange) served() bool {
	h := x.cfg.Attach.end()
	p, want := x.apps[h], x.cfg.conns()
	if x.cfg.Attach.Port != 0 {
		want = x.cfg.Attach.Limit
	}
	if p.Err() != nil || x.outside.Err() != nil {
		return true
	}
	if ended, _, _ := p.Ended(); want == 0 || ended < want || x.link.InFlight() > 0 || x.pending() {
		return false
	}
	return !slices.ContainsFunc(p.Sessions(), func(s *app.Session) bool { return !s.Done() }) && !x.rec.openAt(h)
}

// attachedReason says why an attached run failed, "" if it did not. What others want of the engine is their own affair; what the engine
// wanted of a server is not.
func (x *exchange) attachedReason(last vclock.Outcome) string {
	h := x.cfg.Attach.end()
	listens := x.cfg.Attach.Port != 0
	if err := errors.Join(x.apps[h].Err(), x.outside.Err()); err != nil {
		return h.String() + ": " + err.Error()
	}
	if _, failed, err := x.apps[h].Ended(); failed > 0 && !listens {
		if n := x.cfg.conns(); n > 1 {
			return fmt.Sprintf("%s: %d of %d connections failed, the first: %v", h, failed, n, err)
		}
		return fmt.Sprintf("%s: %v", h, err)
	}
	switch {
	case last == vclock.Cancelled && listens:
		return "" // that is how it ends
	case last == vclock.Cancelled:
		return "interrupted"
	case last == vclock.Late:
		return "not finished after " + time.Duration(x.run.Deadline).String()
	}
	return ""
}
