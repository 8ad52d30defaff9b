package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/undo"
)

// trialLab is a host with routes, and a /run of its own.
type trialLab struct {
	t       *testing.T
	host    *nstest.Host
	program string
}

func newTrialLab(t *testing.T) *trialLab {
	t.Helper()
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatalf("mounting /run: %v", err)
	}
	host, far := nstest.Here(t), nstest.NewHost(t, "far")
	nstest.Connect(t, 0, nstest.End{Host: host, Name: "d0", Addrs: []string{"10.50.0.1/24", "2001:db8:50::1/64"}},
		nstest.End{Host: far, Name: "d0", Addrs: []string{"10.50.0.2/24", "2001:db8:50::2/64"}})
	l := &trialLab{t, host, gnetCalled(t, "route")}
	l.ip("route add default via 10.50.0.2")
	return l
}

func (l *trialLab) ip(line string) {
	l.t.Helper()
	if r := l.host.Run(l.t, nstest.Peer(l.t, "ip"), strings.Fields(line)...); r.Status != 0 {
		l.t.Fatalf("ip %s: %s", line, r.Stderr)
	}
}

// run runs a route command line.
func (l *trialLab) run(line string) nstest.Result {
	l.t.Helper()
	return l.host.Run(l.t, l.program, strings.Fields(line)...)
}

// try runs a line that must put a change on trial, and returns its id.
func (l *trialLab) try(line string) string {
	l.t.Helper()
	r := l.run(line)
	lines := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	id, _, _ := strings.Cut(lines[len(lines)-1], " ")
	if r.Status != 0 || len(id) != 4 || !strings.HasSuffix(r.Stdout, "route confirm "+id+"\n") {
		l.t.Fatalf("route %s: %+v", line, r)
	}
	return id
}

// pendingRow is a row of `route pending --json`, as far as it does not depend on the time.
type pendingRow struct {
	ID, State, Change, Error string
	Lines                    []struct{ Text string }
}

func (l *trialLab) pending() map[string]pendingRow {
	l.t.Helper()
	r := l.run("pending --json")
	var doc struct{ Rows []pendingRow }
	if err := json.Unmarshal([]byte(r.Stdout), &doc); err != nil || r.Status != 0 {
		l.t.Fatalf("%v: %+v", err, r)
	}
	rows := map[string]pendingRow{}
	for _, row := range doc.Rows {
		rows[row.ID] = row
	}
	return rows
}

// alone waits until there is no keeper any more: what is as it should be then is so without the help of a later gnet.
func (l *trialLab) alone() {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); len(keepers(l.t)) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("keepers are left: %v", keepers(l.t))
		}
	}
}

// settled waits until no change waits or is being undone.
func (l *trialLab) settled() map[string]pendingRow {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		rows, busy := l.pending(), false
		for _, row := range rows {
			busy = busy || row.State == "waiting" || row.State == "making" || row.State == "undoing"
		}
		if !busy {
			return rows
		}
		if time.Now().After(end) {
			l.t.Fatalf("still busy: %+v", rows)
		}
	}
}

