package main

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// lateTimes takes the seconds from the times of an answer that took some.
func lateTimes(r nstest.Result) nstest.Result {
	r.Stdout = regexp.MustCompile(`\dTTT\.TTTms`).ReplaceAllString(r.Stdout, "TTT.TTTms")
	return r
}

// An address that nobody has: the host before it, ourselves or a router, asks for
// three seconds and then says so. That is the answer, and no hop has none.
func TestTracepathWeather_nobodyThere(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		run := func(path, line string) (r nstest.Result) {
			for range 5 { // a machine that stood still can make the original wait a little longer
				r = lateTimes(o.answer(path, line))
				if path == o.gnet || strings.Contains(r.Stdout, "no reply") {
					break
				}
			}
			return r
		}
		for _, target := range []string{"10.77.1.77", "fd77:1::77"} {
			from := map[string]string{"10.77.1.77": "10.77.1.1", "fd77:1::77": "fd77:1::1"}[target]
			got := run(o.gnet, "-n -l 1000 "+target)
			want := nstest.Result{Stdout: traceLine(1, from, "!H") + "     Resume: pmtu 1000 \n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", target, diff)
			}
		}
		late := traceLine(4, "10.77.3.2", "!H") + "     Resume: pmtu 1000 \nstatus 0"
		routers := traceLine(1, "10.77.1.2", "") + traceLine(2, "10.77.2.2", "") + traceLine(3, "10.77.3.2", "")
		o.shown(difference(t, "tracepath-late"), "-n -l 1000 10.77.4.77", run, routers+" 4:  no reply\n"+late, routers+late)
		if d := o.document("-n -l 1000 fd77:4::77"); len(d.Rows) != 4 || d.Rows[3].Fate != "unreachable" || d.Summary.Reached {
			t.Errorf("document: %+v", d)
		}
	})
}

// Where routers send few errors a second no hop is without an answer, and no
// link is called narrow for what was not said.
func TestTracepathWeather_limitedRouters(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newTraceOracle(t)
		for n := 1; n <= 4; n++ {
			o.path.LimitErrors(t, n)
			// One at once and one a second, of the whole host.
			o.path.Hosts[n].Sysctl(t, "net/ipv4/icmp_msgs_per_sec", "1")
			o.path.Hosts[n].Sysctl(t, "net/ipv4/icmp_msgs_burst", "1")
		}
		for range 2 {
			for _, line := range []string{"-n 10.77.4.2", "-n fd77:4::2", "-n --icmp fd77:4::2", "-n --tcp 10.77.4.2"} {
				got := o.answer(o.gnet, line)
				for n := 1; n <= 4; n++ {
					hop := fmt.Sprintf("\n%2d:  %-52sTTT", n, o.path.HopAddr(n, strings.Contains(line, "fd77")))
					if !strings.Contains(got.Stdout, hop) {
						t.Errorf("%s: no answer of hop %d:\n%s", line, n, got.Stdout)
					}
				}
				if strings.Contains(got.Stdout, "BLACK HOLE") || strings.Contains(got.Stdout, "no reply") ||
					!strings.HasSuffix(got.Stdout, "\n     Resume: pmtu 1400 hops 4 back 4 \n") || got.Stderr != "" || got.Status != 0 {
					t.Errorf("%s: %+v", line, got)
				}
			}
		}
	})
}

