package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// attachLab is a host with a /run of its own, and an outside beyond its uplink.
type attachLab struct {
	t             *testing.T
	host, outside *nstest.Host
	program       string
}

func newAttachLab(t *testing.T) *attachLab {
	t.Helper()
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatalf("mounting /run: %v", err)
	}
	l := &attachLab{t, nstest.Here(t), nstest.NewHost(t, "outside"), gnetCalled(t, "gnet")}
	nstest.Connect(t, 0, nstest.End{Host: l.host, Name: "up0", Addrs: []string{"198.51.100.1/24", "2001:db8:5::1/64"}},
		nstest.End{Host: l.outside, Name: "up0", Addrs: []string{"198.51.100.2/24", "2001:db8:5::2/64"}})
	return l
}

// inAttachLab runs body in a lab.
func inAttachLab(t *testing.T, body func(l *attachLab)) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root)
	for _, peer := range []string{"nft", "ip"} {
		nstest.Peer(t, peer)
	}
	nstest.InNetns(t, func(t *testing.T) { body(newAttachLab(t)) })
}

// snapshot is all that a run may have changed of the host, as the host's own programs show it.
func (l *attachLab) snapshot() string {
	l.t.Helper()
	var b strings.Builder
	for _, line := range []string{"nft list ruleset", "ip addr", "ip route show table all", "ip -6 route show table all", "ip rule", "ip -d link"} {
		words := strings.Fields(line)
		r := l.host.Run(l.t, nstest.Peer(l.t, words[0]), words[1:]...)
		if r.Status != 0 {
			l.t.Fatalf("%s: %s", line, r.Stderr)
		}
		fmt.Fprintf(&b, "# %s\n%s\n", line, withoutTimers(r.Stdout))
	}
	r := l.host.Run(l.t, "/bin/sh", "-c", "grep . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/*forwarding /proc/sys/net/ipv6/conf/*/accept_ra")
	return b.String() + r.Stdout
}

// withoutTimers leaves out how far the timers of bridges have run, which is as it is at any moment.
func withoutTimers(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		if !strings.HasSuffix(w, "_timer") {
			continue
		}
		for n := i + 1; n < len(words); n++ {
			if words[n] != "" {
				words[n] = ""
				break
			}
		}
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// unchanged holds the host to what it was.
func (l *attachLab) unchanged(before string) {
	l.t.Helper()
	if diff := cmp.Diff(before, l.snapshot()); diff != "" {
		l.t.Errorf("the host after the run (-before +after):\n%s", diff)
	}
}

// serve has the outside answer each connection at a socket with a text, and tells who has come.
func (l *attachLab) serve(socket, answer string) (from <-chan string) {
	l.t.Helper()
	var ln net.Listener
	l.outside.Do(l.t, func() (err error) {
		ln, err = net.Listen("tcp", socket)
		return err
	})
	l.t.Cleanup(func() { ln.Close() })
	seen := make(chan string, 16)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			seen <- host
			io.WriteString(c, answer)
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	return seen
}

// attachRun is a command that was started.
type attachRun struct {
	*exec.Cmd
	out, err *bytes.Buffer
	lines    chan string // of the picture, behind the one that start waited for
}

// begin starts a command.
func (l *attachLab) begin(words ...string) *attachRun {
	l.t.Helper()
	r := &attachRun{exec.Command(l.program, words...), &bytes.Buffer{}, &bytes.Buffer{}, nil}
	r.Stdout, r.Stderr = r.out, r.err
	l.host.Start(l.t, r.Cmd)
	return r
}

// start starts a command and waits until its picture has the line that begins with ready.
func (l *attachLab) start(ready string, words ...string) *attachRun {
	l.t.Helper()
	r := &attachRun{exec.Command(l.program, words...), &bytes.Buffer{}, &bytes.Buffer{}, nil}
	r.Stderr = r.err
	pipe, err := r.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	l.host.Start(l.t, r.Cmd)
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadString('\n')
		r.out.WriteString(line)
		if strings.HasPrefix(line, ready) {
			break
		}
		if err != nil {
			l.t.Fatalf("%v: %s%s", words, r.out, r.err)
		}
	}
	r.lines = make(chan string, 1024)
	go func() {
		defer close(r.lines)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			select {
			case r.lines <- line:
			default: // nobody looks
			}
		}
	}()
	return r
}

