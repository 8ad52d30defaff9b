package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"gnet/stackprobe/event"
)

// reported writes the report of events.
func reported(t testing.TB, events []event.Event, o Options) string {
	t.Helper()
	var b bytes.Buffer
	r := NewReport(&b, o)
	for i := range events {
		if err := r.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// pageData is what the script of a report gets.
type pageData struct {
	Schema string
	End    int64
	Looks  []string
	Rows   [][]any
	Vars   [][]any
	Knows  [][]any
	Space  [][]any
	Sorts  [][]any
	Limits []string
}

// expand gives the rows as the script has them: number, time, kind, host, connection, segment, look, rank, mark, head, body, more.
func (d *pageData) expand() (wrong string) {
	n, t, seg := 0.0, 0.0, 0.0
	for i, r := range d.Rows {
		if at := int(r[3].(float64)); at >= len(d.Sorts) || len(d.Sorts[at]) != 7 {
			return "row " + strconv.Itoa(i) + " is of no sort"
		}
		s := d.Sorts[int(r[3].(float64))]
		n, t, seg = n+r[0].(float64), t+r[1].(float64), seg+r[2].(float64)
		words := append(slices.Clone(r[4:]), "", "")
		d.Rows[i] = []any{n, t, s[0], s[1], s[2], seg, s[3], s[4], s[5], s[6], words[0], words[1]}
	}
	return ""
}

// inspect reads a page as a browser would and returns what is wrong with it: an element or an attribute that no page of ours has, a
// reference to anything outside, data that are no JSON, elements that are not closed.
func inspect(page string) (data pageData, wrong string) {
	tags := strings.Fields("html head meta title style body svg defs marker path header div p h1 h2 h3 strong span a nav button input output main section ol li time i b " +
		"aside table caption thead tbody tr th td ul code dl dt dd dialog kbd form script line rect circle g text clipPath")
	attrs := strings.Fields("lang charset http-equiv content name width height class aria-hidden id viewBox refX refY markerWidth markerHeight markerUnits orient d fill " +
		"aria-label aria-labelledby aria-live title hidden preserveAspectRatio type min max step value for href tabindex role data-seg data-n data-go data-var x y x1 x2 y1 y2 scope method " +
		"xmlns data-host data-conn data-time data-y0 data-y1 data-range data-window data-count clip-path transform rx cx cy r text-anchor fill-opacity overflow")
	void := strings.Fields("meta input")
	var open []string
	scripts := 0
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			switch {
			case !errors.Is(z.Err(), io.EOF):
				return data, z.Err().Error()
			case len(open) > 0:
				return data, "not closed: " + strings.Join(open, " ")
			case scripts != 3:
				return data, strconv.Itoa(scripts) + " scripts"
			case data.Schema != "gnet/trace-html/1":
				return data, "schema " + data.Schema
			}
			return data, data.expand()
		case html.StartTagToken, html.SelfClosingTagToken:
			raw := string(z.Raw())
			tok := z.Token()
			if !slices.ContainsFunc(tags, func(s string) bool { return strings.EqualFold(s, tok.Data) }) {
				return data, "element " + raw
			}
			isData, isJSON := false, false
			for _, a := range tok.Attr {
				switch {
				case !slices.ContainsFunc(attrs, func(s string) bool { return strings.EqualFold(s, a.Key) }):
					return data, "attribute " + a.Key + " in " + raw
				case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
					return data, "reference " + raw
				case a.Key != "xmlns" && (strings.Contains(a.Val, "://") || strings.Contains(a.Val, "url(") && !strings.Contains(a.Val, "url(#")):
					if !slices.Contains([]string{"title", "content"}, a.Key) { // words from outside
						return data, "address in " + raw
					}
				}
				isData = isData || a.Key == "id" && a.Val == "data"
				isJSON = isJSON || a.Key == "type" && a.Val == "application/json"
			}
			if tok.Data == "script" {
				scripts++
				z.Next()
				if text := z.Raw(); isJSON && !json.Valid(text) {
					return data, "no JSON in " + raw
				} else if isData {
					if err := json.Unmarshal(text, &data); err != nil {
						return data, "data: " + err.Error()
					}
				}
				z.Next()
				continue
			}
			if tok.Type == html.StartTagToken && !slices.Contains(void, tok.Data) {
				open = append(open, tok.Data)
			}
		case html.EndTagToken:
			tok := z.Token()
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				return data, "</" + tok.Data + "> closes " + strings.Join(open, " ")
			}
			open = open[:len(open)-1]
		}
	}
}

