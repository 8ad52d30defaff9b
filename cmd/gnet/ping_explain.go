package main

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/ping"
	"gnet/ping/path"
	"gnet/ping/probe"
)

// explainOptions are those of --explain.
type explainOptions struct {
	// Explain shows a plan of the packets before they leave, and what the wire has
	// of them.
	Explain bool
	// LinkMTUs are those of the links behind our own, as the user says.
	LinkMTUs []int
}

// minLinkMTU is the smallest MTU of a link that carries IPv4 (RFC 791, section 3.2).
const minLinkMTU = 68

func (o *pingOptions) setExplain(arg string) error {
	o.Explain = true
	if arg == "" {
		return nil
	}
	o.LinkMTUs = nil
	for word := range strings.SplitSeq(arg, ",") {
		mtu, err := strconv.ParseUint(word, 10, 31)
		if err != nil || mtu < minLinkMTU {
			return fail(statusCannot, "--explain=%s: MTUs of links, each at least %d, with commas between them", arg, minLinkMTU)
		}
		o.LinkMTUs = append(o.LinkMTUs, int(mtu))
	}
	return nil
}

// checkExplain refuses what cannot be explained probe by probe, and makes one
// probe the usual number.
func (o *pingOptions) checkExplain() error {
	for _, c := range []struct {
		given bool
		name  string
	}{{o.Flood, "-f"}, {o.Adaptive, "-A"}, {o.Node.qtype != 0, "-N"}} {
		if c.given {
			return fail(statusCannot, "--explain shows a few echo requests: %s does not go with it", c.name)
		}
	}
	if o.PMTU && o.LinkMTUs != nil {
		return fail(statusCannot, "--explain takes the MTUs of links from you or from --pmtu, not from both")
	}
	if o.many() {
		return fail(statusCannot, "--explain takes one destination")
	}
	o.Numeric, o.ForceNames = true, false
	if o.Count == 0 {
		o.Count = 1
	}
	return nil
}

// explanation goes along with a run.
type explanation struct {
	e      *env
	o      *pingOptions
	series *pingSeries
	socket *probe.Socket
	links  []planLink
	plan   *explainPlan
	out    explainOutput
	watch  *wireWatch // nil when the wire cannot be seen
	unseen error      // why
	// deaf: the run's own socket is never told of a timeout, so that what is seen on the wire ends the run.
	deaf bool

	tally  explainTally
	cancel context.CancelFunc
	timer  *time.Timer
	done   sync.WaitGroup
}

// explainOutput shows an explanation in text or for machines.
type explainOutput interface {
	pingSink
	plan(p *explainPlan, seq int64)
	datagram(d *seenDatagram)
	complaint(c *seenPacket)
}

// explainTally is what was seen of a run.
type explainTally struct {
	Requests, AsPlanned int // that left; as planned
	Packets             int // of them
	Replies             int // whole ones that came
	ReplyPackets        int
	ReplyLongest        int // the longest of those that are not the last of theirs; 0: none was cut
	Timeouts            int // messages that the reassembly ended for want of a fragment
	Incomplete          int // datagrams of which a part was seen
	Strays              int // fragments whose first was not seen
	Drops               int // packets for which the packet socket had no room
}

// beginExplain makes the plan and begins to watch the wire. There is none without
// --explain.
func beginExplain(ctx context.Context, e *env, o *pingOptions, socket *probe.Socket, series *pingSeries) (*explanation, error) {
	if !o.Explain {
		return nil, nil
	}
	if series.Multicast {
		return nil, fail(statusCannot, "%v: --explain wants one host", series.Dest)
	}
	x := &explanation{e: e, o: o, series: series, socket: socket}
	if err := x.findLinks(ctx); err != nil {
		return nil, err
	}
	if err := x.makePlan(); err != nil {
		return nil, err
	}
	wait := x.plan.reassemblyTime() + 5*time.Second
	if !o.WaitSet && len(x.plan.pieces) > 1 {
		o.Wait = wait // so that the message about it is not missed
	}
	us := series.Source
	err := withNetRaw(func() (err error) {
		x.watch, err = openWireWatch(series, x.plan.index, us)
		return err
	})
	if err != nil {
		x.watch, x.unseen = nil, err
	}
	return x, nil
}

