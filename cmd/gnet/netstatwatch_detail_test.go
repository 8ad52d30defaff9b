package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// detailOf opens the details of the socket with that cookie and reads once more.
func (x *watchTest) detailOf(cookie uint64) {
	x.t.Helper()
	i := slices.IndexFunc(x.view.table.rows, func(w watched) bool { return w.cookie == cookie })
	if i < 0 {
		x.t.Fatalf("no socket %d", cookie)
	}
	x.view.openDetail(&x.view.table.rows[i])
	x.later(time.Second)
}

// detailHead are the first lines of the details.
func (x *watchTest) detailHead(n int) []string { return strings.Split(x.Text(), "\n")[1 : 1+n] }

// TestWatchDetail_gone: the details of a socket that is gone say so and keep its figures and its process; with a filter they say that it may
// only have changed.
func TestWatchDetail_gone(t *testing.T) {
	source := fixedSockets()
	x := newWatchTest(t, source, 100, 24, live.Options{})
	x.detailOf(2)
	source.sockets = slices.Delete(source.sockets, 3, 4)
	x.later(time.Second)
	got := x.detailHead(2)
	for i := range 3000 { // so many others that the processes of those before are let go of
		x.view.owners[uint64(20000+i)] = watchOwner{pid: 1}
	}
	x.later(2 * watchMark) // it is not among the rows any more
	got = append(got, x.detailHead(2)[1], fmt.Sprint(len(x.view.owners) < 100))
	x.view.request.filter = &watchFilter{}
	x.Posted()
	got = append(got, x.detailHead(2)...)
	program := "program 12/漢字漢字漢字漢字漢字漢字, user 0, inode 1002"
	want := []string{"tcp 192.0.2.1:5000 198.51.100.200:40002 ESTABLISHED (gone: what follows was the last)", program, program, "true",
		"tcp 192.0.2.1:5000 198.51.100.200:40002 ESTABLISHED (gone, or not of the filter any more: what", "follows was the last)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWatchDetail_unheld: a socket that no process holds has no user and no inode rather than empty words and 0.
func TestWatchDetail_unheld(t *testing.T) {
	source := fixedSockets()
	source.sockets[2].State, source.sockets[2].Inode, source.sockets[2].Timer.Kind = procnet.TimeWait, 0, procnet.TimerTimeWait
	x := newWatchTest(t, source, 100, 24, live.Options{})
	x.detailOf(1)
	if diff := cmp.Diff("program -, user -, inode -", x.detailHead(2)[1]); diff != "" {
		t.Error(diff)
	}
}

// TestWatchDetail_kept: what the kernel told of the socket stands on the screen still when the memory that it was read into holds another.
func TestWatchDetail_kept(t *testing.T) {
	source := fixedSockets()
	x := newWatchTest(t, source, 100, 24, live.Options{})
	x.detailOf(1)
	before := x.Text()
	source.sockets[2].Diag.Cong[0] = 'X'
	source.sockets[2].Diag.Info.SndCwnd = 99
	x.Posted()
	if diff := cmp.Diff(before, x.Text()); diff != "" {
		t.Error(diff)
	}
}

// TestWatchDetail_ownersOfTable: the process that came with a row of a table stays that of the details when the next table numbers others.
func TestWatchDetail_ownersOfTable(t *testing.T) {
	source := fixedSockets()
	x := newWatchTest(t, source, 100, 24, live.Options{})
	x.Press("/")
	x.Type("pid = 10 or pid = 12")
	x.read()
	x.Press("Enter")
	x.detailOf(2)

	source.sockets = source.sockets[:2]
	x.view.setFilter("sport = 5353")
	x.read()
	if diff := cmp.Diff("program 12/漢字漢字漢字漢字漢字漢字, user 0, inode 1002", x.detailHead(3)[2]); diff != "" {
		t.Errorf("%s%s", diff, x.Text())
	}
}

// TestWatchDetail_bounded: as many readings of a socket are kept as the widest screen shows, and no more.
func TestWatchDetail_bounded(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 100, 24, live.Options{})
	x.detailOf(1)
	for range detailReadings + 10 {
		x.later(time.Second)
	}
	if d := x.view.detail; len(d.rtt) != detailReadings || len(d.cwnd) != detailReadings {
		t.Errorf("%d and %d readings are kept", len(d.rtt), len(d.cwnd))
	}
}

// TestWatchDetail_partial: the first rows of a long reading do not make the socket gone that stands behind them.
func TestWatchDetail_partial(t *testing.T) {
	x := newWatchTest(t, &heldSockets{sockets: manySockets(0, 1000)}, 100, 24, live.Options{})
	x.detailOf(900)
	parts := 0
	x.view.setFilter("dport > 0")
	x.reader.read(x.reader.request.Load(), func(part *watchTable) bool {
		x.view.take(part)
		if parts++; x.view.detail.row.gone {
			t.Errorf("gone after %d rows", len(part.rows))
		}
		return true
	})
	if parts == 0 {
		t.Error("no part was shown")
	}
}

// TestWatch_otherFilter: a reading that answers a filter which is not wanted any more is not shown.
func TestWatch_otherFilter(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 80, 24, live.Options{})
	late := x.reader.read(x.reader.request.Load(), func(*watchTable) bool { return true })
	x.view.setFilter("sport = 5353")
	x.read()
	x.view.take(late)
	if got := x.view.table.live; got != 1 {
		t.Errorf("%d sockets of a filter that one passes", got)
	}
}

