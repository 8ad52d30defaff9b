package main

import (
	"context"
	"encoding/json"
	"fmt"
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

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/nstest"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// killLab is a namespace with a gnet that may be called as netstat.
type killLab struct {
	*socketLab
	o *netstatOracle
}

func newKillLab(t *testing.T) killLab { return killLab{newSocketLab(t), newNetstatOracle(t)} }

func (l killLab) netstat(line ...string) nstest.Result { return l.o.run(l.o.gnet, line) }

// listen makes a listening socket.
func (l killLab) listen(addr string, options ...int) int {
	l.t.Helper()
	family, sa := sockaddr(addr)
	fd := l.socket(family, unix.SOCK_STREAM, 0)
	for _, option := range append(options, unix.SO_REUSEADDR) {
		l.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1))
	}
	l.must(unix.Bind(fd, sa))
	l.must(unix.Listen(fd, 8))
	return fd
}

// connect makes a connection and returns both ends; no server with the listener -1.
func (l killLab) connect(from, to string, listener int) (client, server int) {
	l.t.Helper()
	family, sa := sockaddr(from)
	client = l.socket(family, unix.SOCK_STREAM, 0)
	l.must(unix.SetsockoptInt(client, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	l.must(unix.Bind(client, sa))
	_, sa = sockaddr(to)
	l.must(unix.Connect(client, sa))
	if listener >= 0 {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		l.must(err)
		server = fd
		l.t.Cleanup(func() { unix.Close(fd) })
	}
	return client, server
}

// left is what netstat still shows: protocol, ends and state.
func (l killLab) left() (rows []string) {
	for line := range strings.Lines(l.netstat("-antu").Stdout) {
		if f := strings.Fields(line); strings.HasPrefix(line, "tcp") || strings.HasPrefix(line, "udp") {
			rows = append(rows, strings.Join(append(f[:1], f[3:]...), " "))
		}
	}
	slices.Sort(rows)
	return rows
}

// read is what the owner of a socket learns next.
func read(fd int) error {
	_, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_DONTWAIT)
	return err
}

const killTitle = "Active Internet connections (%s)\n" +
	"Proto Recv-Q Send-Q Local Address           Foreign Address         State       Result\n"

// Only what the filter selects is ended; its owner gets ECONNABORTED, its other end
// a reset.
func TestNetstatKill_filter(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		listener := l.listen("127.0.0.1:5000")
		one, server := l.connect("127.0.0.1:40001", "127.0.0.1:5000", listener)
		two, _ := l.connect("127.0.0.1:40002", "127.0.0.1:5000", listener)
		got := l.netstat("-n", "--kill", "--yes", "--filter", "sport = 40001")
		want := nstest.Result{Stdout: fmt.Sprintf(killTitle, "w/o servers") +
			"tcp        0      0 127.0.0.1:40001         127.0.0.1:5000          ESTABLISHED killed\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]error{unix.ECONNABORTED, unix.ECONNRESET, unix.EAGAIN}, []error{read(one), read(server), read(two)}); diff != "" {
			t.Error(diff)
		}
		want.Stdout, want.Status = "", statusNo
		want.Stderr = "netstat: --kill: no socket is selected\n"
		if diff := cmp.Diff(want, l.netstat("-n", "--kill", "--yes", "--filter", "sport = 40001")); diff != "" {
			t.Error(diff)
		}
	})
}

