package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gnet/internal/live"
	"gnet/procnet"
)

// watchGrouping is what sockets are grouped by.
type watchGrouping int

const (
	notGrouped watchGrouping = iota
	byProgram
	byLocalPort
	byForeignPort
	byState
	groupings
)

// word names the grouping.
func (g watchGrouping) word() string {
	return [groupings]string{"socket", "program", "local port", "foreign port", "state"}[g]
}

// watchGroupKey is what the sockets of a group have in common, and they alone. Those that are in none have the word -; the zero value is no
// group.
type watchGroupKey struct {
	word  string
	proto procnet.Proto
	port  uint16
}

// of returns the group of a socket.
func (g watchGrouping) of(v *watchView, w *watched) watchGroupKey {
	word := ""
	switch g {
	case byProgram:
		word = v.owner(w).program
	case byLocalPort:
		return portGroup(w.proto, w.local.port)
	case byForeignPort:
		return portGroup(w.proto, w.remote.port)
	case byState:
		word = w.stateWord()
	}
	return watchGroupKey{word: cmp.Or(word, "-")}
}

// portGroup is the group of a port.
func portGroup(proto procnet.Proto, port uint16) watchGroupKey {
	if port == 0 {
		return watchGroupKey{word: "-"}
	}
	return watchGroupKey{proto: proto, port: port}
}

// groupName names a group.
func (v *watchView) groupName(k watchGroupKey) string {
	if k.port == 0 {
		return k.word
	}
	text := k.proto.File(false) + " " + strconv.Itoa(int(k.port))
	if name := v.names.service(k.proto, k.port); name != "" {
		text += " " + name
	}
	return text
}

// watchGroup is the sum of some sockets.
type watchGroup struct {
	key        watchGroupKey
	name       string
	sockets    int
	counts     bool // of at least one the kernel counts octets
	in, out    float64
	recv, send uint64
}

// watchSum is a column of the groups.
type watchSum struct {
	title string
	width int
	text  func(*watchGroup) string // nil for the name, which has its own place, and for an order that is no column
	less  func(a, b *watchGroup) int
	down  bool // the largest first, unless reversed
}

// groupWatchSums returns the columns of the groups from left to right; the first one is the order in which the view begins: what moves
// most comes first, then what has most sockets.
func groupWatchSums() []watchSum {
	rate := func(title string, of func(*watchGroup) float64) watchSum {
		return watchSum{title, 6, func(g *watchGroup) string { return g.rate(of(g)) }, func(a, b *watchGroup) int { return cmp.Compare(of(a), of(b)) }, true}
	}
	count := func(title string, of func(*watchGroup) uint64) watchSum {
		return watchSum{title, 7, func(g *watchGroup) string { return strconv.FormatUint(of(g), 10) }, func(a, b *watchGroup) int { return cmp.Compare(of(a), of(b)) }, true}
	}
	sockets := func(g *watchGroup) uint64 { return uint64(g.sockets) }
	return []watchSum{
		{title: "In+Out/s", down: true, less: func(a, b *watchGroup) int {
			return cmp.Or(cmp.Compare(a.in+a.out, b.in+b.out), cmp.Compare(a.sockets, b.sockets))
		}},
		{title: "Name", less: func(a, b *watchGroup) int {
			return cmp.Or(strings.Compare(a.key.word, b.key.word), cmp.Compare(a.key.proto, b.key.proto), cmp.Compare(a.key.port, b.key.port))
		}},
		count("Sockets", sockets),
		rate("In/s", func(g *watchGroup) float64 { return g.in }),
		rate("Out/s", func(g *watchGroup) float64 { return g.out }),
		count("Recv-Q", func(g *watchGroup) uint64 { return g.recv }),
		count("Send-Q", func(g *watchGroup) uint64 { return g.send }),
	}
}

