package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gnet/internal/safe"
	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// pingPrinter prints a run as iputils does. Its methods are not called at the
// same time.
type pingPrinter struct {
	e      *env
	o      *pingOptions
	series pingSeries
	names  *pingNames // nil: addresses only
	// labels are the names under which addresses were given; names is not asked.
	labels map[netip.Addr]string
	line   []byte
	route  []byte // the record route option of the last answer
	// ignored counts the replies that were said to be ignored.
	ignored int
}

// pingSeries is what the lines say of one run.
type pingSeries struct {
	Name      string
	Dest      netip.Addr // as shown
	Target    netip.Addr // who is to answer
	Source    netip.Addr
	Family    probe.Family
	Mode      probe.Mode
	ID        uint16
	FlowLabel uint32 // 0: none
	Node      *ping.NodeQuery
	Multicast bool
	// Responders are the hosts that answer, when Multicast is set.
	Responders responders
	// GivenUp: the host has said that it waited for a fragment in vain; set by a run
	// with --explain, which sees what the socket does not.
	GivenUp bool
	// Distribution is filled in by a run with --stats, else nil.
	Distribution *ping.Distribution
}

// header prints the first line.
func (p *pingPrinter) header() {
	s, o := &p.series, p.o
	b := append(p.line[:0], "PING "...)
	b = safe.Append(b, s.Name)
	if s.Family == probe.IPv4 {
		b = fmt.Appendf(b, " (%v) ", s.Dest)
	} else {
		b = append(append(append(b, '('), p.host(s.Dest)...), ") "...)
	}
	if s.FlowLabel != 0 {
		b = fmt.Appendf(b, ", flow 0x%05x, ", s.FlowLabel)
	}
	room := 0 // of options the original counts all that there is room for
	if o.hasIPOptions() {
		room = wire.MaxIPv4Options
	}
	if o.Device != "" || o.StrictFrom {
		b = fmt.Appendf(b, "from %v %s: ", s.Source, safe.String(o.Device))
	}
	if s.Family == probe.IPv4 {
		b = fmt.Appendf(b, "%d(%d) bytes of data.\n", o.Size, o.Size+8+20+room)
	} else {
		b = fmt.Appendf(b, "%d data bytes\n", o.Size)
	}
	p.e.Stdout.Write(b)
	p.e.Stdout.Flush()
	p.line = b
}

// host returns an address as lines show it: alone, or behind its name.
func (p *pingPrinter) host(a netip.Addr) string {
	if name, ok := p.labels[a]; ok {
		return safe.String(name) + " (" + safe.String(a.String()) + ")"
	}
	if p.names != nil {
		if name := p.names.name(a); name != "" {
			return safe.String(name) + " (" + safe.String(a.String()) + ")"
		}
	}
	return safe.String(a.String())
}

// event prints the line of an event.
func (p *pingPrinter) event(ev *ping.Event) {
	switch ev.Kind {
	case ping.TooLong, ping.NotSent:
		p.localError(ev)
		return
	case ping.Status:
		p.status(ev.Stats)
		return
	case ping.Notice:
		if !p.o.Quiet {
			p.e.tell("%s: %s", p.e.Name, ev.Text)
		}
		return
	case ping.Foreign:
		if ev.Reason != ping.OtherSource {
			p.foreign(ev)
			return
		}
	}
	if p.o.Quiet {
		return
	}
	if p.o.Flood {
		p.flood(ev)
	} else {
		p.line = p.appendEvent(p.line[:0], ev)
		p.e.Stdout.Write(p.line)
	}
	p.e.Stdout.Flush()
}

// flood prints the signs of -f: what stands is what is under way.
func (p *pingPrinter) flood(ev *ping.Event) {
	switch ev.Kind {
	case ping.Sent:
		p.e.Stdout.WriteString(".")
	case ping.Reply, ping.Duplicate:
		p.e.Stdout.WriteString("\b \b")
		p.bell()
	case ping.Corrupted:
		p.e.Stdout.WriteString("\bC")
	case ping.ICMPError:
		p.e.Stdout.WriteString("\bE")
	}
}

func (p *pingPrinter) bell() {
	if p.o.Audible {
		p.e.Stdout.WriteString("\a")
	}
}

func (p *pingPrinter) appendEvent(b []byte, ev *ping.Event) []byte {
	if p.o.Stamp {
		b = fmt.Appendf(b, "[%d.%06d] ", ev.At.Unix(), ev.At.Nanosecond()/1000)
	}
	switch ev.Kind {
	case ping.Unanswered:
		return fmt.Appendf(b, "no answer yet for icmp_seq=%d\n", uint16(ev.Seq))
	case ping.ICMPError, ping.Advice:
		return p.appendICMPError(b, ev)
	}
	return p.appendReply(b, ev)
}

