package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/stackprobe/event"
)

// frame is a file that has what every file must have, and one line more.
func frame(line string) string { return "title t\nworld memory\n" + line + "\n" }

func TestParse(t *testing.T) {
	text := `# a comment
title  Lost  twice
look   What to watch
       and why.
	And more.
world  memory kernel-server
delay  5ms,80ms
mtu    1280
seed   -7
ipv6
connections 2
client role source  bytes 100
server role sink
fault  client> drop syn 1-2
fault  loss 5%
inject client> at 1s syn seq 7
peer   server on syn send synack
until  closed
deadline 5s

expect client.state = SYN-SENT at 2s
`
	got, err := Parse("dir/lost.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	want := &Scenario{Name: "lost", File: "dir/lost.scn", Title: "Lost twice", Look: "What to watch and why. And more.",
		Worlds: []World{Memory, KernelServer}, HasDelay: true, MTU: 1280, Seed: -7, HasSeed: true, IPv6: true, Connections: 2,
		Delay:  [3]time.Duration{event.Client: 5 * time.Millisecond, event.Server: 80 * time.Millisecond},
		Ends:   [3]Line{event.Client: {"role source  bytes 100", 12, 8}, event.Server: {"role sink", 13, 8}},
		Faults: []Line{{"client> drop syn 1-2", 14, 8}, {"loss 5%", 15, 8}},
		Inject: []Line{{"client> at 1s syn seq 7", 16, 8}}, Peers: []Line{{"server on syn send synack", 17, 8}},
		Closed: true, Deadline: 5 * time.Second,
		Expectations: []Expectation{{Line: 21, Subject: State, End: event.Client, Value: Value{Kind: StateValue, Number: int64(event.SynSent),
			States: []event.State{event.SynSent}}, At: 2 * time.Second, HasAt: true}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// expectations are lines as people write them, and as String writes them.
var expectations = [][2]string{
	{"segments client syn >= 2", ""},
	{"retransmissions client = 1 reason fast", ""},
	{"retransmissions client 1", "retransmissions client = 1"},
	{"lost client seq 1-1000 = 1", ""},
	{"arrivals server len>=1000 = 2 1s..", ""},
	{"segments server ack = segments client", ""},
	{"arrivals server data < segments client data", ""},
	{"delivered server sent client", "delivered server = sent client"},
	{"delivered server = 100 at 1s conn 2", "delivered server = 100 conn 2 at 1s"},
	{"timers server none", "timers server = none"},
	{"timers client rto = 2 0s..1s", ""},
	{"timers client keepalive = 1 at 1500ms", "timers client keepalive = 1 at 1.5s"},
	{"duplicate-acks client = 3 cause loss", ""},
	{"server.state SYN-RECEIVED at 3s", "server.state = SYN-RECEIVED at 3s"},
	{"client.state != RESET", ""},
	{"client.states SYN-SENT ESTABLISHED FIN-WAIT-1 in memory", "client.states = SYN-SENT ESTABLISHED FIN-WAIT-1 in memory"},
	{"client.cwnd < 2 1s..2s ever", ""},
	{"server.window = 0 1s..", ""},
	{"client.rto >= 200ms ever", ""},
	{"client.congestion recovery ever", "client.congestion = recovery ever"},
	{"gap client syn 1 to 2 = 1s +- 10ms", ""},
	{"gap server 2 to 5 > 1s", ""},
	{"error client \"connection refused\"", "error client = \"connection refused\""},
	{"error client none", "error client = none"},
	{"result failed", "result = failed"},
	{"knows server client->server open at 1s", ""},
	{"knows not client finack arrived conn 2 in memory", ""},
	{"icmp client >= 1 in kernel", ""},
}

func TestExpectationString(t *testing.T) {
	for _, c := range expectations {
		s, err := Parse("t.scn", frame("expect "+c[0]))
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		want := c[1]
		if want == "" {
			want = c[0]
		}
		if got := s.Expectations[0].String(); got != want {
			t.Errorf("%s is written as %s, want %s", c[0], got, want)
		}
	}
}

// mistakes are files that cannot be read, and what is said of each.
var mistakes = []struct{ text, want string }{
	{"", `t.scn:1:1: ends where a line title should follow`},
	{"title t\n", `t.scn:2:1: ends where a line world should follow`},
	{frame("titel x"), `t.scn:3:1: "titel": want title, look, world, delay, mtu, seed, ipv6, connections, client, server, fault, inject, peer, until, deadline or expect; did you mean "title"?`},
	{frame("title x"), `t.scn:3:1: "title": want title only once`},
	{frame("  more"), `t.scn:3:3: "more": want no blank at the beginning: only a look goes on in the next line`},
	{frame("look"), `t.scn:3:5: ends where a sentence should follow`},
	{frame("ipv6 now"), `t.scn:3:6: "now": want nothing more`},
	{frame("mtu 67"), `t.scn:3:5: "67": want a number from 68 to 65535`},
	{frame("delay fast"), `t.scn:3:7: "fast": want a time up to 1m such as 20ms, or two such as 5ms,80ms: the client's and the server's`},
	{frame("until close"), `t.scn:3:7: "close": want done or closed; did you mean "closed"?`},
	{frame("look caf\x1b"), `t.scn:3:9: "\x1b": want text in UTF-8 without control characters`},
	{"title é\nworld é", `t.scn:2:7: "é": want memory, kernel, kernel-client or kernel-server`},
	{"title t\nworld kernel kernel-client", `t.scn:2:14: "kernel-client": want each world once: kernel is kernel-client and kernel-server`},
	{frame("expect"), `t.scn:3:7: ends where segments, retransmissions, spurious, arrivals, lost, faults, icmp, duplicate-acks, duplicates, corrupted, timers, sent, delivered, gap, error, result, knows, or client.state and the like should follow`},
	{frame("expect cleint.state CLOSED"), `t.scn:3:8: "cleint.state": want client or server before the dot; did you mean "client.state"?`},
	{frame("expect client.stat CLOSED"), `t.scn:3:8: "client.stat": want client. or server. and one of state, states, window, cwnd, ssthresh, rto, srtt, flight, backoff, snd-una, snd-nxt, snd-wnd, rcv-nxt, rcv-wnd, snd-mss or congestion; did you mean "client.state"?`},
	{frame("expect segments clint = 1"), `t.scn:3:17: "clint": want client or server; did you mean "client"?`},
	{frame("expect segments client sin = 1"), `t.scn:3:24: "sin": want a class such as syn, data, seq 1-1000 or len>=500, a comparison, a number, none, or a quantity such as "sent client"; did you mean "syn"?`},
	{frame("expect client.state ESTABLISHD"), `t.scn:3:21: "ESTABLISHD": want a state: CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT or RESET; did you mean "ESTABLISHED"?`},
	{frame("expect client.state < CLOSED"), `t.scn:3:21: "<": want = or !=`},
	{frame("expect retransmissions client = 1 reason speed"), `t.scn:3:42: "speed": want new, ack, rto, fast, tlp, window-probe, keepalive, reset, retransmit, challenge-ack, delayed-ack or pmtu`},
	{frame("expect client.cwnd = 2 reason rto"), `t.scn:3:24: "reason": want nothing more, or a condition: conn, at 1s, 1s..2s, ever or in`},
	{frame("expect result ok at 1s"), `t.scn:3:18: "at": want nothing more, or a condition: in`},
	{frame("expect error client \"no end"), `t.scn:3:21: "\"no": want a second quote behind the text`},
	{frame("expect client.cwnd 1 2s..1s"), `t.scn:3:22: "2s..1s": want a later end than the beginning`},
	{frame("expect gap client syn 2 to 2 = 1s"), `t.scn:3:28: "2": want a later segment than the first`},
	{frame("expect knows sever fin arrived"), `t.scn:3:14: "sever": want not, unaware, assumes, wrong, client or server; did you mean "server"?`},
	{frame("expect knows server fin"), `t.scn:3:24: ends where arrived should follow`},
	{frame("expect knows server fin arrived 1s..2s"), `t.scn:3:33: "1s..2s": want nothing more, or a condition: conn, at 1s or in`},
	{frame("expect knows at 1s"), `t.scn:3:14: "at": want not, unaware, assumes, wrong, client or server`},
}

func TestErrors(t *testing.T) {
	for _, c := range mistakes {
		_, err := Parse("t.scn", c.text)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestPointer: the caret stands below the word, also behind characters of several bytes.
func TestPointer(t *testing.T) {
	_, err := Parse("t.scn", "title é\nworld é radio")
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	if want := "world é radio\n      ^"; e.Pointer() != want {
		t.Errorf("got\n%s\nwant\n%s", e.Pointer(), want)
	}
}

// FuzzParse: no text panics; what is read is written so that it reads as the same; and an error points into the text.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("lessons/*.scn")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	for _, c := range expectations {
		f.Add(frame("expect " + c[0]))
	}
	for _, c := range mistakes {
		f.Add(c.text)
	}
	for _, line := range []string{"seed x", "deadline 0s", "world", "delay 1s,x", "expect gap client x to 2 1s", "expect gap client 1 of 2 1s", "expect gap client 1 to x 1s",
		"expect client.rto x", "expect client.rto < 1s +- 1ms", "expect duplicate-acks client 1 cause x", "expect client.cwnd x", "expect client.cwnd 1 x..1s",
		"expect client.cwnd 1 1s..x", "expect client.cwnd 1 at x", "expect client.cwnd 1 in x", "expect timers client x", "expect sent client sent x",
		"expect lost client seq 2-1 = 1", "expect lost client len>=x = 1", "expect error client x", "expect error client \"a\"b\"", "expect result x"} {
		f.Add(frame(line))
	}
	f.Add(frame("look a\n #b\n c #d\nclient x  y\nserver z\nfault f\ninject i\npeer p\nseed 1\nipv6\nmtu 100\ndelay 1s,2s\nuntil done\ndeadline 1s\nconnections 2"))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f.scn", text)
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Line < 1 || e.Column < 1 || e.Want == "" || !strings.Contains(e.Error(), e.Want) || !strings.HasSuffix(e.Pointer(), "^") {
				t.Fatalf("%#v", err)
			}
			return
		}
		again, err := Parse("f.scn", s.String())
		if err != nil {
			t.Fatalf("%v in\n%s", err, s)
		}
		if d := cmp.Diff(s, again, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Line{}, "Line", "Column"), cmpopts.IgnoreFields(Expectation{}, "Line")); d != "" {
			t.Fatalf("%s\n%s", s, d)
		}
	})
}

// TestLessonsParse: every lesson can be read, has what a lesson needs, and bears a name of small letters.
func TestLessonsParse(t *testing.T) {
	names := Names()
	if len(names) < 3 {
		t.Fatalf("%d lessons", len(names))
	}
	for _, name := range names {
		s, err := Lesson(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Look == "" || len(s.Expectations) == 0 || len(s.Title) > 60 {
			t.Errorf("%s: a lesson has a look, expectations, and a title of at most 60 characters", name)
		}
	}
	if s, err := Lesson("no-such-lesson"); s != nil || err != nil {
		t.Errorf("no-such-lesson: %v, %v", s, err)
	}
	if got := Nearest("hand-shake"); got != "handshake" {
		t.Errorf("hand-shake: %q", got)
	}
}
