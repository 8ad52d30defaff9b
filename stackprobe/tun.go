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
	host, err := kernelside.Open(ctx, kernelside.Config{Client: clientAddr, Server: serverAddr, Port: clientPort, MTU: mtu, Helper: cfg.Helper})
	if err != nil {
		return nil, err
	}
	x := &exchange{cfg: cfg, loop: vclock.NewReal(), rec: &recorder{clock: event.Mono}, start: start}
	x.run = cfg.header(Tun, event.Mono)
	x.run.Why = why
	x.run.Client = event.Stack{Name: kernelside.Name(), CC: kernelside.CC, Recovery: "RACK-TLP", Addr: clientAddr.String()}
	x.run.Server = engineStack(serverAddr)
	x.run.Pinned, x.run.Unpinned = host.Pinned, host.Unpinned
	x.connect(link.Path{Delay: cfg.Delay}, link.Path{Delay: cfg.Delay, Renumber: true})
	x.attach(event.Client, host)
	s, err := x.engine(event.Server, serverAddr)
	if err == nil {
		x.attach(event.Server, s)
		err = host.Start(x.loop, func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(event.Client, at, packet, sent) })
	}
	if err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}
