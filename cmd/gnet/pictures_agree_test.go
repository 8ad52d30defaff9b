package main

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
	"gnet/stackprobe/view"
)

// shownSums are what a view says that an end has sent, lost on the link and retransmitted.
type shownSums struct{ Sent, Lost, Again int }

// bothEnds are the sums of the client and of the server.
type bothEnds [2]shownSums

// TestPictures_agree holds every view of every lesson to the events as JSON has them: the sums of the ladder, the summary and
// the page, the packets of the capture at each interface, and the marks and rows that stand for segments.
func TestPictures_agree(t *testing.T) {
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			events := lessonEvents(t, name)
			if events == nil {
				return // it is about the kernel's own conduct, in real time
			}
			want, packets := countedFromJSON(t, events)
			got := map[string]bothEnds{
				"ladder":  tailSums(t, pictureOf(t, events, makeLadder, view.Options{Width: 1000})),
				"window":  tailSums(t, pictureOf(t, events, makeWindow, view.Options{Width: 1000})),
				"plot":    tailSums(t, pictureOf(t, events, func(w io.Writer, o view.Options) eventView { return view.NewPlot(w, o) }, view.Options{Width: 1000})),
				"summary": tableSums(t, pictureOf(t, events, makeSummary, view.Options{Width: 1000})),
			}
			report := pictureOf(t, events, func(w io.Writer, o view.Options) eventView { return view.NewReport(w, o) }, view.Options{Unfold: true})
			got["page"] = pageSums(t, report)
			for of, sums := range got {
				if diff := cmp.Diff(want, sums); diff != "" {
					t.Errorf("%s (-events +shown):\n%s", of, diff)
				}
			}
			if diff := cmp.Diff(packets, capturedPackets(t, events)); diff != "" {
				t.Errorf("packets of the capture (-events +file):\n%s", diff)
			}
			rows, hidden := pageRows(t, report)
			for h := range rows {
				if n := rows[h] + hidden[h]; n != want[h].Sent {
					t.Errorf("page: %d rows and %d told in sentences for segments of the %v, want %d", rows[h], hidden[h], event.Host(h+1), want[h].Sent)
				}
			}
		})
	}
}

