package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// wholeFile says what is missing of a file that a view has written, by its ending, "" if nothing is.
func wholeFile(name string) string {
	b, err := os.ReadFile(name)
	switch {
	case err != nil:
		return err.Error()
	case len(b) == 0:
		return "empty"
	case strings.HasSuffix(name, ".svg"):
		d := xml.NewDecoder(bytes.NewReader(b))
		for {
			if _, err := d.Token(); err == io.EOF {
				return ""
			} else if err != nil {
				return err.Error()
			}
		}
	}
	for blocks := 0; len(b) > 0; blocks++ { // pcapng: each block has its length at both ends
		if len(b) < 12 {
			return "a block is cut"
		}
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if n < 12 || n > len(b) || int(binary.LittleEndian.Uint32(b[n-4:])) != n {
			return "a block is cut"
		}
		b = b[n:]
	}
	return ""
}

// TestTraceFiles_closedPipe: a reader that has seen enough of the picture does not end the program before its files are whole.
func TestTraceFiles_closedPipe(t *testing.T) {
	dir := t.TempDir()
	args := []string{"gnet", "trace", "tcp", "--link", "memory", "--bytes", "100000"}
	files := []string{"run.svg", "run.pcapng"}
	run := func(prefix string, stdout *os.File) {
		t.Helper()
		cmd := netns.Self(append(args, "--plot", filepath.Join(dir, prefix+files[0]), "--pcap", filepath.Join(dir, prefix+files[1]))...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("%v: %s", err, stderr.String())
		}
	}
	run("a", nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	run("b", w)
	w.Close()
	for _, f := range files {
		a, err := os.ReadFile(filepath.Join(dir, "a"+f))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "b"+f))
		if err != nil {
			t.Fatal(err)
		}
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s: %d bytes, %d behind a closed pipe", f, len(a), len(b))
		}
	}
}

// TestTraceFiles_interrupted: files of a run that is interrupted are ended, and can be read.
func TestTraceFiles_interrupted(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "run.svg"), filepath.Join(dir, "run.pcapng")}
	words := []string{"--plot", files[0], "--pcap", files[1]}
	cmd := netns.Self(append([]string{"gnet", "trace", "tcp", "--link", "tun", "--bytes", "1000", "--at-client", "close never", "--at-server", "close never", "--deadline", "5m", "--fault", "client> down", "--json"}, words...)...)
	if got, want := interruptShow(t, cmd, nil), "gnet trace tcp: interrupted\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
	for _, f := range files {
		if wrong := wholeFile(f); wrong != "" {
			t.Errorf("%s: %s", f, wrong)
		}
		os.Remove(f)
	}

	// The same for a run that comes through a pipe: the first signal ends it with the next event.
	lines := strings.SplitAfter(storedRun(t), "\n")
	lines = lines[:len(lines)-2] // without its end
	cmd = netns.Self(append([]string{"gnet", "trace", "show", "-", "--format", "jsonl"}, words...)...)
	if got, want := interruptShow(t, cmd, lines), "gnet trace show: interrupted\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
	for _, f := range files {
		if wrong := wholeFile(f); wrong != "" {
			t.Errorf("%s: %s", f, wrong)
		}
	}
}

// interruptShow starts cmd, gives it lines, if any, and notes behind them for as long as it reads, interrupts it when it has shown something, and
// returns what it says at its end.
func interruptShow(t *testing.T, cmd *exec.Cmd, lines []string) (stderr string) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		io.WriteString(in, l)
	}
	shown := bufio.NewReader(out)
	if _, err := shown.ReadString('\n'); err != nil {
		t.Errorf("nothing was shown: %v", err)
	}
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Error(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(lines) > 0 { // until it is gone: which event finds the signal there is the machine's affair
			if _, err := io.WriteString(in, `{"t_ns":9000000000,"n":9000,"event":"note","level":"info","text":"x"}`+"\n"); err != nil {
				return
			}
		}
		in.Close()
	}()
	if _, err := io.Copy(io.Discard, shown); err != nil {
		t.Error(err)
	}
	<-done
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != statusNo {
		t.Errorf("status %d, want %d", status, statusNo)
	}
	return said.String()
}
