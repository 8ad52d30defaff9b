package main

import "slices"

// watchOrder sorts as much of a long list as is looked at. The rest is in its place only as far as what was looked at needed it: the first
// screen of a hundred thousand rows costs a few looks at each of them, and the next screens next to nothing.
type watchOrder struct {
	rows  []int32
	parts []watchPart
	// before is the order, in which no two rows are equal.
	before func(a, b int32) bool
}

// watchPart is a run of rows that belong before those of the next one; it begins where the one before it ends.
type watchPart struct {
	end    int
	sorted bool
}

// begin takes rows to be sorted.
func (o *watchOrder) begin(rows []int32, before func(a, b int32) bool) {
	o.rows, o.before = rows, before
	o.parts = append(o.parts[:0], watchPart{end: len(rows)})
}

// watchPartLeast is where dividing costs more than sorting.
const watchPartLeast = 48

// at returns the row at place i. It sorts as many rows around as a screen has.
func (o *watchOrder) at(i int) int32 {
	o.sort(i, min(i+1, len(o.rows)))
	return o.rows[i]
}

// sort brings the rows of the places from up to to into their order.
func (o *watchOrder) sort(from, to int) {
	begin := 0
	for i := 0; i < len(o.parts) && begin < to; {
		part := &o.parts[i]
		switch {
		case part.end <= from || part.sorted:
		case part.end-begin <= watchPartLeast || from <= begin && part.end <= to:
			slices.SortFunc(o.rows[begin:part.end], o.compare)
			part.sorted = true
			i = o.join(i)
		default:
			o.parts = slices.Insert(o.parts, i, watchPart{end: o.divide(begin, part.end)})
			continue
		}
		begin = o.parts[i].end
		i++
	}
}

// join makes one part of part i and the sorted ones beside it, and returns its place.
func (o *watchOrder) join(i int) int {
	if i+1 < len(o.parts) && o.parts[i+1].sorted {
		o.parts = slices.Delete(o.parts, i, i+1)
	}
	if i > 0 && o.parts[i-1].sorted {
		o.parts = slices.Delete(o.parts, i-1, i)
		return i - 1
	}
	return i
}

func (o *watchOrder) compare(a, b int32) int {
	switch {
	case a == b:
		return 0
	case o.before(a, b):
		return -1
	}
	return 1
}

// divide puts rows that come before others to the left of them and returns where the others begin; neither side is empty. The row that
// they are compared with is the middle one of three.
func (o *watchOrder) divide(begin, end int) int {
	rows := o.rows[begin:end]
	last := len(rows) - 1
	m := len(rows) / 2
	if o.before(rows[m], rows[0]) {
		rows[m], rows[0] = rows[0], rows[m]
	}
	if o.before(rows[last], rows[m]) {
		rows[last], rows[m] = rows[m], rows[last]
		if o.before(rows[m], rows[0]) {
			rows[m], rows[0] = rows[0], rows[m]
		}
	}
	middle := rows[m]
	left, right := 0, last // both are where they belong
	for {
		for left++; o.before(rows[left], middle); left++ {
		}
		for right--; o.before(middle, rows[right]); right-- {
		}
		if left >= right {
			return begin + left
		}
		rows[left], rows[right] = rows[right], rows[left]
	}
}

// rank returns the place that row has in the order.
func (o *watchOrder) rank(row int32) (place int) {
	for _, other := range o.rows {
		if o.before(other, row) {
			place++
		}
	}
	return place
}
