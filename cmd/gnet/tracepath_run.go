package main

import (
	"context"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/ping"
	"gnet/ping/path"
	"gnet/ping/probe"
)

// runTracepath finds the hops to a host and shows them.
func runTracepath(ctx context.Context, e *env, o tracepathOptions) error {
	if err := o.checkLive(); err != nil {
		return err
	}
	if o.Family != 0 {
		if err := o.checkLength(o.Family); err != nil {
			return err
		}
	}
	target, err := o.lookUp(ctx, e)
	if err != nil {
		return err
	}
	t, err := openFirst(&o, &target)
	if err != nil {
		return err
	}
	defer t.close()
	if o.Live {
		return t.showLive(ctx, e, &o)
	}
	return t.show(ctx, e, &o)
}

// lookUpFailure is an error of ping's as the original has it: with its status, and where
// hosts(5) has the name for the other family with its words, which blame a name server that
// nobody has asked.
func lookUpFailure(err error, host string) error {
	f := (*failure)(nil)
	if !errors.As(err, &f) {
		return err
	}
	f.status = statusNo
	if errors.Is(f.err, errHostsFamily) {
		f = fail(statusNo, "%s: Temporary failure in name resolution", host).withHint("hosts(5) has no address of that family")
	}
	return f
}

// hopTrace is one run of tracepath.
type hopTrace struct {
	*path.Trace
	target *pingTarget
	dest   netip.Addr
	close  func() error
}

// openFirst opens the sockets for the first address whose family this host has, as the
// original does: it goes on when there is no socket, and not when there is no route.
func openFirst(o *tracepathOptions, target *pingTarget) (t *hopTrace, err error) {
	for _, a := range target.Addrs {
		a = a.Unmap()
		if err := o.checkLength(familyOf(a)); err != nil {
			return nil, err
		}
		if t, err = openHopTrace(o, target, a); !errors.Is(err, unix.EAFNOSUPPORT) {
			break
		}
	}
	return t, err
}

// openHopTrace opens the sockets for an address: one of UDP, for which nobody
// needs a right, or those of ping.
func openHopTrace(o *tracepathOptions, target *pingTarget, a netip.Addr) (*hopTrace, error) {
	t := &hopTrace{target: target, dest: a}
	c := path.HopConfig{Target: a, Method: o.Method, Size: firstLength(o, a), MaxHops: o.MaxHops, Random: rand.Uint64,
		Measure: func(ctx context.Context) (int, error) { return measureHost(ctx, target, a) }}
	if a.IsUnspecified() { // this host
		source, err := probe.Source(familyOf(a), probe.Config{Dest: a, TTL: -1, TOS: -1})
		if err != nil {
			return nil, err
		}
		t.dest, c.Target = source, source
	}
	conn, err := t.open(o)
	if err != nil {
		return nil, err
	}
	if s, ok := conn.(*path.Sockets); ok && o.Method == path.Echo && s.Echo().Mode() == probe.Datagram {
		c.Size = min(c.Size, longestPing)
	}
	t.Trace = path.NewTrace(conn, ping.NewSystemClock(), c)
	return t, nil
}

// longestPing is the length above which a ping socket refuses a message and does not
// say what the link takes (ping_common_sendmsg, net/ipv4/ping.c).
const longestPing = math.MaxUint16

// firstLength is that of the original: longer than its link, so that the kernel
// says what that takes.
func firstLength(o *tracepathOptions, a netip.Addr) int {
	switch {
	case o.Length != 0:
		return o.Length
	case a.Is6():
		return 128000
	}
	return 65535
}

// open opens and configures what carries the probes.
func (t *hopTrace) open(o *tracepathOptions) (path.Conn, error) {
	family := familyOf(t.dest)
	if o.Method == path.UDP {
		d, err := path.OpenDatagrams(family)
		if err != nil {
			return nil, err
		}
		t.close = d.Close
		return d, d.Configure(t.dest, o.Port, !o.OneFlow)
	}
	noRight := fail(statusCannot, "--%v: %s", o.Method, errnoText(unix.EPERM)).withHint("UDP, the default, needs no right")
	sockets, err := configuredSockets(family, t.target, t.dest)
	if e := (*probe.SocketError)(nil); errors.As(err, &e) && e.NoRight() {
		return nil, noRight
	}
	if err != nil {
		return nil, err
	}
	t.close = sockets.Close
	if err := sockets.AskExtensions(); err != nil {
		return nil, err
	}
	if methods := sockets.Methods(); o.Method == path.TCP && methods[0] != path.TCP {
		return nil, errors.Join(noRight, sockets.Close())
	}
	return sockets, nil
}