// --all is every socket; what goes along with another one counts as done.
func TestNetstatKill_all(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		listener := l.listen("[::]:5000")
		l.connect("127.0.0.1:40001", "127.0.0.1:5000", listener)
		client, server := l.connect("127.0.0.1:40003", "127.0.0.1:5000", listener)
		unix.Shutdown(client, unix.SHUT_RDWR)
		unix.Shutdown(server, unix.SHUT_RDWR)      // TIME_WAIT
		l.connect("[::1]:40002", "[::1]:5000", -1) // waits to be accepted
		udp := l.socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		_, sa := sockaddr("127.0.0.1:53")
		l.must(unix.Bind(udp, sa))
		l.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0) // is left alone

		got := l.netstat("--kill", "--yes", "--all", "--json")
		if got.Status != statusOK || got.Stderr != "" {
			t.Errorf("status %d, %s", got.Status, got.Stderr)
		}
		var answer struct{ Rows []map[string]any }
		l.must(json.Unmarshal([]byte(got.Stdout), &answer))
		results := map[string]any{}
		for _, row := range answer.Rows {
			results[fmt.Sprintf("%v %v:%v %v", row["proto"], row["local_addr"], row["local_port"], row["state"])] = row["result"]
			if row["result_error"] != nil {
				t.Errorf("%v", row)
			}
		}
		byState := func(state string) (results2 []any) {
			for key, result := range results {
				if strings.HasSuffix(key, state) {
					results2 = append(results2, result)
				}
			}
			return results2
		}
		if diff := cmp.Diff([][]any{{wasKilled}, {wasKilled}, {wasKilled}}, [][]any{byState("LISTEN"), byState("TIME_WAIT"), byState("CLOSE")}); diff != "" {
			t.Errorf("%s\n%v", diff, results)
		}
		// Of each connection one end is killed and takes the other along; of the waiting one the listener takes both.
		count := map[any]int{}
		for _, result := range byState("ESTABLISHED") {
			count[result]++
		}
		if count[wasKilled]+count[wasEnded] != 4 || count[wasEnded] < 2 {
			t.Errorf("established: %v", results)
		}
		// The kernel disconnects a datagram socket; the port stays bound.
		if diff := cmp.Diff([]string{"udp 127.0.0.1:53 0.0.0.0:*"}, l.left()); diff != "" {
			t.Error(diff)
		}
		if err := read(udp); err != unix.ECONNABORTED {
			t.Errorf("the owner of a UDP socket gets %v", err)
		}
	})
}

// Listeners that share a port are all ended, although the kernel finds one of
// them at a time.
func TestNetstatKill_reusePort(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		for range 5 {
			l.listen("127.0.0.1:5000", unix.SO_REUSEPORT)
		}
		l.listen("127.0.0.1:5001")
		row := "tcp        0      0 127.0.0.1:5000          0.0.0.0:*               LISTEN      killed\n"
		want := nstest.Result{Stdout: fmt.Sprintf(killTitle, "only servers") + strings.Repeat(row, 5)}
		if diff := cmp.Diff(want, l.netstat("-ln", "--kill", "--yes", "--filter", "sport = 5000")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"tcp 127.0.0.1:5001 0.0.0.0:* LISTEN"}, l.left()); diff != "" {
			t.Error(diff)
		}
	})
}

// Without CAP_NET_ADMIN nothing is ended, and each row says so.
func TestNetstatKill_unprivileged(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		l := newKillLab(t)
		listener := l.listen("127.0.0.1:5000")
		client, _ := l.connect("127.0.0.1:40001", "127.0.0.1:5000", listener)
		l.o.nobody = true
		want := nstest.Result{
			Stdout: fmt.Sprintf(killTitle, "w/o servers") + "tcp        0      0 127.0.0.1:40001         127.0.0.1:5000          ESTABLISHED denied\n",
			Stderr: "netstat: --kill: operation not permitted\nhint: it takes CAP_NET_ADMIN in the user namespace of the network namespace\n",
			Status: statusCannot,
		}
		if diff := cmp.Diff(want, l.netstat("-n", "--kill", "--yes", "--filter", "sport = 40001")); diff != "" {
			t.Error(diff)
		}
		row := l.netstat("--kill", "--yes", "--filter", "sport = 40001", "--format", "jsonl")
		if !strings.Contains(row.Stdout, `"result":"denied","result_error":"destroy socket: operation not permitted"`) {
			t.Errorf("%+v", row)
		}
		if err := read(client); err != unix.EAGAIN {
			t.Errorf("the socket: %v", err)
		}
	})
}