// arrangeGroups adds the sockets up and sorts the groups; equal ones stand by their names.
func (v *watchView) arrangeGroups() {
	if v.groupAt == nil {
		v.groupAt = make(map[watchGroupKey]int)
	}
	clear(v.groupAt)
	v.groups = v.groups[:0]
	for i := range v.table.rows[:v.table.live] {
		w := &v.table.rows[i]
		key := v.by.of(v, w)
		at, ok := v.groupAt[key]
		if !ok {
			at = len(v.groups)
			v.groupAt[key], v.groups = at, append(v.groups, watchGroup{key: key, name: v.groupName(key)})
		}
		v.groups[at].add(w)
	}
	c := v.sums[v.groupSort]
	slices.SortFunc(v.groups, func(a, b watchGroup) int {
		n := c.less(&a, &b)
		if c.down {
			n = -n
		}
		n = cmp.Or(n, strings.Compare(a.name, b.name))
		if v.reversed {
			return -n
		}
		return n
	})
	v.list.Selected = max(min(v.list.Selected, len(v.groups)-1), 0)
	if i := slices.IndexFunc(v.groups, func(g watchGroup) bool { return g.key == v.group }); i >= 0 {
		v.list.Selected = i
	}
}

func (g *watchGroup) add(w *watched) {
	g.sockets++
	g.counts = g.counts || w.counts
	if w.state != procnet.Listen || w.proto != procnet.TCP { // whose queues count connections
		g.recv, g.send = g.recv+uint64(w.rxQueue), g.send+uint64(w.txQueue)
	}
	if w.rated {
		g.in, g.out = g.in+w.in, g.out+w.out
	}
}

// groupKey takes a key of the list of groups.
func (v *watchView) groupKey(k live.Key) {
	switch {
	case k.Rune == '<' || k.Rune == '>':
		v.groupSort, v.reversed = around(v.groupSort, k.Rune == '>', len(v.sums)), false
		v.arrange()
	case k.Rune == 'r':
		v.reversed = !v.reversed
		v.arrange()
	case v.list.Key(k, len(v.groups)):
		if len(v.groups) > 0 {
			v.group = v.groups[v.list.Selected].key
		}
	case (k.Code == live.Enter || k.Code == live.Right) && len(v.groups) > 0:
		v.group = v.groups[v.list.Selected].key
		v.within, v.isWithin, v.follows = v.group, true, false
		v.arrange()
	}
}

// drawGroups draws the groups with their sums.
func (v *watchView) drawGroups(c *live.Canvas) {
	w, h := c.Size()
	sums := slices.DeleteFunc(slices.Clone(v.sums), func(s watchSum) bool { return s.text == nil })
	for len(sums) > 1 && w < watchGutter+15+8*len(sums) {
		sums = sums[:len(sums)-1]
	}
	name := max(min(w-watchGutter-8*len(sums), 40), 8)
	row := func(c *live.Canvas, style live.Style, first string, text func(i int) string) {
		c.Cell(watchGutter, 0, name, style, first)
		x := watchGutter + name
		for i, s := range sums {
			c.Right(x+8-s.width, 0, s.width, style, text(i))
			x += 8
		}
	}
	word := v.by.word()
	sorted := v.sums[v.groupSort]
	mark := sortMark(sorted.down != v.reversed, c.ASCII)
	word = strings.ToUpper(word[:1]) + word[1:]
	if sorted.title == "Name" {
		word += mark
	}
	row(c, live.Heading, word, func(i int) string {
		if s := sums[i]; s.title == sorted.title {
			return s.title[:min(len(s.title), s.width-1)] + mark
		}
		return sums[i].title
	})
	v.list.Draw(c.Part(0, 1, w, h-1), len(v.groups), func(i int, line *live.Canvas) {
		row(line, live.Plain, v.groups[i].name, func(n int) string { return sums[n].text(&v.groups[i]) })
	})
}

// rate is a sum, - where the kernel counts nothing of any of the sockets.
func (g *watchGroup) rate(n float64) string {
	if !g.counts {
		return "-"
	}
	return rateText(n)
}
