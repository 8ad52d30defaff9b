package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/man"
)

// traceOracle runs the installed tracepath and gnet's on the usual path.
type traceOracle struct {
	t              *testing.T
	path           *nstest.Path
	original, gnet string
	nobody         bool
}

func newTraceOracle(t *testing.T) *traceOracle {
	t.Helper()
	o := &traceOracle{t: t, original: nstest.Peer(t, "tracepath"), gnet: filepath.Join(publicDir(t), "tracepath")}
	copyExecutable(t, o.gnet)
	o.path = nstest.NewPath(t, nstest.PathMTUs()...)
	return o
}

// answer runs one of the two with an empty route cache. The round-trip time is all
// that varies; the width of its column stays.
func (o *traceOracle) answer(path, line string) nstest.Result {
	o.t.Helper()
	o.forget()
	return o.run(path, line)
}

func (o *traceOracle) run(path, line string) nstest.Result {
	o.t.Helper()
	cmd := exec.Command(path, strings.Fields(line)...)
	cmd.Args[0], cmd.Dir, cmd.Env = "tracepath", "/", []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TMPDIR=" + filepath.Dir(o.gnet)}
	if o.nobody {
		nstest.AsNobody(o.t, cmd)
	}
	r := o.path.Client().Output(o.t, cmd)
	r.Stdout = regexp.MustCompile(`[ \d]{3}\.\d{3}ms`).ReplaceAllString(r.Stdout, "TTT.TTTms")
	r.Stderr, _, _ = strings.Cut(r.Stderr, "\nUsage\n")
	return r
}

// forget empties the route cache of IPv4: what an exception of a path MTU says goes
// with the next change of routes (rt_cache_flush, net/ipv4/route.c).
func (o *traceOracle) forget() {
	ip := nstest.Peer(o.t, "ip")
	for _, family := range []string{"-4", "-6"} {
		if r := o.path.Client().Output(o.t, exec.Command(ip, family, "route", "flush", "cache")); r.Status != 0 {
			o.t.Fatal(r.Stderr)
		}
	}
}

// same holds gnet to the original, byte by byte but for gnet's own hints.
func (o *traceOracle) same(line string) {
	o.t.Helper()
	ours := func() nstest.Result {
		r := o.answer(o.gnet, line)
		r.Stderr = withoutHints(r.Stderr)
		return r
	}
	want, got := o.answer(o.original, line), ours()
	if want != got {
		got = settled(got, ours)
		want = settled(want, func() nstest.Result { return o.answer(o.original, line) })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.t.Errorf("tracepath %s (-original +gnet)\n%s", line, diff)
	}
}

// shown holds both to what a difference says; status and stderr too.
func (o *traceOracle) shown(d man.Difference, line string, run func(path, line string) nstest.Result, original, gnet string) {
	o.t.Helper()
	for _, side := range []struct{ path, want string }{{o.original, original}, {o.gnet, gnet}} {
		r := run(side.path, line)
		if diff := cmp.Diff(side.want, fmt.Sprintf("%s%sstatus %d", r.Stdout, r.Stderr, r.Status)); diff != "" {
			o.t.Errorf("%s: %s %s (-want +got)\n%s", d.ID, side.path, line, diff)
		}
	}
}

func traceLine(hop int, host, remark string) string {
	return fmt.Sprintf("%2d:  %-52sTTT.TTTms %s\n", hop, host, remark)
}

func unnumberedLine(hop int, what string, mtu int) string {
	return fmt.Sprintf("%2d?: %-32s pmtu %d\n", hop, what, mtu)
}

func TestTracepath_oracle(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		o.run(o.original, "-n fd77:4::2") // neighbours are known from now on
		for _, line := range []string{
			"-n 10.77.4.2", "-n fd77:4::2", "-n -m 2 10.77.4.2", "-n -b 10.77.4.2", "-n -l 1000 10.77.4.2", "-n -l 2000 10.77.4.2",
			"-n 10.77.1.2", "-n 10.77.1.1", "-n ::1", "-n 127.0.0.1", "-n 0.0.0.0", "-n 10.77.4.2/99", "-n -p 99 10.77.4.2",
			"-n -m 0 10.77.4.2", "-m 256 10.77.4.2", "-m -1 10.77.4.2", "-m x 10.77.4.2", "-p 70000 10.77.4.2", "-l 5 10.77.4.2", "-l 48 ::1",
			"-4 -6 10.77.4.2", "-z", "-l", "-4 fd77:4::2", "-6 10.77.4.2", "-n 10.77.4.2/x", "", "10.77.4.2 10.77.1.2",
		} {
			o.same(line)
		}
		o.path.Drop(t, 3, "udp dport 44444-44600")
		o.same("-n -m 3 10.77.4.2")
	})
}

