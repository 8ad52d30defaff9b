package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/internal/safe"
)

// netstatSelf is this test binary called as netstat, which is then gnet
// (TestMain).
func netstatSelf(args ...string) *exec.Cmd {
	cmd := netns.Self(append([]string{"netstat"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

// syntheticTCP writes a proc tree whose net/tcp has n rows.
func syntheticTCP(t *testing.T, n int) string {
	t.Helper()
	var text bytes.Buffer
	text.WriteString(labInetHead)
	for i := range n {
		fmt.Fprintf(&text, "%4d: 0100007F:0016 %08X:%04X 01 00000000:00000000 00:00000000 00000000  1000        0 %d 2\n", i, 0x0A000000|i, 1024+i%60000, 1+i)
	}
	return procTree(t, map[string]string{"net/tcp": text.String()})
}

// procTree writes files below a folder that is then a --proc-root.
func procTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := publicDir(t)
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestNetstatWeather_head: a reader who has seen enough ends the listing, the
// endless one too, without a word on stderr.
func TestNetstatWeather_head(t *testing.T) {
	root := syntheticTCP(t, 20_000)
	for _, line := range []string{"-tan", "-tan --json", "-tan --format csv", "-tan --format table", "-tanc"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := netstatSelf(append(strings.Fields(line), "--proc-root", root)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = w, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		first := make([]byte, 60)
		_, err = io.ReadFull(r, first)
		r.Close()
		waitErr := cmd.Wait()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		quiet := status.Signaled() && status.Signal() == unix.SIGPIPE || waitErr == nil
		if err != nil || !quiet || stderr.Len() > 0 {
			t.Errorf("netstat %s | head: begins with %q (%v), ended with %v, stderr %q", line, first, err, waitErr, stderr.String())
		}
	}
}

// TestNetstatWeather_fullDisk: whatever the format and however little there is
// to write, an answer that was lost is a failure. For the classic table it is a
// difference to the original, shown in TestNetstatDiffers_options.
func TestNetstatWeather_fullDisk(t *testing.T) {
	const noSpace = "netstat: write error: write /dev/stdout: no space left on device\n"
	for _, rows := range []int{0, 20_000} {
		root := syntheticTCP(t, rows)
		for _, line := range []string{"-tan", "-tan --json", "-tan --format jsonl", "-tan --format csv", "-tan --format table", "-tanc"} {
			if rows == 0 && strings.Contains(line, "jsonl") {
				continue // no row, no byte
			}
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			cmd := netstatSelf(append(strings.Fields(line), "--proc-root", root)...)
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = full, &stderr
			err = cmd.Run()
			full.Close()
			if status := cmd.ProcessState.ExitCode(); status != statusNo || stderr.String() != noSpace {
				t.Errorf("netstat %s > /dev/full, %d rows: %v, stderr %q", line, rows, err, stderr.String())
			}
		}
	}
}

// TestNetstatWeather_closedStreams: no file that gnet opens takes the number of
// a stream that is closed, so that no row is ever written into it.
func TestNetstatWeather_closedStreams(t *testing.T) {
	root := syntheticTCP(t, 3)
	table := filepath.Join(root, "net", "tcp")
	before, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	gnet := filepath.Join(publicDir(t), "netstat")
	copyExecutable(t, gnet)
	for script, want := range map[string]nstest.Result{
		`"$0" --proc-root "$1" -tan <&- >&- 2>&-`: {},
		`"$0" --proc-root "$1" -tan >&-`:          {},
		// Without a stderr what is shown stays what it is.
		`"$0" --proc-root "$1/nowhere" -tan 2>&-`: {Status: statusCannot},
		`"$0" --proc-root "$1" -un 2>&-`:          {Status: statusNo, Stdout: "Active Internet connections (w/o servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \n"},
	} {
		cmd := exec.Command("/bin/sh", "-c", script, gnet, root)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
	if after, err := os.ReadFile(table); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the table was written to: %q, %v", after, err)
	}
}

// TestNetstatWeather_sameMemory: a hundred times the rows allocate nothing more.
func TestNetstatWeather_sameMemory(t *testing.T) {
	allocations := func(root string) float64 {
		return testing.AllocsPerRun(3, func() {
			e := &env{Stdout: newOutput(io.Discard), Stderr: io.Discard, ProcRoot: root, LookupEnv: os.LookupEnv}
			if status := run([]string{"netstat", "-tan"}, e); status != statusOK {
				t.Fatalf("status %d", status)
			}
		})
	}
	few, many := allocations(syntheticTCP(t, 200)), allocations(syntheticTCP(t, 20_000))
	if many > few+20 { // the runtime's own come and go
		t.Errorf("200 rows allocate %v times, 20,000 rows %v times", few, many)
	}
}

// TestNetstatWeather_goneMeanwhile: a process that ends between its row and the
// search for it leaves a socket without an owner, and that is said. The table is
// a pipe: gnet has read all of it when its other end is closed.
func TestNetstatWeather_goneMeanwhile(t *testing.T) {
	const row = "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1\n"
	root := procTree(t, map[string]string{"net/tcp6": labInetHead, "42/comm": "here\n", "42/cmdline": "/bin/here\x00", "43/comm": "x\n"})
	fds := filepath.Join(root, "42", "fd")
	if err := errors.Join(os.Mkdir(fds, 0o755), os.Symlink("socket:[77]", filepath.Join(fds, "3")),
		unix.Mkfifo(filepath.Join(root, "net", "tcp"), 0o644)); err != nil {
		t.Fatal(err)
	}
	show := func(meanwhile func() error) nstest.Result {
		cmd := netstatSelf("-tlnp", "--proc-root", root)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pipe, err := os.OpenFile(filepath.Join(root, "net", "tcp"), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pipe.WriteString(labInetHead + row)
		if err := errors.Join(err, meanwhile(), pipe.Close(), cmd.Wait()); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		return nstest.Result{Stdout: stdout.String(), Stderr: stderr.String()}
	}
	const head = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n"
	const socket = "tcp        0      0 127.0.0.1:22            0.0.0.0:*               LISTEN      "
	want := nstest.Result{Stdout: head + socket + "42/here             \n"}
	if diff := cmp.Diff(want, show(func() error { return nil })); diff != "" {
		t.Errorf("the process is there (-want +got):\n%s", diff)
	}
	got := show(func() error { return os.RemoveAll(filepath.Join(root, "42")) })
	if got.Stdout != head+socket+"-                   \n" || !strings.HasPrefix(got.Stderr, "hint: sockets without a visible process: 1 (") {
		t.Errorf("the process is gone: %+v", got)
	}
}

// TestNetstatWeather_etc: whoever may write a name into a file that gnet asks
// for names can write none that a terminal obeys, nor one that breaks a row.
func TestNetstatWeather_etc(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		difference(t, "control-bytes")
		lab := newSocketLab(t)
		hostile := publicDir(t)
		for name, text := range map[string]string{
			"passwd":    "ev\x1b[31mil:x:0:0::/:/bin/sh\nr\xffot:x:65534:65534::/:\n",
			"services":  "s\x1b]0;x\x07h 22/tcp\nd\u202ens 53/udp\n",
			"protocols": "o\x9bspf 89\n",
			"hosts":     "127.0.0.1 ho\x1bst\n10.99.0.1 r\u202eev\n",
		} {
			path := filepath.Join(hostile, name)
			lab.must(os.WriteFile(path, []byte(text), 0o644))
			lab.must(unix.Mount(path, filepath.Join("/etc", name), "", unix.MS_BIND, ""))
			t.Cleanup(func() { unix.Unmount(filepath.Join("/etc", name), unix.MNT_DETACH) })
		}
		lab.listen("127.0.0.1:22")
		lab.bind(unix.SOCK_DGRAM, 0, "10.99.0.1:53")
		lab.socket(unix.AF_INET, unix.SOCK_RAW, 89)
		o := newNetstatOracle(t)
		for _, line := range []string{"-tuwlae", "-tuwlaeW", "-tuwlae --format table"} {
			out := o.run(o.gnet, strings.Fields(line))
			if !safe.Clean(strings.ReplaceAll(out.Stdout+out.Stderr, "\n", "")) || out.Status != 0 {
				t.Errorf("netstat %s lets a control byte through:\n%+v", line, out)
			}
		}
		var users, locals []string
		for line := range strings.Lines(o.run(o.gnet, []string{"-tuwlaeW"}).Stdout) {
			if fields := strings.Fields(line); fields[0] == "tcp" || fields[0] == "udp" || fields[0] == "raw" {
				locals = append(locals, fields[3])
				users = append(users, fields[len(fields)-2])
			}
		}
		if diff := cmp.Diff([]string{`ho\x1bst:s\x1b]0;x\x07h`, `r\xe2\x80\xaeev:d\xe2\x80\xaens`, `0.0.0.0:o\x9bspf`}, locals); diff != "" {
			t.Errorf("local addresses (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(slices.Repeat([]string{`ev\x1b[31mil`}, 3), users); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
	})
}
