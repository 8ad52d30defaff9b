package live

// helpPage is the page of keys.
type helpPage struct {
	shown       bool
	top         int // the first line that is seen
	page, lines int // how many are seen, and how many there are
}

// own are the keys that every view has.
func own() []Binding {
	return []Binding{
		{Keys: "? F1", Does: "this page"},
		{Keys: "q Ctrl-C", Does: "quit"},
		{Keys: "Ctrl-L", Does: "draw the screen anew"},
		{Keys: "Ctrl-Z", Does: "suspend"},
	}
}

// key scrolls, and leaves at any other key.
func (h *helpPage) key(k Key) {
	l := List{Selected: h.top, page: h.page}
	if !l.Key(k, max(h.lines-h.page, 0)+1) {
		h.shown = false
	}
	h.top = l.Selected
}

// helpLine is a line of the page.
type helpLine struct {
	keys, does string
	style      Style // of the keys
}

// helpLines are the keys of the view, those that every view has, and the signs of its picture, in lines of that width; the words begin at
// column at.
func helpLines(bindings []Binding, width int) (lines []helpLine, at int) {
	var keys, signs []Binding
	for _, b := range bindings {
		if b.Sign {
			signs = append(signs, b)
		} else {
			keys = append(keys, b)
		}
	}
	keys = append(keys, own()...)
	for _, b := range append(keys, signs...) {
		at = max(at, Columns(b.Keys)+2)
	}
	at = min(at, max(width/3, 10))
	for i, b := range append(keys, signs...) {
		if i == len(keys) {
			lines = append(lines, helpLine{}, helpLine{"Signs", "", Heading})
		}
		names, words := Wrap(b.Keys, at-2), Wrap(b.Does, width-at)
		for n := range max(len(names), len(words)) {
			line := helpLine{style: Strong}
			if n < len(names) {
				line.keys = names[n]
			}
			if n < len(words) {
				line.does = words[n]
			}
			lines = append(lines, line)
		}
	}
	return lines, at
}

// draw draws the page.
func (h *helpPage) draw(c *Canvas, bindings []Binding) {
	w, height := c.Size()
	lines, at := helpLines(bindings, w)
	h.page, h.lines = max(height-2, 0), len(lines)
	h.top = max(min(h.top, h.lines-h.page), 0)
	c.Text(0, 0, Heading, "Keys")
	for y := range min(h.page, h.lines-h.top) {
		line := &lines[h.top+y]
		c.Cell(0, y+1, at-1, line.style, line.keys)
		c.Text(at, y+1, Plain, line.does)
	}
	foot := "any other key: back"
	if h.lines > h.page {
		foot = "Up Down more  other keys back"
	}
	c.Text(0, height-1, Faint, foot)
}
