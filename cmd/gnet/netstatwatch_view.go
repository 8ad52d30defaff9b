package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gnet/internal/live"
	"gnet/internal/safe"
	"gnet/procnet/filter"
)

// watchView is the picture of netstat --watch. It formats what is seen, and nothing else.
type watchView struct {
	o       *netstatOptions
	names   *netstatNames
	columns []watchColumn
	ask     func(watchRequest)
	compile func(text string) (*watchFilter, error)
	kill    func(*killTarget) killResult

	request watchRequest
	table   *watchTable // nil before the first reading
	owners  map[uint64]watchOwner
	problem string // of the last search for owners

	shown    []int32    // the rows that are shown
	order    watchOrder // of them
	list     live.List
	selected watched // the last socket that was, as it was then
	follows  bool    // the selection stays with its socket, and not at the top
	sort     int
	reversed bool
	needs    watchNeeds
	page     int // of the columns
	pages    int
	hidden   int // the columns that are on other pages

	by        watchGrouping
	sums      []watchSum
	groups    []watchGroup
	groupAt   map[watchGroupKey]int
	groupSort int
	group     watchGroupKey // the one that is selected
	within    watchGroupKey // the one that is opened
	isWithin  bool

	prompt   live.Prompt
	text     string // of the filter in force
	textKept string // and before the prompt was opened
	asking   *watched
	detail   *watchDetail
	message  string
	bad      bool // the message tells of a failure
}

func newWatchView(o *netstatOptions, ask func(watchRequest)) *watchView {
	v := &watchView{o: o, names: newNetstatNames(o, nil), columns: socketWatchColumns(), sums: groupWatchSums(), ask: ask, owners: make(map[uint64]watchOwner)}
	if o.filter != nil {
		v.text = joinFilters(o.Filters)
		v.request.filter = &watchFilter{text: v.text, rows: o.filter}
		ask(v.request)
	}
	return v
}

// joinFilters is one expression for what several --filter say together.
func joinFilters(texts []string) string {
	if len(texts) == 1 {
		return texts[0]
	}
	return "( " + strings.Join(texts, " ) and ( ") + " )"
}

// take takes a reading, unless it answers an older question. Of one that goes on, what is there already is shown.
func (v *watchView) take(table *watchTable) {
	if table.filter != v.request.filter {
		return
	}
	if table.err != nil && v.table != nil { // the last good one stays
		v.table.err = table.err
		return
	}
	old := v.table
	v.table = table
	if !table.partial {
		v.needs.read()
	}
	if v.detail != nil && !table.partial {
		v.detail.take(v, table)
	}
	v.forget()
	v.arrange()
	if old != nil {
		old.release(table)
	}
}

// learn takes what is known of processes.
func (v *watchView) learn(owners map[uint64]watchOwner, err error) {
	v.problem = ""
	if err != nil {
		v.problem = err.Error()
	}
	for inode, owner := range owners {
		v.owners[inode] = owner
	}
	v.arrange()
}

// owner is the process that holds a socket, as far as it is known.
func (v *watchView) owner(w *watched) watchOwner {
	if w.owner >= 0 {
		return v.table.owners[w.owner]
	}
	return v.owners[w.inode]
}

// forget lets go of the processes of sockets that are no more, once they are many.
func (v *watchView) forget() {
	if v.table.partial || len(v.owners) <= 2*len(v.table.rows)+1000 {
		return
	}
	kept := make(map[uint64]watchOwner, len(v.table.rows))
	keep := func(w *watched) {
		if owner, known := v.owners[w.inode]; known {
			kept[w.inode] = owner
		}
	}
	for i := range v.table.rows {
		keep(&v.table.rows[i])
	}
	if v.detail != nil {
		keep(&v.detail.row)
	}
	v.owners = kept
}

// find returns the place of the row of the same socket, -1 where there is none.
func (t *watchTable) find(w *watched) int {
	for i := range t.rows {
		if t.rows[i].is(w) {
			return i
		}
	}
	return -1
}

