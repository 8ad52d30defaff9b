package stackprobe

import (
	"context"
	"time"

	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Helper does the work of the second process that a kernel's end needs, if this process was started as that, and
// reports whether it was; its caller has to end the process with status. A program that calls Run must call Helper
// before anything else.
func Helper(args []string) (status int, ok bool) { return kernelside.Helper(args) }

// tun builds the world of this machine's kernel and an engine.
func tun(ctx context.Context, cfg *Config, why string) (*exchange, error) {
	host, err := kernelside.Open(ctx, kernelside.Config{Client: cfg.addr(event.Client), Server: cfg.addr(event.Server), Port: clientPort, MTU: cfg.mtu(), Helper: cfg.Helper})
	if err != nil {
		return nil, err
	}
	x := newExchange(cfg, Tun, why, vclock.NewReal(), event.Mono)
	k := &x.run.Client
	k.Name, k.CC, k.Recovery, k.Addr, k.Kernel = kernelside.Name(), kernelside.CC, "RACK-TLP", cfg.addr(event.Client).String(), true
	x.run.Pinned, x.run.Unpinned = host.Pinned, host.Unpinned
	x.connect(link.Path{Delay: cfg.delay(event.Client)}, link.Path{Delay: cfg.delay(event.Server), Renumber: true})
	x.attach(event.Client, host)
	if err = x.engine(event.Server); err == nil {
		err = host.Start(x.loop, func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(event.Client, at, packet, sent) })
	}
	if err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}
