package main

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// When all is lost one line says what is known of why: what the run has seen
// (pingCauses), and what this host knows at its end (hostFacts). The surest
// comes first; the last thing to say is that nothing came back.

// pingCauses is what of a run may explain that nothing came back. Of each kind
// the last one is kept, and how many there were.
type pingCauses struct {
	unsent     error // what the kernel said when a probe could not be sent
	unsents    int64
	tooLong    uint32 // the MTU that a probe did not fit into
	tooLongs   int64
	complaint  ping.Event // an ICMP error
	complaints int64
	stranger   netip.Addr // who answered in place of the target
	corrupted  bool
	unknown    bool       // answers that did not carry our data, or to no probe of ours
	ignored    int        // corrupted and unknown answers: they did reach us
	forger     netip.Addr // who sent ICMP errors that do not quote our data
}

// see takes note of an event.
func (c *pingCauses) see(ev *ping.Event) {
	switch ev.Kind {
	case ping.NotSent:
		c.unsent = ev.Err
		c.unsents++
	case ping.TooLong:
		c.tooLong = ev.Info
		c.tooLongs++
	case ping.ICMPError:
		c.complaint = *ev
		c.complaints++
	case ping.Corrupted:
		c.corrupted = true
		c.ignored++
	case ping.Foreign:
		switch {
		case ev.Type != 0:
			c.forger = ev.From
		case ev.Reason == ping.OtherSource:
			c.stranger = ev.From
		default:
			c.unknown = true
			c.ignored++
		}
	}
}

// explainedSink passes a run on to a sink, and ends it with the hint.
type explainedSink struct {
	pingSink
	e      *env
	o      *pingOptions
	series *pingSeries
	causes pingCauses
	doubts mtuDoubts
	watch  *hostWatch
}

// explainLoss watches over a run that is about to begin. notify is the
// Pinger's.
func explainLoss(sink pingSink, e *env, o *pingOptions, series *pingSeries, notify func(string)) pingSink {
	return &explainedSink{pingSink: sink, e: e, o: o, series: series, watch: watchHost(o, series, notify)}
}

func (x *explainedSink) event(ev *ping.Event) {
	if ev.Kind == ping.Reply && !x.watch.answered.Load() { // a store for each echo of a flood would tell
		x.watch.answered.Store(true)
	}
	x.causes.see(ev)
	if x.series.Multicast {
		x.series.Responders.see(ev)
	}
	x.pingSink.event(ev)
	if doubt := x.doubts.doubt(ev, x.series.Family, x.o.Size+headerBytes(x.series.Family)); doubt != "" {
		x.pingSink.event(&ping.Event{Kind: ping.Notice, At: ev.At, Text: doubt})
	}
}

func (x *explainedSink) drain() {
	x.watch.stop()
	x.pingSink.drain()
}

// close prints the hint behind the lines of the run; in a document its place is
// among the notes.
func (x *explainedSink) close(stats *ping.Stats) error {
	defer x.watch.close()
	if x.o.Verbose {
		for _, line := range x.series.Responders.table(stats.Transmitted) {
			x.e.warn("%s", line)
		}
	}
	hint := ""
	if stats.Received == 0 && stats.Attempted() > 0 {
		hint = lossHint(x.o, x.series, stats, &x.causes, findFacts(x.watch, x.o, x.causes.complaint.From))
	}
	if x.series.GivenUp && x.causes.complaints == 0 && hint != "" {
		hint = "the host is there, and says: Frag reassembly time exceeded"
	}
	if hint == "" {
		return x.pingSink.close(stats)
	}
	if x.o.Format != render.Classic {
		x.e.hint("%s", hint)
		return x.pingSink.close(stats)
	}
	err := x.pingSink.close(stats)
	x.e.hint("%s", hint)
	return err
}

