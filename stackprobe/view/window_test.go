package view

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// drawWindow gives the window view of events, in which what follows from them is derived anew.
func drawWindow(t testing.TB, events []event.Event, o Options) string {
	t.Helper()
	var b bytes.Buffer
	w, track := NewWindow(&b, o), analyze.New()
	for i := range events {
		e := events[i]
		e.N = i + 1
		track.Add(&e)
		if err := w.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// slideRun is a transfer of so many segments of 100 octets through a window of 300, all that fit at a time; base is the client's initial
// number, and after the shrinkAt-th round the server announces half of it.
func slideRun(rounds, shrinkAt int, base uint32) []event.Event {
	id := 0
	segment := func(from event.Host, flags event.Flags, seq, ack uint32, n int, win uint16) event.Segment {
		id++
		s := event.Segment{ID: id, Flags: flags, Seq: base + seq, Ack: 7000 + ack, Len: n, Win: win}
		if from == event.Server {
			s.Seq, s.Ack = 7000+seq, base+ack
		}
		return s
	}
	var all []event.Event
	now := int64(0)
	pass := func(from event.Host, s event.Segment) {
		all = append(all, event.Event{T: now, Conn: 1, Kind: event.KindTx, Host: from, Seg: s},
			event.Event{T: now + 20*ms, Conn: 1, Kind: event.KindRx, Host: from.Peer(), Seg: s})
	}
	syn, synAck := segment(event.Client, event.SYN, 0, 0, 0, 500), segment(event.Server, event.SYN|event.ACK, 0, 1, 0, 300)
	syn.Ack = 0
	all = append(all, event.Event{Kind: event.KindState, Conn: 1, Host: event.Client, State: event.SynSent})
	pass(event.Client, syn)
	now += 20 * ms
	pass(event.Server, synAck)
	now += 20 * ms
	all = append(all, event.Event{T: now, Kind: event.KindState, Conn: 1, Host: event.Client, State: event.StateEstablished},
		event.Event{T: now, Kind: event.KindApp, Conn: 1, Host: event.Client, App: event.App{Call: event.Write, Bytes: rounds*300 + 1}})
	for i := range rounds {
		start := len(all)
		for k := range 3 {
			pass(event.Client, segment(event.Client, event.ACK, uint32(1+i*300+k*100), 1, 100, 500))
		}
		sortByTime(all[start:])
		now += 20 * ms
		win := uint16(300)
		if i+1 == shrinkAt {
			win = 150
		}
		all = append(all, event.Event{T: now, Kind: event.KindApp, Conn: 1, Host: event.Server, App: event.App{Call: event.Receive, Bytes: 300}})
		pass(event.Server, segment(event.Server, event.ACK, 1, uint32(301+i*300), 0, 300))
		if i+1 == shrinkAt {
			start = len(all)
			pass(event.Server, segment(event.Server, event.ACK, 1, uint32(301+i*300), 0, win))
			sortByTime(all[start-2:])
		}
		now += 20 * ms
	}
	return all
}

func sortByTime(events []event.Event) {
	for i := range events {
		for k := i; k > 0 && events[k].T < events[k-1].T; k-- {
			events[k], events[k-1] = events[k-1], events[k]
		}
	}
}

// stripsOf gives the strips of a picture in their order.
func stripsOf(picture string) []string {
	var rows []string
	for row := range strings.Lines(picture) {
		if (strings.HasPrefix(row, "client ") || strings.HasPrefix(row, "server ")) && strings.ContainsAny(row, "█─░·▒▓") {
			rows = append(rows, strings.TrimRight(row, "\n"))
		}
	}
	return rows
}

// The strips of a window that slides, to scale, at a width that can be counted by hand: 33 columns of 30 octets.
func TestWindow_strips(t *testing.T) {
	got := drawWindow(t, slideRun(2, 0, 1000), Options{Width: 40})
	want := []string{
		"client ██████████w······················", "server ░░░░░░░░░░w······················",
		"client ██████████w······················", "server ──────────░░░░░░░░░░w············",
		"client ──────────██████████w············", "server ──────────░░░░░░░░░░w············",
		"client ──────────██████████w············", "server ────────────────────░░░░░░░░░░w··",
		"client ────────────────────░░░░░░░░░░w··", "server ────────────────────░░░░░░░░░░w··",
	}
	if diff := cmp.Diff(want, stripsOf(got)); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, got)
	}
}

