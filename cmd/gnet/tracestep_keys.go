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
		{Keys: "57G  :57", Does: "event 57; 5j: five events on, 3l: the third loss"},
		{Keys: "l L", Does: "next loss, loss before"},
		{Keys: "r R", Does: "next retransmission, the one before"},
		{Keys: "s S", Does: "next change of state, the one before"},
		{Keys: "t T", Does: "next timer that expires, the one before"},
		{Keys: "o O", Does: "next arrival behind a hole, the one before"},
		{Keys: "z Z", Does: "next closed window that is announced, the one before"},
		{Keys: "x X", Does: "next event that an expectation found, the one before"},
		{Keys: "e", Does: "all of these at the client only, the server only, both"},
		{Keys: "/ n N", Does: "search in what happens, next, the one before"},
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
	v.loop = l
	if v.hunt != nil {
		v.hunt, v.message = nil, ""
	}
	if len(v.shown) == 0 {
		return
	}
	if v.prompt.IsOpen() {
		v.typed(k)
		return
	}
	if v.counts(k) {
		return
	}
	times := v.count
	v.count = 0
	if v.steps(k, times) || v.jumps(k, times) {
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
	case k.Rune == 'e':
		v.side = (v.side + 1) % 3
		v.message = "jumps lead to events" + v.side.words()
		if v.side == 0 {
			v.message += " at both ends"
		}
	case k.Rune == 'y':
		v.message = "copied"
		if !l.Copy(v.panes.Text(v.event(v.cursor))) {
			v.message = noClipboard
		}
	}
}

// turn chooses another pane.
func (v *stepView) turn(by int) {
	n := len(v.list())
	v.pane, v.scroll = (v.pane+by+n)%n, 0
}

// maxStepCount bounds the number before a key.
const maxStepCount = 1 << 30

// counts takes a digit of the number before a key, and reports whether k is one.
func (v *stepView) counts(k live.Key) bool {
	if k.Rune < '0' || k.Rune > '9' || k.Rune == '0' && v.count == 0 {
		return false
	}
	v.count = min(v.count*10+int(k.Rune-'0'), maxStepCount)
	v.message = ""
	return true
}

// steps moves the cursor by a number of events, n times where that is not 0, and reports whether k is such a key.
func (v *stepView) steps(k live.Key, n int) bool {
	page, times := max(v.page-1, 1), max(n, 1)
	switch {
	case k.Rune == 'j' || k.Rune == ' ' || k.Code == live.Down || k.Code == live.Right:
		v.move(v.cursor + times)
	case k.Rune == 'k' || k.Code == live.Up || k.Code == live.Left:
		v.move(v.cursor - times)
	case k.Code == live.PageDown:
		v.move(v.cursor + page*times)
	case k.Code == live.PageUp:
		v.move(v.cursor - page*times)
	case n > 0 && (k.Rune == 'G' || k.Rune == 'g'):
		v.at(n)
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

// stepJump is a kind of event to which a key jumps; the same letter in upper case jumps back. What the head of an event does not tell asks
// whole for the event.
type stepJump struct {
	key   rune
	what  string
	is    func(event.Head) bool
	whole func(*event.Event) bool
}

// jumpKeys are the keys that jump.
func (v *stepView) jumpKeys() []stepJump {
	return []stepJump{
		{'l', "loss", func(h event.Head) bool { return h.Kind == event.KindLost }, nil},
		{'r', "retransmission", func(h event.Head) bool { return h.Kind == event.KindTx && h.Repeat }, nil},
		{'s', "change of state", func(h event.Head) bool { return h.Kind == event.KindState }, nil},
		{'t', "timer that expires", func(h event.Head) bool { return h.Kind == event.KindTimer && h.Op == event.Fired }, nil},
		{'o', "arrival behind a hole", func(h event.Head) bool { return h.Kind == event.KindRx }, func(e *event.Event) bool { return e.Derived.Gap != 0 }},
		{'z', "closed window", func(h event.Head) bool { return h.Kind == event.KindTx && !h.Flags.Has(event.RST) }, func(e *event.Event) bool { return e.Seg.Win == 0 }},
		{'x', "event that an expectation found", v.expected, nil},
		{'n', strconv.Quote(v.search), func(event.Head) bool { return true }, v.contains(v.search)},
	}
}

// jumpOf returns what a key jumps to.
func (v *stepView) jumpOf(key rune) *stepJump {
	for _, j := range v.jumpKeys() {
		if j.key == key {
			return &j
		}
	}
	return nil
}

// jumps moves the cursor to the next event of a kind, or the nth, and reports whether k is such a key.
func (v *stepView) jumps(k live.Key, n int) bool {
	step, j := 1, v.jumpOf(k.Rune)
	if j == nil {
		step, j = -1, v.jumpOf(k.Rune-'A'+'a')
	}
	switch {
	case j == nil:
		return false
	case j.key == 'n' && v.search == "":
		v.message = "nothing was searched yet; / searches"
	default:
		for range max(n, 1) {
			if !v.seek(step, j) {
				break
			}
		}
	}
	return true
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
		v.seek(1, v.jumpOf('n'))
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
