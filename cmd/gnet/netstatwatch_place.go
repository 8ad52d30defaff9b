package main

import "gnet/internal/live"

// watchNeeds is how wide each column must be for what is on the screen, and was of late. It grows at once, and shrinks only when so much
// has not been needed for some readings, so that columns do not jump at each of them.
type watchNeeds struct {
	now, before []int // of the readings that are counted, and of those before them; behind all columns what those need that have enough in ample
	readings    int
	w, h        int      // the size of the screen that it is for
	texts       []string // of the rows that are seen, a column after the other
}

// needsReadings is after how many readings a width is forgotten that was not needed; it may take twice as many.
const needsReadings = 10

// read counts a reading.
func (n *watchNeeds) read() {
	if n.readings++; n.readings%needsReadings == 0 {
		n.now, n.before = n.before, n.now
		clear(n.now)
	}
}

// of is what column i needs, and what it needs for the texts that its ample width is enough for: for the others there may never be enough.
func (n *watchNeeds) of(i int) (whole, ample int) {
	j := i + len(n.now)/2
	return max(n.now[i], n.before[i]), max(n.now[j], n.before[j])
}

// measure makes the texts of the rows from from up to to, and looks how wide they are. A screen of another size begins anew.
func (v *watchView) measure(from, to, w, h int) {
	n := &v.needs
	if n.w != w || n.h != h || n.now == nil {
		*n = watchNeeds{now: make([]int, 2*len(v.columns)), before: make([]int, 2*len(v.columns)), w: w, h: h, texts: n.texts}
	}
	n.texts = n.texts[:0]
	for i := from; i < to; i++ {
		row := &v.table.rows[v.order.at(i)]
		for at, c := range v.columns {
			text := ""
			if c.rank > 0 {
				text = c.text(v, row)
				wide := live.Columns(text)
				n.now[at] = max(n.now[at], wide)
				if wide <= c.ample {
					n.now[at+len(v.columns)] = max(n.now[at+len(v.columns)], wide)
				}
			}
			n.texts = append(n.texts, text)
		}
	}
}

// placed is a column with its place on the screen.
type placed struct {
	watchColumn
	number, x, width int
}

// watchGutter is the column of marks with a blank.
const watchGutter = 2

// watchPlaces gives columns their places on a screen.
type watchPlaces struct {
	columns []watchColumn
	need    func(column int) (whole, ample int) // of watchNeeds
	sorted  int
	width   int
}

// pages parts the columns among pages, of which the first has those that come first by rank. The column that is sorted by and the ends of the
// socket are on each page where they leave room for others. There is one page at least.
func (p *watchPlaces) pages() (pages [][]bool) {
	seen := make([]bool, len(p.columns))
	for {
		chosen, any := p.choose(seen)
		if !any {
			break
		}
		pages = append(pages, chosen)
		for i := range chosen {
			seen[i] = seen[i] || chosen[i]
		}
	}
	if pages == nil {
		return [][]bool{seen}
	}
	return pages
}

// choose chooses the columns of the page that comes behind those with the columns seen, and reports whether there is anything new on it.
func (p *watchPlaces) choose(seen []bool) (chosen []bool, any bool) {
	for _, try := range []struct {
		tight     bool // nothing has more than the least
		kept      int  // the last rank of the columns that are on each page
		keepsSort bool
	}{{false, 2, true}, {true, 2, true}, {true, 1, true}, {true, 0, true}, {true, 0, false}} {
		chosen = make([]bool, len(p.columns))
		add := func(i, rank int) bool {
			chosen[i] = true
			chosen[i] = p.used(chosen, rank, try.tight) <= p.width
			return chosen[i]
		}
		if p.columns[p.sorted].rank > 0 && (try.keepsSort || !seen[p.sorted]) {
			any = add(p.sorted, 0) && !seen[p.sorted]
		}
		for rank := 1; rank <= len(p.columns); rank++ {
			for i, c := range p.columns {
				if c.rank == rank && !chosen[i] && (!seen[i] || rank <= try.kept) && add(i, rank) && !seen[i] {
					any = true
				}
			}
		}
		if any {
			return chosen, true
		}
	}
	return nil, false
}

// used is the width that the chosen columns take before one of a higher rank comes.
func (p *watchPlaces) used(chosen []bool, rank int, tight bool) int {
	n := watchGutter - 1
	for i := range p.columns {
		if chosen[i] {
			n += 1 + p.least(i)
			if c := &p.columns[i]; !tight && rank > c.enough {
				n += max(p.ample(i)-p.least(i), 0)
			}
		}
	}
	return n
}

// least is the width without which column i is not shown. Of numbers no digit is missing.
func (p *watchPlaces) least(i int) int {
	c := &p.columns[i]
	if c.right {
		return max(c.width, p.whole(i))
	}
	return c.width
}

// whole is the width in which column i shows all that is on the screen, as far as it may have that.
func (p *watchPlaces) whole(i int) int {
	whole, _ := p.need(i)
	return min(whole, p.columns[i].most)
}

// ample is what column i has before lesser ones come: an end what it needs, and Program, by whose names nothing else is moved, always the same.
func (p *watchPlaces) ample(i int) int {
	c := &p.columns[i]
	if c.end {
		_, ample := p.need(i)
		return ample
	}
	return c.ample
}

// place gives the chosen columns their widths and places. What is left is shared: first all have what is ample, then the ends what they need,
// then the others.
func (p *watchPlaces) place(chosen []bool) (out []placed) {
	for i, c := range p.columns {
		if chosen[i] {
			out = append(out, placed{c, i, 0, p.least(i)})
		}
	}
	left := p.width - p.used(chosen, 0, true)
	whole := func(c *placed) int { return p.whole(c.number) }
	left = grow(out, left, func(c *placed) int {
		if c.end {
			return p.ample(c.number)
		}
		return 0
	})
	left = grow(out, left, func(c *placed) int { return p.ample(c.number) })
	left = grow(out, left, func(c *placed) int {
		if c.end {
			return whole(c)
		}
		return 0
	})
	grow(out, left, whole)
	x := watchGutter
	for i := range out {
		out[i].x = x
		x += out[i].width + 1
	}
	return out
}

// grow widens columns by turns up to what each is to have, and returns what is left.
func grow(out []placed, left int, to func(*placed) int) int {
	for grown := true; grown && left > 0; {
		grown = false
		for i := range out {
			if left > 0 && out[i].width < to(&out[i]) {
				out[i].width++
				left--
				grown = true
			}
		}
	}
	return left
}
