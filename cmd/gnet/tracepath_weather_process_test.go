package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// start starts gnet's tracepath.
func (o *traceOracle) start(line string) *weatherRun {
	w := &weather{t: o.t, client: o.path.Client(), gnet: o.gnet}
	return w.start(line, func(cmd *exec.Cmd) { cmd.Args[0] = "tracepath" })
}

// timeless puts signs in the place of the times of lines and of the table.
func timeless(r nstest.Result) nstest.Result {
	r.Stdout = regexp.MustCompile(`[ \d]{3}\.\d{3}ms`).ReplaceAllString(r.Stdout, "TTT.TTTms")
	r.Stdout = regexp.MustCompile(`(?m)(%)( +\d+\.\d{3}){3}$`).ReplaceAllString(r.Stdout, "$1 MIN AVG MAX")
	r.Stdout = regexp.MustCompile(`"(rtt_\w+_ns)":\d+`).ReplaceAllString(r.Stdout, `"$1":0`)
	return r
}

// soon runs a line until the answer is the one that is wanted: a machine that
// stands still can make a probe of a run be late.
func (o *traceOracle) soon(want nstest.Result, line string, before func()) {
	o.t.Helper()
	var got nstest.Result
	for range 4 {
		before()
		if got = timeless(o.answer(o.gnet, line)); got == want {
			return
		}
	}
	o.t.Errorf("tracepath %s (-want +got)\n%s", line, cmp.Diff(want, got))
}

const traceTable = "\nhop  address                                  sent  recv   loss    min ms    avg ms    max ms\n"

// A signal ends a plain run at once, and what was printed stays; of a document and
// of rounds what is known is shown.
func TestTracepathWeather_signals(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		ports := make(chan uint16, 1<<16)
		behind(t, o.path, 1, false, func(other *otherPath, p udpProbe) {
			if p.TTL == 1 {
				other.say(p, other.exceeded(1))
			}
			ports <- p.Port
		})
		first := traceLine(1, "198.51.100.1", "")
		for signal, status := range map[unix.Signal]int{unix.SIGINT: 130, unix.SIGTERM: 143} {
			r := o.start("-n -l 1000 10.77.4.2")
			r.await(" 1:")
			if diff := cmp.Diff(nstest.Result{Stdout: first, Status: status}, timeless(r.end(signal))); diff != "" {
				t.Errorf("%v (-want +got)\n%s", signal, diff)
			}
			r = o.start("-n -l 1000 --rounds 9 10.77.4.2")
			r.await(" 1:")
			want := first + traceTable + "  1  198.51.100.1                                1     1     0% MIN AVG MAX\n"
			if diff := cmp.Diff(nstest.Result{Stdout: want, Status: status}, timeless(r.end(signal))); diff != "" {
				t.Errorf("%v, rounds (-want +got)\n%s", signal, diff)
			}
			// Signals are caught before the first probe is sent. Those of the runs before may be seen
			// late: this one has ports of its own.
			port := 50000 + 100*uint16(signal)
			r = o.start(fmt.Sprintf("-n -l 1000 -p %d --format jsonl 10.77.4.2", port))
			for end, sent := time.After(patience), false; !sent; {
				select {
				case p := <-ports:
					sent = p >= port && p < port+100
				case <-end:
					t.Fatalf("%v, document: no probe", signal)
				}
			}
			got := r.end(signal)
			if !strings.HasSuffix(got.Stdout, `"interrupted":true}`+"\n") || got.Status != status || got.Stderr != "" {
				t.Errorf("%v, document: %+v", signal, got)
			}
		}
	})
}

// What tracepath is given for its standard streams does not make it hang or hide
// what it did.
func TestTracepathWeather_streams(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		full := "tracepath: write error: write /dev/stdout: no space left on device\n"
		for _, tt := range []struct {
			name, command, stdout, stderr string
			status                        int
		}{
			{"no standard input", "TRACE -n 10.77.4.2 <&- | grep -c reached", "1\n", "", 0},
			{"no standard output", "TRACE -n 10.77.4.2 >&-", "", "", 0},
			{"no standard error", "TRACE -n 10.99.1.1 2>&- | grep -c failed", "1\n", "", 0},
			{"standard error is full", "TRACE -n 10.99.1.1 2>/dev/full | grep -c failed", "1\n", "", 0},
			{"a reader that leaves", "TRACE -n --rounds 3 10.77.4.2 | head -n 2 | wc -l", "2\n", "", 0},
			{"a reader that was never there", "TRACE -n --rounds 99 10.77.4.2 | true", "", "", 0},
			{"a full disk", "TRACE -n 10.77.4.2 >/dev/full", "", full, 1},
			{"a full disk, rounds", "TRACE -n --rounds 99 10.77.4.2 >/dev/full", "", full, 1},
			{"a full disk, document", "TRACE -n --json 10.77.4.2 >/dev/full", "", full, 1},
			{"a full disk, csv", "TRACE -n --format csv 10.77.4.2 >/dev/full", "", full, 1},
		} {
			command := "export PATH=/usr/bin:/bin; " + strings.ReplaceAll(tt.command, "TRACE", o.gnet)
			got := o.path.Client().Run(t, "/bin/sh", "-c", command)
			want := nstest.Result{Stdout: tt.stdout, Stderr: tt.stderr, Status: tt.status}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", tt.name, tt.command, diff)
			}
		}
	})
}

