package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
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
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
	"gnet/stackprobe/view"
)

// storedRow is a row of a stored run as JSON gives it.
type storedRow map[string]any

// storedRows reads a stored run with nothing of ours.
func storedRows(t *testing.T, text []byte) []storedRow {
	t.Helper()
	var doc struct{ Rows []storedRow }
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Rows
}

func (r storedRow) text(key string) string { s, _ := r[key].(string); return s }

// number is that of a key; has is false if there is none.
func (r storedRow) number(key string) (n int64, has bool) {
	v, ok := r[key].(json.Number)
	if !ok {
		return 0, false
	}
	n, err := v.Int64()
	if err != nil {
		panic(err)
	}
	return n, true
}

// shownVariables are what the variables of an end are called on the screen, their keys, and of what they are.
func shownVariables() [][3]string {
	return [][3]string{
		{"congestion window, segments", "cwnd"}, {"slow start threshold", "ssthresh", "infinite"}, {"recovery", "congestion", "word"},
		{"in flight, segments", "flight"}, {"duplicate ACKs", "dup_acks"}, {"reported by SACK, segments", "sacked"},
		{"taken for lost, segments", "lost"}, {"retransmitted, under way", "retrans"}, {"SND.UNA", "una", "iss"}, {"SND.NXT", "nxt", "iss"},
		{"SND.WND, octets", "wnd"}, {"RCV.NXT", "rcv_nxt", "irs"}, {"RCV.WND, octets", "rcv_wnd"}, {"SRTT", "srtt_ns", "time"}, {"RTTVAR", "rttvar_ns", "time"},
		{"RTO", "rto_ns", "time"}, {"RTO doubled, times", "backoff"}, {"probes unanswered", "probes"}, {"MSS, octets", "snd_mss"},
		{"send buffer, octets", "snd_buf"}, {"not sent yet, octets", "not_sent"}, {"waits for the reader, octets", "rcv_buf"},
	}
}

// shownValue is a variable of a row as the screen has it, "" for none.
func (r storedRow) shownValue(of [3]string) string {
	text := r.text(of[1])
	n, has := r.number(of[1])
	switch {
	case of[2] == "word" && text == "", of[2] != "word" && !has:
		return ""
	case of[2] == "iss" || of[2] == "irs":
		first, known := r.number(of[2])
		if text = strconv.FormatUint(uint64(uint32(n)-uint32(first)), 10); !known {
			text = "raw " + strconv.FormatInt(n, 10)
		}
	case of[2] == "infinite" && n == math.MaxInt32:
		text = "none yet"
	case of[2] == "time":
		text = fourDigits(n)
	case of[2] != "word":
		text = strconv.FormatInt(n, 10)
	}
	how := r.text("vars_how")
	if how == "computed" || how == "inferred" || strings.Contains(" "+r.text("computed")+" ", " "+of[1]+" ") {
		return "~" + text
	}
	return text
}

// fourDigits is a time in its unit, to four digits.
func fourDigits(ns int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"us", 1e3}, {"ms", 1e6}} {
		if float64(ns) < 999.5*u.size {
			return fmt.Sprintf("%.4g %s", float64(ns)/u.size, u.name)
		}
	}
	if ns >= 999_500_000_000 {
		return fmt.Sprintf("%.0f s", float64(ns)/1e9)
	}
	return fmt.Sprintf("%.4g s", float64(ns)/1e9)
}

// endsAt are the rows of an end of a connection that told last, up to a row: its state, and its variables.
type endsAt struct{ state, vars storedRow }

// wantVariables is the pane of the variables of a connection behind a row.
func wantVariables(ends map[string]endsAt, conn int) []string {
	list := []string{"|client|server"}
	put := func(name string, text func(endsAt) string) {
		line := [2]string{}
		for i, host := range []string{"client", "server"} {
			if e, ok := ends[fmt.Sprint(conn, host)]; ok {
				line[i] = text(e)
			}
		}
		if line != [2]string{} {
			list = append(list, name+"|"+line[0]+"|"+line[1])
		}
	}
	put("state", func(e endsAt) string {
		mark := ""
		if how := e.state.text("state_how"); how == "computed" || how == "inferred" {
			mark = "~"
		}
		if s := e.state.text("state"); s != "" {
			return mark + s
		}
		return ""
	})
	put("shown at", func(e endsAt) string {
		if e.vars == nil {
			return ""
		}
		at, has := e.vars.number("vars_at_ns")
		if !has {
			at, _ = e.vars.number("t_ns")
		}
		return fmt.Sprintf("%d.%06d s", at/1e9, at%1e9/1000)
	})
	for _, of := range shownVariables() {
		put(of[0], func(e endsAt) string { return e.vars.shownValue(of) })
	}
	return list
}

