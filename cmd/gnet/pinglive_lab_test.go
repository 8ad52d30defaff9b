package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// What is printed when the view is over is what ping -q prints: the first line and the summary, on the main screen.
func afterView(t *testing.T, seen []byte) string {
	t.Helper()
	i := bytes.LastIndex(seen, []byte("\x1b[?1049l"))
	if i < 0 {
		t.Fatalf("no end of the view in %q", seen)
	}
	text := string(seen[i:])
	if at := strings.Index(text, "PING "); at >= 0 {
		text = text[at:]
	}
	vary := regexp.MustCompile(`time \d+ms|rtt min/avg/max/mdev = [\d./]+ ms`)
	return strings.ReplaceAll(vary.ReplaceAllString(text, "_"), "\r\n", "\n")
}

// TestPingLive_terminal: the real program on a real terminal, with real packets.
func TestPingLive_terminal(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		plot := filepath.Join(t.TempDir(), "run.svg")
		const alive = "PING 10.77.3.2 (10.77.3.2) 56(84) bytes of data.\n\n--- 10.77.3.2 ping statistics ---\n_ packets transmitted, _ received, 0% packet loss, _\n_\n"
		counts := regexp.MustCompile(`\d+ packets transmitted, \d+ received`)
		for _, tt := range []struct {
			name, args string
			until      string // what the view shows before it is ended
			end        func(p *nstest.Terminal)
			want       string
			status     int
		}{
			{"q", "-i .05 " + labServer4, "jitter", func(p *nstest.Terminal) { p.Write("lhh q") }, alive, 0},
			{"Ctrl-C", "-i .05 " + labServer4, "jitter", func(p *nstest.Terminal) { p.Write("\x03") }, alive, 0},
			{"SIGINT", "-i .05 " + labServer4, "jitter", func(p *nstest.Terminal) { p.Signal(unix.SIGINT) }, alive, 0},
			{"SIGTERM", "-i .05 " + labServer4, "jitter", func(p *nstest.Terminal) { p.Signal(unix.SIGTERM) }, alive, 0},
			{"count, SIGQUIT, plot", "-c 60 -i .02 --plot " + plot + " " + labServer4, "jitter", func(p *nstest.Terminal) { p.Signal(unix.SIGQUIT) }, alive, 131},
			{"complaints", "-t 1 -i .05 " + labServer4, "Time to live exceeded, from 10.77.1.2", func(p *nstest.Terminal) { p.Write("q") },
				"PING 10.77.3.2 (10.77.3.2) 56(84) bytes of data.\n\n--- 10.77.3.2 ping statistics ---\n_ packets transmitted, _ received, +N errors, 100% packet loss, _\n\n" +
					"hint: the probes got no further than 10.77.1.2, because of -t 1\n", 1},
		} {
			p := nstest.OnTerminal(t, exec.Command(gnet, append([]string{"--live"}, strings.Fields(tt.args)...)...), 80, 24)
			p.Until(tt.until)
			tt.end(p)
			status := p.Wait()
			p.WantClean()
			got := counts.ReplaceAllString(afterView(t, p.Seen()), "_ packets transmitted, _ received")
			got = regexp.MustCompile(`\+\d+ errors`).ReplaceAllString(got, "+N errors")
			if got != tt.want || status != tt.status {
				t.Errorf("%s: status %d, want %d; printed\n%s\nwant\n%s", tt.name, status, tt.status, got, tt.want)
			}
		}
		wantPlot(t, plot, `<path class="rtt"`)
		many := nstest.OnTerminal(t, exec.Command(gnet, "--live", "-i.1", labServer4, "10.77.1.2", "10.77.1.77"), 80, 24)
		many.Until("PING 3 hosts")
		many.Until("no answer")
		many.Write("q")
		if status := many.Wait(); status != 1 || !strings.Contains(string(many.Seen()), "3 targets, 2 answered, 1 did not") {
			t.Errorf("many: status %d, %q", status, afterView(t, many.Seen()))
		}
		many.WantClean()
		for _, args := range []string{"-q -c 3 -i.02 --plot " + plot + " " + labServer4, "-c 2 -i.02 --json --plot " + plot + " " + labServer4,
			"-c 2 -i.02 --plot " + plot + " " + labServer4 + " 10.77.1.2"} {
			r := lab.client.Run(t, gnet, strings.Fields(args)...)
			if r.Status != 0 || r.Stderr != "" || strings.Contains(r.Stdout, `"sent"`) {
				t.Errorf("%s: %+v", args, r)
			}
			wantPlot(t, plot, `<path class="rtt"`)
		}
		if r := lab.client.Run(t, gnet, "-c1", "--plot", "/dev/full", labServer4); r.Status != 1 || !strings.HasSuffix(r.Stderr, "--plot: write /dev/full: no space left on device\n") {
			t.Errorf("a full disk: %+v", r)
		}
		if r := lab.client.Run(t, gnet, "-c1", "--plot", "/proc/none/x", labServer4); r.Status != 2 || r.Stdout != "" ||
			!strings.HasSuffix(r.Stderr, "--plot: open /proc/none/x: no such file or directory\n") {
			t.Errorf("no such folder: %+v", r)
		}
		none := lab.client.Run(t, "setsid", "-w", gnet, "--live", "-c1", labServer4)
		want := nstest.Result{Status: 2, Stderr: "ping: --live: no terminal: open /dev/tty: no such device or address\nhint: without --live ping prints lines; -c ends them, --json makes rows of them\n"}
		if none != want {
			t.Errorf("without a terminal: %+v", none)
		}
	})
}

// wantPlot holds a file to be one XML document with text in it, and removes it.
func wantPlot(t *testing.T, path, text string) {
	t.Helper()
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for err == nil {
		_, err = d.Token()
	}
	if err != io.EOF || !bytes.Contains(svg, []byte(text)) {
		t.Errorf("%v in %s", err, svg)
	}
}
