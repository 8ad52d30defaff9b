package stackprobe

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/vclock"
)

// Guest has programs that are not ours be the kernel's end: one that the run starts, or any that others start in the namespace. The
// engine serves them, or is the client of the one that is started.
type Guest struct {
	// Args are the program's name and arguments; nil: nobody is started, the run waits for programs of others.
	Args                  []string
	Stdin, Stdout, Stderr *os.File
	// Port is where the program serves, and the engine is its client in Config.Conns connections; 0: the program is the client.
	Port uint16
	// Get has the engine, as client, send a GET of HTTP/1.1 for that target, and read until the program closes; "" for the role of its
	// Options.
	Get string
	// Services are what the engine offers; none stands for Services().
	Services []Service
	// Root is the folder of the service http, "" for none.
	Root string
	// Limit ends a run that waits for programs of others when so many of their connections are over, 0: only its context does.
	Limit int
	// Signals are passed on to the program.
	Signals <-chan os.Signal
	// Ready is called when programs can be started in the namespace, with the number of a process that is in it. May be nil.
	Ready func(process int)
	// Ended is called when the program has ended, or the run before it, and Over when the run is over, each once. May be nil.
	Ended, Over func()
	// Exit is how the program ended, which Run writes before it calls Ended. Exited is false if that is not known.
	Exit   kernelside.Exit
	Exited bool
}

// Service is a port at which the engine plays a role.
type Service struct {
	Port uint16
	Role app.Role
}

// Services returns what the engine offers by default, each at the port of its RFC: echo (862), sink (863, discard), source (864,
// which sends Config.Bytes octets and closes), http (9110).
func Services() []Service {
	return []Service{{7, app.RoleEcho}, {9, app.RoleSink}, {19, app.RoleSource}, {80, app.RoleHTTP}}
}

// serviceWords are the roles of a Service on the command line.
var serviceWords = [...]app.Role{app.RoleEcho, app.RoleSink, app.RoleSource, app.RoleHTTP}

// ParseRole reads the role of a service.
func ParseRole(s string) (app.Role, bool) {
	i := slices.IndexFunc(serviceWords[:], func(r app.Role) bool { return app.RoleName(r) == s })
	if i < 0 {
		return app.RoleDefault, false
	}
	return serviceWords[i], true
}

// guestBacklog is the length of the engine's queue for programs if nothing is said: they open many connections at once, and a full
// queue is answered with cookies.
const guestBacklog = 4096

// linger is how long a run waits for the connections of a program that has ended: a FIN that is lost takes some timeouts.
const linger = 10 * time.Second

// guest is a Guest at work.
type guest struct {
	*Guest
	x      *exchange
	host   *kernelside.Host
	root   *os.Root
	peers  []*app.Peer // the engine's, one for each service
	exited chan kernelside.Exit
	// running says that the program runs, ended since when it does not. asked says that it was asked to end.
	running, asked bool
	ended          time.Duration
	// opened says that the engine has connected; gaveUp that the time to linger is over.
	opened, gaveUp bool
	looking        bool // a look at the kernel's connections is scheduled
	told           bool // Ended was called
}

// programAt returns the end at which the program is, None without one.
func (c *Config) programAt() event.Host {
	switch {
	case c.Guest == nil:
		return event.None
	case c.Guest.Port != 0:
		return event.Server
	}
	return event.Client
}

// checkGuest reports the first value that a run with programs cannot have.
func (c *Config) checkGuest() error {
	h := c.programAt()
	switch {
	case c.World == Memory:
		return &ConfigError{"link", "memory", "auto, tun or veth: a program needs a kernel"}
	case c.Ends[h] != (app.Options{}):
		return &ConfigError{"at-" + h.String(), c.Ends[h].String(), "nothing: the program decides that"}
	case c.Guest.Port != 0 && len(c.Guest.Args) == 0:
		return &ConfigError{"port", fmt.Sprint(c.Guest.Port), "a program that serves there"}
	case c.Guest.Get != "" && (c.Guest.Port == 0 || c.Ends[h.Peer()].Role != app.RoleDefault):
		return &ConfigError{"get", c.Guest.Get, "a program that serves, and no role"}
	case c.Guest.Get != "" && (c.Guest.Get[0] != '/' || strings.ContainsFunc(c.Guest.Get, func(r rune) bool { return r <= ' ' || r >= 0x7f })):
		return &ConfigError{"get", strconv.Quote(c.Guest.Get), "a path such as /index.html, its other octets as %20"}
	case c.Guest.Limit < 0:
		return &ConfigError{"connections", fmt.Sprint(c.Guest.Limit), "a positive number"}
	case h == event.Client && c.Ends[event.Server].Role != app.RoleDefault:
		return &ConfigError{"at-engine", "role", "no role: the port decides that"}
	}
	for i, s := range c.Guest.Services {
		if slices.ContainsFunc(c.Guest.Services[:i], func(o Service) bool { return o.Port == s.Port }) {
			return &ConfigError{"serve", fmt.Sprint(s.Port), "each port once"}
		}
	}
	return nil
}

