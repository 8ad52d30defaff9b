package chart

// Dots is a picture of dots in the cells of a terminal: 2 by 4 in each cell in braille, or one in ASCII. Each cell has one ink, that of
// its last dot; what an ink looks like is its user's business.
type Dots struct {
	w, h int // in cells
	bits []byte
	inks []uint8
	one  bool // a dot in each cell
}

// braille returns the bit of a dot of a cell, by column and row (Unicode, block U+2800).
func braille(x, y int) byte {
	if y == 3 {
		return 0x40 << x
	}
	return 1 << (3*x + y)
}

// NewDots returns an empty picture of so many cells.
func NewDots(w, h int, ascii bool) *Dots {
	w, h = max(w, 0), max(h, 0)
	return &Dots{w: w, h: h, bits: make([]byte, w*h), inks: make([]uint8, w*h), one: ascii}
}

// PerCell returns how many dots a cell has across and down.
func (d *Dots) PerCell() (across, down int) {
	if d.one {
		return 1, 1
	}
	return 2, 4
}

// Size returns the dots across and down.
func (d *Dots) Size() (w, h int) {
	across, down := d.PerCell()
	return d.w * across, d.h * down
}

// Set draws the dot at x, y, counted from the upper left; outside it draws nothing. In ASCII the sign stands for it.
func (d *Dots) Set(x, y int, ink uint8, sign byte) {
	across, down := d.PerCell()
	if x < 0 || y < 0 || x >= d.w*across || y >= d.h*down {
		return
	}
	i := y/down*d.w + x/across
	if d.one {
		d.bits[i] = sign
	} else {
		d.bits[i] |= braille(x%2, y%4)
	}
	d.inks[i] = ink
}

// Upright draws the dots of column x from y0 to y1, whichever is higher.
func (d *Dots) Upright(x, y0, y1 int, ink uint8, sign byte) {
	_, h := d.Size()
	for y := max(min(y0, y1), 0); y <= min(max(y0, y1), h-1); y++ {
		d.Set(x, y, ink, sign)
	}
}

// Cell returns the character of a cell, a blank without dots or outside, and its ink.
func (d *Dots) Cell(x, y int) (r rune, ink uint8) {
	if x < 0 || y < 0 || x >= d.w || y >= d.h {
		return ' ', 0
	}
	i := y*d.w + x
	switch {
	case d.bits[i] == 0:
		return ' ', d.inks[i]
	case d.one:
		return rune(d.bits[i]), d.inks[i]
	}
	return 0x2800 + rune(d.bits[i]), d.inks[i]
}
