package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe/event"
)

// TestTraceTCP_worlds runs an exchange in every world, with the kernel at either end and over both versions of IP: the
// header says what was asked for, and every byte arrives.
func TestTraceTCP_worlds(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	type facts struct {
		World, Clock                 string
		ClientKernel, ServerKernel   bool
		ClientAddr, ServerAddr       string
		OK, Match                    bool
		ClientReceived, ServerResult int64
	}
	for _, world := range []string{"tun", "veth", "memory"} {
		for _, client := range []string{"kernel", "engine"} {
			for _, family := range []string{"--ipv4", "--ipv6"} {
				if world == "memory" && client == "kernel" {
					continue
				}
				args := []string{"trace", "tcp", "--link", world, "--client", client, family, "--delay", "1ms", "--connections", "2", "--format", "jsonl"}
				cmd := netns.Self(append([]string{"gnet"}, args...)...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil || stderr.Len() > 0 {
					t.Errorf("%v: %v: %s", args, err, stderr.String())
					continue
				}
				first, last := firstAndLast(t, out)
				want := facts{World: world, Clock: "mono", ClientKernel: client == "kernel", ServerKernel: client == "engine" && world != "memory",
					ClientAddr: "192.0.2.1", ServerAddr: "192.0.2.2", OK: true, Match: true, ClientReceived: 6000, ServerResult: 6000}
				if world == "memory" {
					want.Clock = "virtual"
				}
				if family == "--ipv6" {
					want.ClientAddr, want.ServerAddr = "2001:db8::1", "2001:db8::2"
				}
				linux := func(key string) bool { s, _ := first[key].(string); return strings.HasPrefix(s, "linux ") }
				text := func(key string) string { s, _ := first[key].(string); return s }
				number := func(key string) int64 { n, _ := last[key].(float64); return int64(n) }
				got := facts{World: text("world"), Clock: text("clock"), ClientKernel: linux("client_stack"), ServerKernel: linux("server_stack"),
					ClientAddr: text("client_addr"), ServerAddr: text("server_addr"), OK: last["ok"] == true, Match: last["client_match"] == true && last["server_match"] == true,
					ClientReceived: number("client_received"), ServerResult: number("server_received")}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%v: %s", args, d)
				}
			}
		}
	}
}

// firstAndLast returns the run and the end of a trace in JSON lines.
func firstAndLast(t *testing.T, out []byte) (first, last map[string]any) {
	t.Helper()
	for line := range bytes.Lines(out) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch row["event"] {
		case event.KindRun.String():
			first = row
		case event.KindEnd.String():
			last = row
		}
	}
	if first == nil || last == nil {
		t.Fatalf("no run or no end in %d bytes", len(out))
	}
	return first, last
}

// TestTraceTCP_refusedOptions: each end refuses what its stack cannot do, with the end, the option, the stack and the
// reason; the command line is wrong, and nothing is shown.
func TestTraceTCP_refusedOptions(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, c := range []struct{ args, want string }{
		{"--link memory --at-client=delayed-ack_on", "--at-client delayed-ack: gvisor "},
		{"--link memory --at-server=cc_bbr", "--at-server cc: gvisor "},
		{"--link tun --at-client=time-wait_1s", "--at-client time-wait: linux "},
		{"--link tun --client engine --at-server=time-wait_1s", "--at-server time-wait: linux "},
		{"--link tun --client engine --at-client=timestamps_off", "--at-client timestamps: gvisor "},
		{"--link tun --at-client=cc_nosuch", "--at-client cc: linux "},
	} {
		words := strings.Fields(c.args)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "_", " ")
		}
		cmd := netns.Self(append([]string{"gnet", "trace", "tcp"}, words...)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run()
		if status := cmd.ProcessState.ExitCode(); status != statusUsage || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "gnet trace tcp: "+c.want) ||
			!strings.Contains(stderr.String(), " cannot do that: ") {
			t.Errorf("%s: status %d, stdout %q, stderr %q", c.args, status, stdout.String(), stderr.String())
		}
	}
}

// TestTraceTCP_output: a full disk is a failure that is said once, and a reader that has seen enough is none, in both
// kinds of time and every form.
func TestTraceTCP_output(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, world := range []string{"memory", "tun"} {
		for _, format := range []string{"classic", "table", "json", "jsonl", "csv"} {
			args := []string{"trace", "tcp", "--link", world, "--format", format, "--delay", "1ms", "--bytes", "20000"}
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			cmd := netns.Self(append([]string{"gnet"}, args...)...)
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = full, &stderr
			cmd.Run()
			full.Close()
			want := "gnet trace tcp: write error: write /dev/stdout: no space left on device\n"
			if status := cmd.ProcessState.ExitCode(); status != statusNo || stderr.String() != want {
				t.Errorf("%v > /dev/full: status %d, %q", args, status, stderr.String())
			}

			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd = netns.Self(append([]string{"gnet"}, args...)...)
			stderr.Reset()
			cmd.Stdout, cmd.Stderr = w, &stderr
			r.Close()
			cmd.Run()
			w.Close()
			if status := cmd.ProcessState.ExitCode(); status != 0 && status != -1 || stderr.Len() > 0 {
				t.Errorf("%v to a closed pipe: status %d, %q", args, status, stderr.String())
			}
		}
	}
}

// TestTraceTCP_narrow: at every width from the narrowest on, no line is wider than the screen.
func TestTraceTCP_narrow(t *testing.T) {
	for _, width := range []int{40, 59, 60, 79, 80, 100} {
		cmd := netns.Self("gnet", "trace", "tcp", "--link", "memory", "--ascii", "--width", strconv.Itoa(width), "--bytes", "20000", "--fault", "client> drop data 2",
			"--fault", "server> dup data 3", "--fault", "client> corrupt data 5", "--connections", "2", "--at-client", "close reset")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%d: %v", width, err)
		}
		for line := range strings.Lines(string(out)) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
	}
}
