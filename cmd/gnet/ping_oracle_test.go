package main

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/ping"
)

// pingOracle runs the installed ping and gnet's in one namespace.
type pingOracle struct {
	t        *testing.T
	lab      *pingLab
	original string
	gnet     string // a copy that every user may execute
	nobody   bool
	name     string // argv[0], "ping" when empty
	before   func() // what precedes each run, if anything
}

func newPingOracle(t *testing.T) *pingOracle {
	t.Helper()
	o := &pingOracle{t: t, lab: newPingLab(t), original: nstest.Peer(t, "ping")}
	o.gnet = filepath.Join(publicDir(t), "ping")
	copyExecutable(t, o.gnet)
	return o
}

// command returns one of the two with the same name, as the user of the
// comparison.
func (o *pingOracle) command(path string, args []string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Args[0] = "ping"
	if o.name != "" {
		cmd.Args[0] = o.name
	}
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TMPDIR=" + filepath.Dir(o.gnet)}
	if o.nobody {
		nstest.AsNobody(o.t, cmd)
	}
	return cmd
}

// varying is the whole list of what is normalised in an answer of ping, with
// the reason.
var varying = []struct {
	pattern *regexp.Regexp
	put     string
	why     string
}{
	{regexp.MustCompile(`(?m) time=(\d+|\d+\.\d|\d\.\d\d|0\.\d{3}) ms`), " time=T ms", "round-trip time, with the digits of its size"},
	{regexp.MustCompile(`(?m), time \d+ms\b`), ", time Tms", "time from the first probe to the last"},
	{regexp.MustCompile(`(?m)^rtt min/avg/max/mdev = (\d+\.\d{3}/){3}\d+\.\d{3} ms`), "rtt min/avg/max/mdev = T ms", "figures of the times"},
	{regexp.MustCompile(`ipg/ewma \d+\.\d{3}/\d+\.\d{3} ms`), "ipg/ewma T ms", "gap between probes, moving average of the times"},
	{regexp.MustCompile(`min/avg/ewma/max = (\d+\.\d{3}/){3}\d+\.\d{3} ms`), "min/avg/ewma/max = T ms", "figures so far"},
	{regexp.MustCompile(`(?m)(, |^)pipe \d+`), "", "probes under way at one time: answers wait when the machine is busy"},
	{regexp.MustCompile(`(?m)^\[\d{10}\.\d{6}\] `), "[TIME] ", "time of day"},
	{regexp.MustCompile(` ident=\d+ `), " ident=N ", "identifier chosen by chance or by the kernel"},
	{regexp.MustCompile(`(?m)\t-?\d+( absolute|)$`), "\tN$1", "times of the hops, and what they differ by"},
	{regexp.MustCompile(`, flow 0x[0-9a-f]{5}, `), ", flow 0xL, ", "flow label of the kernel's choice"},
	{regexp.MustCompile(`(?m)sock4\.fd: .*, sock6\.fd: .*, hints`), "sock4.fd: N, sock6.fd: N, hints", "numbers of file descriptors; gnet opens no socket that a literal rules out"},
}

func normalisePing(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.put)
	}
	return text
}

func normalisePingResult(r nstest.Result) nstest.Result {
	stderr := withoutHints(r.Stderr)
	if first, _, found := strings.Cut(stderr, "\nUsage\n"); found {
		stderr = first + "USAGE\n" // help texts are each program's own
	}
	return nstest.Result{Stdout: normalisePing(r.Stdout), Stderr: normalisePing(stderr), Status: r.Status}
}

// both runs a line in both programs, one after the other.
func (o *pingOracle) both(line string) (original, gnet nstest.Result) {
	o.t.Helper()
	args := pingWords(line)
	return o.answer(o.original, args), o.answer(o.gnet, args)
}

