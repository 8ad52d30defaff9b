package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/ping"
)

// liveScript plays a run into a record: what becomes of each probe is told by its number, so that it is the same each time.
type liveScript struct {
	record *pingRecord
	stats  []ping.Stats
	begin  time.Time
}

func newLiveScript(hosts ...pingHost) *liveScript {
	o := defaultPing()
	return &liveScript{record: newPingRecord(&o, hosts), stats: make([]ping.Stats, len(hosts)), begin: time.Unix(1700000000, 0)}
}

// put records an event of that time, as a run yields it.
func (s *liveScript) put(host int, at time.Duration, ev ping.Event) {
	st := &s.stats[host]
	switch ev.Target, ev.At = host, s.begin.Add(at); ev.Kind {
	case ping.Sent:
		st.Transmitted++
	case ping.Reply:
		st.Received++
		s.trip(host, ev.RTT)
	case ping.Duplicate:
		st.Duplicates++
	case ping.ICMPError:
		st.Errors++
	case ping.NotSent, ping.TooLong:
		st.NotSent++
	}
	s.record.take(&ev, at, st)
}

// trip adds a round trip to the figures: Spread adds for its own package alone, so a Distribution lends its own.
func (s *liveScript) trip(host int, rtt time.Duration) {
	d := s.record.tracks[host].spread
	if d == nil {
		d = new(ping.Distribution)
	} else {
		kept := *d
		d = &kept
	}
	d.Add(rtt, ping.KernelKernel)
	s.stats[host].RTT = d.Source(ping.KernelKernel)
}

// rttOf is a round trip that varies with the number of the probe.
func rttOf(seq int64) time.Duration {
	rtt := 12 + 3*math.Sin(float64(seq)/7) + float64(seq*seq%11)/4
	if seq%37 == 0 {
		rtt *= 8
	}
	return time.Duration(rtt * float64(time.Millisecond))
}

var router = netip.MustParseAddr("192.0.2.254")

// play sends the probes from first to last to a host, one each second.
func (s *liveScript) play(host int, first, last int64) {
	for seq := first; seq <= last; seq++ {
		at := time.Duration(seq-1) * time.Second
		if seq%53 == 50 {
			s.put(host, at, ping.Event{Kind: ping.NotSent, Seq: seq, Err: unix.ENETUNREACH})
			continue
		}
		s.put(host, at, ping.Event{Kind: ping.Sent, Seq: seq})
		reply := ping.Event{Kind: ping.Reply, Seq: seq, RTT: rttOf(seq), Source: ping.KernelKernel, From: s.record.tracks[host].addr}
		switch {
		case seq%20 == 18, seq%61 == 12:
		case seq%41 == 30:
			s.put(host, at+3*time.Millisecond, ping.Event{Kind: ping.ICMPError, Seq: seq, Type: 3, Code: 1, From: router})
		case seq == 25:
			reply.Source = ping.ClockStepped
			s.put(host, at+reply.RTT, reply)
		case seq == 33: // its answer comes after it was given up
			s.record.settle(at + 2900*time.Millisecond)
			reply.RTT = 2950 * time.Millisecond
			s.put(host, at+reply.RTT, reply)
		default:
			s.put(host, at+reply.RTT, reply)
			if seq%29 == 7 {
				reply.Kind = ping.Duplicate
				s.put(host, at+reply.RTT+time.Millisecond, reply)
			}
		}
		s.record.settle(at + 900*time.Millisecond)
	}
}

// liveHosts are n hosts, of which one has a hostile name.
func liveHosts(n int) []pingHost {
	hosts := []pingHost{{"\x1b[31mevil\u202e.example\nname", netip.MustParseAddr("192.0.2.1")}, {"gw.example", netip.MustParseAddr("192.0.2.2")}, {"", netip.MustParseAddr("2001:db8::3")}}
	for i := len(hosts); i < n; i++ {
		hosts = append(hosts, pingHost{fmt.Sprintf("host-%d.example", i), netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})})
	}
	return hosts[:n]
}

// playMany gives each host a fate of its own: the second is silent, the third loses more than the others, each is slower than the last.
func (s *liveScript) playMany(first, last int64) {
	for seq := first; seq <= last; seq++ {
		for i := range s.record.tracks {
			at := time.Duration(seq-1)*time.Second + time.Duration(i)*time.Millisecond
			s.put(i, at, ping.Event{Kind: ping.Sent, Seq: seq})
			if i == 1 || i == 2 && seq%3 == 0 || i > 4 && (seq*7+int64(i))%97 == 0 {
				continue
			}
			rtt := rttOf(seq+int64(i)) * time.Duration(i+1) / 4
			s.put(i, at+rtt, ping.Event{Kind: ping.Reply, Seq: seq, RTT: rtt, Source: ping.KernelKernel, From: s.record.tracks[i].addr})
		}
		s.record.settle(time.Duration(seq)*time.Second - 100*time.Millisecond)
	}
}

// liveGolden holds a screen to its file.
func liveGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "live", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