// Rounds: whole lines, the table and the rows, for hops that answer always, never,
// in turns, and from two addresses.
func TestTracepathWeather_rounds(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		for _, six := range []bool{false, true} {
			var mu sync.Mutex // the responder has a goroutine of its own
			asked := make(map[int]int)
			forget := func() {
				mu.Lock()
				defer mu.Unlock()
				clear(asked)
			}
			behind(t, o.path, 1, six, func(other *otherPath, p udpProbe) {
				mu.Lock()
				defer mu.Unlock()
				asked[p.TTL]++
				even := asked[p.TTL]%2 == 0
				switch {
				case p.TTL == 2, p.TTL == 4 && even:
				case p.TTL == 3 && even:
					other.say(p, other.exceeded(33))
				default:
					other.honest(p, 4)
				}
			})
			hop := func(n int) string { return numbered(six, n).String() }
			line := "-n -l 1000 --rounds 3 "
			want := traceLine(1, hop(1), "") + " 2:  no reply\n" + traceLine(3, hop(3), "asymm  1 ") + traceLine(4, hop(4), "asymm  1 ") +
				traceLine(5, traceTarget(six), "reached") + "     Resume: pmtu 1000 hops 5 back 1 \n" + traceTable +
				fmt.Sprintf("  1  %-39s     3     3     0%% MIN AVG MAX\n", hop(1)) +
				fmt.Sprintf("  2  %-39s     7     0   100%%\n", "no reply") +
				fmt.Sprintf("  3  %-39s     3     3     0%% MIN AVG MAX\n", hop(3)+", "+hop(33)) +
				fmt.Sprintf("  4  %-39s     3     2    33%% MIN AVG MAX\n", hop(4)) +
				fmt.Sprintf("  5  %-39s     3     3     0%% MIN AVG MAX\n", traceTarget(six))
			o.soon(nstest.Result{Stdout: want}, line+traceTarget(six), forget)
			times := `"rtt_min_ns":0,"rtt_avg_ns":0,"rtt_max_ns":0}`
			rows := fmt.Sprintf(`{"kind":"row","hop":1,"address":"%s","fate":"time_exceeded","back_hops":1,"sent":3,"received":3,"loss_percent":0,%s
{"kind":"row","hop":2,"fate":"silent","sent":7,"received":0,"loss_percent":100}
{"kind":"row","hop":3,"address":"%s","addresses":[{"address":"%s"},{"address":"%s"}],"fate":"time_exceeded","back_hops":1,"sent":3,"received":3,"loss_percent":0,%s
{"kind":"row","hop":4,"address":"%s","fate":"time_exceeded","back_hops":1,"sent":3,"received":2,"loss_percent":33.333333333333336,%s
{"kind":"row","hop":5,"address":"%s","fate":"answered","reply":"port_unreachable","back_hops":1,"sent":3,"received":3,"loss_percent":0,%s
`, hop(1), times, hop(3), hop(3), hop(33), times, hop(4), times, traceTarget(six), times)
			rows += fmt.Sprintf(`{"kind":"summary","destination":"%s","address":"%[1]s","method":"udp","reached":true,"hops":5,"back_hops":1,"too_many_hops":false,`+
				`"mtu":1000,"rounds":6,"duplicates":0,"foreign":0,"malformed":0,"malformed_extensions":0}`+"\n", traceTarget(six))
			o.soon(nstest.Result{Stdout: rows}, line+"--format jsonl "+traceTarget(six), forget)
		}
	})
}

// Where nobody answers the figure of the last line is not a path MTU, and the
// document has none.
func TestTracepathWeather_silence(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newTraceOracle(t)
		o.run(o.original, "-n fd77:4::2") // neighbours are known from now on
		o.path.Drop(t, 1, "iifname left meta l4proto { tcp, udp, icmp }")
		o.path.Drop(t, 1, "iifname left icmpv6 type echo-request")
		for _, six := range []bool{false, true} {
			line := "-n -m 1 " + traceTarget(six)
			want, got := o.answer(o.original, line), o.answer(o.gnet, line)
			want.Stderr = "tracepath: nobody answered: the path MTU is not known\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-original +gnet)\n%s", diff)
			}
			methods := []string{"--udp", "--tcp"}
			if six {
				methods = []string{"--icmp"}
			}
			for _, method := range methods {
				r := o.answer(o.gnet, "--json "+method+" "+line)
				if strings.Contains(r.Stdout, `"too_many_hops":true,"mtu"`) || !strings.Contains(r.Stdout, `"reached":false,"too_many_hops":true,"rounds"`) ||
					!strings.Contains(r.Stdout, `"notes":[{"level":"warning","text":"nobody answered: the path MTU is not known"}]`) {
					t.Errorf("%s: %+v", method, r)
				}
			}
		}
	})
}

// A link that becomes narrower while the rounds go on is said, and is the last
// figure of the document; the hops behind it answer on.
func TestTracepathWeather_changedMTU(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		for _, six := range []bool{false, true} {
			for _, tt := range []struct {
				name string
				link int
				want string
			}{
				{"a router's link", 4, traceLine(4, o.path.HopAddr(3, six).String(), "pmtu 1300")},
				{"our own link", 1, unnumberedLine(1, "[LOCALHOST]", 1300)},
			} {
				r := o.start("-n -l 1400 --rounds 99 " + traceTarget(six))
				r.await("Resume")
				o.path.SetMTU(t, tt.link, 1300, 1300)
				got := timeless(nstest.Result{Stdout: r.await("pmtu 1300")}).Stdout
				want := tt.want
				if six && tt.link == 1 {
					want = strings.Replace(want, " pmtu", " TTT.TTTms pmtu", 1)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, six=%v (-want +got)\n%s", tt.name, six, diff)
				}
				r.end(unix.SIGINT)
				o.path.SetMTU(t, tt.link, 1500, 1500)
			}
		}
		// The document is as good.
		seen := make(chan int, 1<<16)
		behind(t, o.path, 1, false, func(other *otherPath, p udpProbe) {
			seen <- len(p.Packet)
			if len(p.Packet) > 1300 && len(seen) > 4 {
				other.say(p, icmpError{From: numbered4(1), Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4FragNeeded, Rest: 1300})
				return
			}
			other.honest(p, 2)
		})
		if d := o.document("-n -l 1400 --rounds 3 10.77.4.2"); d.Summary.MTU != 1300 || !d.Summary.Reached || d.Rows[2].Received < 2 {
			t.Errorf("document: %+v", d)
		}
	})
}