func (p *pingPrinter) appendReply(b []byte, ev *ping.Event) []byte {
	b = strconv.AppendInt(b, int64(ev.Bytes), 10)
	b = append(append(b, " bytes from "...), p.host(ev.From)...)
	if p.series.Node != nil {
		b = p.appendNode(append(b, ':'), ev)
	} else {
		b = strconv.AppendUint(append(b, ": icmp_seq="...), uint64(uint16(ev.Seq)), 10)
	}
	if p.o.Verbose && (p.series.Mode == probe.Raw || p.o.ID >= 0) {
		b = strconv.AppendUint(append(b, " ident="...), uint64(p.series.ID), 10)
	}
	if ev.TTL >= 0 {
		b = strconv.AppendInt(append(b, " ttl="...), int64(ev.TTL), 10)
	}
	if ev.Truncated {
		return append(b, " (truncated)\n"...)
	}
	if p.timed() {
		b = p.appendTime(append(b, " time="...), ev.RTT)
	}
	if ev.Kind == ping.Duplicate && (!p.series.Multicast || p.o.Verbose) {
		b = append(b, " (DUP!)"...)
	}
	if ev.Kind == ping.Corrupted {
		b = append(b, " (BAD CHECKSUM!)"...)
	}
	if ev.Kind == ping.Foreign {
		b = append(b, " (DIFFERENT ADDRESS!)"...)
	}
	if ev.Wrong > 0 {
		b = appendWrongData(b, ev)
	}
	if p.o.Audible {
		b = append(b, '\a')
	}
	return append(p.appendIPOptions(b, ev.Options), '\n')
}

// timedSize is the smallest size for which times are printed: the original
// needs room for a struct timeval. The times are known all the same, and stand
// in the machine formats.
const timedSize = 16

// timed reports whether lines have times.
func (p *pingPrinter) timed() bool { return p.o.Size >= timedSize && p.series.Node == nil }

func (p *pingPrinter) appendTime(b []byte, d time.Duration) []byte {
	if p.o.Precise {
		return append(append(b, milliseconds(d)...), " ms"...)
	}
	return appendMilliseconds(b, d)
}

// appendMilliseconds appends a time with three significant digits and more.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := d.Microseconds()
	switch {
	case us >= 100000-50:
		return fmt.Appendf(b, "%d ms", (us+500)/1000)
	case us >= 10000-5:
		return fmt.Appendf(b, "%d.%01d ms", (us+50)/1000, (us+50)%1000/100)
	case us >= 1000:
		return fmt.Appendf(b, "%d.%02d ms", (us+5)/1000, (us+5)%1000/10)
	}
	return fmt.Appendf(b, "%d.%03d ms", us/1000, us%1000)
}

// appendWrongData appends what differs and a dump of the data behind the stamp.
func appendWrongData(b []byte, ev *ping.Event) []byte {
	b = fmt.Appendf(b, "\nwrong data byte #%d should be 0x%x but was 0x%x", ev.Wrong, ev.Want, ev.Data[ev.Wrong])
	for i := timedSize; i < len(ev.Data); i++ {
		if i%32 == timedSize {
			b = fmt.Appendf(b, "\n#%d\t", i)
		}
		b = fmt.Appendf(b, "%x ", ev.Data[i])
	}
	return b
}

// maxIgnored bounds the lines about replies that do not count: whoever sends them
// decides how many there are.
const maxIgnored = 10

// foreign says why an echo reply or an ICMP error is not counted.
func (p *pingPrinter) foreign(ev *ping.Event) {
	if p.ignored++; p.ignored > maxIgnored {
		return
	}
	what, why := "reply", "it does not carry our data"
	if ev.Reason == ping.NotAsked {
		why = "no such probe was sent"
	}
	if ev.Type != 0 {
		what, why = "ICMP error", "it does not quote our data"
	}
	p.e.tell("%s: %s from %v ignored: icmp_seq=%d: %s", p.e.Name, what, ev.From, uint16(ev.Seq), why)
	if p.ignored == maxIgnored {
		p.e.tell("%s: more of them are only counted", p.e.Name)
	}
}