// A page needs nothing besides itself, is the same for the same events, and its data are what its ladder shows.
func TestReport_page(t *testing.T) {
	for i, run := range append(baseRuns[:len(baseRuns):len(baseRuns)], waitsRun, lessonRun, func() []event.Event { return nil }) {
		page := reported(t, run(), Options{})
		data, wrong := inspect(page)
		if wrong != "" {
			t.Errorf("run %d: %s", i, wrong)
		}
		if again := reported(t, run(), Options{}); again != page {
			t.Errorf("run %d: two pages differ", i)
		}
		if n := strings.Count(page, `<li class="row `); n != len(data.Rows) {
			t.Errorf("run %d: %d rows without a script, %d with it", i, n, len(data.Rows))
		}
	}
	for _, part := range []string{reportStyle, reportScript, reportPlots, reportHands} {
		for _, word := range []string{"http", "url(//", "@import", "import(", "fetch(", "XMLHttp", "eval(", "innerHTML", "</script"} {
			if strings.Contains(part, word) {
				t.Errorf("script or style has %q", word)
			}
		}
	}
}

// rowTexts are the rows of a report in one line each.
func rowTexts(t *testing.T, events []event.Event) []string {
	t.Helper()
	data, wrong := inspect(reported(t, events, Options{}))
	if wrong != "" {
		t.Fatal(wrong)
	}
	var list []string
	for _, r := range data.Rows {
		words := []string{strconv.FormatFloat(r[1].(float64)/ms, 'f', -1, 64), r[2].(string), event.Host(r[3].(float64)).String(), data.Looks[int(r[6].(float64))]}
		for _, w := range r[8:] {
			words = append(words, w.(string))
		}
		list = append(list, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	}
	return list
}

// A loss, what it causes and what ends it, row by row.
func TestReport_rows(t *testing.T) {
	want := strings.Split(`40 tx client ACK 1421:2841 ack 1 win 65536
40 lost client bad lost client> drop data 2
40 tx client ACK 2841:4261 ack 1 win 65536
40 tx client ACK 4261:5681 ack 1 win 65536
40 tx client ACK 5681:7101 ack 1 win 65536
60 rx server ack 1
60 state server state ESTABLISHED
60 app server faint accept
60 rx server 1:1421
60 rx server 2841:4261
60 rx server 4261:5681
60 rx server 5681:7101
60 tx server ACK ack 1421 win 65536
60 tx server ACK ack 1421 win 65536 sack 2841:4261
60 tx server ACK ack 1421 win 65536 sack 2841:5681
60 tx server ACK ack 1421 win 65536 sack 2841:7101
80 rx client ack 1421
80 rx client again ack 1421 dup 1
80 rx client again ack 1421 dup 2
80 rx client again ack 1421 dup 3
80 tx client again R ~fast ACK 1421:2841 ack 1 win 65536
100 rx server again 1421:2841
100 app server faint read 7100`, "\n")
	got := rowTexts(t, lostRun())
	if diff := cmp.Diff(want, got[14:14+len(want)]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A silence has a row, and what an expectation or a warning says is there.
func TestReport_silence(t *testing.T) {
	got := rowTexts(t, timeoutRun())
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, " s of silence") }) {
		t.Errorf("no row tells of a silence:\n%s", strings.Join(got, "\n"))
	}
}

// hostile is what must not get out of where it stands.
const hostile = `</script><img src=x onerror=alert(1)>"'><svg/onload=alert(2)>&lt;--></script x=1 <!--<script ` + "\x1b[2J\u202e\u2028\xff"