func (l *trialLab) equal(what string, want, got any) {
	l.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func texts(row pendingRow) []string {
	var lines []string
	for _, line := range row.Lines {
		lines = append(lines, line.Text)
	}
	return lines
}

// trialChanges are changes of every kind, each of a place of its own: what is there before, and the line.
func trialChanges(file string) [][2]string {
	return [][2]string{
		{"", "add -net 10.1.0.0/16 gw 10.50.0.2"},
		{"route add 10.2.0.0/16 via 10.50.0.2 mtu lock 1400", "del -net 10.2.0.0/16"},
		{"route add 10.3.0.0/16 via 10.50.0.2", "replace -net 10.3.0.0/16 gw 10.50.0.3"},
		{"", "replace -net 10.4.0.0/16 gw 10.50.0.3 metric 7"},
		{"", "add -net 10.5.0.0/16 prohibit table 77"},
		{"route add blackhole 10.6.0.0/16 tos 0x10", "del -net 10.6.0.0/16 blackhole tos 0x10"},
		{"", "-6 add 2001:db8:1::/48 gw 2001:db8:50::2"},
		{"-6 route add 2001:db8:2::/48 via 2001:db8:50::2 metric 9", "del -6 2001:db8:2::/48"},
		{"-6 route add 2001:db8:3::/48 via 2001:db8:50::2 metric 5", "-A inet6 replace 2001:db8:3::/48 gw 2001:db8:50::3 metric 5"},
		{"route add 10.7.1.0/24 via 10.50.0.2", "flush --root 10.7.0.0/16 --yes"},
		{"-6 route add 2001:db8:7::/48 via 2001:db8:50::2", "flush --exact 2001:db8:7::/48 --yes"},
		{"route add 10.8.1.0/24 via 10.50.0.4", "restore " + file},
		{"", "replace default gw 10.50.0.9"},
	}
}

func newTrialFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "saved")
	const lines = `{"kind":"row","family":"inet","type":"unicast","destination":"10.8.1.0/24","table":254,"metric":0,"protocol":"boot","scope":"global","gateway":"10.50.0.5","iface":"d0"}
{"kind":"row","family":"inet6","type":"unicast","destination":"2001:db8:8::/48","table":254,"metric":1024,"protocol":"boot","gateway":"2001:db8:50::5","iface":"d0"}
`
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTrial: whatever was changed and not confirmed, all tables are what they were; what is confirmed stays, as if it had been made without
// --confirm.
func TestTrial(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		changes := trialChanges(newTrialFile(t))
		for _, c := range changes {
			if c[0] != "" {
				l.ip(c[0])
			}
		}
		before := tables(t, l.host)
		lines := map[string]string{}
		for _, c := range changes {
			id := l.try(c[1] + " --confirm 4s")
			lines[id] = "route " + c[1] + " --confirm 4s"
		}
		if tables(t, l.host) == before {
			t.Error("nothing was changed")
		}
		l.alone()
		l.equal("undone", before, tables(t, l.host))
		for id, row := range l.settled() {
			l.equal(row.Change, pendingRow{ID: id, State: "undone", Change: lines[id], Lines: row.Lines}, row)
		}

		for _, c := range changes {
			id := l.try(c[1] + " --confirm 1h")
			if _, known := lines[id]; known {
				t.Errorf("%s: the id %s again", c[1], id)
			}
			changed := tables(t, l.host)
			l.equal("confirm", nstest.Result{Stdout: fmt.Sprintf("%s is confirmed: route %s --confirm 1h\n", id, c[1])}, l.run("confirm "+id))
			l.equal("confirm again", nstest.Result{Status: 1, Stderr: "route: " + id + ": there is no such change\n"}, l.run("confirm "+id))
			l.equal(c[1], changed, tables(t, l.host))
		}
		if tables(t, l.host) == before {
			t.Error("nothing stayed")
		}
		l.alone()
	})
}

// TestTrial_conflict: what others did with the route stays, and the list keeps the change until it is dismissed; others are told of it.
func TestTrial_conflict(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		id := l.try("replace default gw 10.50.0.3 --confirm 4s")
		l.ip("route replace default via 10.50.0.77")
		rows := l.settled()
		l.equal("row", []string{"not put back, since others have its place: 0.0.0.0/0 via 10.50.0.2 dev d0",
			"others have changed what gnet had left: nothing of theirs was touched"}, texts(rows[id]))
		l.equal("state", "conflict", rows[id].State)
		if r := l.run("-n"); !strings.Contains(r.Stdout, "10.50.0.77") || r.Stderr != "" {
			t.Errorf("%+v", r)
		}
		l.equal("confirmed too late", nstest.Result{Status: 1, Stderr: "route: " + id + ": the time is over: conflict\n"}, l.run("confirm "+id))
		l.equal("another change", nstest.Result{Stderr: "route: change " + id + " was not undone as it should have been (conflict): route pending shows it\n"},
			l.run("add -net 10.9.0.0/16 gw 10.50.0.2"))
		l.equal("dismiss", nstest.Result{Stdout: id + " is forgotten\n"}, l.run("dismiss "+id))
		l.equal("the list", nstest.Result{Stdout: "no change is pending\n"}, l.run("pending"))
	})
}

