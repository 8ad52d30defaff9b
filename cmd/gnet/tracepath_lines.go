package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/wire"
	"gnet/ping/path"
)

// hopLines writes the lines of tracepath. Names are looked up between two bursts:
// the kernel's stamps of the answers tell the times.
type hopLines struct {
	e     *env
	o     *tracepathOptions
	t     *hopTrace
	names *pingNames
	line  []byte
	// said are the extensions that were shown last, of the hop saidOf.
	said   string
	saidOf int
}

func newHopLines(ctx context.Context, e *env, o *tracepathOptions, t *hopTrace) *hopLines {
	return &hopLines{e: e, o: o, t: t, names: newPingNames(ctx)}
}

// hostWidth is the width of a host in a line.
const hostWidth = 51

// event writes one line.
func (l *hopLines) event(ev *path.HopEvent) {
	b := l.line[:0]
	switch ev.Kind {
	case path.DoubtfulMTU:
		return
	case path.OwnMTU:
		b = l.unnumbered(b, ev.TTL, "[LOCALHOST]")
		if l.t.dest.Is6() {
			b = appendMillis(b, ev.Probe.RTT)
		}
		b = fmt.Appendf(b, "pmtu %d", ev.MTU)
	case path.SilentMTU:
		b = fmt.Appendf(l.unnumbered(b, ev.TTL, "[BLACK HOLE]"), "pmtu %d", ev.MTU)
	case path.RouterMTU:
		b = fmt.Appendf(l.answer(b, ev), "pmtu %d", ev.MTU)
	case path.HopSilent:
		b = fmt.Appendf(b, "%2d:  no reply", ev.TTL)
	case path.HopNotSent:
		b = fmt.Appendf(b, "%2d:  send failed", ev.TTL)
	case path.HopAnswer:
		if ev.Probe.Means == path.ByData {
			b = fmt.Appendf(b, "%2d?: reply received 8)", ev.TTL)
			break
		}
		b = append(l.answer(b, ev), remark(ev.Probe, l.t.dest.Is6())...)
	}
	l.line = append(b, '\n')
	l.e.Stdout.Write(l.line)
	l.extensions(ev)
	if ev.Kind == path.HopAnswer && ev.Probe.Fate == path.Unreachable {
		if errno := errnoOf(ev.Probe, l.t.dest.Is6()); mark(errno) == "" {
			l.e.warn("NET ERROR: %s", errnoText(errno))
		}
	}
}

// extensions writes those of an answer, once for a hop that is asked twice.
func (l *hopLines) extensions(ev *path.HopEvent) {
	if ev.Probe == nil {
		return
	}
	text := string(appendExtensions(nil, ev.Probe.Extensions, ev.Probe.BadExtensions))
	if ev.TTL != l.saidOf || text != l.said {
		l.e.Stdout.WriteString(text)
	}
	l.saidOf, l.said = ev.TTL, text
}

// unnumbered is the start of a line whose hop did not say so itself.
func (l *hopLines) unnumbered(b []byte, ttl int, what string) []byte {
	return fmt.Appendf(b, "%2d?: %-32s ", ttl, what)
}

func (l *hopLines) answer(b []byte, ev *path.HopEvent) []byte {
	b = fmt.Appendf(b, "%2d:  ", ev.TTL)
	b = append(render.Left(b, l.host(ev.Probe.From), hostWidth), ' ')
	return appendMillis(b, ev.Probe.RTT)
}

// host is a host as the options want it.
func (l *hopLines) host(a netip.Addr) string {
	name := ""
	if l.o.namesHosts() {
		name = safe.String(l.names.name(a))
	}
	return l.o.hostWords(a, name)
}

// namesHosts reports whether the names of hosts are shown.
func (o *tracepathOptions) namesHosts() bool { return !o.Numeric || o.Both }

// hostWords is a host as the options want it, with its name, "" for one that has none.
func (o *tracepathOptions) hostWords(a netip.Addr, name string) string {
	addr := a.String()
	if name == "" && o.Numeric {
		name = "???"
	} else if name == "" {
		name = addr
	}
	switch {
	case o.Both && o.Numeric:
		return addr + " (" + name + ")" // the original's order without names
	case o.Both:
		return name + " (" + addr + ")"
	case o.Numeric:
		return addr
	}
	return name
}

func appendMillis(b []byte, d time.Duration) []byte {
	us := d.Microseconds()
	return fmt.Appendf(b, "%3d.%03dms ", us/1000, us%1000)
}

