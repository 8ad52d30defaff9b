package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe/view"
)

// TestTraceTCP_kernel runs the command without options where the machine allows the kernel's world: that is the one it
// takes.
func TestTraceTCP_kernel(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	cmd := netns.Self("gnet", "trace", "tcp", "--json", "--fault", "client> drop data 2", "--bytes", "20000")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var doc struct {
		Schema string
		Rows   []struct {
			Event, World, Clock, Rule string
			OK                        bool
			Derived                   struct {
				Attempt int
				Why     string
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	first, last := doc.Rows[0], doc.Rows[len(doc.Rows)-1]
	if doc.Schema != "gnet/trace-tcp/2" || first.World != "tun" || first.Clock != "mono" || last.Event != "end" || !last.OK {
		t.Errorf("%s, first %+v, last %+v", doc.Schema, first, last)
	}
	lost, again := 0, 0
	for _, r := range doc.Rows {
		switch {
		case r.Event == "lost" && r.Rule == "client> drop data 2":
			lost++
		case r.Event == "tx" && r.Derived.Attempt > 1 && r.Derived.Why != "":
			again++
		}
	}
	if lost != 1 || again == 0 {
		t.Errorf("%d segments lost, %d transmitted again", lost, again)
	}
}

// TestTraceTCP_interrupted: SIGINT ends the exchange, what was seen is shown to its end, and the status says that it is
// not whole.
func TestTraceTCP_interrupted(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	cmd := netns.Self("gnet", "trace", "tcp", "--bytes", "100000000")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if _, err := out.ReadString('\n'); err != nil {
		t.Errorf("no first line: %v", err)
	}
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Error(err)
	}
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusNo {
		t.Errorf("status %d, want %d", status, statusNo)
	}
	if !strings.Contains(string(rest), "result  failed: interrupted") {
		t.Errorf("the picture does not say that it was interrupted: %s", rest[max(0, len(rest)-500):])
	}
	if got, want := stderr.String(), "gnet trace tcp: interrupted\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}

// TestTraceTCP_refused: a world that the machine does not allow is status 2, with the reason and a way out; nothing is
// drawn.
func TestTraceTCP_refused(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Root)
	cmd := exec.Command("/proc/self/exe", "trace", "tcp", "--link", "tun")
	cmd.Args[0] = "gnet"
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	nstest.AsNobody(t, cmd)
	err := cmd.Run()
	if fi, serr := os.Stat("/dev/net/tun"); serr == nil && fi.Mode()&0o006 == 0o006 {
		if err != nil {
			t.Errorf("%v: %s", err, stderr.String())
		}
		return
	}
	if status := cmd.ProcessState.ExitCode(); status != statusCannot || stdout.Len() > 0 {
		t.Errorf("status %d, stdout %q", status, stdout.String())
	}
	if !strings.HasPrefix(stderr.String(), "gnet trace tcp: /dev/net/tun") || !strings.HasSuffix(stderr.String(), "\nhint: --link veth does without /dev/net/tun; --link memory needs no rights\n") {
		t.Errorf("stderr %q", stderr.String())
	}
}

// TestTraceTCP_secondSignal: a run whose output is stuck cannot come to its end; the second SIGTERM ends it all the same.
func TestTraceTCP_secondSignal(t *testing.T) {
	cmd := netns.Self("gnet", "trace", "tcp", "--link", "memory", "--bytes", "100000000", "--unfold")
	pipe, err := cmd.StdoutPipe() // read once, then no more
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.Read(make([]byte, 1)); err != nil {
		t.Errorf("no output: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline, again := time.After(20*time.Second), time.NewTicker(100*time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ended:
			if s := cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != unix.SIGTERM {
				t.Errorf("ended as %v, want by the signal", cmd.ProcessState)
			}
			return
		case <-again.C:
			cmd.Process.Signal(unix.SIGTERM)
		case <-deadline:
			cmd.Process.Kill()
			t.Fatal("does not end")
		}
	}
}

// TestTraceTCP_where: the picture fits the terminal, and has colours only where they can be shown and are wanted.
func TestTraceTCP_where(t *testing.T) {
	terminal := openTerminal(t, 100)
	for _, c := range []struct {
		env  map[string]string
		asks int
		want view.Options
	}{
		{want: view.Options{Width: 100, ASCII: true, Color: true}},
		{asks: 60, want: view.Options{Width: 60, ASCII: true, Color: true}},
		{env: map[string]string{"TERM": "dumb", "LANG": "C.UTF-8"}, want: view.Options{Width: 100}},
		{env: map[string]string{"NO_COLOR": "1"}, want: view.Options{Width: 100, ASCII: true}},
		{env: map[string]string{"COLUMNS": "100000000"}, want: view.Options{Width: maxWidth, ASCII: true, Color: true}},
	} {
		e := systemEnv()
		e.Stdout = newOutput(terminal)
		e.LookupEnv = func(name string) (string, bool) { value, set := c.env[name]; return value, set }
		if diff := cmp.Diff(c.want, e.viewOptions(&viewOptions{Width: c.asks})); diff != "" {
			t.Errorf("%v, asked for %d: want - got +\n%s", c.env, c.asks, diff)
		}
	}
}