// startHint adds to the failure of a run that could not begin what its cause
// says of the way to a.
func startHint(failed, cause error, a netip.Addr) error {
	f, isFailure := failed.(*failure)
	wrong := (*probe.SocketError)(nil)
	if !isFailure || f.hint != "" || !errors.As(cause, &wrong) {
		return failed
	}
	switch {
	case wrong.Op == "connect":
		f.hint = routeHint(a, wrong.Err)
	case wrong.Op == "bind" && errors.Is(wrong.Err, unix.EADDRNOTAVAIL):
		f.hint = "-I wants an address of this host; ip addr lists them"
	}
	return f
}

// lossHint returns the line for a run in which nothing came back, "" when
// something did.
func lossHint(o *pingOptions, s *pingSeries, stats *ping.Stats, c *pingCauses, h *hostFacts) string {
	if stats.Received > 0 || stats.Attempted() == 0 {
		return ""
	}
	most := max(c.unsents, c.tooLongs, c.complaints)
	switch {
	case most == 0:
	case most == c.unsents:
		return unsentHint(s, c.unsent, h) + of(c.unsents, stats)
	case most == c.tooLongs:
		return tooLongHint(o, s, c.tooLong) + of(c.tooLongs, stats)
	default:
		return complaintHint(o, s, &c.complaint, h) + of(c.complaints, stats)
	}
	if text := dropHint(stats, c, h); text != "" {
		return text
	}
	return silenceHint(o, s, stats, h)
}

// of says to how many probes a reason applies, if not to all.
func of(n int64, stats *ping.Stats) string {
	if n == stats.Attempted() {
		return ""
	}
	return fmt.Sprintf(" (%d of %d probes)", n, stats.Attempted())
}

// unsentHint explains why this host sent nothing.
func unsentHint(s *pingSeries, err error, h *hostFacts) string {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case is(unix.EPERM):
		return "a firewall of this host refuses the probes: nft list ruleset shows it, with hook output"
	case h.gone || is(unix.ENODEV) || is(unix.ENXIO):
		return "the device of the probes was removed"
	case h.known && h.device != "" && !h.up || is(unix.ENETDOWN):
		return downHint(h)
	case h.noSource, is(unix.EADDRNOTAVAIL):
		return fmt.Sprintf("the source address %v is not on this host any more", s.Source)
	case is(unix.ENOBUFS), is(unix.ENOMEM), is(unix.EAGAIN):
		return "the send queue of the device, or of the socket (-S), stayed full"
	}
	if text := routeHint(s.Target, err); text != "" {
		return text
	}
	return "this host's kernel refuses the probes: " + errnoText(err)
}

func downHint(h *hostFacts) string {
	if h.device == "" {
		return "the device of the probes is down"
	}
	return fmt.Sprintf("%s is down", h.device)
}

// routeHint explains the errors of a route look-up (net/ipv4/fib_semantics.c,
// fib_props), "" for other errors.
func routeHint(to netip.Addr, err error) string {
	explained := fmt.Sprintf("gnet route get %v explains it", to.WithZone(""))
	switch {
	case errors.Is(err, unix.ENETUNREACH):
		return fmt.Sprintf("this host has no route to %v; %s", to, explained)
	case errors.Is(err, unix.EHOSTUNREACH):
		return fmt.Sprintf("a route of this host says that %v is unreachable; %s", to, explained)
	case errors.Is(err, unix.EACCES):
		return fmt.Sprintf("a route of this host prohibits %v; %s", to, explained)
	case errors.Is(err, unix.EINVAL):
		return fmt.Sprintf("a route of this host throws away what is for %v; %s", to, explained)
	}
	return ""
}

// tooLongHint says what would fit.
func tooLongHint(o *pingOptions, s *pingSeries, mtu uint32) string {
	headers := headerBytes(s.Family)
	text := fmt.Sprintf("a packet of %d bytes does not fit into the MTU of %d", o.Size+headers, mtu)
	if fits := int(mtu) - headers; fits >= 0 {
		text += fmt.Sprintf("; -s %d does", fits)
	}
	return text + ", and --pmtu finds out what the whole path carries"
}

