// Package stackprobe is the laboratory: it puts two TCP stacks at the ends of a link that can lose packets, lets them
// talk, and yields what happened at both ends as events.
//
// A Config becomes a world (two ends, a link, a clock), the world runs until the exchange is over, and Run yields its
// events. Everything that holds the parts together is here; the parts are in the packages below.
package stackprobe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
	"gnet/stackprobe/link"
	"gnet/stackprobe/scenario"
)

// World says what connects the two ends, and with it what they can be.
type World uint8

// The worlds. Auto takes the first of Tun, Veth and Memory that the machine allows, and says why.
const (
	Auto   World = iota
	Tun          // this machine's kernel, in namespaces of its own, and the engine behind a TUN interface; real time
	Veth         // the same behind a veth pair
	Memory       // two engines in virtual time
)

var worldNames = [...]string{"auto", "tun", "veth", "memory"}

// String returns the word of the command line.
func (w World) String() string { return worldNames[w] }

// ParseWorld reads the word of the command line.
func ParseWorld(s string) (World, bool) {
	for i, n := range worldNames {
		if s == n {
			return World(i), true
		}
	}
	return 0, false
}

// Kind says what stack an end has.
type Kind uint8

// The kinds. AnyKind is the world's choice: where there is a kernel, it is the client.
const (
	AnyKind Kind = iota
	Kernel
	Engine
)

// Until says when a run whose work is done is over.
type Until uint8

// The ends of a run. Done does not wait for the end of TIME-WAIT; Closed waits until both ends are CLOSED.
const (
	Done Until = iota
	Closed
)

// The values of a plain run.
const (
	DefaultBytes = 3000
	DefaultSeed  = 1
	DefaultDelay = 20 * time.Millisecond
	DefaultMTU   = 1500
	DefaultSnap  = 128
	// MaxBytes keeps a run within one round of the sequence numbers.
	MaxBytes = app.MaxBytes
	// MaxDelay is far above any path on Earth; the handshake's timers run to two minutes.
	MaxDelay = time.Minute
	// MinMTU is what every link of that version of IP must take (RFC 791, RFC 8200 section 5).
	MinMTU4, MinMTU6 = 68, 1280
	// MinMTUKernel has room for the shortest full segment of a kernel: 48 octets with its options (TCP_MIN_SND_MSS in
	// include/net/tcp.h) behind the two headers.
	MinMTUKernel = 88
	MaxMTU       = 65535
	// MaxConns bounds the connections of one run.
	MaxConns = 1000

	deadlineReal    = 30 * time.Second
	deadlineVirtual = time.Hour
	// forever is the deadline of programs: they end when they end.
	forever = 100 * 365 * 24 * time.Hour
)

// Config says what to run. The zero value of a field is a choice of its own, but Bytes, Seed and Delay are taken as they
// are.
type Config struct {
	World World
	// Client says what the client is; in a world with a kernel the server is the other.
	Client Kind
	// IPv6 has the link carry IPv6.
	IPv6 bool
	// MTU is the link's, 0 for DefaultMTU.
	MTU int
	// Bytes is what an end sends whose Options say nothing else, 0 to MaxBytes.
	Bytes int
	// Ends say what the two ends do, by event.Host.
	Ends [3]app.Options
	// Conns is the number of connections that the client opens at once, 0 for 1.
	Conns int
	// Seed fixes everything that is drawn at random. In the memory world equal configurations give equal events.
	Seed int64
	// Delay is the one-way delay of each direction, 0 to MaxDelay; DelayServer is that of the server's direction if it
	// has another.
	Delay       time.Duration
	DelayServer *time.Duration
	Faults      []link.Rule
	// Inject are segments that somebody between the ends puts on the link, Peer what an end does that follows a script instead of
	// having a stack.
	Inject []inject.Line
	Peer   []inject.Step
	// Until says when a run whose work is done is over.
	Until Until
	// Deadline is when an exchange that has not ended is given up: 0 stands for 30 seconds of real or an hour of virtual
	// time.
	Deadline time.Duration
	// Snap is how many bytes of each packet the events hold, 0 for DefaultSnap, -1 for none.
	Snap int
	// Tracefs has the kernel's trace events read, which takes the rights of root; where that is refused a note says why.
	Tracefs bool
	// Quiet leaves out all events but run, note, check, counters and end: what the recording costs can be measured by it.
	Quiet bool
	// Version is the program's, for the first event.
	Version string
	// Scenario is what the run is made from, nil for a plain run: its expectations are judged, and the first event says what
	// it is about. Void says why they are not to be judged, "" if they are.
	Scenario *scenario.Scenario
	Void     string
	// Guest has programs be the kernel's end, nil for a plain exchange.
	Guest *Guest
	// Attach connects the engine to a network of this host's, nil for a world of its own.
	Attach *Attach
	// Helper starts this program again as the one that makes the namespaces of a world with a kernel; see Helper. Nil
	// stands for the running executable.
	Helper []string
}

