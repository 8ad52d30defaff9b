package live

import (
	"slices"

	"github.com/gdamore/tcell/v2"
)

// picture is what is being drawn, and the one that the screen has. The screen gets what differs between them: whatever is put
// on a screen that was emptied is sent to the terminal, even what stands there already.
type picture struct {
	w, h           int
	cells, shown   []pictureCell
	cursor, before point // the second one as the screen has it
}

// pictureCell is a character of that many columns; 0 are those of a cell behind a wide one.
type pictureCell struct {
	text  string
	style Style
	width uint8
}

// point is a place on the screen; noCursor is outside of it.
type point struct{ x, y int }

func noCursor() point { return point{-1, -1} }

// forget takes the screen for one that has nothing: a terminal that was given away and taken back.
func (p *picture) forget() { p.shown = nil }

// begin empties the picture. The first screen is blank; on one of another size nothing of what was there before counts.
func (p *picture) begin(w, h int) {
	first := p.w == 0
	if w != p.w || h != p.h || p.shown == nil {
		p.w, p.h = w, h
		p.cells, p.shown = make([]pictureCell, w*h), make([]pictureCell, w*h)
		p.before = point{-2, -2}
	}
	if first {
		erase(p.shown)
	}
	erase(p.cells)
	p.cursor = noCursor()
}

// blank is a cell in which nothing stands.
func blank() pictureCell { return pictureCell{" ", Plain, 1} }

func erase(cells []pictureCell) {
	for i := range cells {
		cells[i] = blank()
	}
}

// put writes one character of that many columns, of which all are on the screen.
func (p *picture) put(x, y int, text string, width int, st Style) {
	i := y*p.w + x
	p.cells[i] = pictureCell{text, st, uint8(width)}
	for n := 1; n < width && x+n < p.w; n++ {
		p.cells[i+n] = pictureCell{"", st, 0}
	}
}

// at returns a cell.
func (p *picture) at(x, y int) pictureCell { return p.cells[y*p.w+x] }

// flush gives the screen the rows that have changed, and reports whether anything has. A row is sent whole, but for blanks at its end that
// were there: its words stay whole then where somebody reads what goes to the terminal, in a record of script(1) or a log.
func (p *picture) flush(screen tcell.Screen, t *theme) bool {
	changed := p.cursor != p.before
	for y := range p.h {
		row, shown := p.cells[y*p.w:(y+1)*p.w], p.shown[y*p.w:(y+1)*p.w]
		if slices.Equal(row, shown) {
			continue
		}
		changed = true
		for n := len(row); row[n-1] == blank() && shown[n-1] == blank(); n-- {
			row = row[:n-1]
		}
		for x, c := range row {
			screen.Put(x, y, " ", t.style[c.style])
			if c.width > 0 && c.text != " " {
				screen.Put(x, y, c.text, t.style[c.style]) // other than what stood there: it is sent
			}
		}
	}
	p.cells, p.shown = p.shown, p.cells
	screen.ShowCursor(p.cursor.x, p.cursor.y)
	p.before = p.cursor
	return changed
}
