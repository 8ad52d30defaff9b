package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// gnetSays runs gnet, which must succeed and say nothing on standard error.
func gnetSays(t *testing.T, args ...string) string {
	t.Helper()
	cmd := netns.Self(append([]string{"gnet"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("gnet %v: %v: %s", args, err, &stderr)
	}
	return string(out)
}

// Under the picture, which stays as it is, stands what Wireshark says of the same segments; a stored run gives the same, and
// the machine forms have it in the events.
func TestTraceWireshark(t *testing.T) {
	nstest.Peer(t, capture.Program)
	run := []string{"trace", "tcp", "--link", "memory", "--fault", "client> drop data 1", "--fault", "server> dup data 2", "--width", "130"}
	picture, both := gnetSays(t, run...), gnetSays(t, append(run, "--wireshark")...)
	table, ok := strings.CutPrefix(both, picture)
	if !ok {
		t.Fatalf("the picture has changed:\n%s", both)
	}
	for _, want := range []string{
		"0.040000  client ACK 1:1421 ack 1            new, lost                   -                           never there\n",
		"0.240000  client ACK 1:1421 ack 1            repeated, ~rto              Retransmission              Retransmission\n",
		"sent once                   ! Spurious Retransmission\n",
		"    1 at the receiver's tap: a copy that the link made is called a retransmission: its sender sent it once (copy-as-repeat)\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	stored := filepath.Join(t.TempDir(), "run.jsonl")
	events := gnetSays(t, append(run[:len(run)-2], "--wireshark", "--format", "jsonl")...)
	if err := os.WriteFile(stored, []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := gnetSays(t, "trace", "show", stored, "--wireshark", "--width", "130"); again != both {
		t.Errorf("shown again: %s", cmp.Diff(both, again))
	}
	if plain := gnetSays(t, "trace", "show", stored, "--width", "130"); plain != picture {
		t.Errorf("shown without: %s", cmp.Diff(picture, plain))
	}
	var flags []string
	for line := range strings.Lines(events) {
		var e struct {
			Event   string
			Derived struct{ Wireshark, WiresharkMisread string }
		}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(line, "wireshark_misread", "WiresharkMisread")), &e); err != nil {
			t.Fatal(err)
		}
		if d := e.Derived; (e.Event == "tx" || e.Event == "rx") != (d.Wireshark != "") {
			t.Errorf("asked about what it should not, or not: %s", line)
		} else if d.WiresharkMisread != "" {
			flags = append(flags, d.Wireshark+": "+d.WiresharkMisread)
		}
	}
	if want := "retransmission spurious_retransmission: copy-as-repeat"; !slices.Contains(flags, want) {
		t.Errorf("%q is not among %q", want, flags)
	}
}

// Without tshark nothing is run, and a hint says what is missing.
func TestTraceWireshark_missing(t *testing.T) {
	cmd := netns.Self("gnet", "trace", "tcp", "--link", "memory", "--wireshark")
	cmd.Env = append(cmd.Environ(), "PATH="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	want := "gnet trace tcp: --wireshark: tshark: executable file not found in $PATH\n" +
		"hint: tshark is Wireshark's program for terminals; its package is called tshark, or wireshark-cli\n"
	if exitCode(err) != statusCannot || len(out) > 0 || stderr.String() != want {
		t.Errorf("status %v, %q, %q", err, out, &stderr)
	}
}

// A tshark that does not do its part is said, and the picture is drawn all the same.
func TestTraceWireshark_broken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tshark"), []byte("#!/bin/sh\nread x\necho nonsense\necho out of order >&2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := netns.Self("gnet", "trace", "tcp", "--link", "memory", "--wireshark")
	cmd.Env = append(cmd.Environ(), "PATH="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exitCode(err) != statusCannot || !strings.Contains(string(out), "every byte arrived") || !strings.HasPrefix(stderr.String(), "gnet trace tcp: --wireshark: tshark: ") {
		t.Errorf("status %v, %q, %q", err, out, &stderr)
	}
}

func exitCode(err error) int {
	if e, ok := err.(*exec.ExitError); ok {
		return e.ExitCode()
	}
	return 0
}

// The manual names every misreading.
func TestManual_misreadings(t *testing.T) {
	got := tags(section(t, manualPage(t, "trace"), "WIRESHARK"))
	var want []string
	for m := event.LateAsRepeat; m <= event.OtherMisreading; m++ {
		want = append(want, m.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-events +manual\n%s", diff)
	}
}

// Of a run of datagrams Wireshark is asked nothing, which is said.
func TestTraceWireshark_datagrams(t *testing.T) {
	nstest.Peer(t, capture.Program)
	stored := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(stored, []byte(gnetSays(t, "trace", "ip", "--size", "4000", "--link", "memory", "--format", "jsonl")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := netns.Self("gnet", "trace", "show", stored, "--wireshark")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if want := "gnet trace show: --wireshark: this is a run of datagrams, without connections\n"; !ok || exit.ExitCode() != statusUsage || stderr.String() != want {
		t.Errorf("%v, stderr %q, want status %d and %q", err, &stderr, statusUsage, want)
	}
	if picture := gnetSays(t, "trace", "show", stored); string(out) != picture {
		t.Errorf("the picture has changed: %s", cmp.Diff(picture, string(out)))
	}
}
