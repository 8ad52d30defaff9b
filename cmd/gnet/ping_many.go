package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/ping"
	"gnet/ping/probe"
)

// manyOptions are the options of ping for many targets.
type manyOptions struct {
	// TargetFiles and Ranges are the arguments of --targets and --range.
	TargetFiles []string
	Ranges      []addrRange
	// Rate is the argument of --pps; 0: without bound.
	Rate    int
	RateSet bool
	// AllAddresses takes every address of a name for a target.
	AllAddresses bool
	// WaitSet tells -W 10 from no -W.
	WaitSet bool
}

const (
	// manyRate is how many probes go out in a second when nothing is said, and
	// the most that a user who is not root may ask for; manyBurst is how many of
	// them may go out at once: a /24 does not wait.
	manyRate  = 10000
	manyBurst = 256
	maxRate   = 10000000
	// stampedRate is how many probes in a second are stamped when they leave.
	stampedRate = 5000
	// manyWait is how long an answer may take when nothing is said.
	manyWait = 2 * time.Second
)

// pingManyRows are the options of ping for many targets.
func pingManyRows() []option[pingOptions] {
	value := func(long, argName, help string, set func(*pingOptions, string) error) option[pingOptions] {
		return option[pingOptions]{long: long, arg: requiredArgument, argName: argName, help: help, own: true,
			set: func(o *pingOptions, _, arg string) error { return set(o, arg) }}
	}
	return []option[pingOptions]{
		value("targets", "FILE", "more targets, the words of FILE; - is standard input", (*pingOptions).addFile),
		value("range", "CIDR|FIRST-LAST", "more targets, all of a prefix or from an address to another", (*pingOptions).addRange),
		value("pps", "N", "with many targets: at most N probes in a second, 0 for no bound (10000)", (*pingOptions).setRate),
		{long: "all-addresses", own: true, help: "all addresses of a name, each a target",
			set: func(o *pingOptions, _, _ string) error { o.AllAddresses = true; return nil }},
	}
}

func (o *pingOptions) addFile(arg string) error {
	if arg == "" {
		return fail(statusCannot, "--targets: the name of the file is empty")
	}
	o.TargetFiles = append(o.TargetFiles, arg)
	return nil
}

func (o *pingOptions) addRange(arg string) error {
	r, err := parseRange(arg)
	o.Ranges = append(o.Ranges, r)
	return err
}

func (o *pingOptions) setRate(arg string) error {
	n, err := number(arg, 0, maxRate)
	if err != nil {
		return err
	}
	if (n == 0 || n > manyRate) && os.Getuid() != 0 {
		return fail(statusCannot, "--pps %d: at most %d for a user who is not root", n, manyRate)
	}
	o.Rate, o.RateSet = int(n), true
	return nil
}

// many reports whether the command line has several targets, or could have.
func (o *pingOptions) many() bool {
	return len(o.Targets) > 1 || len(o.TargetFiles)+len(o.Ranges) > 0 || o.AllAddresses
}

// checkMany refuses the options that are about one target.
func (o *pingOptions) checkMany() error {
	for _, single := range []struct {
		set  bool
		name string
	}{{o.Adaptive, "-A"}, {o.Preload > 1, "-l"}, {o.Connect, "-C"}, {o.Flow, "-F"}, {o.RecordRoute, "-R"},
		{o.Timestamps != timestampsUnset, "-T"}, {o.Node != nodeOptions{}, "-N"}, {o.Stats, "--stats"}, {o.StrictFrom && !o.Source4.IsValid() && !o.Source6.IsValid(), "-B"}} {
		if single.set {
			return fail(statusCannot, "%s is for one target", single.name)
		}
	}
	return nil
}

