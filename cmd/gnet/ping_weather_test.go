package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// weather is client right <-> left server, one link, both IP versions.
type weather struct {
	t              *testing.T
	client, server *nstest.Host
	gnet           string // a copy that every user may execute
}

const (
	weatherServer4 = "10.77.1.2"
	weatherServer6 = "fd77:1::2"
)

func newWeather(t *testing.T) *weather {
	t.Helper()
	nstest.Require(t, nstest.Raw)
	w := &weather{t: t, client: nstest.Here(t), server: nstest.NewHost(t, "server")}
	w.connect()
	w.gnet = filepath.Join(publicDir(t), "ping")
	copyExecutable(t, w.gnet)
	return w
}

func (w *weather) connect() {
	w.t.Helper()
	nstest.Connect(w.t, 1500, nstest.End{Host: w.client, Name: "right", Addrs: []string{"10.77.1.1/24", "fd77:1::1/64"}},
		nstest.End{Host: w.server, Name: "left", Addrs: []string{weatherServer4 + "/24", weatherServer6 + "/64"}})
}

// forget empties what the client has learned of paths.
func (w *weather) forget() {
	w.t.Helper()
	ip := nstest.Peer(w.t, "ip")
	w.client.Run(w.t, ip, "route", "flush", "cache")
	w.client.Run(w.t, ip, "-6", "route", "flush", "cache")
}

// link changes an interface of a host.
func (w *weather) link(h *nstest.Host, name string, change *rtnl.LinkChange) {
	w.t.Helper()
	h.Netlink(w.t, func(c *rtnl.Conn) error {
		l, err := c.LinkByName(name)
		if err != nil {
			return err
		}
		return c.SetLink(l.Index, change)
	})
}

// run is a ping under way.
type weatherRun struct {
	t              *testing.T
	line           string
	cmd            *exec.Cmd
	lines, errors  chan string
	stdout, stderr strings.Builder
}

// start starts ping with a command line, in the client.
func (w *weather) start(line string, args ...func(*exec.Cmd)) *weatherRun {
	w.t.Helper()
	cmd := exec.Command(w.gnet, strings.Fields(line)...)
	cmd.Args[0] = "ping"
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	for _, change := range args {
		change(cmd)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	complaints, err := cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	r := &weatherRun{t: w.t, line: line, cmd: cmd, lines: make(chan string, 1<<16), errors: make(chan string, 1<<16)}
	w.client.Start(w.t, cmd)
	go forward(out, r.lines)
	go forward(complaints, r.errors)
	return r
}

func forward(from io.Reader, to chan<- string) {
	defer close(to)
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			to <- line
		}
		if err != nil {
			return
		}
	}
}

// patience bounds every wait of these tests; only a failure takes so long.
const patience = 30 * time.Second

// await reads standard output until a line contains a text.
func (r *weatherRun) await(text string) string {
	r.t.Helper()
	return r.read(r.lines, &r.stdout, text)
}

// awaitError reads standard error likewise.
func (r *weatherRun) awaitError(text string) string {
	r.t.Helper()
	return r.read(r.errors, &r.stderr, text)
}

func (r *weatherRun) read(from chan string, kept *strings.Builder, text string) string {
	r.t.Helper()
	end := time.After(patience)
	for {
		select {
		case line, ok := <-from:
			kept.WriteString(line)
			switch {
			case !ok:
				r.t.Fatalf("ping %s ended without %q:\n%s%s", r.line, text, r.stdout.String(), r.stderr.String())
			case strings.Contains(line, text):
				return line
			}
		case <-end:
			r.t.Fatalf("ping %s: no %q:\n%s%s", r.line, text, r.stdout.String(), r.stderr.String())
		}
	}
}

// watched waits until the run listens to the host, and two more replies have
// come since.
func (r *weatherRun) watched() {
	r.t.Helper()
	r.joined()
	for len(r.lines) > 0 {
		r.await("") // what came before
	}
	r.await("bytes from")
	r.await("bytes from")
}

// joined waits until the run's netlink socket has joined groups.
func (r *weatherRun) joined() {
	r.t.Helper()
	joined := func(line string) bool {
		f := strings.Fields(line) // sk Eth Pid Groups ...
		return len(f) > 3 && f[1] == "0" && strings.Trim(f[3], "0") != ""
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile("/proc/self/net/netlink")
		if err != nil {
			r.t.Fatal(err)
		}
		if slices.ContainsFunc(strings.Split(string(text), "\n")[1:], joined) {
			break
		}
		if time.Now().After(end) {
			r.t.Fatalf("ping %s listens to no change of the host", r.line)
		}
	}
}

// end sends signals and returns what the run has said.
func (r *weatherRun) end(signals ...os.Signal) nstest.Result {
	r.t.Helper()
	for _, s := range signals {
		if err := r.cmd.Process.Signal(s); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, s := range []struct {
		from chan string
		kept *strings.Builder
	}{{r.lines, &r.stdout}, {r.errors, &r.stderr}} {
		for open := true; open; {
			select {
			case line, ok := <-s.from:
				s.kept.WriteString(line)
				open = ok
			case <-time.After(patience):
				r.t.Fatalf("ping %s does not end:\n%s%s", r.line, r.stdout.String(), r.stderr.String())
			}
		}
	}
	r.cmd.Wait()
	status := r.cmd.ProcessState.ExitCode()
	if ws, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	return nstest.Result{Stdout: r.stdout.String(), Stderr: r.stderr.String(), Status: status}
}

// ran runs ping to its end.
func (w *weather) ran(line string, args ...func(*exec.Cmd)) nstest.Result {
	w.t.Helper()
	return w.start(line, args...).end()
}

// asNobody makes a run one of a user without rights.
func asNobody(t *testing.T) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Dir = "/"
		nstest.AsNobody(t, cmd)
	}
}