// answer runs one of the two and returns its normalised answer.
func (o *pingOracle) answer(path string, args []string) nstest.Result {
	o.t.Helper()
	if o.before != nil {
		o.before()
	}
	r := normalisePingResult(o.lab.client.Output(o.t, o.command(path, args)))
	r.Stderr = withoutDoubts(o.t, r.Stderr)
	return r
}

// settled decides about an answer that is not the expected one. A machine that
// is busy elsewhere for longer than a ping waits disturbs an answer, but not
// twice in the same way: the answer that the program gives twice running is its
// own, whether it is the expected one or not.
func settled(first nstest.Result, again func() nstest.Result) nstest.Result {
	for range 6 {
		second := again()
		if second == first {
			break
		}
		first = second
	}
	return first
}

// bothUntilEqual is both, and where the two differ, what each gives twice.
func (o *pingOracle) bothUntilEqual(line string, view func(nstest.Result) nstest.Result) (original, gnet nstest.Result) {
	o.t.Helper()
	args := pingWords(line)
	run := func(path string) nstest.Result { return view(o.answer(path, args)) }
	original, gnet = run(o.original), run(o.gnet)
	if original == gnet {
		return original, gnet
	}
	o.t.Logf("ping %s: again, because the answers differ", line)
	return settled(original, func() nstest.Result { return run(o.original) }), settled(gnet, func() nstest.Result { return run(o.gnet) })
}

// pingWords splits a line at blanks; "”" is an empty word and "_" in quotes a
// blank.
func pingWords(line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		if strings.HasPrefix(w, "'") && strings.HasSuffix(w, "'") {
			words[i] = strings.ReplaceAll(w[1:len(w)-1], "_", " ")
		}
	}
	return words
}

// compareUnordered is compare for lines whose order is not determined: a raw
// socket gets some ICMP messages as packets and others through the error queue.
func (o *pingOracle) compareUnordered(line string) {
	o.t.Helper()
	o.compareAs(line, func(r nstest.Result) nstest.Result {
		r.Stdout = strings.Join(sorted(strings.SplitAfter(r.Stdout, "\n")), "")
		return r
	})
}

func (o *pingOracle) compare(line string) {
	o.t.Helper()
	o.compareAs(line, asTransmitted)
}

func (o *pingOracle) compareAs(line string, view func(nstest.Result) nstest.Result) {
	o.t.Helper()
	original, gnet := o.bothUntilEqual(line, view)
	if diff := cmp.Diff(original, gnet); diff != "" {
		o.t.Errorf("ping %s (-original +gnet):\n%s", line, diff)
	}
}

// compareAll compares lines that do not disturb each other, some at a time.
func (o *pingOracle) compareAll(lines []string) {
	o.t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, line := range lines {
		slots <- struct{}{}
		wg.Go(func() {
			o.compare(line)
			<-slots
		})
	}
	wg.Wait()
}