// remark is what follows the time.
func remark(s *path.Probe, six bool) string {
	switch {
	case s.Fate == path.Answered:
		return "reached"
	case s.Fate == path.Unreachable:
		return mark(errnoOf(s, six))
	}
	if back := hopsBack(s); back > 0 && back != s.TTL {
		return fmt.Sprintf("asymm %2d ", back)
	}
	return ""
}

// hopsBack is how many hops an answer came, when its sender began with the nearest
// of 64, 128 and 255; 0 when unknown.
func hopsBack(s *path.Probe) int {
	switch ttl := s.ReplyTTL; {
	case ttl < 0:
		return 0
	case ttl <= 64:
		return 65 - ttl
	case ttl <= 128:
		return 129 - ttl
	default:
		return 256 - ttl
	}
}

// mark is the sign of an error that ends a trace, "" when it has none.
func mark(errno unix.Errno) string {
	switch errno {
	case unix.EHOSTUNREACH:
		return "!H"
	case unix.ENETUNREACH:
		return "!N"
	case unix.EACCES:
		return "!A"
	case unix.EPROTO:
		return "!P"
	}
	return ""
}

// errnoOf is the errno that the kernel makes of an ICMP error (icmp_err_convert,
// net/ipv4/icmp.c; icmpv6_err_convert, net/ipv6/icmp.c).
func errnoOf(s *path.Probe, six bool) unix.Errno {
	if six {
		if s.Type == wire.ICMPv6TimeExceeded {
			return unix.EHOSTUNREACH
		}
		codes := [...]unix.Errno{unix.ENETUNREACH, unix.EACCES, unix.EHOSTUNREACH, unix.EHOSTUNREACH, unix.ECONNREFUSED, unix.EACCES, unix.EACCES}
		if s.Type != wire.ICMPv6Unreachable || int(s.Code) >= len(codes) {
			return unix.EPROTO
		}
		return codes[s.Code]
	}
	switch s.Type {
	case wire.ICMPv4Unreachable:
	case wire.ICMPv4TimeExceeded:
		return unix.EHOSTUNREACH
	default:
		return unix.EPROTO
	}
	codes := [...]unix.Errno{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENOPROTOOPT, unix.ECONNREFUSED, unix.EMSGSIZE, unix.EOPNOTSUPP,
		unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENONET, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EHOSTUNREACH}
	return codes[min(int(s.Code), len(codes)-1)]
}

// found writes the end of the way.
func (l *hopLines) found() {
	if l.t.TooMany() {
		fmt.Fprintf(l.e.Stdout, "     Too many hops: pmtu %d\n", l.t.MTU())
	}
	fmt.Fprintf(l.e.Stdout, "     Resume: pmtu %d ", l.t.MTU())
	if s := l.t.Reached(); s != nil && s.Means != path.ByData { // the original's: data have no hops back
		fmt.Fprintf(l.e.Stdout, "hops %d ", s.TTL)
		if back := hopsBack(s); back > 0 {
			fmt.Fprintf(l.e.Stdout, "back %d ", back)
		}
	}
	l.e.Stdout.WriteString("\n")
}

// close writes the table of the rounds, as far as they went.
func (l *hopLines) close(bool) error {
	if l.o.Rounds > 1 {
		l.table()
	}
	return nil
}

// table writes the losses and times of the rounds.
func (l *hopLines) table() {
	fmt.Fprintf(l.e.Stdout, "\n%3s  %-39s %5s %5s %6s %9s %9s %9s\n", "hop", "address", "sent", "recv", "loss", "min ms", "avg ms", "max ms")
	for _, h := range l.t.Hops() {
		var names []string
		for _, a := range h.From {
			names = append(names, l.host(a))
		}
		switch {
		case h.Err != nil && len(names) == 0:
			names = []string{"send failed"}
		case len(names) == 0:
			names = []string{"no reply"}
		}
		fmt.Fprintf(l.e.Stdout, "%3d  %s %5d %5d", h.TTL, render.Left(nil, strings.Join(names, ", "), 39), h.Sent, h.Answered)
		if h.Sent > 0 {
			fmt.Fprintf(l.e.Stdout, " %5.0f%%", hopLoss(&h))
		}
		if h.Answered > 0 {
			fmt.Fprintf(l.e.Stdout, " %9.3f %9.3f %9.3f", h.Min.Seconds()*1e3, h.Mean.Seconds()*1e3, h.Max.Seconds()*1e3)
		}
		l.e.Stdout.WriteString("\n")
	}
}

// hopLoss is the share of probes without an answer, in percent; of none it is not
// a number.
func hopLoss(h *path.Hop) float64 {
	return 100 * float64(h.Sent-h.Answered) / float64(h.Sent)
}