// findLinks learns the MTUs of the links behind our own, as far as it is told to.
func (x *explanation) findLinks(ctx context.Context) error {
	for i, mtu := range x.o.LinkMTUs {
		x.links = append(x.links, planLink{Name: "link " + strconv.Itoa(i+2), MTU: mtu})
	}
	if !x.o.PMTU {
		return nil
	}
	o := *x.o
	o.Targets = []string{x.series.Target.String()}
	sockets, err := openPathSockets(&o)
	if err != nil {
		return pingFailure(x.e, &o, err)
	}
	defer sockets.close()
	target := &pingTarget{Name: x.series.Name, Addrs: []netip.Addr{x.series.Target}}
	of := sockets.v4
	if x.series.Family == probe.IPv6 {
		of = sockets.v6
	}
	o.ID = -1
	_, m, err := preparePath(&o, of, target, x.series.Target)
	if err != nil {
		return pingFailure(x.e, &o, err)
	}
	for _, err := range m.Run(ctx) {
		if err != nil && !path.Interrupted(err) {
			return err
		}
	}
	x.links = measuredLinks(m)
	if len(x.links) == 0 {
		x.e.warn("--pmtu found no link that is narrower than our own, or no answer")
	}
	return nil
}

// makePlan asks the kernel what it would do now.
func (x *explanation) makePlan() error {
	p := &explainPlan{series: x.series, size: x.o.Size, options: (len(x.o.ipOptions) + 3) &^ 3, links: x.links}
	var err error
	if p.header, err = x.socket.Header(); err != nil {
		return err
	}
	c := probeConfig(x.o, x.socket, x.series.Target)
	if p.routeMTU, err = probe.RouteMTU(x.series.Family, c); err != nil {
		return err
	}
	conn, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	if p.index, err = pathDevice(conn, x.series, x.o.Device); err != nil {
		return err
	}
	link, err := conn.LinkByIndex(p.index)
	if err != nil {
		return err
	}
	p.device, p.deviceMTU = link.Name, int(link.MTU)
	p.compute()
	x.plan = p
	return nil
}

// begin shows the plan, and returns the sink of the run.
func (x *explanation) begin(ctx context.Context) pingSink {
	if x.o.Format == render.Classic {
		x.out = newExplainText(ctx, x)
	} else {
		x.out = newExplainDocument(x)
	}
	return explainSink{x.out, x}
}

// follow watches the wire while the run goes on. The run is over when nothing can
// come any more: the host has given up each probe that it did not answer.
func (x *explanation) follow(ctx context.Context, notify func(string)) context.Context {
	ctx, x.cancel = context.WithCancel(ctx)
	if x.watch == nil {
		return ctx
	}
	// A ping socket is never told (net/ipv4/icmp.c, icmp_unreach, lets code 1 pass);
	// other sockets are, and the run ends by itself.
	x.deaf = x.series.Mode == probe.Datagram && x.series.Family == probe.IPv4
	watch, patience := x.watch, x.plan.patience()
	long := func(d time.Duration) bool { return d == 0 || d > x.plan.reassemblyTime() }
	if len(x.plan.pieces) > 1 && long(x.o.Wait) && long(x.o.Deadline) {
		x.done.Add(1)
		x.timer = time.AfterFunc(time.Second, func() {
			defer x.done.Done()
			if x.look() == nil && !watch.answered() {
				notify(patience)
			}
		})
	}
	if !x.deaf {
		return ctx
	}
	x.done.Go(func() {
		for {
			if more, err := watch.packets.Wait(); !more || err != nil || x.look() != nil {
				return
			}
		}
	})
	return ctx
}

