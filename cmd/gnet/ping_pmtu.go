package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os/signal"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/ping"
	"gnet/ping/path"
	"gnet/ping/probe"
)

func (o *pingOptions) setPMTU(arg string) error {
	switch arg {
	case "", "gentle":
	case "fast":
		o.Fast = true
	default:
		return fail(statusCannot, "--pmtu=%s: gentle or fast", arg)
	}
	o.PMTU = true
	return nil
}

// checkPMTU refuses the options that would choose the probes, which --pmtu does
// itself.
func (o *pingOptions) checkPMTU() error {
	usual := defaultPing()
	for _, c := range []struct {
		given bool
		name  string
	}{
		{o.Count != usual.Count, "-c"}, {o.IntervalSet, "-i"}, {o.Preload != usual.Preload, "-l"}, {o.Size != usual.Size, "-s"},
		{o.PatternSet, "-p"}, {o.TTL != usual.TTL, "-t"}, {o.MTU != usual.MTU, "-M"}, {o.Adaptive, "-A"}, {o.Flood, "-f"},
		{o.Broadcast, "-b"}, {o.RecordRoute, "-R"}, {o.Timestamps != usual.Timestamps, "-T"}, {o.NoLoop, "-L"}, {o.Outstanding, "-O"},
	} {
		if c.given {
			return fail(statusCannot, "--pmtu chooses its packets itself: %s does not go with it", c.name)
		}
	}
	if o.many() {
		return fail(statusCannot, "--pmtu takes one destination")
	}
	return nil
}

// runPMTU measures the path to a host and says what it found.
func runPMTU(ctx context.Context, e *env, o pingOptions) error {
	if err := o.checkPMTU(); err != nil {
		return err
	}
	sockets, err := openPathSockets(&o)
	if err != nil {
		return pingFailure(e, &o, err)
	}
	defer sockets.close()
	target, err := resolveTarget(ctx, o.Targets[0], o.Family)
	if err != nil {
		return err
	}
	var tried netip.Addr
	for i, a := range target.Addrs {
		tried = a
		err = measurePath(ctx, e, &o, sockets, &target, a)
		if i < len(target.Addrs)-1 && unreachable(err) {
			continue // another address of the host may have a route
		}
		break
	}
	return startHint(pingFailure(e, &o, err), err, tried)
}

// pathSockets are those of a measurement, nil where none is needed.
type pathSockets struct{ v4, v6 *path.Sockets }

func (s *pathSockets) close() {
	for _, sockets := range []*path.Sockets{s.v4, s.v6} {
		if sockets != nil {
			sockets.Close()
		}
	}
}

// openPathSockets opens sockets for each family that the destination may turn out
// to have, while the rights are there.
func openPathSockets(o *pingOptions) (*pathSockets, error) {
	family := o.Family
	if target, literal, _ := parseTarget(o.Targets[0]); family == 0 && literal && len(target.Addrs) == 1 {
		family = familyOf(target.Addrs[0])
	}
	sockets := &pathSockets{}
	err := withNetRaw(func() (err error) {
		if family != probe.IPv6 {
			if sockets.v4, err = path.Open(probe.IPv4); err != nil {
				return err
			}
		}
		if family != probe.IPv4 {
			sockets.v6, err = path.Open(probe.IPv6)
			if family == 0 && errors.Is(err, unix.EAFNOSUPPORT) {
				return nil // a host without IPv6 is one
			}
		}
		return err
	})
	if err != nil {
		sockets.close()
		return nil, err
	}
	return sockets, nil
}

// pathRun is one measurement with what its words depend on.
type pathRun struct {
	// Name is the destination as it was named, Dest the address that is asked.
	Name         string
	Dest, Source netip.Addr
	Family       probe.Family
	Mode         probe.Mode
	// Raw is whether fragments of our own making can be sent.
	Raw bool
	// Ended: it was interrupted, or its time was over.
	Ended bool
	// Others are further addresses of the name, which are not measured.
	Others []netip.Addr
}

// measurePath measures the path to one address.
func measurePath(ctx context.Context, e *env, o *pingOptions, all *pathSockets, target *pingTarget, a netip.Addr) error {
	if a.Is4In6() {
		return fail(statusCannot, "%s stands for the IPv4 address %v", target.Name, a.Unmap()).withHint("ping --pmtu %v", a.Unmap())
	}
	sockets := all.v4
	if a.Is6() {
		sockets = all.v6
	}
	if sockets == nil {
		return fail(statusCannot, "%s: Address family for hostname not supported", target.Name)
	}
	if a.IsMulticast() {
		return fail(statusCannot, "%s: --pmtu wants one host", target.Name)
	}
	run, m, err := preparePath(o, sockets, target, a)
	if errors.Is(err, unix.EACCES) && broadcasts(o, sockets, a) {
		return fail(statusCannot, "%s: --pmtu wants one host", target.Name)
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer stop()
	if o.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Deadline)
		defer cancel()
	}
	return showPath(ctx, e, o, run, m)
}

// broadcasts reports whether an address that the kernel refuses is one of broadcast: it
// refuses a prohibited route with the same error.
func broadcasts(o *pingOptions, sockets *path.Sockets, a netip.Addr) bool {
	c := probeConfig(o, sockets.Echo(), a)
	c.Broadcast = true
	_, err := probe.Source(familyOf(a), c)
	return a.Is4() && err == nil
}

// preparePath configures the sockets for an address.
func preparePath(o *pingOptions, sockets *path.Sockets, target *pingTarget, a netip.Addr) (*pathRun, *path.Measurement, error) {
	family := familyOf(a)
	c := probeConfig(o, sockets.Echo(), a)
	source, err := probe.Source(family, c)
	if err != nil {
		return nil, nil, err
	}
	if a.IsUnspecified() { // this host
		a, c.Dest = source, source
	}
	if err := sockets.Configure(c, source); err != nil {
		return nil, nil, err
	}
	mtu, err := sockets.DeviceMTU()
	if err != nil {
		return nil, nil, &probe.SocketError{Op: "connect", Family: family, Mode: sockets.Echo().Mode(), Err: err}
	}
	m := path.New(sockets, ping.NewSystemClock(), path.Config{Target: c.Dest, DeviceMTU: mtu, Fast: o.Fast, Methods: sockets.Methods(),
		Pieces: sockets.Pieces(), Random: rand.Uint64})
	if o.Wait != defaultPing().Wait && o.Wait > 0 {
		m.Prober().Timeout = o.Wait
	}
	run := &pathRun{Name: target.Name, Dest: a, Source: source, Family: family, Mode: sockets.Echo().Mode(), Raw: sockets.Pieces()}
	for _, other := range target.Addrs {
		if other != a {
			run.Others = append(run.Others, other)
		}
	}
	return run, m, nil
}

// showPath runs a measurement and shows it. Interrupted, it shows what is known by
// then.
func showPath(ctx context.Context, e *env, o *pingOptions, run *pathRun, m *path.Measurement) error {
	var doc *pmtuDocument
	if o.Format != render.Classic {
		doc = newPMTUDocument(e, o)
	}
	for p, err := range m.Run(ctx) {
		switch {
		case path.Interrupted(err):
			run.Ended = true
		case err != nil:
			return err
		case doc != nil:
			doc.probe(p)
		}
	}
	r := m.Result()
	if run.Ended {
		e.warn("ended before all was known")
	}
	if doc != nil {
		if err := doc.close(run, r); err != nil {
			return err
		}
	} else {
		newPMTUText(e, o, run).print(r, m.Prober().Probes())
	}
	if !r.Forward.Exact() {
		return exitSilently(statusNo)
	}
	return nil
}
