// Package stackprobe is the laboratory: it puts two TCP stacks at the ends of a link that can lose packets, lets them
// talk, and yields what happened at both ends as events.
//
// A Config becomes a world (two ends, a link, a clock), the world runs until the exchange is over, and Run yields its
// events. Everything that holds the parts together is here; the parts are in the packages below.
package stackprobe

import (
	"fmt"
	"time"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// World says what the two ends are.
type World uint8

// The worlds. Auto takes Tun where the machine allows it, otherwise Memory, and says why.
const (
	Auto   World = iota
	Tun          // client: this machine's kernel in namespaces of its own; server: the engine; real time
	Memory       // two engines in virtual time
)

var worldNames = [...]string{"auto", "tun", "memory"}

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

// The values of a plain run.
const (
	DefaultBytes = 3000
	DefaultSeed  = 1
	DefaultDelay = 20 * time.Millisecond
	// MaxBytes keeps a run within one round of the sequence numbers.
	MaxBytes = 1 << 30
	// MaxDelay is far above any path on Earth; the handshake's timers run to two minutes.
	MaxDelay = time.Minute

	mtu             = 1500
	deadlineReal    = 30 * time.Second
	deadlineVirtual = time.Hour
)

// Config says what to run. The zero value of World, Deadline and Faults is a choice of its own; Bytes, Seed and Delay
// are taken as they are.
type Config struct {
	World World
	// Bytes is what the client sends and gets back, 0 to MaxBytes.
	Bytes int
	// Seed fixes everything that is drawn at random. In the memory world equal configurations give equal events.
	Seed int64
	// Delay is the one-way delay of each direction, 0 to MaxDelay.
	Delay  time.Duration
	Faults []link.Rule
	// Deadline is when an exchange that has not ended is given up: 0 stands for 30 seconds of real or an hour of virtual
	// time.
	Deadline time.Duration
	// Version is the program's, for the first event.
	Version string
	// Helper starts this program again as the one that makes the namespaces of the tun world; see Helper. Nil stands
	// for the running executable.
	Helper []string
}

// ConfigError is a value that a Config cannot have.
type ConfigError struct{ Field, Value, Want string }

// Error names the field, its value and what it may be.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s %s: want %s", e.Field, e.Value, e.Want) }

// Check reports the first value that c cannot have as a *ConfigError.
func (c *Config) Check() error {
	switch {
	case c.Bytes < 0 || c.Bytes > MaxBytes:
		return &ConfigError{"bytes", fmt.Sprint(c.Bytes), fmt.Sprintf("0 to %d", MaxBytes)}
	case c.Delay < 0 || c.Delay > MaxDelay:
		return &ConfigError{"delay", c.Delay.String(), fmt.Sprintf("0s to %v", MaxDelay)}
	case c.Deadline < 0:
		return &ConfigError{"deadline", c.Deadline.String(), "a positive time"}
	}
	return nil
}

// deadline returns the deadline on the given clock.
func (c *Config) deadline(clock event.Clock) time.Duration {
	switch {
	case c.Deadline > 0:
		return c.Deadline
	case clock == event.Virtual:
		return deadlineVirtual
	}
	return deadlineReal
}

// header returns the first event's content, as far as it is the same in every world.
func (c *Config) header(w World, clock event.Clock) *event.Run {
	r := &event.Run{World: w.String(), Clock: clock, Version: c.Version, Seed: c.Seed, Bytes: c.Bytes,
		DelayClient: int64(c.Delay), DelayServer: int64(c.Delay), MTU: mtu, Deadline: int64(c.deadline(clock))}
	for _, f := range c.Faults {
		r.Faults = append(r.Faults, f.Text)
	}
	return r
}