// ConfigError is a value that a Config cannot have.
type ConfigError struct{ Field, Value, Want string }

// Error names the field, its value and what it may be.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s %s: want %s", e.Field, e.Value, e.Want) }

// Check reports the first value that c cannot have as a *ConfigError.
func (c *Config) Check() error {
	minMTU := MinMTUKernel
	switch {
	case c.IPv6:
		minMTU = MinMTU6
	case c.World == Memory:
		minMTU = MinMTU4
	}
	switch {
	case c.Bytes < 0 || c.Bytes > MaxBytes:
		return &ConfigError{"bytes", fmt.Sprint(c.Bytes), fmt.Sprintf("0 to %d", MaxBytes)}
	case c.Delay < 0 || c.Delay > MaxDelay:
		return &ConfigError{"delay", c.Delay.String(), fmt.Sprintf("0s to %v", MaxDelay)}
	case c.DelayServer != nil && (*c.DelayServer < 0 || *c.DelayServer > MaxDelay):
		return &ConfigError{"delay", c.DelayServer.String(), fmt.Sprintf("0s to %v", MaxDelay)}
	case c.Deadline < 0:
		return &ConfigError{"deadline", c.Deadline.String(), "a positive time"}
	case c.MTU != 0 && (c.MTU < minMTU || c.MTU > MaxMTU):
		return &ConfigError{"mtu", fmt.Sprint(c.MTU), fmt.Sprintf("%d to %d", minMTU, MaxMTU)}
	case c.Snap < -1 || c.Snap > MaxMTU:
		return &ConfigError{"snap", fmt.Sprint(c.Snap), fmt.Sprintf("0 to %d", MaxMTU)}
	case c.Conns < 0 || c.Conns > MaxConns:
		return &ConfigError{"connections", fmt.Sprint(c.Conns), fmt.Sprintf("1 to %d", MaxConns)}
	case c.World == Memory && c.Tracefs:
		return &ConfigError{"tracefs", "with memory", "a world with a kernel"}
	case c.World == Memory && c.Client == Kernel:
		return &ConfigError{"client", "kernel", "engine: in memory there is no kernel"}
	}
	for _, r := range c.Faults {
		if c.IPv6 && r.Action == event.MTU && r.MTU < MinMTU6 {
			return &ConfigError{"fault", strconv.Quote(r.Text), fmt.Sprintf("an mtu from %d: every link takes that with IPv6", MinMTU6)}
		}
	}
	for h := event.Client; h <= event.Server; h++ {
		if c.IPv6 && c.Ends[h].DF != app.Default {
			return &ConfigError{"at-" + h.String(), "df", "IPv4: no router fragments IPv6"}
		}
	}
	if err := c.checkCrafted(); err != nil {
		return err
	}
	if err := c.checkOpenings(); err != nil {
		return err
	}
	switch {
	case c.Guest != nil:
		return c.checkGuest()
	case c.Attach != nil:
		return c.checkAttach()
	}
	return c.checkRoles()
}

