package view

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// plotOf draws events in a terminal.
func plotOf(t *testing.T, events []event.Event, o Options) string {
	t.Helper()
	var b bytes.Buffer
	v := NewPlot(&b, o)
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

// uncoloured takes the tints away.
func uncoloured(s string) string {
	for _, t := range [...]tint{tintDim, tintRed, tintGreen, tintGold, tintOrange, tintBlue, tintViolet} {
		s = strings.ReplaceAll(s, fmt.Sprintf("\x1b[38;5;%dm", t), "")
	}
	return s
}

// TestPlotRows checks that no row is wider than the terminal and no byte is one that it obeys, at every width.
func TestPlotRows(t *testing.T) {
	for i, run := range baseRuns {
		for _, o := range []Options{{Width: 40}, {Width: 57, ASCII: true}, {Width: 80, Color: true}, {Width: 133}, {Width: 300, ASCII: true, Color: true}} {
			if wrong := checkRows(uncoloured(plotOf(t, run(), o)), o); wrong != "" {
				t.Errorf("run %d: %s", i, wrong)
			}
		}
	}
}

// TestPlotSequence draws a small run in ASCII.
func TestPlotSequence(t *testing.T) {
	events := lossRun()
	got := plotOf(t, events, Options{Width: 60, ASCII: true})
	got = got[strings.Index(got, "connection 1"):strings.Index(got, "congestion window and")]
	want := `connection 1: sequence numbers, client to server
  3000 octets in 6 segments, at the client's tap,
  10.7.0.1:40000 to 10.7.0.2:7000
  the window's right edge is above, up to 68537
         |                                   : :
      3k +                         |    :    : :          -
         |                         |    :    : :          '
         |                         |    :    : :          '
         |                         |    :    : :          '
         |                         |    :    : :          '
         |                         |    :    : :          '
      2k +                         |    :    : : |   :    '
         |                         |         : : |   :    '
         |                         |         : : |   :    '
         |                         x       R ~rto|   :    '
         |                         |         : : |   :    '
         |                         |         : : |   :    '
      1k +                         |   :    -----|--------'
         |                         |   :    ': :
         |                         |   :    ': :
         |                         |   :    ': :
         |SYN                      |   :    ': :
       0 + |        |--------------|--------': :
         |                                 +249 ms
         +-+-----------+-----------+-------------+----------
           0          50          100           400       ms

`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCanvas draws each kind of line.
func TestCanvas(t *testing.T) {
	draw := func(ascii bool) (rows []string) {
		c := newCanvas(6, 2, ascii)
		whole, dotted := &pen{ascii: '|'}, &pen{ascii: '=', gap: 1}
		c.upright(0, -9, 99, whole)
		c.level(c.dw, 99, 0, dotted)
		c.below(3*c.dw, c.dh, &pen{ascii: ':'})
		c.dot(-1, -1, whole)
		c.dot(99, 99, whole)
		for _, s := range [...]struct {
			x, y int
			text string
			free bool
			want bool
		}{{4, 1, "R", true, true}, {4, 1, "x", false, false}, {0, 0, "x", true, false}, {2, 0, "é", false, true}, {5, 1, "xx", false, false}, {-1, 0, "xx", false, false}} {
			if got := c.write(s.x, s.y, s.text, tintRed, s.free); got != s.want {
				t.Errorf("write %q at %d,%d: %t", s.text, s.x, s.y, got)
			}
		}
		for y := range c.h {
			rows = append(rows, string(c.appendRow(nil, y, false)))
		}
		return rows
	}
	got := append(draw(false), draw(true)...)
	want := []string{
		"⡇⠁é⠁⠁⠁",
		"⡇  ⠅R",
		"|=é===",
		"|  :R",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c := newCanvas(3, 1, true)
	c.write(0, 0, "ab", tintRed, true)
	c.write(2, 0, "c", tintNone, true)
	if diff := cmp.Diff("\x1b[38;5;202mab\x1b[0mc", string(c.appendRow(nil, 0, true))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMarksFold adds more marks than there is room for: none is lost, the bounds hold, and runs span what they hold.
func TestMarksFold(t *testing.T) {
	m := plotMarks{room: maxMarks}
	const n = 100_000
	for i := range int64(n) {
		m.add(plotMark{t: i * i, last: i * i, lo: i, hi: i + 10, end: i + 10, n: int(i), seg: int(i)})
		if len(m.list) > maxMarks {
			t.Fatalf("%d marks", len(m.list))
		}
	}
	next, folded := int64(0), 0
	for i := range m.list {
		k := &m.list[i]
		last := next + int64(k.count) - 1
		want := plotMark{t: next * next, last: last * last, lo: next, hi: last + 10, end: last + 10, n: int(next), seg: int(next), count: k.count}
		if diff := cmp.Diff(want, *k, cmp.AllowUnexported(plotMark{})); diff != "" {
			t.Fatalf("mark %d (-want +got):\n%s", i, diff)
		}
		next += int64(k.count)
		if k.count > 1 {
			folded += k.count
		}
	}
	if next != n || folded != m.folded || len(m.list) < maxMarks/4 {
		t.Errorf("%d marks in %d, %d folded, said to be %d", next, len(m.list), folded, m.folded)
	}
}

// TestMarksFoldOneMoment adds marks that all have the same time.
func TestMarksFoldOneMoment(t *testing.T) {
	m := plotMarks{room: fewMarks}
	for i := range int64(3 * fewMarks) {
		m.add(plotMark{t: maxMoment, last: maxMoment, lo: i, hi: i, end: i})
	}
	if len(m.list) != 1 || m.list[0].count != 3*fewMarks || m.list[0].hi != 3*fewMarks-1 {
		t.Errorf("%d marks, the first %+v", len(m.list), m.list[0])
	}
}

func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name    string
		moments []int64
		cuts    []int64 // the moments before the cut times
	}{
		{"even", []int64{0, 100 * ms, 200 * ms, 300 * ms}, nil},
		{"late close", []int64{0, 40 * ms, 1040 * ms, 1080 * ms}, []int64{40 * ms}},
		{"doubling timer", []int64{0, 200 * ms, 600 * ms, 1400 * ms, 3000 * ms, 6200 * ms, 6240 * ms}, nil},
		{"two", []int64{0, 40 * ms, 1040 * ms, 61040 * ms, 61080 * ms}, []int64{40 * ms, 1040 * ms}},
		{"microseconds", []int64{0, 1, 9000}, nil},
		{"one", []int64{5}, nil},
		{"none", nil, nil},
	} {
		l := newTimeline(append([]int64(nil), c.moments...))
		var cuts []int64
		at := -1.0
		for i, k := range l.knots {
			if k.at < at || i > 0 && k.t < l.knots[i-1].t {
				t.Errorf("%s: knots %v", c.name, l.knots)
			}
			at = k.at
			if k.cut {
				before := int64(-1)
				for _, m := range c.moments {
					if m <= k.t {
						before = m
					}
				}
				cuts = append(cuts, before)
			}
		}
		if diff := cmp.Diff(c.cuts, cuts); diff != "" {
			t.Errorf("%s: cuts (-want +got):\n%s", c.name, diff)
		}
		if l.knots[0].at != 0 || l.knots[len(l.knots)-1].at != 1 {
			t.Errorf("%s: the axis does not fill its width: %v", c.name, l.knots)
		}
		for _, m := range c.moments {
			if p := l.at(m); p < 0 || p > 1 || l.moment(p) < m-max(l.shown()/1e6, 2) || l.moment(p) > m+max(l.shown()/1e6, 2) {
				t.Errorf("%s: %d stands at %v, which is %d", c.name, m, p, l.moment(p))
			}
		}
	}
}

// TestSequenceChoice makes more connections than are drawn: those with data come first, and the rest is counted.
func TestSequenceChoice(t *testing.T) {
	m := &maker{}
	m.run()
	for conn := 1; conn <= maxPlotted+6; conn++ {
		from := len(m.events)
		m.open()
		if conn >= 10 && conn%2 == 0 {
			m.send(100, cl, event.StateEstablished, seg(event.ACK, 1, 1000, 1))
		}
		for i := range m.events[from:] {
			e := &m.events[from+i]
			e.Conn = conn
		}
	}
	s := NewSequence()
	events := m.sorted()
	for i := range events {
		s.Event(&events[i])
	}
	list := s.layout(0)
	var conns []int
	for i := range list {
		if list[i].kind == panelSequence {
			conns = append(conns, list[i].conn)
		}
	}
	if diff := cmp.Diff([]int{10, 12, 14, 16}, conns); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
	want := []string{"66 connections with 225 segments not drawn; --conn chooses"}
	if diff := cmp.Diff(want, plotNotes(s, list)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// Any stream of events: a terminal's rows are well formed, and the file is XML.
func FuzzPlot(f *testing.F) {
	for i := range baseRuns {
		f.Add(uint8(i), uint8(80), uint8(i), []byte(nil))
		f.Add(uint8(i), uint8(45+17*i), uint8(i), []byte{13, 0, 30, 0x1b, 0xe2, 0x80, 0xae, 9, 0, 20, 0x7f, 0xff, 0xff, 0xff, 3, 0, 25, 0x80, 0, 0, 31})
	}
	f.Fuzz(func(t *testing.T, run, width, opts uint8, ops []byte) {
		o := Options{Width: max(int(width), 40), ASCII: opts&1 != 0, Color: opts&2 != 0}
		events := damage(baseRuns[int(run)%len(baseRuns)](), ops)
		if wrong := checkRows(uncoloured(plotOf(t, events, o)), o); wrong != "" {
			t.Fatal(wrong)
		}
		file := svgOf(t, events)
		d := xml.NewDecoder(bytes.NewReader(file))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v\n%s", err, file)
			}
		}
		if !utf8.Valid(file) || strings.Contains(string(file), "NaN") {
			t.Fatalf("not a picture:\n%s", file)
		}
	})
}

// TestPlotGoodput_unseen draws what arrived in order where nobody sees what the application reads, and says so.
func TestPlotGoodput_unseen(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*event.Run)
		want   string
	}{
		{"our own", func(*event.Run) {}, "octets that the application read per second, over the"},
		{"a program", func(r *event.Run) { r.Programs[event.Server] = "nc -l" }, "~ octets that arrived in order per second, over the"},
		{"a capture", func(r *event.Run) { r.World = event.TapWorld }, "~ octets that arrived in order per second, over the"},
	} {
		events := lossRun()
		c.change(events[0].Run)
		if c.want[0] != '~' {
			read := event.Event{T: 130e6, N: 90, Kind: event.KindApp, Host: sv, Conn: 1, App: event.App{Call: event.Receive, Bytes: 1000}}
			events = slices.Insert(events, slices.IndexFunc(events, func(e event.Event) bool { return e.T > read.T }), read)
		}
		var svg bytes.Buffer
		v := NewSVG(&svg, Options{})
		for i := range events {
			if err := v.Event(&events[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		for _, picture := range []string{plotOf(t, events, Options{Width: 100}), svg.String()} {
			_, below, found := strings.Cut(picture, "goodput, client to server")
			if !found || !strings.Contains(below, c.want) {
				t.Errorf("%s: no %q below goodput, client to server", c.name, c.want)
			}
		}
		if computed := strings.Contains(svg.String(), `<path class="goodput computed"`); computed != (c.want[0] == '~') {
			t.Errorf("%s: computed is %v", c.name, computed)
		}
	}
}
