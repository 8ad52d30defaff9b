package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// netstatOracle runs the installed netstat and gnet's in one namespace.
type netstatOracle struct {
	t        *testing.T
	original string
	gnet     string // a copy that every user may execute
	nobody   bool
}

func newNetstatOracle(t *testing.T) *netstatOracle {
	t.Helper()
	o := &netstatOracle{t: t, original: nstest.Peer(t, "netstat")}
	o.gnet = filepath.Join(publicDir(t), "netstat")
	copyExecutable(t, o.gnet)
	return o
}

// copyExecutable copies this test program: called as netstat it is gnet
// (TestMain), and its own folder is closed to other users.
func copyExecutable(t *testing.T, to string) {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, from); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// run runs one of the two under the same name, as the user of the comparison. It
// asks no *nstest.Host to do it, because that needs the /proc that some tests
// cover.
func (o *netstatOracle) run(path string, args []string) nstest.Result {
	o.t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Args[0] = "netstat"
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TMPDIR=" + filepath.Dir(o.gnet)}
	if errno, ok := os.LookupEnv(netlessEnv); ok {
		cmd.Env = append(cmd.Env, netlessEnv+"="+errno)
	}
	if o.nobody {
		nstest.AsNobody(o.t, cmd)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		o.t.Fatalf("%s: %v", path, err)
	}
	return nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()}
}

// timers is what of an answer varies by nature: the seconds of the Timer
// column, which run between two calls. A timer that is off stays as it is.
//
// It is the whole list of what is normalised. On stderr gnet's own hint lines
// are left out: they stand beside the original's sentences.
var timers = regexp.MustCompile(`\b(on|on1|on2|keepalive|timewait|probe|unkn-\d+) \(\d+\.\d\d/`)

func normaliseTimers(stdout string) string { return timers.ReplaceAllString(stdout, "$1 (SECONDS/") }

func withoutHints(stderr string) string {
	var kept strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "hint: ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// compare asks both. Counters move between two calls, and the states of a socket
// too, so when the answers differ both are asked again: what differs by time
// agrees soon, what differs by the programs never does.
func (o *netstatOracle) compare(line string) {
	o.t.Helper()
	args := strings.Fields(line)
	var want, got nstest.Result
	for range 5 {
		want, got = o.run(o.original, args), o.run(o.gnet, args)
		want.Stdout, got.Stdout = normaliseTimers(want.Stdout), normaliseTimers(got.Stdout)
		got.Stderr = withoutHints(got.Stderr)
		if got == want {
			return
		}
	}
	o.t.Errorf("netstat %s (-original +gnet):\n%s", line, cmp.Diff(want, got))
}

// optionLines is what is compared: each set of sockets with each of -a and -l,
// with kinds of names and columns that take turns, and the lines that people type.
func optionLines() []string {
	families := []string{"", "-t", "-u", "-U", "-w", "-x", "-4", "-6", "-tu", "-tx", "-t4", "-t6", "-w6", "-ux4", "-A inet", "-A inet6",
		"-A unix", "-A inet,unix", "--inet", "--inet6 -t", "--ip", "-A ip6,unix", "--unix", "--protocol=tcpip", "-A econet", "--ddp"}
	shown := []string{"", "-a", "-l", "-al"}
	names := []string{"-n", "", "--numeric-hosts", "--numeric-ports", "--numeric-users"}
	columns := []string{"", "-e", "-p", "-ep", "-W", "-o", "-epo", "-eepoW"}
	lines := []string{"-an", "-tulpn", "-tanep", "-tuna", "-plunt", "-lx", "-xap", "-anW", "-taN", "-ee -t", "-tanC", "-tanF", "-dt",
		"-tn operand", "-c -A foo", "-tc -S", "-vat", "-anv", "-4anv", "-xv", "-tSn", "-St4n", "-6San", "-2t", "-tf", "-A bluetooth -x",
		"-A inet,ax25 -n", "-A ax25,unix", "-A x25,ax25", "--ipx -t", "-A rose -v", "-x -A netrom", "-A foo", "-A inet,", "-A ,",
		"-M", "-M -t", "-Z", "-tZn", "-rn", "-rne", "-rnee", "-rn6", "-rn46", "-rn64", "-r -A unix", "-rx", "-rnC", "-rnCF", "-rCee", "-r6Cee", "-rFCe", "-rnt", "-r", "-r -A ax25", "-r -A ipx,inet", "-r -A rose", "-r -A inet,ddp", "-r --appletalk", "-r -A x25", "-r -A ec", "-r -A econet", "-s -A econet", "-s --ddp",
		"-r -A bluetooth", "-r -A inet6,unix,ipx", "-r -A inet,bluetooth"}
	turn := 0
	for _, f := range families {
		for _, s := range shown {
			for range 2 {
				lines = append(lines, strings.Join([]string{f, s, names[turn%len(names)], columns[turn%len(columns)]}, " "))
				turn++
			}
		}
	}
	return lines
}

func TestNetstatOracle(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.tcp()
		lab.closing()
		lab.datagrams()
		lab.unixes()
		lab.holder("/some/where/daemon", "127.0.0.1:7001")
		lab.holder("master: worker of a long name", "127.0.0.1:7002")
		lab.holder("", "127.0.0.1:7003")
		newNetstatOracle(t).compareAll(optionLines())
	})
}