// Where sock_diag is refused there are no cookies, and nothing is ended.
func TestNetstatKill_noNetlink(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		l.listen("127.0.0.1:5000")
		t.Setenv(netlessEnv, fmt.Sprint(int(unix.EPERM)))
		got := l.netstat("--kill", "--yes", "--all")
		want := nstest.Result{Stderr: "netstat: --kill: open netlink socket: operation not permitted\n", Status: statusCannot}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// typed runs gnet at a terminal of its own, types at the question, and returns
// what the screen shows and the program's state.
func (l killLab) typed(keys string, line ...string) (screen, stdout string, state syscall.WaitStatus) {
	l.t.Helper()
	master, terminal := openTerminalPair(l.t, 120)
	cmd := exec.Command(l.o.gnet, line...)
	cmd.Args[0] = "netstat"
	var out strings.Builder
	cmd.Stdin, cmd.Stderr, cmd.Stdout = terminal, terminal, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	l.must(cmd.Start())
	terminal.Close()
	var text strings.Builder
	buf := make([]byte, 4096)
	for typed := false; ; {
		n, err := master.Read(buf)
		text.Write(buf[:n])
		if err != nil { // EIO: the last one has closed the terminal
			break
		}
		if !typed && strings.HasSuffix(text.String(), "[y/N] ") {
			typed = true
			_, err := master.WriteString(keys)
			l.must(err)
		}
	}
	cmd.Wait()
	return strings.ReplaceAll(text.String(), "\r\n", "\n"), out.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// At a terminal the sockets are shown, and only yes is yes.
func TestNetstatKill_question(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		listener := l.listen("127.0.0.1:5000")
		line := []string{"-n", "--kill", "--filter", "sport = 40001"}
		question := "Active Internet connections (w/o servers)\n" +
			"Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n" +
			"tcp        0      0 127.0.0.1:40001         127.0.0.1:5000          ESTABLISHED\n" +
			"end 1 socket? [y/N] "
		client, _ := l.connect("127.0.0.1:40001", "127.0.0.1:5000", listener)
		for _, no := range []string{"\n", "n\n", "yess\n", "yn\n", "\x04", "y\x04\x04", "\x03"} {
			screen, stdout, state := l.typed(no, line...)
			if !strings.HasPrefix(screen, question) || stdout != "" || state.Exited() && state.ExitStatus() != statusNo || state.Signaled() != (no == "\x03") {
				t.Errorf("%q: status %v\n%s%s", no, state, screen, stdout)
			}
			if err := read(client); err != unix.EAGAIN {
				t.Fatalf("%q: the socket: %v", no, err)
			}
		}
		for _, yes := range []string{"y\n", "YES\n"} {
			screen, stdout, state := l.typed(yes, line...)
			want := fmt.Sprintf(killTitle, "w/o servers") + "tcp        0      0 127.0.0.1:40001         127.0.0.1:5000          ESTABLISHED killed\n"
			if screen != question+strings.ReplaceAll(yes, "\n", "")+"\n" || stdout != want || state.ExitStatus() != statusOK {
				t.Errorf("%q: status %v\n%s%s", yes, state, screen, stdout)
			}
			if err := read(client); err != unix.ECONNABORTED {
				t.Errorf("%q: the socket: %v", yes, err)
			}
			client, _ = l.connect("127.0.0.1:40001", "127.0.0.1:5000", listener)
		}
		got := l.netstat(line...)
		want := nstest.Result{Status: statusUsage, Stderr: "netstat: --kill asks before it acts, and there is no terminal to ask at\nhint: --yes is the answer beforehand\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		half := exec.Command(l.o.gnet, line...) // the screen is there, and nobody at the keys
		half.Args[0], half.Stdin = "netstat", strings.NewReader("y\n")
		_, half.Stderr = openTerminalPair(t, 120)
		half.Run() // its status is compared
		if status := half.ProcessState.ExitCode(); status != statusUsage {
			t.Errorf("yes from a pipe: status %d", status)
		}
		if err := read(client); err != unix.EAGAIN {
			t.Errorf("without a terminal: the socket: %v", err)
		}
	})
}

// A socket that took the addresses of the one that was selected is not touched.
func TestKiller_anotherSocket(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := killLab{socketLab: &socketLab{t: t, host: nstest.Here(t)}}
		old := l.listen("127.0.0.1:5000")
		conn, err := sockdiag.Dial()
		l.must(err)
		defer conn.Close()
		var target *killTarget
		for row, err := range conn.Inet(sockdiag.Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP}) {
			l.must(err)
			target = &killTarget{shown: shownSocket{inet: &procnet.InetSocket{State: procnet.Listen, Local: row.Local, Remote: row.Remote, Inode: 1, Diag: row.Clone()}}}
		}
		null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		l.must(err)
		l.must(unix.Dup3(null, old, unix.O_CLOEXEC)) // closes it, and its number stays taken
		l.must(unix.Close(null))
		fresh := l.listen("127.0.0.1:5000")
		(&killer{conn, []*killTarget{target}}).run(t.Context())
		if target.result.word != wasGone || target.result.err == nil {
			t.Errorf("%+v", target.result)
		}
		if listening, err := unix.GetsockoptInt(fresh, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listening != 1 {
			t.Errorf("the new socket was ended: %d, %v", listening, err)
		}
	})
}

