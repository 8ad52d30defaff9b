package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"gnet/internal/render"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/app"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/view"
)

// storedRun is a short run with losses, two connections and all kinds of ends, a line for each event.
func storedRun(t testing.TB) string {
	t.Helper()
	c := stackprobe.Config{World: stackprobe.Memory, Bytes: 3000, Seed: 1, Delay: stackprobe.DefaultDelay, Conns: 2}
	for _, text := range []string{"client> drop data 2", "server> dup data 2", "server> corrupt data 3", "client> delay 30ms data 4"} {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Faults = append(c.Faults, r)
	}
	c.Ends[event.Server] = app.Options{Socket: app.Socket{RcvBuf: 4096}}
	var b []byte
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		b = append(event.AppendJSON(b, e), '\n')
	}
	return string(b)
}

// damagedRuns are stored runs as nobody writes them: what is absurd must be read or refused, and be drawn in bounds.
func damagedRuns(t testing.TB) []string {
	run := storedRun(t)
	lines := strings.SplitAfter(strings.TrimSuffix(run, "\n"), "\n")
	replace := func(old, new string) string { return strings.ReplaceAll(run, old, new) }
	var backwards []string
	for i := range lines {
		backwards = append(backwards, strings.TrimSuffix(lines[len(lines)-1-i], "\n")+"\n")
	}
	list := []string{run, run + run, strings.Join(backwards, ""), run[:len(run)/2], strings.Join(lines[:len(lines)-1], ""), strings.Join(lines[1:], ""),
		`{"schema":"gnet/trace-tcp/2","rows":[` + strings.ReplaceAll(strings.TrimSpace(run), "\n", ",") + `],"notes":[]}`,
		replace(`"conn":1,`, `"conn":2147483647,`), replace(`"conn":1,`, `"conn":2147483648,`), replace(`"conn":2,`, ``),
		replace(`"event":"timer"`, `"event":"of a later schema"`), replace(`"event":"rx"`, `"event":"tx"`), replace(`"event":"lost"`, `"event":"rx"`),
		replace(`"segment":1`, `"segment":9223372036854775807,"later":1`), replace(`"seq":`, `"seq":4294967295,"later":`), replace(`"ack":`, `"ack":2147483648,"later":`),
		replace(`"len":`, `"len":1048576,"later":`), replace(`"win":`, `"win":0,"later":`), replace(`"cwnd":`, `"cwnd":4294967295,"later":`),
		replace(`"srtt_ns":`, `"srtt_ns":9223372036854775807,"later":`), replace(`"timer_at_ns":`, `"timer_at_ns":9223372036854775807,"later":`),
		replace(`"snd_mss":`, `"snd_mss":4294967295,"later":`), replace(`"wire":"45`, `"wire":"ff`), replace(`"size":`, `"size":0,"later":`),
		replace(`"bytes":`, `"bytes":9223372036854775807,"later":`), replace(`"mtu":`, `"mtu":9223372036854775807,"later":`),
		replace(`"delay_client_ns":`, `"delay_client_ns":9223372036854775807,"later":`), replace(`"192.0.2.1"`, `"2001:db8::1"`), replace(`"192.0.2.2"`, `"::"`),
		replace("client> drop data 2", `\u001b[2J\u009b0m\u202e</script><img src=x onerror=alert(1)>]]>`), replace("client> drop data 2", "\xff\xfe\x80"),
		replace(`"gvisor`, `"name_hex":"1b5b324aff","client_stack":"gvisor`)}
	for _, at := range []string{"0", "9223372036854775807", "9223372036854775808", "-1"} {
		var b strings.Builder
		for i, l := range lines {
			if i%3 == 1 {
				l = `{"t_ns":` + at + `,"later":` + strings.TrimPrefix(l, `{"t_ns":`)
			}
			b.WriteString(l)
		}
		list = append(list, b.String())
	}
	return list
}