// arrange chooses what is shown, and its order; the selection stays with its socket.
func (v *watchView) arrange() {
	if v.table == nil {
		return
	}
	if v.by != notGrouped && !v.isWithin {
		v.arrangeGroups()
		return
	}
	v.shown = v.shown[:0]
	for i := range v.table.rows {
		if !v.isWithin || v.by.of(v, &v.table.rows[i]) == v.within {
			v.shown = append(v.shown, int32(i))
		}
	}
	v.order.begin(v.shown, v.before())
	if !v.follows {
		v.list.Selected = 0
		return
	}
	v.list.Selected = max(min(v.list.Selected, len(v.shown)-1), 0)
	i := v.table.find(&v.selected)
	if i < 0 && v.table.partial {
		return // it may come yet
	}
	if i >= 0 && (!v.isWithin || v.by.of(v, &v.table.rows[i]) == v.within) {
		v.list.Selected = v.order.rank(int32(i))
	}
	v.remember()
}

// before returns the order of the rows by the column that was chosen; equal ones stand as the kernel has them.
func (v *watchView) before() func(a, b int32) bool {
	rows, less, down := v.table.rows, v.columns[v.sort].less, v.columns[v.sort].down != v.reversed
	return func(a, b int32) bool {
		n := less(v, &rows[a], &rows[b])
		if down {
			n = -n
		}
		return n < 0 || n == 0 && a < b
	}
}

// remember notes the socket that is selected. At the top it is none: whatever comes first stays selected.
func (v *watchView) remember() {
	v.follows = v.list.Selected > 0
	if w := v.current(); w != nil {
		v.selected = *w
	}
}

// current is the socket that is selected, nil without one.
func (v *watchView) current() *watched {
	if v.table == nil || v.by != notGrouped && !v.isWithin || v.list.Selected >= len(v.shown) {
		return nil
	}
	return &v.table.rows[v.order.at(v.list.Selected)]
}

// Typing implements live.View. The answer to a question is typed too.
func (v *watchView) Typing() bool { return v.prompt.IsOpen() || v.asking != nil }

// Help implements live.View.
func (v *watchView) Help() []live.Binding {
	return []live.Binding{
		{Keys: "Up Down j k", Does: "move"},
		{Keys: "PgUp PgDn", Does: "move by a screen"},
		{Keys: "Home End g G", Does: "to the first, to the last"},
		{Keys: "< >", Does: "sort by the column to the left, to the right"},
		{Keys: "r", Does: "reverse the order"},
		{Keys: "/", Does: "filter as you type, in the language of --filter"},
		{Keys: "b", Does: "group by program, local port, foreign port, state"},
		{Keys: "Enter", Does: "details of the socket; the sockets of the group"},
		{Keys: "Esc", Does: "back"},
		{Keys: "Right Left", Does: "the columns that have no room, and those before; + in the first row tells how many"},
		{Keys: "Space", Does: "pause"},
		{Keys: "y", Does: "copy the line to the terminal's clipboard"},
		{Keys: "K", Does: "end the socket, after a question"},
		{Keys: "+ -", Does: "marks of sockets that are new, and gone, for 5 seconds", Sign: true},
		{Keys: "In/s Out/s", Does: "octets received, and known to be received by the other end", Sign: true},
		{Keys: "-", Does: "in a column: the kernel has no such figure of this socket", Sign: true},
	}
}

// Key implements live.View.
func (v *watchView) Key(l *live.Loop, k live.Key) {
	v.message, v.bad = "", false
	switch {
	case v.asking != nil:
		v.answer(l, k)
	case v.prompt.IsOpen():
		v.typed(k)
	case v.detail != nil:
		v.detailKey(l, k)
	case k.Rune == '/':
		v.textKept = v.text
		v.prompt.Open("filter: ", v.text)
	case k.Rune == ' ':
		v.pause()
	default:
		v.listKey(l, k)
	}
}

// listKey takes a key of the list.
func (v *watchView) listKey(l *live.Loop, k live.Key) {
	switch {
	case k.Rune == 'b':
		v.by = (v.by + 1) % groupings
		v.isWithin, v.follows, v.list.Selected = false, false, 0
		v.arrange()
	case k.Code == live.Left && v.pages > 1 && v.page > 0:
		v.page--
	case k.Code == live.Escape || k.Code == live.Left || k.Code == live.Backspace:
		if v.isWithin {
			v.isWithin = false
			v.arrange()
		}
	case v.by != notGrouped && !v.isWithin:
		v.groupKey(k)
	case k.Rune == '<' || k.Rune == '>':
		v.sort, v.reversed, v.page = around(v.sort, k.Rune == '>', len(v.columns)), false, 0
		v.arrange()
	case k.Rune == 'r':
		v.reversed = !v.reversed
		v.arrange()
	case k.Code == live.Right:
		v.page = max(min(v.page+1, v.pages-1), 0)
	case v.list.Key(k, len(v.shown)):
		v.remember()
	default:
		v.socketKey(l, k)
	}
}

