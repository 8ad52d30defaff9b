package view

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/chart"
	"gnet/stackprobe/event"
)

// element is what a test needs of one element of a picture.
type element struct {
	name, class string
	attrs       map[string]string
	text        string // character data directly in it
}

// parseSVG reads a picture as XML, with all elements in document order.
func parseSVG(t *testing.T, b []byte) []element {
	t.Helper()
	var all []element
	var open []int
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, b)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			e := element{name: tok.Name.Local, attrs: map[string]string{}}
			for _, a := range tok.Attr {
				if _, twice := e.attrs[a.Name.Local]; twice {
					t.Errorf("<%s> has %s twice", e.name, a.Name.Local)
				}
				e.attrs[a.Name.Local] = a.Value
			}
			e.class = e.attrs["class"]
			all, open = append(all, e), append(open, len(all))
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(tok)
			}
		}
	}
	return all
}

// svgOf draws events.
func svgOf(t *testing.T, events []event.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	v := NewSVG(&b, Options{})
	for i := range events {
		if err := v.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// marksOf lists the marks of a picture as "class segment", in document order.
func marksOf(all []element) []string {
	var list []string
	for _, e := range all {
		if seg, ok := e.attrs["data-seg"]; ok && e.name == "g" {
			list = append(list, e.class+" "+seg)
		}
	}
	return list
}

// lossRun is a small run: the second of three segments of the client is lost and sent again after its timer.
func lossRun() []event.Event {
	m := &maker{}
	m.run("client> drop data 2")
	m.open()
	m.send(100, cl, event.StateEstablished, seg(event.ACK, 1, 1000, 1))
	m.lose(101, cl, event.StateEstablished, seg(event.ACK, 1001, 1000, 1), "client> drop data 2")
	m.send(102, cl, event.StateEstablished, seg(event.ACK|event.PSH, 2001, 1000, 1))
	m.send(120, sv, event.StateEstablished, seg(event.ACK, 1, 0, 1001))
	m.send(122, sv, event.StateEstablished, seg(event.ACK, 1, 0, 1001))
	m.evidence = event.Expired
	m.send(400, cl, event.StateEstablished, seg(event.ACK, 1001, 1000, 1))
	m.send(420, sv, event.StateEstablished, seg(event.ACK, 1, 0, 3001))
	return m.sorted()
}

func TestSVGMarks(t *testing.T) {
	all := parseSVG(t, svgOf(t, lossRun()))
	want := []string{
		"arrival 4", "arrival 6", "arrival 9", // in order, behind a hole, and what fills it
		"edge 2", "edge 7", "edge 10",
		"ack 2", "ack 7", "ack 10",
		"same 8",
		"data 4", "data 5", "data 6",
		"empty 3",
		"again 9",
		"syn 1",
		"lost 5",
	}
	got := marksOf(all)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

// TestSVGIsItself checks what holds for every picture: it refers to nothing outside itself, its ids are its own, and each mark
// names an event of the run.
func TestSVGIsItself(t *testing.T) {
	for name, events := range map[string][]event.Event{"loss": lossRun(), "long": longRun(), "empty": nil} {
		b := svgOf(t, events)
		ids := map[string]bool{}
		for _, e := range parseSVG(t, b) {
			if id := e.attrs["id"]; id != "" {
				if ids[id] || !strings.HasPrefix(id, "plot") {
					t.Errorf("%s: id %q", name, id)
				}
				ids[id] = true
			}
			if n, ok := e.attrs["data-n"]; ok && e.attrs["data-count"] == "" {
				i, err := strconv.Atoi(n)
				if err != nil || i < 1 || i > len(events) || strconv.Itoa(events[i-1].Seg.ID) != e.attrs["data-seg"] {
					t.Errorf("%s: <%s class=%q data-n=%q data-seg=%q> names no event", name, e.name, e.class, n, e.attrs["data-seg"])
				}
			}
		}
		for _, ref := range regexp.MustCompile(`(?i)(href|src|@import|url\(\s*[^#)]|<script|http)[^>]{0,40}`).FindAll(b, -1) {
			if !bytes.HasPrefix(ref, []byte("http://www.w3.org/2000/svg")) {
				t.Errorf("%s: %q", name, ref)
			}
		}
		for _, m := range regexp.MustCompile(`url\(#([^)]*)\)`).FindAllSubmatch(b, -1) {
			if !ids[string(m[1])] {
				t.Errorf("%s: no element %q", name, m[1])
			}
		}
	}
}

// TestSVGIDs puts two pictures into one document.
func TestSVGIDs(t *testing.T) {
	s := NewSequence()
	events := lossRun()
	for i := range events {
		s.Event(&events[i])
	}
	b := []byte("<html>")
	for _, id := range [...]string{"first", "second"} {
		b = s.AppendSVG(b, SVGOptions{ID: id, Inline: true, Width: 600})
	}
	var ids []string
	for _, e := range parseSVG(t, append(b, "</html>"...)) {
		if id := e.attrs["id"]; id != "" {
			ids = append(ids, id)
		}
	}
	sorted := slices.Sorted(slices.Values(ids))
	if len(ids) < 8 || len(slices.Compact(sorted)) != len(ids) {
		t.Errorf("ids %q", ids)
	}
}

// TestSVGHostile draws text that would break out.
func TestSVGHostile(t *testing.T) {
	const evil = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\u202e\ufffe\xff"
	m := &maker{}
	m.run(evil)
	m.events[0].Run.Title, m.events[0].Run.Scenario, m.events[0].Run.Look = evil, evil, evil
	m.events[0].Run.Client.Name = evil
	m.open()
	m.lose(100, cl, event.StateEstablished, seg(event.ACK, 1, 1000, 1), evil)
	b := svgOf(t, m.sorted())
	for _, e := range parseSVG(t, b) {
		if e.name == "script" {
			t.Errorf("a script got in:\n%s", b)
		}
	}
	if bytes.ContainsAny(b, "\x00\x1b\u202e") {
		t.Errorf("control characters got in")
	}
}

// Whatever is text stands out from its ground by 4.5 or more (WCAG 2.2, 1.4.3), on both grounds, in files and on pages.
func TestPalette_contrast(t *testing.T) {
	light := func(hex string) float64 {
		sum := 0.0
		for i, share := range [...]float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += share * v
		}
		return sum + 0.05
	}
	ratio := func(a, b string) float64 { x, y := light(a), light(b); return max(x, y) / min(x, y) }
	page := make([]chart.Colour, 0, len(reportColours))
	for _, c := range reportColours {
		page = append(page, chart.Colour{Name: c.name, Light: c.light, Dark: c.dark})
	}
	for _, list := range [][]chart.Colour{chart.Palette(), page} {
		for _, c := range list {
			if slices.Contains([]string{"bg", "panel", "grid", "edge", "rail", "mark", "tint", "acked"}, c.Name) {
				continue // a ground or a line
			}
			if one, two := ratio(c.Light, list[0].Light), ratio(c.Dark, list[0].Dark); one < 4.5 || two < 4.5 {
				t.Errorf("%s: %.1f on light, %.1f on dark", c.Name, one, two)
			}
		}
	}
}