func TestTracepath_asymmetry(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		for n, ttl := range map[int]int{1: 200, 2: 60, 4: 60} {
			o.path.Hosts[n].Nft(t, fmt.Sprintf(`add table ip odd
add chain ip odd out { type filter hook output priority 0; }
add rule ip odd out ip ttl set %d`, ttl))
		}
		o.same("-n 10.77.4.2")
	})
}

func TestTracepath_differences(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		o.shown(difference(t, "tracepath-not-sent"), "-n 10.99.1.1", o.answer,
			" 1:  send failed\n     Resume: pmtu 65535 \nstatus 0",
			" 1:  send failed\n     Resume: pmtu 65535 \ntracepath: Network is unreachable\nstatus 1")
		o.shown(difference(t, "tracepath-names"), "-m 1 -l 1000 10.77.1.2", o.answer,
			traceLine(1, "???", "reached")+"     Resume: pmtu 1000 hops 1 back 1 \nstatus 0",
			traceLine(1, "10.77.1.2", "reached")+"     Resume: pmtu 1000 hops 1 back 1 \nstatus 0")
		hop := traceLine(1, "10.77.1.2", "")
		o.answer(o.original, "-n 10.77.4.2")
		o.shown(difference(t, "tracepath-cached"), "-n 10.77.4.2", o.run,
			unnumberedLine(1, "[LOCALHOST]", 1400)+hop+hop+traceLine(2, "10.77.2.2", "")+traceLine(3, "10.77.3.2", "")+
				traceLine(4, "10.77.4.2", "reached")+"     Resume: pmtu 1400 hops 4 back 4 \nstatus 0",
			unnumberedLine(1, "[LOCALHOST]", 1500)+hop+hop+traceLine(2, "10.77.1.2", "pmtu 1450")+traceLine(2, "10.77.2.2", "")+
				traceLine(3, "10.77.2.2", "pmtu 1400")+traceLine(3, "10.77.3.2", "")+traceLine(4, "10.77.4.2", "reached")+
				"     Resume: pmtu 1400 hops 4 back 4 \nstatus 0")
	})
}

// TestTracepath_blackHole: with the sockets of ping, and as an ordinary user who
// may not open them.
func TestTracepath_blackHole(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, nobody := range []bool{false, true} {
		t.Run(fmt.Sprintf("nobody=%v", nobody), func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				o := newTraceOracle(t)
				o.path.Blind(t, 2)
				o.nobody = nobody
				hop := traceLine(1, "10.77.1.2", "")
				known := unnumberedLine(1, "[LOCALHOST]", 1500) + hop + hop + traceLine(2, "10.77.1.2", "pmtu 1450") + traceLine(2, "10.77.2.2", "")
				o.shown(difference(t, "tracepath-black-hole"), "-n -m 4 10.77.4.2", o.answer,
					known+" 3:  no reply\n 4:  no reply\n     Too many hops: pmtu 1450\n     Resume: pmtu 1450 \nstatus 0",
					known+unnumberedLine(3, "[BLACK HOLE]", 1400)+traceLine(3, "10.77.3.2", "")+
						traceLine(4, "10.77.4.2", "reached")+"     Resume: pmtu 1400 hops 4 back 4 \nstatus 0")
			})
		})
	}
}

// TestTracepath_methods: echo requests and SYNs see the same path.
func TestTracepath_methods(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newTraceOracle(t)
		for _, target := range []string{"10.77.4.2", "fd77:4::2"} {
			want := o.answer(o.gnet, "-n "+target)
			for _, method := range []string{"--icmp", "--tcp"} {
				if diff := cmp.Diff(want, o.answer(o.gnet, "-n "+method+" "+target)); diff != "" {
					t.Errorf("%s %s (-udp +got)\n%s", method, target, diff)
				}
			}
		}
	})
}
