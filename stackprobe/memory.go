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

// The sockets of the two ends: addresses that exist nowhere (TEST-NET-1, RFC 5737), the echo service's port (RFC 862),
// and a client port that is the same in every run.
const (
	clientPort = 40000
	serverPort = 7
)

var (
	clientAddr = netip.AddrFrom4([4]byte{192, 0, 2, 1})
	serverAddr = netip.AddrFrom4([4]byte{192, 0, 2, 2})
)

// memory builds the world of two engines.
func memory(cfg *Config, why string) (*exchange, error) {
	x := &exchange{cfg: cfg, loop: vclock.NewVirtual(), rec: &recorder{clock: event.Virtual}, start: start}
	x.run = cfg.header(Memory, event.Virtual)
	x.run.Why = why
	x.run.Client, x.run.Server = engineStack(clientAddr), engineStack(serverAddr)
	x.run.Pinned = []string{"initial sequence numbers, timestamps and IPv4 identification from the seed", "RACK and tail loss probes off"}
	path := link.Path{Delay: cfg.Delay, Renumber: true}
	x.connect(path, path)
	for h, addr := range [...]netip.Addr{event.Client: clientAddr, event.Server: serverAddr} {
		if event.Host(h) == event.None {
			continue
		}
		s, err := x.engine(event.Host(h), addr)
		if err != nil {
			x.close()
			return nil, err
		}
		x.attach(event.Host(h), s)
	}
	return x, nil
}

// engine makes an engine that sends into the exchange's link as end h.
func (x *exchange) engine(h event.Host, addr netip.Addr) (*engine.Stack, error) {
	return engine.New(engine.Config{
		// The two ends draw from different sequences, or their initial numbers would be the same.
		Clock: x.loop, Addr: addr, MTU: mtu, Seed: x.cfg.Seed<<8 + int64(h)<<4,
		Send: func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(h, at, packet, sent) },
	})
}

func engineStack(addr netip.Addr) event.Stack {
	return event.Stack{Name: engine.Name, CC: engine.CC, Recovery: engine.Recovery, Addr: addr.String()}
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
	conn, err := x.ends[event.Client].(connector).Connect(clientPort, netip.AddrPortFrom(serverAddr, serverPort))
	if err != nil {
		return err
	}
	x.client = app.NewClient(conn, x.cfg.Bytes, x.cfg.Seed, journal)
	return nil
}
