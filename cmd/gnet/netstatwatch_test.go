package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/live"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// heldSockets is a source that a test changes.
type heldSockets struct {
	sockets []procnet.InetSocket
	holders map[uint64]procnet.Owner
	notes   []string
	err     error
	scans   [][]uint64 // the inodes whose owners were asked for
}

func (h *heldSockets) read(f *watchFilter, _ bool, row func(*shownSocket) bool) ([]string, error) {
	for i := range h.sockets {
		s := shownSocket{inet: &h.sockets[i], space: &socketSpace{}}
		if owner, ok := h.holders[s.inet.Inode]; ok && f != nil && f.rows.needsOwners() {
			s.owners = []procnet.Owner{owner}
		}
		if (f == nil || f.rows.keep(&s, true)) && !row(&s) {
			break
		}
	}
	return h.notes, h.err
}

func (h *heldSockets) owners(inodes []uint64) (func(uint64) []procnet.Owner, error) {
	h.scans = append(h.scans, inodes)
	return func(inode uint64) []procnet.Owner {
		if owner, ok := h.holders[inode]; ok {
			return []procnet.Owner{owner}
		}
		return nil
	}, nil
}

// connectionSocket is a connection of which the kernel tells all.
func connectionSocket(cookie uint64, local, remote string, in, out uint64, rtt time.Duration) procnet.InetSocket {
	s := procnet.InetSocket{Proto: procnet.TCP, State: procnet.Established, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote),
		Inode: 1000 + cookie}
	s.V6 = s.Local.Addr().Is6()
	s.Diag = &sockdiag.InetRow{Cookie: cookie, Has: sockdiag.ExtInfo | sockdiag.ExtCong, Cong: []byte("cubic")}
	s.Diag.Info = sockdiag.TCPInfo{Len: 280, RTT: rtt, RTTVar: rtt / 2, SndCwnd: 10, SndMSS: 1448, RTO: 200 * time.Millisecond,
		BytesReceived: in, BytesAcked: out, TotalRetrans: uint32(cookie)}
	return s
}

// fixedSockets is a table with what is hard to show: names of 200 letters, escape sequences, wide and right-to-left ones.
func fixedSockets() *heldSockets {
	listener := procnet.InetSocket{Proto: procnet.TCP, State: procnet.Listen, Local: netip.MustParseAddrPort("0.0.0.0:5000"),
		Remote: netip.MustParseAddrPort("0.0.0.0:0"), RxQueue: 3, TxQueue: 128, Inode: 1100, UID: 4242, Diag: &sockdiag.InetRow{Cookie: 100}}
	udp := procnet.InetSocket{Proto: procnet.UDP, State: procnet.Close, Local: netip.MustParseAddrPort("[fe80::1234:5678:9abc:def0]:5353"), V6: true,
		Remote: netip.MustParseAddrPort("[::]:0"), RxQueue: 768, Inode: 1101, Diag: &sockdiag.InetRow{Cookie: 101}}
	h := &heldSockets{sockets: []procnet.InetSocket{
		listener, udp,
		connectionSocket(1, "192.0.2.1:5000", "198.51.100.200:40001", 1000, 500, 1500*time.Microsecond),
		connectionSocket(2, "192.0.2.1:5000", "198.51.100.200:40002", 0, 0, 20*time.Millisecond),
		connectionSocket(3, "[2001:db8:1111:2222:3333:4444:5555:6666]:5001", "[2001:db8::1]:40003", 7, 7, 1234*time.Millisecond),
	}, holders: map[uint64]procnet.Owner{
		1100: {PID: 10, Arg0: "/usr/sbin/server"}, 1001: {PID: 10, Arg0: "/usr/sbin/server"},
		1101: {PID: 11, Arg0: "\x1b[31mred\x1b]0;title\a\u202eevil\nline"},
		1002: {PID: 12, Arg0: "漢字漢字漢字漢字漢字漢字"}, 1003: {PID: 4194304, Arg0: strings.Repeat("long", 50)},
	}}
	for i := 10; i < 30; i++ {
		h.sockets = append(h.sockets, connectionSocket(uint64(i), "192.0.2.1:5002", fmt.Sprintf("203.0.113.7:%d", 50000+i), 0, 0, time.Millisecond))
	}
	return h
}

// watchScript is a view with its reader, driven by hand.
type watchScript struct {
	source *heldSockets
	reader *watchReader
	view   *watchView
	clock  time.Duration
	asked  []string
}

