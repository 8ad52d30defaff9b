package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// gnetTrace runs `gnet trace tcp` and returns what it printed and its status.
func gnetTrace(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := netns.Self(append([]string{"gnet", "trace", "tcp"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "COLUMNS=100")
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		t.Fatal(e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// TestTraceBulk_json: both directions moved what was asked for, and the summary says what the run was made of.
func TestTraceBulk_json(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	out, stderr, status := gnetTrace(t, "--bulk", "-6", "--bytes", "5000000", "--at-server", "cc reno", "--json")
	type row struct {
		From, To  string
		OK        bool
		Bytes     int64
		ElapsedNS int64 `json:"elapsed_ns"`
		Goodput   int64
		CPU       *int64 `json:"cpu_ns"`
	}
	var doc struct {
		Schema  string
		Rows    []row
		Summary struct {
			World, ServerCC, Reason string
			ClientCC                string `json:"client_cc"`
			Server                  string `json:"server_cc"`
			Addr                    string `json:"client_addr"`
			IPv6, OK                bool
			Pinned                  []struct{ What string }
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || status != statusOK || stderr != "" {
		t.Fatalf("%v, status %d, %s%s", err, status, out, stderr)
	}
	for i := range doc.Rows {
		r := &doc.Rows[i]
		if r.ElapsedNS <= 0 || r.Goodput != r.Bytes*8*int64(time.Second)/r.ElapsedNS || r.CPU == nil {
			t.Errorf("%+v", r)
		}
		r.ElapsedNS, r.Goodput, r.CPU = 0, 0, nil
	}
	want := []row{{From: "client", To: "server", OK: true, Bytes: 5_000_000}, {From: "server", To: "client", OK: true, Bytes: 5_000_000}}
	if d := cmp.Diff(want, doc.Rows); d != "" || doc.Schema != "gnet/trace-bulk/1" {
		t.Errorf("%s: %s", doc.Schema, d)
	}
	s := doc.Summary
	if s.World != "tun" || !s.OK || !s.IPv6 || s.ClientCC != "cubic" || s.Server != "reno" || s.Addr != "2001:db8::1" || len(s.Pinned) == 0 {
		t.Errorf("%+v", s)
	}
}

// TestTraceBulk_classic: the form for people has a line for each direction, in columns.
func TestTraceBulk_classic(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	out, stderr, status := gnetTrace(t, "--bulk", "--time", "100ms")
	if status != statusOK || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) < 10 {
		t.Fatal(out)
	}
	table := lines[len(lines)-5:]
	for i, want := range []string{"direction", "client > server", "server > client", "", "result  every byte arrived unchanged; CPU is that of both ends"} {
		if !strings.HasPrefix(table[i], want) || i < 3 && len(table[i]) != len(table[0]) {
			t.Errorf("%q, want %q...", table[i], want)
		}
	}
	if lines[0] != "world   tun with offloads, real clock; no segment is recorded" || !strings.HasPrefix(lines[2], "client  linux ") || !strings.HasPrefix(lines[3], "server  gvisor ") {
		t.Errorf("%q", lines[:4])
	}
	for _, line := range lines {
		if len(line) > 100 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

// TestTraceBulk_ended: a run that is given up or interrupted says so in its last line and on standard error, with status 1.
func TestTraceBulk_ended(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	out, stderr, status := gnetTrace(t, "--bulk", "--time", "1h", "--deadline", "3s", "--format", "jsonl")
	if status != statusNo || stderr != "gnet trace tcp: the transfer failed: client to server: given up after 3s\n" || !strings.Contains(out, `"ok":false,"reason":"given up after 3s"`) {
		t.Errorf("status %d, %s%s", status, stderr, out)
	}
	cmd := netns.Self("gnet", "trace", "tcp", "--bulk", "--time", "1h")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(pipe, make([]byte, 10)); err != nil {
		t.Error(err)
	}
	cmd.Process.Signal(unix.SIGINT)
	rest, err := io.ReadAll(pipe)
	if err != nil {
		t.Error(err)
	}
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusNo || errs.String() != "gnet trace tcp: interrupted\n" || !strings.HasSuffix(string(rest), "\nresult  failed: interrupted\n") {
		t.Errorf("status %d, %s%s", status, errs.String(), rest)
	}
}

// TestTraceBulk_refused: a congestion control that the kernel does not have is a wrong command line; a machine that refuses the
// world is status 2.
func TestTraceBulk_refused(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	_, stderr, status := gnetTrace(t, "--bulk", "--at-client", "cc nonesuch")
	if status != statusUsage || !strings.HasPrefix(stderr, "gnet trace tcp: --at-client cc: linux ") {
		t.Errorf("status %d, %s", status, stderr)
	}
	nstest.Require(t, nstest.Root)
	cmd := exec.Command("/proc/self/exe", "trace", "tcp", "--bulk", "--bytes", "1")
	cmd.Args[0] = "gnet"
	var errs bytes.Buffer
	cmd.Stderr = &errs
	nstest.AsNobody(t, cmd)
	err := cmd.Run()
	if fi, serr := os.Stat("/dev/net/tun"); serr == nil && fi.Mode()&0o006 == 0o006 {
		if err != nil {
			t.Errorf("%v: %s", err, errs.String())
		}
		return
	}
	if status := cmd.ProcessState.ExitCode(); status != statusCannot || !strings.Contains(errs.String(), "hint: --bulk needs a TUN interface") {
		t.Errorf("status %d, %s", status, errs.String())
	}
}

func TestBitRate(t *testing.T) {
	for bits, want := range map[float64]string{0: "0.00 bit/s", 999: "999.0 bit/s", 1000: "1.00 kbit/s", 12.345e9: "12.35 Gbit/s", 99.996e9: "100.0 Gbit/s",
		999.96e6: "1.00 Gbit/s", 1e15: "1000.0 Tbit/s"} {
		if got := bitRate(bits); got != want {
			t.Errorf("%v: %q, want %q", bits, got, want)
		}
	}
}
