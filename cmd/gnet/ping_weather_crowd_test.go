package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/ping"
)

// Of many hosts that answer each is known by itself: a duplicate is a second
// answer of one host to one probe.
func TestPingWeather_multicast(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		second := netip.MustParseAddr("10.77.1.3")
		first := netip.MustParseAddr(weatherServer4)
		stop := w.server.Respond(t, false, func(r *responder, q echoRequest) {
			r.Send(q, first, q.Answer(), true)
			r.Send(q, second, q.Answer(), true)
			if q.Seq == 2 {
				r.Send(q, second, q.Answer(), true)
			}
		})
		for _, line := range []string{"-L -I right 224.0.0.1", "-b 10.77.1.255"} {
			got := w.ran("-v -l2 -c2 -i9 -W2 " + line)
			for _, want := range []string{"ping: 10.77.1.2 answered 2 of 2 probes\n", "ping: 10.77.1.3 answered "} {
				if !strings.Contains(got.Stderr, want) {
					t.Errorf("ping %s: no %q in\n%s%s", line, want, got.Stdout, got.Stderr)
				}
			}
			got = w.ran("--format jsonl -q -i.2 -w1 " + line)
			if !strings.Contains(got.Stdout, `,"responders":2,"repeated":1,`) {
				t.Errorf("ping %s: %s%s", line, got.Stdout, got.Stderr)
			}
		}
		stop()
		got := w.ran("-c1 10.77.1.255")
		want := nstest.Result{Status: 2, Stderr: "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("broadcast without -b (-want +got):\n%s", diff)
		}
	})
}

func TestResponders(t *testing.T) {
	var r responders
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, ev := range []ping.Event{
		{Kind: ping.Reply, From: a, Seq: 1}, {Kind: ping.Duplicate, From: b, Seq: 1}, {Kind: ping.Duplicate, From: b, Seq: 1},
		{Kind: ping.Reply, From: b, Seq: 3}, {Kind: ping.Reply, From: b, Seq: 2}, {Kind: ping.Duplicate, From: b, Seq: 2},
		{Kind: ping.Reply, From: b, Seq: 300}, {Kind: ping.Duplicate, From: b, Seq: 3}, {Kind: ping.Duplicate, From: b, Seq: 300},
		{Kind: ping.ICMPError, From: a, Seq: 2},
	} {
		r.see(&ev)
	}
	for i := range maxResponders {
		r.see(&ping.Event{Kind: ping.Reply, From: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Seq: 1})
	}
	table := r.table(300)
	got := []string{table[maxResponders-2], table[maxResponders-1], table[maxResponders], fmt.Sprint(r.again())}
	want := []string{"192.0.2.1 answered 1 of 300 probes", "192.0.2.2 answered 5 of 300 probes, and 3 times again",
		"2 answers of hosts beyond the first 4096", "3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Pings that share an identifier see each other's answers and count none.
func TestPingWeather_sameIdentifier(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		runs := make([]*weatherRun, 4)
		for i := range runs {
			runs[i] = w.start("--format jsonl -e 77 -c20 -i.02 -W5 " + weatherServer4)
		}
		foreign := 0
		for _, r := range runs {
			got := r.end()
			if !strings.Contains(got.Stdout, `"received":20,"duplicates":0,`) || got.Status != 0 {
				t.Errorf("a ping beside others: %+v", got)
			}
			foreign += strings.Count(got.Stdout, `"reason":"other_data"`) + strings.Count(got.Stdout, `"reason":"not_asked"`)
		}
		if foreign == 0 {
			t.Error("none saw the answers of another: the test shows nothing")
		}
	})
}