// hostileRun has it in every text.
func hostileRun() []event.Event {
	events := kindsRun()
	for i := range events {
		e := &events[i]
		e.Rule, e.Text, e.App.Err, e.Fault.Rule, e.Check.Name = hostile, hostile, hostile, hostile, hostile
		if e.Run != nil {
			r := *e.Run
			r.World, r.Why, r.Version, r.Scenario, r.Title, r.Look = hostile, hostile, hostile, hostile, hostile, hostile
			r.Faults, r.Crafted, r.Pinned, r.Unpinned = []string{hostile}, []string{hostile}, []string{hostile}, []string{hostile}
			r.Client = event.Stack{Name: hostile, CC: hostile, Recovery: hostile, Addr: hostile, Options: hostile}
			r.Programs[event.Server] = hostile
			e.Run = &r
		}
		if e.End != nil {
			e.End = &event.End{Reason: hostile}
		}
		for k := range e.Counters {
			e.Counters[k].Name = hostile
		}
	}
	last := events[len(events)-1]
	events[len(events)-1] = event.Event{T: last.T, N: last.N, Kind: event.KindExpectation,
		Expectation: &event.Expectation{Text: hostile, Verdict: event.Fail, Found: hostile, N: 3}}
	return append(events, event.Event{T: last.T, N: last.N + 1, Kind: event.KindNote, Text: hostile}, event.Event{T: last.T, N: last.N + 2, Kind: event.KindApp,
		Host: cl, App: event.App{Call: event.Failed, Err: hostile}}, event.Event{T: last.T, N: last.N + 3, Kind: event.KindEnd, End: &event.End{Reason: hostile}})
}

// No text from outside is taken for anything but text.
func TestReport_hostile(t *testing.T) {
	page := reported(t, hostileRun(), Options{})
	data, wrong := inspect(page)
	if wrong != "" {
		t.Fatal(wrong)
	}
	if strings.ContainsAny(page, "\x1b\u202e\u2028\xff") {
		t.Error("the page has bytes that a reader cannot see")
	}
	text := `</script><img src=x onerror=alert(1)>"'><svg/onload=alert(2)>&lt;--></script x=1 <!--<script \x1b[2J\xe2\x80\xae\xe2\x80\xa8\xff`
	if n := len(data.Rows); n == 0 || !slices.ContainsFunc(data.Rows, func(r []any) bool { return r[10] == text }) {
		t.Errorf("none of %d rows has the text as it is", n)
	}
}

