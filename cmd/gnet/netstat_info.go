package main

import (
	"strconv"
	"time"

	"gnet/internal/procfile"
	"gnet/internal/safe"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// infoRow is --info in netstat's option table.
func infoRow() option[netstatOptions] {
	return option[netstatOptions]{long: "info", own: true, help: "what TCP itself knows: round trips, windows, rates, losses",
		set: func(o *netstatOptions, _, _ string) error { o.Info = true; return nil }}
}

// infoExt is what --info must see of a socket.
func (o *netstatOptions) infoExt(p procnet.Proto) sockdiag.Ext {
	switch {
	case !o.Info:
		return 0
	case p == procnet.TCP:
		return sockdiag.ExtInfo | sockdiag.ExtCong | sockdiag.ExtSkMemInfo
	}
	return sockdiag.ExtSkMemInfo
}

// checkInfo refuses --info where there is nothing to ask.
func (o *netstatOptions) checkInfo() error {
	switch {
	case !o.Info:
	case !procfile.At(o.ProcRoot).IsLive():
		return fail(statusUsage, "--info asks the running kernel: it cannot be used with --proc-root")
	case o.Route || o.Interfaces || o.Statistics || o.Masquerade:
		return fail(statusUsage, "--info is about sockets")
	}
	return nil
}

// infoOf is what the kernel knows of a connection, nil where it gives nothing:
// TIME_WAIT and SYN_RECV have no such structure any more, or not yet.
func infoOf(s *procnet.InetSocket) *sockdiag.TCPInfo {
	if s == nil || s.Proto != procnet.TCP || s.State == procnet.Listen || s.Diag == nil || s.Diag.Has&sockdiag.ExtInfo == 0 {
		return nil
	}
	return &s.Diag.Info
}

// backlogOf is how many connections wait for accept and how many may.
func backlogOf(s *procnet.InetSocket) (now, limit uint32, ok bool) {
	if s == nil || s.Proto != procnet.TCP || s.State != procnet.Listen || s.Diag == nil {
		return 0, 0, false
	}
	return s.Diag.RQueue, s.Diag.WQueue, true
}

// infoLine is the line below a socket's row: named values with units, commas
// between them, of which those that say nothing are left out.
type infoLine struct{ b []byte }

// appendInfo ends the row and appends the line of --info; nothing for a socket of
// which there is nothing to say.
func appendInfo(dst []byte, s *procnet.InetSocket) []byte {
	l := infoLine{append(dst, "\n       "...)}
	start := len(l.b)
	if now, limit, ok := backlogOf(s); ok {
		l.name("backlog").count(uint64(now), "").text(" of ").count(uint64(limit), "")
	}
	if s.Diag != nil && s.Diag.Has&sockdiag.ExtCong != 0 {
		l.name("cc").text(safe.String(string(s.Diag.Cong)))
	}
	if i := infoOf(s); i != nil {
		l.times(i)
		l.windows(i)
		l.losses(i)
		l.volume(i)
		l.rates(i)
		l.limits(i)
	}
	if s.Diag != nil && s.Diag.SkMem.Drops > 0 {
		l.name("drops").count(uint64(s.Diag.SkMem.Drops), "")
	}
	if len(l.b) == start {
		return dst
	}
	return l.b
}

// name begins a value.
func (l *infoLine) name(name string) *infoLine {
	if n := len(l.b); n > 0 && l.b[n-1] != ' ' {
		l.b = append(l.b, ',')
	}
	l.b = append(append(l.b, ' '), name...)
	l.b = append(l.b, ' ')
	return l
}

func (l *infoLine) text(s string) *infoLine {
	l.b = append(l.b, s...)
	return l
}

func (l *infoLine) count(n uint64, unit string) *infoLine {
	l.b = append(strconv.AppendUint(l.b, n, 10), unit...)
	return l
}

// some appends a named count unless it is zero.
func (l *infoLine) some(name string, n uint64, unit string) {
	if n > 0 {
		l.name(name).count(n, unit)
	}
}

// span appends a time: milliseconds below a second, else seconds, with at most three decimals.
func (l *infoLine) span(d time.Duration) *infoLine {
	unit, word := time.Millisecond, " ms"
	if d >= time.Second {
		unit, word = time.Second, " s"
	}
	l.b = appendThousandths(l.b, uint64(d/(unit/1000)))
	return l.text(word)
}

// appendThousandths appends n/1000 without zeros at the end of its decimals.
func appendThousandths(dst []byte, n uint64) []byte {
	dst = strconv.AppendUint(dst, n/1000, 10)
	decimals := []byte{'.', byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)}
	for len(decimals) > 0 && (decimals[len(decimals)-1] == '0' || decimals[len(decimals)-1] == '.') {
		decimals = decimals[:len(decimals)-1]
	}
	return append(dst, decimals...)
}

