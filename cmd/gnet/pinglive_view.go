package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gnet/internal/live"
)

// pingView shows a run: a table of the hosts, the worst first, and a page of one host with its round trips over time.
type pingView struct {
	mu     sync.Mutex // of what is drawn and recorded; a terminal that is stuck is waited for without it
	loop   *live.Loop // nil in a simulation
	record *pingRecord
	head   string // what the run is
	list   live.List
	order  []int // the hosts as the table has them
	sort   hostOrder
	// open: the page of a host is shown, and host is which.
	open bool
	host int
	// chosen: a key has selected the host, which stays selected; else the first row is.
	chosen bool
	pane   pingPane
	scale
	// zoom is the binary logarithm of the probes of a column; held is the newest probe that is shown, 0 for the newest there is.
	zoom int
	held int64
	// counted: the run ends by itself; over: it has, and the view stays.
	counted, over bool
}

// pingPane is what the page of a host shows below its figures.
type pingPane uint8

const (
	paneChart pingPane = iota
	paneHistogram
	paneLog
	panes
)

// hostOrder is how hosts are sorted.
type hostOrder uint8

const (
	orderWorst hostOrder = iota
	orderSlow
	orderGiven
	orders
)

// String is what the table says of itself.
func (o hostOrder) String() string {
	return [...]string{"worst first", "slowest first", "as given"}[o]
}

// maxZoom is that of 4096 probes in a column.
const maxZoom = 12

func newPingView(record *pingRecord, head string) *pingView {
	v := &pingView{record: record, head: head, open: len(record.tracks) == 1}
	for i := range record.tracks {
		v.order = append(v.order, i)
	}
	return v
}

// Typing reports that no text is typed here.
func (v *pingView) Typing() bool { return false }

// Help are the keys.
func (v *pingView) Help() []live.Binding {
	keys := []live.Binding{
		{Keys: "h Tab", Does: "chart, histogram, what happened"},
		{Keys: "l", Does: "logarithmic or linear scale"},
		{Keys: "z", Does: "linear scale from zero, or from the shortest"},
		{Keys: "+ -", Does: "fewer or more probes in a column"},
		{Keys: "Left Right", Does: "back and forth in time"},
		{Keys: "Space", Does: "hold the chart, and let it go"},
	}
	if len(v.record.tracks) > 1 {
		keys = append([]live.Binding{
			{Keys: "Up Down j k PgUp PgDn Home End g G", Does: "select a host; on its page the ones beside it"},
			{Keys: "Enter", Does: "the page of the selected host"},
			{Keys: "Esc", Does: "back to the table"},
			{Keys: "o", Does: "order: worst, slowest, as given"},
		}, keys...)
	}
	if len(v.record.tracks) > 1 {
		keys = append(keys, live.Binding{Keys: "trend", Does: "each host on a scale of its own: half as high is its median", Sign: true})
	}
	keys = append(keys, live.Binding{Keys: "beyond", Does: "above a linear chart: those more than twice as long as 95 % of the columns", Sign: true})
	return append(keys, live.Binding{Keys: "x", Does: "no answer", Sign: true}, live.Binding{Keys: "!", Does: "ICMP error", Sign: true},
		live.Binding{Keys: "-", Does: "not sent", Sign: true}, live.Binding{Keys: "+", Does: "answered again", Sign: true},
		live.Binding{Keys: ".", Does: "under way", Sign: true})
}

// Key takes a key.
func (v *pingView) Key(_ *live.Loop, k live.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case k.Rune == 'l':
		v.log = !v.log
	case k.Rune == 'z': // is about the linear scale, and shows it
		v.log, v.fit = false, !v.fit
	case k.Rune == '+' || k.Rune == '=':
		v.zoom = max(v.zoom-1, 0)
	case k.Rune == '-':
		v.zoom = min(v.zoom+1, maxZoom)
	case !v.open:
		v.tableKey(k)
	default:
		v.hostKey(k)
	}
}

func (v *pingView) tableKey(k live.Key) {
	switch {
	case k.Code == live.Enter:
		v.open, v.chosen, v.held = true, true, 0
	case k.Rune == 'o':
		v.sort = (v.sort + 1) % orders
	case v.list.Key(k, len(v.order)):
		v.host, v.chosen = v.order[v.list.Selected], v.list.Selected > 0
	}
}