// look takes in what waits, and ends a run of which nothing can come any more. Whoever takes a packet in looks so: who waits for one
// sleeps on when another was faster.
func (x *explanation) look() error {
	if err := x.watch.receive(); err != nil {
		return err
	}
	if x.deaf && int64(x.watch.settled()) >= x.o.Count && x.watch.timeouts() > 0 {
		x.cancel()
	}
	return nil
}

// stop ends what follow began.
func (x *explanation) stop() {
	if x.timer != nil && x.timer.Stop() {
		x.done.Done() // it will not run
	}
	x.timer = nil
	if x.watch != nil {
		x.watch.packets.Wake()
	}
	x.done.Wait()
}

// close gives back what was opened.
func (x *explanation) close() {
	if x == nil {
		return
	}
	x.stop()
	if x.cancel != nil {
		x.cancel()
	}
	if x.watch != nil {
		x.watch.packets.Close()
		x.watch = nil
	}
}

// show hands on what was seen; all of it when rest is set, else what is complete.
func (x *explanation) show(rest bool) {
	if x.watch == nil {
		return
	}
	if err := x.look(); err != nil {
		x.unseen = err
	}
	datagrams, complaints := x.watch.take(rest)
	for _, d := range datagrams {
		x.judge(d)
		x.out.datagram(d)
	}
	for _, c := range complaints {
		if c.isTimeout() {
			x.tally.Timeouts++
			x.series.GivenUp = true
		}
		x.out.complaint(c)
	}
	if rest {
		x.tally.Strays = x.watch.strayCount()
		x.tally.Drops, _ = x.watch.packets.Drops()
	}
}

// judge compares a request with the plan, and counts.
func (x *explanation) judge(d *seenDatagram) {
	if !d.whole() {
		x.tally.Incomplete++
	}
	if d.Reply {
		if d.whole() {
			x.tally.Replies++
		}
		x.tally.ReplyPackets += len(d.packets)
		for i := range d.packets {
			if p := &d.packets[i]; p.Piece.MF {
				x.tally.ReplyLongest = max(x.tally.ReplyLongest, p.Length)
			}
		}
		return
	}
	d.plan = x.plan
	x.tally.Requests++
	x.tally.Packets += len(d.packets)
	if d.asPlanned() {
		x.tally.AsPlanned++
	}
}

// learn makes a new plan after an answer from which the kernel may have learned an
// MTU.
func (x *explanation) learn(ev *ping.Event) {
	row := echoRow{ev, x.series.Family}
	if ev.Kind != ping.TooLong && (ev.Kind != ping.ICMPError || !row.namesMTU()) {
		return
	}
	old := x.plan
	if err := x.makePlan(); err != nil {
		x.plan = old // the next event says what is wrong
		return
	}
	if x.plan.routeMTU != old.routeMTU || x.plan.deviceMTU != old.deviceMTU {
		x.out.plan(x.plan, ev.Seq+1)
	}
}

// explainSink puts what was seen among the events of a run.
type explainSink struct {
	explainOutput
	x *explanation
}

func (s explainSink) event(ev *ping.Event) {
	s.x.show(false)
	s.explainOutput.event(ev)
	s.x.learn(ev)
}

func (s explainSink) drain() {
	s.x.stop()
	s.x.show(true)
	s.explainOutput.drain()
}

// blindness says why the wire was not seen, and with which right it would be.
func (x *explanation) blindness() string {
	switch {
	case x.unseen == nil:
		return ""
	case errors.Is(x.unseen, unix.EPERM), errors.Is(x.unseen, unix.EACCES):
		return "the packets themselves, there and back, and the message that a host gives up a datagram: a packet socket sees them, and takes CAP_NET_RAW (root)"
	}
	return "the packets themselves: " + x.unseen.Error()
}