// scriptedKiller is a killer whose kernel answers SOCK_DESTROY of the socket with
// cookie n by answers[n-1], the last of them again and again, and still shows the sockets in
// there. A cookie of 0 ends that list with an error.
func scriptedKiller(answers [][]unix.Errno, there []uint64) *killer {
	asked := map[uint64]int{}
	nl, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		var d []byte
		if r.Type == unix.SOCK_DIAG_BY_FAMILY {
			for _, cookie := range there {
				if cookie == 0 {
					return []nltest.Datagram{{Bytes: nltest.AppendDone(d, r, unix.ENOBUFS)}}
				}
				body := make([]byte, 72)
				body[0], body[44] = unix.AF_INET, byte(cookie)
				d = nltest.Append(d, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, r.Seq, body)
			}
			return []nltest.Datagram{{Bytes: nltest.AppendDone(d, r, 0)}}
		}
		cookie := uint64(r.Body[48])
		all := answers[cookie-1]
		errno := all[min(asked[cookie], len(all)-1)]
		asked[cookie]++
		return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, errno, "")}}
	})
	k := &killer{conn: sockdiag.New(nl)}
	for i := range answers {
		s := &procnet.InetSocket{Inode: 1, Diag: &sockdiag.InetRow{Family: unix.AF_INET, Cookie: uint64(i + 1)}}
		s.Local, s.Remote = netip.AddrPortFrom(netip.IPv6Loopback(), uint16(i)), netip.AddrPortFrom(netip.IPv6Loopback(), uint16(100+i))
		k.targets = append(k.targets, &killTarget{shown: shownSocket{inet: s}})
	}
	return k
}

// What the kernel may answer, and what the command ends with.
func TestKiller_answers(t *testing.T) {
	type errnos = []unix.Errno
	const absent, perm, unsupported = unix.ENOENT, unix.EPERM, unix.EOPNOTSUPP
	for _, tc := range []struct {
		name    string
		answers []errnos
		there   []uint64
		want    string
		status  int
	}{
		{"done", []errnos{{0}, {0}}, nil, "killed killed", statusOK},
		{"gone", []errnos{{0}, {absent}}, nil, "killed gone", statusNo},
		{"one of a group that is not all selected", []errnos{{0}, {absent}}, []uint64{2, 3}, "killed missed", statusNo},
		{"found after others were ended", []errnos{{absent, absent, 0}, {absent, 0}, {0}}, []uint64{1, 2}, "killed killed killed", statusOK},
		{"never found", []errnos{{absent}, {absent}}, []uint64{1, 2}, "missed missed", statusNo},
		{"nobody knows whether it is there", []errnos{{absent}, {absent}}, []uint64{1, 0, 2}, "missed failed", statusNo},
		{"no rights", []errnos{{perm}, {perm}}, []uint64{1, 2}, "denied denied", statusCannot},
		{"no rights, one gone", []errnos{{perm}, {absent}}, []uint64{1}, "denied gone", statusNo},
		{"kernel without the call", []errnos{{unsupported}}, []uint64{1}, "unsupported", statusCannot},
		{"one protocol without the call", []errnos{{unsupported}, {0}}, []uint64{1}, "unsupported killed", statusNo},
		{"something else", []errnos{{unix.EINVAL}, {0}}, []uint64{1}, "failed killed", statusNo},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := scriptedKiller(tc.answers, tc.there)
			k.run(t.Context())
			if diff := cmp.Diff(tc.want, killWords(k.targets)); diff != "" {
				t.Error(diff)
			}
			status := statusOK
			if f, ok := killOutcome(k.targets).(*failure); ok {
				status = f.status
			}
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
		})
	}
}

