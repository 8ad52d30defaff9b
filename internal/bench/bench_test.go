package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
)

func TestMain(m *testing.M) {
	if status, ok := stackprobe.Helper(os.Args); ok {
		os.Exit(status)
	}
	if os.Getenv(roleEnv) == "holder" {
		if err := hold(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestMeasure_everySectionOnce runs the whole in small.
func TestMeasure_everySectionOnce(t *testing.T) {
	for _, peer := range []string{"netstat", "route", "ping", "ss", "ip", "tcpdump", "fping", "tracepath", "nft", "iperf3"} {
		nstest.Peer(t, peer)
	}
	nstest.InNetns(t, func(t *testing.T) {
		gnet := filepath.Join(t.TempDir(), "gnet")
		build := exec.Command("go", "build", "-o", gnet, "gnet/cmd/gnet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		var out strings.Builder
		small := sizes{socketsEach: 10, some: 2, many: 3, few: 5, datagram: 2, descriptorsEach: 12, descriptorHolders: 2, rows: 30,
			routeCount: 1002, route6Count: 4200, echoCount: 20, floodCount: 30, truthCount: 3, sweepRounds: 2, sweepRuns: 1, manyTargets: 300, pathHops: 3, lossyRuns: 1, virtualBytes: 10_000, viewBytes: 10_000, liveTime: time.Second, tunBytes: 1 << 20, bulkSeconds: 1, capturePackets: 100, rounds: 1, slowRounds: 1, starts: 1}
		if err := measure(&lab{gnet: gnet, dir: t.TempDir(), out: &out, sizes: small}, sections()); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			cells := strings.Split(line, "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			switch {
			case strings.Contains(line, "---"):
			case strings.Count(line, "|") == 10: // many targets
				got = append(got, cells[1])
			case strings.Count(line, "|") == 9: // what, and beside whom
				got = append(got, cells[1]+" | "+cells[2])
			case strings.Contains(line, " MiB "), strings.HasPrefix(line, "| `"):
				got = append(got, cells[1])
			}
		}
		if diff := cmp.Diff(everyRow(), got); diff != "" {
			t.Errorf("%s\n%s", diff, out.String())
		}
		for _, want := range []string{"Measured 20", "| runtime |", "| all ", "during this run"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing:\n%s", want, out.String())
			}
		}
	})
}

// everyRow is what the tables are about.
func everyRow() []string {
	return []string{
		"what | peer",
		"`netstat -an`, no sockets | netstat",
		"`netstat -uan`, 20 sockets in 2 processes | netstat",
		"`netstat -an`, 20 sockets in 2 processes | netstat",
		"`netstat -tanp`, 20 sockets in 2 processes | netstat",
		"`netstat -tanp`, 20 sockets in 2 processes | ss",
		"`netstat -tan`, 30 sockets in 3 processes | netstat",
		"`netstat -tan`, 30 sockets in 3 processes | ss",
		"`netstat -tln`, 30 sockets in 3 processes | netstat",
		"`netstat -tln`, 30 sockets in 3 processes | ss",
		"`netstat -tanp`, 30 sockets in 3 processes | netstat",
		"`netstat -tanp`, 30 sockets in 3 processes | ss",
		"gnet",
		"netstat",
		"ss",
		"what | peer",
		"`netstat -tlnp`, 24 descriptors in 2 processes | netstat",
		"`netstat -tlnp`, 24 descriptors in 2 processes | ss",
		"`netstat -tan`",
		"`netstat -tan --format jsonl`",
		"sock_diag dump, scripted",
		"what | peer",
		"`route -n`, 1,002 routes | route",
		"`route -n`, 1,002 routes | ip",
		"`route -6 -n`, 4,200 routes | route",
		"`route -6 -n`, 4,200 routes | ip",
		"`route get --brief`, 1,002 routes | hello",
		"`route restore`, 1,002 routes | ip -batch",
		"`route flush`, 1,002 routes | ip -batch",
		"the kernel alone adds, the file's order | ip -batch",
		"the kernel alone deletes, the file's order | ip -batch",
		"the kernel alone adds, every eighth in turn | ip -batch",
		"the kernel alone deletes, every eighth in turn | ip -batch",
		"`route -n`",
		"`route restore`",
		"`route flush`",
		"what | peer",
		"`ping -q -f 127.0.0.1`, 30 echoes | ping",
		"`ping -q -i 0 127.0.0.1`, per echo | ping",
		"`gnet beside itself`",
		"`ping beside itself`",
		"`gnet`, loopback",
		"`ping`, loopback",
		"`fping`, loopback",
		"`gnet`, 4 links",
		"`ping`, 4 links",
		"`fping`, 4 links",
		"what", "once", "2 times, every 10 ms", "no answer: all are under way", "all answer",
		"`ping --pmtu`, routers answer", "`ping --pmtu`, black hole",
		"`ping --pmtu`, jumbo 9000, blind link of 8950", "`ping --pmtu`, 1280 at the edge",
		"`ping --pmtu`, IPv6, routers answer", "`ping --pmtu`, IPv6, black hole",
		"`ping --pmtu`, asymmetric, 1400 there, 1300 back", "`ping --pmtu`, forged messages of 552, 68, 0, 9000",
		"`ping --pmtu`, seeded losses: a tenth", "`ping --pmtu`, seeded losses: a tenth, black hole",
		"`ping --pmtu`, seeded losses: a tenth, IPv6 black hole", "`ping --pmtu`, seeded losses: a tenth, odd black hole",
		"`ping --pmtu`, seeded losses: 28 in a hundred", "`ping --pmtu`, seeded losses: 28 in a hundred, black hole",
		"`ping --pmtu`, seeded losses: 28 in a hundred, IPv6", "`ping --pmtu`, seeded losses: 28 in a hundred, whole path",
		"`ping --pmtu`, loss of 10 % of the round trips", "`ping --pmtu`, loss of 10 % of the round trips, black hole",
		"`ping --pmtu`, loss of 28 % of the round trips", "`ping --pmtu`, loss of 28 % of the round trips, black hole",
		"`tracepath`, routers answer", "`tracepath`, black hole (-m 3)",
		"`trace tcp --link memory`, 10,000 bytes each way, 1 % lost",
		"what", "`trace tcp`, 1 MiB client to server", "`trace tcp`, 1 MiB server to client",
		"`trace tcp --bulk`, client to server", "`trace tcp --bulk`, server to client",
		"`trace tcp --link memory --bytes 0`",
		"`--view ladder`", "`--view ladder --width 120 --unfold`", "`--view window`", "`--view summary`", "`--view plot`", "`--plot`", "`--html`", "`--pcap`",
		"`trace capture`, each alone", "`trace capture`, both at once",
		"`netstat -tn --watch`, 5 sockets in 1 process, at rest", "`netstat -tn --watch`, 5 sockets in 1 process, one of them moves", "`netstat -tn --watch`, 30 sockets in 3 processes, one of them moves", "`ping --live`, one host", "`tracepath --live`, one hop", "`trace tcp --step`", "`netstat -tn --watch`", "`trace tcp --step`", "`trace show --step`", "`tracepath --live`", "`ping --live`",
		"`hello`",
		"`gnet --version`",
		"`gnet netstat -h`",
		"`gnet route -n`",
		"`gnet ping -V`",
		"`gnet ping -c1 127.0.0.1`",
		"`netstat -h`",
		"`ping -c1 127.0.0.1`",
	}
}

func TestChosen(t *testing.T) {
	got, err := chosen([]string{"start", "sockets"})
	if diff := cmp.Diff([]string{"sockets", "start"}, sectionNames(got)); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
	if all, err := chosen(nil); len(all) != len(sections()) || err != nil {
		t.Errorf("none chosen: %v, %v", sectionNames(all), err)
	}
	if _, err := chosen([]string{"socket"}); err == nil || !strings.Contains(err.Error(), `no section "socket"; there are sockets, `) {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestPathAnswer(t *testing.T) {
	for out, want := range map[string]string{
		" 1?: [LOCALHOST]    pmtu 1500\n 1:  10.77.1.2  0.1ms \n 2:  10.77.1.2  0.012ms pmtu 1450\n 3:  no reply\n     Resume: pmtu 1450 \n": "1450 in 3 steps",
		"": "nothing",
	} {
		if got := pathAnswer(out); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}

// TestSeededRuns: what the test of a lossy path says in each line, and nothing where
// it does not.
func TestSeededRuns(t *testing.T) {
	const out = `=== RUN   TestMeasure_loss
=== RUN   TestMeasure_loss/a_tenth
    measure_test.go:206: seed 7: icmp forward 1399 silence
    measure_test.go:206: right in 199 of 200 runs, at most 6 rounds and 55 probes; reverse exact in 200, link known in 200
=== RUN   TestMeasure_loss/28_in_a_hundred,_IPv6
    measure_test.go:206: right in 200 of 200 runs, at most 14 rounds and 148 probes; reverse exact in 200, link known in 200
=== RUN   TestMeasure_loss/third
    measure_test.go:206: right in all runs
--- FAIL: TestMeasure_loss (0.37s)
`
	want := []seeded{{"a tenth", 199, 200, 6}, {"28 in a hundred, IPv6", 200, 200, 14}}
	if diff := cmp.Diff(want, seededRuns(out), cmp.AllowUnexported(seeded{})); diff != "" {
		t.Error(diff)
	}
}

// TestPathCase_right: every figure counts.
func TestPathCase_right(t *testing.T) {
	c := blackHole()
	honest := pathSummary{Forward: 1400, Exact: true, Reverse: 1400, ReverseExact: true, Hop: 2}
	if !c.right(&honest) {
		t.Error("what is right is wrong")
	}
	for i, spoil := range []func(*pathSummary){
		func(s *pathSummary) { s.Forward++ }, func(s *pathSummary) { s.Exact = false }, func(s *pathSummary) { s.Reverse-- },
		func(s *pathSummary) { s.ReverseExact = false }, func(s *pathSummary) { s.Hop = 1 },
		func(s *pathSummary) {
			s.Disbelieved = append(s.Disbelieved, struct {
				MTU int `json:"mtu"`
			}{9000})
		},
	} {
		s := honest
		if spoil(&s); c.right(&s) {
			t.Errorf("spoilt %d is right", i)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, test := range []struct {
		got, atMost float64
		want        string
	}{{1, 0, ""}, {0.25, 0.25, "0.25"}, {0.251, 0.25, "0.25 (missed)"}, {1.59, 1.6, "1.6"}} {
		if got := target(test.got, test.atMost); got != test.want {
			t.Errorf("%v of %v: %q, want %q", test.got, test.atMost, got, test.want)
		}
	}
}

func TestProcessors(t *testing.T) {
	const before = "cpu  10 0 10 70 0 0 0 10 5 0\ncpu0 1 2 3\n"
	const after = "cpu  20 0 20 135 0 0 0 25 9 0\n"
	var p [2]processors
	for i, text := range []string{before, after} {
		var err error
		if p[i], err = parseProcessors(text); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([2]processors{{100, 10}, {200, 25}}, p, cmp.AllowUnexported(processors{})); diff != "" {
		t.Error(diff)
	}
	if got, want := p[0].stolen(p[1]), "The hypervisor gave 15.0 % of the processors' time to others during this run (steal).\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := p[0].stolen(p[0]), "No processor time was stolen during this run.\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 4 5 6 7 x\n"} {
		if p, err := parseProcessors(bad); err == nil {
			t.Errorf("%q gives %v", bad, p)
		}
	}
}

// TestPeak: a program that touches memory has it counted; ours is not.
func TestPeak(t *testing.T) {
	ballast := make([]byte, 64<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	small, err := peak([]string{"/bin/sh", "-c", ":"})
	if err != nil {
		t.Fatal(err)
	}
	// The shell keeps the variable's 16 MB.
	large, err := peak([]string{"/bin/sh", "-c", `x=$(head -c 16000000 /dev/zero | tr '\0' x); :`})
	if err != nil {
		t.Fatal(err)
	}
	if small <= 0 || small > 16<<10 || large < small+15<<10 {
		t.Errorf("peaks of %d and %d KiB", small, large)
	}
	runtime.KeepAlive(ballast)
}

// TestWalkDump_sameMemory: a hundred times the sockets, no allocation for any of
// them.
func TestWalkDump_sameMemory(t *testing.T) {
	allocations := func(n int) float64 {
		return testing.AllocsPerRun(5, func() {
			if err := walkDump(n); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocations(300), allocations(30_000)
	if many > few+20 { // a goroutine that receives ahead comes and goes
		t.Errorf("300 sockets allocate %v times, 30,000 %v times", few, many)
	}
}

func TestMedian_ofEachFigureByItself(t *testing.T) {
	got := median([]sample{{wall: 9, cpu: 1}, {wall: 3, cpu: 7}, {wall: 5, cpu: 4}})
	if want := (sample{wall: 5, cpu: 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3240 * time.Nanosecond: "3.24 µs", 104 * time.Millisecond: "104 ms", 39700 * time.Microsecond: "39.7 ms", 1500 * time.Millisecond: "1.50 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
}

func TestParseTrace_costliestFirst(t *testing.T) {
	got := parseTrace("init errors @0.1 ms, 0.002 ms clock, 0 bytes, 0 allocs\nnoise\ninit net @1.25 ms, 0.010 ms clock, 1768 bytes, 23 allocs\n")
	want := []packageCost{{name: "net", ms: 0.010, bytes: 1768, objects: 23}, {name: "errors", ms: 0.002}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(packageCost{})); diff != "" {
		t.Error(diff)
	}
}

func TestPrintedTimes(t *testing.T) {
	out := "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.045 ms\n" +
		"127.0.0.1 : [0], 64 bytes, 1.20 ms (0.049 avg, 0% loss)\nrtt min/avg/max/mdev = 0.045/0.045/0.045/0.000 ms\n"
	if diff := cmp.Diff([]time.Duration{45 * time.Microsecond, 1200 * time.Microsecond}, printedTimes(out)); diff != "" {
		t.Error(diff)
	}
}

func TestEchoTimes_badCapture(t *testing.T) {
	whole := append([]byte("\x4d\x3c\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00\x00"), make([]byte, 16)...)
	for _, bad := range [][]byte{nil, whole[:10], whole[:30], whole, append([]byte{0}, whole...)} {
		if times, err := echoTimes(bad, bad); err == nil {
			t.Errorf("%x gives %v", bad, times)
		}
	}
	if times, err := echoTimes(whole[:24], whole[:24]); err != nil || len(times) != 0 {
		t.Errorf("an empty capture gives %v, %v", times, err)
	}
}
