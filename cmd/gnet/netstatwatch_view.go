package main

import (
	"strings"

	"gnet/internal/live"
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