// seen waits until the picture says a sentence, however it is broken over lines.
func (r *attachRun) seen(t *testing.T, sentence string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for text := ""; ; {
		select {
		case line, open := <-r.lines:
			text += " " + strings.Trim(line, " |\n")
			if strings.Contains(strings.Join(strings.Fields(text), " "), sentence) {
				return
			}
			if !open {
				t.Fatalf("not said: %s\n%s", sentence, text)
			}
		case <-limit:
			t.Fatalf("not said in time: %s\n%s", sentence, text)
		}
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}

// end waits for the command's end and returns its status, or 128 and the signal's number.
func (r *attachRun) end() int {
	r.Wait()
	if ws := r.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return r.ProcessState.ExitCode()
}

// keepersGone waits until no keeper is left, nor a process of this namespace that is about to end: its first thread has no words any
// more, and may be a zombie, before the last one gives back the locks (kernel/exit.c, do_exit).
func keepersGone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(keepers(t)) > 0 || someEnds(t); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a keeper is still there")
		}
	}
}

// someEnds reports whether a process has no words any more, and a thread that is no zombie yet.
func someEnds(t *testing.T) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	return slices.ContainsFunc(lines, func(line string) bool {
		if words, err := os.ReadFile(line); err != nil || len(words) > 0 {
			return false
		}
		threads, err := filepath.Glob(filepath.Dir(line) + "/task/*/stat")
		if err != nil {
			t.Error(err)
		}
		return slices.ContainsFunc(threads, func(thread string) bool {
			stat, err := os.ReadFile(thread)
			state := bytes.LastIndexByte(stat, ')') + 2 // its name may have a parenthesis
			return err == nil && state < len(stat) && stat[state] != 'Z'
		})
	})
}