func (v *pingView) hostKey(k live.Key) {
	t := v.record.tracks[v.host]
	many := len(v.order) > 1
	switch {
	case k.Rune == 'h' || k.Code == live.Tab:
		v.pane = (v.pane + 1) % panes
	case k.Code == live.Left:
		v.hold(t, max(v.shown(t)-v.leap(), t.first))
	case k.Code == live.Right:
		v.hold(t, v.shown(t)+v.leap())
	case k.Rune == ' ' && v.held == 0:
		v.held = t.newest
	case k.Rune == ' ':
		v.held = 0
	case many && (k.Code == live.Escape || k.Code == live.Backspace):
		v.open = false
	case many && v.list.Key(k, len(v.order)):
		v.host, v.held = v.order[v.list.Selected], 0
	}
}

// leap is by how many probes the chart moves.
func (v *pingView) leap() int64 { return 8 << v.zoom }

// shown is the newest probe in the chart.
func (v *pingView) shown(t *pingTrack) int64 {
	if v.held == 0 {
		return t.newest
	}
	return max(min(v.held, t.newest), t.first)
}

// hold shows the probes up to seq, or follows them when that is the newest.
func (v *pingView) hold(t *pingTrack, seq int64) {
	v.held = seq
	if seq >= t.newest {
		v.held = 0
	}
}

// stay has the view stay: the run is over, and what waits has no answer.
func (v *pingView) stay() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	v.record.over = true
	v.record.settle(v.record.now)
	return true
}

// Draw draws the page or the table.
func (v *pingView) Draw(c *live.Canvas) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open {
		v.drawHost(c)
		return
	}
	v.drawTable(c)
}

// sorted sorts the hosts, and keeps the selected one.
func (v *pingView) sorted() {
	worst := make([]float64, len(v.order))
	for i, t := range v.record.tracks {
		if v.sort == orderWorst {
			worst[i] = t.failing()
		}
	}
	slices.SortStableFunc(v.order, func(a, b int) int {
		if v.sort == orderGiven {
			return cmp.Compare(a, b)
		}
		return cmp.Or(cmp.Compare(worst[b], worst[a]),
			cmp.Compare(v.record.tracks[b].stats.RTT.Average(), v.record.tracks[a].stats.RTT.Average()), cmp.Compare(a, b))
	})
	if !v.chosen {
		v.list.Selected, v.host = 0, v.order[0]
		return
	}
	v.list.Selected = slices.Index(v.order, v.host)
}

// title draws what the run is, and for how long it has gone on.
func (v *pingView) title(c *live.Canvas, text string) {
	w, _ := c.Size()
	clock := clockOf(v.record.now)
	c.Cell(0, 0, w-len(clock)-1, live.Strong, text)
	c.Right(0, 0, w, live.Plain, clock)
}

// keys draws the last line.
func (v *pingView) keys(c *live.Canvas, words ...string) {
	w, h := c.Size()
	line := "? keys  q quit"
	switch {
	case v.over:
		line = "? keys  " + finishedWords
	case v.counted && (v.loop == nil || !v.loop.Touched()):
		words = append([]string{"any key: stay at the end"}, words...)
	}
	for _, word := range words {
		if word != "" && live.Columns(line)+2+live.Columns(word) <= w {
			line += "  " + word
		}
	}
	c.Text(0, h-1, live.Faint, line)
}

// label is how a host is named: its name, and its address when that is something else.
func (t *pingTrack) label() string {
	if t.name == "" || t.name == t.addr.String() {
		return t.addr.String()
	}
	return t.name + " (" + t.addr.String() + ")"
}

// drawHost draws the page of one host.
func (v *pingView) drawHost(c *live.Canvas) {
	w, h := c.Size()
	t := v.record.tracks[v.host]
	v.title(c, "PING "+t.label()+"  "+v.head)
	y := v.figures(c, t)
	room := h - y - 1
	if v.pane == paneLog {
		v.drawLog(c.Part(0, y, w, room), v.host, room)
	} else {
		lines := 1
		if h >= 16 {
			lines = min(h/6, 10)
		}
		lines = min(lines, max(room-3, 0))
		body := c.Part(0, y, w, room-lines)
		if v.pane == paneHistogram {
			v.histogram(body, t)
		} else if wide := w / 3; w >= 120 && h >= 20 {
			v.chart(c.Part(0, y, w-wide-2, room-lines), t)
			v.histogram(c.Part(w-wide, y, wide, room-lines), t)
		} else {
			v.chart(body, t)
		}
		v.drawLog(c.Part(0, h-1-lines, w, lines), v.host, lines)
	}
	back := ""
	if len(v.order) > 1 {
		back = "Esc table"
	}
	v.keys(c, v.holding(), back, [...]string{"h histogram", "h events", "h chart"}[v.pane], "l "+v.scale.other(), v.zoomed(), v.begins())
}

