package main

import (
	"cmp"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gnet/internal/live"
	"gnet/procnet"
)

// watchColumn is a column of the sockets.
type watchColumn struct {
	title string
	width int // the least
	most  int // where it can use more; 0 for no more than width
	ample int // what it has before columns of a higher rank than enough come, as far as it needs it; 0 for width
	// enough is the last rank for which the column goes without ample.
	enough int
	end    bool // an end of a socket, which is cut in its middle
	right  bool // a number, which is not cut where it can have more room
	// rank is when the column gets its place: the first ones have it on every screen. 0 is no column, but an order to sort by.
	rank int
	down bool // the largest first, unless reversed
	text func(v *watchView, w *watched) string
	less func(v *watchView, a, b *watched) int
}

// socketWatchColumns returns the columns from left to right; the first one is the order in which the view begins.
func socketWatchColumns() []watchColumn {
	number := func(title string, width, rank int, text func(*watchView, *watched) string, value func(*watched) float64) watchColumn {
		return watchColumn{title: title, width: width, most: 10, rank: rank, right: true, down: true, text: text,
			less: func(_ *watchView, a, b *watched) int { return cmp.Compare(value(a), value(b)) }}
	}
	count := func(n func(*watched) uint32) (func(*watchView, *watched) string, func(*watched) float64) {
		return func(_ *watchView, w *watched) string { return strconv.FormatUint(uint64(n(w)), 10) },
			func(w *watched) float64 { return float64(n(w)) }
	}
	recvText, recv := count(func(w *watched) uint32 { return w.rxQueue })
	sendText, send := count(func(w *watched) uint32 { return w.txQueue })
	return []watchColumn{
		{title: "In+Out/s", down: true, less: func(_ *watchView, a, b *watched) int { return cmp.Compare(moved(a), moved(b)) }},
		{title: "Proto", width: 5, rank: 7, text: func(_ *watchView, w *watched) string { return w.protoWord() },
			less: func(_ *watchView, a, b *watched) int { return strings.Compare(a.protoWord(), b.protoWord()) }},
		number("Recv-Q", 6, 10, recvText, recv),
		number("Send-Q", 6, 9, sendText, send),
		endpointColumn("Local", 1, func(w *watched) netip.AddrPort { return w.local.addrPort() }),
		endpointColumn("Foreign", 2, func(w *watched) netip.AddrPort { return w.remote.addrPort() }),
		{title: "State", width: 11, rank: 5, text: func(_ *watchView, w *watched) string { return w.stateWord() },
			less: func(_ *watchView, a, b *watched) int { return strings.Compare(a.stateWord(), b.stateWord()) }},
		number("In/s", 5, 4, func(_ *watchView, w *watched) string { return w.rateText(w.in) }, func(w *watched) float64 { return rated(w, w.in) }),
		number("Out/s", 5, 3, func(_ *watchView, w *watched) string { return w.rateText(w.out) }, func(w *watched) float64 { return rated(w, w.out) }),
		number("RTT ms", 7, 8, func(_ *watchView, w *watched) string { return w.figure(w.rtt > 0, millis(w.roundTrip())) }, func(w *watched) float64 { return float64(w.rtt) }),
		number("Retr", 5, 11, func(_ *watchView, w *watched) string {
			return w.figure(true, strconv.FormatUint(uint64(w.retrans), 10))
		},
			func(w *watched) float64 { return float64(w.retrans) }),
		number("Cwnd", 5, 13, func(_ *watchView, w *watched) string { return w.figure(true, strconv.FormatUint(uint64(w.cwnd), 10)) },
			func(w *watched) float64 { return float64(w.cwnd) }),
		{title: "User", width: 8, most: 16, rank: 12, text: (*watchView).user, less: func(_ *watchView, a, b *watched) int { return cmp.Compare(a.uid, b.uid) }},
		{title: "Program", width: 8, ample: 12, enough: 7, most: math.MaxInt, rank: 6, text: (*watchView).program,
			less: func(v *watchView, a, b *watched) int {
				x, y := v.owner(a), v.owner(b)
				return cmp.Or(strings.Compare(x.program, y.program), cmp.Compare(x.pid, y.pid))
			}},
	}
}

// endpointColumn is the column of one end. The names of its ports are looked up as the text is made.
func endpointColumn(title string, rank int, end func(*watched) netip.AddrPort) watchColumn {
	return watchColumn{title: title, width: 11, ample: len("255.255.255.255:65535"), enough: 4, most: 47, rank: rank, end: true,
		text: func(v *watchView, w *watched) string { return v.endpoint(w.proto, end(w)) },
		less: func(_ *watchView, a, b *watched) int { return end(a).Compare(end(b)) }}
}

// moved is what a socket moves, both ways; one of which nothing is known comes behind those that rest.
func moved(w *watched) float64 { return rated(w, w.in+w.out) }

func rated(w *watched, rate float64) float64 {
	if !w.rated {
		return -1
	}
	return rate
}

// rateText is a rate in octets a second: - where the kernel counts nothing, nothing before the second reading and for one that is gone.
func (w *watched) rateText(rate float64) string {
	switch {
	case w.rated:
		return rateText(rate)
	case w.counts:
		return ""
	}
	return "-"
}

// figure is a figure that connections alone have.
func (w *watched) figure(known bool, text string) string {
	switch {
	case !w.connection:
		return "-"
	case !known:
		return ""
	}
	return text
}

// rateText writes a number in at most five columns: 999, 1.23k, 45.6M.
func rateText(n float64) string {
	if math.Round(n) < 1000 {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	units := "kMGTPE"
	i := -1
	for n >= 999.5 && i < len(units)-1 {
		n, i = n/1000, i+1
	}
	decimals := 2
	switch {
	case n >= 99.95:
		decimals = 0
	case n >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(n, 'f', decimals, 64) + units[i:i+1]
}

// millis writes milliseconds with at most six digits.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 100:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 3, 64)
}

// endpoint is one end of a socket: the address as a number, the port by its name unless -n is given.
func (v *watchView) endpoint(proto procnet.Proto, end netip.AddrPort) string {
	host := end.Addr().Unmap().String()
	if end.Addr().Unmap().Is6() {
		host = "[" + host + "]"
	}
	port := "*"
	if end.Port() != 0 {
		if port = v.names.service(proto, end.Port()); port == "" {
			port = strconv.Itoa(int(end.Port()))
		}
	}
	return host + ":" + port
}

// cutEndpoint shortens an end so that the port, by which it is told from others, stays.
func cutEndpoint(text string, width int, ascii bool) string {
	if live.Columns(text) <= width {
		return text
	}
	colon := strings.LastIndexByte(text, ':')
	more := "…"
	if ascii {
		more = "+"
	}
	if room := width - 1 - (len(text) - colon); room > 0 {
		return text[:min(room, colon)] + more + text[colon:]
	}
	return text
}

// user is the owner. An embryonic connection has none but in the file, which would have to be read for it.
func (v *watchView) user(w *watched) string {
	s := w.socket()
	uid, known := s.User()
	if !known || w.proto == procnet.TCP && w.state == procnet.SynRecv {
		return ""
	}
	if name := v.names.user(uid); name != "" {
		return name
	}
	return strconv.FormatUint(uint64(uid), 10)
}

func (v *watchView) program(w *watched) string {
	owner := v.owner(w)
	if owner.pid == 0 {
		return "-"
	}
	return strconv.Itoa(owner.pid) + "/" + owner.program
}
