package view

import (
	"cmp"
	"strings"

	"gnet/stackprobe/event"
)

// Left counts what the pictures of some connections leave out. Whoever leaves it out counts until the view is closed.
type Left struct {
	// Conns are the connections that are left out, Segments those that left on them.
	Conns, Segments int
}

// text says what is left out, "" for nothing.
func (l *Left) text() string {
	if l == nil || cmp.Or(l.Conns, l.Segments) == 0 {
		return ""
	}
	return counted(l.Conns, "connection") + " with " + counted(l.Segments, "segment")
}

// chosenText says which connections are shown, "" for all.
func chosenText(r *event.Run) string {
	if r == nil || r.Conns == "" {
		return ""
	}
	noun := "connection "
	if strings.ContainsAny(r.Conns, ",-") {
		noun = "connections "
	}
	return noun + r.Conns + " of the run"
}

// shown says which connections are shown, nothing if it is all of them.
func (p *page) shown(r *event.Run) {
	if text := chosenText(r); text != "" {
		p.text("shown   ", p.clean(text), strong)
	}
}

// leftOut says what the picture leaves out.
func (p *page) leftOut() {
	if text := p.opts.Left.text(); text != "" {
		p.text("left    ", text+" left out", faint)
	}
}