// tell takes what a row tells of its end.
func tell(ends map[string]endsAt, r storedRow) {
	conn, _ := r.number("conn")
	host := r.text("host")
	if conn < 1 || host != "client" && host != "server" {
		return
	}
	k := fmt.Sprint(conn, host)
	e := ends[k]
	if r.text("state") != "" {
		e.state = r
	}
	if r.text("vars_how") != "" {
		e.vars = r
	}
	ends[k] = e
}

// paneLines cuts the pane of the variables, of that width, into its columns.
func paneLines(rows []string, width int) (list []string) {
	name := min(29, width/2)
	each := (width - name) / 2
	for _, text := range rows {
		r := []rune(text)
		part := func(from, to int) string {
			return strings.TrimSpace(string(r[min(from, len(r)):min(to, len(r))]))
		}
		list = append(list, part(0, name)+"|"+part(name, name+each)+"|"+part(name+each, width))
	}
	return list
}

// TestStep_variables: of every lesson, behind every event: the variables of both ends on the screen are those that their stacks told last in
// the stored run, read from its JSON with nothing of ours.
func TestStep_variables(t *testing.T) {
	for _, name := range scenario.Names() {
		events := lessonEvents(t, name)
		if events == nil {
			continue
		}
		compareVariables(t, name, events, storedRows(t, []byte(gnetSays(t, "trace", "tcp", name, "--json"))))
	}
}

// compareVariables compares what the screen shows of events with the rows of the same run.
func compareVariables(t *testing.T, name string, events []event.Event, stored []storedRow) {
	t.Helper()
	if len(stored) != len(events) {
		t.Fatalf("%s: %d rows, %d events", name, len(stored), len(events))
	}
	v := newStepView(view.Options{})
	v.take(events)
	ends := map[string]endsAt{}
	const width = 100
	for i, r := range stored {
		tell(ends, r)
		of, _ := r.number("conn")
		for _, conn := range v.conns {
			if conn != int(of) && i < len(stored)-1 { // at the end, all
				continue
			}
			var rows []string
			for _, row := range v.panes.Variables(v.rec.At(i, conn), conn, width) {
				rows = append(rows, rowText(row))
			}
			if diff := cmp.Diff(wantVariables(ends, conn), paneLines(rows, width)); diff != "" {
				t.Fatalf("%s, event %d, connection %d (-JSON +screen):\n%s", name, i+1, conn, diff)
			}
		}
	}
}

// screenWith waits until the first row of the terminal begins so, and returns the screen.
func screenWith(t *testing.T, p *nstest.Terminal, w, h int, heading string) string {
	t.Helper()
	for range 400 {
		screen := nstest.NewEmulator(w, h)
		_, _ = screen.Write(p.Seen())
		if text := screen.Text(); strings.HasPrefix(text, heading) && bytes.HasSuffix(p.Seen(), []byte("\x1b[?2026l")) {
			return text
		}
		p.For(50 * time.Millisecond)
	}
	t.Fatalf("no screen begins with %q: %q", heading, p.Seen()[max(len(p.Seen())-2000, 0):])
	return ""
}