// headerBytes is what the headers of IP and ICMP add to the data.
func headerBytes(f probe.Family) int {
	if f == probe.IPv6 {
		return wire.IPv6Header + wire.ICMPHeader
	}
	return wire.IPv4MinHeader + wire.ICMPHeader
}

// complaintHint says who complained, and what that means.
func complaintHint(o *pingOptions, s *pingSeries, ev *ping.Event, h *hostFacts) string {
	row := echoRow{Event: ev, family: s.Family}
	six := s.Family == probe.IPv6
	switch {
	case (h.own || ev.From == s.Source) && hostUnreachable(six, ev):
		return neighbourHint(s, h)
	case row.namesMTU() && mtuDoubt(s.Family, ev.Info, o.Size+headerBytes(s.Family)) != "":
		return fmt.Sprintf("%v %s", ev.From, mtuDoubt(s.Family, ev.Info, o.Size+headerBytes(s.Family)))
	case row.namesMTU():
		return fmt.Sprintf("%v cannot pass on %d bytes in one piece: --pmtu finds out what the whole path carries", ev.From, o.Size+headerBytes(s.Family))
	case ev.Type == wire.ICMPv4TimeExceeded && !six && ev.Code == 0, ev.Type == wire.ICMPv6TimeExceeded && six && ev.Code == 0:
		return hopsHint(o, ev)
	}
	sentence := icmpv4Sentence(ev.Type, ev.Code, ev.Info)
	if six {
		sentence = icmpv6Sentence(ev.Type, ev.Code, ev.Info)
	}
	switch {
	case ev.From == s.Target.WithZone(""):
		return fmt.Sprintf("the host is there, and says: %s", sentence)
	case prohibited(six, ev):
		return fmt.Sprintf("a firewall at %v refuses the probes: %s", ev.From, sentence)
	case hostUnreachable(six, ev):
		return fmt.Sprintf("%v got no answer from the next host: %s", ev.From, sentence)
	}
	return fmt.Sprintf("%v says: %s", ev.From, sentence)
}

func hopsHint(o *pingOptions, ev *ping.Event) string {
	if o.TTL > 0 {
		return fmt.Sprintf("the probes got no further than %v, because of -t %d", ev.From, o.TTL)
	}
	return fmt.Sprintf("the probes went in a circle until %v gave up: routers disagree about the way", ev.From)
}

// hostUnreachable: the last router, or we, found no neighbour of that address.
func hostUnreachable(six bool, ev *ping.Event) bool {
	if six {
		return ev.Type == wire.ICMPv6Unreachable && ev.Code == 3
	}
	return ev.Type == wire.ICMPv4Unreachable && ev.Code == 1
}

// prohibited: a filter said no (RFC 1812 5.2.7.1, RFC 4443 3.1).
func prohibited(six bool, ev *ping.Event) bool {
	if six {
		return ev.Type == wire.ICMPv6Unreachable && (ev.Code == 1 || ev.Code == 5 || ev.Code == 6)
	}
	return ev.Type == wire.ICMPv4Unreachable && (ev.Code == 9 || ev.Code == 10 || ev.Code == 13)
}

// neighbourHint says that nobody on the link has the address of the next hop.
func neighbourHint(s *pingSeries, h *hostFacts) string {
	how := "ARP requests"
	if s.Family == probe.IPv6 {
		how = "neighbour solicitations"
	}
	hop, on := h.nextHop, ""
	if !hop.IsValid() {
		hop = s.Target
	}
	if h.device != "" {
		on = " on " + h.device
	}
	if hop.WithZone("") == s.Target.WithZone("") {
		if on == "" {
			hop = s.Target // its zone says where
		}
		return fmt.Sprintf("%v%s does not answer %s: no such host on this link", hop, on, how)
	}
	return fmt.Sprintf("the gateway %v%s does not answer %s", hop, on, how)
}