// checkRoles refuses roles that wait for each other for ever.
func (c *Config) checkRoles() error {
	roles := [3]app.Role{event.Client: c.role(event.Client), event.Server: c.role(event.Server)}
	names := app.RoleName(roles[event.Client]) + " and " + app.RoleName(roles[event.Server])
	for h := event.Client; h <= event.Server; h++ {
		mine, peers := roles[h], roles[h.Peer()]
		switch {
		case c.scripted(event.Client) || c.scripted(event.Server):
		case mine == app.RoleExchange && peers != app.RoleEcho:
			return &ConfigError{"roles", names, "the peer of exchange to be echo"}
		case mine == app.RoleEcho && peers != app.RoleExchange && peers != app.RoleSource, mine == app.RoleSink && peers == app.RoleSink:
			return &ConfigError{"roles", names, "one end that sends"}
		}
	}
	return nil
}

// role returns the part that end h plays.
func (c *Config) role(h event.Host) app.Role {
	switch r := c.Ends[h].Role; {
	case c.Attach != nil && h != c.Attach.end():
		return app.RoleProgram
	case r != app.RoleDefault:
		return r
	case h == event.Client:
		return app.RoleExchange
	}
	return app.RoleEcho
}

// octets returns what end h sends of its own accord on each connection.
func (c *Config) octets(h event.Host) int64 {
	switch r := c.role(h); {
	case r != app.RoleExchange && r != app.RoleSource:
		return 0
	case c.Ends[h].HasBytes:
		return c.Ends[h].Bytes
	}
	return int64(c.Bytes)
}

// kernelAt returns the end that is the kernel's in a world that has one.
func (c *Config) kernelAt() event.Host {
	if h := c.programAt(); h != event.None {
		return h
	}
	if c.Client == Engine || c.scripted(event.Client) {
		return event.Server
	}
	return event.Client
}

// delay returns the one-way delay of what end h sends.
func (c *Config) delay(h event.Host) time.Duration {
	if h == event.Server && c.DelayServer != nil {
		return *c.DelayServer
	}
	return c.Delay
}

// watch returns the port whose connections the kernel's trace events are read of, 0 for none.
func (c *Config) watch() uint16 {
	if c.Tracefs {
		return ServerPort
	}
	return 0
}

func (c *Config) mtu() int   { return orDefault(c.MTU, DefaultMTU) }
func (c *Config) snap() int  { return max(orDefault(c.Snap, DefaultSnap), 0) }
func (c *Config) conns() int { return orDefault(c.Conns, 1) }

func orDefault(n, value int) int {
	if n == 0 {
		return value
	}
	return n
}

// deadline returns the deadline on the given clock.
func (c *Config) deadline(clock event.Clock) time.Duration {
	switch {
	case c.Deadline > 0:
		return c.Deadline
	case c.Guest != nil, c.Attach != nil && c.Attach.Port != 0:
		return forever
	case clock == event.Virtual:
		return deadlineVirtual
	}
	return deadlineReal
}

// header returns the first event's content, as far as it is the same in every world.
func (c *Config) header(w World, clock event.Clock) *event.Run {
	r := &event.Run{World: w.String(), Clock: clock, Version: c.Version, Seed: c.Seed, Bytes: c.Bytes, Snap: c.snap(), IPv6: c.IPv6,
		DelayClient: int64(c.delay(event.Client)), DelayServer: int64(c.delay(event.Server)), MTU: c.mtu(), Deadline: int64(c.deadline(clock))}
	c.describe(r)
	for _, f := range c.Faults {
		r.Faults = append(r.Faults, f.Text)
	}
	r.Crafted = c.crafted()
	if r.Deadline == int64(forever) {
		r.Deadline = 0
	}
	if c.Guest != nil {
		r.Programs[c.programAt()] = c.Guest.title()
	}
	r.Client.Options, r.Server.Options = c.Ends[event.Client].String(), c.Ends[event.Server].String()
	return r
}

// EndError is what an end refuses: the option of Unsupported, and whose it is.
type EndError struct {
	Host event.Host
	Err  error
}

// Error names the end and says what it refuses.
func (e *EndError) Error() string {
	return strings.Join([]string{e.Host.String(), e.Err.Error()}, ": ")
}

// Unwrap returns what the stack said.
func (e *EndError) Unwrap() error { return e.Err }