// TestTrial_several: two changes wait, and which is meant must be said; one more about the same route is refused.
func TestTrial_several(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		l.equal("none", nstest.Result{Status: 1, Stderr: "route: no change waits for a confirmation\n"}, l.run("confirm"))
		a := l.try("replace default gw 10.50.0.3 --confirm 1h")
		crossed := l.run("del default --confirm 1h")
		want := nstest.Result{Status: 1, Stderr: fmt.Sprintf(`route: change %[1]s waits for a confirmation and is undone in LEFT: route confirm %[1]s
route: change %[1]s is about the same routes, and waits for a confirmation
hint: nothing was changed; confirm that one first, or wait until it is undone
`, a)}
		_, rest, _ := strings.Cut(crossed.Stderr, "undone in ")
		text, _, _ := strings.Cut(rest, ":")
		if left, err := time.ParseDuration(text); err != nil || left <= 0 || left > time.Hour {
			t.Errorf("undone in %q, %v", text, err)
		}
		crossed.Stderr = strings.Replace(crossed.Stderr, "undone in "+text, "undone in LEFT", 1)
		l.equal("crossed", want, crossed)
		l.equal("rows", 1, len(l.pending()))
		l.equal("dismissed too early", nstest.Result{Status: 1, Stderr: "route: " + a + ": the change still waits for a confirmation\n"}, l.run("dismiss "+a))
		b := l.try("add -net 10.9.0.0/16 gw 10.50.0.2 --confirm 1h")
		both := []string{a, b}
		if b < a {
			both = []string{b, a}
		}
		l.equal("which", nstest.Result{Status: 1, Stderr: "route: several changes wait for a confirmation: " + strings.Join(both, ", ") + "\n"}, l.run("confirm"))
		if r := l.run("confirm " + b); r.Status != 0 {
			t.Errorf("%+v", r)
		}
		if r := l.run("confirm"); r.Status != 0 || !strings.HasPrefix(r.Stdout, a+" is confirmed: route replace default") {
			t.Errorf("%+v", r)
		}
	})
}

// TestTrial_refused: where a change could not be undone it is not made, and nothing is left behind.
func TestTrial_refused(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		const line = "add -net 10.9.0.0/16 gw 10.50.0.2 --confirm 5s"
		before := tables(t, l.host)
		refused := func(what string, r nstest.Result, status int, text string) {
			t.Helper()
			if r.Status != status || r.Stdout != "" || !strings.Contains(r.Stderr, text) {
				t.Errorf("%s: %+v, want status %d and %q", what, r, status, text)
			}
			l.equal(what, before, tables(t, l.host))
		}
		netless := exec.Command(l.program, strings.Fields(line)...)
		netless.Env = append(os.Environ(), fmt.Sprintf("%s=%d:%d", netlessEnv, unix.EPERM, unix.NETLINK_ROUTE))
		refused("the old way", l.host.Output(t, netless), 7, "the old system call cannot carry --confirm")
		nobody := exec.Command(l.program, strings.Fields(line)...)
		nstest.AsNobody(t, nobody)
		refused("no rights", l.host.Output(t, nobody), 2, "hint: nothing was changed; --confirm needs root")
		if _, err := os.Lstat(undo.Path); !os.IsNotExist(err) {
			t.Errorf("%s is there: %v", undo.Path, err)
		}
		elsewhere := t.TempDir()
		for what, make := range map[string]func() error{
			"it is no directory":               func() error { return os.Symlink(elsewhere, undo.Path) },
			"its mode is 0755, not 0700":       func() error { return os.Mkdir(undo.Path, 0o755) },
			"it belongs to user id 65534, not": func() error { return cmpOr(os.Mkdir(undo.Path, 0o700), os.Chown(undo.Path, 65534, 65534)) },
		} {
			if err := make(); err != nil {
				t.Fatal(err)
			}
			refused(what, l.run(line), 2, what)
			refused(what, l.run("confirm"), 2, what)
			refused(what, l.run("pending"), 2, what)
			plain := l.run("add -net 10.10.0.0/16 gw 10.50.0.2") // needs no directory, and says that there is a strange one
			if plain.Status != 0 || !strings.Contains(plain.Stderr, what) {
				t.Errorf("%s: %+v", what, plain)
			}
			l.ip("route del 10.10.0.0/16")
			if err := os.Remove(undo.Path); err != nil {
				t.Fatal(err)
			}
		}
		if left, err := os.ReadDir(elsewhere); err != nil || len(left) != 0 {
			t.Errorf("through the link: %v, %v", left, err)
		}
		for _, same := range []string{"add default gw 10.50.0.2 --confirm 1h", "del -net 10.77.0.0/16 --confirm 1h"} {
			if r := l.run(same); r.Status != 7 || r.Stdout != "" {
				t.Errorf("%s: %+v", same, r)
			}
		}
		l.equal("abandoned", map[string]pendingRow{}, l.pending())
	})
}

