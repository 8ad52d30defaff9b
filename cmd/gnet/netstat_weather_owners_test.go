package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// tlnp is the classic table of netstat -tlnp: what follows the state of each
// socket of 127.0.0.1, by port.
func tlnp(out string) map[string]string {
	programs := make(map[string]string)
	for line := range strings.Lines(out) {
		if at := strings.Index(line, "LISTEN "); at > 0 {
			port, _, _ := strings.Cut(strings.TrimPrefix(line[20:], "127.0.0.1:"), " ")
			programs[port] = strings.TrimSpace(line[at+len("LISTEN "):])
		}
	}
	return programs
}

// within runs netstat -tlnp through another program: unshare(1) and its like.
func (o *netstatOracle) within(path string, argv ...string) nstest.Result {
	o.t.Helper()
	return o.run(argv[0], append(argv[1:], path, "-tlnp"))
}

const missingHint = "hint: sockets without a visible process: "

// TestNetstatWeather_otherProcesses: in another process namespace, as in a
// container on the host's network, and in a user namespace whose root is nobody
// here, the holders cannot be known. The table is the original's and gnet says
// that they could not be known, also where the original is silent.
func TestNetstatWeather_otherProcesses(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root, nstest.Userns)
		unshare := nstest.Peer(t, "unshare")
		lab := newSocketLab(t)
		lab.holder("/bin/daemon", "127.0.0.1:7001")
		lab.listen("127.0.0.1:22")
		o := newNetstatOracle(t)

		argv := []string{unshare, "--pid", "--fork", "--mount-proc"}
		want, got := o.within(o.original, argv...), o.within(o.gnet, argv...)
		if diff := cmp.Diff(map[string]string{"22": "-", "7001": "-"}, tlnp(want.Stdout)); diff != "" || want.Stdout != got.Stdout || want.Status != got.Status {
			t.Errorf("another process namespace (-want +original):\n%s\ngnet: %+v", diff, got)
		}
		if want.Stderr != "" || !strings.HasPrefix(got.Stderr, missingHint+"2 (it is in another pid namespace") {
			t.Errorf("another process namespace: the original says %q, gnet %q", want.Stderr, got.Stderr)
		}

		argv = []string{unshare, "--user"}
		want, got = o.within(o.original, argv...), o.within(o.gnet, argv...)
		if got.Stderr = withoutHints(got.Stderr); got != want {
			t.Errorf("a user namespace (-original +gnet):\n%s", cmp.Diff(want, got))
		}
		if !strings.Contains(got.Stderr, "you should be root") && !strings.Contains(got.Stderr, "Not all processes could be identified") {
			t.Errorf("a user namespace: %q", got.Stderr)
		}
	})
}

// TestNetstatWeather_shared: one socket in several processes, and one that is in
// none because it is on its way in a message.
func TestNetstatWeather_shared(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		inflight := lab.listen("127.0.0.1:7001")
		shared := os.NewFile(uintptr(lab.listen("127.0.0.1:7002")), "socket")
		var pids []int
		for _, arg0 := range []string{"first", "second", "third"} {
			cmd := exec.Command("/bin/sleep")
			cmd.Args = []string{arg0, "1000"}
			cmd.ExtraFiles = []*os.File{shared, shared}
			lab.host.Start(t, cmd)
			pids = append(pids, cmd.Process.Pid)
		}
		lab.must(shared.Close())
		o := newNetstatOracle(t)
		lowest := fmt.Sprintf("%d/first", pids[0])
		self := fmt.Sprintf("%d/", os.Getpid())
		got := o.run(o.gnet, []string{"-tlnp"})
		if programs := tlnp(got.Stdout); programs["7002"] != lowest || !strings.HasPrefix(programs["7001"], self) || got.Stderr != "" {
			t.Errorf("before the message: %+v", got)
		}
		o.compare("-tlnp")

		// From here on no process has the first socket, but the kernel has it.
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		lab.must(err)
		lab.must(unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(inflight), nil, 0))
		lab.must(unix.Close(inflight))
		got = o.run(o.gnet, []string{"-tlnp"})
		if diff := cmp.Diff(map[string]string{"7001": "-", "7002": lowest}, tlnp(got.Stdout)); diff != "" || !strings.HasPrefix(got.Stderr, missingHint+"1 (") {
			t.Errorf("on its way (-want +got):\n%s%s", diff, got.Stderr)
		}
		o.compare("-tlnp")

		want := map[string][]string{"7001": nil}
		for i, arg0 := range []string{"sleep", "sleep", "sleep"} {
			for _, fd := range []int{3, 4} {
				want["7002"] = append(want["7002"], fmt.Sprintf("%d %s %d", pids[i], arg0, fd))
			}
		}
		if diff := cmp.Diff(want, jsonOwners(t, o.run(o.gnet, []string{"-tlnp", "--format", "jsonl"}).Stdout)); diff != "" {
			t.Errorf("all owners (-want +got):\n%s", diff)
		}
		unix.Close(pair[0])
		unix.Close(pair[1])
	})
}