// An ordinary user sees the same, or what right is missing.
func TestTracepathWeather_noRights(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		o := newTraceOracle(t)
		o.nobody = true
		for _, line := range []string{"-n 10.77.4.2", "-n fd77:4::2", "-n -m 256 10.77.4.2", "-n 127.0.0.1"} {
			o.same(line)
		}
		for _, method := range []string{"--icmp", "--tcp"} {
			for _, six := range []bool{false, true} {
				want := nstest.Result{Status: 2, Stderr: "tracepath: " + method + ": Operation not permitted\nhint: UDP, the default, needs no right\n"}
				if diff := cmp.Diff(want, o.answer(o.gnet, "-n "+method+" "+traceTarget(six))); diff != "" {
					t.Errorf("%s (-want +got)\n%s", method, diff)
				}
			}
		}
		want := o.answer(o.gnet, "-n fd77:4::2")
		o.path.Client().AllowPing(t)
		if diff := cmp.Diff(want, o.answer(o.gnet, "-n --icmp fd77:4::2")); diff != "" {
			t.Errorf("--icmp by a ping socket (-udp +got)\n%s", diff)
		}
		// Behind a silent router whose neighbours say little.
		o.path.Client().Sysctl(t, "net/ipv4/ping_group_range", "1 0")
		o.path.Blind(t, 2)
		for n := 1; n <= 4; n++ {
			o.path.LimitErrors(t, n)
		}
		for _, six := range []bool{false, true} {
			got := o.answer(o.gnet, "-n "+traceTarget(six))
			end := unnumberedLine(3, "[BLACK HOLE]", 1400) + traceLine(3, o.path.HopAddr(3, six).String(), "") + traceLine(4, traceTarget(six), "reached") +
				"     Resume: pmtu 1400 hops 4 back 4 \n"
			if !strings.HasSuffix(got.Stdout, end) || got.Stderr != "" || got.Status != 0 {
				t.Errorf("limited routers: %+v\nwant at the end:\n%s", got, end)
			}
		}
	})
}

// What our own kernel does not send is said, with the reason, and is no silence of
// others.
func TestTracepathWeather_notSent(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		o.path.Client().Nft(t, `add table ip own
add chain ip own out { type filter hook output priority 0; }
add rule ip own out ip ttl 3 udp dport 44444-44500 drop
add rule ip own out ip daddr 10.77.3.2 udp dport 44444-44500 drop`)
		ip := nstest.Peer(t, "ip")
		for _, route := range []string{"prohibit 10.98.1.0/24", "unreachable 10.98.2.0/24", "blackhole 10.98.3.0/24", "prohibit fd98:1::/64", "blackhole fd98:3::/64"} {
			if r := o.path.Client().Run(t, ip, append([]string{"route", "add"}, strings.Fields(route)...)...); r.Status != 0 {
				t.Fatal(r.Stderr)
			}
		}
		d := difference(t, "tracepath-not-sent")
		for line, why := range map[string]string{
			"-n 10.98.1.1": "Permission denied", "-n 10.98.2.1": "No route to host", "-n 10.98.3.1": "Invalid argument",
			"-n fd98:1::1": "Permission denied", "-n fd98:3::1": "Invalid argument", "-n fd99::1": "Network is unreachable",
		} {
			length := 65535
			if strings.Contains(line, ":") {
				length = 128000
			}
			lines := fmt.Sprintf(" 1:  send failed\n     Resume: pmtu %d \n", length)
			o.shown(d, line, o.answer, lines+"status 0", lines+"tracepath: "+why+"\nstatus 1")
		}
		lines := unnumberedLine(1, "[LOCALHOST]", 1500) + " 1:  send failed\n 1:  send failed\n     Resume: pmtu 1500 \n"
		o.shown(d, "-n 10.77.3.2", o.answer, lines+"status 0", lines+"tracepath: Operation not permitted\nstatus 1")
		lines = traceLine(1, "10.77.1.2", "") + traceLine(2, "10.77.2.2", "") + " 3:  send failed\n     Resume: pmtu 1000 \n"
		o.shown(d, "-n -l 1000 10.77.4.2", o.answer, lines+"status 0", lines+"tracepath: hop 3: Operation not permitted\nstatus 0")
		document := o.document("-n -l 1000 10.77.4.2")
		if len(document.Rows) != 3 || document.Rows[2].Fate != "not_sent" || len(document.Notes) != 1 || document.Summary.Reached {
			t.Errorf("document: %+v", document)
		}
	})
}