// TestWatch_accepted: the process of a connection is looked for when somebody accepts it, and not before: until then it has no inode.
func TestWatch_accepted(t *testing.T) {
	source := fixedSockets()
	source.sockets = source.sockets[2:3]
	source.sockets[0].Inode = 0
	x := newWatchTest(t, source, 80, 24, live.Options{})
	source.sockets[0].Inode = 1001
	x.later(time.Second)
	x.later(time.Second)
	if diff := cmp.Diff([][]uint64{{1001}}, source.scans); diff != "" {
		t.Error(diff)
	}
}

// TestWatched_target: the kernel is asked to end the very socket, of its family, by its cookie; one that has none cannot be ended.
func TestWatched_target(t *testing.T) {
	var got []string
	for _, s := range []procnet.InetSocket{
		connectionSocket(7, "192.0.2.1:1", "192.0.2.2:2", 0, 0, 0), connectionSocket(8, "[2001:db8::1]:1", "[2001:db8::2]:2", 0, 0, 0),
		{Proto: procnet.TCP, Local: netip.MustParseAddrPort("192.0.2.1:3"), Remote: netip.MustParseAddrPort("192.0.2.2:4")},
	} {
		w := watchedOf(&s)
		k := w.target()
		if k.shown.inet.Diag == nil {
			got = append(got, fmt.Sprint(k.result.word == wasUnknown))
			continue
		}
		d := k.shown.inet.Diag
		got = append(got, fmt.Sprintf("%d %d %v %v", d.Family, d.Cookie, d.Local, d.Remote))
	}
	want := []string{fmt.Sprintf("%d 7 192.0.2.1:1 192.0.2.2:2", unix.AF_INET), fmt.Sprintf("%d 8 [2001:db8::1]:1 [2001:db8::2]:2", unix.AF_INET6), "true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWatched_is: the cookie tells sockets apart that have the same inode, and knows one whose inode has changed.
func TestWatched_is(t *testing.T) {
	one := procnet.InetSocket{Inode: 5, Diag: &sockdiag.InetRow{Cookie: 1}}
	other, same := one, one
	other.Diag, same.Inode = &sockdiag.InetRow{Cookie: 2}, 6
	a, b, c := watchedOf(&one), watchedOf(&other), watchedOf(&same)
	if a.is(&b) || !a.is(&c) {
		t.Errorf("two cookies: %v, one cookie: %v", a.is(&b), a.is(&c))
	}
}

// TestWatch_readAfterKill: the sockets are read at once after one was ended, and not when the interval is over.
func TestWatch_readAfterKill(t *testing.T) {
	x := newWatchTest(t, fixedSockets(), 80, 24, live.Options{})
	x.Press("K", "y")
	select {
	case <-x.reader.poke:
		t.Error("read before it was ended")
	default:
	}
	for !strings.Contains(x.view.message, "killed") {
		x.Posted()
	}
	select {
	case <-x.reader.poke:
	default:
		t.Error("nobody was asked to read")
	}
}
