package stackprobe

import (
	"net/netip"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// The ports: that of the echo service (RFC 862), and the first of the client's, which are the same in every run.
const (
	ClientPort = 40000
	ServerPort = 7
)

// opening returns whether end h opens connections, and how.
func (c *Config) opening(h event.Host) app.Opening {
	switch o := c.Ends[h].Open; {
	case o != app.OpenDefault:
		return o
	case h == event.Client:
		return app.OpenActive
	}
	return app.OpenPassive
}

// checkOpenings refuses openings of which no connection can come.
func (c *Config) checkOpenings() error {
	if c.opening(event.Client) == app.OpenPassive {
		return &ConfigError{"open", "passive", "a client that connects, or never does"}
	}
	if c.Ends[event.Server].Reconnect != 0 && c.opening(event.Server) != app.OpenActive {
		return &ConfigError{"reconnect", c.Ends[event.Server].Reconnect.String(), "an end that connects"}
	}
	return nil
}

// start has both ends open what they open, now or when the clock says so: the server first.
func (x *exchange) start() error {
	if x.guest != nil {
		return x.guest.start()
	}
	for _, h := range [...]event.Host{event.Server, event.Client} {
		if x.cfg.Attach != nil && h != x.cfg.Attach.end() {
			continue // that end begins on its own
		}
		if err := x.begin(h); err != nil {
			return err
		}
	}
	if x.inject != nil {
		x.inject.Start()
	}
	return nil
}

// begin starts end h.
func (x *exchange) begin(h event.Host) error {
	if p := x.peers[h]; p != nil {
		p.Start()
		return nil
	}
	o := &x.cfg.Ends[h]
	if o.Restart > 0 {
		x.plan(o.Restart, func() error { return x.restart(h) })
	}
	if o.Reconnect > 0 {
		x.plan(o.Reconnect, func() error { return x.open(h) })
	}
	if o.OpenAt > 0 {
		x.plan(o.OpenAt, func() error { return x.open(h) })
		return nil
	}
	return x.open(h)
}

// plan has f called at the moment at.
func (x *exchange) plan(at time.Duration, f func() error) {
	x.planned++
	x.loop.At(at, func() {
		x.planned--
		if err := f(); err != nil && x.broken == nil {
			x.broken = err
		}
	})
}

// open has end h listen or connect.
func (x *exchange) open(h event.Host) error {
	switch x.cfg.opening(h) {
	case app.OpenPassive:
		return x.listen(h)
	case app.OpenActive:
		return x.connectAll(h)
	}
	return nil
}

// socket returns the socket of end h on the i-th connection.
func (x *exchange) socket(h event.Host, i int) netip.AddrPort {
	if x.cfg.Attach != nil {
		return x.cfg.Attach.socket(h, i, x.cfg.Seed)
	}
	port := uint16(ServerPort)
	if h == event.Client {
		port = uint16(ClientPort + i)
	}
	return netip.AddrPortFrom(x.cfg.addr(h), port)
}

// listen opens the port of end h, unless it is to have none.
func (x *exchange) listen(h event.Host) error {
	if x.cfg.Ends[h].Listen == app.Off {
		return nil
	}
	local := x.socket(h, 0)
	accept, err := x.ends[h].(listener).Listen(local.Port())
	if err != nil {
		return &EndError{h, err}
	}
	x.journal(h)(event.Tuple{Local: local})(event.App{Call: event.Listen})
	x.apps[h].Serve(accept)
	x.sample()
	return nil
}

// connectAll begins the connects of end h.
func (x *exchange) connectAll(h event.Host) error {
	for i := range x.cfg.conns() {
		local, remote := x.socket(h, i), x.socket(h.Peer(), i)
		done := x.journal(h)(event.Tuple{Local: local, Remote: remote})
		conn, err := x.ends[h].(connector).Connect(local.Port(), remote)
		if err != nil {
			return &EndError{h, err}
		}
		x.ends[h].Settle() // the SYN gives the connection its number
		done(event.App{Call: event.Connect})
		x.apps[h].Open(conn)
	}
	return nil
}

// restart has the host of end h begin anew: its stack goes without a word, with all that it knew.
func (x *exchange) restart(h event.Host) error {
	x.note(event.Info, h.String()+" restarts: its stack knows nothing of its connections any more")
	x.ends[h].Close()
	for _, s := range x.apps[h].Sessions() {
		x.rec.observe(x.loop.Now(), h, x.link.Conn(h, s.Tuple()), event.Closed, event.Vars{})
	}
	x.apps[h].Forget()
	x.lives[h]++
	if err := x.engine(h); err != nil {
		return err
	}
	if x.cfg.opening(h) == app.OpenPassive {
		return x.listen(h)
	}
	return nil
}

// restarted returns an end whose host has lost connections that were open, None if there is none.
func (x *exchange) restarted() event.Host {
	for h := event.Client; h <= event.Server; h++ {
		for _, s := range x.apps[h].Sessions() {
			if s.Lost() {
				return h
			}
		}
	}
	return event.None
}
