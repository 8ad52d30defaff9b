package stackprobe

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// The values of a plain run of datagrams.
const (
	DefaultSize = 4000
	DefaultTTL  = 64
	// MaxDatagrams bounds the datagrams of one run, MaxLinks the links of its path.
	MaxDatagrams = 1000
	MaxLinks     = link.MaxLinks
	// MaxSize is what the length field of IPv4 can say. IPv6's leaves the fixed header out, but netstack makes nothing longer.
	MaxSize = 65535

	// between is the time from one datagram to the next.
	between = 100 * time.Millisecond
)

// DatagramConfig says what to run: datagrams from the client over a path of links, with a router between any two, to the
// server. The zero value of a field is a choice of its own, but Size, Seed, Delay and TTL are taken as they are.
type DatagramConfig struct {
	World World
	// Client says what the client is; in a world with a kernel the server is the other, and the routers are kernels.
	Client Kind
	IPv6   bool
	// Size is the length of each datagram in octets with its header, Count how many there are, 0 for 1.
	Size, Count int
	// MTUs are those of the links in their order, none for one of DefaultMTU.
	MTUs     []int
	TTL, TOS uint8
	// DF forbids fragments: of IPv4 everywhere, of IPv6, where routers make none, at the client.
	DF bool
	// Loop has the last two routers point at each other for what goes to the server.
	Loop bool
	// Options are those of the IPv4 header.
	Options []IPOption
	// Seed fixes what faults draw, the data and the identifications. In the memory world equal configurations give equal events.
	Seed int64
	// Delay is the one-way delay of each link, 0 to MaxDelay.
	Delay  time.Duration
	Faults []link.Rule
	// Deadline is when a run that has not ended is given up: 0 stands for 100 seconds of real or an hour of virtual time,
	// longer than any datagram waits for its fragments.
	Deadline time.Duration
	// Snap is how many bytes of each packet the events hold, 0 for DefaultSnap, -1 for none.
	Snap    int
	Version string
	// Helper is that of Config.
	Helper []string
}

// IPOption is an option of the IPv4 header, in words and as on the wire.
type IPOption struct {
	Text   string
	Octets []byte
}

// ParseIPOption reads "rr" or "rr N" (record route with room for N addresses, 9 if nothing is said), "ts" or "ts N" (timestamps,
// 9) or "ra" (router alert, RFC 2113, which is copied into every fragment).
func ParseIPOption(text string) (IPOption, bool) {
	var name string
	n := 9
	if c, _ := fmt.Sscanf(text, "%s %d", &name, &n); c == 0 || n < 1 || n > 9 || c == 1 && name != text || c == 2 && text != fmt.Sprintf("%s %d", name, n) {
		return IPOption{}, false
	}
	switch {
	case name == "rr":
		return IPOption{text, wire.AppendRecordRoute(nil, n)}, true
	case name == "ts":
		b := make([]byte, 4+4*n)
		b[0], b[1], b[2] = wire.IPv4OptTimestamp, byte(len(b)), 5
		return IPOption{text, b}, true
	case text == "ra":
		return IPOption{text, []byte{148, 4, 0, 0}}, true
	}
	return IPOption{}, false
}

// Check reports the first value that c cannot have as a *ConfigError.
func (c *DatagramConfig) Check() error {
	least := c.header() + wire.UDPHeader
	minMTU := MinMTU4
	if c.IPv6 {
		minMTU = MinMTU6
	}
	for _, mtu := range c.MTUs {
		if mtu < minMTU || mtu > MaxMTU {
			return &ConfigError{"mtu", fmt.Sprint(mtu), fmt.Sprintf("%d to %d", minMTU, MaxMTU)}
		}
	}
	switch {
	case c.IPv6 && len(c.Options) > 0:
		return &ConfigError{"option", c.Options[0].Text, "IPv4: IPv6 has no options in its header"}
	case len(c.options()) > wire.MaxIPv4Options:
		return &ConfigError{"option", fmt.Sprintf("%d octets of options", len(c.options())), fmt.Sprintf("at most %d octets", wire.MaxIPv4Options)}
	case c.twice() != "":
		return &ConfigError{"option", fmt.Sprintf("%q and another of that kind", c.twice()), "one of each kind"}
	case c.Size < least || c.Size > MaxSize:
		return &ConfigError{"size", fmt.Sprint(c.Size), fmt.Sprintf("%d to %d", least, MaxSize)}
	case c.Count < 0 || c.Count > MaxDatagrams:
		return &ConfigError{"count", fmt.Sprint(c.Count), fmt.Sprintf("1 to %d", MaxDatagrams)}
	case len(c.MTUs) > MaxLinks:
		return &ConfigError{"path", fmt.Sprintf("of %d links", len(c.MTUs)), fmt.Sprintf("1 to %d links", MaxLinks)}
	case c.Loop && len(c.MTUs) < 3:
		return &ConfigError{"loop", fmt.Sprintf("with %d links", max(len(c.MTUs), 1)), "a path of 3 links at least: two routers that point at each other"}
	case c.TTL == 0:
		return &ConfigError{"ttl", "0", "1 to 255"}
	case c.Delay < 0 || c.Delay > MaxDelay:
		return &ConfigError{"delay", c.Delay.String(), fmt.Sprintf("0s to %v", MaxDelay)}
	case c.Deadline < 0:
		return &ConfigError{"deadline", c.Deadline.String(), "a positive time"}
	case c.Snap < -1 || c.Snap > MaxMTU:
		return &ConfigError{"snap", fmt.Sprint(c.Snap), fmt.Sprintf("0 to %d", MaxMTU)}
	case c.World == Memory && c.Client == Kernel:
		return &ConfigError{"client", "kernel", "engine: in memory there is no kernel"}
	}
	for _, r := range c.Faults {
		if n := len(c.mtus()); r.Link > n {
			return &ConfigError{"fault", fmt.Sprintf("%q", r.Text), fmt.Sprintf("a link of this path, 1 to %d", n)}
		}
	}
	return nil
}

