package view

import (
	"strconv"
	"strings"

	"gnet/internal/safe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// verdicts writes what came of the expectations.
func (h *htmlWriter) verdicts(r *Report) {
	if len(r.words.expectations) == 0 {
		return
	}
	h.raw(`<section class="verdicts" aria-labelledby="h-verdicts"><h2 id="h-verdicts">Expectations</h2><ul>`)
	for i := range r.words.expectations {
		h.verdict(&r.words.expectations[i])
	}
	h.raw("</ul>")
	if r.words.more > 0 {
		h.element("p", "over", "and "+counted(r.words.more, "expectation")+" more")
	}
	h.raw("</section>\n")
}

// verdict writes what came of one expectation, with a link to the event that shows it.
func (h *htmlWriter) verdict(x *event.Expectation) {
	word := map[event.Verdict]string{event.Pass: "PASS", event.Fail: "FAIL"}[x.Verdict]
	if word == "" {
		word = "not judged"
	}
	h.raw(`<li class="`, x.Verdict.String(), `"><b>`, word, "</b> <code>")
	h.text(x.Text)
	h.raw("</code>")
	if x.Found != "" && x.Verdict != event.Pass {
		h.raw(" found ")
		h.text(x.Found)
	}
	if x.N != 0 {
		h.raw(` <a href="#n`, strconv.Itoa(x.N), `" data-go="`, strconv.Itoa(x.N), `">event `, strconv.Itoa(x.N), "</a>")
	}
	h.raw("</li>")
}

// sums writes the run in figures, and what the stacks have counted themselves beside them.
func (h *htmlWriter) sums(r *Report) {
	f := &r.figures
	h.raw(`<section class="sums" aria-labelledby="h-sums"><h2 id="h-sums">Summary</h2><table><thead><tr><th scope="col">~ concluded from the events</th><th scope="col">client</th><th scope="col">server</th></tr></thead><tbody>`)
	all := f.All()
	for _, l := range figureLines {
		h.sum(l.name, l.text(f, all, event.Client), l.text(f, all, event.Server))
	}
	h.sum("integrity", integrity(f, event.Client), integrity(f, event.Server))
	h.raw("</tbody></table>")
	if n := f.Sums.InFlight; n > 0 {
		h.element("p", "over", counted(n, "segment")+" still on the way when the run ended.")
	}
	if d := f.Sums.Difference(); d != "" {
		h.element("p", "over", "Warning: the run counts other "+d+" than its events show.")
	}
	for host := event.Client; host <= event.Server; host++ {
		h.counts(host, f.Counts(host))
	}
	h.raw("</section>\n")
}

// sum writes one figure of both ends, nothing if there is none.
func (h *htmlWriter) sum(name, client, server string) {
	if client == "" && server == "" {
		return
	}
	h.raw(`<tr><th scope="row">`, name, "</th>")
	h.element("td", "", client)
	h.element("td", "", server)
	h.raw("</tr>\n")
}

// counts writes what a stack has counted beside what its events say.
func (h *htmlWriter) counts(host event.Host, list []analyze.Count) {
	if len(list) == 0 {
		return
	}
	h.raw(`<table class="counts"><caption>`, host.String(), `'s own counters</caption><thead><tr><th scope="col">counter</th><th scope="col">counted</th><th scope="col">events</th></tr></thead><tbody>`)
	for i := range list {
		c := &list[i]
		text, class := strings.ReplaceAll(c.Name, "+", " + ")+": "+c.What, ""
		switch {
		case c.Differs():
			text, class = "DIFFERS: "+text, "differs"
		case c.Apart != "":
			text += " (" + c.Apart + ")"
		}
		h.raw(`<tr class="`, class, `"><th scope="row">`)
		h.text(text)
		h.raw("</th><td>", strconv.FormatUint(c.Stack, 10), "</td><td>", strconv.FormatUint(c.Events, 10), "</td></tr>\n")
	}
	h.raw("</tbody></table>")
}

// setup writes how the run was made.
func (h *htmlWriter) setup(r *Report) {
	h.raw(`<section class="setup" aria-labelledby="h-setup"><h2 id="h-setup">How it was made</h2><dl>`)
	run := r.run
	if run == nil {
		h.pair("run", "the events do not say")
		h.raw("</dl></section>\n")
		return
	}
	h.pair("world", words(safe.String(run.World)+",", clockText(run.Clock)+",", "seed", strconv.FormatInt(run.Seed, 10)))
	if run.Why != "" {
		h.pair("why", run.Why)
	}
	if run.Clock == event.Mono {
		if run.Start != 0 {
			h.pair("began", event.StartText(run.Start))
		}
		h.pair("times", "the seed repeats the faults, not the times; the machine wakes us "+microseconds(run.ClockError)+" late, "+microseconds(run.ClockErrorMax)+" at worst")
	}
	h.pair("link", linkText(run))
	for _, end := range [...]struct {
		host  event.Host
		stack *event.Stack
	}{{event.Client, &run.Client}, {event.Server, &run.Server}} {
		h.pair(end.host.String(), r.words.stackText(end.stack))
		if end.stack.Options != "" {
			h.pair("", end.stack.Options)
		}
		if p := run.Programs[end.host]; p != "" {
			h.pair("", "its application is not gnet's: "+p)
		}
	}
	for _, list := range [...]struct {
		name  string
		texts []string
	}{{"fault", run.Faults}, {"crafted", run.Crafted}} {
		for _, text := range list.texts {
			h.pair(list.name, text)
		}
	}
	h.pairs("pinned", fold(run.Pinned))
	h.pairs("not so", run.Unpinned)
	h.raw("</dl>")
	h.element("p", "faint", words("gnet", run.Version))
	h.raw("</section>\n")
}

func (h *htmlWriter) pairs(name string, texts []string) {
	if len(texts) > 0 {
		h.pair(name, strings.Join(texts, ", "))
	}
}

// pair writes a name and what it stands for.
func (h *htmlWriter) pair(name, text string) {
	h.element("dt", "", name)
	h.element("dd", "", text)
}

// help writes the list of keys.
func (h *htmlWriter) help() {
	h.raw(`<dialog id="help" aria-labelledby="h-help"><h2 id="h-help">Keys</h2><table><tbody>`)
	for _, k := range [...][2]string{
		{"up, k / down, j", "row before / next row"},
		{"left / right", "the other end of the segment: where it left, where it arrived"},
		{"page up / page down", "ten rows"},
		{"Home / End", "first / last row"},
		{"n / p", "next / previous loss or retransmission"},
		{"+ / - / 0", "show less time / more time / all"},
		{"d", "light or dark"},
		{"?", "these keys; Escape closes them"},
	} {
		h.raw("<tr><th scope=\"row\">")
		for i, part := range strings.Split(k[0], " / ") {
			if i > 0 {
				h.raw(" ")
			}
			h.element("kbd", "", part)
		}
		h.raw("</th>")
		h.element("td", "", k[1])
		h.raw("</tr>")
	}
	h.raw(`</tbody></table><p>Point at a segment, or put the cursor on it, and it is marked in the ladder and in the plots. Drag the slider to move through time.</p><form method="dialog"><button>Close</button></form></dialog>
`)
}
