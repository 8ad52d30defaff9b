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

// of names the group of a socket; - where it is in none.
func (g watchGrouping) of(v *watchView, w *watched) string {
	switch g {
	case byProgram:
		if w.pid != 0 {
			return w.program
		}
	case byLocalPort:
		return v.portGroup(&w.sock, w.sock.Local.Port())
	case byForeignPort:
		return v.portGroup(&w.sock, w.sock.Remote.Port())
	case byState:
		if word := inetStateWord(&w.sock); word != "" {
			return word
		}
	}
	return "-"
}

// portGroup names a port with its protocol.
func (v *watchView) portGroup(s *procnet.InetSocket, port uint16) string {
	if port == 0 {
		return "-"
	}
	text := s.Proto.File(false) + " " + strconv.Itoa(int(port))
	if name := v.names.service(s.Proto, port); name != "" {
		text += " " + name
	}
	return text
}

// watchGroup is the sum of some sockets.
type watchGroup struct {
	name       string
	sockets    int
	counts     bool // of at least one the kernel counts octets
	in, out    float64
	recv, send uint64
}

// arrangeGroups adds the sockets up; what moves most comes first, then what has most sockets.
func (v *watchView) arrangeGroups() {
	index := make(map[string]int)
	v.groups = v.groups[:0]
	for i := range v.table.rows {
		w := &v.table.rows[i]
		if w.gone {
			continue
		}
		name := v.by.of(v, w)
		at, ok := index[name]
		if !ok {
			at = len(v.groups)
			index[name], v.groups = at, append(v.groups, watchGroup{name: name})
		}
		v.groups[at].add(w)
	}
	slices.SortFunc(v.groups, func(a, b watchGroup) int {
		n := cmp.Or(cmp.Compare(b.in+b.out, a.in+a.out), cmp.Compare(b.sockets, a.sockets), strings.Compare(a.name, b.name))
		if v.reversed {
			return -n
		}
		return n
	})
	v.list.Selected = max(min(v.list.Selected, len(v.groups)-1), 0)
	if i := slices.IndexFunc(v.groups, func(g watchGroup) bool { return g.name == v.group }); i >= 0 {
		v.list.Selected = i
	}
}

func (g *watchGroup) add(w *watched) {
	g.sockets++
	g.counts = g.counts || w.counts
	if w.sock.State != procnet.Listen || w.sock.Proto != procnet.TCP { // whose queues count connections
		g.recv, g.send = g.recv+uint64(w.sock.RxQueue), g.send+uint64(w.sock.TxQueue)
	}
	if w.rated {
		g.in, g.out = g.in+w.in, g.out+w.out
	}
}

// groupKey takes a key of the list of groups.
func (v *watchView) groupKey(k live.Key) {
	switch {
	case k.Rune == 'r':
		v.reversed = !v.reversed
		v.arrange()
	case v.list.Key(k, len(v.groups)):
		if len(v.groups) > 0 {
			v.group = v.groups[v.list.Selected].name
		}
	case (k.Code == live.Enter || k.Code == live.Right) && len(v.groups) > 0:
		v.group = v.groups[v.list.Selected].name
		v.within, v.isWithin, v.follows = v.group, true, false
		v.arrange()
	}
}

// drawGroups draws the groups with their sums.
func (v *watchView) drawGroups(c *live.Canvas) {
	w, h := c.Size()
	sums := []struct {
		title string
		width int
		text  func(*watchGroup) string
	}{
		{"Sockets", 7, func(g *watchGroup) string { return strconv.Itoa(g.sockets) }},
		{"In/s", 6, func(g *watchGroup) string { return g.rate(g.in) }},
		{"Out/s", 6, func(g *watchGroup) string { return g.rate(g.out) }},
		{"Recv-Q", 7, func(g *watchGroup) string { return strconv.FormatUint(g.recv, 10) }},
		{"Send-Q", 7, func(g *watchGroup) string { return strconv.FormatUint(g.send, 10) }},
	}
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
	row(c, live.Heading, strings.ToUpper(word[:1])+word[1:], func(i int) string { return sums[i].title })
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
