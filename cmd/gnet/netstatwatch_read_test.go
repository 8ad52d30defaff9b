package main

import (
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

// manySockets are connections that differ in their cookies and foreign ports.
func manySockets(from, n int) []procnet.InetSocket {
	var sockets []procnet.InetSocket
	for i := from; i < from+n; i++ {
		sockets = append(sockets, connectionSocket(uint64(i+1), "192.0.2.1:5000", fmt.Sprintf("198.51.%d.%d:%d", i>>16&255, i>>8&255, 1000+i&255), 0, 0, 0))
	}
	return sockets
}

// titleAndFoot is the first and the last line of the screen.
func (x *watchTest) titleAndFoot() []string {
	lines := strings.Split(strings.TrimRight(x.Text(), "\n"), "\n")
	return []string{lines[0], lines[len(lines)-1]}
}

// TestWatch_partial: the first rows of a long reading are shown while the others come, and it is said that they are the first ones; keys
// answer meanwhile. The next reading changes nothing before it is complete, and one with another filter is shown as it comes again.
func TestWatch_partial(t *testing.T) {
	x := newWatchTest(t, &heldSockets{}, 80, 24, live.Options{})
	x.reader = newWatchReader(t.Context(), x.source, time.Second)
	x.reader.now = func() time.Duration { return x.clock }
	x.source.sockets = manySockets(0, 1000)
	var got [][]string
	read := func(meanwhile func()) {
		table := x.reader.read(x.reader.request.Load(), func(part *watchTable) bool {
			x.view.take(part)
			x.Posted()
			got = append(got, append(x.titleAndFoot(), fmt.Sprint(len(part.rows))))
			meanwhile()
			return true
		})
		if table == nil {
			got = append(got, []string{"abandoned"})
			return
		}
		x.view.take(table)
		x.Posted()
		got = append(got, x.titleAndFoot())
	}
	read(func() {
		x.Press("Down", ">")
		x.clock += watchShow / 2
	})
	read(func() {})
	x.Press("/")
	x.view.ask = x.reader.ask
	x.Type("dport < 1250")
	read(func() {
		x.Press("Ctrl-U")
		x.Type("dport < 2000")
	})
	read(func() {})
	keys := "? keys  q quit  Right columns  / filter  b group  Enter details  K end"
	want := [][]string{
		{"256 sockets so far, by In+Out/s                             +6 columns  every 1s", "reading: 256 sockets so far, sorted among themselves; ? keys", "256"},
		{"1000 sockets, by Proto                                      +6 columns  every 1s", keys},
		{"1000 sockets, by Proto                                      +6 columns  every 1s", keys},
		{"256 sockets so far, by Proto                                +6 columns  every 1s", "filter: dport < 1250", "256"},
		{"abandoned"},
		{"256 sockets so far, by Proto                                +6 columns  every 1s", "filter: dport < 2000", "256"},
		{"1000 sockets, by Proto                                      +6 columns  every 1s", "filter: dport < 2000"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWatch_memory: the memory of the rows goes round, and none of it is written to while the view may look at it.
func TestWatch_memory(t *testing.T) {
	x := newWatchTest(t, &heldSockets{sockets: manySockets(0, 600)}, 80, 24, live.Options{})
	memories := map[*watchMemory]bool{}
	for i := range 20 {
		shown := append([]watched(nil), x.view.table.rows...)
		x.source.sockets = manySockets(i, 600)
		x.clock += time.Second
		table := x.reader.read(x.reader.request.Load(), func(*watchTable) bool { return true })
		if diff := cmp.Diff(shown, x.view.table.rows, cmp.AllowUnexported(watched{}, watchEnd{})); diff != "" {
			t.Fatalf("reading %d wrote to what is shown: %s", i, diff)
		}
		x.view.take(table)
		memories[table.memory] = true
	}
	if len(memories) > 3 {
		t.Errorf("%d memories for 20 readings", len(memories))
	}
}

// TestWatch_flood: all of 50,000 sockets are others at each reading. The new ones are marked, of those that are gone as many as anybody can
// look at, and the number of the others is said as long as they would be marked.
func TestWatch_flood(t *testing.T) {
	const each = 50_000
	x := newWatchTest(t, &heldSockets{sockets: manySockets(0, each)}, 80, 24, live.Options{})
	var got []string
	note := func() {
		fresh := 0
		for _, w := range x.view.table.rows {
			if w.fresh {
				fresh++
			}
		}
		got = append(got, fmt.Sprintf("%d live, %d new, %d gone, %d more; %s", x.view.table.live, fresh, len(x.view.table.rows)-x.view.table.live, x.view.table.unmarked, x.titleAndFoot()[1]))
	}
	for i := 1; i <= 3; i++ {
		x.source.sockets = manySockets(i*each, each)
		x.later(time.Second)
		note()
	}
	x.later(watchMark - 1)
	note()
	x.later(1)
	note()
	want := []string{
		"50000 live, 50000 new, 10000 gone, 40000 more; 40000 more went in the last 5s, and are not marked",
		"50000 live, 50000 new, 10000 gone, 90000 more; 90000 more went in the last 5s, and are not marked",
		"50000 live, 50000 new, 10000 gone, 140000 more; 140000 more went in the last 5s, and are not marked",
		"50000 live, 50000 new, 0 gone, 50000 more; 50000 more went in the last 5s, and are not marked",
		"50000 live, 0 new, 0 gone, 0 more; ? keys  q quit  Right columns  / filter  b group  Enter details  K end",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWatch_comesBack: a socket that one reading missed, as a table can that changes while it is read, is not gone any more.
func TestWatch_comesBack(t *testing.T) {
	x := newWatchTest(t, &heldSockets{sockets: manySockets(0, 3)}, 80, 24, live.Options{})
	var got []string
	for _, sockets := range [][]procnet.InetSocket{manySockets(0, 2), manySockets(0, 3), append(manySockets(0, 3), manySockets(1, 1)...)} {
		x.source.sockets = sockets
		x.later(time.Second)
		marks := ""
		for _, w := range x.view.table.rows {
			marks += fmt.Sprintf("%d%s%s ", w.cookie, map[bool]string{true: "+"}[w.fresh], map[bool]string{true: "-"}[w.gone])
		}
		got = append(got, marks)
	}
	if diff := cmp.Diff([]string{"1 2 3- ", "1 2 3+ ", "1 2 3+ 2 "}, got); diff != "" {
		t.Error(diff)
	}
}

// TestWatched_row: a row has all that procnet had of its socket, and is the same socket by cookie, else inode, else addresses.
func TestWatched_row(t *testing.T) {
	sockets := append(fixedSockets().sockets[:5:5],
		connectionSocket(7, "[::ffff:192.0.2.1]:5000", "[::ffff:192.0.2.2]:6000", 1, 2, 3*time.Millisecond),
		procnet.InetSocket{Proto: procnet.Raw, State: 7, Local: sockets4("0.0.0.0:1"), Remote: sockets4("0.0.0.0:0"), Inode: 77},
		procnet.InetSocket{Proto: procnet.TCP, State: procnet.TimeWait, Local: sockets4("192.0.2.1:1"), Remote: sockets4("192.0.2.1:2")},
		procnet.InetSocket{Proto: procnet.TCP, State: procnet.TimeWait, Local: sockets4("192.0.2.1:1"), Remote: sockets4("192.0.2.1:3")})
	var rows []watched
	for _, s := range sockets {
		w := watchedOf(&s)
		s.Diag = nil
		if diff := cmp.Diff(s, w.socket(), cmp.Comparer(sameAddrPort), cmp.AllowUnexported(sockdiag.InetRow{})); diff != "" {
			t.Error(diff)
		}
		rows = append(rows, w)
	}
	index := watchIndex{}
	index.over(append(rows, rows...))
	for i := range rows {
		if at := index.find(&rows[i]); at != i {
			t.Errorf("row %d stands at %d", i, at)
		}
	}
	index.over(rows[:len(rows)-1])
	if at := index.find(&rows[len(rows)-1]); at >= 0 {
		t.Errorf("a row that is not there stands at %d", at)
	}
}

// TestWatch_groupOrder: the keys that sort sort groups too, by each of their columns.
func TestWatch_groupOrder(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 120, 24, live.Options{ASCII: true})
	x.source.sockets[2].Diag.Info.BytesReceived += 100
	x.source.sockets[3].Diag.Info.BytesAcked += 3000
	x.later(time.Second)
	x.Press("b", "b", "b")
	var got []string
	note := func() {
		heading := strings.Fields(strings.Split(x.Text(), "\n")[1])
		got = append(got, fmt.Sprintf("%s: %s, %s, %s", strings.Join(heading, " "), x.view.groups[0].name, x.view.groups[1].name, x.view.groups[2].name))
	}
	note()
	for range 7 {
		x.Press(">")
		note()
	}
	x.Press("<", "<", "<", "r")
	note()
	want := []string{
		"Foreign port Sockets In/s Out/s Recv-Q Send-Q: tcp 40002, tcp 40001, -",
		"Foreign port^ Sockets In/s Out/s Recv-Q Send-Q: tcp 40001, tcp 40002, tcp 40003",
		"Foreign port Socketv In/s Out/s Recv-Q Send-Q: -, tcp 40001, tcp 40002",
		"Foreign port Sockets In/sv Out/s Recv-Q Send-Q: tcp 40001, -, tcp 40002",
		"Foreign port Sockets In/s Out/sv Recv-Q Send-Q: tcp 40002, -, tcp 40001",
		"Foreign port Sockets In/s Out/s Recv-Qv Send-Q: -, tcp 40001, tcp 40002",
		"Foreign port Sockets In/s Out/s Recv-Q Send-Qv: -, tcp 40001, tcp 40002",
		"Foreign port Sockets In/s Out/s Recv-Q Send-Q: tcp 40002, tcp 40001, -",
		"Foreign port Sockets In/s Out/s^ Recv-Q Send-Q: tcp 50029, tcp 50028, tcp 50027",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func sockets4(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func sameAddrPort(a, b netip.AddrPort) bool { return a == b }