// compareAll compares as root and as an ordinary user, or as whoever we are.
func (o *netstatOracle) compareAll(lines []string) {
	users := []bool{false}
	if nstest.Probe(nstest.Root) == nil {
		users = append(users, true)
	}
	for _, o.nobody = range users {
		for _, line := range lines {
			o.compare(line)
		}
	}
}

func TestNetstatOracle_waitingStates(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.TUN)
		lab := newSocketLab(t)
		lab.newTunPeer().waiting()
		o := newNetstatOracle(t)
		o.compareAll([]string{"-tan", "-tn", "-tln", "-tanepo", "-tanoW", "-ta"})

		o.nobody = false
		var got []string
		for line := range strings.Lines(o.run(o.gnet, []string{"-tan"}).Stdout) {
			if fields := strings.Fields(line); fields[0] == "tcp" {
				got = append(got, fields[4]+" "+fields[5])
			}
		}
		want := []string{"0.0.0.0:* LISTEN", "10.98.0.2:5001 SYN_RECV", "10.98.0.2:5002 FIN_WAIT1", "10.98.0.2:5003 CLOSING",
			"10.98.0.2:5004 LAST_ACK", "10.98.0.2:5005 ESTABLISHED", "10.98.0.2:80 SYN_SENT"}
		if diff := cmp.Diff(want, sorted(got)); diff != "" {
			t.Errorf("the states of the lab (-want +got):\n%s", diff)
		}
	})
}

// TestNetstatOracle_hidden mounts /proc so that an ordinary user sees no other
// user's processes. The original says nothing; gnet prints the same table and a
// hint.
func TestNetstatOracle_hidden(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		lab := newSocketLab(t)
		lab.tcp()
		lab.holder("/bin/daemon", "127.0.0.1:7001")
		o := newNetstatOracle(t)
		o.nobody = true
		for _, hidepid := range []string{"hidepid=1", "hidepid=2", "hidepid=4"} {
			if err := unix.Mount("proc", "/proc", "proc", 0, hidepid); err != nil {
				t.Fatal(err)
			}
			o.compare("-tlnp")
			got := o.run(o.gnet, []string{"-tlnp"})
			if !strings.Contains(got.Stdout, "/daemon") || !strings.HasPrefix(got.Stderr, "hint: sockets without a visible process: 7 (") {
				t.Errorf("%s: %+v", hidepid, got)
			}
			if err := unix.Unmount("/proc", 0); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestNetstatOracle_sees shows that the comparison has eyes: whichever byte of
// an answer changes, the normalised answer changes, but for the seconds.
func TestNetstatOracle_sees(t *testing.T) {
	answer := "tcp        0     50 10.99.0.1:2222          10.99.0.2:55576         ESTABLISHED on (0.16/2/0)\n" +
		"tcp        0      0 127.0.0.1:22            0.0.0.0:*               LISTEN      off (0.00/0/0)\n" +
		"tcp6       0      0 ::1:22                  ::1:41464               TIME_WAIT   timewait (22.78/0/0)\n"
	var hidden []string
	for i := range len(answer) {
		changed := answer[:i] + string(rune(answer[i]^1)) + answer[i+1:]
		if normaliseTimers(changed) == normaliseTimers(answer) {
			hidden = append(hidden, fmt.Sprintf("%d:%c", i, answer[i]))
		}
	}
	seconds := func(text string) (want []string) {
		at := strings.Index(answer, text)
		for i, c := range text {
			if c != '.' {
				want = append(want, fmt.Sprintf("%d:%c", at+i, c))
			}
		}
		return want
	}
	if diff := cmp.Diff(append(seconds("0.16"), seconds("22.78")...), hidden); diff != "" {
		t.Errorf("bytes that the comparison does not see (-want +got):\n%s", diff)
	}
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}
