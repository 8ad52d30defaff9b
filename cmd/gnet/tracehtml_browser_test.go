package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest/browser"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/view"
)

// writePage writes the page of some events, in which package analyze has derived what follows.
func writePage(t *testing.T, events []event.Event, o view.Options) string {
	t.Helper()
	var b bytes.Buffer
	r := view.NewReport(&b, o)
	for i := range events {
		if err := r.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "run.html")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// quietPage fails the test if the page has complained or asked for anything.
func quietPage(t *testing.T, p *browser.Page) {
	t.Helper()
	if list := p.Problems(); len(list) > 0 {
		t.Errorf("the page complains:\n%s", strings.Join(list, "\n"))
	}
	if list := p.Fetched(); len(list) > 0 {
		t.Errorf("the page asks for %v", list)
	}
}

// cursor is what a page shows at its cursor.
type cursor struct {
	Row   string // the words of the marked row
	Where string
	Now   string
	Cwnd  string // the client's congestion window
}

func cursorOf(t *testing.T, p *browser.Page) (c cursor) {
	t.Helper()
	p.Eval(t, `(() => { const text = e => e ? e.innerText.replace(/\s+/g, ' ').trim() : '';
		return {Row: text(document.querySelector('#live .here .say')), Where: text(document.querySelector('#where')), Now: text(document.querySelector('#now')),
			Cwnd: text(document.querySelector('#vars tr[data-var="0"] td'))}; })()`, &c)
	return c
}

// TestPage_browser looks at the page of a lesson in a browser.
func TestPage_browser(t *testing.T) {
	b := browser.Start(t)
	file := writePage(t, lessonEvents(t, "loss-fast-retransmit"), view.Options{})
	shots := t.ArtifactDir()
	wide := browser.View{Width: 1600, Height: 1000}

	t.Run("keys", func(t *testing.T) {
		p := b.Open(t, file, wide)
		defer p.Close(t)
		at := func(want string) {
			t.Helper()
			if c := cursorOf(t, p); !strings.Contains(c.Row, want) || !strings.Contains(c.Now, want) {
				t.Errorf("the cursor is at %q, said to be %q, want %q", c.Row, c.Now, want)
			}
		}
		at("client sends SYN")
		p.Press(t, "n")
		at("client lost client> drop data 3")
		p.Press(t, "n")
		at("client sends R ~fast ACK 2841:4261 ack 1 win 524288")
		want := cursor{Row: "client sends R ~fast ACK 2841:4261 ack 1 win 524288", Where: "0.080000 s 52 of 83", Cwnd: "7",
			Now: "event 67, 0.080000 s: client sends R ~fast ACK 2841:4261 ack 1 win 524288 arrives 0.020000 s later, event 79"}
		if diff := cmp.Diff(want, cursorOf(t, p)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		p.Screenshot(t, filepath.Join(shots, "retransmission.png"), false)
		p.Press(t, "ArrowRight")
		at("server receives 2841:4261")
		p.Press(t, "ArrowLeft", "ArrowUp")
		at("client receives ack 2841 dup 2")
		p.Press(t, "ArrowDown", "j", "k", "p")
		at("client lost client> drop data 3")
		p.Press(t, "End")
		at("client stays in TIME-WAIT")
		p.Press(t, "PageUp", "Home")
		at("server application: listen")
		p.Press(t, "?")
		var open bool
		if p.Eval(t, `document.querySelector('#help').open`, &open); !open {
			t.Error("the list of keys is not open")
		}
		p.Press(t, "j", "Escape")
		if p.Eval(t, `document.querySelector('#help').open`, &open); open {
			t.Error("the list of keys is still open")
		}
		at("server application: listen")
		p.Press(t, "Tab")
		var where string
		if p.Eval(t, `document.activeElement.tagName + ' ' + getComputedStyle(document.activeElement).outlineStyle`, &where); where == "BODY none" || strings.HasSuffix(where, " none") {
			t.Errorf("behind the ladder the focus is at %q, which is not seen", where)
		}
		quietPage(t, p)
	})

	t.Run("mouse", func(t *testing.T) {
		p := b.Open(t, file, wide)
		defer p.Close(t)
		p.Click(t, "#nextmark")
		p.Click(t, "#nextmark")
		if c := cursorOf(t, p); !strings.Contains(c.Row, "R ~fast") {
			t.Errorf("the cursor is at %q", c.Row)
		}
		p.Click(t, `#live .row[data-n="67"]`)
		var seg string
		p.Eval(t, `document.querySelector('#live .here').dataset.seg`, &seg)
		var lit [2]int
		p.Eval(t, `[document.querySelectorAll('#live .on[data-seg="`+seg+`"]').length, document.querySelectorAll('.plots .on[data-seg="`+seg+`"]').length]`, &lit)
		if lit[0] < 2 || lit[1] < 2 { // the rows and the arrow; a mark in each plot
			t.Errorf("%v elements of segment %s are marked in ladder and plots", lit, seg)
		}
		// Pointing at another segment marks it too.
		p.Point(t, `#live .row[data-n="66"] .say`)
		var other string
		p.Eval(t, `document.querySelector('#live .row[data-n="66"]').dataset.seg`, &other)
		p.Eval(t, `[document.querySelectorAll('#live .on[data-seg="`+other+`"]').length, document.querySelectorAll('.plots .on[data-seg="`+other+`"]').length]`, &lit)
		if lit[0] < 2 || lit[1] < 1 {
			t.Errorf("%v elements of segment %s under the pointer are marked", lit, other)
		}
		// The slider moves through time: its middle is in the silence before the end.
		p.Eval(t, `(() => { const s = document.querySelector('#slider'); s.value = 5000; s.dispatchEvent(new Event('input', {bubbles: true})); })()`, nil)
		p.Settle(t)
		if c := cursorOf(t, p); !strings.Contains(c.Row, "s of silence") {
			t.Errorf("in the middle of the time the cursor is at %q", c.Row)
		}
		// An expectation leads to its event, a mark of the plots to its segment.
		p.Eval(t, `document.querySelector('.verdicts [data-go]').click()`, nil)
		p.Settle(t)
		var same bool
		if p.Eval(t, `document.querySelector('#live .here').dataset.n === document.querySelector('.verdicts [data-go]').dataset.go`, &same); !same {
			t.Error("an expectation does not lead to its event")
		}
		p.Eval(t, `document.querySelector('.plots .lost[data-n]').dispatchEvent(new MouseEvent('click', {bubbles: true}))`, nil)
		p.Settle(t)
		if c := cursorOf(t, p); !strings.Contains(c.Row, "lost") && !strings.Contains(c.Row, "2841:4261") {
			t.Errorf("the mark of the loss leads to %q", c.Row)
		}
		// Less time, then all of it again.
		var rows [3]int
		p.Eval(t, `+document.querySelector('#live .row').getAttribute('aria-setsize')`, &rows[0])
		p.Click(t, "#in")
		p.Eval(t, `+document.querySelector('#live .row').getAttribute('aria-setsize')`, &rows[1])
		p.Click(t, "#all")
		p.Eval(t, `+document.querySelector('#live .row').getAttribute('aria-setsize')`, &rows[2])
		if rows[1] >= rows[0] || rows[2] != rows[0] {
			t.Errorf("%d rows, %d in half the time, %d in all of it", rows[0], rows[1], rows[2])
		}
		quietPage(t, p)
	})

	t.Run("widths", func(t *testing.T) {
		for _, dark := range []bool{false, true} {
			for _, width := range []int{400, 800, 1920} {
				p := b.Open(t, file, browser.View{Width: width, Height: 900, Dark: dark})
				p.Press(t, "n", "n")
				var over []string
				p.Eval(t, `[...(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []), ...[...document.querySelectorAll('main *, header *')].filter(e =>
					!e.closest('.say > *, .lane, .sr, svg') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)]`, &over)
				if len(over) > 0 {
					t.Errorf("%d wide, wider than the window: %v", width, over)
				}
				var dim []string
				p.Eval(t, contrast, &dim)
				if len(dim) > 0 {
					t.Errorf("%d wide, dark %v, hard to read: %s", width, dark, strings.Join(dim, "; "))
				}
				p.Screenshot(t, filepath.Join(shots, fmt.Sprintf("%d-%s.png", width, map[bool]string{false: "light", true: "dark"}[dark])), true)
				quietPage(t, p)
				p.Close(t)
			}
		}
	})

	t.Run("theme", func(t *testing.T) {
		p := b.Open(t, file, wide)
		defer p.Close(t)
		ground := func() (c string) {
			p.Eval(t, `getComputedStyle(document.body).backgroundColor`, &c)
			return c
		}
		light := ground()
		p.Press(t, "d")
		if dark := ground(); dark == light {
			t.Errorf("light and dark are both %s", dark)
		}
		p.Click(t, "#theme")
		if again := ground(); again != light {
			t.Errorf("light is %s, then %s", light, again)
		}
	})

	t.Run("address", func(t *testing.T) {
		p := b.Open(t, file+"#n67", wide)
		defer p.Close(t)
		if c := cursorOf(t, p); !strings.Contains(c.Row, "R ~fast") {
			t.Errorf("#n67 leads to %q", c.Row)
		}
	})

	t.Run("no script", func(t *testing.T) {
		p := b.Open(t, file, browser.View{Width: 1200, Height: 900, NoScript: true})
		defer p.Close(t)
		p.Screenshot(t, filepath.Join(shots, "no-script.png"), true)
		var text string
		p.Eval(t, `document.body.innerText`, &text)
		for _, want := range []string{"SYN-RECEIVED", "drop data 3", "PASS", "One segment is lost"} {
			if !strings.Contains(text, want) {
				t.Errorf("without a script %q is not on the page", want)
			}
		}
		quietPage(t, p)
	})

	t.Run("print", func(t *testing.T) {
		p := b.Open(t, file, browser.View{Width: 1200, Height: 900, Dark: true})
		defer p.Close(t)
		p.Press(t, "n", "n")
		pdf := filepath.Join(shots, "print.pdf")
		p.PDF(t, pdf)
		printed, err := os.ReadFile(pdf)
		if err != nil || !bytes.HasPrefix(printed, []byte("%PDF-")) || bytes.Count(printed, []byte("/Type /Page\n")) < 2 {
			t.Errorf("%v, %d bytes that are no document of several pages", err, len(printed))
		}
		p.Media(t, "print")
		var text string
		p.Eval(t, `document.body.innerText`, &text)
		for _, want := range []string{"SYN-RECEIVED", "drop data 3", "PASS", "stays in TIME-WAIT"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not printed", want)
			}
		}
		if strings.Contains(text, "trouble") {
			t.Error("buttons are printed")
		}
	})
}

// contrast lists the texts of a page that stand out from their ground by less than 4.5 (WCAG 2.2, 1.4.3).
const contrast = `(() => {
	const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return c.startsWith('color(') ? [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
	const light = c => { const f = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
	const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > .8) return c; } return [255, 255, 255, 1]; };
	const bad = new Set();
	for (const e of document.querySelectorAll('body *')) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length || e.closest('script, style, .sr, title, dialog:not([open]), :disabled')) continue;
		const s = getComputedStyle(e), a = light(parse(e.ownerSVGElement ? s.fill : s.color)), b = light(ground(e));
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) bad.add(e.tagName + '.' + (e.className.baseVal ?? e.className) + ' in ' + (e.parentElement.className.baseVal ?? e.parentElement.className) + ' ' + ratio.toFixed(1));
	}
	return [...bad];
})()`

// TestPage_many looks at a run of more than 10,000 segments: what is in the document is bounded, runs are folded and unfold, and
// moving through it is measured, not judged.
func TestPage_many(t *testing.T) {
	b := browser.Start(t)
	rule, err := link.ParseRule("loss 1%")
	if err != nil {
		t.Fatal(err)
	}
	c := stackprobe.Config{World: stackprobe.Memory, Bytes: 4_000_000, Seed: 1, Delay: stackprobe.DefaultDelay, Faults: []link.Rule{rule}}
	var page bytes.Buffer
	r, track, sent := view.NewReport(&page, view.Options{}), analyze.New(), 0
	var plain [][2]int // segments of the client with data: event and segment
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		track.Add(e)
		if e.Kind == event.KindTx {
			sent++
			if e.Host == event.Client && e.Seg.Len > 0 && !e.Derived.Repeat && e.Seg.Flags&event.FIN == 0 {
				plain = append(plain, [2]int{e.N, e.Seg.ID})
			}
		}
		if err := r.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if sent < 10_000 {
		t.Fatalf("only %d segments", sent)
	}
	file := filepath.Join(t.TempDir(), "many.html")
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	p := b.Open(t, file, browser.View{Width: 1400, Height: 900})
	defer p.Close(t)
	var n struct{ Shown, Folded, InDocument, Plots, Rows int }
	look := func() {
		t.Helper()
		p.Eval(t, `(() => { const all = s => document.querySelectorAll(s).length; return {Shown: +document.querySelector('#live .row').getAttribute('aria-setsize'),
			Folded: all('#live .folded'), InDocument: all('#live *'), Plots: all('.of-plot [data-seg]'), Rows: JSON.parse(document.querySelector('#data').textContent).rows.length}; })()`, &n)
	}
	look()
	t.Logf("%d segments, %d bytes: %+v", sent, page.Len(), n)
	if n.Shown > 2000 || n.Folded == 0 || n.InDocument > 4000 || n.Plots > 2000 || n.Rows < 2*sent {
		t.Errorf("%+v, want at most 2000 rows and marks, some of them folded", n)
	}
	p.Screenshot(t, filepath.Join(t.ArtifactDir(), "many.png"), false)
	whole := n.Shown
	p.Click(t, "#live .folded")
	look()
	if n.Folded != 0 || n.Shown >= whole {
		t.Errorf("a folded run that is opened: %+v", n)
	}
	p.Press(t, "0", "n", "n", "n", "+", "+", "+", "+", "+", "+")
	look()
	if n.Folded != 0 {
		t.Errorf("six times half of the time: %+v", n)
	}
	p.Screenshot(t, filepath.Join(t.ArtifactDir(), "many-near.png"), false)
	unfoldedPlot(t, p, plain[len(plain)*2/5:])
	p.Screenshot(t, filepath.Join(t.ArtifactDir(), "many-plot.png"), true)
	p.Press(t, "0")
	var frames struct{ Scroll, Cursor []float64 }
	p.Eval(t, frameTimes, &frames)
	for _, f := range []struct {
		name string
		ms   []float64
	}{{"scrolling", frames.Scroll}, {"cursor", frames.Cursor}} {
		slices.Sort(f.ms)
		t.Logf("%s: %d frames, median %.1f ms, worst %.1f ms", f.name, len(f.ms), f.ms[len(f.ms)/2], f.ms[len(f.ms)-1])
	}
	quietPage(t, p)
}

// frameTimes measures the work of each frame while the ladder is scrolled and while the cursor walks.
const frameTimes = `(async () => {
	const live = document.querySelector('#live'), frame = () => new Promise(done => requestAnimationFrame(done)), times = {Scroll: [], Cursor: []};
	for (let i = 0; i < 60; i++) {
		live.scrollTop = i * live.scrollHeight / 60;
		await frame();
		const t = performance.now();
		await frame();
		times.Scroll.push(performance.now() - t);
	}
	for (let i = 0; i < 60; i++) {
		const t = performance.now();
		document.dispatchEvent(new KeyboardEvent('keydown', {key: i % 4 ? 'j' : 'n'}));
		live.getBoundingClientRect();
		times.Cursor.push(performance.now() - t);
	}
	return times;
})()`

// TestPage_hostile: what stands in an event runs nowhere and loads nothing.
func TestPage_hostile(t *testing.T) {
	b := browser.Start(t)
	const hostile = "</script><script>window.pwned=1</script><img src=x onerror=\"window.pwned=2\">'><svg onload=window.pwned=3>\u202e"
	events := lessonEvents(t, "loss-fast-retransmit")
	for i := range events {
		e := &events[i]
		if e.Rule != "" {
			e.Rule = hostile
		}
		switch e.Kind {
		case event.KindNote:
			e.Text = hostile
		case event.KindApp:
			e.App = event.App{Call: event.Failed, Err: hostile}
		case event.KindExpectation:
			x := *e.Expectation
			x.Text, x.Found, x.Verdict = hostile, hostile, event.Fail
			e.Expectation = &x
		case event.KindRun:
			run := *e.Run
			run.Title, run.Look, run.Scenario, run.Client.Name, run.Faults = hostile, hostile, hostile, hostile, []string{hostile}
			e.Run = &run
		}
	}
	p := b.Open(t, writePage(t, events, view.Options{}), browser.View{Width: 1200, Height: 900})
	defer p.Close(t)
	p.Press(t, "n", "j", "k", "End")
	var got struct {
		Pwned  bool
		Images int
		Title  string
	}
	p.Eval(t, `({Pwned: 'pwned' in window, Images: document.querySelectorAll('img, svg[onload], script:not([type]):not(:last-of-type)').length, Title: document.querySelector('h1').textContent})`, &got)
	want := got
	want.Pwned, want.Images, want.Title = false, 0, strings.ReplaceAll(hostile, "\u202e", `\xe2\x80\xae`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	quietPage(t, p)
}