// A hole is seen at the receiver and in the sender's scoreboard, however short it is, and the page is turned where the octets leave it.
func TestStrips_hole(t *testing.T) {
	s := analyze.Space{Sender: event.Server, Has: ^analyze.SpaceSet(0), Una: 101, Nxt: 401, Edge: 501, Cwnd: 350, CwndSegments: 4, InFlight: 3, MSS: 100,
		Sacked: []event.Range{{First: 201, Last: 301}}, RcvNxt: 101, RcvEdge: 501, Unread: 50, Held: []event.Range{{First: 103, Last: 401}}}
	for _, c := range []struct {
		scale       scale
		sent, taken string
	}{
		{scale{1, 10}, "server ──────────██████████▓▓▓▓▓▓▓▓▓▓██████████░░░░░c╌╌╌╌w············", "client ─────▒▒▒▒▒ ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░w············"},
		{scale{1, 100}, "server ─█▓█cw·························································", "client ▒ ▓▓░w·························································"},
		{scale{1, 5}, "", ""},
		{scale{401, 2}, "server ░░░░░░░░░░░░░░░░░░░░░░░░░c╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌w············", "client ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░w············"},
	} {
		var b bytes.Buffer
		p := page{w: &b, opts: Options{Width: 70}, glyphs: unicodeGlyphs}
		p.sendStrip(&s, &c.scale)
		p.receiveStrip(&s, &c.scale)
		if c.sent == "" { // the edges lie beyond
			if got := strings.Count(b.String(), "►\n"); got != 2 {
				t.Errorf("%d arrows, want 2:\n%s", got, b.String())
			}
			continue
		}
		if diff := cmp.Diff(c.sent+"\n"+c.taken+"\n", b.String()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.scale, diff)
		}
	}
}

