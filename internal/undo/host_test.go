package undo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/internal/undo"
)

// roleEnv makes the test binary be the process that makes a change. As keeper it is known by its arguments.
const roleEnv = "GNET_UNDO_TEST_ROLE"

func TestMain(m *testing.M) {
	if status, ok := undo.Keep(os.Args, domains()); ok {
		os.Exit(status)
	}
	if os.Getenv(roleEnv) != "" {
		changer()
	}
	os.Exit(nstest.Interruptible{M: m}.Run())
}

func domains() undo.Domains { return undo.Domains{"host": host{}} }

// host is a domain whose host is a file with one word in it.
type host struct{}

// hostChange is what it keeps in plans.
type hostChange struct{ File, Word string }

// Undo writes a line to FILE.log each time it is called. It does not come to an end while FILE.stall exists, and fails while FILE.fail does.
func (host) Undo(ctx context.Context, p *undo.Plan) (undo.Result, error) {
	var before, change, left hostChange
	for raw, v := range map[*json.RawMessage]*hostChange{&p.Before: &before, &p.Change: &change, &p.Left: &left} {
		if *raw == nil {
			continue
		}
		if err := json.Unmarshal(*raw, v); err != nil {
			return undo.Result{}, err
		}
	}
	now, err := os.ReadFile(before.File)
	if err != nil {
		return undo.Result{}, err
	}
	appendLine(before.File+".log", fmt.Sprintf("%s from %s", p.ID, now))
	if _, err := os.Stat(before.File + ".stall"); err == nil {
		for range 2 { // a file that nobody holds would be closed, and its lock gone
			runtime.GC()
			time.Sleep(10 * time.Millisecond)
		}
		appendLine(before.File+".stalled", fmt.Sprint(os.Getpid()))
		time.Sleep(time.Hour)
	}
	if _, err := os.Stat(before.File + ".fail"); err == nil {
		return undo.Result{}, unix.EPERM
	}
	switch string(now) {
	case before.Word:
		return undo.Result{Lines: []string{"was as before"}}, nil
	case change.Word:
		return undo.Result{Lines: []string{"put back " + before.Word}}, os.WriteFile(before.File, []byte(before.Word), 0o600)
	}
	return undo.Result{Conflict: true, Lines: []string{"found " + string(now)}}, nil
}

func appendLine(name, line string) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

// spec changes the word of a file to new.
func spec(file string, after time.Duration) undo.Spec {
	raw := func(word string) json.RawMessage {
		b, err := json.Marshal(hostChange{file, word})
		if err != nil {
			panic(err)
		}
		return b
	}
	return undo.Spec{Domain: "host", What: "write new", Before: raw("old"), Change: raw("new"), After: after, Program: "undo-test"}
}

// changer makes the change of its arguments DIR FILE DURATION POINT, says ID and the keeper's pid at POINT, and stays there.
func changer() {
	d, err := undo.Make(os.Args[1])
	check(err)
	after, err := time.ParseDuration(os.Args[3])
	check(err)
	plan := spec(os.Args[2], after)
	plan.Lasting = os.Args[4] == "lasting"
	c, err := d.Begin(context.Background(), plan)
	check(err)
	at := func(point string) {
		if os.Args[4] == point {
			fmt.Println(c.Plan.ID, c.Keeper)
			time.Sleep(time.Hour)
		}
	}
	at("planned")
	check(os.WriteFile(os.Args[2], []byte("new"), 0o600))
	at("changed")
	at("lasting")
	check(c.Made([]byte(`{"Word":"new"}`)))
	at("made")
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// world is a directory of plans and a host beside it.
type world struct {
	*undo.Dir
	t          *testing.T
	path, file string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, path: filepath.Join(dir, "gnet"), file: filepath.Join(dir, "host")}
	w.write("old")
	var err error
	if w.Dir, err = undo.Make(w.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func (w *world) write(word string) {
	w.t.Helper()
	if err := os.WriteFile(w.file, []byte(word), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// read is a file beside the host's, "" if there is none.
func (w *world) read(suffix string) string {
	w.t.Helper()
	b, err := os.ReadFile(w.file + suffix)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// started is a changer that has come to its point.
type started struct {
	cmd    *exec.Cmd
	id     string
	keeper int
}

// change starts a changer and waits until it has come to a point.
func (w *world) change(after time.Duration, point string, prepare ...func(*exec.Cmd)) *started {
	w.t.Helper()
	cmd := netns.Self("changer", w.path, w.file, after.String(), point)
	cmd.Env = append(os.Environ(), roleEnv+"=changer")
	cmd.Stderr = os.Stderr
	for _, fn := range prepare {
		fn(cmd)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	s := &started{cmd: cmd}
	if _, err := fmt.Fscan(out, &s.id, &s.keeper); err != nil {
		w.t.Fatalf("the changer said %q: %v", s.id, err)
	}
	w.t.Cleanup(func() { w.kill(s.keeper, s.id) })
	return s
}

// kill kills a keeper if that process is still the keeper of id.
func (w *world) kill(pid int, id string) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err == nil && strings.Contains(string(line), undo.KeeperWord+"\x00"+id+"\x00") {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// killed kills the changer, and waits for its end.
func (s *started) killed() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// until waits for something that comes without being asked for; the bound is only a guard.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after a minute", what)
		}
	}
}

// entry is one change as Pending shows it, without what differs from run to run.
type entry struct {
	State          undo.State
	Keeper, Making bool
	Result         *undo.Result
	Error          string
}

func (w *world) entries() map[string]entry {
	w.t.Helper()
	all, err := w.Pending()
	if err != nil {
		w.t.Fatal(err)
	}
	entries := map[string]entry{}
	for _, e := range all {
		if e.Err != nil {
			w.t.Errorf("%s: %v", e.ID, e.Err)
		}
		entries[e.ID] = entry{e.State, e.Keeper, e.Making, e.Result, e.Error}
	}
	return entries
}