// The owners that a walk shows are valid until its next socket: what is asked about
// and reported later keeps its own.
func TestKillTargets_keepTheirOwners(t *testing.T) {
	found := new(killTargets)
	shown := shownSocket{inet: new(procnet.InetSocket), owners: make([]procnet.Owner, 1)}
	for pid := range 2 {
		shown.owners[0] = procnet.Owner{PID: 100 + pid, Arg0: "holder"}
		found.inet(&shown)
	}
	for i, target := range found.list {
		want := []procnet.Owner{{PID: 100 + i, Arg0: "holder"}}
		if diff := cmp.Diff(want, target.shown.owners); diff != "" {
			t.Errorf("target %d (-want +got):\n%s", i, diff)
		}
	}
}

func killWords(targets []*killTarget) string {
	var words []string
	for _, t := range targets {
		words = append(words, t.result.word)
	}
	return strings.Join(words, " ")
}

// After an interrupt the rest is left alone, and the rows say so.
func TestKiller_interrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cancel()
	k := scriptedKiller([][]unix.Errno{{0}, {0}}, nil)
	k.run(ctx)
	if got := killWords(k.targets); got != "skipped skipped" {
		t.Errorf("got %s", got)
	}
}

// A raw or UDP socket of which sock_diag says nothing has no cookie: it is never tried.
func TestKillTargets_withoutCookie(t *testing.T) {
	found := new(killTargets)
	found.inet(&shownSocket{inet: &procnet.InetSocket{Proto: procnet.Raw}})
	k := scriptedKiller(nil, nil)
	k.targets = found.list
	k.run(t.Context())
	if got := killWords(k.targets); got != wasUnknown {
		t.Errorf("got %s", got)
	}
	if f := killOutcome(k.targets).(*failure); f.status != statusCannot {
		t.Errorf("%+v", f)
	}
}

// Lines that are refused, with nothing done. They run in a namespace like
// everything here that has --kill in its line: what a broken check lets through would
// end the sockets of the machine.
func TestNetstatKill_wrongLines(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		l.listen("127.0.0.1:5000")
		captured := t.TempDir()
		for _, tc := range []struct{ line, want string }{
			{"--kill", "--kill: which sockets? It takes --filter EXPR, or --all for every one"},
			{"-tln --kill --yes", "--kill: which sockets? It takes --filter EXPR, or --all for every one"},
			{"--yes", "--yes is the answer to the question of --kill"},
			{"--all --kill --yes -r", "--kill: it is about sockets"},
			{"--all --kill --yes -i", "--kill: it is about sockets"},
			{"--all --kill --yes -s", "--kill: it is about sockets"},
			{"--all --kill --yes -g", "--kill: it is about sockets"},
			{"--all --kill --yes -M", "--kill: it is about sockets"},
			{"--all --kill --yes --netns all", "--kill: it ends sockets of its own network namespace only\nhint: ip netns exec NAME gnet netstat --kill ...\n"},
			{"--all --kill --yes --count-by state", "--kill: --count-by counts sockets and does not go with it"},
			{"--all --kill --yes -c", "--kill: it cannot be repeated with -c"},
			{"--all --kill --yes -x", "--kill: the kernel ends TCP, UDP, UDP-Lite and raw sockets only"},
			{"--all --kill --yes -S", "--kill: the kernel ends TCP, UDP, UDP-Lite and raw sockets only"},
			{"--all --kill --yes --proc-root " + captured, "--kill: it asks the running kernel and cannot be used with --proc-root"},
			{"--kill --yes --filter sport", "--filter: "},
			{"--all --kill", "--kill asks before it acts, and there is no terminal to ask at\nhint: --yes is the answer beforehand"},
		} {
			got := l.o.runFor(time.Minute, strings.Fields(tc.line))
			if got.Status != statusUsage || got.Stdout != "" || !strings.HasPrefix(got.Stderr, "netstat: "+tc.want) {
				t.Errorf("netstat %s: %+v", tc.line, got)
			}
		}
		if diff := cmp.Diff([]string{"tcp 127.0.0.1:5000 0.0.0.0:* LISTEN"}, l.left()); diff != "" {
			t.Error(diff)
		}
	})
}

// runFor is run for a line that may never end when it is not refused.
func (o *netstatOracle) runFor(most time.Duration, line []string) nstest.Result {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.gnet, line...)
	cmd.Args[0] = "netstat"
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run() // its status is compared
	return nstest.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()}
}

// Scripts run in the machine's own namespace: none of them may name --kill.
func TestNetstatKill_neverInScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "--kill") {
			t.Errorf("%s runs --kill outside of a namespace", script)
		}
	}
}