// The scale: the window takes a third, the page is turned when what was sent leaves it, and the steps are round.
func TestScale_fit(t *testing.T) {
	s := analyze.Space{Has: ^analyze.SpaceSet(0), Una: 1, Nxt: 1, RcvNxt: 1, Edge: 8001, Cwnd: 100000, MSS: 1420}
	var c scale
	var got []scale
	for _, nxt := range []int64{1, 8001, 20001, 32001, 64001, 96001, 200001} {
		s.Una, s.Nxt, s.RcvNxt, s.Edge = max(nxt-8000, 1), nxt, nxt, nxt+8000
		if c.fit(&s, 80) {
			got = append(got, c)
		}
	}
	s.Nxt, s.Flight = s.Nxt+90000, 98000
	if !c.fit(&s, 80) {
		t.Error("what is in flight does not fit, and the scale stays")
	}
	got = append(got, c)
	want := []scale{{1, 400}, {52001, 400}, {84001, 400}, {188001, 400}, {152001, 4000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(scale{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Absolute numbers are those of the segments, also where they wrap.
func TestWindow_absolute(t *testing.T) {
	events := slideRun(2, 0, 0xffffff00)
	got := drawWindow(t, events, Options{Width: 120, Absolute: true})
	for _, want := range []string{"SND.UNA ~4294967041, SND.NXT ~45,", "sends 4294967041:45 in 3 segments", "RCV.NXT ~45, RCV.WND ~300 to 345"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if got := drawWindow(t, events, Options{Width: 120}); !strings.Contains(got, "SND.UNA ~1, SND.NXT ~301,") {
		t.Errorf("relative numbers are missing in\n%s", got)
	}
}

// A window that shrinks is flagged at the receiver, once, and where the sender learns of it.
func TestWindow_shrunk(t *testing.T) {
	got := drawWindow(t, slideRun(3, 2, 1000), Options{Width: 200})
	if n := strings.Count(got, "has taken back 150 octets of its window (RFC 9293 3.8.6: it should not)"); n != 1 {
		t.Errorf("flagged %d times, want once:\n%s", n, got)
	}
	if !strings.Contains(got, "taken back ~150") {
		t.Errorf("the sender's numbers do not tell:\n%s", got)
	}
	if got := drawWindow(t, slideRun(3, 0, 1000), Options{Width: 200}); strings.Contains(got, "taken back") {
		t.Errorf("flagged without cause:\n%s", got)
	}
}

// A long run of the same is told in few lines, in which each moment is drawn or counted; Unfold draws all of them.
func TestWindow_folds(t *testing.T) {
	events := slideRun(200, 0, 1000)
	folded, whole := drawWindow(t, events, Options{}), drawWindow(t, events, Options{Unfold: true})
	drawn, all := len(stripsOf(folded))/2, len(stripsOf(whole))/2
	if drawn > 40 || all < 400 {
		t.Errorf("%d and %d moments are drawn, want at most 40 and at least 400", drawn, all)
	}
	hidden := 0
	for row := range strings.Lines(folded) {
		if words := strings.Fields(row); strings.Contains(row, "alike, not drawn") {
			n, err := strconv.Atoi(words[slices.Index(words, "moments")-1])
			if err != nil {
				t.Fatal(err)
			}
			hidden += n
		}
	}
	if drawn+hidden != all {
		t.Errorf("%d moments drawn and %d counted, want %d in all", drawn, hidden, all)
	}
}

// Moments at many ends at once stay within their bound, and none is lost.
func TestWindow_bounded(t *testing.T) {
	w := NewWindow(io.Discard, Options{})
	for i := range 10 * maxMoments {
		e := event.Event{N: i + 1, Conn: i + 1, Host: event.Client, Kind: event.KindApp, App: event.App{Call: event.Write, Bytes: 1}}
		if err := w.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.moments) != maxMoments {
		t.Errorf("%d moments are open, want %d", len(w.moments), maxMoments)
	}
}

// Any stream of events: no panic, no row wider than the page, no byte that a terminal obeys.
func FuzzWindow(f *testing.F) {
	for i := range baseRuns {
		f.Add(uint8(i), uint8(80), uint8(i), []byte(nil))
		f.Add(uint8(i), uint8(45+17*i), uint8(i+9), []byte{13, 0, 30, 0x1b, 0xe2, 0x80, 0xae, 9, 0, 20, 0x7f, 0xff, 0xff, 0xff, 3, 0, 25, 0x80, 0, 0, 31})
	}
	f.Fuzz(func(t *testing.T, run, width, opts uint8, ops []byte) {
		o := Options{Width: int(width), ASCII: opts&1 != 0, Color: opts&2 != 0, Unfold: opts&4 != 0, Absolute: opts&8 != 0}
		if o.Width == 0 {
			o.Width = wideWidth
		}
		events := damage(baseRuns[int(run)%len(baseRuns)](), ops)
		var b bytes.Buffer
		w, track := NewWindow(&b, o), analyze.New()
		for i := range events {
			if opts&16 != 0 { // otherwise what is derived is damaged too
				track.Add(&events[i])
			}
			if err := w.Event(&events[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if wrong := checkRows(b.String(), o); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

// BenchmarkWindow draws 100,000 events; beside it stands the same run as JSON.
func BenchmarkWindow(b *testing.B) {
	events := slideRun(11000, 0, 1000)
	track := analyze.New()
	for i := range events {
		events[i].N = i + 1
		track.Add(&events[i])
	}
	b.Run("window", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := NewWindow(io.Discard, Options{})
			for i := range events {
				if err := w.Event(&events[i]); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
	b.Run("json", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			for i := range events {
				buf = event.AppendJSON(buf[:0], &events[i])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
}