func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestTrial_noKeeper: with ever fewer descriptors some step of the beginning fails, whichever; then nothing is changed and nothing waits.
func TestTrial_noKeeper(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		before := tables(t, l.host)
		made, failed := 0, 0
		for n := 12; n < 30; n++ { // with fewer the Go runtime does not start
			r := l.host.Run(t, nstest.Peer(t, "bash"), "-c", fmt.Sprintf("ulimit -n %d; exec %s replace default gw 10.50.0.3 --confirm 1h", n, l.program))
			if r.Status == 0 {
				made++
				if c := l.run("confirm"); c.Status != 0 {
					t.Errorf("%d descriptors: %+v", n, c)
				}
				l.ip("route replace default via 10.50.0.2")
				continue
			}
			failed++
			l.equal(fmt.Sprintf("%d descriptors: %s", n, r.Stderr), before, tables(t, l.host))
			l.equal("the list", map[string]pendingRow{}, l.pending())
		}
		if made == 0 || failed < 3 {
			t.Errorf("%d were made, %d failed: the limits do not show what they should", made, failed)
		}
	})
}

// TestTrial_fullDisk: without room for a plan nothing is changed. Without room for the result the routes are put back all the same, the
// change is not to be dismissed, and the next gnet that finds room writes how it ended.
func TestTrial_fullDisk(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755,size=64k"); err != nil {
			t.Fatal(err)
		}
		before := tables(t, l.host)
		fill := func() {
			t.Helper()
			if err := os.WriteFile("/run/full", make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
		}
		fill()
		r := l.run("del default --confirm 1s")
		said := regexp.MustCompile("[a-z0-9]{4}.plan").ReplaceAllString(r.Stderr, "ID.plan")
		l.equal("no room for the plan", nstest.Result{Status: 2, Stderr: "route: write ID.plan: no space left on device\nhint: nothing was changed\n"},
			nstest.Result{Status: r.Status, Stdout: r.Stdout, Stderr: said})
		l.equal("no plan", before, tables(t, l.host))
		if err := os.Remove("/run/full"); err != nil {
			t.Fatal(err)
		}
		id := l.try("del default --confirm 4s")
		fill()
		l.alone()
		l.equal("put back", before, tables(t, l.host))
		r = l.run("pending")
		want := "route: change " + id + " is left alone: write " + id + ".result: no space left on device\n"
		l.equal("no room for the result", want, r.Stderr)
		if r := l.run("dismiss " + id); r.Status != 1 {
			t.Errorf("it was dismissed: %+v", r)
		}
		if err := os.Remove("/run/full"); err != nil {
			t.Fatal(err)
		}
		if r := l.run("pending"); !strings.Contains(r.Stderr, "change "+id+" was not confirmed in time and its keeper had died: undone now") {
			t.Errorf("room again: %+v", r)
		}
		l.equal("room again", before, tables(t, l.host))
	})
}

// TestTrial_damaged: a plan that is not as it was written is refused and told, and its change stays.
func TestTrial_damaged(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		id := l.try("replace default gw 10.50.0.3 --confirm 6s")
		f, err := os.OpenFile(filepath.Join(undo.Path, id+".plan"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt([]byte("X"), 120); err != nil {
			t.Fatal(err)
		}
		if r := l.run("confirm " + id); r.Status != 2 || !strings.Contains(r.Stderr, "the plan is damaged") {
			t.Errorf("%+v", r)
		}
		if r := l.run("add -net 10.9.0.0/16 gw 10.50.0.2"); r.Status != 0 || !strings.Contains(r.Stderr, "change "+id+" is left alone: read the plan: the plan is damaged") {
			t.Errorf("%+v", r)
		}
		for l.pending()[id].Error == "" || fileExists(filepath.Join(undo.Path, id+".plan")) {
			time.Sleep(20 * time.Millisecond)
		}
		l.equal("state", "refused", l.pending()[id].State)
		if r := l.run("-n"); !strings.Contains(r.Stdout, "10.50.0.3") {
			t.Errorf("%+v", r)
		}
		if r := l.run("dismiss " + id); r.Status != 0 {
			t.Errorf("%+v", r)
		}
		l.equal("the list", map[string]pendingRow{}, l.pending())
	})
}

func fileExists(name string) bool { _, err := os.Lstat(name); return err == nil }

