package live

// helpPage is the page of keys.
type helpPage struct {
	shown bool
	list  List
	n     int // lines
}

// own are the keys that every view has.
func own() []Binding {
	return []Binding{
		{"? F1", "this page"},
		{"q Ctrl-C", "quit"},
		{"Ctrl-L", "draw the screen anew"},
		{"Ctrl-Z", "suspend"},
	}
}

// key scrolls, and leaves at any other key.
func (h *helpPage) key(k Key) {
	if !h.list.Key(k, h.n) {
		h.shown = false
	}
}

// draw draws the keys of the view and those that every view has.
func (h *helpPage) draw(c *Canvas, bindings []Binding) {
	all := append(append([]Binding{}, bindings...), own()...)
	h.n = len(all)
	width := 0
	for _, b := range all {
		width = max(width, Columns(b.Keys))
	}
	w, height := c.Size()
	c.Text(0, 0, Strong, "Keys")
	h.list.Draw(c.Part(0, 1, w, height-2), len(all), func(i int, row *Canvas) {
		row.Text(0, 0, Strong, all[i].Keys)
		row.Text(width+2, 0, Plain, all[i].Does)
	})
	c.Text(0, height-1, Faint, "any other key: back")
}