func newWatchScript(source *heldSockets) *watchScript {
	o := &netstatOptions{Watch: time.Second, NumericPorts: true, NumericUsers: true}
	o.ProcRoot = "/proc"
	x := &watchScript{source: source}
	x.reader = newWatchReader(context.Background(), source, time.Second)
	x.reader.now = func() time.Duration { return x.clock }
	x.view = newWatchView(o, x.reader.ask)
	x.view.compile = watchFilterOf(context.Background(), o)
	x.view.kill = func(k *killTarget) killResult {
		x.asked = append(x.asked, fmt.Sprint(k.shown.inet.Diag.Cookie))
		return killResult{word: wasKilled}
	}
	return x
}

// read reads once, as run does.
func (x *watchScript) read() {
	table := x.reader.read(x.reader.request.Load(), func(part *watchTable) bool {
		x.view.take(part)
		return true
	})
	x.view.take(table)
	if owners, err := x.reader.findOwners(table); owners != nil || err != nil {
		x.view.learn(owners, err)
	}
}

// watchTest is a script on a screen.
type watchTest struct {
	*watchScript
	*live.Simulation
	t *testing.T
}

// newWatchTest shows the first reading.
func newWatchTest(t *testing.T, source *heldSockets, w, h int, options live.Options) *watchTest {
	t.Helper()
	x := &watchTest{watchScript: newWatchScript(source), t: t}
	var err error
	if x.Simulation, err = live.Simulate(x.view, options, w, h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	x.read()
	return x
}

// read reads once, and draws.
func (x *watchTest) read() {
	x.watchScript.read()
	x.Posted()
}

// later reads again after that time.
func (x *watchTest) later(d time.Duration) {
	x.clock += d
	x.read()
}

// TestWatch_gone: a socket that is gone stays marked for a while, then is forgotten; a change of the filter makes nothing new or gone.
func TestWatch_gone(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 80, 24, live.Options{})
	x.source.sockets = append(x.source.sockets[2:5:5], connectionSocket(50, "192.0.2.1:1", "192.0.2.2:2", 0, 0, 0))
	marks := func() (got string) {
		for _, w := range x.view.table.rows {
			got += map[bool]string{true: "+"}[w.fresh] + map[bool]string{true: "-"}[w.gone]
		}
		return got
	}
	var got []string
	x.later(time.Second)
	got = append(got, marks())
	x.Press("/")
	x.Type("sport = 5000")
	x.later(time.Second)
	got = append(got, marks())
	x.Press("Esc")
	x.later(time.Second)
	got = append(got, marks())
	x.source.sockets = x.source.sockets[:2]
	x.later(time.Second)
	x.later(watchMark - 1)
	got = append(got, marks())
	x.later(1)
	got = append(got, marks())
	want := []string{"+" + strings.Repeat("-", 22), "", "", "--", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWatch_rates: a rate is the octets over the time that passed; a counter that went back, or a socket without counters, has none.
func TestWatch_rates(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 80, 24, live.Options{})
	x.source.sockets[2].Diag.Info.BytesReceived += 3000
	x.source.sockets[4].Diag.Info.BytesReceived = 0
	x.later(1500 * time.Millisecond)
	var got []string
	for _, w := range x.view.table.rows[:5] {
		got = append(got, fmt.Sprintf("%v %s %s", w.rated, w.rateText(w.in), w.rateText(w.out)))
	}
	if diff := cmp.Diff([]string{"false - -", "false - -", "true 2.00k 0", "true 0 0", "false  "}, got); diff != "" {
		t.Error(diff)
	}
	for n, want := range map[float64]string{0: "0", 0.4: "0", 999.4: "999", 999.6: "1.00k", 9994: "9.99k", 9996: "10.0k", 99960: "100k", 999499: "999k", 999600: "1.00M", 1e19: "10.0E"} {
		if got := rateText(n); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}

// TestWatch_owners: a process is looked for once for each inode, and an inode that comes again is looked for again.
func TestWatch_owners(t *testing.T) {
	source := fixedSockets()
	source.sockets = source.sockets[:3]
	x := newWatchTest(t, source, 80, 24, live.Options{})
	x.later(time.Second)
	source.sockets = source.sockets[:2]
	x.later(time.Second)
	source.sockets = source.sockets[:3]
	delete(source.holders, 1001)
	x.later(time.Second)
	if diff := cmp.Diff([][]uint64{{1100, 1101, 1001}, {1001}}, source.scans); diff != "" {
		t.Error(diff)
	}
	for _, w := range x.view.table.rows {
		if owner := x.view.owner(&w); w.inode == 1001 && owner.pid != 0 {
			t.Errorf("another socket's process: %d", owner.pid)
		}
	}
}

// TestWatch_copyAndKill: a copied line is one line of plain text; a socket is ended only after y, and it is the one that was asked about.
func TestWatch_copyAndKill(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 80, 24, live.Options{})
	x.Press("/")
	x.Type("sport = 5353")
	x.read()
	x.Press("Enter", "y")
	want := `udp6 768 0 [fe80::1234:5678:9abc:def0]:5353 [::]:* - - - - - 0 11/\x1b[31mred\x1b]0;title\x07\xe2\x80\xaeevil\x0aline`
	if diff := cmp.Diff(want, x.Clipboard()); diff != "" {
		t.Error(diff)
	}
	x.Press("K", "q")
	if over, _ := x.Over(); over || len(x.asked) != 0 {
		t.Fatalf("over %v, ended %v", over, x.asked)
	}
	x.Press("K")
	x.source.sockets = x.source.sockets[2:]
	x.Press("y")
	for !strings.Contains(x.view.message, "killed") {
		x.Posted()
	}
	if diff := cmp.Diff([]string{"101"}, x.asked); diff != "" {
		t.Error(diff)
	}
	x.later(time.Second)
	x.Press("K")
	if x.view.asking != nil {
		t.Error("asks about a socket that is gone")
	}
}

// TestWatch_failed: a reading that fails leaves the last one on the screen, and says why.
func TestWatch_failed(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 80, 24, live.Options{})
	x.source.err = errors.New("no memory")
	x.later(time.Second)
	if lines := strings.Split(x.Text(), "\n"); lines[23] != "no memory" || !strings.HasPrefix(lines[0], "25 sockets") {
		t.Errorf("%q, %q", lines[0], lines[23])
	}
}

