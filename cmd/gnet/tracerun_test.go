package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe/event"
)

// guestEnv makes the test binary a program that `trace run` starts; its value says which.
const guestEnv = "GNET_TEST_GUEST"

// guestPrograms are the programs. Each returns its status.
func guestPrograms() map[string]func(args []string) int {
	return map[string]func([]string) int{"see": guestSees, "stage": guestShowsStage, "serve": guestServes, "fetch": guestFetches, "signals": guestCountsSignals}
}

// runsGnet makes a command of this test binary that runs gnet, with more variables for what that starts.
func runsGnet(env string, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	cmd := netns.Self(append([]string{"gnet"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if env != "" {
		cmd.Env = append(cmd.Env, guestEnv+"="+env)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return cmd, &stdout, &stderr
}

// self is this test binary as a path that works in every mount namespace.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// traceRow is what these tests need of an event.
type traceRow struct {
	Event, Host, Rule, Level, Text, Call, World string
	Conn, Bytes                                 int
	OK                                          bool
	Reason                                      string
	ClientProgram                               string `json:"client_program"`
	ClientIsProgram                             bool   `json:"client_is_program"`
	ClientWritten                               *int64 `json:"client_written"`
	ServerWritten                               *int64 `json:"server_written"`
	ChecksWrong                                 int    `json:"client_checks_wrong"`
	Derived                                     struct {
		Repeat bool
		Why    string
	}
}

// readTrace reads lines of JSON.
func readTrace(t *testing.T, name string) []traceRow {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []traceRow
	for d := json.NewDecoder(f); ; {
		var r traceRow
		if err := d.Decode(&r); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if len(rows) < 2 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows
}

// TestTraceRun_curl: curl gets a mebibyte right although the link loses one of twenty segments, and the events show each
// retransmission with its reason.
func TestTraceRun_curl(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	curl := nstest.Peer(t, "curl")
	dir := t.TempDir()
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	if err := os.WriteFile(filepath.Join(dir, "file"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(dir, "trace")
	for _, family := range []string{"-4", "-6"} {
		cmd, stdout, stderr := runsGnet("", "trace", "run", family, "--delay", "2ms", "--fault", "server> loss 5%", "--root", dir, "-o", trace, "--format", "jsonl", "--",
			curl, "-sS", "http://engine/file")
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		if !bytes.Equal(stdout.Bytes(), want) {
			t.Errorf("%d bytes arrived, or others", stdout.Len())
		}
		rows := readTrace(t, trace)
		lost, again, unexplained := 0, 0, 0
		for _, r := range rows {
			switch {
			case r.Event == "lost" && r.Rule == "server> loss 5%":
				lost++
			case r.Event == "tx" && r.Host == "server" && r.Derived.Repeat:
				if again++; r.Derived.Why == "" || r.Derived.Why == "retransmit" {
					unexplained++
				}
			}
		}
		if lost == 0 || again < lost || unexplained > 0 {
			t.Errorf("%d lost, %d sent again, %d of them for no reason", lost, again, unexplained)
		}
		first, last := rows[0], rows[len(rows)-1]
		if !strings.HasSuffix(first.ClientProgram, "curl -sS http://engine/file") || !last.OK || !last.ClientIsProgram || last.ClientWritten != nil || last.ServerWritten == nil ||
			*last.ServerWritten < 1<<20 || last.ChecksWrong != 0 {
			t.Errorf("first %+v, last %+v", first, last)
		}
	}
}

// TestTraceRun_statuses: the status is the program's, as a shell has it, and what it wrote is its own.
func TestTraceRun_statuses(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("no program\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		program []string
		status  int
		stdout  string
		stderr  string
	}{
		{[]string{"true"}, 0, "", ""},
		{[]string{"sh", "-c", "echo out; echo err >&2; exit 7"}, 7, "out\n", "err\n"},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, "", ""},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, "", ""},
		{[]string{"gnet-no-such-program"}, 127, "", "gnet trace run: gnet-no-such-program: no such file or directory\n"},
		{[]string{dir + "/none"}, 127, "", "gnet trace run: " + dir + "/none: no such file or directory\n"},
		{[]string{plain}, 126, "", "gnet trace run: " + plain + ": permission denied\n"},
		{[]string{dir}, 126, "", "gnet trace run: " + dir + ": is a directory\n"},
		{[]string{"cat"}, 0, "in\n", ""},
		{[]string{"echo", "--json", "-o", "--"}, 0, "--json -o --\n", ""},
	} {
		cmd, stdout, stderr := runsGnet("", append([]string{"trace", "run", "-o", filepath.Join(dir, "trace")}, c.program...)...)
		cmd.Stdin = strings.NewReader("in\n")
		cmd.Run()
		if d := cmp.Diff([]any{c.status, c.stdout, c.stderr}, []any{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}); d != "" {
			t.Errorf("%q: %s", c.program, d)
		}
	}
}

// TestTraceRun_stderr: without -o the trace is on standard error, whole, behind what the program wrote there.
func TestTraceRun_stderr(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	cmd, stdout, stderr := runsGnet("", "trace", "run", "--ascii", "sh", "-c", "echo one >&2; sleep 0.1; echo two >&2; sleep 9 & echo three")
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	text := stderr.String()
	if !strings.HasPrefix(text, "one\ntwo\nworld   ") || stdout.String() != "three\n" || strings.Count(text, "one\n") != 1 {
		t.Errorf("stdout %q, stderr %q", stdout.String(), text)
	}
	for _, want := range []string{"note: sh ended: exit status 0", "sh has left processes", "result  over, in "} {
		if !strings.Contains(text, want) {
			t.Errorf("the trace does not say %q", want)
		}
	}
}

// guestSees prints what a program finds around it.
func guestSees([]string) int {
	fmt.Println("uid", os.Getuid(), os.Geteuid(), "gid", os.Getgid())
	addrs, _ := net.InterfaceAddrs()
	fmt.Println("addresses", addrs)
	ips, err := net.LookupHost("engine")
	fmt.Println("engine", ips, err)
	parent := os.Getppid()
	fmt.Println("parent", parent)
	conn, err := net.Dial("tcp", "192.0.2.2:80")
	if err == nil {
		conn.Close()
	}
	fmt.Println("dial", err)
	_, err = net.Dial("tcp", "198.51.100.1:80")
	fmt.Println("elsewhere", err)
	return 0
}

// TestTraceRun_surroundings: the program's user is the caller's, with and without rights, its address and the engine's name are there,
// and nothing else is.
func TestTraceRun_surroundings(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root)
	before := hostMounts(t)
	for _, c := range []struct {
		nobody bool
		uid    string
	}{{false, "uid 0 0 gid 0"}, {true, "uid 65534 65534 gid 65534"}} {
		cmd, stdout, stderr := runsGnet("see", "trace", "run", "--delay", "1ms", "-o", "/dev/null", "--", "/proc/self/exe")
		if c.nobody {
			nstest.AsNobody(t, cmd)
		}
		if err := cmd.Run(); err != nil {
			t.Errorf("%v: %s", err, stderr.String())
		}
		want := c.uid + "\naddresses [127.0.0.1/8 192.0.2.1/32]\nengine [192.0.2.2] <nil>\nparent 1\ndial <nil>\n" +
			"elsewhere dial tcp 198.51.100.1:80: connect: network is unreachable\n"
		if d := cmp.Diff(want, stdout.String()); d != "" {
			t.Errorf("nobody %t: %s", c.nobody, d)
		}
	}
	if d := cmp.Diff(before, hostMounts(t)); d != "" {
		t.Errorf("the host's mounts have changed: %s", d)
	}
}

func hostMounts(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// guestServes is a server of echo at port 7000, until it gets SIGTERM; args[1] has it resign early.
func guestServes(args []string) int {
	time.Sleep(100 * time.Millisecond) // the engine has to wait
	l, err := net.Listen("tcp", ":7000")
	if err != nil {
		fmt.Println(err)
		return 9
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if len(args) > 1 {
					return
				}
				n, err := io.Copy(c, c)
				fmt.Println("echoed", n, err)
			}()
		}
	}()
	<-stop
	return 5
}

// TestTraceRun_server: the engine is the client of a program that serves, and its part decides where the program only ends because it
// is asked to.
func TestTraceRun_server(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	trace := filepath.Join(t.TempDir(), "trace")
	run := func(args ...string) (string, string, int) {
		cmd, stdout, stderr := runsGnet("serve", append([]string{"trace", "run", "--delay", "1ms", "-o", trace, "--format", "jsonl", "--server", "7000", "--fault", "loss 2%"}, args...)...)
		cmd.Run()
		return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	}
	out, errOut, status := run("--connections", "5", "--bytes", "50000", "/proc/self/exe")
	if want := strings.Repeat("echoed 50000 <nil>\n", 5); out != want || errOut != "" || status != 5 {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
	rows := readTrace(t, trace)
	conns := map[int]bool{}
	for _, r := range rows {
		conns[r.Conn] = true
	}
	delete(conns, 0)
	if last := rows[len(rows)-1]; len(conns) != 5 || !last.OK {
		t.Errorf("%d connections, %+v", len(conns), last)
	}
	// A program that closes without having echoed is a failure of the engine's part.
	_, _, status = run("/proc/self/exe", "resign")
	if last := readTrace(t, trace); status != 5 || last[len(last)-1].OK || !strings.Contains(last[len(last)-1].Reason, "client: 1 of 1 connections failed") {
		t.Errorf("status %d, %+v", status, last[len(last)-1])
	}
}

// TestTraceRun_get: the engine asks a web server.
func TestTraceRun_get(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd, stdout, stderr := runsGnet("fetch", "trace", "run", "--delay", "1ms", "-o", trace, "--format", "jsonl", "--server", "7000", "--get", "/x", "/proc/self/exe", "listen")
	cmd.Run()
	if want := "GET /x HTTP/1.1\r\nHost: 192.0.2.2:7000\r\nConnection: close\r\n\r\n"; stdout.String() != want || stderr.Len() > 0 || cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("status %d, %q, %q", cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
	}
	rows := readTrace(t, trace)
	if last := rows[len(rows)-1]; !last.OK {
		t.Errorf("%+v", last)
	}
}

// guestFetches fetches args[1] octets in each of args[2] connections at once, or with "listen" prints what one client sends.
func guestFetches(args []string) int {
	if args[1] == "listen" {
		l, err := net.Listen("tcp", ":7000")
		if err != nil {
			return 9
		}
		c, err := l.Accept()
		if err != nil {
			return 9
		}
		in := bufio.NewReader(c)
		for line := ""; line != "\r\n"; {
			line, _ = in.ReadString('\n')
			fmt.Print(line)
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhello\n")
		c.Close()
		return 0
	}
	n, _ := strconv.Atoi(args[1])
	times, _ := strconv.Atoi(args[2])
	var group sync.WaitGroup
	wrong := make(chan string, times)
	for range times {
		group.Go(func() {
			c, err := net.Dial("tcp", "192.0.2.2:80")
			if err != nil {
				wrong <- err.Error()
				return
			}
			defer c.Close()
			fmt.Fprintf(c, "GET /bytes/%d HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n", n)
			b, err := io.ReadAll(c)
			if _, body, ok := bytes.Cut(b, []byte("\r\n\r\n")); err != nil || !ok || len(body) != n {
				wrong <- fmt.Sprint(len(b), err)
			}
		})
	}
	group.Wait()
	close(wrong)
	status := 0
	for w := range wrong {
		fmt.Println(w)
		status = 1
	}
	return status
}

// TestTraceServe: a hundred connections at once, from a program that enters the namespace as it is told, each with a trace of its own,
// none lost.
func TestTraceServe(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root)
	nsenter := nstest.Peer(t, "nsenter")
	trace := filepath.Join(t.TempDir(), "trace")
	cmd, stdout, _ := runsGnet("", "trace", "serve", "-o", trace, "--format", "jsonl", "--connections", "100", "--fault", "loss 1%")
	cmd.Stderr = nil
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, _ := bufio.NewReader(pipe).ReadString('\n')
	before, enter, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "start programs with: nsenter ")
	if !ok || before != "gnet trace serve: 192.0.2.2 serves echo 7, sink 9, source 19, http 80; " {
		t.Fatalf("%q", line)
	}
	client := exec.Command(nsenter, append(strings.Fields(strings.TrimSuffix(enter, "CMD")), self(t), "20000", "100")...)
	client.Env = append(os.Environ(), guestEnv+"=fetch")
	if out, err := client.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	if err := cmd.Wait(); err != nil || stdout.Len() > 0 {
		t.Errorf("%v: %s", err, stdout.String())
	}
	rows := readTrace(t, trace)
	received, closed := map[int]int{}, map[int]bool{}
	for _, r := range rows {
		switch {
		case r.Event == "app" && r.Call == "write":
			received[r.Conn] += r.Bytes
		case r.Event == "app" && r.Call == "close":
			closed[r.Conn] = true
		case r.Event == "check":
			t.Errorf("%+v", r)
		}
	}
	for conn, n := range received {
		if n < 20000 || !closed[conn] {
			t.Errorf("connection %d: %d bytes, closed %t", conn, n, closed[conn])
		}
	}
	if last := rows[len(rows)-1]; len(received) != 100 || !last.OK || last.Event != event.KindEnd.String() {
		t.Errorf("%d connections, %+v", len(received), last)
	}
}

// guestCountsSignals says that it runs, then counts SIGINT for a while.
func guestCountsSignals([]string) int {
	c := make(chan os.Signal, 10)
	signal.Notify(c, unix.SIGINT)
	fmt.Println("ready")
	<-c
	n := 1
	late := time.After(500 * time.Millisecond)
	for {
		select {
		case <-c:
			n++
		case <-late:
			fmt.Println("signals", n)
			return 4
		}
	}
}

// hear has the children of this process not ignore sig: a shell without job control has what it starts in the background ignore SIGINT,
// all that comes of it inherits that, and gnet respects it. A signal that is caught here has its default there (execve(2)).
func hear(t *testing.T, sig os.Signal) {
	t.Helper()
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, sig)
	t.Cleanup(func() { signal.Stop(caught) })
}

// TestTraceRun_signals: a signal that gnet alone gets is passed on; one that a terminal sends to the whole group comes once. The trace
// is whole in both cases.
func TestTraceRun_signals(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, group := range []bool{false, true} {
		cmd, _, stderr := runsGnet("signals", "trace", "run", "/proc/self/exe")
		cmd.Stdout = nil
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		hear(t, unix.SIGINT)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(pipe)
		if line, err := out.ReadString('\n'); line != "ready\n" {
			t.Errorf("%q, %v", line, err)
		}
		to := cmd.Process.Pid
		if group {
			to = -to
		}
		if err := unix.Kill(to, unix.SIGINT); err != nil {
			t.Error(err)
		}
		rest, _ := io.ReadAll(out)
		cmd.Wait()
		if string(rest) != "signals 1\n" || cmd.ProcessState.ExitCode() != 4 || !strings.Contains(stderr.String(), "result  over, in ") {
			t.Errorf("group %t: status %d, %q, %q", group, cmd.ProcessState.ExitCode(), rest, stderr.String())
		}
	}
}

// TestTraceRun_killed: when gnet is killed, its program and what that has started are killed too.
func TestTraceRun_killed(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd, _, _ := runsGnet("", "trace", "run", "sh", "-c", "sleep 100 & echo ready; sleep 100; true")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.SetReadDeadline(time.Now().Add(20 * time.Second)) // only a guard
	in := bufio.NewReader(r)
	if line, err := in.ReadString('\n'); line != "ready\n" {
		t.Errorf("%q, %v", line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	// Each process holds the pipe, so its end is that of the last of them.
	if rest, err := in.ReadString('\n'); rest != "" || err != io.EOF {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

// TestTraceRun_commandLine: what cannot be read is said of the option that was given, and nothing is started.
func TestTraceRun_commandLine(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"run", "gnet trace run: want a program to start\n"},
		{"run --link memory -- true", "gnet trace run: --link memory: want auto, tun or veth: a program needs a kernel\n"},
		{"run --serve 80=ftp -- true", "gnet trace run: --serve \"80=ftp\": want a port and a role, such as 8080=http; the roles are echo, sink, source and http\n"},
		{"run --serve 80=http --serve 80=echo -- true", "gnet trace run: --serve \"80=echo\": port 80 has a role already\n"},
		{"run --at-engine nosuch -- true", "gnet trace run: --at-engine \"nosuch\": "},
		{"run --at-engine role_sink -- true", "gnet trace run: --at-engine role: want no role: the port decides that\n"},
		{"run --get /x -- true", "gnet trace run: --get /x: want a program that serves, and no role\n"},
		{"run --server 80 --get x -- true", "gnet trace run: --get \"x\": want a path such as /index.html, its other octets as %20\n"},
		{"run --server 65536 -- true", "gnet trace run: --server 65536: want a port, 1 to 65535\n"},
		{"run --connections 2 -- true", "gnet trace run: --connections is for --server"},
		{"run --fault dorp -- true", "gnet trace run: fault \"dorp\""},
		{"serve curl", "gnet trace serve: unexpected word \"curl\"\n"},
		{"serve --connections -1", "gnet trace serve: --connections -1: want a positive number\n"},
		{"serve --deadline 25h", "gnet trace serve: --deadline 25h0m0s: want a time up to 24h\n"},
	} {
		words := strings.Fields("trace " + c.args)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "_", " ")
		}
		cmd, stdout, stderr := runsGnet("", words...)
		cmd.Run()
		if status := cmd.ProcessState.ExitCode(); status != statusUsage || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), c.want) {
			t.Errorf("%s: status %d, %q, %q", c.args, status, stdout.String(), stderr.String())
		}
	}
}