// peer returns the application of the engine at h in a role.
func (g *guest) peer(h event.Host, role, program app.Role) *app.Peer {
	cfg := g.x.cfg
	bytes := int64(0)
	if role == app.RoleExchange || role == app.RoleSource {
		if bytes = int64(cfg.Bytes); cfg.Ends[h].HasBytes {
			bytes = cfg.Ends[h].Bytes
		}
	}
	p := app.NewPeer(app.Config{Options: cfg.Ends[h], Role: role, Peer: program, Bytes: bytes, Host: h, Seed: cfg.Seed, Clock: g.x.loop,
		Journal: g.x.journal(h), Request: g.request(), Root: g.root})
	g.peers = append(g.peers, p)
	return p
}

// request is what the engine sends to a program that serves HTTP.
func (g *guest) request() string {
	if g.Get == "" {
		return ""
	}
	at := netip.AddrPortFrom(g.x.cfg.addr(event.Server), g.Port)
	return "GET " + g.Get + " HTTP/1.1\r\nHost: " + at.String() + "\r\nConnection: close\r\n\r\n"
}

// start opens the services and starts the program.
func (g *guest) start() error {
	x := g.x
	if g.Root != "" {
		root, err := os.OpenRoot(g.Root)
		if err != nil {
			return err
		}
		g.root = root
	}
	if g.Port == 0 {
		for _, s := range g.Services {
			if err := g.serve(s); err != nil {
				return &EndError{event.Server, err}
			}
		}
	}
	x.sample()
	if g.Ready != nil {
		g.Ready(g.host.Process())
	}
	if len(g.Args) == 0 {
		return nil
	}
	g.exited = make(chan kernelside.Exit, 1)
	remarks, err := g.host.StartProgram(func(e kernelside.Exit) {
		g.exited <- e
		x.loop.At(x.loop.Now(), g.hasExited)
	})
	if err != nil {
		return err
	}
	g.running = true
	for _, r := range remarks {
		x.note(event.Warning, r)
	}
	if g.Signals != nil {
		go g.forward()
	}
	return nil
}

// forward passes signals on as long as there are any to come.
func (g *guest) forward() {
	for s := range g.Signals {
		if n, ok := s.(unix.Signal); ok {
			g.x.loop.At(g.x.loop.Now(), func() {
				if g.gaveUp = !g.running; g.running {
					_ = g.host.Signal(n) // if the helper is gone, so is the program
				}
			})
		}
	}
}

// serve opens one port of the engine's.
func (g *guest) serve(s Service) error {
	x := g.x
	accept, err := x.ends[event.Server].(listener).Listen(s.Port)
	if err != nil {
		return err
	}
	x.journal(event.Server)(event.Tuple{Local: netip.AddrPortFrom(x.cfg.addr(event.Server), s.Port)})(event.App{Call: event.Listen})
	g.peer(event.Server, s.Role, app.RoleProgram).Serve(accept)
	return nil
}

// hasExited runs on the clock's goroutine when the program has ended.
func (g *guest) hasExited() {
	g.Exit = <-g.exited
	g.Exited = g.Exit.Err == nil
	g.running, g.ended = false, g.x.loop.Now()
	g.x.note(event.Info, g.Args[0]+" ended: "+g.Exit.String())
	if g.Exit.Left {
		g.x.note(event.Warning, g.Args[0]+" has left processes behind; they end with the run")
	}
	g.tell()
	g.host.Look()
	g.x.loop.At(g.ended+linger, func() { g.gaveUp = true })
}

// tell says that the program has ended, or that nobody will wait for it any more.
func (g *guest) tell() {
	if !g.told && g.Ended != nil {
		g.Ended()
	}
	g.told = true
}

// concluded says that the run is over.
func (g *guest) concluded() {
	g.tell()
	if g.Over != nil {
		g.Over()
	}
}

// step lets the engine do what the last event made possible.
func (g *guest) step() {
	if g.Port != 0 && g.running && !g.opened {
		g.connect()
	}
	for _, p := range g.peers {
		p.Step()
	}
	if g.Port != 0 && g.opened && g.running && !g.asked && g.idle() {
		g.asked = true
		g.x.note(event.Info, "the engine is done; "+g.Args[0]+" is asked to end (SIGTERM)")
		_ = g.host.Signal(unix.SIGTERM)
	}
}