// TestAttach_hostIsAsBefore: however a run ends, the host is what it was.
func TestAttach_hostIsAsBefore(t *testing.T) {
	listen := []string{"trace", "listen", "7777", "--attach", "nat", "--ascii"}
	during := func(l *attachLab, before string) {
		if l.snapshot() == before {
			l.t.Error("the run has changed nothing: the test would see nothing undone either")
		}
	}
	for name, end := range map[string]func(l *attachLab, before string){
		"success": func(l *attachLab, _ string) {
			from := l.serve("198.51.100.2:8080", "hello")
			r := l.host.Run(l.t, l.program, "trace", "connect", "198.51.100.2:8080", "--attach", "nat", "--get", "/", "--view", "summary")
			if r.Status != 0 || !strings.Contains(r.Stdout, "over") || <-from != "198.51.100.1" {
				l.t.Errorf("%+v", r)
			}
		},
		"refused": func(l *attachLab, _ string) {
			r := l.host.Run(l.t, l.program, "trace", "connect", "198.51.100.2:9", "--attach", "nat")
			if r.Status != statusNo || !strings.HasSuffix(r.Stderr, "gnet trace connect: client: connection refused\n") {
				l.t.Errorf("%+v", r)
			}
		},
		"unreachable": func(l *attachLab, _ string) {
			r := l.host.Run(l.t, l.program, "trace", "connect", "203.0.113.9:80", "--attach", "nat")
			if r.Status != statusCannot || !strings.Contains(r.Stderr, "look at the host: get route to 203.0.113.9: network is unreachable") {
				l.t.Errorf("%+v", r)
			}
		},
		"forwarding not writable": func(l *attachLab, _ string) {
			if err := unix.Mount("/proc/sys/net/ipv4/conf/up0/forwarding", "/proc/sys/net/ipv4/conf/up0/forwarding", "", unix.MS_BIND, ""); err != nil {
				l.t.Fatal(err)
			}
			if err := unix.Mount("", "/proc/sys/net/ipv4/conf/up0/forwarding", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				l.t.Fatal(err)
			}
			r := l.host.Run(l.t, l.program, "trace", "connect", "198.51.100.2:9", "--attach", "nat")
			if r.Status != statusCannot || !strings.Contains(r.Stderr, "switch on forwarding: open /proc/sys/net/ipv4/conf/up0/forwarding: read-only file system") ||
				!strings.Contains(r.Stderr, "hint: /proc/sys is not writable here") {
				l.t.Errorf("%+v", r)
			}
		},
		"SIGINT": func(l *attachLab, before string) {
			r := l.start("seconds", listen...)
			during(l, before)
			r.Process.Signal(unix.SIGINT)
			if status := r.end(); status != 0 || !strings.Contains(r.err.String(), "undone: net.ipv4.conf.up0.forwarding is off again\n") {
				l.t.Errorf("status %d: %s", status, r.err)
			}
		},
		"SIGKILL": func(l *attachLab, before string) {
			r := l.start("seconds", listen...)
			during(l, before)
			r.Process.Kill()
			if status := r.end(); status != 137 {
				l.t.Errorf("status %d", status)
			}
			keepersGone(l.t)
		},
		"SIGKILL of both, and the next start": func(l *attachLab, before string) {
			r := l.start("seconds", listen...)
			for _, pid := range keepers(l.t) {
				unix.Kill(pid, unix.SIGKILL)
			}
			keepersGone(l.t)
			r.Process.Kill()
			r.end()
			during(l, before)
			again := l.host.Run(l.t, l.program, "trace", "connect", "198.51.100.2:9", "--attach", "nat")
			if again.Status != statusNo || !strings.Contains(again.Stderr, " was left behind by gnet trace listen 7777 --attach nat --ascii: undone now\n") {
				l.t.Errorf("%+v", again)
			}
		},
		"SIGKILL of the keeper alone": func(l *attachLab, before string) {
			r := l.start("seconds", listen...)
			for _, pid := range keepers(l.t) {
				unix.Kill(pid, unix.SIGKILL)
			}
			keepersGone(l.t)
			during(l, before)
			r.Process.Signal(unix.SIGTERM)
			if status := r.end(); status != 0 {
				l.t.Errorf("status %d: %s", status, r.err)
			}
		},
		"forwarding was on before": func(l *attachLab, _ string) {
			l.host.Sysctl(l.t, "net/ipv4/conf/up0/forwarding", "1")
			before := l.snapshot()
			r := l.host.Run(l.t, l.program, "trace", "connect", "198.51.100.2:9", "--attach", "nat")
			if !strings.Contains(r.Stderr, "net.ipv4.conf.up0.forwarding is on already, and stays so\n") {
				l.t.Errorf("%+v", r)
			}
			l.unchanged(before)
			l.host.Sysctl(l.t, "net/ipv4/conf/up0/forwarding", "0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				before := l.snapshot()
				end(l, before)
				l.unchanged(before)
			})
		})
	}
}

// TestAttach_twoAtOnce: each has a network, an interface and a table of its own, and the last one switches forwarding off.
func TestAttach_twoAtOnce(t *testing.T) {
	inAttachLab(t, func(l *attachLab) {
		before := l.snapshot()
		first := l.start("seconds", "trace", "listen", "7001", "--attach", "nat")
		second := l.start("seconds", "trace", "listen", "7002", "--attach", "nat")
		first.Process.Signal(unix.SIGTERM)
		if status := first.end(); status != 0 || !strings.Contains(first.err.String(), "undone: net.ipv4.conf.up0.forwarding stays on: another run needs it\n") {
			t.Errorf("the first: status %d: %s", status, first.err)
		}
		conn := l.dial("198.51.100.1:7002")
		if got := l.echo(conn, "still there"); got != "still there" {
			t.Errorf("the second answers %q", got)
		}
		conn.Close()
		second.Process.Signal(unix.SIGTERM)
		if status := second.end(); status != 0 || !strings.Contains(second.err.String(), "undone: net.ipv4.conf.up0.forwarding is off again\n") {
			t.Errorf("the second: status %d: %s", status, second.err)
		}
		l.unchanged(before)
	})
}

// dial connects from outside.
func (l *attachLab) dial(addr string) net.Conn {
	l.t.Helper()
	var conn net.Conn
	l.outside.Do(l.t, func() error {
		// In this thread's namespace: a dialer of package net would connect from another goroutine.
		to := netip.MustParseAddrPort(addr)
		domain, at := unix.AF_INET, unix.Sockaddr(nil)
		if to.Addr().Is6() {
			domain, at = unix.AF_INET6, &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
		} else {
			at = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
		}
		fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), "outside")
		defer f.Close()
		if err := unix.Connect(fd, at); err != nil {
			return err
		}
		conn, err = net.FileConn(f)
		return err
	})
	return conn
}