// around is the place to the right of one of n, or to the left; behind the last comes the first.
func around(place int, right bool, n int) int {
	if right {
		return (place + 1) % n
	}
	return (place + n - 1) % n
}

// socketKey takes a key that is about the selected socket.
func (v *watchView) socketKey(l *live.Loop, k live.Key) {
	w := v.current()
	switch {
	case w == nil:
	case k.Code == live.Enter:
		v.openDetail(w)
	case k.Rune == 'y':
		v.copy(l, w)
	case k.Rune == 'K':
		v.askKill(w)
	}
}

// copy copies the line of a socket.
func (v *watchView) copy(l *live.Loop, w *watched) {
	v.message = "copied"
	if !l.Copy(v.line(w)) {
		v.message, v.bad = noClipboard, true
	}
}

// line is a socket as text of one line, which nothing that it holds can make more.
func (v *watchView) line(w *watched) string {
	var words []string
	for _, c := range v.columns {
		if c.rank > 0 {
			if text := safe.String(c.text(v, w)); text != "" {
				words = append(words, text)
			}
		}
	}
	return strings.Join(words, " ")
}

// pause stops the readings, or lets them go on.
func (v *watchView) pause() {
	v.request.paused = !v.request.paused
	v.ask(v.request)
}

// typed takes a key of the filter's prompt. What is good is in force at once; a mistake is shown, and the last good one stays in force.
func (v *watchView) typed(k live.Key) {
	switch {
	case k.Code == live.Enter:
		v.prompt.Close()
		return
	case k.Code == live.Escape:
		v.prompt.Close()
		v.setFilter(v.textKept)
		return
	case !v.prompt.Key(k):
		return
	}
	v.prompt.Error = ""
	if err := v.setFilter(v.prompt.Text()); err != nil {
		v.prompt.Error = err.Error()
		if bad := (*filter.SyntaxError)(nil); errors.As(err, &bad) {
			v.prompt.Error = bad.Msg
		}
	}
}

// setFilter has the sockets read that text describes.
func (v *watchView) setFilter(text string) error {
	if text == v.text {
		return nil
	}
	f, err := v.compile(text)
	if err != nil {
		return err
	}
	v.text, v.request.filter = text, f
	v.ask(v.request)
	return nil
}

// Draw implements live.View.
func (v *watchView) Draw(c *live.Canvas) {
	w, h := c.Size()
	foot := 1
	if v.asking != nil { // whole, or nobody knows what is asked
		foot = len(live.Wrap(v.question(), w))
	}
	body := c.Part(0, 1, w, max(h-1-foot, 0))
	v.pages, v.hidden = 0, 0
	switch {
	case v.detail != nil:
		v.drawDetail(body)
	case v.by != notGrouped && !v.isWithin:
		v.drawGroups(body)
	default:
		v.drawSockets(body)
	}
	v.drawTitle(c)
	v.drawFoot(c, h-1)
}

// drawTitle draws what is shown, and how.
func (v *watchView) drawTitle(c *live.Canvas) {
	w, _ := c.Size()
	title := "sockets"
	if v.table != nil {
		if title = countSockets(v.table.live); v.table.partial {
			title += " so far"
		}
	}
	x := c.Text(0, 0, live.Strong, title)
	rest := ", by " + v.columns[v.sort].title
	if v.by != notGrouped {
		rest = ", by " + v.by.word()
		if v.isWithin {
			rest += " " + v.groupName(v.within)
		}
	}
	if v.reversed {
		rest += " reversed"
	}
	if v.text != "" && !v.prompt.IsOpen() {
		rest += ", filter: " + v.text
	}
	state := fmt.Sprintf("every %v", v.o.Watch)
	if v.request.paused {
		state = "PAUSED"
	}
	if v.hidden > 0 {
		more := fmt.Sprintf("+%d columns", v.hidden)
		if live.Columns(rest)+live.Columns(more)+live.Columns(state)+4 > w-x {
			more = fmt.Sprintf("+%d", v.hidden)
		}
		state = more + "  " + state
	}
	c.Cell(x, 0, max(w-x-live.Columns(state)-2, 0), live.Plain, rest)
	if w-x > live.Columns(state)+1 {
		c.Right(0, 0, w, live.Faint, state)
	}
}

