package live

// List is the part of a long list that is shown, and the row that is selected. Rows count from 0. Drawing costs what is shown,
// not what there is.
type List struct {
	Selected int
	top      int
	page     int // rows that were shown last
}

// Key moves the selection among n rows, and reports whether k is such a key: the arrows, PgUp, PgDn, Home, End, and j, k, g, G.
func (l *List) Key(k Key, n int) bool {
	page := max(l.page-1, 1)
	switch {
	case k.Code == Up || k.Rune == 'k':
		l.Selected--
	case k.Code == Down || k.Rune == 'j':
		l.Selected++
	case k.Code == PageUp:
		l.Selected -= page
	case k.Code == PageDown:
		l.Selected += page
	case k.Code == Home || k.Rune == 'g':
		l.Selected = 0
	case k.Code == End || k.Rune == 'G':
		l.Selected = n - 1
	default:
		return false
	}
	l.clamp(n)
	return true
}

func (l *List) clamp(n int) { l.Selected = max(min(l.Selected, n-1), 0) }

// Seen returns which of n rows are seen where there is room for h: those from from up to to. Draw shows the same ones.
func (l *List) Seen(n, h int) (from, to int) {
	l.page = h
	l.clamp(n)
	if h > 0 {
		l.top = max(min(l.top, l.Selected, n-h), l.Selected-h+1, 0)
	}
	return l.top, min(l.top+h, n)
}

// Draw calls row for each of the n rows that is seen, with a canvas of one row, and marks the selected one.
func (l *List) Draw(c *Canvas, n int, row func(i int, c *Canvas)) {
	w, h := c.Size()
	from, to := l.Seen(n, h)
	for i := from; i < to; i++ {
		line := c.Part(0, i-from, w, 1)
		row(i, line)
		if i == l.Selected {
			line.Fill(0, Selected)
		}
	}
}