// pingMany is ping with many targets.
func pingMany(ctx context.Context, e *env, o pingOptions) error {
	if err := o.checkMany(); err != nil {
		return err
	}
	if err := o.checkSize(o.Family); err != nil {
		return err
	}
	sockets, err := openManySockets(e, &o)
	if err != nil {
		return err
	}
	defer sockets.close()
	if o.Format == render.Classic {
		pingPreamble(e, &o, sockets)
	}
	targets, err := findTargets(ctx, e, &o)
	if err != nil {
		return err
	}
	run := &manyRun{e: e, o: &o, targets: targets, sockets: sockets}
	if err := run.prepare(); err != nil {
		return pingFailure(e, &o, err)
	}
	return run.run(ctx)
}

// openManySockets opens a socket for each family, raw ones first: a ping socket
// refuses a probe when there is an error of an earlier one, which with many
// targets is common.
func openManySockets(e *env, o *pingOptions) (*pingSockets, error) {
	sockets := &pingSockets{}
	open := func(f probe.Family) (*probe.Socket, error) {
		s, err := probe.Open(f, true)
		if err != nil && o.ID != 0 {
			if wrong := (*probe.SocketError)(nil); errors.As(err, &wrong) && wrong.NoRight() {
				return probe.Open(f, false)
			}
		}
		return s, err
	}
	err := withNetRaw(func() (err error) {
		if o.Family != probe.IPv6 {
			if sockets.v4, err = open(probe.IPv4); err != nil {
				return err
			}
		}
		if o.Family != probe.IPv4 {
			sockets.v6, err = open(probe.IPv6)
			if o.Family == 0 && errors.Is(err, unix.EAFNOSUPPORT) {
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

// manyRun is one run with many targets.
type manyRun struct {
	e       *env
	o       *pingOptions
	targets *targetList
	sockets *pingSockets

	batch     *probe.Batch
	anySource []int
}

// families are those of the targets.
func (r *manyRun) families() []probe.Family {
	return slices.DeleteFunc([]probe.Family{probe.IPv4, probe.IPv6}, func(f probe.Family) bool { return !r.targets.has(f) })
}

// prepare checks the options against the targets, and configures the sockets.
func (r *manyRun) prepare() error {
	if err := r.checkTargets(); err != nil {
		return err
	}
	var used []*probe.Socket
	var c probe.Config
	for _, family := range r.families() {
		socket := r.sockets.of(family)
		c = r.config(socket)
		if err := socket.Configure(c); err != nil {
			return err
		}
		used = append(used, socket)
	}
	if len(used) == 0 {
		return nil
	}
	batch, err := probe.NewBatch(c, r.o.Size+8, used...)
	r.batch = batch
	return err
}

// checkTargets refuses sizes and speeds that some target does not allow.
func (r *manyRun) checkTargets() error {
	for _, family := range r.families() {
		if r.sockets.of(family) == nil {
			return fail(statusCannot, "%s: Address family for hostname not supported", r.targets.first(family).Name)
		}
		if err := r.o.checkSize(family); err != nil {
			return err
		}
	}
	for i := range r.targets.found {
		a := r.targets.found[i].Addr
		if a.IsMulticast() || r.o.Broadcast && isBroadcast(r.o, a) {
			r.anySource = append(r.anySource, i)
		}
	}
	if os.Getuid() == 0 {
		return nil
	}
	if len(r.anySource) > 0 && r.o.Interval < time.Second {
		return fail(statusCannot, "broadcast ping with too short interval: %d", r.o.Interval.Milliseconds())
	}
	if r.o.Interval < userInterval {
		return fail(statusCannot, "cannot flood; minimal interval allowed for user is %dms", userInterval.Milliseconds())
	}
	return nil
}

// isBroadcast reports whether the kernel wants consent before it sends to a.
func isBroadcast(o *pingOptions, a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	c := probe.Config{Dest: a, Device: o.Device, TTL: -1, TOS: -1}
	_, err := probe.Source(probe.IPv4, c)
	c.Broadcast = true
	_, allowed := probe.Source(probe.IPv4, c)
	return errors.Is(err, unix.EACCES) && allowed == nil
}

// config is that of the socket of one family, which has no one destination.
func (r *manyRun) config(socket *probe.Socket) probe.Config {
	any := netip.IPv4Unspecified()
	if socket.Family() == probe.IPv6 {
		any = netip.IPv6Unspecified()
	}
	c := probeConfig(r.o, socket, any)
	c.Broadcast = r.o.Broadcast
	c.TransmitStamps = r.stamped()
	return c
}

// stamped reports whether each probe is stamped when it leaves. At high rates
// that would cost a sixth of the processor time of the whole run.
func (r *manyRun) stamped() bool {
	if r.o.UserTime || r.o.Flood || r.o.Interval == 0 {
		return false
	}
	perSecond := float64(len(r.targets.found)) / r.o.Interval.Seconds()
	if r.o.RateSet && r.o.Rate > 0 {
		perSecond = min(perSecond, float64(r.o.Rate))
	}
	return r.o.Count == 1 || perSecond <= stampedRate
}

// sweepConfig turns the options into those of a Sweep.
func (r *manyRun) sweepConfig() ping.SweepConfig {
	o := r.o
	c := ping.SweepConfig{
		Targets: r.targets.addrs(), AnySource: r.anySource, Count: o.Count, Interval: o.Interval,
		Rate: manyRate, Burst: manyBurst, Wait: manyWait, Deadline: o.Deadline, Size: o.Size, Pattern: o.Pattern,
		ReportUnanswered: o.Outstanding, ReportSent: o.printsSent() || o.recorded(),
		UserTime: o.UserTime, Random: rand.Uint64, Stamped: r.stamped(),
	}
	switch {
	case o.RateSet:
		c.Rate, c.Burst = o.Rate, 1
	case o.Flood && os.Getuid() == 0:
		c.Rate = 0
	}
	if o.WaitSet {
		c.Wait = o.Wait
	}
	if s := r.sockets.v4; s != nil {
		c.IPv4 = ping.SweepSocket{Mode: s.Mode(), ID: s.ID()}
	}
	if s := r.sockets.v6; s != nil {
		c.IPv6 = ping.SweepSocket{Mode: s.Mode(), ID: s.ID()}
	}
	return c
}

// run sends, prints, and ends with the status.
func (r *manyRun) run(ctx context.Context) error {
	sweep := ping.NewSweep(r.batch, ping.NewSystemClock(), r.sweepConfig())
	results := &manyResults{run: r, sweep: sweep, last: make([]lastTrouble, len(r.targets.found))}
	drawn, err := r.drawing()
	if err != nil {
		return err
	}
	defer drawn.close()
	sink := drawn.manySink(newManySink(results), sweep)
	sink.begin()
	if r.batch != nil {
		if err := drawn.show(ctx, r.e, r.o, func(ctx context.Context) error { return r.deliver(ctx, sweep, sink) }); err != nil {
			return pingFailure(r.e, r.o, err)
		}
	} else if err := drawn.write(r.e); err != nil { // there is no host
		return err
	}
	warnPing(r.e, sweep.Common())
	if err := r.end(results, sink); err != nil {
		return err
	}
	if err := drawn.outcome(); err != nil {
		return err
	}
	return r.status(sweep)
}

func (r *manyRun) deliver(ctx context.Context, sweep *ping.Sweep, sink manySink) error {
	ctx, stop := pingSignals(ctx, sweep)
	defer stop()
	for ev, err := range sweep.Run(ctx) {
		if err != nil {
			return err
		}
		sink.event(ev)
		if r.e.Stdout.err.err != nil {
			break // a disk is full: nobody would see the rest
		}
	}
	return nil
}

// status is fping's: 0 when all targets answered, 1 when one did not, 2 when one
// was not found.
func (r *manyRun) status(sweep *ping.Sweep) error {
	if len(r.targets.missing) > 0 {
		return exitSilently(statusCannot)
	}
	for i := range r.targets.found {
		st := sweep.Stats(i)
		if st.Received == 0 || r.o.Deadline > 0 && st.Received < r.o.Count {
			return exitSilently(statusNo)
		}
	}
	return nil
}
