package view

import (
	_ "embed" // the script and the style sheet
	"slices"
	"strconv"
	"strings"

	"gnet/internal/safe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// reportStyle and the scripts are parts of every page.
var (
	//go:embed report.css
	reportStyle string
	//go:embed report.js
	reportScript string
	//go:embed report_plots.js
	reportPlots string
	//go:embed report_hands.js
	reportHands string
)

// policy lets the page load nothing and talk to nobody (Content Security Policy Level 3).
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

// Close writes the page. It does not close the writer. The error is the writer's.
func (r *Report) Close() error {
	r.storms.rest(func(host event.Host, t int64, text string) {
		r.add(reportRow{t: t, host: host, look: lookFaint, body: text})
	})
	h := &htmlWriter{w: r.w}
	h.top(r)
	h.controls()
	h.raw(`<main><div class="lab"><section class="ladder" aria-labelledby="h-ladder"><h2 id="h-ladder">Ladder</h2>`)
	h.ends(r)
	h.raw(`<div id="live" tabindex="0" role="listbox" aria-label="Ladder: one row for each event. Up and down move the cursor, question mark tells all keys." hidden></div><div id="static">`)
	h.ladder(r.rows, r.opts.Unfold, r.goals())
	h.raw("</div>")
	h.rest(r)
	h.signs(r)
	h.raw("</section>\n")
	h.cursor(r)
	h.raw("</div>\n")
	h.plots(r)
	h.verdicts(r)
	h.sums(r)
	h.setup(r)
	h.raw("</main>\n")
	h.help()
	h.data(r)
	h.raw("<script>\n(() => {\n'use strict';\n", reportScript, reportPlots, reportHands, "})();\n</script>\n</body>\n</html>\n")
	h.flush()
	return h.err
}

// goals are the numbers of the events that show what came of the expectations.
func (r *Report) goals() (list []int) {
	for i := range r.words.expectations {
		if n := r.words.expectations[i].N; n > 0 && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// top writes the head of the document and of the page.
func (h *htmlWriter) top(r *Report) {
	run := r.run
	if run == nil {
		run = &event.Run{}
	}
	title := "A run of TCP"
	if run.Title != "" {
		title = run.Title
	}
	h.raw(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="`, policy, `">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="gnet `)
	h.text(run.Version)
	h.raw(`">
<title>`)
	h.text(title)
	h.raw(" - gnet trace tcp</title>\n<style>\n")
	h.colours()
	h.raw(reportStyle, `</style>
</head>
<body>
<svg width="0" height="0" class="defs" aria-hidden="true"><defs>`)
	for _, name := range [...]string{"c", "s", "again", "bad"} {
		h.raw(`<marker id="head-`, name, `" class="tip `, name, `" viewBox="0 0 10 8" refX="9.5" refY="4" markerWidth="10" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 4L0 8Z"/></marker>`)
	}
	h.raw(`<marker id="cross" class="tip bad" viewBox="0 0 12 12" refX="6" refY="6" markerWidth="13" markerHeight="13" markerUnits="userSpaceOnUse"><path d="M1 1L11 11M11 1L1 11" fill="none"/></marker></defs></svg>
<header><div class="title"><p class="kicker">gnet trace tcp`)
	if run.Scenario != "" {
		h.raw(" &middot; ")
		h.text(run.Scenario)
	}
	h.raw("</p>")
	h.element("h1", "", title)
	if run.Look != "" {
		h.element("p", "look", run.Look)
	}
	if text := chosenText(run); text != "" {
		if left := r.opts.Left.text(); left != "" {
			text += "; " + left + " left out"
		}
		h.element("p", "look", "Shown: "+text+".")
	}
	h.raw("</div>")
	h.result(r)
	h.raw("</header>\n")
}

// result writes how the run ended and what came of its expectations, in a few words.
func (h *htmlWriter) result(r *Report) {
	text, st := r.words.verdict(&r.figures.Sums)
	class := "bad"
	if st == strong {
		class = "good"
	}
	h.raw(`<div class="result `, class, `">`)
	h.element("strong", "", upperFirst(text))
	var count [event.NotJudged + 1]int
	for i := range r.words.expectations {
		if v := r.words.expectations[i].Verdict; int(v) < len(count) {
			count[v]++
		}
	}
	if n := count[event.Pass] + count[event.Fail]; n > 0 {
		h.raw(`<a href="#h-verdicts">`)
		h.text(strconv.Itoa(count[event.Pass]) + " of " + counted(n, "expectation") + " passed")
		h.raw("</a>")
	}
	h.raw("</div>")
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// controls writes what moves the cursor; without a script it is not shown.
func (h *htmlWriter) controls() {
	h.raw(`<nav id="bar" aria-label="Moving through the run" hidden>
<div class="buttons"><button id="first" title="first row (Home)" aria-label="first row">&laquo;</button><button id="back" title="row before (up, k)" aria-label="row before">&#x25b2;</button><button id="on" title="next row (down, j)" aria-label="next row">&#x25bc;</button><button id="last" title="last row (End)" aria-label="last row">&raquo;</button>
<button id="prevmark" title="loss or retransmission before (p)">&#x2039; trouble</button><button id="nextmark" title="next loss or retransmission (n)">trouble &#x203a;</button>
<button id="out" title="show more time (-)" aria-label="show more time">&minus;</button><button id="in" title="show less time (+)" aria-label="show less time">+</button><button id="all" title="show all (0)">all</button></div>
<div class="time"><svg id="overview" aria-hidden="true" preserveAspectRatio="none"></svg><input id="slider" type="range" min="0" max="10000" step="1" value="0" aria-label="time"></div>
<output id="where" for="slider">&nbsp;</output>
<div class="buttons"><button id="theme" title="light or dark (d)">&#x25d0;<span class="sr"> light or dark</span></button><button id="helpkey" title="keys (?)">?<span class="sr"> keys</span></button></div>
</nav>
`)
}

// ends names the two ends above their time lines.
func (h *htmlWriter) ends(r *Report) {
	h.raw(`<div class="ends"><span>seconds</span>`)
	for _, host := range [...]event.Host{event.Client, event.Server} {
		var s event.Stack
		if r.run != nil {
			s = r.run.Client
			if host == event.Server {
				s = r.run.Server
			}
		}
		h.raw(`<div class="`, hostClass(host), `">`)
		h.element("b", "", host.String())
		h.raw(" ")
		h.element("span", "", words(safe.String(s.Name), safe.String(s.Addr)))
		h.raw("</div>")
	}
	h.raw("</div>\n")
}

// rest says what is beyond the bounds.
func (h *htmlWriter) rest(r *Report) {
	o := &r.over
	if o.rows > 0 {
		h.element("p", "over", "The run goes on behind this: "+counted(o.rows, "row")+" more from "+seconds(o.from, 12, 6)+" s on, with "+
			counted(o.sent, "segment")+" sent ("+strconv.Itoa(o.again)+" of them retransmissions) and "+strconv.Itoa(o.lost)+
			" lost. A report keeps "+strconv.Itoa(maxReportRows)+" rows; the sums count all.")
	}
	if o.samples > 0 {
		h.element("p", "over", counted(o.samples, "sample")+" of variables, windows or knowledge are not kept: there were too many.")
	}
}

// signs explains what was drawn.
func (h *htmlWriter) signs(r *Report) {
	parts := []string{"one row for each event, not to scale; the plots are"}
	for i, m := range meanings {
		if r.words.used&(1<<i) != 0 && signs(1<<i) != signQueued {
			parts = append(parts, m)
		}
	}
	h.element("p", "signs", "Signs: "+strings.Join(parts, "; ")+".")
}

// cursor writes what stands beside the ladder: what is known at one moment. Without a script that is the end of the run.
func (h *htmlWriter) cursor(r *Report) {
	h.raw(`<aside class="cursor" id="side" aria-label="At the cursor"><section class="now" aria-labelledby="h-now"><h2 id="h-now">At the cursor</h2><p id="now" aria-live="polite"></p></section>
<section class="wide" aria-labelledby="h-space"><h2 id="h-space">Sequence space</h2><div id="space"></div></section>
<section aria-labelledby="h-vars"><h2 id="h-vars">Variables<span class="static"> at the end of the run</span></h2><table id="vars"><thead><tr><th scope="col">variable</th><th scope="col">client</th><th scope="col">server</th></tr></thead><tbody>
<tr id="state"><th scope="row">state</th>`)
	for _, host := range [...]event.Host{event.Client, event.Server} {
		h.element("td", "", r.figures.Sums.Of(host).State.String())
	}
	h.raw("</tr>\n")
	for i, v := range reportVariables() {
		c, s := r.vars.last(event.Client, i), r.vars.last(event.Server, i)
		if c == "" && s == "" {
			continue
		}
		h.raw(`<tr data-var="`, strconv.Itoa(i), `">`)
		h.raw(`<th scope="row">`)
		h.text(v.name)
		h.raw("</th>")
		h.element("td", "", c)
		h.element("td", "", s)
		h.raw("</tr>\n")
	}
	h.raw("</tbody></table></section>\n")
	h.knowledge(r)
	h.raw("</aside>\n")
}

// last is the last value of a variable at an end, of the connection of which it was seen last.
func (l *variables) last(host event.Host, variable int) string {
	for i := len(l.changes) - 1; i >= 0; i-- {
		if c := &l.changes[i]; c.variable == variable && c.end.host == host {
			return c.text
		}
	}
	return ""
}

// knowledge writes what each end knows at the end of the run.
func (h *htmlWriter) knowledge(r *Report) {
	h.raw(`<section aria-labelledby="h-knows"><h2 id="h-knows">What each end knows<span class="static"> at the end of the run</span></h2><div id="knows">`)
	for _, host := range [...]event.Host{event.Client, event.Server} {
		h.raw(`<div class="`, hostClass(host), `"><h3>`, host.String(), `</h3><ul>`)
		for _, k := range r.known.last(host) {
			h.raw(`<li class="v`, strconv.Itoa(int(k.verdict)), `"><b>`, k.verdict.String(), "</b> ")
			h.text(k.text)
			h.raw("</li>")
		}
		h.raw("</ul></div>")
	}
	h.raw("</div></section>\n")
}

// last gives what host knows at the end, by matter, on the connection of which was heard last.
func (l *knowledgeLog) last(host event.Host) (list []learned) {
	if len(l.list) == 0 {
		return nil
	}
	conn := l.list[len(l.list)-1].end.conn
	var at [analyze.FinAckArrived + 1]int
	for i := range l.list {
		if k := &l.list[i]; k.end == (endOf{host, conn}) && int(k.matter) < len(at) {
			at[k.matter] = i + 1
		}
	}
	for _, i := range at {
		if i > 0 && l.list[i-1].verdict != analyze.Nothing {
			list = append(list, l.list[i-1])
		}
	}
	return list
}
