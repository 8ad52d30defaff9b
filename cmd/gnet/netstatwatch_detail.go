package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnet/internal/live"
	"gnet/procnet"
)

// watchDetail is one socket with what has been seen of it since it was opened.
type watchDetail struct {
	row    watched
	sock   *procnet.InetSocket // nil before the kernel was asked for all of it
	rtt    []float64           // milliseconds, a reading each
	cwnd   []float64
	top    int // first line that is shown
	height int
	lines  int
}

// detailReadings is how many readings of a socket are kept.
const detailReadings = 512

// openDetail shows a socket.
func (v *watchView) openDetail(w *watched) {
	v.detail = new(watchDetail)
	v.keepDetail(w)
	asked := *w
	v.request.detail = &asked
	v.ask(v.request)
}

// keepDetail makes w the row of the details. Its process is kept as that of its inode: the row outlives the table that names it.
func (v *watchView) keepDetail(w *watched) {
	if owner := v.owner(w); owner.pid != 0 && w.inode != 0 {
		v.owners[w.inode] = owner
	}
	v.detail.row = *w
	v.detail.row.owner = -1
}

// take adds a reading. The last figures of a socket that is gone stay.
func (d *watchDetail) take(v *watchView, table *watchTable) {
	i := table.find(&d.row)
	if i < 0 {
		d.row.gone = true
		return
	}
	v.keepDetail(&table.rows[i])
	if table.detail == nil {
		return
	}
	d.sock = table.detail
	if info := infoOf(d.sock); info != nil {
		d.rtt = lastOf(append(d.rtt, float64(info.RTT)/float64(time.Millisecond)), detailReadings)
		d.cwnd = lastOf(append(d.cwnd, float64(info.SndCwnd)), detailReadings)
	}
}

// lastOf keeps the last n values.
func lastOf(values []float64, n int) []float64 {
	if len(values) > n {
		return slices.Delete(values, 0, len(values)-n)
	}
	return values
}

// detailKey takes a key while a socket is shown.
func (v *watchView) detailKey(l *live.Loop, k live.Key) {
	d := v.detail
	switch {
	case k.Code == live.Escape || k.Code == live.Left || k.Code == live.Enter || k.Code == live.Backspace:
		v.detail, v.request.detail = nil, nil
		v.ask(v.request)
		v.arrange()
	case k.Rune == ' ':
		v.pause()
	case k.Rune == 'y':
		v.copy(l, &d.row)
	case k.Rune == 'K':
		v.askKill(&d.row)
	case k.Code == live.Down || k.Rune == 'j':
		d.top++
	case k.Code == live.Up || k.Rune == 'k':
		d.top--
	case k.Code == live.PageDown:
		d.top += max(d.height-1, 1)
	case k.Code == live.PageUp:
		d.top -= max(d.height-1, 1)
	case k.Code == live.Home || k.Rune == 'g':
		d.top = 0
	case k.Code == live.End || k.Rune == 'G':
		d.top = d.lines
	}
}

// detailLine is a line of the details.
type detailLine struct {
	style live.Style
	text  string
}

// drawDetail draws the socket, as far as it fits.
func (v *watchView) drawDetail(c *live.Canvas) {
	w, h := c.Size()
	d := v.detail
	lines := v.detailLines(w, c.ASCII)
	d.lines, d.height = len(lines), h
	d.top = max(min(d.top, len(lines)-h), 0)
	for y := 0; y < h && d.top+y < len(lines); y++ {
		c.Text(0, y, lines[d.top+y].style, lines[d.top+y].text)
	}
}

// detailLines is what there is to say, in lines of that width.
func (v *watchView) detailLines(width int, ascii bool) []detailLine {
	d := v.detail
	s := d.row.socket()
	var lines []detailLine
	add := func(style live.Style, text string) {
		for _, line := range live.Wrap(text, width) {
			lines = append(lines, detailLine{style, line})
		}
	}
	head := inetWord(&s) + " " + v.endpoint(s.Proto, s.Local) + " " + v.endpoint(s.Proto, s.Remote) + " " + inetStateWord(&s)
	switch {
	case d.row.gone && v.request.filter != nil:
		add(live.Gone, head+" (gone, or not of the filter any more: what follows was the last)")
	case d.row.gone:
		add(live.Gone, head+" (gone: what follows was the last)")
	default:
		add(live.Strong, head)
	}
	inode := "-" // of no process: not accepted yet, or left by it
	if s.Inode != 0 {
		inode = strconv.FormatUint(s.Inode, 10)
	}
	add(live.Plain, fmt.Sprintf("program %s, user %s, inode %s", v.program(&d.row), cmp.Or(v.user(&d.row), "-"), inode))
	queues := fmt.Sprintf("receive queue %d, send queue %d", s.RxQueue, s.TxQueue)
	if s.Timer.Kind != 0 {
		queues += ", timer " + string(appendTimer(nil, &s))
	}
	add(live.Plain, queues)
	add(live.Plain, d.volume())
	lines = append(lines, d.history(width, ascii)...)
	switch {
	case d.sock != nil:
		if info := strings.TrimSpace(string(appendInfo(nil, d.sock))); info != "" {
			add(live.Heading, "TCP_INFO and socket memory")
			add(live.Plain, info)
		} else {
			add(live.Faint, "The kernel has no TCP_INFO of this socket.")
		}
	case v.request.paused:
		add(live.Faint, "Paused: TCP_INFO comes with the next reading.")
	case !d.row.gone:
		add(live.Faint, "Reading TCP_INFO.")
	}
	return lines
}

// volume says what the socket has moved.
func (d *watchDetail) volume() string {
	if !d.row.counts {
		return "The kernel does not count the octets of this socket."
	}
	text := fmt.Sprintf("in %s octets, out %s octets acknowledged", strconv.FormatUint(d.row.bytesIn, 10), strconv.FormatUint(d.row.bytesOut, 10))
	if d.row.rated {
		text += fmt.Sprintf("; now in %s/s, out %s/s", rateText(d.row.in), rateText(d.row.out))
	}
	return text
}

// history draws rtt and cwnd over the readings.
func (d *watchDetail) history(width int, ascii bool) []detailLine {
	if len(d.rtt) == 0 {
		return nil
	}
	var lines []detailLine
	for _, h := range []struct {
		name   string
		style  live.Style
		values []float64
		text   func(float64) string
	}{
		{"rtt ", live.Series1, d.rtt, func(ms float64) string { return millis(time.Duration(ms*float64(time.Millisecond))) + " ms" }},
		{"cwnd", live.Series2, d.cwnd, func(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }},
	} {
		values := h.values[max(len(h.values)-max(width-5, 1), 0):]
		low, high := slices.Min(values), slices.Max(values)
		lines = append(lines, detailLine{h.style, h.name + " " + sparkline(values, low, high, ascii)},
			detailLine{live.Faint, fmt.Sprintf("     %s to %s, now %s", h.text(low), h.text(high), h.text(values[len(values)-1]))})
	}
	return lines
}

// sparkline draws values between low and high, a column each. Equal values are a line at the bottom.
func sparkline(values []float64, low, high float64, ascii bool) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	if ascii {
		levels = []rune("_.-~=+*#")
	}
	line := make([]rune, len(values))
	for i, value := range values {
		level := 0
		if high > low {
			level = int((value - low) / (high - low) * float64(len(levels)-1))
		}
		line[i] = levels[level]
	}
	return string(line)
}