// drawSockets draws the table.
func (v *watchView) drawSockets(c *live.Canvas) {
	w, h := c.Size()
	from, to := v.list.Seen(len(v.shown), max(h-1, 0))
	v.measure(from, to, w, h)
	columns := v.placeColumns(w)
	for _, p := range columns {
		drawCell(c, p, live.Heading, p.title)
		if p.number == v.sort { // in the gap beside it, which a title leaves free
			x := p.x + len(p.title)
			if p.right {
				x = p.x + p.width - len(p.title) - 1
			}
			c.Text(x, 0, live.Strong, sortMark(p.down != v.reversed, c.ASCII))
		}
	}
	v.list.Draw(c.Part(0, 1, w, h-1), len(v.shown), func(i int, row *live.Canvas) {
		s := &v.table.rows[v.order.at(i)]
		style := live.Plain
		switch {
		case s.fresh:
			style = live.Fresh
			row.Text(0, 0, style, "+")
		case s.gone:
			style = live.Gone
			row.Text(0, 0, style, "-")
		}
		for _, p := range columns {
			text := v.needs.texts[(i-from)*len(v.columns)+p.number]
			if p.end {
				text = cutEndpoint(text, p.width, c.ASCII)
			}
			drawCell(row, p, style, text)
		}
	})
}

// placeColumns returns the columns of the page that is shown, with their places, and notes how many are on others.
func (v *watchView) placeColumns(w int) []placed {
	places := watchPlaces{columns: v.columns, need: v.needs.of, sorted: v.sort, width: w}
	pages := places.pages()
	v.pages = len(pages)
	v.page = max(min(v.page, v.pages-1), 0)
	for i, c := range v.columns {
		if c.rank > 0 && !pages[v.page][i] {
			v.hidden++
		}
	}
	return places.place(pages[v.page])
}

// drawCell writes a column of a row.
func drawCell(c *live.Canvas, p placed, style live.Style, text string) {
	if p.right && live.Columns(text) <= p.width {
		c.Right(p.x, 0, p.width, style, text)
		return
	}
	c.Cell(p.x, 0, p.width, style, text)
}

// sortMark tells the column that the rows are sorted by.
func sortMark(down, ascii bool) string {
	switch {
	case ascii && down:
		return "v"
	case ascii:
		return "^"
	case down:
		return "▾"
	}
	return "▴"
}

// drawFoot draws the last row: what is typed or asked, what has happened, what is not known, else some keys.
func (v *watchView) drawFoot(c *live.Canvas, y int) {
	switch {
	case v.prompt.IsOpen():
		v.prompt.Draw(c, y)
	case v.asking != nil:
		w, _ := c.Size()
		lines := live.Wrap(v.question(), w)
		for i, line := range lines {
			c.Text(0, y-len(lines)+1+i, live.Warn, line)
		}
	case v.message != "" && v.bad:
		c.Text(0, y, live.Bad, v.message)
	case v.message != "":
		c.Text(0, y, live.Good, v.message)
	case v.table == nil:
		c.Text(0, y, live.Faint, "reading")
	case v.table.err != nil:
		c.Text(0, y, live.Bad, v.table.err.Error())
	case v.table.partial:
		c.Text(0, y, live.Faint, fmt.Sprintf("reading: %s so far, sorted among themselves; ? keys", countSockets(v.table.live)))
	case len(v.table.notes) > 0:
		c.Text(0, y, live.Warn, v.table.notes[len(v.table.notes)-1])
	case v.table.unmarked > 0:
		c.Text(0, y, live.Faint, fmt.Sprintf("%d more went in the last %v, and are not marked", v.table.unmarked, watchMark))
	case v.problem != "":
		c.Text(0, y, live.Warn, v.problem)
	case v.table.took > v.o.Watch/2 && v.table.took > 100*time.Millisecond:
		c.Text(0, y, live.Faint, fmt.Sprintf("a reading takes %v; ? keys", v.table.took.Round(10*time.Millisecond)))
	default:
		words := []string{"? keys", "q quit", "/ filter", "b group", "Enter details", "K end", "Space pause"}
		if v.pages > 1 {
			key := "Right"
			if v.page == v.pages-1 {
				key = "Left"
			}
			words = slices.Insert(words, 2, key+" columns")
		}
		c.Words(y, live.Faint, words...)
	}
}