// echo sends a text and reads as many bytes.
func (l *attachLab) echo(conn net.Conn, text string) string {
	l.t.Helper()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	b := make([]byte, len(text))
	if _, err := io.WriteString(conn, text); err != nil {
		l.t.Error(err)
	}
	if _, err := io.ReadFull(conn, b); err != nil {
		l.t.Error(err)
	}
	return string(b)
}

// TestAttach_plan: what is said before the host is changed, and what is in the way.
func TestAttach_plan(t *testing.T) {
	inAttachLab(t, func(l *attachLab) {
		l.host.Nft(t, `
table inet wall {
	chain fw { type filter hook forward priority 0; policy drop; }
}
`)
		l.ip("route add 172.31.255.0/24 via 198.51.100.2")
		r := l.host.Run(t, l.program, "trace", "connect", "198.51.100.2:9", "--attach", "nat", "--ascii", "--deadline", "300ms")
		stderr := tableName(r.Stderr)
		want := `gnet trace connect: will: make the TUN interface gnet0 with 172.31.254.253/30; the engine has 172.31.254.254, in a network that this host had no way to
gnet trace connect: will: make the nftables table ip gnet_X, which masquerades 172.31.254.254
gnet trace connect: will: switch on net.ipv4.conf.gnet0.forwarding
gnet trace connect: will: switch on net.ipv4.conf.up0.forwarding
gnet trace connect: the chain fw of the nftables table inet wall drops what it does not accept: it may drop the engine's packets
gnet trace connect: undone: the nftables table ip gnet_X is deleted
gnet trace connect: undone: net.ipv4.conf.up0.forwarding is off again
gnet trace connect: not finished after 300ms
`
		if diff := cmp.Diff(want, stderr); diff != "" || r.Status != statusNo {
			t.Errorf("status %d (-want +got):\n%s", r.Status, diff)
		}
		picture := `+----------------+       +-------------------------+       +----------------+
| engine         |       | this host               |       | the server     |
| 172.31.254.254 |--TUN--| 172.31.254.253 on gnet0 |--up0--| 198.51.100.2:9 |
|                |       | forwards, translates    |       |                |
+----------------+       +-------------------------+       +----------------+
the engine's 172.31.254.254  becomes  198.51.100.1 beyond up0

world `
		if diff := cmp.Diff(picture, r.Stdout[:min(len(r.Stdout), len(picture))]); diff != "" {
			t.Errorf("the picture (-want +got):\n%s", diff)
		}
	})
}

func (l *attachLab) ip(line string) {
	l.t.Helper()
	if r := l.host.Run(l.t, nstest.Peer(l.t, "ip"), strings.Fields(line)...); r.Status != 0 {
		l.t.Fatalf("ip %s: %s", line, r.Stderr)
	}
}

// tableName replaces the random part of tables' names.
func tableName(text string) string {
	const head = "gnet_"
	for i := 0; ; {
		at := strings.Index(text[i:], head)
		if at < 0 {
			return text
		}
		i += at + len(head)
		text = text[:i] + "X" + text[i+8:]
	}
}

// TestAttach_rights: without them nothing is changed, and the hint says what it takes.
func TestAttach_rights(t *testing.T) {
	inAttachLab(t, func(l *attachLab) {
		before := l.snapshot()
		cmd := exec.Command(l.program, "trace", "connect", "198.51.100.2:9", "--attach", "nat")
		nstest.AsNobody(t, cmd)
		r := l.host.Output(t, cmd)
		if r.Status != statusCannot || !strings.Contains(r.Stderr, "permission denied") || !strings.HasSuffix(r.Stderr, "hint: --attach changes this host: it takes root\n") {
			t.Errorf("%+v", r)
		}
		l.unchanged(before)
	})
}