// jsonOwners are the owners of each socket in jsonl, by local port.
func jsonOwners(t *testing.T, out string) map[string][]string {
	t.Helper()
	owners := make(map[string][]string)
	for line := range strings.Lines(out) {
		var row struct {
			Kind   string `json:"kind"`
			Port   int    `json:"local_port"`
			Owners []struct {
				PID  int    `json:"pid"`
				Comm string `json:"comm"`
				FD   int    `json:"fd"`
			} `json:"owners"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if row.Kind != "row" {
			continue
		}
		port := fmt.Sprint(row.Port)
		owners[port] = owners[port][:len(owners[port]):len(owners[port])]
		for _, p := range row.Owners {
			owners[port] = append(owners[port], fmt.Sprintf("%d %s %d", p.PID, p.Comm, p.FD))
		}
	}
	return owners
}

// TestNetstatWeather_noInode: a socket without a file is nobody's by nature, so
// nothing is missing.
func TestNetstatWeather_noInode(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.closing()
		o := newNetstatOracle(t)
		got := o.run(o.gnet, []string{"-tanp"})
		none := 0
		for line := range strings.Lines(got.Stdout) {
			if strings.HasSuffix(line, " -                   \n") {
				none++
			}
		}
		if none != 2 || got.Stderr != "" { // TIME_WAIT, FIN_WAIT2 without a process
			t.Errorf("%d sockets of nobody: %+v", none, got)
		}
		o.compare("-tanp")
	})
}

// TestNetstatWeather_churn: while sockets come and go, every row is whole and
// every call ends well.
func TestNetstatWeather_churn(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.listen("127.0.0.1:22")
		stop, stopped := make(chan struct{}), make(chan error)
		go func() { stopped <- churn(stop) }()
		o := newNetstatOracle(t)
		for i := range 40 {
			line := []string{"-tanp", "-an", "-tanepo", "-tanp --format jsonl"}[i%4]
			got := o.run(o.gnet, strings.Fields(line))
			if got.Status != 0 || withoutHints(got.Stderr) != "" {
				t.Errorf("netstat %s: status %d, stderr %q", line, got.Status, got.Stderr)
			}
			listening := 0
			for row := range strings.Lines(got.Stdout) {
				fields := strings.Fields(row)
				if fields[0] == "tcp" && (len(fields) < 6 || !strings.HasPrefix(fields[3], "127.0.0.1:")) || !strings.HasSuffix(row, "\n") {
					t.Errorf("netstat %s: row %q", line, row)
				}
				if strings.Contains(row, "127.0.0.1:22 ") || strings.Contains(row, `"local_port":22,`) {
					listening++
				}
			}
			if listening != 1 {
				t.Errorf("netstat %s shows the listening socket %d times", line, listening)
			}
		}
		close(stop)
		lab.must(<-stopped)
	})
}

// churn opens and closes sockets, pairs and listeners, until it is told to stop.
func churn(stop <-chan struct{}) error {
	for i := 0; ; i++ {
		_, sa := sockaddr(fmt.Sprintf("127.0.0.1:%d", 7000+i%1000)) // the last listener's port may be in use yet
		select {
		case <-stop:
			return nil
		default:
		}
		l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		fds := []int{l}
		err = unix.SetsockoptInt(l, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		if err == nil {
			err = unix.Bind(l, sa)
		}
		if err == nil {
			err = unix.Listen(l, 50)
		}
		for range 50 {
			fd, socketErr := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil || socketErr != nil {
				break
			}
			fds = append(fds, fd)
			err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			if err == nil {
				err = unix.Connect(fd, sa)
			}
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
		if err != nil {
			return err
		}
	}
}

// TestNetstatWeather_manyDescriptors: the holder of a socket is found behind all
// its other descriptors. A million of them: make bench SECTION=descriptors.
func TestNetstatWeather_manyDescriptors(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		fd := lab.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		last := fd
		for last < 3000 {
			var err error
			last, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
			lab.must(err)
		}
		listener := lab.listen("127.0.0.1:22")
		o := newNetstatOracle(t)
		got := jsonOwners(t, o.run(o.gnet, []string{"-tlnp", "--format", "jsonl"}).Stdout)
		comm, err := os.ReadFile("/proc/self/comm")
		lab.must(err)
		want := map[string][]string{"22": {fmt.Sprintf("%d %s %d", os.Getpid(), strings.TrimSpace(string(comm)), listener)}}
		if diff := cmp.Diff(want, got); diff != "" || listener < 3000 {
			t.Errorf("descriptor %d (-want +got):\n%s", listener, diff)
		}
		o.compare("-tlnp")
	})
}