// localError prints our own kernel's refusal.
func (p *pingPrinter) localError(ev *ping.Event) {
	switch {
	case p.o.Quiet:
	case p.o.Flood:
		p.e.Stdout.WriteString("E")
		p.e.Stdout.Flush()
	case ev.Kind == ping.TooLong && p.series.Family == probe.IPv4:
		p.e.tell("%s: local error: message too long, mtu=%d", p.e.Name, ev.Info)
	case ev.Kind == ping.TooLong:
		p.e.tell("%s: local error: message too long, mtu: %d", p.e.Name, ev.Info)
	default:
		p.e.tell("%s: sendmsg: %s", p.e.Name, errnoText(ev.Err))
	}
}

// status prints the line that SIGQUIT asks for.
func (p *pingPrinter) status(s *ping.Stats) {
	text := fmt.Sprintf("\r%d/%d packets, %d%% loss", s.Received, s.Transmitted, int(shownLoss(s)))
	if s.Received > 0 && p.timed() {
		text += fmt.Sprintf(", min/avg/ewma/max = %s/%s/%s/%s ms", milliseconds(s.RTT.Min), milliseconds(s.RTT.Average()),
			milliseconds(s.RTT.Moving()), milliseconds(s.RTT.Max))
	}
	p.e.Stdout.Flush()
	fmt.Fprintln(p.e.Stderr, text)
}

// shownLoss is the loss in percent as the classic lines have it. When nothing
// could be sent it is 100: nothing came back, and alarms depend on the figure.
func shownLoss(s *ping.Stats) float64 {
	loss, ok := s.Loss()
	if !ok && s.NotSent > 0 {
		return 100
	}
	return loss
}

// milliseconds returns a time with three decimals.
func milliseconds(d time.Duration) string {
	us := d.Microseconds()
	return fmt.Sprintf("%d.%03d", us/1000, us%1000)
}

// summary prints the statistics.
func (p *pingPrinter) summary(s *ping.Stats) {
	if p.ignored > maxIgnored {
		p.e.tell("%s: %d replies and errors were ignored", p.e.Name, p.ignored)
	}
	b := fmt.Appendf(p.line[:0], "\n--- %s ping statistics ---\n", safe.String(p.series.Name))
	b = fmt.Appendf(b, "%d packets transmitted, %d received", s.Transmitted, s.Received)
	for _, part := range []struct {
		n    int64
		what string
	}{{s.Duplicates, "duplicates"}, {s.Corrupted, "corrupted"}, {s.Failures(), "errors"}} {
		if part.n > 0 {
			b = fmt.Appendf(b, ", +%d %s", part.n, part.what)
		}
	}
	if s.Attempted() > 0 {
		b = fmt.Appendf(b, ", %s%% packet loss, time %dms", percent(shownLoss(s)), s.Elapsed.Milliseconds())
	}
	// At the end of the line: programs that read it know at most one "+N" before
	// the loss, and take what comes behind the time.
	if s.NotSent > 0 {
		b = fmt.Appendf(b, ", %d not sent", s.NotSent)
	}
	if s.Dropped > 0 {
		b = fmt.Appendf(b, ", %d dropped here", s.Dropped)
	}
	b = append(b, '\n')
	b = append(append(b, strings.Join(p.figures(s), ", ")...), '\n')
	if p.series.Distribution != nil {
		b = appendDistribution(b, s, p.series.Distribution)
	}
	p.e.Stdout.Write(b)
	p.e.Stdout.Flush()
}

// figures returns the parts of the summary's last line.
func (p *pingPrinter) figures(s *ping.Stats) []string {
	var parts []string
	if s.Received > 0 && p.timed() {
		parts = append(parts, fmt.Sprintf("rtt min/avg/max/mdev = %s/%s/%s/%s ms", milliseconds(s.RTT.Min),
			milliseconds(s.RTT.Average()), milliseconds(s.RTT.Max), milliseconds(s.RTT.Deviation())))
	}
	if s.Pipe > 1 {
		parts = append(parts, fmt.Sprintf("pipe %d", s.Pipe))
	}
	if s.Received > 0 && s.Transmitted > 1 && (p.o.Interval == 0 || p.o.Flood || p.o.Adaptive) {
		gap := s.Elapsed / time.Duration(s.Transmitted-1)
		parts = append(parts, fmt.Sprintf("ipg/ewma %s/%s ms", milliseconds(gap), milliseconds(s.RTT.Moving())))
	}
	return parts
}

// percent prints as %g of a float does: six significant digits.
func percent(f float64) string { return strconv.FormatFloat(float64(float32(f)), 'g', 6, 64) }
