package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/ping/probe"
)

// What happens to the link and the address in mid-run is said once, and the run
// goes on.
func TestPingWeather_link(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		difference(t, "ping-host-changes")
		w := newWeather(t)
		down, up := new(rtnl.LinkChange).Down(), new(rtnl.LinkChange).Up()
		mtu := func(n uint32) *rtnl.LinkChange { return new(rtnl.LinkChange).MTU(n) }
		address := func(prefix string, add bool) {
			w.client.Netlink(t, func(c *rtnl.Conn) error {
				l, err := c.LinkByName("right")
				if err != nil {
					return err
				}
				if add {
					return c.AddAddr(l.Index, netip.MustParsePrefix(prefix), unix.IFA_F_NODAD)
				}
				return c.DelAddr(l.Index, netip.MustParsePrefix(prefix))
			})
		}
		for _, tt := range []struct {
			name, line     string
			change, mend   func()
			changed, mends []string // the lines of each
			seen           string   // on standard error, because of the change
		}{
			{"MTU", "-i .1 -M do -s 1400 " + weatherServer4, func() { w.link(w.client, "right", mtu(1300)) }, func() { w.link(w.client, "right", mtu(1500)) },
				[]string{"the MTU of right is 1300 bytes, it was 1500"}, []string{"the MTU of right is 1500 bytes, it was 1300"},
				"local error: message too long, mtu=1300"},
			{"MTU, IPv6", "-i .1 -M do -s 1400 " + weatherServer6, func() { w.link(w.client, "right", mtu(1300)) }, func() { w.link(w.client, "right", mtu(1500)) },
				[]string{"the MTU of right is 1300 bytes, it was 1500"}, []string{"the MTU of right is 1500 bytes, it was 1300"},
				"local error: message too long, mtu: 1300"},
			{"address", "-i .1 " + weatherServer4, func() { address("10.77.1.1/24", false) }, func() { address("10.77.1.1/24", true) },
				[]string{"the source address 10.77.1.1 was removed"}, []string{"the source address 10.77.1.1 is there again"},
				"sendmsg: Network is unreachable"},
			{"address, bound", "-i .1 -I 10.77.1.1 " + weatherServer4, func() { address("10.77.1.1/24", false) }, func() { address("10.77.1.1/24", true) },
				[]string{"the source address 10.77.1.1 was removed"}, []string{"the source address 10.77.1.1 is there again"}, "sendmsg: "},
			{"address, IPv6", "-i .1 " + weatherServer6, func() { address("fd77:1::1/64", false) }, func() { address("fd77:1::1/64", true) },
				[]string{"the source address fd77:1::1 was removed"}, []string{"the source address fd77:1::1 is there again"},
				"sendmsg: Network is unreachable"},
			// At the end: with a link go its addresses of IPv6.
			{"carrier", "-i .1 " + weatherServer4, func() { w.link(w.server, "left", down) }, func() { w.link(w.server, "left", up) },
				[]string{"right has no carrier"}, []string{"right has its carrier again"}, ""},
			{"down", "-i .1 " + weatherServer4, func() { w.link(w.client, "right", down) }, func() { w.link(w.client, "right", up) },
				[]string{"right is down"}, []string{"right is up again"}, "sendmsg: Network is unreachable"},
		} {
			r := w.start(tt.line)
			r.watched()
			tt.change()
			for _, line := range tt.changed {
				r.awaitError("ping: " + line)
			}
			if tt.seen != "" {
				r.awaitError("ping: " + tt.seen)
			}
			tt.mend()
			for _, line := range tt.mends {
				r.awaitError("ping: " + line)
			}
			for len(r.lines) > 0 {
				r.await("") // what came before
			}
			r.await("bytes from")
			r.await("bytes from")
			got := r.end(unix.SIGINT)
			if diff := cmp.Diff(append(tt.changed, tt.mends...), changes(got.Stderr)); diff != "" || got.Status != 0 {
				t.Errorf("%s: ping %s: status %d (-want +got):\n%s%s%s", tt.name, tt.line, got.Status, diff, got.Stdout, got.Stderr)
			}
		}
	})
}

// changes returns the lines about the host, without the refusals of probes and
// errors that follow from them.
func changes(stderr string) (lines []string) {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "ping: "), "\n")
		if !strings.HasPrefix(line, "sendmsg: ") && !strings.HasPrefix(line, "local error: ") && !strings.HasPrefix(line, "hint: ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// An address that goes before the watch has looked is missed all the same, and
// the link is known once a route leads there again.
func TestPingWeather_addressGoneBefore(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		address := netip.MustParsePrefix("10.79.1.1/24")
		lines := make(chan string, 8)
		watch := watchHost(&pingOptions{}, &pingSeries{Family: probe.IPv4, Target: netip.MustParseAddr("10.79.1.2"), Source: address.Addr()},
			func(line string) { lines <- line })
		defer watch.close()
		defer watch.stop()
		await := func(want string) {
			t.Helper()
			select {
			case got := <-lines:
				if got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			case <-time.After(patience):
				t.Fatalf("no %q", want)
			}
		}
		await("the source address 10.79.1.1 was removed")
		w.client.Netlink(t, func(c *rtnl.Conn) error {
			l, err := c.LinkByName("right")
			if err != nil {
				return err
			}
			return c.AddAddr(l.Index, address, unix.IFA_F_NODAD)
		})
		await("the source address 10.79.1.1 is there again")
		w.link(w.client, "right", new(rtnl.LinkChange).MTU(1400))
		await("the MTU of right is 1400 bytes, it was 1500")
	})
}

