package main

import (
	"errors"
	"strings"

	"gnet/internal/live"
	"gnet/internal/safe"
	"gnet/procnet/filter"
)

// Typing implements live.View. The answer to a question is typed too.
func (v *watchView) Typing() bool { return v.prompt.IsOpen() || v.asking != nil }

// Help implements live.View.
func (v *watchView) Help() []live.Binding {
	return []live.Binding{
		{Keys: "Up Down j k", Does: "move"},
		{Keys: "PgUp PgDn", Does: "move by a screen"},
		{Keys: "Home End g G", Does: "to the first, to the last"},
		{Keys: "< >", Does: "sort by the column to the left, to the right"},
		{Keys: "r", Does: "reverse the order"},
		{Keys: "/", Does: "filter as you type, in the language of --filter"},
		{Keys: "b", Does: "group by program, local port, foreign port, state"},
		{Keys: "Enter", Does: "details of the socket; the sockets of the group"},
		{Keys: "Esc", Does: "back"},
		{Keys: "Right Left", Does: "the columns that have no room, and those before; + in the first row tells how many"},
		{Keys: "Space", Does: "pause"},
		{Keys: "y", Does: "copy the line to the terminal's clipboard"},
		{Keys: "K", Does: "end the socket, after a question"},
		{Keys: "+ -", Does: "marks of sockets that are new, and gone, for 5 seconds", Sign: true},
		{Keys: "In/s Out/s", Does: "octets received, and known to be received by the other end", Sign: true},
		{Keys: "-", Does: "in a column: the kernel has no such figure of this socket", Sign: true},
	}
}

// Key implements live.View.
func (v *watchView) Key(l *live.Loop, k live.Key) {
	v.message, v.bad = "", false
	switch {
	case v.asking != nil:
		v.answer(l, k)
	case v.prompt.IsOpen():
		v.typed(k)
	case v.detail != nil:
		v.detailKey(l, k)
	case k.Rune == '/':
		v.textKept = v.text
		v.prompt.Open("filter: ", v.text)
	case k.Rune == ' ':
		v.pause()
	default:
		v.listKey(l, k)
	}
}

// listKey takes a key of the list.
func (v *watchView) listKey(l *live.Loop, k live.Key) {
	switch {
	case k.Rune == 'b':
		v.by = (v.by + 1) % groupings
		v.isWithin, v.follows, v.list.Selected = false, false, 0
		v.arrange()
	case k.Code == live.Left && v.pages > 1 && v.page > 0:
		v.page--
	case k.Code == live.Escape || k.Code == live.Left || k.Code == live.Backspace:
		if v.isWithin {
			v.isWithin = false
			v.arrange()
		}
	case v.by != notGrouped && !v.isWithin:
		v.groupKey(k)
	case k.Rune == '<' || k.Rune == '>':
		v.sort, v.reversed, v.page = around(v.sort, k.Rune == '>', len(v.columns)), false, 0
		v.arrange()
	case k.Rune == 'r':
		v.reversed = !v.reversed
		v.arrange()
	case k.Code == live.Right:
		v.page = max(min(v.page+1, v.pages-1), 0)
	case v.list.Key(k, len(v.shown)):
		v.remember()
	default:
		v.socketKey(l, k)
	}
}

// around is the place to the right of one of n, or to the left; behind the last comes the first.
func around(place int, right bool, n int) int {
	if right {
		return (place + 1) % n
	}
	return (place + n - 1) % n
}

// socketKey takes a key that is about the selected socket.
func (v *watchView) socketKey(l *live.Loop, k live.Key) {
	w := v.current()
	switch {
	case w == nil:
	case k.Code == live.Enter:
		v.openDetail(w)
	case k.Rune == 'y':
		v.copy(l, w)
	case k.Rune == 'K':
		v.askKill(w)
	}
}

// copy copies the line of a socket.
func (v *watchView) copy(l *live.Loop, w *watched) {
	v.message = "copied"
	if !l.Copy(v.line(w)) {
		v.message, v.bad = noClipboard, true
	}
}

// line is a socket as text of one line, which nothing that it holds can make more.
func (v *watchView) line(w *watched) string {
	var words []string
	for _, c := range v.columns {
		if c.rank > 0 {
			if text := safe.String(c.text(v, w)); text != "" {
				words = append(words, text)
			}
		}
	}
	return strings.Join(words, " ")
}

// pause stops the readings, or lets them go on.
func (v *watchView) pause() {
	v.request.paused = !v.request.paused
	v.ask(v.request)
}

// typed takes a key of the filter's prompt. What is good is in force at once; a mistake is shown, and the last good one stays in force.
func (v *watchView) typed(k live.Key) {
	switch {
	case k.Code == live.Enter:
		v.prompt.Close()
		return
	case k.Code == live.Escape:
		v.prompt.Close()
		v.setFilter(v.textKept)
		return
	case !v.prompt.Key(k):
		return
	}
	v.prompt.Error = ""
	if err := v.setFilter(v.prompt.Text()); err != nil {
		v.prompt.Error = err.Error()
		if bad := (*filter.SyntaxError)(nil); errors.As(err, &bad) {
			v.prompt.Error = bad.Msg
		}
	}
}

// setFilter has the sockets read that text describes.
func (v *watchView) setFilter(text string) error {
	if text == v.text {
		return nil
	}
	f, err := v.compile(text)
	if err != nil {
		return err
	}
	v.text, v.request.filter = text, f
	v.ask(v.request)
	return nil
}
