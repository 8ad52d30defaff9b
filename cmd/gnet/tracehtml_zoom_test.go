package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest/browser"
	"gnet/stackprobe/view"
)

// pictured is what the plot that is seen shows.
type pictured struct {
	Marks, Runs int
	From, To    float64 // the first and the last time that its axis names
	Panel       string  // what the first panel holds, as text
}

func plotOf(t *testing.T, p *browser.Page) (x pictured) {
	t.Helper()
	p.Eval(t, `(() => { const svg = document.querySelector('#plot'), times = [...svg.querySelector('.times').querySelectorAll('text.mid')].map(e => +e.textContent).filter(v => !isNaN(v));
		return {Marks: svg.querySelectorAll('[data-n], [data-count]').length, Runs: svg.querySelectorAll('[data-count]').length, From: times[0], To: times[times.length - 1],
			Panel: svg.querySelector('.panel [clip-path]').innerHTML.replace(/ on"/g, '"')}; })()`, &x)
	return x
}

// TestPage_zoom: the plots show the piece of the time that the ladder shows, in the marks of the whole; the hands choose it.
func TestPage_zoom(t *testing.T) {
	b := browser.Start(t)
	p := b.Open(t, writePage(t, lessonEvents(t, "loss-fast-retransmit"), view.Options{}), browser.View{Width: 1600, Height: 1000})
	defer p.Close(t)
	whole := plotOf(t, p)
	p.Eval(t, `document.querySelector('#plot').scrollIntoView()`, nil)
	var frame [4]float64 // of the first panel, in the window: left, right, top, bottom
	p.Eval(t, `(() => { const r = document.querySelector('#plot .sequence .frame').getBoundingClientRect(); return [r.left, r.right, r.top, r.bottom]; })()`, &frame)
	middle := (frame[2] + frame[3]) / 2
	at := func(share float64) float64 { return frame[0] + share*(frame[1]-frame[0]) }

	p.Drag(t, at(0.5), middle, at(0.9), middle)
	piece := plotOf(t, p)
	if piece.Marks == 0 || piece.Marks >= whole.Marks || piece.From <= whole.From || piece.To > whole.To {
		t.Errorf("dragged across a part: %d marks from %v to %v, of %d from %v to %v", piece.Marks, piece.From, piece.To, whole.Marks, whole.From, whole.To)
	}
	p.Screenshot(t, filepath.Join(t.ArtifactDir(), "dragged.png"), false)
	p.Wheel(t, at(0.5), middle, -200, true)
	near := plotOf(t, p)
	if near.Marks >= piece.Marks || near.From < piece.From || near.To > piece.To || near.From == near.To {
		t.Errorf("the wheel leads from %d marks %v to %v to %d, %v to %v", piece.Marks, piece.From, piece.To, near.Marks, near.From, near.To)
	}
	p.Press(t, "-")
	if far := plotOf(t, p); far.Marks <= near.Marks {
		t.Errorf("twice the time has %d marks, not more than %d", far.Marks, near.Marks)
	}
	p.Press(t, "0")
	if diff := cmp.Diff(whole, plotOf(t, p)); diff != "" {
		t.Errorf("all of the time again (-want +got):\n%s", diff)
	}
	// Moving through time takes the plots along, and they take the mark under the pointer into the tables.
	p.Eval(t, `document.querySelector('#live').focus()`, nil)
	p.Press(t, "+", "+", "Home")
	early := plotOf(t, p)
	p.Press(t, "End")
	if late := plotOf(t, p); late.From <= early.To {
		t.Errorf("at the first row the plots show %v to %v, at the last %v to %v", early.From, early.To, late.From, late.To)
	}
	quietPage(t, p)
}

// TestPage_same: the script draws a piece of the time in the very marks in which all of it was written.
func TestPage_same(t *testing.T) {
	b := browser.Start(t)
	const list = `[...document.querySelectorAll('#plot .sequence [data-seg]')].map(e => [+e.dataset.n, e.getAttribute('class').replace(' on', '').replace(/ $/, '') + ' segment ' + e.dataset.seg])`
	type mark [2]any
	for _, name := range []string{"loss-fast-retransmit", "burst-loss", "random-loss", "pmtu-drop-icmp", "reorder", "zero-window", "syn-lost"} {
		events := lessonEvents(t, name)
		if events == nil {
			continue
		}
		p := b.Open(t, writePage(t, events, view.Options{}), browser.View{Width: 1600, Height: 1000})
		p.Press(t, "n")
		var whole, piece []mark
		p.Eval(t, list, &whole)
		p.Press(t, "+", "+")
		p.Eval(t, list, &piece)
		var drawn []float64
		for _, m := range piece {
			if !strings.HasPrefix(m[1].(string), "ack ") && !strings.HasPrefix(m[1].(string), "edge ") {
				drawn = append(drawn, m[0].(float64))
			}
		}
		if len(drawn) == 0 || len(piece) >= len(whole) {
			t.Errorf("%s: %d of %d marks in a quarter of the time", name, len(drawn), len(whole))
			continue
		}
		first, last := slices.Min(drawn), slices.Max(drawn)
		in := func(list []mark) (some []string) {
			for _, m := range list {
				if n := m[0].(float64); n >= first && n <= last {
					some = append(some, fmt.Sprintf("event %v %v", n, m[1]))
				}
			}
			slices.Sort(some)
			return some
		}
		if diff := cmp.Diff(in(whole), in(piece)); diff != "" {
			t.Errorf("%s (-whole +piece):\n%s", name, diff)
		}
		p.Screenshot(t, filepath.Join(t.ArtifactDir(), name+".png"), true)
		quietPage(t, p)
		p.Close(t)
	}
}

// unfoldedPlot finds one of these segments (event and number) that has no mark of its own while all of the time is shown, and looks
// closer until it has.
func unfoldedPlot(t *testing.T, p *browser.Page, segments [][2]int) {
	t.Helper()
	p.Press(t, "0")
	var own []int
	p.Eval(t, `[...document.querySelectorAll('#plot .data:not([data-count])')].map(e => +e.dataset.seg)`, &own)
	i := slices.IndexFunc(segments, func(s [2]int) bool { return !slices.Contains(own, s[1]) })
	if i < 0 {
		t.Fatalf("all of %d segments have a mark", len(segments))
	}
	p.Eval(t, fmt.Sprintf(`(() => { location.hash = 'n%d'; })()`, segments[i][0]), nil)
	p.Settle(t)
	for times := 1; times <= 20; times++ {
		var took float64
		p.Eval(t, `new Promise(done => { const t = performance.now(); document.dispatchEvent(new KeyboardEvent('keydown', {key: '+'})); requestAnimationFrame(() => { document.querySelector('#plot').getBoundingClientRect(); done(performance.now() - t); }); })`, &took)
		p.Settle(t)
		x, found := plotOf(t, p), false
		if x.Marks > 2000 || x.Marks == 0 {
			t.Errorf("%d times closer the plots have %d marks", times, x.Marks)
		}
		t.Logf("%d times half of the time: %d marks, %d of them runs, in %.0f ms", times, x.Marks, x.Runs, took)
		if p.Eval(t, fmt.Sprintf(`!!document.querySelector('#plot .data[data-seg="%d"]:not([data-count])')`, segments[i][1]), &found); found {
			return
		}
	}
	t.Errorf("segment %d has no mark of its own however close one looks", segments[i][1])
}