func (c *DatagramConfig) mtus() []int {
	if len(c.MTUs) == 0 {
		return []int{DefaultMTU}
	}
	return c.MTUs
}

func (c *DatagramConfig) count() int { return orDefault(c.Count, 1) }
func (c *DatagramConfig) snap() int  { return max(orDefault(c.Snap, DefaultSnap), 0) }

// twice is an option of a kind that an earlier one has, which no stack sends; "" if there is none.
func (c *DatagramConfig) twice() string {
	seen := make(map[string]bool)
	for _, o := range c.Options {
		kind, _, _ := strings.Cut(o.Text, " ")
		if seen[kind] {
			return o.Text
		}
		seen[kind] = true
	}
	return ""
}

// options are those of the header, padded to a multiple of 4 (RFC 791 section 3.1).
func (c *DatagramConfig) options() []byte {
	var b []byte
	for _, o := range c.Options {
		b = append(b, o.Octets...)
	}
	for len(b)%4 != 0 {
		b = append(b, wire.IPv4OptEnd)
	}
	return b
}

// header is the length of a datagram's header in octets.
func (c *DatagramConfig) header() int {
	if c.IPv6 {
		return wire.IPv6Header
	}
	return wire.IPv4MinHeader + len(c.options())
}

func (c *DatagramConfig) deadline(clock event.Clock) time.Duration {
	switch {
	case c.Deadline > 0:
		return c.Deadline
	case clock == event.Virtual:
		return deadlineVirtual
	}
	return 100 * time.Second
}

// address returns the address of the node before (side 1) or behind (side 2) link n: 192.0.2.1 and .2, .5 and .6, ... or
// 2001:db8::1 and ::2, 2001:db8:0:1::1 and ::2, ...
func (c *DatagramConfig) address(n, side int) netip.Addr {
	if c.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 7: byte(n - 1), 15: byte(side)})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(4*(n-1) + side)})
}

// network is that of link n.
func (c *DatagramConfig) network(n int) netip.Prefix {
	bits := 30
	if c.IPv6 {
		bits = 64
	}
	return netip.PrefixFrom(c.address(n, 1), bits).Masked()
}

// header returns the first event's content.
func (c *DatagramConfig) run(w World, clock event.Clock) *event.Run {
	links := c.mtus()
	r := &event.Run{World: w.String(), Clock: clock, Version: c.Version, Seed: c.Seed, Bytes: c.Size - c.header() - wire.UDPHeader, Snap: c.snap(), IPv6: c.IPv6,
		DelayClient: int64(c.Delay), DelayServer: int64(c.Delay), MTU: links[0], Deadline: int64(c.deadline(clock))}
	r.Path = &event.Path{Size: c.Size, Count: c.count(), TTL: c.TTL, TOS: c.TOS, DF: c.DF, Loop: c.Loop}
	for _, o := range c.Options {
		r.Path.Options = append(r.Path.Options, o.Text)
	}
	for _, f := range c.Faults {
		r.Faults = append(r.Faults, f.Text)
	}
	for i, mtu := range links {
		r.Path.Links = append(r.Path.Links, event.Hop{MTU: mtu, Near: c.address(i+1, 1).String(), Far: c.address(i+1, 2).String()})
		name := fmt.Sprintf("router %d", i)
		if i == 0 {
			name = event.Client.String()
		}
		r.Path.Nodes = append(r.Path.Nodes, event.Node{Name: name})
	}
	r.Path.Nodes = append(r.Path.Nodes, event.Node{Name: event.Server.String()})
	r.Client.Addr, r.Server.Addr = r.Path.Links[0].Near, r.Path.Links[len(links)-1].Far
	return r
}
