package stackprobe

import (
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
	"gnet/stackprobe/link"
)

// scripted reports whether end h follows a script instead of having a stack.
func (c *Config) scripted(h event.Host) bool {
	for i := range c.Peer {
		if c.Peer[i].End == h {
			return true
		}
	}
	return false
}

// checkCrafted refuses crafted segments that this link cannot carry, and scripts that leave no stack to watch.
func (c *Config) checkCrafted() error {
	for i := range c.Inject {
		if l := &c.Inject[i]; l.Source.IsValid() && l.Source.Is4() == c.IPv6 {
			return &ConfigError{"inject", l.Source.String(), "an address of the link's version of IP"}
		}
	}
	switch client, server := c.scripted(event.Client), c.scripted(event.Server); {
	case client && server:
		return &ConfigError{"peer", "client and server", "one end with a stack"}
	case client && c.Client == Kernel:
		return &ConfigError{"client", "kernel", "engine: this client follows a script"}
	case server && c.Client == Engine && c.World != Memory:
		return &ConfigError{"client", "engine", "kernel: this server follows a script, so the kernel is the client"}
	}
	return nil
}

// crafted returns the lines about what no stack does, as the run's first event has them.
func (c *Config) crafted() []string {
	var lines []string
	for i := range c.Inject {
		lines = append(lines, "inject "+c.Inject[i].Text)
	}
	for i := range c.Peer {
		lines = append(lines, "peer "+c.Peer[i].Text)
	}
	return lines
}

// injector makes what puts the crafted segments on the link.
func (x *exchange) injector() *inject.Injector {
	return inject.New(inject.Config{Clock: x.loop, Lines: x.cfg.Inject, Client: x.socket(event.Client, 0), Server: x.socket(event.Server, 0),
		Put:  func(from event.Host, packet []byte, line string) { x.link.Inject(from, packet, line) },
		Note: func(text string) { x.note(event.Warning, text) }})
}

// script makes a scripted peer the end h.
func (x *exchange) script(h event.Host) {
	c := inject.PeerConfig{Clock: x.loop, End: h, Steps: x.cfg.Peer, Local: x.socket(h, 0),
		Send: func(packet []byte, line string, state event.State, vars event.Vars) {
			x.link.Send(h, x.loop.Tick(), packet, link.Sent{State: state, StateHow: event.Told, Vars: vars, Line: line})
		},
		Note: func(text string) { x.note(event.Warning, text) }}
	if h == event.Client {
		c.Remote = x.socket(event.Server, 0)
	}
	x.peers[h] = inject.NewPeer(c)
	x.attach(h, x.peers[h])
	x.rec.told[h] = true
	about := &x.run.Client
	if h == event.Server {
		about = &x.run.Server
	}
	about.Name, about.Addr = "a script, no stack", x.cfg.addr(h).String()
}

// honest returns the end that has a stack where the other follows a script, None where both have one.
func (x *exchange) honest() event.Host {
	for h := event.Client; h <= event.Server; h++ {
		if x.peers[h] != nil {
			return h.Peer()
		}
	}
	return event.None
}

// pending reports whether something is still to come that the run was asked for.
func (x *exchange) pending() bool {
	n := x.planned
	if x.inject != nil {
		n += x.inject.Pending()
	}
	for _, p := range x.peers {
		if p != nil {
			n += p.Pending()
		}
	}
	return n > 0
}

// alone reports whether end h, whose peer follows a script, has had connections and all of them have come to their end.
func (x *exchange) alone(h event.Host) bool {
	list := x.apps[h].Sessions()
	for _, s := range list {
		if s.Err() == nil && !(s.Done() && x.closed(h, s)) {
			return false
		}
	}
	return len(list) > 0
}

// idle reports whether no application has anything left to do.
func (x *exchange) idle() bool {
	for h := event.Client; h <= event.Server; h++ {
		for _, s := range x.apps[h].Sessions() {
			if !s.Ready() && x.cfg.Ends[h].End != app.EndNever && x.cfg.role(h) != app.RoleSink && x.cfg.role(h) != app.RoleEcho {
				return false
			}
		}
	}
	return true
}

// unmet notes the crafted segments for which the moment never came.
func (x *exchange) unmet() {
	if x.inject == nil {
		return
	}
	x.inject.Idle(func(l *inject.Line) bool {
		x.note(event.Warning, "inject "+l.Text+": the segment that it waits for never left")
		return true
	})
}
