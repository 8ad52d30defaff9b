package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/ping"
	"gnet/ping/probe"
)

const (
	// userInterval is the shortest interval of a user who is not root.
	userInterval = 2 * time.Millisecond
	// stampedInterval is the shortest interval at which each probe is stamped
	// when it leaves: below it the extra system call counts.
	stampedInterval = 10 * time.Millisecond
)

// runPing opens the sockets, finds the host and pings it.
func runPing(ctx context.Context, e *env, o pingOptions) error {
	if err := o.checkLive(); err != nil {
		return err
	}
	if o.Explain {
		if err := o.checkExplain(); err != nil {
			return err
		}
	} else if o.PMTU {
		return runPMTU(ctx, e, o)
	}
	if o.many() {
		return pingMany(ctx, e, o)
	}
	if err := o.checkSize(o.namedFamily()); err != nil {
		return err
	}
	if err := o.checkTTL(o.namedFamily()); err != nil {
		return err
	}
	if err := o.findNode(ctx); err != nil {
		return err
	}
	sockets, err := openPingSockets(e, &o)
	if err != nil {
		return err
	}
	defer sockets.close()
	if o.Format == render.Classic {
		pingPreamble(e, &o, sockets)
	}
	var target pingTarget
	err = o.await(ctx, e, o.Targets[0], isName(o.Targets[0]), func(ctx context.Context) (err error) {
		if target, err = resolveTarget(ctx, o.Targets[0], o.Family); err != nil {
			return err
		}
		return o.makeIPOptions(ctx)
	})
	if err != nil {
		return err
	}
	var tried netip.Addr
	for i, a := range target.Addrs {
		err = pingAddress(ctx, e, o, sockets, &target, a)
		tried = a
		if i < len(target.Addrs)-1 && unreachable(err) {
			continue // another address of the host may have a route
		}
		break
	}
	return startHint(pingFailure(e, &o, err), err, tried)
}

func unreachable(err error) bool {
	f := (*probe.SocketError)(nil)
	return errors.As(err, &f) && f.Op == "connect" && (errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH))
}

// pingPreamble prints what comes before any answer of a name server.
func pingPreamble(e *env, o *pingOptions, sockets *pingSockets) {
	if o.PatternSet {
		fmt.Fprintf(e.Stdout, "PATTERN: 0x%x\n", o.Pattern)
	}
	if !o.Verbose {
		return
	}
	hints := "AF_UNSPEC"
	if o.Family != 0 {
		hints = o.Family.String()
	}
	fmt.Fprintf(e.Stderr, "%s: sock4.fd: %s, sock6.fd: %s, hints.ai_family: %s\n\n", e.Name, describe(sockets.v4), describe(sockets.v6), hints)
}

func describe(s *probe.Socket) string {
	if s == nil {
		return "-1 (socktype: 0)"
	}
	return fmt.Sprintf("%d (socktype: %v)", s.FD(), s.Mode())
}

// pingSockets are the sockets of a run, nil where none is needed.
type pingSockets struct{ v4, v6 *probe.Socket }

func (s *pingSockets) of(f probe.Family) *probe.Socket {
	if f == probe.IPv6 {
		return s.v6
	}
	return s.v4
}

func (s *pingSockets) close() {
	for _, socket := range []*probe.Socket{s.v4, s.v6} {
		if socket != nil {
			socket.Close()
		}
	}
}