// pictureOf is what a view makes of events.
func pictureOf(t *testing.T, events []event.Event, make func(io.Writer, view.Options) eventView, o view.Options) string {
	t.Helper()
	var b bytes.Buffer
	v := make(&b, o)
	for i := range events {
		if err := v.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// countedFromJSON counts what the stacks and scripts have sent in the events as JSON, and the packets that passed each of the four
// taps.
func countedFromJSON(t *testing.T, events []event.Event) (sums bothEnds, packets [4]int) {
	t.Helper()
	crafted := map[int]bool{}
	for i := range events {
		var e struct {
			Event, Host, Crafted string
			Segment              int
			Derived              struct{ Repeat bool }
		}
		if err := json.Unmarshal(event.AppendJSON(nil, &events[i]), &e); err != nil {
			t.Fatal(err)
		}
		host := 0
		if e.Host == event.Server.String() {
			host = 1
		}
		injected := e.Crafted == "inject"
		switch e.Event {
		case "tx":
			if crafted[e.Segment] = injected; injected {
				break
			}
			sums[host].Sent++
			packets[2*host]++
			if e.Derived.Repeat {
				sums[host].Again++
			}
		case "rx", "icmp":
			packets[2*host+1]++
		case "lost":
			if !crafted[e.Segment] {
				sums[host].Lost++
			}
		}
	}
	return sums, packets
}

// tailSums reads the lines about both ends below a picture.
func tailSums(t *testing.T, picture string) (sums bothEnds) {
	t.Helper()
	_, below, found := strings.Cut(picture, "\nresult ")
	if !found {
		t.Fatal("the picture has no result")
	}
	for h, name := range [...]string{"client", "server"} {
		line := regexp.MustCompile(`(?m)^` + name + ` +(\d+) segments? sent(?:, (\d+) lost)?(?:, (\d+) retransmitted)?`).FindStringSubmatch(below)
		if line == nil {
			t.Fatalf("no sums of the %s in %q", name, below)
		}
		sums[h] = shownSums{Sent: figure(line[1]), Lost: figure(line[2]), Again: figure(line[3])}
	}
	return sums
}

// tableSums reads the first section of a summary, which is that of the whole run.
func tableSums(t *testing.T, picture string) (sums bothEnds) {
	t.Helper()
	head := regexp.MustCompile(`(?m)^(?:connection|all)\b.*client +server$`).FindString(picture)
	middle := strings.LastIndex(head, "server")
	if middle < 0 {
		t.Fatal("the summary has no table")
	}
	cells := func(name string) (both [2]string) {
		_, row, _ := strings.Cut(picture, "\n"+name)
		row, _, _ = strings.Cut(row, "\n")
		at := min(middle-len(name), len(row))
		return [2]string{strings.TrimSpace(row[:at]), strings.TrimSpace(row[at:])}
	}
	sent, again, link := cells("segments sent"), cells("retransmitted ~"), cells("on the link")
	for h := range sums {
		sums[h] = shownSums{Sent: leading(sent[h]), Lost: before(link[h], "lost"), Again: leading(again[h])}
	}
	return sums
}

// pageSums reads the table of the page.
func pageSums(t *testing.T, report string) (sums bothEnds) {
	t.Helper()
	cells := func(name string) (both [2]string) {
		_, row, found := strings.Cut(report, `<tr><th scope="row">`+name+"</th>")
		if !found {
			return both
		}
		row, _, _ = strings.Cut(row, "</tr>")
		for i, cell := range strings.SplitN(row, "<td>", 3)[1:] {
			both[i] = strings.TrimSuffix(cell, "</td>")
		}
		return both
	}
	sent, again, link := cells("segments sent"), cells("retransmitted ~"), cells("on the link")
	for h := range sums {
		sums[h] = shownSums{Sent: leading(sent[h]), Lost: before(link[h], "lost"), Again: leading(again[h])}
	}
	return sums
}

// pageRows counts the rows of the page's data that stand for segments of each end, and those told in a sentence instead.
func pageRows(t *testing.T, report string) (rows, hidden [2]int) {
	t.Helper()
	_, data, _ := strings.Cut(report, `<script type="application/json" id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	var page struct{ Rows, Sorts [][]any } // a row: three differences, its sort, its words; a sort: kind, host, ..., mark, head
	if err := json.Unmarshal([]byte(data), &page); err != nil {
		t.Fatal(err)
	}
	told := regexp.MustCompile(`the SYN again (\d+) times`)
	for _, row := range page.Rows {
		sort := page.Sorts[int(row[3].(float64))]
		host := int(sort[1].(float64)) - 1
		if host < 0 {
			continue
		}
		for _, cell := range append(sort[5:7:7], row[4:]...) {
			if m := told.FindStringSubmatch(cell.(string)); m != nil {
				hidden[host] += figure(m[1])
			}
		}
		if sort[0] == "tx" && !strings.HasPrefix(sort[5].(string), "injected") {
			rows[host]++
		}
	}
	return rows, hidden
}

// capturedPackets counts the packets of the capture at each of its interfaces, as the reader finds them.
func capturedPackets(t *testing.T, events []event.Event) (packets [4]int) {
	t.Helper()
	file := pictureOf(t, events, func(w io.Writer, _ view.Options) eventView { return capture.NewRun(w) }, view.Options{})
	for p, err := range capture.NewReader(strings.NewReader(file)).Packets() {
		if err != nil {
			t.Fatal(err)
		}
		packets[p.Interface]++
	}
	return packets
}

// leading is the number with which a text begins, 0 if with none.
func leading(s string) int {
	return figure(regexp.MustCompile(`^\d*`).FindString(s))
}

// before is the number before a word, 0 if there is none.
func before(s, word string) int {
	m := regexp.MustCompile(`(\d+) ` + word).FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	return figure(m[1])
}

// figure is the number that s is, 0 for none.
func figure(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
