package stackprobe

import (
	"net/netip"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/engine"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// The sockets of the two ends: addresses that exist nowhere (TEST-NET-1, RFC 5737, and RFC 3849), the echo service's port (RFC 862),
// and a client port that is the same in every run.
const (
	clientPort = 40000
	serverPort = 7
)

// addr returns the address of end h: 192.0.2.1 and .2, or 2001:db8::1 and ::2.
func (c *Config) addr(h event.Host) netip.Addr {
	if c.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: byte(h)})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(h)})
}

// memory builds the world of two engines.
func memory(cfg *Config, why string) (*exchange, error) {
	x := &exchange{cfg: cfg, loop: vclock.NewVirtual(), rec: &recorder{clock: event.Virtual}, start: start}
	x.run = cfg.header(Memory, event.Virtual)
	x.run.Why = why
	engineStack(&x.run.Client, cfg.addr(event.Client))
	engineStack(&x.run.Server, cfg.addr(event.Server))
	x.run.Pinned = []string{"initial sequence numbers, timestamps and IPv4 identification from the seed", "RACK and tail loss probes off"}
	x.connect(link.Path{Delay: cfg.delay(event.Client), Renumber: true}, link.Path{Delay: cfg.delay(event.Server), Renumber: true})
	for h := event.Client; h <= event.Server; h++ {
		s, err := x.engine(h)
		if err != nil {
			x.close()
			return nil, err
		}
		x.attach(h, s)
	}
	return x, nil
}

// engine makes an engine that sends into the exchange's link as end h.
func (x *exchange) engine(h event.Host) (*engine.Stack, error) {
	return engine.New(engine.Config{
		// The two ends draw from different sequences, or their initial numbers would be the same.
		Clock: x.loop, Addr: x.cfg.addr(h), MTU: x.cfg.mtu(), Seed: x.cfg.Seed<<8 + int64(h)<<4,
		Send: func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(h, at, packet, sent) },
	})
}

// engineStack fills s with what an engine is.
func engineStack(s *event.Stack, addr netip.Addr) {
	s.Name, s.CC, s.Recovery, s.Addr = engine.Name, engine.CC, engine.Recovery, addr.String()
}

// serve opens the server's port on an engine.
func (x *exchange) serve() error {
	accept, err := x.ends[event.Server].(listener).Listen(serverPort)
	if err != nil {
		return err
	}
	journal := x.journal(event.Server)
	journal()(event.App{Call: event.Listen})
	x.server = app.NewEcho(accept, x.cfg.Seed, journal)
	return nil
}

func start(x *exchange) error {
	if err := x.serve(); err != nil {
		return err
	}
	x.sample()
	journal := x.journal(event.Client)
	journal()(event.App{Call: event.Connect})
	conn, err := x.ends[event.Client].(connector).Connect(clientPort, netip.AddrPortFrom(x.cfg.addr(event.Server), serverPort))
	if err != nil {
		return err
	}
	x.client = app.NewClient(conn, x.cfg.Bytes, x.cfg.Seed, journal)
	return nil
}