// openPingSockets opens a socket for each family that the destination may turn
// out to have. It comes first, so that rights end before anything is read.
func openPingSockets(e *env, o *pingOptions) (*pingSockets, error) {
	family := o.namedFamily()
	if o.ID == 0 && o.Verbose {
		e.warn("WARNING: ident 0 => forcing raw socket")
	}
	rawOnly := o.ID == 0 || o.Node.qtype != 0
	sockets := &pingSockets{}
	err := withNetRaw(func() (err error) {
		if family != probe.IPv6 {
			if sockets.v4, err = probe.Open(probe.IPv4, rawOnly); err != nil {
				return err
			}
		}
		if family != probe.IPv4 {
			sockets.v6, err = probe.Open(probe.IPv6, rawOnly)
			if family == 0 && errors.Is(err, unix.EAFNOSUPPORT) {
				return nil // a host without IPv6 is one
			}
		}
		return err
	})
	if err != nil {
		sockets.close()
		return nil, pingFailure(e, o, err)
	}
	return sockets, nil
}

// pingAddress pings one address of the host.
func pingAddress(ctx context.Context, e *env, o pingOptions, sockets *pingSockets, target *pingTarget, a netip.Addr) error {
	if a.Is4In6() {
		a = a.Unmap()
		return fail(statusCannot, "%s stands for the IPv4 address %v", target.Name, a).withHint("ping %v", a)
	}
	family := familyOf(a)
	if err := o.checkSize(family); err != nil {
		return err
	}
	socket := sockets.of(family)
	if socket == nil {
		return fail(statusCannot, "%s: Address family for hostname not supported", target.Name)
	}
	if o.Verbose && o.Format == render.Classic {
		fmt.Fprintf(e.Stdout, "ai->ai_family: %v, ai->ai_canonname: '%s'\n", family, safe.String(target.Canonical))
	}
	series, err := preparePing(e, &o, socket, target, a)
	if err != nil {
		return err
	}
	off, _ := e.LookupEnv("IPUTILS_PING_PTR_LOOKUP")
	o.Numeric = !o.ForceNames && (o.Numeric || target.Numeric || off == "0")
	return pingSeriesRun(ctx, e, &o, socket, series)
}