// TestTrial_terminal: the shell and all that it started die with its terminal; the route is put back.
func TestTrial_terminal(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		before := tables(t, l.host)
		master, slave := openTerminalPair(t, 80)
		ready := filepath.Join(t.TempDir(), "ready")
		shell := exec.Command(nstest.Peer(t, "bash"), "-c", l.program+" replace default gw 10.50.0.3 --confirm 4s; : > "+ready+"; read line")
		shell.Stdin, shell.Stdout, shell.Stderr = slave, slave, slave
		shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := shell.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		for !fileExists(ready) {
			time.Sleep(5 * time.Millisecond)
		}
		if tables(t, l.host) == before {
			t.Error("nothing was changed")
		}
		master.Close()
		if err := shell.Wait(); err == nil {
			t.Error("the shell did not notice the end of its terminal")
		}
		l.alone()
		l.equal("tables", before, tables(t, l.host))
		for id, row := range l.settled() {
			l.equal(id, "undone", row.State)
		}
	})
}

// TestTrial_interrupted: what was done of many changes when a signal came waits for a confirmation like all of them.
func TestTrial_interrupted(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		var batch strings.Builder
		for n := range 30_000 {
			fmt.Fprintf(&batch, "route add 20.%d.%d.0/24 via 10.50.0.2\n", n/200, n%200)
		}
		add := exec.Command(nstest.Peer(t, "ip"), "-batch", "-")
		add.Stdin = strings.NewReader(batch.String())
		if r := l.host.Output(t, add); r.Status != 0 {
			t.Fatal(r.Stderr)
		}
		before := tables(t, l.host)
		flush := exec.Command(l.program, strings.Fields("flush --root 20.0.0.0/8 --yes --json --confirm 10s")...)
		var stdout, stderr strings.Builder
		flush.Stdout, flush.Stderr = &stdout, &stderr
		l.host.Do(t, flush.Start)
		ended := make(chan error, 1)
		go func() { ended <- flush.Wait() }()
		for full := strings.Count(before, "\n"); len(ended) == 0; { // until the first are gone
			if b, err := os.ReadFile("/proc/net/route"); err != nil || strings.Count(string(b), "\n") < full/2 {
				break
			}
		}
		if err := flush.Process.Signal(unix.SIGINT); err != nil {
			t.Log(err) // it was faster
		}
		err := <-ended
		var doc struct {
			Summary struct {
				Deleted, Untried uint64
				Interrupted      bool
				ConfirmID        string `json:"confirm_id"`
			}
		}
		if jerr := json.Unmarshal([]byte(stdout.String()), &doc); jerr != nil {
			t.Fatalf("%v: %q, %q", jerr, stdout.String(), stderr.String())
		}
		s := doc.Summary
		t.Logf("%+v, %v", s, err)
		if s.Interrupted != (err != nil) || s.Deleted == 0 || s.Deleted+s.Untried != 30_000 || s.ConfirmID == "" {
			t.Errorf("%+v, %v, %q", s, err, stderr.String())
		}
		l.alone()
		l.equal("tables", before, tables(t, l.host))
	})
}

// TestTrial_sleep: the keeper waits on a clock that goes on while the machine sleeps, for a time of that clock and not for a number of seconds.
func TestTrial_sleep(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		id := l.try("replace default gw 10.50.0.3 --confirm 1h")
		pid := keepers(t)[id]
		infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
		if err != nil {
			t.Fatal(err)
		}
		timers := 0
		for _, info := range infos {
			b, err := os.ReadFile(info)
			if err != nil || !strings.Contains(string(b), "clockid:") {
				continue
			}
			timers++
			if text := string(b); !strings.Contains(text, fmt.Sprintf("clockid: %d\n", unix.CLOCK_BOOTTIME)) || !strings.Contains(text, "settime flags: 01\n") {
				t.Errorf("the timer: %s", text)
			}
		}
		l.equal("timers", 1, timers)
	})
}

// keepers are the keepers of this namespace of processes, by the ids of their changes.
func keepers(t *testing.T) map[string]int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	found := map[string]int{}
	for _, line := range lines {
		b, err := os.ReadFile(line)
		words := strings.Split(string(b), "\x00")
		if err != nil || len(words) < 3 || words[1] != undo.KeeperWord { // one that has ended has no words
			continue
		}
		if found[words[2]], err = strconv.Atoi(strings.Split(line, "/")[2]); err != nil {
			t.Error(err)
		}
	}
	return found
}
