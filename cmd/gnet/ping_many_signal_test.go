package main

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// SIGQUIT shows the table so far, SIGINT and SIGTERM end the run with it.
func TestPingMany_signals(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		host := nstest.Here(t)
		gnet := filepath.Join(publicDir(t), "ping")
		copyExecutable(t, gnet)
		for _, last := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
			cmd := exec.Command(gnet, "-i", ".02", "127.0.0.1", "127.0.0.2")
			cmd.Env = []string{"LC_ALL=C"}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			host.Start(t, cmd)
			out, messages := bufio.NewReader(stdout), bufio.NewReader(stderr)
			for range 5 { // the first line and two rounds
				if _, err := out.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			cmd.Process.Signal(unix.SIGQUIT)
			var table []string
			for len(table) < 5 {
				line, err := messages.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				table = append(table, firstWords(line))
			}
			cmd.Process.Signal(last)
			rest, err := io.ReadAll(out)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"--- statistics", "target sent", "127.0.0.1", "127.0.0.2", "2 targets,"}
			if diff := cmp.Diff(want, table); diff != "" {
				t.Errorf("SIGQUIT (-want +got)\n%s", diff)
			}
			var end []string
			for line := range strings.Lines(string(rest[bytes.Index(rest, []byte("\n---"))+1:])) {
				end = append(end, firstWords(line))
			}
			if diff := cmp.Diff(want, end); diff != "" {
				t.Errorf("%v (-want +got)\n%s", last, diff)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %v", last, err)
			}
		}
	})
}

// firstWords returns the words of a table's line that do not depend on time.
func firstWords(line string) string {
	words := strings.Fields(line)
	if strings.HasPrefix(line, "127.") {
		return words[0]
	}
	return strings.Join(words[:2], " ")
}