// TestStep_kernelVariables: of a run with the kernel at one end, on a pseudo terminal: at each retransmission, the variables on the screen are
// those that tcp_info gave, as they stand in the stored run.
func TestStep_kernelVariables(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	text := gnetSays(t, "trace", "tcp", "--link", "tun", "--bytes", "20000", "--fault", "client> drop data 3-4", "--fault", "server> drop data 5", "--json")
	stored := filepath.Join(t.TempDir(), "run.json")
	if err := os.WriteFile(stored, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	rows := storedRows(t, []byte(text))
	const w, h = 100, 70
	p := nstest.OnTerminal(t, netns.Self("gnet", "trace", "show", "--step", stored), w, h)
	p.Until("of " + strconv.Itoa(len(rows)))
	p.Write("\t\t\t")
	p.Until("[variables]")
	ends, seen, sampled := map[string]endsAt{}, 0, 0
	for i, r := range rows {
		tell(ends, r)
		derived, _ := r["derived"].(map[string]any)
		if r.text("event") != "tx" || derived["repeat"] != true {
			continue
		}
		seen++
		p.Write("r")
		screen := screenWith(t, p, w, h, fmt.Sprintf("event %d of %d ", i+1, len(rows)))
		_, pane, _ := strings.Cut(screen, "─ [variables]")
		_, pane, _ = strings.Cut(pane, "\n")
		pane, _, _ = strings.Cut(pane, "\n─ ")
		want := wantVariables(ends, 1)
		if diff := cmp.Diff(want, paneLines(strings.Split(pane, "\n"), w)); diff != "" {
			t.Errorf("event %d (-JSON +screen):\n%s", i+1, diff)
		}
		if strings.Contains(strings.Join(want, "\n"), "taken for lost, segments|") {
			sampled++ // which a kernel alone tells
		}
	}
	if seen < 2 || sampled == 0 {
		t.Errorf("%d retransmissions, %d with what tcp_info tells", seen, sampled)
	}
	p.Write("q")
	if status := p.Wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	p.WantClean()
}

// TestStep_wraparound: where the sequence numbers of both ends pass 2^32 in the middle of a run, the screens are those of the same run with other
// numbers, but for what stands in the bytes of the segments.
func TestStep_wraparound(t *testing.T) {
	for _, name := range []string{"loss-fast-retransmit", "two-way"} {
		plain := lessonEvents(t, name)
		first := map[event.Host]uint32{}
		for i := range plain {
			if e := &plain[i]; e.Kind == event.KindTx && e.Seg.Flags.Has(event.SYN) {
				first[e.Host] = e.Seg.Seq
			}
		}
		wrapped := make([]event.Event, len(plain))
		track := analyze.New()
		passed := 0
		for i := range plain {
			wrapped[i] = plain[i]
			e := &wrapped[i]
			shift(e, ^uint32(3000)-first[event.Client], ^uint32(50)-first[event.Server])
			track.Add(e)
			if e.Kind == event.KindTx && e.Seg.Len > 0 && e.Seg.Seq+uint32(e.Seg.Len) < e.Seg.Seq {
				passed++
			}
		}
		if passed == 0 {
			t.Fatalf("%s: no segment passes 2^32", name)
		}
		_, a := stepped(t, plain, view.Options{}, false, 160, 50)
		_, b := stepped(t, wrapped, view.Options{}, false, 160, 50)
		for _, s := range []*live.Simulation{a, b} {
			s.Press("Tab", "Tab") // the bytes stand last
		}
		for n := range plain {
			if diff := cmp.Diff(beforeBytes(a.Text()), beforeBytes(b.Text())); diff != "" {
				t.Fatalf("%s, event %d (-numbers of the lesson +wrapped):\n%s", name, n+1, diff)
			}
			a.Press("j")
			b.Press("j")
		}
	}
}

// beforeBytes is a screen up to the pane of the bytes.
func beforeBytes(screen string) string {
	before, _, _ := strings.Cut(screen, "─ segment ")
	return before
}

// shift adds to the sequence numbers of both ends.
func shift(e *event.Event, client, server uint32) {
	own, theirs := client, server
	if e.Host == event.Server {
		own, theirs = server, client
	}
	v := &e.Vars
	for _, n := range []*uint32{&v.ISS, &v.Una, &v.Nxt} {
		*n += own
	}
	for i := range v.Scoreboard {
		v.Scoreboard[i].Left, v.Scoreboard[i].Right = v.Scoreboard[i].Left+own, v.Scoreboard[i].Right+own
		v.Held[i].Left, v.Held[i].Right = v.Held[i].Left+theirs, v.Held[i].Right+theirs
	}
	v.IRS, v.RcvNxt = v.IRS+theirs, v.RcvNxt+theirs
	if e.Kind == event.KindRx { // it is the other's segment
		own, theirs = theirs, own
	}
	s := &e.Seg
	s.Seq += own
	if s.Flags.Has(event.ACK) {
		s.Ack += theirs
	}
	for i := range s.Opts.NSack {
		s.Opts.Sack[i].Left, s.Opts.Sack[i].Right = s.Opts.Sack[i].Left+theirs, s.Opts.Sack[i].Right+theirs
	}
}