// TestWatch_races: the reader reads while keys are pressed, which -race watches.
func TestWatch_races(t *testing.T) {
	source := fixedSockets()
	o := &netstatOptions{Watch: time.Millisecond}
	o.ProcRoot = "/proc"
	reader := newWatchReader(context.Background(), source, time.Millisecond)
	v := newWatchView(o, reader.ask)
	v.compile = watchFilterOf(context.Background(), o)
	readings := 0
	options := live.Options{Start: func(l *live.Loop) {
		l.Go(func() {
			reader.run(l.Post, l.Done(), func(table *watchTable) { readings++; v.take(table) }, v.learn)
		})
	}}
	s, err := live.Simulate(v, options, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for readings < 30 {
		s.Press("/", "Ctrl-U")
		s.Type("sport = 5000")
		s.Press("Enter", "Enter", "Down", "Esc", "b", "Enter", "Esc", ">", "r", "Space", "Space")
		s.Posted()
	}
}

// TestNetstatWatch_refused: what does not go with it, and a pipe.
func TestNetstatWatch_refused(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"--watch", "gnet netstat: --watch draws on a terminal, and standard output is none\nhint: -c prints the sockets every second, --json once for machines\n"},
		{"--watch -c", "gnet netstat: --watch and -c: -c prints again and again, --watch draws in place\nhint: --watch=SECONDS says how often\n"},
		{"--watch --json", "gnet netstat: --watch and --format: a picture is for people\nhint: -c --format jsonl prints for machines\n"},
		{"--watch -r", "gnet netstat: --watch and -r: it shows sockets\n"},
		{"--watch --kill --all", "gnet netstat: --watch and --kill: in the view the key K ends a socket, after a question\n"},
		{"--watch --count-by state", "gnet netstat: --watch and --count-by: in the view the key b groups the sockets\n"},
		{"--watch --netns all", "gnet netstat: --watch and --netns: it shows its own network namespace\nhint: ip netns exec NAME gnet netstat --watch\n"},
		{"--watch -x", "gnet netstat: --watch and this family: it shows TCP, UDP, UDP-Lite and raw sockets\n"},
		{"--watch=0", "gnet netstat: --watch=0: not a number of seconds from 0.1 to 3600\n"},
		{"--watch=NaN", "gnet netstat: --watch=NaN: not a number of seconds from 0.1 to 3600\n"},
	} {
		want := statusUsage
		if c.line == "--watch" { // the line is right
			want = statusCannot
		}
		var stdout, stderr bytes.Buffer
		e := systemEnv()
		e.Stdout, e.Stderr = newOutput(&stdout), &stderr
		status := run(append([]string{"gnet", "netstat"}, strings.Fields(c.line)...), e)
		if stdout.String() != "" || stderr.String() != c.want || status != want {
			t.Errorf("%s: %d %q %q", c.line, status, &stdout, &stderr)
		}
	}
}
