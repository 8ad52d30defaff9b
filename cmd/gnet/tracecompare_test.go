package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

// TestTraceCompare lists what this machine's kernel and the engine decide differently, for people and for machines: a lesson
// and a plain exchange, at either end.
func TestTraceCompare(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	out, stderr, status := gnetTrace(t, "--compare", "--bytes", "6000", "--fault", "client> drop data 5", "--width", "80")
	if status != 0 || stderr != "" {
		t.Errorf("status %d: %s", status, stderr)
	}
	for _, part := range []string{"compare the client in two runs\nkernel  linux ", "\nengine  gvisor ", "\nfault   client> drop data 5\n",
		"1448 of them (event ", "1420 of them (event ", "   The engine keeps room for 40 octets of options in every segment", "data 1: repeated, rto, after 240 ms", " differences\n"} {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in\n%s", part, out)
		}
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}

	out, stderr, status = gnetTrace(t, "--compare=server", "handshake", "--json")
	var doc struct {
		Schema string
		Rows   []struct {
			Topic, Kernel, Engine, Why string
			KernelEvent                int `json:"kernel_event"`
			EngineEvent                int `json:"engine_event"`
		}
		Summary struct {
			Role        string
			KernelStack string `json:"kernel_stack"`
			PeerStack   string `json:"peer_stack"`
			Differences int
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || status != 0 || stderr != "" {
		t.Fatalf("status %d, %v: %s", status, err, stderr)
	}
	if s := doc.Summary; doc.Schema != compareSchema || s.Role != "server" || !strings.HasPrefix(s.KernelStack, "linux ") || !strings.HasPrefix(s.PeerStack, "gvisor ") ||
		s.Differences != len(doc.Rows) {
		t.Errorf("%s, %+v", doc.Schema, s)
	}
	at := slices.IndexFunc(doc.Rows, func(r struct {
		Topic, Kernel, Engine, Why string
		KernelEvent                int `json:"kernel_event"`
		EngineEvent                int `json:"engine_event"`
	}) bool {
		return r.Topic == "offered-window"
	})
	if at < 0 {
		t.Fatalf("no row about the offered window: %+v", doc.Rows)
	}
	if r := doc.Rows[at]; r.Engine != "window 29184" || !strings.HasPrefix(r.Kernel, "window ") || r.Why == "" || r.KernelEvent == 0 || r.EngineEvent == 0 {
		t.Errorf("%+v", r)
	}
}

// TestTraceCompare_refused: without a kernel's world there is nothing to compare: status 2, with what is missing and what is
// left. Where the machine lets anybody have that world, the comparison is made.
func TestTraceCompare_refused(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Root)
	for _, role := range []string{"client", "server"} {
		cmd := exec.Command("/proc/self/exe", "trace", "tcp", "--compare="+role, "--link", "tun")
		cmd.Args[0] = "gnet"
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		nstest.AsNobody(t, cmd)
		err := cmd.Run()
		if fi, serr := os.Stat("/dev/net/tun"); serr == nil && fi.Mode()&0o006 == 0o006 {
			if err != nil {
				t.Errorf("%s: %v: %s", role, err, stderr.String())
			}
			continue
		}
		if status := cmd.ProcessState.ExitCode(); status != statusCannot || stdout.Len() > 0 {
			t.Errorf("%s: status %d, stdout %q", role, status, stdout.String())
		}
		if got := stderr.String(); !strings.HasPrefix(got, "gnet trace tcp: the kernel's run cannot be made: /dev/net/tun") ||
			!strings.HasSuffix(got, "\nhint: gnet trace tcp --link memory shows the engine alone\n") {
			t.Errorf("%s: stderr %q", role, got)
		}
	}
}