// answered are lines that get along with each other.
var answered = []string{
	"-c3 -i.05 S", "-c3 -i.05 6", "-c1 127.0.0.1", "-c1 ::1", "-c1 127.1", "-c1 2130706433", "-c1 0", "-c1 0.0.0.0", "-c1 ::",
	"-c1 127.0.0.0x1", "-c1 0177.0.0.1", "-4 -c1 S", "-6 -c1 6", "-4 -c1 6", "-6 -c1 S", "-4 -6 -c1 S",
	"-q -c2 -i.05 S", "-D -c2 -i.05 S", "-O -c2 -i.05 S", "-n -c1 S", "-v -c1 S", "-v -c1 6", "-v -e 77 -c1 S", "-a -c2 -i.05 S", "-aD -c1 6",
	"-s 0 -c2 -i.05 S", "-s 7 -c1 S", "-s 8 -c1 S", "-s 15 -c1 S", "-s 16 -c1 S", "-s 15 -c1 6", "-s 16 -c1 6", "-s 0 -c3 -i0 S", "-s 0 -l3 -c3 S",
	"-s 65507 -M dont -c1 S", "-s 3000 -M dont -c2 -i.05 S",
	"-t1 -c2 -i.05 S", "-t2 -c2 -i.05 S", "-t3 -c1 S", "-t1 -c2 -i.05 6", "-t2 -c1 6", "-t 0 -c1 S", "-t 255 -c1 S",
	"-t1 -q -c2 -i.05 S", "-t1 -D -c2 -i.05 S", "-t1 -O -c3 -i.05 S", "-t1 -f -c3 S", "-t1 -W1 -c1 S", "-t1 -v -c1 S",
	"-t1 -c2 -i.05 -W.2 6", "-t1 -f -c3 6", "-t1 -a -c1 S",
	"-w1 -i.7 S", "-w1 -i.7 -c9 S", "-w5 -i.05 -c2 S", "-w0 -c1 S", "-w1 -c1 S", "-w1 -i.7 -q 6",
	"-c2 -i.05 -W.2 10.77.1.2", "-W0 -c1 S", "-f -c5 S", "-f -c5 -i.02 S", "-f -q -c5 S", "-fa -c3 S", "-A -c5 S", "-A -i.05 -c3 6", "-i0 -c3 S", "-l3 -c5 -i.1 S",
	"-l2 -c1 S", "-c3 -i0.05 -l1 S",
	"-p ff -c1 S", "-p ff00a5 -s 40 -c1 S", "-p f -c1 S", "-p 000102030405060708090a0b0c0d0e0f -c1 S", "-p xyz -c1 S", "-p ff nosuch.invalid",
	"-Q 0x10 -c1 S", "-Q 184 -c1 6", "-Q 256 S", "-Q 0x1ff S", "-Q zz S", "-Q 5x S", "-Q 010 -c1 S", "-U -c1 S", "-d -c1 S", "-S 100000 -c1 S", "-B -c1 S", "-B -c1 6",
	"-r -c1 10.77.1.2", "-L -c1 S", "-M want -c1 S", "-M dont -c1 6", "-M foo S", "-M DO S",
	"-I 10.77.1.1 -c1 S", "-I right -c1 S", "-I right -c1 6", "-I lo -c1 127.0.0.1", "-I fd77:1::1 -c1 6", "-I 10.77.1.1 -I right -c1 S", "-I 10.77.1.1 -c1 6",
	"-I fd77:1::1 -c1 S", "-I fd77:1::1%right -c1 6", "-I nosuch0 -c1 S", "-I nosuch0 -c1 6", "-I 10.9.9.9 -c1 S", "-I fd99::1 -c1 6", "-I fd77:1::1%nosuch0 -c1 6", "-I a:b S",
	"-I 127.1 S", "-I averyverylongname0 S",
	"-c1 fe80::2%right", "-c1 fe80::2", "-c1 fe80::2%nosuch", "-c1 ff02::1%right", "-c1 -I right ff02::1", "-c1 fd77:3::2%right", "-c1 fd77:3::2%1", "-c1 -B fe80::2%right",
	"-c1 10.77.1.255", "-b -c1 -W.2 10.77.1.255", "-b -c1 -M dont -W.2 10.77.1.255", "-I right -c1 -W.2 224.0.0.1",
	"-c1 10.91.0.1", "-c1 10.92.0.1", "-c1 10.93.0.1", "-c1 fd90::1", "-c1 fd91::1", "-c1 fd92::1",
	"-c1 four.example", "-c2 -i.05 good.example", "-n -c1 good.example", "-c1 six.example", "-n -c1 six.example", "-c1 both.example", "-v -c1 four.example",
	"-6 -c1 both.example", "-6 -c1 four.example", "-4 -c1 six.example", "-t1 -c1 six.example", "-q -c1 four.example", "-f -c2 four.example",
	"-R -c3 -i.05 S", "-R -a -c2 -i.05 S", "-nR -D -c1 four.example", "-nR -c1 four.example", "-R -q -c1 S", "-R -f -c3 S", "-RR -s 0 -c2 -i.05 S", "-R -t2 -c1 S",
	"-T tsonly -c2 -i.05 S", "-T tsandaddr -c2 -i.05 S", "-n -T tsandaddr -c1 four.example", "-T tsandaddr -c1 localhost", "-R -c1 localhost", "-T tsprespec -c1 S", "-T tsprespec -c1 10.77.1.2 S",
	"-T tsprespec -c2 -i.05 10.77.1.2 four.example 10.77.2.2 10.77.1.1 S", "-T tsprespec -c1 good.example 127.0.0.1", "-T tsprespec -c1 nosuch.invalid S",
	"-T tsprespec 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 S", "-T tsonly 1.1.1.1 S", "-T tsonly -a -c1 S", "-T tsonly -T tsandaddr -c1 S", "-T foo S", "-R -T tsonly S",
	"-T tsonly -R S", "-R -T foo S", "-R -c1 6", "-T tsonly -c1 6", "-R -6 S", "-T tsonly -M dont -s 65467 -c1 S",
	"-F 0 -c1 6", "-F 0 -c1 S", "-F 0 -I right -c1 6", "-F 7x 6", "-F x 6", "-F -1 6", "-F 0x100000 6", "-F 1048576 S", "-C -F 0 -c1 6",
	"-m 7 -c1 S", "-m 7 -c1 6", "-m 4294967295 -c1 S", "-C -c1 S", "-C -c1 6", "-C -t1 -c2 -i.05 S", "-C -t1 -c2 -i.05 6", "-C -I right -c1 -W.2 224.0.0.1",
	"-c1 nosuch.invalid", "-c1 ''", "-c1 '127.0.0.1_'", "-c1 'a_b'", "-c1 -- -x",
	"", "-c1", "-h", "-Z", "-c", "-c1 -Z S", "-nZ",
	"'-c_1' '-i_.2' '-W_+1' '-w_1' '-s_20' '-t_9' '-Q_16' '-l_1' S", "-Q '_0x10' S",
}