// wait is how long to wait between two looks whether the program listens.
const wait = 10 * time.Millisecond

// connect has the engine connect as soon as the program listens.
func (g *guest) connect() {
	x := g.x
	ready, err := g.host.Listens(g.Port)
	if err != nil || !ready {
		x.loop.At(x.loop.Now()+wait, func() {})
		return
	}
	g.opened = true
	role, program := x.cfg.role(event.Client), app.RoleProgram
	if role == app.RoleExchange {
		program = app.RoleEcho // it is expected to send everything back
	}
	if g.Get != "" {
		role, program = app.RoleSink, app.RoleProgram
	}
	p := g.peer(event.Client, role, program)
	server := netip.AddrPortFrom(x.cfg.addr(event.Server), g.Port)
	for i := range x.cfg.conns() {
		port := uint16(ClientPort + i)
		done := x.journal(event.Client)(event.Tuple{Local: netip.AddrPortFrom(x.cfg.addr(event.Client), port), Remote: server})
		conn, err := x.ends[event.Client].(connector).Connect(port, server)
		if err != nil {
			done(event.App{Call: event.Failed, Err: err.Error()})
			continue
		}
		x.ends[event.Client].Settle()
		done(event.App{Call: event.Connect})
		p.Open(conn)
	}
}

// idle reports whether no connection of the engine's is open.
func (g *guest) idle() bool {
	for _, p := range g.peers {
		if slices.ContainsFunc(p.Sessions(), func(s *app.Session) bool { return !s.Done() }) {
			return false
		}
	}
	return true
}

// over reports whether the run is.
func (g *guest) over() bool {
	if g.failure() != nil || g.gaveUp {
		return true
	}
	if len(g.Args) > 0 {
		return !g.running && g.quiet()
	}
	return g.Limit > 0 && g.count() >= g.Limit && g.quiet()
}

// quiet reports whether nothing is left to happen on any connection. If not, the kernel's are looked at again in a while: what ends
// in silence, such as a connection that was not yet established, no packet tells.
func (g *guest) quiet() bool {
	if g.idle() && g.x.link.InFlight() == 0 && !g.x.rec.open() {
		return true
	}
	if !g.looking {
		g.looking = true
		g.x.loop.At(g.x.loop.Now()+wait, func() { g.looking = false; g.host.Look() })
	}
	return false
}

// count returns how many connections are over.
func (g *guest) count() int {
	n := 0
	for _, p := range g.peers {
		ended, _, _ := p.Ended()
		n += ended
	}
	return n
}

// failure returns what keeps the engine from serving, nil if nothing does.
func (g *guest) failure() error {
	for _, p := range g.peers {
		if err := p.Err(); err != nil {
			return err
		}
	}
	return nil
}

// totals returns the sums of what the engine's applications have written and got.
func (g *guest) totals() app.Totals {
	t := app.Totals{Match: true}
	for i, p := range g.peers {
		if one := p.Totals(); i == 0 {
			t = one
		} else {
			t.Written += one.Written
			t.Received += one.Received
			t.WrittenHash += one.WrittenHash
			t.ReceivedHash += one.ReceivedHash
			t.Match = t.Match && one.Match
		}
	}
	return t
}

// reason says why the run failed, "" if it did not. What a program does with its connections is its own affair; what the engine
// wanted of one that serves is not.
func (g *guest) reason(last vclock.Outcome) string {
	engine := g.x.cfg.programAt().Peer().String()
	if err := g.failure(); err != nil {
		return engine + ": " + err.Error()
	}
	if g.Port != 0 {
		if !g.opened {
			return g.Args[0] + " did not listen at port " + fmt.Sprint(g.Port)
		}
		if _, failed, err := g.peers[0].Ended(); failed > 0 {
			return fmt.Sprintf("%s: %d of %d connections failed, the first: %v", engine, failed, g.x.cfg.conns(), err)
		}
	}
	switch {
	case last == vclock.Cancelled && len(g.Args) == 0:
		return "" // that is how it ends
	case last == vclock.Cancelled:
		return "interrupted"
	case last == vclock.Late:
		return "not finished after " + time.Duration(g.x.run.Deadline).String()
	case g.Exit.Err != nil:
		return "how " + g.Args[0] + " ended is not known: " + g.Exit.Err.Error()
	case g.gaveUp:
		return fmt.Sprintf("connections of %s are still open %v after its end", g.Args[0], linger)
	}
	return ""
}

// close lets go of what the run has opened.
func (g *guest) close() {
	if g.root != nil {
		g.root.Close()
	}
}

// title is what the first event says of the program.
func (g *Guest) title() string {
	if len(g.Args) == 0 {
		return "programs in the namespace"
	}
	return strings.Join(g.Args, " ")
}