func (v *pingView) zoomed() string {
	if v.zoom == 0 {
		return "- zoom out"
	}
	return "+- " + strconv.Itoa(1<<v.zoom) + " probes/column"
}

// begins is what the key z does.
func (v *pingView) begins() string {
	if v.fit {
		return "z from zero"
	}
	return "z from the shortest"
}

func (v *pingView) holding() string {
	if v.held != 0 {
		return "HELD at " + strconv.FormatInt(v.held, 10) + ", Space follows"
	}
	return "Space hold"
}

// figures draws the numbers of a host, and returns the row behind them.
func (v *pingView) figures(c *live.Canvas, t *pingTrack) int {
	_, h := c.Size()
	st := &t.stats
	lost, percent := t.lost()
	x := c.Text(0, 1, live.Plain, fmt.Sprintf("sent %d  received %d  ", st.Transmitted, st.Received))
	style := live.Plain
	if lost > 0 {
		style = live.Bad
	}
	x = c.Text(x, 1, style, fmt.Sprintf("lost %d (%s)", lost, percentText(percent)))
	for _, part := range [...]struct {
		n    int64
		what string
	}{{st.Errors, "errors"}, {st.NotSent, "not sent"}, {st.Late, "late"}, {st.Duplicates, "duplicates"}, {st.Corrupted, "corrupted"}, {st.Foreign, "foreign"}} {
		if part.n > 0 {
			x = c.Text(x, 1, live.Warn, fmt.Sprintf("  %s %d", part.what, part.n))
		}
	}
	if st.RTT.N == 0 || t.spread == nil {
		c.Text(0, 2, live.Faint, "no answer so far")
		return 3
	}
	y := drawPairs(c, 2, h >= 14, "rtt ms", "last", cellMillis(t.last), "min", cellMillis(st.RTT.Min), "avg", cellMillis(st.RTT.Average()),
		"max", cellMillis(st.RTT.Max), "mdev", cellMillis(st.RTT.Deviation()))
	if h < 14 {
		return y
	}
	line := []string{}
	for _, p := range percentiles() {
		rtt, _ := t.spread.Quantile(p.share)
		line = append(line, p.name, cellMillis(rtt))
	}
	jitter := "-" // of one answer
	if d, ok := t.spread.Jitter(); ok {
		jitter = cellMillis(d)
	}
	line = append(line, "jitter", jitter)
	return drawPairs(c, y, true, "", line...)
}

// drawPairs draws names and values from row y on, and returns the row behind them: with wrapped in as many rows as values of millisColumns
// need, so that nothing below moves when they change. What has no room is left out: half a figure would be another one.
func drawPairs(c *live.Canvas, y int, wrapped bool, head string, words ...string) int {
	w, _ := c.Size()
	reserved, rows, x := len(head), 1, c.Text(0, y, live.Plain, head)
	end := y + 1
	if wrapped {
		for i := 0; i < len(words); i += 2 {
			room := len(words[i]) + 1 + millisColumns + 2
			if reserved+room-2 > w && reserved > 0 {
				reserved, rows = 0, rows+1
			}
			reserved += room
		}
		end = y + rows
	}
	for i := 0; i+1 < len(words) && y < end; i += 2 {
		text := words[i] + " " + words[i+1]
		if x > 0 {
			text = "  " + text
		}
		if x+len(text) > w {
			if y++; y < end {
				x = c.Text(0, y, live.Plain, strings.TrimLeft(text, " "))
			}
			continue
		}
		x = c.Text(x, y, live.Plain, text)
	}
	return end
}

// percentText is a share in percent, short.
func percentText(f float64) string {
	if f == 0 || f >= 10 {
		return strconv.FormatFloat(f, 'f', 0, 64) + "%"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + "%"
}

// drawLog draws the newest n lines about a host, or about all when it is negative.
func (v *pingView) drawLog(c *live.Canvas, host, n int) {
	var lines []*pingLine
	for i := len(v.record.log.lines) - 1; i >= 0 && len(lines) < n; i-- {
		if l := &v.record.log.lines[i]; host < 0 || l.host < 0 || l.host == host {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 && n > 0 {
		c.Text(0, 0, live.Faint, "nothing remarkable so far")
	}
	for i, l := range lines { // the newest is the last
		y := len(lines) - 1 - i
		x := c.Text(0, y, live.Faint, clockOf(l.at)+" ")
		style := live.Warn
		if l.bad {
			style = live.Bad
		}
		c.Text(x, y, style, l.words())
	}
}

// clockOf writes a time since the start.
func clockOf(d time.Duration) string {
	s := int64(d / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