// expand puts the server's addresses in place of S and 6.
func expand(lines []string) []string {
	var out []string
	for _, line := range lines {
		words := strings.Split(line, " ")
		for i, w := range words {
			switch w {
			case "S":
				words[i] = labServer4
			case "6":
				if i == len(words)-1 {
					words[i] = labServer6
				}
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func TestPingOracle(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		o.compareAll(expand(answered))
		right, err := net.InterfaceByName("right")
		if err != nil {
			t.Fatal(err)
		}
		o.compare(fmt.Sprintf("-c1 fe80::2%%%d", right.Index))
		// Three probes leave before the first answer is looked at: here it is certain.
		for _, path := range []string{o.original, o.gnet} {
			if got := o.lab.client.Output(t, o.command(path, pingWords("-q -l3 -c3 127.0.0.1"))); !strings.HasSuffix(got.Stdout, " ms, pipe 3\n") {
				t.Errorf("%s -l3: no pipe 3 in %q", path, got.Stdout)
			}
		}
	})
}

// Ping sockets, as an ordinary user: other limits, other messages.
func TestPingOracle_nobody(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		o := newPingOracle(t)
		o.lab.client.AllowPing(t)
		o.nobody = true
		o.compareAll(expand([]string{
			"-c3 -i.05 S", "-c3 -i.05 6", "-v -c1 S", "-v -c1 6", "-v -e 77 -c1 S", "-e 78 -v -c1 6", "-q -c2 -i.05 S", "-D -c1 S", "-O -c2 -i.05 S",
			"-t1 -c2 -i.05 S", "-t1 -c2 -i.05 6", "-t2 -c1 S", "-s 0 -c1 S", "-s 15 -c1 6", "-s 16 -c1 S", "-s 65507 -c1 S",
			"-M do -s 3000 -c2 -i.05 S", "-M do -s 3000 -c2 -i.05 6", "-I 10.77.1.1 -c1 S", "-I right -c1 S", "-I right -c1 6", "-I fd77:1::1 -c1 6",
			"-I 10.9.9.9 -c1 S", "-I fd99::1 -c1 6", "-I nosuch0 -c1 S", "-c1 fe80::2%right", "-c1 127.0.0.1", "-c1 ::1", "-c1 0",
			"-i 0.001 -c2 S", "-i 0.002 -c1 S", "-f -c2 S", "-f -i 0.01 -c3 S", "-l 4 -c4 S", "-l 3 -c3 S", "-A -c4 S", "-b -i 0.5 -c1 10.77.1.255",
			"-I right -i.5 -c1 224.0.0.1", "-R -c2 -i.05 S", "-T tsonly -c1 S", "-T tsandaddr -c1 S", "-T tsprespec -c1 10.77.1.2 S", "-F 0 -c1 6", "-C -c1 S", "-C -c1 6",
			"-C -v -c1 S", "-R -t1 -c1 S", "-s 65467 -R -c1 S", "-c1 ff02::1%right", "-c1 10.93.0.1", "-c1 four.example",
		}))
	})
}

