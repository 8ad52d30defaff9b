package inject_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/internal/words"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
)

func TestParseLine(t *testing.T) {
	at := func(d time.Duration) inject.When { return inject.When{At: d} }
	for text, want := range map[string]inject.Line{
		"at 0s syn seq raw 1111": {Text: "client> at 0s syn seq raw 1111", From: event.Client, When: at(0),
			Segment: inject.Segment{Kind: "syn", Seq: inject.Number{Base: inject.Raw, N: 1111}}},
		"server>  at 1.5s rst seq nxt-1 ack 0 win 0": {Text: "server> at 1.5s rst seq nxt-1 ack 0 win 0", From: event.Server, When: at(1500 * time.Millisecond),
			Segment: inject.Segment{Kind: "rst", Seq: inject.Number{Base: inject.Next, N: -1}, Ack: inject.Number{Base: inject.Initial}, HasWin: true}},
		"client> on server> data 2 after 3ms ack ack nxt+7": {Text: "client> on server> data 2 after 3ms ack ack nxt+7", From: event.Client,
			When:    inject.When{On: true, Of: event.Server, Match: "data", N: 2, After: 3 * time.Millisecond},
			Segment: inject.Segment{Kind: "ack", Ack: inject.Number{Base: inject.Next, N: 7}}},
		"on client> syn data": {Text: "client> on client> syn data", From: event.Client, When: inject.When{On: true, Of: event.Client, Match: "syn", N: 1},
			Segment: inject.Segment{Kind: "data", Len: 100}},
		"at 1s syn seq 0 mss 536 len 5 from 198.51.100.1 port 1024-1030 every 1ms": {
			Text: "client> at 1s syn seq 0 mss 536 len 5 from 198.51.100.1 port 1024-1030 every 1ms", From: event.Client, When: at(time.Second),
			Segment: inject.Segment{Kind: "syn", Seq: inject.Number{Base: inject.Initial}, MSS: 536, Len: 5},
			Source:  netip.MustParseAddr("198.51.100.1"), Low: 1024, High: 1030, Every: time.Millisecond},
		"at 1s fin port 5 seq nxt": {},
		"at 1s fin seq nxt port 5": {Text: "client> at 1s fin seq nxt port 5", From: event.Client, When: at(time.Second),
			Segment: inject.Segment{Kind: "fin", Seq: inject.Number{Base: inject.Next}}, Low: 5, High: 5},
	} {
		got, err := inject.ParseLine(text)
		if want.Text == "" { // what the segment has stands before what its addresses are
			if err == nil {
				t.Errorf("%q is read as %q", text, got.Text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestParseStep(t *testing.T) {
	for text, want := range map[string]inject.Step{
		"server on syn send synack mss 1460 state ESTABLISHED": {Text: "server on syn send synack mss 1460 state ESTABLISHED", End: event.Server,
			When: inject.When{On: true, Of: event.Client, Match: "syn"}, Sends: true, Segment: inject.Segment{Kind: "synack", MSS: 1460}, State: event.StateEstablished},
		"client at 0s send syn": {Text: "client at 0s send syn", End: event.Client, Sends: true, Segment: inject.Segment{Kind: "syn"}},
		"client on data 1 after 1s state CLOSE-WAIT": {Text: "client on data 1 after 1s state CLOSE-WAIT", End: event.Client,
			When: inject.When{On: true, Of: event.Server, Match: "data", N: 1, After: time.Second}, State: event.CloseWait},
	} {
		got, err := inject.ParseStep(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// TestErrors: an error names the word and its place, what could stand there, and what was probably meant.
func TestErrors(t *testing.T) {
	line := func(s string) error { _, err := inject.ParseLine(s); return err }
	step := func(s string) error { _, err := inject.ParseStep(s); return err }
	const numbers = "a sequence number: 1 (from the initial one), nxt, nxt+100, nxt-1 or \"raw 1000\""
	for _, c := range []struct {
		parse func(string) error
		text  string
		want  words.Error
	}{
		{line, "", words.Error{Want: "\"at 1s\" or \"on\" and a segment"}},
		{line, "client> att 1s syn", words.Error{Word: "att", Offset: 8, Want: "\"at 1s\" or \"on\" and a segment"}},
		{line, "at 1 syn", words.Error{Word: "1", Offset: 3, Want: "a time with its unit, such as 20ms or 1.5s, up to 24h"}},
		{line, "at 1s sin", words.Error{Word: "sin", Offset: 6, Want: "syn, synack, ack, data, fin or rst", Meant: "syn"}},
		{line, "at 1s syn", words.Error{Offset: 9, Want: "\"seq raw 1000\": nothing was sent before a SYN that its number could follow"}},
		{line, "at 1s rst seq next", words.Error{Word: "next", Offset: 14, Want: numbers, Meant: "nxt"}},
		{line, "at 1s rst seq nxt*4", words.Error{Word: "nxt*4", Offset: 14, Want: numbers}},
		{line, "at 1s rst seq nxt+", words.Error{Word: "nxt+", Offset: 14, Want: numbers}},
		{line, "at 1s rst seq raw", words.Error{Offset: 17, Want: numbers}},
		{line, "at 1s rst seq 4294967296", words.Error{Word: "4294967296", Offset: 14, Want: numbers}},
		{line, "at 1s rst seq 1 seq 2", words.Error{Word: "seq", Offset: 16, Want: "seq only once"}},
		{line, "at 1s rst len 1", words.Error{Word: "len", Offset: 10, Want: "seq, ack, win, mss, len, from, port or every"}},
		{line, "at 1s rst wim 1", words.Error{Word: "wim", Offset: 10, Want: "seq, ack, win, mss, len, from, port or every", Meant: "win"}},
		{line, "at 1s data len 1201", words.Error{Word: "1201", Offset: 15, Want: "a number from 0 to 1200"}},
		{line, "at 1s ack port 9-8", words.Error{Word: "9-8", Offset: 15, Want: "the client's port or a range of at most 1000, such as 5000-5010"}},
		{line, "at 1s ack port 1-2000", words.Error{Word: "1-2000", Offset: 15, Want: "the client's port or a range of at most 1000, such as 5000-5010"}},
		{line, "server> at 1s ack from 198.51.100.1", words.Error{Word: "198.51.100.1", Offset: 23, Want: "an address without a zone, for a segment that seems to come from a client"}},
		{line, "on syn ack", words.Error{Word: "syn", Offset: 3, Want: "client> or server>: who sends the segment that is waited for"}},
		{line, "on client> syn 0 ack", words.Error{Word: "0", Offset: 15, Want: "a number from 1 to 1048576"}},
		{step, "peer at 1s send ack", words.Error{Word: "peer", Want: "client or server"}},
		{step, "server on syn", words.Error{Offset: 13, Want: "after, send or state"}},
		{step, "server on syn sent ack", words.Error{Word: "sent", Offset: 14, Want: "after, send or state", Meant: "send"}},
		{step, "server on syn send ack stat CLOSED", words.Error{Word: "stat", Offset: 23, Want: "seq, ack, win, mss, len or state", Meant: "state"}},
		{step, "server at 1s state CLOSED send ack", words.Error{Word: "send", Offset: 26, Want: "nothing more"}},
		{step, "server at 1s state closed", words.Error{Word: "closed", Offset: 19,
			Want: "CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK or TIME-WAIT"}},
	} {
		got, ok := errors.AsType[*words.Error](c.parse(c.text))
		if !ok {
			t.Errorf("%q is read", c.text)
			continue
		}
		c.want.Text = c.text
		if d := cmp.Diff(&c.want, got); d != "" {
			t.Errorf("%q: %s", c.text, d)
		}
	}
}

func TestError_sentence(t *testing.T) {
	for text, want := range map[string]string{
		"at 1s sin": `"at 1s sin": "sin": want syn, synack, ack, data, fin or rst; did you mean "syn"?`,
		"at 1s":     `"at 1s": ends where syn, synack, ack, data, fin or rst should follow`,
	} {
		_, err := inject.ParseLine(text)
		if e, ok := errors.AsType[*words.Error](err); ok && e.Pointer() != text+"\n"+strings.Repeat(" ", e.Offset)+"^" {
			t.Errorf("%q points at %q", text, e.Pointer())
		}
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: no text panics, an error points into its text, and what is read is written so that it is read as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"at 0s syn seq raw 1111", "server> on client> data 2 after 1ms rst seq nxt+100 ack 5 win 0",
		"at 1s syn seq 0 mss 536 len 5 from 2001:db8::7 port 1024-1030 every 1ms", "server on syn 2 send synack mss 1460 state ESTABLISHED",
		"client at 1h state CLOSED", "at 1s data len 0", "at 1s fin seq nxt-0", "at 1s rst seq nxt-", "client on any after 1s send fin", "\xff \t at"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(canonical string, err error, again func(string) (string, error)) {
			if e, ok := errors.AsType[*words.Error](err); ok {
				if e.Text != text || e.Offset < 0 || e.Offset > len(text) || !strings.HasPrefix(text[e.Offset:], e.Word) || e.Want == "" {
					t.Errorf("%q: %+v", text, e)
				}
				return
			}
			if err != nil {
				t.Fatalf("%q: %T", text, err)
			}
			if second, err := again(canonical); err != nil || second != canonical {
				t.Errorf("%q is written %q and read as %q, %v", text, canonical, second, err)
			}
		}
		l, err := inject.ParseLine(text)
		check(l.Text, err, func(s string) (string, error) {
			m, err := inject.ParseLine(s)
			if d := cmp.Diff(l, m, cmpopts.EquateComparable(netip.Addr{})); d != "" {
				t.Errorf("%q: %s", text, d)
			}
			return m.Text, err
		})
		p, err := inject.ParseStep(text)
		check(p.Text, err, func(s string) (string, error) {
			q, err := inject.ParseStep(s)
			if d := cmp.Diff(p, q); d != "" {
				t.Errorf("%q: %s", text, d)
			}
			return q.Text, err
		})
	})
}
