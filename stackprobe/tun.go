package stackprobe

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Helper does the work of the second process that a kernel's end needs, if this process was started as that, and
// reports whether it was; its caller has to end the process with status. A program that calls Run must call Helper
// before anything else.
func Helper(args []string) (status int, ok bool) { return kernelside.Helper(args) }

// kernelWorld builds a world of this machine's kernel and an engine: Tun or Veth.
func kernelWorld(ctx context.Context, cfg *Config, world World, why string) (*exchange, error) {
	k := cfg.kernelAt()
	if cfg.Ends[k].Restart != 0 {
		return nil, &EndError{k, &app.Unsupported{Option: "restart", Stack: kernelside.Name(), Why: "a kernel that restarts takes the laboratory with it"}}
	}
	c := kernelside.Config{Local: cfg.addr(k), Peer: cfg.addr(k.Peer()), MTU: cfg.mtu(), Veth: world == Veth,
		Watch: cfg.watch(), Socket: cfg.Ends[k].Socket, Helper: cfg.Helper}
	if g := cfg.Guest; g != nil {
		if e := &cfg.Ends[event.Server]; k == event.Client && e.Backlog == 0 {
			e.Backlog = guestBacklog
		}
		c.Guests, c.Program, c.Stdin, c.Stdout, c.Stderr = true, g.Args, g.Stdin, g.Stdout, g.Stderr
	}
	host, err := kernelside.Open(ctx, c)
	if err != nil {
		return nil, endError(k, err)
	}
	median, worst := clockError() // before the run's clock begins
	x := newExchange(cfg, world, why, vclock.NewReal(), event.Mono)
	x.run.Pinned, x.run.Unpinned = host.Pinned, host.Unpinned
	x.run.ClockError, x.run.ClockErrorMax = median, worst
	about := &x.run.Client
	if k == event.Server {
		about = &x.run.Server
	}
	kernelStack(about, &cfg.Ends[k].Socket, cfg.addr(k).String())
	var paths [3]link.Path
	for h := event.Client; h <= event.Server; h++ {
		paths[h] = link.Path{Delay: cfg.delay(h), Renumber: h != k}
	}
	x.connect(paths[event.Client], paths[event.Server])
	x.attach(k, host)
	x.watch(k, host)
	if cfg.Guest != nil {
		x.guest = &guest{Guest: cfg.Guest, x: x, host: host}
	}
	if cfg.scripted(k.Peer()) {
		x.script(k.Peer())
	} else {
		err = x.engine(k.Peer())
	}
	if err == nil {
		err = host.Start(x.loop, func(at time.Duration, packet []byte, sent link.Sent) { x.link.Send(k, at, packet, sent) })
	}
	if err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

// kernelStack fills s with what a kernel's end is.
func kernelStack(s *event.Stack, o *app.Socket, addr string) {
	s.Name, s.CC, s.Addr, s.Kernel = kernelside.Name(), cmp.Or(o.Congestion, kernelside.CC), addr, true
	s.Recovery = "RACK-TLP"
	switch {
	case o.SACK == app.Off:
		s.Recovery = "RFC 6582"
	case o.RACK == app.Off:
		s.Recovery = "RFC 6675"
	}
}

// endError names the end that refuses one of its options.
func endError(h event.Host, err error) error {
	if _, ok := err.(*app.Unsupported); ok {
		return &EndError{Host: h, Err: err}
	}
	return err
}

// clockError measures how late this machine wakes a program that has asked for a moment: the median and the worst of wakes.
func clockError() (median, worst int64) {
	const wakes, wait = 21, 200 * time.Microsecond
	late := make([]int64, wakes)
	for i := range late {
		asked := time.Now()
		time.Sleep(wait)
		late[i] = int64(time.Since(asked) - wait)
	}
	slices.Sort(late)
	return late[wakes/2], late[wakes-1]
}