// Lengths, ports and numbers of hops at the ends of their ranges.
func TestTracepathWeather_limits(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		o.run(o.original, "-n fd77:4::2") // neighbours are known from now on
		for _, line := range []string{
			"-n -m 1 10.77.4.2", "-n -m 255 -l 1000 10.77.4.2", "-n -m 1 10.77.1.2", "-n -m 001 10.77.4.2", "-n -m +1 10.77.4.2",
			"-n -l 0 10.77.4.2", "-n -l 28 10.77.4.2", "-n -l 29 10.77.4.2", "-n -l 37 10.77.4.2", "-n -l 38 10.77.4.2", "-n -l 68 10.77.4.2",
			"-n -l 1399 10.77.4.2", "-n -l 1400 10.77.4.2", "-n -l 1401 10.77.4.2", "-n -l 1500 10.77.4.2", "-n -l 1501 10.77.4.2",
			"-n -l 65535 10.77.4.2", "-n -l 65536 -m 1 10.77.4.2", "-n -l -1 10.77.4.2", "-n -l 2147483648 10.77.4.2",
			"-n -l 0 fd77:4::2", "-n -l 48 fd77:4::2", "-n -l 49 fd77:4::2", "-n -l 1279 fd77:4::2", "-n -l 65536 -m 1 fd77:4::2", "-n -l 200000 -m 1 fd77:4::2",
			"-n -l 65535 127.0.0.1", "-n -l 65536 ::1", "-n localhost", "-n -b localhost", "-b 127.0.0.1", "-n ::", "-n 127.1",
			"-n -p 0 -l 1000 10.77.4.2", "-n -p 1 -l 1000 10.77.4.2", "-n -p 65530 -l 1000 10.77.4.2", "-n -p 65536 10.77.4.2", "-n -p -1 10.77.4.2",
			"-n fe80::2%right", "-n fe80::2", "nosuch.invalid", "-4 ::1", "-6 127.0.0.1", "-n 10.77.4.2/65536",
		} {
			o.same(line)
		}
		hops := traceLine(1, "10.77.1.2", "")
		o.shown(difference(t, "tracepath-last-port"), "-n -p 65535 -l 1000 10.77.4.2", o.answer, hops+" 2:  send failed\n     Resume: pmtu 1000 \nstatus 0",
			hops+traceLine(2, "10.77.2.2", "")+traceLine(3, "10.77.3.2", "")+traceLine(4, "10.77.4.2", "reached")+"     Resume: pmtu 1000 hops 4 back 4 \nstatus 0")
	})
}

// Names as hosts(5) has them, of both families, hostile ones, and none.
func TestTracepathWeather_names(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		o.run(o.original, "-n fd77:4::2")
		serveNames(t, "127.0.0.1 localhost\n10.77.1.2 first.example r1\n10.77.2.2 second.example\n10.77.3.2 third.example\n"+
			"10.77.4.2 both.example\nfd77:4::2 both.example\nfd77:1::2 first.example\n10.77.4.2 four.example\n",
			func(name string, qtype uint16, query []byte) []byte { return response(query, 3) })
		for _, line := range []string{
			"-l 1000 10.77.3.2", "-b -l 1000 10.77.3.2", "-n -b -l 1000 10.77.3.2", "-n both.example", "-4 both.example", "-n -6 both.example",
			"-n four.example", "no-such-host.example",
		} {
			o.same(line)
		}
	})
}

// No byte of a name that a terminal obeys gets there.
func TestTracepathWeather_hostileNames(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		hostile := "\x1b[31mEVIL\x1b[0m.example"
		serveNames(t, "10.77.1.2 "+hostile+"\n10.77.2.2 bidi\u202e.example\n10.77.3.2 "+strings.Repeat("long.", 40)+"example\n",
			func(name string, qtype uint16, query []byte) []byte {
				if qtype == typePTR { // a label with a line feed and one with a tab
					return response(query, 0, []byte("\x05a\nb\tc\x07example\x00"))
				}
				return response(query, 3)
			})
		for _, line := range []string{"-l 1000 10.77.4.2", "-b -l 1000 10.77.4.2", "-n -b --rounds 2 -l 1000 10.77.4.2", "--json -l 1000 10.77.4.2", "\x1b[31m", "a\u202eb.example"} {
			r := o.answer(o.gnet, line)
			for _, text := range []string{r.Stdout, r.Stderr} {
				if strings.ContainsAny(text, "\x1b\t\u202e") {
					t.Errorf("%q: %q", line, text)
				}
			}
			if n := strings.Count(r.Stdout, "\n"); strings.HasPrefix(line, "-l") && n != 5 {
				t.Errorf("%q: %d lines:\n%s", line, n, r.Stdout)
			}
		}
	})
}
