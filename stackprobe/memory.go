package stackprobe

import (
	"net/netip"
	"time"

	"gnet/stackprobe/engine"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// addr returns the address of end h, which exists nowhere: 192.0.2.1 and .2 (TEST-NET-1, RFC 5737), or 2001:db8::1 and
// ::2 (RFC 3849).
func (c *Config) addr(h event.Host) netip.Addr {
	if c.Attach != nil {
		return c.Attach.addr(h)
	}
	return Addr(h, c.IPv6)
}

// Addr returns the address of end h in every run.
func Addr(h event.Host, ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: byte(h)})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(h)})
}

// memory builds the world of two engines.
func memory(cfg *Config, why string) (*exchange, error) {
	x := newExchange(cfg, Memory, why, vclock.NewVirtual(), event.Virtual)
	x.run.Pinned = []string{"initial sequence numbers, timestamps and IPv4 identification from the seed"}
	x.connect(link.Path{Delay: cfg.delay(event.Client), Renumber: true}, link.Path{Delay: cfg.delay(event.Server), Renumber: true})
	for h := event.Client; h <= event.Server; h++ {
		if cfg.scripted(h) {
			x.script(h)
			continue
		}
		if err := x.engine(h); err != nil {
			x.close()
			return nil, err
		}
	}
	return x, nil
}

// engine makes an engine the end h.
func (x *exchange) engine(h event.Host) error {
	socket := &x.cfg.Ends[h].Socket
	s, err := engine.New(engine.Config{
		// The two ends draw from different sequences, or their initial numbers would be the same.
		Clock: x.loop, Addr: x.cfg.addr(h), MTU: x.cfg.mtu(), Socket: *socket, Quiet: x.cfg.Quiet, Seed: x.cfg.Seed<<8 + int64(h)<<4 + int64(x.lives[h])<<6,
		Send: func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(h, at, packet, sent) },
	})
	if err != nil {
		return &EndError{h, err}
	}
	x.attach(h, s)
	about := &x.run.Client
	if h == event.Server {
		about = &x.run.Server
	}
	about.Name, about.Addr = engine.Name, x.cfg.addr(h).String()
	about.CC, about.Recovery = engine.CongestionControl(socket), engine.LossRecovery(socket)
	return nil
}