func TestAttach_words(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"connect", "gnet trace connect: want one server, as HOST:PORT\n"},
		{"connect example.net", "gnet trace connect: \"example.net\": want a server as HOST:PORT, such as example.net:80\n"},
		{"connect 192.0.2.1:0 --attach nat", "gnet trace connect: \"192.0.2.1:0\": want a server as HOST:PORT, such as example.net:80\n"},
		{"connect [2001:db8::1]:80 -4 --attach nat", "gnet trace connect: 2001:db8::1: want a server of IPv4, which others reach too\n"},
		{"connect [fe80::1]:80 --attach bridge:b --address 2001:db8::9/64", "gnet trace connect: fe80::1: want a server of IPv6, which others reach too\n"},
		{"connect [2001:db8::1]:80 --attach bridge:b --address 192.0.2.9/24", "gnet trace connect: 2001:db8::1: want a server of IPv4, which others reach too\n"},
		{"connect 192.0.2.1:80 --attach bridge:b --address auto", "gnet trace connect: 192.0.2.1: want a server of IPv6, which others reach too\n"},
		{"listen 80 -6 --attach bridge:b --address 192.0.2.9/24", "gnet trace listen: --address 192.0.2.9/24: want one of IPv6\n"},
		{"listen 80 --attach bridge:b --address fe80::9/64", "gnet trace listen: --address \"fe80::9/64\": want a free address in the bridge's network, and the length of that, such as 192.0.2.9/24 or 2001:db8::9/64, or auto\n"},
		{"listen 80 --attach bridge:b --address 192.0.2.9/24 --gateway auto", "gnet trace listen: --gateway auto: want an address: routers of IPv4 do not offer themselves\n"},
		{"listen 80 --attach bridge:b --address 2001:db8::9/64 --gateway 2001:db8:1::1", "gnet trace listen: --gateway \"2001:db8:1::1\": want another address of 2001:db8::/64, or a link-local one\n"},
		{"listen 80 --attach bridge:b --address auto --gateway 192.0.2.1", "gnet trace listen: --gateway \"192.0.2.1\": want another address of the bridge's network\n"},
		{"connect 192.0.2.1:80", "gnet trace connect: --attach private: nobody outside is reached so\nhint: --attach nat goes through this host, which it changes while it runs; gnet trace tcp, run and serve are private\n"},
		{"connect 192.0.2.1:80 --attach lan", "gnet trace connect: --attach \"lan\": want private, nat or bridge:BR\n"},
		{"connect 192.0.2.1:80 --attach bridge:", "gnet trace connect: --attach \"bridge:\": want private, nat or bridge:BR\n"},
		{"connect 192.0.2.1:80 --attach nat --replicate-state", "gnet trace connect: --address, --gateway and --replicate-state are for --attach bridge:BR\n"},
		{"connect 192.0.2.1:80 --attach bridge:b --address 192.0.2.9", "gnet trace connect: --address \"192.0.2.9\": want a free address in the bridge's network, and the length of that, such as 192.0.2.9/24 or 2001:db8::9/64, or auto\n"},
		{"connect 192.0.2.1:80 --attach bridge:b --address 192.0.2.9/24 --gateway 192.0.3.1", "gnet trace connect: --gateway \"192.0.3.1\": want another address of 192.0.2.0/24\n"},
		{"connect 192.0.2.1:80 --attach nat --get x", "gnet trace connect: --get \"x\": want a path such as /index.html, its other octets as %20\n"},
		{"connect 192.0.2.1:80 --attach nat --bytes 1 --at-engine nagle_off", "gnet trace connect: --bytes: with --at-engine, say bytes there\n"},
		{"listen 0 --attach nat", "gnet trace listen: \"0\": want a port, 1 to 65535\n"},
		{"listen 80 --attach nat --connections 0", "gnet trace listen: --connections 0: want a positive number\n"},
		{"listen 80 --attach nat --deadline 25h", "gnet trace listen: --deadline 25h0m0s: want a time up to 24h\n"},
	} {
		var stderr bytes.Buffer
		words := strings.Fields(c.line)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "_", " ") // a space within a word
		}
		cmd, _, _ := runsGnet("", append([]string{"trace"}, words...)...)
		cmd.Stderr = &stderr
		err := cmd.Run()
		if exitCode(err) != statusUsage || stderr.String() != c.want {
			t.Errorf("%s: %v: %s", c.line, err, cmp.Diff(c.want, stderr.String()))
		}
	}
}
