package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/live"
	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/view"
)

// stepped shows events on a simulated screen.
func stepped(t *testing.T, events []event.Event, o view.Options, mono bool, w, h int) (*stepView, *live.Simulation) {
	t.Helper()
	v := newStepView(o)
	v.take(events)
	v.ends(nil)
	s, err := live.Simulate(v, live.Options{ASCII: o.ASCII, Mono: mono}, w, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return v, s
}

// lossyRun is an exchange of many events over some connections.
func lossyRun(t *testing.T, conns, bytes int) []event.Event {
	t.Helper()
	rule, err := link.ParseRule("loss 9%")
	if err != nil {
		t.Fatal(err)
	}
	c := stackprobe.Config{World: stackprobe.Memory, Seed: stackprobe.DefaultSeed, Delay: stackprobe.DefaultDelay, MTU: stackprobe.DefaultMTU,
		Conns: conns, Bytes: bytes, Faults: []link.Rule{rule}, Version: "test"}
	var events []event.Event
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// TestStep_blocks: the rows that are drawn block by block are those of the whole run drawn at once.
func TestStep_blocks(t *testing.T) {
	events := lossyRun(t, 1, 300_000)
	v := newStepView(view.Options{})
	v.take(events)
	if len(events) < 4*stepBlock {
		t.Fatalf("%d events are too few", len(events))
	}
	for _, width := range []int{60, 100, 160} {
		var want, got []string
		o := view.Options{Width: width}
		view.LadderRows(o, nil, false, v.between(0, len(events)), func(r view.Row) { want = append(want, rowText(r)) })
		v.rows.width = width
		v.rows.forget()
		for n := range (len(events) + stepBlock - 1) / stepBlock {
			for _, r := range v.rows.block(n) {
				got = append(got, rowText(r))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("width %d (-whole +blocks):\n%s", width, diff)
		}
	}
}

func rowText(r view.Row) (text string) {
	for _, s := range r.Spans {
		text += s.Text
	}
	return text
}

// TestStep_keys: where each key leads, forward and back, in a run of several connections.
func TestStep_keys(t *testing.T) {
	events := lossyRun(t, 3, 20_000)
	v, s := stepped(t, events, view.Options{}, false, 80, 24)
	is := func(what string, holds bool) {
		t.Helper()
		if !holds {
			t.Errorf("%s: at event %d of connection %d: %s\n%s", what, v.event(v.cursor).N, v.choice, v.message, s.Text())
		}
	}
	now := func() *event.Event { return v.event(v.cursor) }
	for key, of := range map[string]func(*event.Event) bool{
		"l": func(e *event.Event) bool { return e.Kind == event.KindLost },
		"r": func(e *event.Event) bool { return e.Kind == event.KindTx && e.Derived.Repeat },
		"s": func(e *event.Event) bool { return e.Kind == event.KindState },
		"t": func(e *event.Event) bool { return e.Kind == event.KindTimer && e.Timer.Op == event.Fired },
		"o": func(e *event.Event) bool { return e.Kind == event.KindRx && e.Derived.Gap != 0 },
	} {
		s.Press("Home")
		seen := 0
		for ; v.message == ""; seen++ {
			s.Press(key)
			is(key, of(now()))
		}
		want := 0
		for i := range events {
			if of(&events[i]) {
				want++
			}
		}
		if seen-1 != want { // the last press found none
			t.Errorf("%s led to %d events, want %d", key, seen-1, want)
		}
		s.Press("End", strings.ToUpper(key))
		is(strings.ToUpper(key), of(now()) && v.message == "")
	}
	for _, host := range []event.Host{event.Client, event.Server} {
		s.Press("e", "Home")
		for seen := 0; ; seen++ {
			if s.Press("r"); v.message != "" {
				is(v.message, seen > 0 && v.message == "no retransmission at the "+host.String()+" behind this event")
				break
			}
			is("r at one end", now().Derived.Repeat && now().Host == host)
		}
	}
	s.Press("e", "Home", "3", "l")
	losses := 0
	for i := range v.cursor + 1 {
		if events[i].Kind == event.KindLost {
			losses++
		}
	}
	is("3l", losses == 3 && now().Kind == event.KindLost)
	s.Press("1", "0", "5", "G")
	is("105G", now().N == 105)
	s.Press("1", "2", "j", "2", "k")
	is("12j 2k", now().N == 115)
	s.Press("4", "y", "j")
	is("a number before another key", now().N == 116)
	s.Press("Home", "k")
	is("k at the first", v.cursor == 0)
	s.Press("G", "j")
	is("j at the last", v.cursor == len(events)-1)
	s.Press(":")
	s.Type("57")
	s.Press("Enter")
	is("event 57", now().N == 57)
	s.Press("c")
	s.Type("2")
	s.Press("Enter")
	is("connection 2", v.choice == 2 && now().N <= 57 && now().N > 40)
	for range len(v.shown) {
		s.Press("j")
		is("only connection 2", now().Conn == 0 || now().Conn == 2)
	}
	s.Press("c")
	s.Type("9")
	s.Press("Enter")
	is("no connection 9", v.message == "no connection 9" && v.choice == 2)
	s.Press("c")
	s.Type("0")
	s.Press("Enter", "Home", "/")
	s.Type("WIN-fin")
	s.Press("Backspace", "Backspace", "Backspace", "Backspace", "Esc")
	is("Escape", v.search == "" && v.cursor == 0)
	s.Press("/")
	s.Type("fin-wait-2")
	s.Press("Enter")
	is("search", now().Kind == event.KindState && now().State == event.FinWait2)
	first := now().N
	s.Press("n")
	is("n", now().N > first)
	s.Press("N")
	is("N", now().N == first)
	s.Press("y")
	if s.Clipboard() != v.panes.Text(now()) {
		t.Errorf("copied %q", s.Clipboard())
	}
	s.Press("q")
	if over, err := s.Over(); !over || err != nil {
		t.Errorf("q: %v, %v", over, err)
	}
}

// TestStep_closedWindow: z leads to each announcement of a closed window.
func TestStep_closedWindow(t *testing.T) {
	events := lessonEvents(t, "zero-window")
	v, s := stepped(t, events, view.Options{}, false, 80, 24)
	var want, got []int
	for i := range events {
		if e := &events[i]; e.Kind == event.KindTx && e.Seg.Win == 0 && !e.Seg.Flags.Has(event.RST) {
			want = append(want, e.N)
		}
	}
	for s.Press("z"); v.message == ""; s.Press("z") {
		got = append(got, v.event(v.cursor).N)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestStep_longSeek: a search in a long run lets keys in: one ends it, without one it finds.
func TestStep_longSeek(t *testing.T) {
	var events []event.Event
	for n := range 3*seekPiece + 10 {
		events = append(events, event.Event{N: n + 1, Kind: event.KindNote, Text: "note " + strconv.Itoa(n+1)})
	}
	v, s := stepped(t, events, view.Options{}, false, 80, 24)
	search := func(text string) {
		s.Press("Home", "/")
		s.Type(text)
		s.Press("Enter")
	}
	until := func(done func() bool) {
		t.Helper()
		for range 20_000 {
			if s.Posted(); done() {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatalf("the search has no end: %s", v.message)
	}
	search("note 60005")
	if v.cursor != 0 || v.message != `seeking "note 60005": at event 20002; any key ends that` {
		t.Errorf("at event %d: %s", v.cursor+1, v.message)
	}
	until(func() bool { return v.hunt == nil })
	if v.cursor+1 != 60005 {
		t.Errorf("found event %d: %s", v.cursor+1, v.message)
	}
	search("nothing such")
	until(func() bool { return v.hunt == nil })
	if v.cursor != 0 || v.message != `no "nothing such" behind this event` {
		t.Errorf("at event %d: %s", v.cursor+1, v.message)
	}
	search("note 60005")
	s.Press("j")
	if v.hunt != nil || v.cursor != 1 || v.message != "" {
		t.Errorf("a key does not end it: event %d, %s", v.cursor+1, v.message)
	}
	s.Posted()
	if v.cursor != 1 {
		t.Errorf("it goes on: event %d", v.cursor+1)
	}
}

// TestStep_follow: the cursor of a run in real time stays at its newest event until somebody moves it, and again at End.
func TestStep_follow(t *testing.T) {
	events := lossyRun(t, 1, 20_000)
	for i := range events {
		events[i].Clock = event.Mono
	}
	v := newStepView(view.Options{})
	v.take(events[:10])
	s, err := live.Simulate(v, live.Options{}, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	more := func(n, want int) {
		t.Helper()
		at := v.rec.Len()
		s.Post(func() { v.take(events[at : at+n]) })
		s.Posted()
		if got := v.event(v.cursor).N; got != want {
			t.Errorf("at event %d, want %d", got, want)
		}
	}
	more(10, 20)
	s.Press("k")
	more(10, 19)
	s.Press("End")
	more(10, 40)
	v.ends(nil)
	s.Press("End")
	_, whole := stepped(t, events[:40], view.Options{}, false, 80, 24)
	whole.Press("End")
	ladder := func(text string) []string { return strings.Split(text, "\n")[:12] } // the panes begin with the end that was met last
	if diff := cmp.Diff(ladder(whole.Text()), ladder(s.Text())); diff != "" {
		t.Errorf("not the ladder of events that came at once (-want +got):\n%s", diff)
	}
	v.ends(context.Canceled)
	s.Press("j")
	if !strings.HasSuffix(s.Text(), "context canceled\n") {
		t.Errorf("why it ended is not said:\n%s", s.Text())
	}
}

// TestStep_terminal: the program on a terminal: keys lead through a run, quitting leaves what came of it on the main screen, and its status.
func TestStep_terminal(t *testing.T) {
	stored := filepath.Join(t.TempDir(), "run.json")
	if err := os.WriteFile(stored, []byte(gnetSays(t, "trace", "tcp", "--link", "memory", "--json")), 0o644); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.html")
	failing := filepath.Join(t.TempDir(), "failing.scn")
	if err := os.WriteFile(failing, []byte("title fails\nworld memory\nclient role source bytes 1000\nserver role sink\nexpect lost client data = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args         []string
		keys, screen string
		says         string
		status       int
	}{
		{[]string{"tcp", "loss-fast-retransmit", "--html", page}, "l", "client lost:", "delivered server = sent client\r\n", 0},
		{[]string{"show", stored}, "G", "Hends", "every byte arrived unchanged, both ends closed", 0},
		{[]string{"tcp", "--scenario-file", failing}, "G", "scenario", "1 of 1 expectations failed", statusNo},
		{[]string{"show", "/proc/none"}, "", "", "no such file", statusCannot},
		{[]string{"ip", "--link", "memory"}, "", "", "fragments", 0},
	} {
		if c.args[0] == "ip" {
			path := filepath.Join(t.TempDir(), "path.json")
			if err := os.WriteFile(path, []byte(gnetSays(t, "trace", "ip", "--link", "memory", "--json")), 0o644); err != nil {
				t.Fatal(err)
			}
			c.args, c.says, c.status = []string{"show", path}, "this is a run of datagrams", statusCannot
		}
		p := nstest.OnTerminal(t, netns.Self(append([]string{"gnet", "trace", c.args[0], "--step"}, c.args[1:]...)...), 80, 24)
		if c.screen != "" {
			p.Until("begins")
			p.Write(c.keys)
			p.Until(c.screen)
			p.Write("q")
		}
		p.Until(c.says)
		if status := p.Wait(); status != c.status {
			t.Errorf("%v: status %d, want %d: %q", c.args, status, c.status, p.Seen())
		}
		if c.screen == "" {
			continue // nothing was shown
		}
		if at := bytes.LastIndex(p.Seen(), []byte("\x1b[?1049l")); at > bytes.LastIndex(p.Seen(), []byte(c.says)) {
			t.Errorf("%v: said before the main screen came back", c.args)
		}
		p.WantClean()
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.HasSuffix(html, []byte("</html>\n")) {
		t.Errorf("the page is not whole: %v", err)
	}
}

// TestStep_refused: where there is no terminal, and what does not go together.
func TestStep_refused(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"tcp --link memory --step", "gnet trace tcp: --step: standard output is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"show --step -", "gnet trace show: --step: standard output is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"tcp --step --json", "gnet trace tcp: --format: not with --step, which takes the whole screen\n"},
		{"tcp --step --view window", "gnet trace tcp: --view: not with --step, which takes the whole screen\n"},
		{"tcp --step --width 90", "gnet trace tcp: --width: not with --step, which takes the whole screen\n"},
		{"tcp --step --wireshark", "gnet trace tcp: --wireshark: not with --step, which takes the whole screen\n"},
		{"tcp --step --html -", "gnet trace tcp: --html -: not with --step, which takes the whole screen\n"},
		{"tcp --step --all", "gnet trace tcp: --step: it is about one run: not with --compare, --list or --all\n"},
		{"ip --step", "gnet trace ip: --step: it goes through connections, and datagrams have none\nhint: the picture shows all of a datagram: --unfold each of its packets\n"},
		{"run --step -- true", "gnet trace run: --step: where the picture goes is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"run --step -o /dev/null -- true", "gnet trace run: --output: not with --step, which takes the whole screen\n"},
		{"serve --step", "gnet trace serve: --step: where the picture goes is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"listen 80 --attach nat --step", "gnet trace listen: --step: where the picture goes is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"connect 192.0.2.9:80 --attach nat --step", "gnet trace connect: --step: where the picture goes is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"capture any --step", "gnet trace capture: --step: where the picture goes is no terminal\nhint: --view draws a picture for any output, --json writes the events\n"},
		{"capture any --step --quiet", "gnet trace capture: --quiet: not with --step\n"},
		{"tcp --step --bulk", "gnet trace tcp: --step: not with --bulk: it has no picture\n"},
	} {
		cmd := netns.Self(append([]string{"gnet", "trace"}, strings.Fields(c.line)...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil || len(out) > 0 {
			t.Errorf("%s: %v, %q", c.line, err, out)
		}
		if diff := cmp.Diff(c.want, stderr.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.line, diff)
		}
	}
}

// FuzzStep: no stored run, whatever is damaged in it, breaks the screen.
func FuzzStep(f *testing.F) {
	for _, name := range []string{"../../stackprobe/event/testdata/every.jsonl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"t_ns":-5,"n":9,"event":"tx","host":"client","conn":-1}` + "\n" + `{"t_ns":9223372036854775807,"n":1,"event":"timer","host":"server","conn":3,"timer":"rto","op":"armed"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v := newStepView(view.Options{})
		track := analyze.New()
		for e, err := range event.Decode(bytes.NewReader(text)) {
			if err != nil {
				continue
			}
			if e.Packet != nil {
				return
			}
			track.Add(e)
			v.take([]event.Event{*e})
		}
		v.ends(nil)
		s, err := live.Simulate(v, live.Options{}, 80, 24)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}, {3, 2}} {
			s.Resize(size[0], size[1])
			s.Press("Home", "l", "r", "s", "t", "x", "n", "Tab", "PgDn", "Tab", "]", "G", "L", "R", "Tab", "c", "1", "Enter", "Tab", "k", "Tab", "c", "0", "Enter", "[")
		}
	})
}