// Neither kind of socket is allowed.
func TestPingOracle_noRight(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		o := newPingOracle(t)
		bare := filepath.Join(filepath.Dir(o.gnet), "original") // a copy has no capabilities
		if out, err := exec.Command("cp", o.original, bare).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v %s", err, out)
		}
		o.original, o.nobody = bare, true
		o.compareAll([]string{"-c1 127.0.0.1", "-4 -c1 127.0.0.1"})
		got := o.lab.client.Output(t, o.command(o.gnet, []string{"-c1", "127.0.0.1"}))
		if !strings.Contains(got.Stderr, "\nhint: ") || !strings.Contains(got.Stderr, "net.ipv4.ping_group_range") {
			t.Errorf("no hint in %q", got.Stderr)
		}
	})
}

// The kernel remembers path MTUs: each program starts from nothing.
func TestPingOracle_mtu(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		difference(t, "ping-not-sent")
		for _, line := range expand([]string{
			"-M do -s 3000 -c3 -i.05 S", "-M do -s 3000 -c3 -i.05 6", "-M do -s 1472 -c4 -i.05 S", "-M do -s 1452 -c4 -i.05 6",
			"-M do -s 1422 -c3 -i.05 S", "-M do -s 1372 -c2 -i.05 S", "-M do -s 1373 -c2 -i.05 S", "-M want -s 1472 -c3 -i.05 S", "-s 1472 -c3 -i.05 S",
			"-s 3000 -c3 -i.05 S", "-s 3000 -c2 -i.05 -W.3 6", "-M dont -s 1472 -c2 -i.05 S", "-M do -s 1472 -c3 -i.05 -D S", "-M do -s 1472 -c3 -i.05 -O S",
			"-M do -s 3000 -f -c3 S", "-M do -s 1472 -t1 -c2 -i.05 S", "-s 65507 -c1 S", "-s 65527 -c1 6",
		}) {
			o.compareFresh(line)
		}
	})
}

// compareFresh is compare with hosts that have forgotten what they learned.
func (o *pingOracle) compareFresh(line string) {
	o.t.Helper()
	fresh := *o
	fresh.before = o.lab.forget
	fresh.compare(line)
}

// asTransmitted is an answer in which what was not sent is counted as the
// original counts it: difference ping-not-sent.
func asTransmitted(r nstest.Result) nstest.Result {
	summary := regexp.MustCompile(`(?m)^(\d+) packets transmitted, (\d+) received(.*), \S+% packet loss, time Tms, (\d+) not sent$`)
	r.Stdout = summary.ReplaceAllStringFunc(r.Stdout, func(line string) string {
		part := summary.FindStringSubmatch(line)
		number := func(i int) int64 { n, _ := strconv.ParseInt(part[i], 10, 64); return n }
		stats := ping.Stats{Transmitted: number(1) + number(4), Received: number(2)}
		return fmt.Sprintf("%d packets transmitted, %d received%s, %s%% packet loss, time Tms", stats.Transmitted, stats.Received, part[3],
			percent(shownLoss(&stats)))
	})
	return r
}