// rate appends bytes per second as bits per second.
func (l *infoLine) rate(bytes uint64) *infoLine {
	units := [...]string{" bit/s", " kbit/s", " Mbit/s", " Gbit/s", " Tbit/s"}
	whole, step := bytes*8, 0
	if bytes > 1<<60 {
		whole = 1 << 63
	}
	rest := uint64(0)
	for whole >= 1000 && step < len(units)-1 {
		whole, rest, step = whole/1000, whole%1000, step+1
	}
	l.b = appendThousandths(l.b, whole*1000+rest)
	return l.text(units[step])
}

func (l *infoLine) times(i *sockdiag.TCPInfo) {
	if word := caStateWord(i.CAState); word != "open" {
		l.name("state").text(word)
	}
	if i.RTT > 0 {
		l.name("rtt").span(i.RTT).text(" (var ").span(i.RTTVar)
		if minRTT, ok := minRTT(i); ok {
			l.text(", min ").span(minRTT)
		}
		l.text(")")
	}
	l.name("rto").span(i.RTO)
	l.some("backoff", uint64(i.Backoff), "")
}

func (l *infoLine) windows(i *sockdiag.TCPInfo) {
	l.name("cwnd").count(uint64(i.SndCwnd), "")
	if i.SndSsthresh < sockdiag.SsthreshInfinite {
		l.name("ssthresh").count(uint64(i.SndSsthresh), "")
	}
	l.name("mss").count(uint64(i.SndMSS), "")
	l.some("pmtu", uint64(i.PMTU), "")
	if i.Has(sockdiag.InfoSndWnd) {
		l.name("snd_wnd").count(uint64(i.SndWnd), " B")
	}
}

func (l *infoLine) losses(i *sockdiag.TCPInfo) {
	l.some("unacked", uint64(i.Unacked), "")
	l.some("sacked", uint64(i.Sacked), "")
	l.some("lost", uint64(i.Lost), "")
	if i.TotalRetrans > 0 || i.Retrans > 0 {
		l.name("retrans").count(uint64(i.Retrans), "").text(" (").count(uint64(i.TotalRetrans), " in all)")
	}
	l.some("retransmits", uint64(i.Retransmits), "")
	l.some("probes", uint64(i.Probes), "")
}

func (l *infoLine) volume(i *sockdiag.TCPInfo) {
	if i.Has(sockdiag.InfoBytesSent) {
		l.name("sent").count(i.BytesSent, " B")
	}
	if i.Has(sockdiag.InfoBytesAcked) {
		l.name("acked").count(i.BytesAcked, " B")
	}
	if i.Has(sockdiag.InfoBytesReceived) {
		l.name("received").count(i.BytesReceived, " B")
	}
	l.some("unsent", uint64(i.NotsentBytes), " B")
}

func (l *infoLine) rates(i *sockdiag.TCPInfo) {
	if i.DeliveryRate > 0 {
		l.name("delivery rate").rate(i.DeliveryRate)
		if i.DeliveryRateAppLimited {
			l.text(" (limited by the application)")
		}
	}
	if i.Has(sockdiag.InfoPacingRate) && i.PacingRate != sockdiag.RateUnlimited {
		l.name("pacing rate").rate(i.PacingRate)
	}
}

// limits appends how long there was something to send, and for which part of
// that time the receiver's window or the send buffer stood in the way.
func (l *infoLine) limits(i *sockdiag.TCPInfo) {
	if i.BusyTime <= 0 {
		return
	}
	l.name("busy").span(i.BusyTime)
	opened := false
	for _, limit := range []struct {
		word string
		d    time.Duration
	}{{"receive window", i.RwndLimited}, {"send buffer", i.SndbufLimited}} {
		if limit.d <= 0 {
			continue
		}
		l.text(map[bool]string{false: " (", true: ", "}[opened]).text(limit.word + " ")
		l.count(uint64(100*limit.d.Seconds()/i.BusyTime.Seconds()+0.5), " %")
		opened = true
	}
	if opened {
		l.text(")")
	}
}

// minRTT is the smallest round trip of late; not known before the first one.
func minRTT(i *sockdiag.TCPInfo) (time.Duration, bool) {
	return i.MinRTT, i.Has(sockdiag.InfoMinRTT) && i.MinRTT != sockdiag.MinRTTUnknown && i.MinRTT > 0
}

// caStateWord is the kernel's word for the state of congestion control (linux/tcp.h,
// enum tcp_ca_state).
func caStateWord(state uint8) string {
	words := [...]string{"open", "disorder", "cwr", "recovery", "loss"}
	if int(state) < len(words) {
		return words[state]
	}
	return strconv.Itoa(int(state))
}