// A device that is deleted takes its addresses along; the run goes on without.
func TestPingWeather_deviceRemoved(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		for _, line := range []string{"-i .1 " + weatherServer4, "-i .1 -I right " + weatherServer4, "-i .1 -I right " + weatherServer6} {
			r := w.start(line)
			r.watched()
			w.client.Netlink(t, func(c *rtnl.Conn) error {
				l, err := c.LinkByName("right")
				if err != nil {
					return err
				}
				return c.DelLink(l.Index)
			})
			r.awaitError("ping: right was removed")
			r.awaitError("ping: sendmsg: ")
			got := r.end(unix.SIGTERM)
			source := "10.77.1.1"
			if strings.HasSuffix(line, weatherServer6) {
				source = "fd77:1::1"
			}
			want := []string{"right is down", "the source address " + source + " was removed", "right was removed"}
			if diff := cmp.Diff(sorted(want), sorted(changes(got.Stderr))); diff != "" || got.Status != 0 {
				t.Errorf("ping %s: status %d (-want +got):\n%s%s%s", line, got.Status, diff, got.Stdout, got.Stderr)
			}
			w.connect()
		}
	})
}

// In a document the changes are notes; -q keeps them off standard error.
func TestPingWeather_linkNotes(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		for _, tt := range []struct{ line, note, stderr string }{
			{"--format jsonl -i .1 ", `{"kind":"note","level":"warning","text":"the MTU of right is 1400 bytes, it was 1500"}`,
				"ping: the MTU of right is 1400 bytes, it was 1500\n"},
			{"--json -i .1 ", `{"level":"warning","text":"the MTU of right is 1400 bytes, it was 1500"}`,
				"ping: the MTU of right is 1400 bytes, it was 1500\n"},
			{"--json -q -i .1 ", `{"level":"warning","text":"the MTU of right is 1400 bytes, it was 1500"}`, ""},
			{"-q -i .1 ", "", ""},
		} {
			r := w.start(tt.line + weatherServer4)
			w.listened(r)
			w.link(w.client, "right", new(rtnl.LinkChange).MTU(1400))
			w.listened(r)
			got := r.end(unix.SIGINT)
			w.link(w.client, "right", new(rtnl.LinkChange).MTU(1500))
			if strings.Count(got.Stdout, tt.note) != 1 && tt.note != "" || got.Stderr != tt.stderr || got.Status != 0 {
				t.Errorf("ping %s: %s\n got %+v", tt.line, tt.note, got)
			}
		}
	})
}

// listened waits until the server has seen three more requests of a run that
// prints nothing.
func (w *weather) listened(r *weatherRun) {
	w.t.Helper()
	r.joined()
	for range 3 {
		seen := make(chan struct{}, 16)
		stop := w.server.Respond(w.t, false, func(q *nstest.Responder, request nstest.EchoRequest) {
			q.Reply(request, request.Answer())
			select {
			case seen <- struct{}{}:
			default:
			}
		})
		<-seen
		stop()
	}
}

// A link-local address without a link: the only one is taken, among several one
// has to be named, and all that would do are shown.
func TestPingWeather_zone(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		one := w.ran("-c1 fe80::2")
		want := "64 bytes from fe80::2%right: icmp_seq=1 ttl=64 time=T ms\n" + oneOfOne + "status 0"
		if diff := cmp.Diff(want, transcript(normalisePingResult(one))); diff != "" {
			t.Errorf("one link (-want +got):\n%s", diff)
		}
		other := nstest.NewHost(t, "other")
		nstest.Connect(t, 1500, nstest.End{Host: w.client, Name: "second", Addrs: []string{"10.78.1.1/24", "fd78:1::1/64"}},
			nstest.End{Host: other, Name: "left", Addrs: []string{"10.78.1.2/24", "fd78:1::2/64"}})
		id := difference(t, "ping-link-local-zone").ID
		for _, address := range []string{"fe80::2", "ff02::1"} {
			got := w.ran("-c1 " + address)
			want := nstest.Result{Status: 2, Stderr: fmt.Sprintf("ping: %s exists on each link: name one\nhint: %s%%right, %s%%second\n", address, address, address)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s on two links (-want +got):\n%s", id, address, diff)
			}
			original := w.client.Run(t, nstest.Peer(t, "ping"), "-c1", "-W1", address)
			if original.Status != 0 || !strings.Contains(original.Stdout, "%") {
				t.Errorf("%s: the original refuses %s on two links: %+v", id, address, original)
			}
		}
		for _, line := range []string{"-c1 fe80::2%second", "-I second -c1 fe80::2"} {
			got := transcript(normalisePingResult(w.ran(line)))
			want := "64 bytes from fe80::2%second: icmp_seq=1 ttl=64 time=T ms\n" + oneOfOne + "status 0"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ping %s (-want +got):\n%s", line, diff)
			}
		}
		w.link(w.client, "second", new(rtnl.LinkChange).Down())
		if got := w.ran("-c1 fe80::2"); got.Status != 0 {
			t.Errorf("a link that is down counts: %+v", got)
		}
		if nstest.Probe(nstest.Root) != nil {
			return
		}
		w.client.AllowPing(t)
		if got := transcript(normalisePingResult(w.ran("-c1 fe80::2", asNobody(t)))); got != want {
			t.Errorf("a datagram socket, one link: %s", got)
		}
	})
}