// What was kept one by one and what was folded is all there is: no probe is lost by folding.
func TestPingRecord_folds(t *testing.T) {
	s := newLiveScript(liveHosts(1)...)
	const probes = 20000
	want := map[probeFate]int64{}
	for seq := int64(1); seq <= probes; seq++ {
		at := time.Duration(seq) * 10 * time.Millisecond
		s.put(0, at, ping.Event{Kind: ping.Sent, Seq: seq})
		switch seq % 5 {
		case 0:
			want[fateSilent]++
		case 1:
			want[fateError]++
			s.put(0, at, ping.Event{Kind: ping.ICMPError, Seq: seq, Type: 3, Code: 0, From: router})
		default:
			want[fateAnswered]++
			s.record.take(&ping.Event{Kind: ping.Reply, Seq: seq, RTT: time.Duration(seq), Source: ping.UserUser}, at, nil)
		}
	}
	s.record.finish()
	got := map[probeFate]int64{}
	var sum time.Duration
	f := &s.record.tracks[0].whole
	for i := range f.points {
		p := &f.points[i]
		got[fateSilent] += p.silent
		got[fateError] += p.errs
		got[fateAnswered] += p.answered
		sum += p.sum
		if i+1 < len(f.points) && p.n != f.per {
			t.Errorf("point %d has %d probes, not %d", i, p.n, f.per)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	wantSum := time.Duration(0)
	for seq := int64(1); seq <= probes; seq++ {
		if seq%5 > 1 {
			wantSum += time.Duration(seq)
		}
	}
	if sum != wantSum || len(f.points) > f.most {
		t.Errorf("sum %v, want %v; %d points of at most %d", sum, wantSum, len(f.points), f.most)
	}
}

// The picture is one XML document, with every text escaped, and is as it was.
func TestPingPlot(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one := newLiveScript(liveHosts(1)...)
	one.play(0, 1, 200)
	many := newLiveScript(liveHosts(5)...)
	many.playMany(1, 60)
	none := newLiveScript(liveHosts(1)...)
	hostile := newLiveScript(pingHost{`<script>&"'` + "\x00\xff\u202e", router})
	hostile.play(0, 1, 3)
	for name, s := range map[string]*liveScript{"one": one, "many": many, "none": none, "hostile": hostile} {
		s.record.finish()
		svg := appendPingPlot(nil, s.record, "56 data bytes, every 1 s", now)
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		liveGolden(t, "ping-plot-"+name+".svg", string(svg))
	}
}

// What has no place in the view is refused, with the reason, before a socket is opened.
func TestPingLive_refused(t *testing.T) {
	for args, want := range map[string]string{
		"--live --json h":    "--live and --format and --json: rows for programs and a picture do not share standard output",
		"--live -f h":        "--live and -f: it draws a dot for each probe; -i 0 sends as fast",
		"--live -a h":        "--live and -a: the bell belongs to lines",
		"--live -R h":        "--live and -R: the routes have no place in the view",
		"--live -T tsonly h": "--live and -T: the times of hops have no place in the view",
		"--live -N name ::1": "--live and -N: its answers are no round trips",
		"--live --pmtu h":    "--live and --pmtu: it measures and ends",
		"--live --explain h": "--live and --explain: its lines have no place in the view",
		"--plot= --live h":   "--plot: the name of the file is empty",
		"--plot /x --pmtu h": "--plot and --pmtu: it measures and ends",
	} {
		o, err := parsePing(strings.Fields(args), false)
		if err == nil {
			err = o.checkLive()
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// TestPingView_spanOf: a linear scale leaves out what would make the rest a line at the bottom, unless that is much, or there is little.
func TestPingView_spanOf(t *testing.T) {
	for _, c := range []struct {
		log         bool
		last        []time.Duration // behind forty of 10 ms
		few         bool
		hi, longest time.Duration
	}{
		{false, nil, false, 10, 10},
		{false, []time.Duration{40}, false, 40, 40},
		{false, []time.Duration{41}, false, 10, 41},
		{false, []time.Duration{20, 21, 3000}, false, 20, 3000},
		{false, []time.Duration{90, 95, 99, 99}, false, 99, 99},
		{true, []time.Duration{3000}, false, 3000, 3000},
		{false, []time.Duration{3000}, true, 3000, 3000},
	} {
		list := make([]rttColumn, 0, 50)
		usual := 40
		if c.few {
			usual = 6
		}
		for i := range usual + len(c.last) {
			rtt := 10 * time.Millisecond
			if i >= usual {
				rtt = c.last[i-usual] * time.Millisecond
			}
			list = append(list, rttColumn{foldedPoint: foldedPoint{answered: 1, min: rtt, max: rtt}}, rttColumn{})
		}
		v := &pingView{scale: scale{log: c.log}}
		lo, hi, longest := v.spanOf(list)
		if got, want := [3]time.Duration{lo, hi, longest}, [3]time.Duration{10 * time.Millisecond, c.hi * time.Millisecond, c.longest * time.Millisecond}; got != want {
			t.Errorf("%+v: %v, want %v", c, got, want)
		}
	}
}
