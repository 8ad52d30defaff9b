package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
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