// Any stream of events gives a page that is whole.
func FuzzReport(f *testing.F) {
	for i := range baseRuns {
		f.Add(uint8(i), uint8(i), []byte(nil))
		f.Add(uint8(i), uint8(i+1), []byte{13, 0, 30, 0x3c, 0x2f, 0x73, 0x63, 9, 0, 20, 0x7f, 0xff, 0xff, 0xff, 3, 0, 25, 0x80, 0, 0, 31})
	}
	f.Fuzz(func(t *testing.T, run, opts uint8, ops []byte) {
		events := damage(baseRuns[int(run)%len(baseRuns)](), ops)
		if _, wrong := inspect(reported(t, events, Options{Unfold: opts&1 != 0, Absolute: opts&2 != 0})); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

// What is beyond the bound is counted and said, and the sums count all.
func TestReport_bound(t *testing.T) {
	m := &maker{clock: event.Virtual}
	m.run()
	m.open()
	for i := range maxReportRows / 2 {
		m.send(100+float64(i)/100, cl, event.StateEstablished, seg(event.ACK, uint32(i*10+1), 10, 1))
	}
	m.lose(100+maxReportRows/2/100+50, cl, event.StateEstablished, seg(event.ACK, maxReportRows*5+1, 10, 1), "client> drop data 50000")
	events := m.sorted()
	var b bytes.Buffer
	r := NewReport(&b, Options{})
	for i := range events {
		if err := r.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.rows) != maxReportRows || r.over.rows == 0 || r.over.lost != 1 {
		t.Fatalf("%d rows are kept, %+v beyond", len(r.rows), r.over)
	}
	sent := 0
	for i := range r.rows {
		if r.rows[i].kind == event.KindTx {
			sent++
		}
	}
	if got, want := sent+r.over.sent, r.figures.Sums.Client.Segments+r.figures.Sums.Server.Segments; got != want {
		t.Errorf("%d departures are kept or counted, %d were made", got, want)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if want := "The run goes on behind this: " + counted(r.over.rows, "row") + " more from "; !strings.Contains(b.String(), want) {
		t.Errorf("the page does not say %q", want)
	}
	if n := strings.Count(b.String(), `<li class="row `); n > maxStatic {
		t.Errorf("the ladder without a script has %d rows, want at most %d", n, maxStatic)
	}
}

// Runs of plain rows are told together, the rest stays as long as there is room.
func TestFoldRows(t *testing.T) {
	var rows []reportRow
	for i := range 100 {
		x := reportRow{kind: event.KindTx, host: event.Client, head: "ACK", n: i}
		switch i % 25 {
		case 3:
			x = reportRow{kind: event.KindLost, look: lookBad, n: i}
		case 14:
			x = reportRow{kind: event.KindState, look: lookState, n: i}
		}
		rows = append(rows, x)
	}
	folded, index := foldRows(rows, 60)
	if len(folded) > 60 || !slices.IsSorted(index) || index[99] != len(folded)-1 {
		t.Errorf("%d rows, the last at %d", len(folded), index[99])
	}
	for i, x := range rows {
		if f := &folded[index[i]]; (x.look == lookBad || x.look == lookState) && f.n != x.n {
			t.Errorf("row %d is told with others: %+v", i, f)
		}
	}
	if folded, _ := foldRows(rows, 100); len(folded) != 100 {
		t.Errorf("%d rows though there is room for all", len(folded))
	}
	folded, _ = foldRows(rows, 10)
	if diff := cmp.Diff("14 rows: 13 segments from the client, 0 from the server, 1 lost", folded[0].body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range folded {
		if strings.Contains(folded[i].body, "rows") == (folded[i].look == lookState) {
			t.Errorf("%+v: a change of state is never told with others", folded[i])
		}
	}
}

// Where each segment goes: one that arrives, one that the link takes, one that it copies, one of which nothing more is heard.
func TestArrows(t *testing.T) {
	rows := []reportRow{
		{kind: event.KindTx, host: event.Client, seg: 1, n: 1},
		{kind: event.KindTx, host: event.Client, seg: 2, n: 2, look: lookAgain},
		{kind: event.KindLost, host: event.Client, seg: 2, n: 3},
		{kind: event.KindRx, host: event.Server, seg: 1, n: 4},
		{kind: event.KindRx, host: event.Server, seg: 1, n: 5},
		{kind: event.KindLost, host: event.Server, seg: 9, n: 6},
		{kind: event.KindTx, host: event.Server, seg: 3, n: 7},
		{kind: event.KindApp, host: event.Server, n: 8},
	}
	want := []arrow{
		{from: 0, to: 3, seg: 1, n: 1, host: event.Client},
		{from: 1, to: 2, seg: 2, n: 2, host: event.Client, look: lookBad, end: isLost},
		{from: 4, to: 4, seg: 1, n: 5, host: event.Client, look: lookAgain},
		{from: 6, to: 7, seg: 3, n: 7, host: event.Server, end: isUnknown},
	}
	if diff := cmp.Diff(want, arrows(rows), cmp.AllowUnexported(arrow{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A variable is told where it changes, relative to the initial number, and marked where the stack did not show it.
func TestVariables(t *testing.T) {
	var l variables
	var over overflow
	e := event.Event{Conn: 1, Host: cl, Vars: event.Vars{Has: event.HasISS | event.HasUna | event.HasCwnd | event.HasSsthresh, How: event.Read,
		Computed: event.HasCwnd, ISS: 1000, Una: 1500, Cwnd: 10, Ssthresh: event.InfiniteSsthresh}}
	l.add(0, &e, false, &over)
	l.add(1, &e, false, &over)
	e.Vars.Una, e.Vars.Has = 1600, e.Vars.Has&^event.HasISS
	l.add(2, &e, false, &over)
	l.add(3, &e, true, &over)
	var got []string
	for _, c := range l.changes {
		got = append(got, strconv.Itoa(c.row)+" "+l.list[c.variable].name+" "+c.text)
	}
	want := []string{"0 congestion window, segments ~10", "0 slow start threshold none yet", "0 SND.UNA 500", "2 SND.UNA raw 1600", "3 SND.UNA 1600"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A writer that fails is told of, once.
func TestReport_writerFails(t *testing.T) {
	w := &failing{}
	r := NewReport(w, Options{})
	for _, e := range plainRun() {
		if err := r.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); !errors.Is(err, errFull) || w.after != -1 {
		t.Errorf("%v, %d writes after the failure", err, -1-w.after)
	}
}