// allViews are all pictures and files, and the machine formats.
func allViews(width int) map[string]func(io.Writer) eventView {
	views := make(map[string]func(io.Writer) eventView)
	for _, v := range screenViews() {
		for i, o := range []view.Options{{Width: width}, {Width: width, ASCII: true, Unfold: true, Absolute: true, Explain: true}} {
			views[fmt.Sprint("screen ", v.word, i)] = func(w io.Writer) eventView { return v.make(w, o) }
		}
	}
	for _, v := range fileViews() {
		views["file "+v.flag] = func(w io.Writer) eventView { return v.make(w, view.Options{}) }
	}
	for _, f := range []render.Format{render.JSONL, render.CSV} {
		views[fmt.Sprint("format ", f)] = func(w io.Writer) eventView {
			e := &env{Stdout: newOutput(w), Stderr: io.Discard}
			doc := e.document(f, event.Schema)
			return &documentView{traceDocument{e: e, doc: doc, rows: eventRows(doc, f)}}
		}
	}
	return views
}

// documentView is a document as a view.
type documentView struct{ traceDocument }

func (d *documentView) Event(e *event.Event) error { return d.event(e) }

func (d *documentView) Close() error {
	err := d.close()
	d.flush()
	return err
}

// mostOutput is more than any view may make of a file of the size that is tried here.
const mostOutput = 64 << 20

// bounded keeps what is written, up to mostOutput.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len() > mostOutput {
		return 0, errors.New("too much output")
	}
	return b.Buffer.Write(p)
}

// showAll shows a stored run in all views, as trace show does, and returns what each has written.
func showAll(t testing.TB, text string, width int) map[string]*bounded {
	t.Helper()
	out := make(map[string]*bounded)
	views := make(map[string]eventView)
	for name, make := range allViews(width) {
		out[name] = &bounded{}
		views[name] = make(out[name])
	}
	track := analyze.New()
	hasRun := false
	for ev, err := range event.Decode(strings.NewReader(text)) {
		if err != nil {
			continue
		}
		if ev.Kind == event.KindRun && hasRun {
			break // as showing.all does
		}
		hasRun = hasRun || ev.Kind == event.KindRun
		track.Add(ev)
		for name, v := range views {
			if err := v.Event(ev); err != nil {
				unlessMissing(t, name, err)
				delete(views, name)
			}
		}
	}
	for name, v := range views {
		if err := v.Close(); err != nil {
			unlessMissing(t, name, err)
		}
	}
	return out
}

// unlessMissing fails unless a capture misses the packets of a run that holds none.
func unlessMissing(t testing.TB, name string, err error) {
	t.Helper()
	if _, missing := errors.AsType[*capture.MissingError](err); !missing {
		t.Fatalf("%s: %v", name, err)
	}
}

// wrongOutput says what is wrong with the output of a view, "" if nothing is: a terminal, a browser or a program that reads it must find no
// control byte, and no row that is wider than the screen.
func wrongOutput(name, text string, width int) string {
	if strings.HasPrefix(name, "file "+captureFlag) {
		return "" // packets are bytes
	}
	if !utf8.ValidString(text) {
		return "not UTF-8"
	}
	for _, r := range text {
		if r < 0x20 && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			// CSV carries the true string.
			if name != fmt.Sprint("format ", render.CSV) {
				return fmt.Sprintf("the character %U", r)
			}
		}
	}
	if !strings.HasPrefix(name, "screen ") {
		return ""
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width || strings.ContainsAny(line, "\r\t") {
			return fmt.Sprintf("a row of %d columns: %s", n, line)
		}
	}
	return ""
}

// TestShow_damaged shows runs that are cut, doubled, backwards and absurd in every view.
func TestShow_damaged(t *testing.T) {
	for i, text := range damagedRuns(t) {
		for name, out := range showAll(t, text, 80) {
			if wrong := wrongOutput(name, out.String(), 80); wrong != "" {
				t.Errorf("run %d, %s: %s", i, name, wrong)
			}
		}
	}
}

// FuzzShow: whatever a file holds, every view draws it without a panic, in bounds, and without a byte that a terminal obeys.
func FuzzShow(f *testing.F) {
	for i, text := range damagedRuns(f) {
		f.Add([]byte(text), uint16(40+i))
	}
	f.Fuzz(func(t *testing.T, text []byte, columns uint16) {
		width := 40 + int(columns)%300
		for name, out := range showAll(t, string(text), width) {
			if wrong := wrongOutput(name, out.String(), width); wrong != "" {
				t.Fatalf("%s: %s", name, wrong)
			}
		}
	})
}
