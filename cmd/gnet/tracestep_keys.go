package main

import (
	"slices"
	"strconv"

	"gnet/internal/live"
	"gnet/stackprobe/event"
)

// The labels of the prompts, which tell them apart.
const (
	askSearch = "search: "
	askEvent  = "event: "
	askConn   = "connection (0 all): "
)

// Help implements live.View.
func (v *stepView) Help() []live.Binding {
	return []live.Binding{
		{Keys: "j Down Right Space", Does: "next event"},
		{Keys: "k Up Left", Does: "event before"},
		{Keys: "PgDn PgUp", Does: "as many events as the ladder has rows"},
		{Keys: "Home g", Does: "first event"},
		{Keys: "End G", Does: "last event; follow what comes"},
		{Keys: "l L", Does: "next loss, loss before"},
		{Keys: "r R", Does: "next retransmission, the one before"},
		{Keys: "s S", Does: "next change of state, the one before"},
		{Keys: "t T", Does: "next timer that expires, the one before"},
		{Keys: "x X", Does: "next event that an expectation found, the one before"},
		{Keys: "/ n N", Does: "search in what happens, next, the one before"},
		{Keys: ":", Does: "event of a number"},
		{Keys: "c", Does: "choose a connection"},
		{Keys: "Tab Shift-Tab", Does: "next pane, the one before"},
		{Keys: "] [", Does: "scroll the pane"},
		{Keys: "y", Does: "copy what happened"},
	}
}

// Typing implements live.View.
func (v *stepView) Typing() bool { return v.prompt.IsOpen() }

// Key implements live.View.
func (v *stepView) Key(l *live.Loop, k live.Key) {
	if len(v.shown) == 0 {
		return
	}
	if v.prompt.IsOpen() {
		v.typed(k)
		return
	}
	if v.steps(k) || v.jumps(k) {
		return
	}
	switch {
	case k.Code == live.Tab:
		v.turn(1)
	case k.Code == live.BackTab:
		v.turn(-1)
	case k.Rune == ']':
		v.scroll++
	case k.Rune == '[':
		v.scroll = max(v.scroll-1, 0)
	case k.Rune == '/':
		v.prompt.Open(askSearch, "")
	case k.Rune == ':':
		v.prompt.Open(askEvent, "")
	case k.Rune == 'c':
		v.prompt.Open(askConn, "")
	case k.Rune == 'y':
		l.Copy(v.panes.Text(v.event(v.cursor)))
		v.message = "copied"
	}
}

// turn chooses another pane.
func (v *stepView) turn(by int) {
	n := len(v.list())
	v.pane, v.scroll = (v.pane+by+n)%n, 0
}

// steps moves the cursor by a number of events, and reports whether k is such a key.
func (v *stepView) steps(k live.Key) bool {
	page := max(v.page-1, 1)
	switch {
	case k.Rune == 'j' || k.Rune == ' ' || k.Code == live.Down || k.Code == live.Right:
		v.move(v.cursor + 1)
	case k.Rune == 'k' || k.Code == live.Up || k.Code == live.Left:
		v.move(v.cursor - 1)
	case k.Code == live.PageDown:
		v.move(v.cursor + page)
	case k.Code == live.PageUp:
		v.move(v.cursor - page)
	case k.Code == live.Home || k.Rune == 'g':
		v.move(0)
	case k.Code == live.End || k.Rune == 'G':
		v.move(len(v.shown) - 1)
		v.follow = !v.over
	default:
		return false
	}
	return true
}

// stepJump is a kind of event to which a key jumps; the same letter in upper case jumps back.
type stepJump struct {
	key  rune
	what string
	is   func(*event.Event) bool
}

// jumpKeys are the keys that jump.
func (v *stepView) jumpKeys() []stepJump {
	return []stepJump{
		{'l', "loss", func(e *event.Event) bool { return e.Kind == event.KindLost }},
		{'r', "retransmission", func(e *event.Event) bool { return e.Kind == event.KindTx && e.Derived.Repeat }},
		{'s', "change of state", func(e *event.Event) bool { return e.Kind == event.KindState }},
		{'t', "timer that expires", func(e *event.Event) bool { return e.Kind == event.KindTimer && e.Timer.Op == event.Fired }},
		{'x', "event that an expectation found", v.expected},
		{'n', strconv.Quote(v.search), v.contains(v.search)},
	}
}

// jumps moves the cursor to the next event of a kind, and reports whether k is such a key.
func (v *stepView) jumps(k live.Key) bool {
	for _, j := range v.jumpKeys() {
		back := k.Rune == j.key-'a'+'A'
		switch {
		case k.Rune != j.key && !back:
			continue
		case j.key == 'n' && v.search == "":
			v.message = "nothing was searched yet; / searches"
		case back:
			v.seek(-1, j.what, j.is)
		default:
			v.seek(1, j.what, j.is)
		}
		return true
	}
	return false
}

// typed takes a key of a prompt.
func (v *stepView) typed(k live.Key) {
	switch k.Code {
	case live.Escape:
		v.prompt.Close()
	case live.Enter:
		v.prompt.Close()
		v.answer(v.prompt.Label, v.prompt.Text())
	default:
		v.prompt.Key(k)
	}
}

// answer does what was asked for in a prompt.
func (v *stepView) answer(label, text string) {
	if text == "" {
		return
	}
	if label == askSearch {
		v.search = text
		v.seek(1, strconv.Quote(text), v.contains(text))
		return
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 0:
		v.message = "want a number, not " + strconv.Quote(text)
	case label == askEvent:
		v.at(n)
	case n != 0 && !slices.Contains(v.conns, n):
		v.message = "no connection " + text
	default:
		v.message = ""
		v.choose(n)
	}
}