// dropHint explains answers that came, and were not taken or not ours. What was
// seen to arrive and reached us was dropped by nobody.
func dropHint(stats *ping.Stats, c *pingCauses, h *hostFacts) string {
	seen := h.seen > c.ignored
	switch {
	case stats.Dropped > 0:
		return fmt.Sprintf("%d answers were lost here, in ping's own receive buffer", stats.Dropped)
	case stats.Damaged > 0:
		return "answers came, but damaged: their checksum is wrong"
	case seen && h.filtered > 0:
		return fmt.Sprintf("answers arrived on %s, and the reverse path filter of this host dropped them: the way back is not through %s (sysctl net.ipv4.conf.%s.rp_filter)",
			h.seenOn, h.seenOn, h.seenOn)
	case seen:
		return fmt.Sprintf("answers arrived on %s, and this host dropped them: nft list ruleset shows its firewall, with hook prerouting or input", h.seenOn)
	case h.filtered > 0:
		return "the reverse path filter of this host dropped packets meanwhile (sysctl net.ipv4.conf.all.rp_filter, nstat TcpExtIPReversePathFilter)"
	case c.stranger.IsValid():
		return fmt.Sprintf("%v answers in place of the host that was asked", c.stranger)
	case c.corrupted:
		return "answers came, but damaged: their checksum is wrong"
	case c.unknown:
		return "answers came, but they are not to these probes"
	case c.forger.IsValid():
		return fmt.Sprintf("%v sends ICMP errors, but they are not about these probes", c.forger)
	}
	return ""
}

// silenceHint says what is known when nothing came back at all.
func silenceHint(o *pingOptions, s *pingSeries, stats *ping.Stats, h *hostFacts) string {
	const unanswered = unix.NUD_FAILED | unix.NUD_INCOMPLETE
	switch {
	case h.gone:
		return "the device of the probes was removed"
	case h.known && h.device != "" && !h.up:
		return downHint(h)
	case h.known && h.device != "" && !h.carrier:
		return fmt.Sprintf("%s has no carrier", h.device)
	case h.noSource:
		return fmt.Sprintf("the source address %v is not on this host any more", s.Source)
	case h.routeErr != nil && routeHint(s.Target, h.routeErr) != "":
		return routeHint(s.Target, h.routeErr)
	case h.neighbour && h.state&unanswered != 0:
		return neighbourHint(s, h)
	case s.Multicast:
		return sentProbes(stats) + " left, and no host answered: most ignore such probes"
	case (o.MTU == probe.MTUDo || o.MTU == probe.MTUProbe) && o.Size > 56:
		return fmt.Sprintf("nothing came back; a router may drop packets of %d bytes in silence, because they must not be fragmented: --pmtu finds out", o.Size+headerBytes(s.Family))
	}
	return leftHint(s, stats, h)
}

func sentProbes(stats *ping.Stats) string {
	if stats.Transmitted > 1 {
		return fmt.Sprintf("the %d probes", stats.Transmitted)
	}
	return "the probe"
}

// leftHint says how far the probes are known to have come.
func leftHint(s *pingSeries, stats *ping.Stats, h *hostFacts) string {
	probes, way := sentProbes(stats), ""
	if h.device != "" {
		way = " through " + h.device
	}
	if h.nextHop.IsValid() && h.nextHop.WithZone("") != s.Target.WithZone("") {
		way += fmt.Sprintf(" to the gateway %v", h.nextHop)
	}
	const found = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE
	switch {
	case h.neighbour && h.state&found != 0 && h.nextHop.WithZone("") == s.Target.WithZone(""):
		return fmt.Sprintf("%s left%s, and the host is there (its link address is known), but nothing came back: it may ignore echo requests", probes, way)
	case h.neighbour && h.state&found != 0:
		return fmt.Sprintf("%s left%s, which is there, and nothing came back: the host is down, or something on the way drops them or their answers", probes, way)
	}
	return fmt.Sprintf("%s left%s, and nothing came back", probes, way)
}