// More probes than the 16 bits on the wire can count.
func TestPingWeather_wrap(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		w := newWeather(t)
		got := w.ran("--format jsonl -q -f -c 66000 127.0.0.1")
		want := `"transmitted":66000,"not_sent":0,"received":66000,"duplicates":0,`
		if !strings.Contains(got.Stdout, want) || got.Stderr != "" || got.Status != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// What our own buffer had no room for was not lost in the network.
func TestPingWeather_ownDrops(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		arrived, stopped, sent := make(chan struct{}), make(chan struct{}), make(chan struct{})
		defer w.server.Respond(t, false, func(r *responder, q echoRequest) {
			if q.Seq == 1 {
				close(arrived)
				<-stopped
				for range 3000 {
					b := q.Answer()
					binary.BigEndian.PutUint16(b[6:], 9999)
					r.Reply(q, b)
				}
				r.Reply(q, q.Answer())
				close(sent)
			}
		})()
		r := w.start("--format jsonl -q -c1 -W2 " + weatherServer4)
		<-arrived
		r.cmd.Process.Signal(unix.SIGSTOP)
		close(stopped)
		<-sent
		r.cmd.Process.Signal(unix.SIGCONT)
		got := r.end()
		if strings.Contains(got.Stdout, `"own_drops":0,`) || !strings.Contains(got.Stderr, "packets were lost in our own receive buffer") {
			t.Errorf("%+v", got)
		}
	})
}

// While the neighbour is away probes wait in its queue; they come back when it
// does, late but true, and nothing is invented for the rest.
func TestPingWeather_neighbourQueue(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		w.client.Sysctl(t, "net/ipv4/neigh/right/retrans_time_ms", "3000")
		w.server.Sysctl(t, "net/ipv4/conf/left/arp_ignore", "8") // answers no ARP request
		r := w.start("--format jsonl -i.2 -c5 -W9 " + weatherServer4)
		time.Sleep(900 * time.Millisecond)
		w.server.Sysctl(t, "net/ipv4/conf/left/arp_ignore", "0")
		got := r.end()
		if !strings.Contains(got.Stdout, `"transmitted":5,"not_sent":0,"received":5,`) || got.Status != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// A reverse path filter of our own: the answers are seen to arrive, and what
// drops them is named.
func TestPingHint_reversePath(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		other := nstest.NewHost(t, "other")
		nstest.Connect(t, 1500, nstest.End{Host: w.client, Name: "second", Addrs: []string{"10.78.1.1/24"}},
			nstest.End{Host: other, Name: "left", Addrs: []string{"10.78.1.2/24"}})
		w.server.Netlink(t, func(c *rtnl.Conn) error {
			lo, err := c.LinkByName("lo")
			if err != nil {
				return err
			}
			return c.AddAddr(lo.Index, netip.MustParsePrefix("10.99.0.1/32"), 0)
		})
		w.client.AddRoute(t, "default", weatherServer4)
		w.client.AddRoute(t, "10.99.0.1/32", "10.78.1.2")
		w.client.Sysctl(t, "net/ipv4/conf/right/rp_filter", "1")
		w.client.Sysctl(t, "net/ipv4/conf/all/rp_filter", "1")
		got := w.ran("-I right -i.2 -c4 -W.3 10.99.0.1")
		want := "answers arrived on right, and the reverse path filter of this host dropped them: the way back is not through right (sysctl net.ipv4.conf.right.rp_filter)"
		if diff := cmp.Diff(want, hints(got.Stderr)); diff != "" {
			t.Errorf("(-want +got):\n%s%+v", diff, got)
		}
		if nstest.Probe(nstest.Root) != nil {
			return
		}
		w.client.AllowPing(t)
		got = w.ran("-I right -i.2 -c4 -W.3 10.99.0.1", asNobody(t))
		want = "the reverse path filter of this host dropped packets meanwhile (sysctl net.ipv4.conf.all.rp_filter, nstat TcpExtIPReversePathFilter)"
		if diff := cmp.Diff(want, hints(got.Stderr)); diff != "" {
			t.Errorf("without rights (-want +got):\n%s%+v", diff, got)
		}
	})
}

// A quiet run reads nothing of other links: their changes are not its own.
func TestPingWeather_otherLinks(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		other := nstest.NewHost(t, "other")
		nstest.Connect(t, 1500, nstest.End{Host: w.client, Name: "second", Addrs: []string{"10.78.1.1/24"}},
			nstest.End{Host: other, Name: "left", Addrs: []string{"10.78.1.2/24"}})
		r := w.start("-i.1 " + weatherServer4)
		r.watched()
		w.link(w.client, "second", new(rtnl.LinkChange).MTU(1300))
		w.link(w.client, "second", new(rtnl.LinkChange).Down())
		r.await("bytes from")
		r.await("bytes from")
		if got := r.end(unix.SIGINT); !bytes.Equal([]byte(got.Stderr), nil) || got.Status != 0 {
			t.Errorf("%+v", got)
		}
	})
}