// configuredSockets are those of ping's measurements.
func configuredSockets(family probe.Family, target *pingTarget, a netip.Addr) (sockets *path.Sockets, err error) {
	err = withNetRaw(func() (err error) {
		sockets, err = path.Open(family)
		return err
	})
	if err != nil {
		return nil, err
	}
	sockets.OneFlow(rand.Uint64())
	o := defaultPing()
	if _, _, err := preparePath(&o, sockets, target, a); err != nil {
		return nil, errors.Join(err, sockets.Close())
	}
	return sockets, nil
}

var errNoMTU = errors.New("the path MTU could not be measured")

// measureHost measures the path MTU as ping --pmtu does, where ping may be used.
func measureHost(ctx context.Context, target *pingTarget, a netip.Addr) (int, error) {
	var sockets *path.Sockets
	err := withNetRaw(func() (err error) {
		sockets, err = path.Open(familyOf(a))
		return err
	})
	if err != nil {
		return 0, err
	}
	defer sockets.Close()
	o := defaultPing()
	_, m, err := preparePath(&o, sockets, target, a)
	if err != nil {
		return 0, err
	}
	m.ForwardOnly = true // its probes to routers would come on top of the trace's
	for _, err := range m.Run(ctx) {
		if err != nil {
			return 0, err
		}
	}
	r := m.Result()
	if !r.Reached || !r.Forward.Exact() {
		return 0, errNoMTU
	}
	return r.Forward.MTU, nil
}

// show runs the trace. The lines of a trace without rounds are written when they are
// known, and a signal ends the program at once, as the original; else what is
// known by then is shown.
func (t *hopTrace) show(ctx context.Context, e *env, o *tracepathOptions) error {
	number := func() int { return 0 }
	if o.Format != render.Classic || o.Rounds > 1 {
		var release func()
		ctx, number, release = catchSignals(ctx)
		defer release()
	}
	var sink hopSink = newHopLines(ctx, e, o, t)
	if o.Format != render.Classic {
		sink = newHopDocument(e, o, t)
	}
	notSent, err := t.tell(e, sink, t.Run(ctx))
	if err == nil {
		t.warnSilence(e, notSent)
		sink.found()
		err = e.Stdout.Flush()
	}
	if err == nil && notSent == nil {
		_, err = t.tell(e, sink, t.Repeat(ctx, o.Rounds-1))
	}
	interrupted := path.Interrupted(err)
	if err != nil && !interrupted {
		return unlessWriteError(e, err)
	}
	if err := sink.close(interrupted); err != nil {
		return err
	}
	switch {
	case notSent != nil:
		return fail(statusNo, "%s", errnoText(notSent))
	case interrupted:
		return exitSilently(128 + number())
	}
	return nil
}

// tell gives the sink what was found, and returns why nothing at all could be sent,
// and what ended the events early.
func (t *hopTrace) tell(e *env, sink hopSink, events iter.Seq2[*path.HopEvent, error]) (notSent, err error) {
	for ev, err := range events {
		if err != nil {
			return notSent, err
		}
		sink.event(ev)
		switch {
		case ev.Kind == path.HopNotSent && ev.TTL == 1:
			notSent = ev.Probe.Err
		case ev.Kind == path.HopNotSent:
			e.warn("hop %d: %s", ev.TTL, errnoText(ev.Probe.Err))
		case ev.Kind == path.DoubtfulMTU:
			e.warn("not believed: %v named an MTU of %d for a packet of %d bytes", ev.From, ev.MTU, ev.Probe.Size)
		}
		if err := e.Stdout.Flush(); err != nil {
			return notSent, err
		}
	}
	return notSent, nil
}

// warnSilence says what the original's last line does not: its figure is the length of
// packets of which nobody knows where they went.
func (t *hopTrace) warnSilence(e *env, notSent error) {
	if notSent == nil && !t.Heard() && t.Rounds() > 0 {
		e.warn("nobody answered: the path MTU is not known")
	}
}

// unlessWriteError returns err, or nil when it is standard output's: that is said at
// the end.
func unlessWriteError(e *env, err error) error {
	if errors.Is(err, e.Stdout.err.err) {
		return nil
	}
	return err
}

// hopSink takes what a trace finds.
type hopSink interface {
	event(ev *path.HopEvent)
	// found is called when the whole way is known.
	found()
	close(interrupted bool) error
}
