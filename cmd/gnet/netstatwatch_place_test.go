package main

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/live"
)

// needing is a layout of the sockets' columns, all of which need that much.
func needing(width, sorted int, need func(i int) int) *watchPlaces {
	columns := socketWatchColumns()
	return &watchPlaces{columns: columns, sorted: sorted, width: width, need: func(i int) (int, int) { return need(i), min(need(i), columns[i].ample) }}
}

// TestWatchPlaces: whatever the size, the needs and the order, each column that fits is on a page, none goes beyond the screen or into another,
// and none is wider than what it needs or is the least.
func TestWatchPlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for width := 1; width < 260; width++ {
		for sorted := range socketWatchColumns() {
			needs := make([]int, len(socketWatchColumns()))
			for i := range needs {
				needs[i] = r.IntN(60)
			}
			p := needing(width, sorted, func(i int) int { return needs[i] })
			seen := make([]bool, len(p.columns))
			for n, page := range p.pages() {
				x, fresh := watchGutter, 0
				for _, c := range p.place(page) {
					if c.x != x || c.width < c.watchColumn.width || c.width > max(c.watchColumn.width, needs[c.number], c.ample) {
						t.Fatalf("%d columns, sorted by %d, needs %v, page %d: %s at %d, not %d, width %d", width, sorted, needs, n, c.title, c.x, x, c.width)
					}
					if x += c.width + 1; x-1 > width {
						t.Fatalf("%d columns, sorted by %d, needs %v, page %d: %s ends at %d", width, sorted, needs, n, c.title, x-1)
					}
					if !seen[c.number] {
						fresh++
					}
					seen[c.number] = true
				}
				if fresh == 0 && n > 0 {
					t.Fatalf("%d columns, sorted by %d: nothing new on page %d", width, sorted, n)
				}
			}
			for i, c := range p.columns {
				if c.rank > 0 && !seen[i] && watchGutter+p.least(i) <= width {
					t.Fatalf("%d columns, sorted by %d, needs %v: %s is on no page", width, sorted, needs, c.title)
				}
			}
		}
	}
}

// TestWatchPlaces_room: the ends of IPv4 are whole on the usual screen, and no column is wider than it needs on a large one.
func TestWatchPlaces_room(t *testing.T) {
	needs := map[string]int{"Local": 21, "Foreign": 20, "Program": 30, "Recv-Q": 7}
	for _, c := range []struct {
		width int
		want  string
	}{
		{80, "Local 21 Foreign 20 State 11 In/s 5 Out/s 5 Program 11 "},
		{200, "Proto 5 Recv-Q 7 Send-Q 6 Local 21 Foreign 20 State 11 In/s 5 Out/s 5 RTT ms 7 Retr 5 Cwnd 5 User 8 Program 30 "},
		{30, "Local 14 Foreign 13 "},
	} {
		p := needing(c.width, 0, func(i int) int { return needs[socketWatchColumns()[i].title] })
		got := ""
		for _, c := range p.place(p.pages()[0]) {
			got += fmt.Sprintf("%s %d ", c.title, c.width)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%d (-want +got)\n%s", c.width, diff)
		}
	}
}

// TestWatchNeeds: a column has more room at once, and gives it back after 10 to 20 readings, or when the size of the screen changes.
func TestWatchNeeds(t *testing.T) {
	source := fixedSockets()
	source.sockets = source.sockets[2:3]
	x := newWatchTest(t, source, 200, 24, live.Options{})
	local := func() int {
		for _, p := range x.view.placeColumns(200) {
			if p.title == "Local" {
				return p.width
			}
		}
		return 0
	}
	got := []int{local()}
	short := source.sockets
	source.sockets = fixedSockets().sockets[2:5]
	x.later(watchMark)
	got = append(got, local())
	source.sockets = short
	for range 8 {
		x.later(watchMark)
	}
	got = append(got, local())
	for range 10 {
		x.later(watchMark)
	}
	got = append(got, local())
	source.sockets = fixedSockets().sockets[2:5]
	x.later(watchMark)
	source.sockets = short
	x.later(watchMark)
	x.later(watchMark)
	got = append(got, local())
	x.Resize(200, 25)
	got = append(got, local())
	if diff := cmp.Diff([]int{14, 45, 45, 14, 45, 14}, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}