// Neighbours that do not answer: the router's errors and our own host's.
func TestPingOracle_neighbours(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		var mu sync.Mutex
		answers := make(map[string][2]nstest.Result)
		var wg sync.WaitGroup
		for i, path := range []string{o.original, o.gnet} {
			// Each program has absent hosts of its own, so that neither finds what the
			// other has tried; their numbers are put together afterwards.
			for _, line := range []string{"-c2 -W20 10.77.3.8%d", "-c1 -W20 10.77.1.8%d", "-c1 -W20 fd77:1::8%d", "-c2 -W20 fd77:3::8%d",
				"-c2 -i.2 -W.3 10.77.1.7%d", "-O -w2 -c3 -i1.4 10.77.1.6%d"} {
				wg.Go(func() {
					words := pingWords(fmt.Sprintf(line, i))
					got := normalisePingResult(o.lab.client.Output(t, o.command(path, words)))
					got.Stdout = strings.ReplaceAll(got.Stdout, words[len(words)-1], "TARGET")
					mu.Lock()
					defer mu.Unlock()
					pair := answers[line]
					pair[i] = got
					answers[line] = pair
				})
			}
		}
		wg.Wait()
		for line, pair := range answers {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Errorf("ping %s (-original +gnet):\n%s", line, diff)
			}
		}
	})
}

// TestPingOracle_sees shows that the comparison has eyes: whichever byte of an
// answer changes, the normalised answer changes, but for the digits of times.
func TestPingOracle_sees(t *testing.T) {
	answer := "PING 10.77.3.2 (10.77.3.2) 56(84) bytes of data.\n" +
		"[1795331869.915265] 64 bytes from 10.77.3.2: icmp_seq=1 ttl=61 time=0.061 ms\n" +
		"TS: \t10.77.1.1\t26271017 absolute\n\t10.77.1.2\t3\nUnrecorded hops: 5\n\n" +
		"64 bytes from 10.77.3.2: icmp_seq=2 ttl=61 time=3.38 ms (DUP!)\n\n" +
		"--- 10.77.3.2 ping statistics ---\n" +
		"2 packets transmitted, 2 received, +1 duplicates, 0% packet loss, time 201ms\n" +
		"rtt min/avg/max/mdev = 0.061/0.076/0.092/0.015 ms, pipe 2, ipg/ewma 0.063/0.109 ms\n"
	hidden := ""
	for i := range len(answer) {
		changed := []byte(answer)
		changed[i] ^= 1
		if normalisePing(string(changed)) == normalisePing(answer) {
			hidden += answer[i : i+1]
		}
	}
	want := "1795331869915265" + "061" + "26271017" + "3" + "338" + "201" + "0061007600920015" + "2" + "00630109"
	if diff := cmp.Diff(want, hidden); diff != "" {
		t.Errorf("bytes that the comparison does not see (-want +got):\n%s", diff)
	}
	var unused bytes.Buffer
	for _, v := range varying {
		if v.why == "" {
			fmt.Fprintln(&unused, v.pattern)
		}
	}
	if unused.Len() > 0 {
		t.Errorf("no reason for %s", unused.String())
	}
}

// withoutDoubts takes out what gnet adds to an MTU that cannot be true.
func withoutDoubts(t *testing.T, stderr string) string {
	difference(t, "ping-doubtful-mtu")
	var kept strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.Contains(line, " names a suspicious MTU: ") && !strings.Contains(line, " names no MTU, ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
