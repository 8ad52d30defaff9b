package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
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
			Event, World, Clock, Rule, Why string
			OK                             bool
			Attempt                        int
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	first, last := doc.Rows[0], doc.Rows[len(doc.Rows)-1]
	if doc.Schema != "gnet/trace-tcp/1" || first.World != "tun" || first.Clock != "mono" || last.Event != "end" || !last.OK {
		t.Errorf("%s, first %+v, last %+v", doc.Schema, first, last)
	}
	lost, again := 0, 0
	for _, r := range doc.Rows {
		switch {
		case r.Event == "lost" && r.Rule == "client> drop data 2":
			lost++
		case r.Event == "tx" && r.Attempt > 1 && r.Why != "":
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
	if !strings.HasPrefix(stderr.String(), "gnet trace tcp: /dev/net/tun") || !strings.HasSuffix(stderr.String(), "\nhint: --link memory needs no rights\n") {
		t.Errorf("stderr %q", stderr.String())
	}
}