// preparePing configures the socket and says what the run is.
func preparePing(e *env, o *pingOptions, socket *probe.Socket, target *pingTarget, a netip.Addr) (*pingSeries, error) {
	c := probeConfig(o, socket, a)
	if o.MarkSet {
		setMark(e, o, socket)
	}
	zone, err := zoneOf(o, a)
	if err != nil {
		return nil, err
	}
	if zone != "" {
		c.Dest = c.Dest.WithZone(zone)
	}
	source, err := sourceOf(socket.Family(), c)
	broadcast := false
	if errors.Is(err, unix.EACCES) && a.Is4() && !c.Broadcast {
		// The kernel refuses a broadcast without consent, and a prohibited route,
		// with the same errno. Only the first one yields to consent.
		c.Broadcast = true
		if source, _ = probe.Source(socket.Family(), c); source.IsValid() {
			broadcast, err = true, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if err := checkBroadcast(e, o, a, broadcast); err != nil {
		return nil, err
	}
	if broadcast || a.IsMulticast() {
		if c.MTU == probe.MTUDefault {
			c.MTU = probe.MTUDo
		}
	}
	shown := a
	if a.IsUnspecified() { // this host
		c.Dest = source
		if a.Is4() {
			shown = source
		}
	}
	if o.StrictFrom && !c.Source.IsValid() && o.Device == "" && !source.IsUnspecified() {
		c.Source = source
	}
	node, err := o.nodeQuery(c.Dest)
	if err != nil {
		return nil, err
	}
	if err := socket.Configure(c); err != nil {
		return nil, err
	}
	warnDevice(e, o, source, c.Dest, socket)
	name := target.Name
	if a.Is4() {
		name = target.Canonical // the original shows that for IPv4 alone
	}
	return &pingSeries{Name: name, Dest: shown, Target: c.Dest, Source: source, Family: socket.Family(), Mode: socket.Mode(),
		ID: socket.ID(), FlowLabel: socket.FlowLabel(), Node: node, Multicast: broadcast || a.IsMulticast()}, nil
}

// setMark marks the probes. Without the right to it the run goes on, unmarked.
func setMark(e *env, o *pingOptions, socket *probe.Socket) {
	err := withNetRaw(func() error { return socket.SetMark(o.Mark) })
	if wrong := (*probe.SocketError)(nil); errors.As(err, &wrong) {
		e.warn("WARNING: failed to set mark: %d: %s", o.Mark, errnoText(wrong.Err))
	} else if err != nil {
		e.warn("WARNING: failed to set mark: %d: %v", o.Mark, err)
	}
}

// sourceOf asks for the source address that a run will have. For a link-local
// destination that is not known beforehand when no link is named, and the
// original does not ask even then.
func sourceOf(f probe.Family, c probe.Config) (netip.Addr, error) {
	if f == probe.IPv6 && (c.Dest.IsLinkLocalUnicast() || c.Dest.IsLinkLocalMulticast()) && !c.Source.IsValid() {
		return netip.IPv6Unspecified(), nil
	}
	return probe.Source(f, c)
}

// probeConfig turns the options into those of a socket.
func probeConfig(o *pingOptions, socket *probe.Socket, a netip.Addr) probe.Config {
	dest := a
	if !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() {
		dest = a.WithZone("")
	}
	c := probe.Config{
		Dest: dest, Source: o.Source4, Device: o.Device, TTL: o.TTL, TOS: o.TOS, MTU: o.MTU,
		Options: o.ipOptions, Flow: o.Flow, FlowLabel: o.FlowLabel, Mark: o.Mark, Connect: o.Connect,
		NodeInfo:  o.Node.qtype != 0 && a.Is6(),
		DontRoute: o.DontRoute, NoLoop: o.NoLoop, Debug: o.Debug, SendBuffer: o.SendBuffer,
		TransmitStamps: !o.UserTime && (o.Stats || !o.Adaptive && o.Interval >= stampedInterval),
	}
	if a.Is6() {
		c.Source = o.Source6
	}
	switch {
	case o.ID >= 0:
		c.ID = uint16(o.ID)
	case socket.Mode() == probe.Raw:
		c.ID = uint16(1 + rand.IntN(1<<16-1))
	}
	return c
}

// checkBroadcast asks for -b, and for patience, where many hosts answer.
func checkBroadcast(e *env, o *pingOptions, a netip.Addr, broadcast bool) error {
	if broadcast && !o.Broadcast {
		return fail(statusCannot, "Do you want to ping broadcast? Then -b. If not, check your local firewall rules")
	}
	if broadcast {
		e.warnBare("WARNING: pinging broadcast address")
	}
	if (broadcast || a.Is4() && a.IsMulticast()) && os.Getuid() != 0 && o.Interval < time.Second {
		return fail(statusCannot, "broadcast ping with too short interval: %d", o.Interval.Milliseconds())
	}
	return nil
}

// warnDevice says where -I does not mean what it seems to.
func warnDevice(e *env, o *pingOptions, source, a netip.Addr, socket *probe.Socket) {
	if o.Device != "" && !probe.OnDevice(o.Device, source) && !a.IsLinkLocalUnicast() {
		e.warn("Warning: source address might be selected on device other than: %s", o.Device)
	}
	if socket.Mode() == probe.Datagram && a.IsLinkLocalUnicast() && a.Zone() == "" && o.Device == "" {
		e.warn("Warning: IPv6 link-local address on ICMP datagram socket may require ifname or scope-id => use: address%%<ifname|scope-id>")
	}
}

// pingSeriesRun prints the first line, runs the series, and prints the summary.
func pingSeriesRun(ctx context.Context, e *env, o *pingOptions, socket *probe.Socket, series *pingSeries) error {
	x, err := beginExplain(ctx, e, o, socket, series)
	if err != nil {
		return err
	}
	defer x.close()
	drawn, err := newPingDrawing(o, series)
	if err != nil {
		return err
	}
	defer drawn.close()
	interval := o.Interval
	if o.Stats {
		series.Distribution = new(ping.Distribution)
	}
	pinger := ping.New(socket, ping.NewSystemClock(), ping.Config{
		Family: series.Family, Mode: series.Mode, ID: series.ID, Target: series.Target, AnySource: series.Multicast,
		Count: o.Count, Interval: interval, Adaptive: o.Adaptive, MinInterval: adaptiveFloor(), Preload: o.Preload,
		Wait: o.Wait, Deadline: o.Deadline, Size: o.Size, Pattern: o.Pattern, UserTime: o.UserTime, Node: series.Node,
		ReportUnanswered: o.Outstanding, ReportSent: o.printsSent() || drawn != nil, OmitReplies: o.Quiet && !o.Explain && drawn == nil, Distribution: series.Distribution, Random: rand.Uint64,
	})
	sink := drawn.sink(pinger.Stats(), func() pingSink { return newSeriesSink(ctx, e, o, series, x) })
	if os.Getuid() != 0 && interval < userInterval && !o.Adaptive {
		return fail(statusCannot, "cannot flood; minimal interval allowed for user is %dms", userInterval.Milliseconds())
	}
	ctx, stop := pingSignals(ctx, pinger)
	defer stop()
	if x != nil {
		ctx = x.follow(ctx, pinger.Notify)
	}
	sink = explainLoss(sink, e, o, series, pinger.Notify)
	if err := drawn.show(ctx, e, o, func(ctx context.Context) error { return deliver(pinger.Run(ctx), sink) }); err != nil {
		return err
	}
	stats := pinger.Stats()
	warnPing(e, stats)
	if err := sink.close(stats); err != nil {
		return err
	}
	if err := drawn.outcome(); err != nil {
		return err
	}
	if stats.Received == 0 || o.Deadline > 0 && stats.Received < o.Count {
		return exitSilently(statusNo)
	}
	return nil
}

// newSeriesSink is newPingSink, with the explanation if there is one.
func newSeriesSink(ctx context.Context, e *env, o *pingOptions, series *pingSeries, x *explanation) pingSink {
	if x == nil {
		return newPingSink(ctx, e, o, series)
	}
	return x.begin(ctx)
}

// printsSent reports whether each probe that leaves has a sign of its own.
func (o *pingOptions) printsSent() bool { return o.Flood && !o.Quiet && o.Format == render.Classic }

func adaptiveFloor() time.Duration {
	if os.Getuid() != 0 {
		return userInterval
	}
	return 0
}

// deliver passes events to the sink until the run is over.
func deliver(events iter.Seq2[*ping.Event, error], sink pingSink) error {
	defer sink.drain()
	for ev, err := range events {
		if err != nil {
			return err
		}
		sink.event(ev)
		if sink.full() {
			break
		}
	}
	return nil
}

// pingSignals ends the run at SIGINT and SIGTERM, and makes SIGQUIT ask for the
// figures so far. A second SIGINT ends the program.
func pingSignals(ctx context.Context, run interface{ RequestStatus() }) (context.Context, func()) {
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	context.AfterFunc(ctx, cancel)
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, unix.SIGQUIT)
	go func() {
		for range quit {
			run.RequestStatus()
		}
	}()
	return ctx, func() {
		signal.Stop(quit)
		close(quit)
		cancel()
	}
}

// warnPing says what the figures alone do not.
func warnPing(e *env, s *ping.Stats) {
	if s.Dropped > 0 {
		e.warn("%d packets were lost in our own receive buffer", s.Dropped)
	}
	if s.Damaged > 0 {
		e.warn("%d packets with a wrong checksum were dropped by the kernel", s.Damaged)
	}
	if s.Malformed > 0 {
		e.warn("%d messages from the kernel could not be read", s.Malformed)
	}
	if s.ClockSteps > 0 {
		e.warn("the time of day was set: %d times are this program's and not the kernel's", s.ClockSteps)
	}
}
