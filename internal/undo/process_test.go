package undo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/undo"
)

var putBack = &undo.Result{Lines: []string{"put back old"}}

// settled waits until no process keeps the change any more.
func (w *world) settled(id string) entry {
	w.t.Helper()
	until(w.t, "the keeper's end", func() bool { return !w.entries()[id].Keeper })
	return w.entries()[id]
}

func (w *world) equal(what string, want, got any) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Whoever makes the change is killed at each point: the keeper knows how far it came, or finds out.
func TestKeeper_changerKilled(t *testing.T) {
	for _, tc := range []struct {
		point, left string
		want        *undo.Result
		log         string
	}{
		{"planned", "old", &undo.Result{Lines: []string{"was as before"}}, "from old"},
		{"changed", "new", putBack, "from new"},
		{"made", "new", putBack, "from new"},
	} {
		t.Run(tc.point, func(t *testing.T) {
			w := newWorld(t)
			s := w.change(time.Second, tc.point)
			s.killed()
			w.equal("left", tc.left, w.read(""))
			w.equal("entry", entry{State: undo.Undone, Result: tc.want}, w.settled(s.id))
			w.equal("host and calls", []string{"old", s.id + " " + tc.log}, []string{w.read(""), w.read(".log")})
		})
	}
}

// A process that is stopped in the middle of its change must not go on after it was undone.
func TestKeeper_changerStopped(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Second, "changed")
	if err := s.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	err := s.cmd.Wait() // the keeper ends it
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Errorf("the changer ended with %v, want SIGKILL", err)
	}
	w.equal("entry", entry{State: undo.Undone, Result: putBack}, w.settled(s.id))
	w.equal("host", "old", w.read(""))
}

// The keeper is killed while it undoes the change: whoever comes next finishes it, once.
func TestKeeper_killedWhileUndoing(t *testing.T) {
	w := newWorld(t)
	w.touch(".stall")
	s := w.change(time.Second, "made")
	until(t, "the undoing", func() bool { return w.read(".stalled") != "" })
	w.equal("while undoing", map[string]entry{s.id: {State: undo.Undoing, Keeper: true}}, w.entries())
	if t.Failed() {
		t.FailNow() // to repair would be to stall
	}
	if _, err := w.Confirm(s.id); !errors.Is(err, undo.ErrOver) {
		t.Errorf("confirmed while undoing: %v", err)
	}
	if done := w.repair(); len(done) != 0 {
		t.Errorf("repaired beside a keeper: %+v", done)
	}
	if err := unix.Kill(s.keeper, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.equal("after its death", entry{State: undo.Undoing}, w.settled(s.id))
	if err := os.Remove(w.file + ".stall"); err != nil {
		t.Fatal(err)
	}
	done := w.repair()
	if len(done) != 1 || done[0].Now != undo.Undone || done[0].Err != nil {
		t.Errorf("repaired: %+v", done)
	}
	if done := w.repair(); len(done) != 0 {
		t.Errorf("repaired twice: %+v", done)
	}
	w.equal("entry", entry{State: undo.Undone, Result: putBack}, w.settled(s.id))
	w.equal("calls", s.id+" from new\n"+s.id+" from new", w.read(".log"))
}

func (w *world) touch(suffix string) {
	w.t.Helper()
	if err := os.WriteFile(w.file+suffix, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) repair() []undo.Repaired {
	w.t.Helper()
	done, err := w.Repair(context.Background(), domains())
	if err != nil {
		w.t.Error(err)
	}
	return done
}

// A keeper that was killed while it waited is missed at the next start, not before the deadline.
func TestKeeper_killedWhileWaiting(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "made")
	if err := unix.Kill(s.keeper, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.equal("entry", entry{State: undo.Waiting}, w.settled(s.id))
	if done := w.repair(); len(done) != 0 {
		t.Errorf("undone before its time: %+v", done)
	}
	if _, err := w.Confirm(""); err != nil {
		t.Error(err)
	}
	w.equal("entries", map[string]entry{}, w.entries())
	w.equal("host", "new", w.read(""))
}

// A keeper that is asked to end undoes the change at once.
func TestKeeper_askedToEnd(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "made")
	for _, ignored := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE} {
		if err := unix.Kill(s.keeper, ignored); err != nil {
			t.Fatal(err)
		}
	}
	w.equal("entry", entry{State: undo.Waiting, Keeper: true}, w.entries()[s.id])
	w.equal("host", "new", w.read(""))
	if err := unix.Kill(s.keeper, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.equal("entry", entry{State: undo.Undone, Result: putBack}, w.settled(s.id))
	w.equal("host", "old", w.read(""))
}

// A confirmed change stays, and its keeper ends long before the deadline.
func TestConfirm_keeperEnds(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "made")
	w.equal("entry", entry{State: undo.Waiting, Keeper: true}, w.entries()[s.id])
	p, err := w.Confirm("")
	if err != nil || p.ID != s.id || p.What != "write new" {
		t.Fatalf("%+v, %v", p, err)
	}
	s.killed() // it is the keeper's parent, so that what is left of it goes to init
	until(t, "the keeper's end", func() bool {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.keeper))
		return err != nil || !strings.Contains(string(line), s.id)
	})
	w.equal("host and calls", []string{"new", ""}, []string{w.read(""), w.read(".log")})
	if names, err := os.ReadDir(w.path); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if _, err := w.Confirm(s.id); !errors.Is(err, undo.ErrUnknown) {
		t.Errorf("confirmed twice: %v", err)
	}
}

// While the change is being made nobody can confirm it.
func TestConfirm_whileMaking(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "changed")
	w.equal("entry", entry{State: undo.Waiting, Keeper: true, Making: true}, w.entries()[s.id])
	if _, err := w.Confirm(s.id); !errors.Is(err, undo.ErrMaking) {
		t.Errorf("got %v, want ErrMaking", err)
	}
	s.killed()
	if _, err := w.Confirm(s.id); err != nil {
		t.Error(err)
	}
}

// Of many who confirm at once one succeeds.
func TestConfirm_twoAtOnce(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Hour, "made")
	errs := w.confirmers(8, s.id)
	ok := 0
	for _, err := range errs {
		switch {
		case err == nil:
			ok++
		case !errors.Is(err, undo.ErrUnknown):
			t.Errorf("got %v, want ErrUnknown", err)
		}
	}
	if ok != 1 {
		t.Errorf("%d succeeded", ok)
	}
}

// confirmers confirm a change at once, each through a directory of its own.
func (w *world) confirmers(n int, id string) []error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			d, err := undo.Open(w.path)
			if err != nil {
				errs[i] = err
				return
			}
			defer d.Close()
			_, errs[i] = d.Confirm(id)
		})
	}
	wait.Wait()
	return errs
}

// Whoever wins, the confirmation or the deadline: what is said is what is done.
func TestConfirm_againstTheDeadline(t *testing.T) {
	won := map[bool]int{}
	for n := range 6 {
		w := newWorld(t)
		s := w.change(800*time.Millisecond, "made")
		// Some rounds aim a little before the deadline, some after it.
		e, err := w.Pending()
		if err != nil {
			t.Fatal(err)
		}
		if len(e) == 1 {
			time.Sleep(e[0].Left - time.Duration(n-3)*3*time.Millisecond)
		}
		confirmed := false
		for _, err := range w.confirmers(4, s.id) {
			confirmed = confirmed || err == nil
		}
		won[confirmed]++
		got := w.settled(s.id)
		if confirmed {
			w.equal("confirmed", entry{}, got)
			w.equal("host and calls", []string{"new", ""}, []string{w.read(""), w.read(".log")})
		} else {
			w.equal("undone", entry{State: undo.Undone, Result: putBack}, got)
			w.equal("host and calls", []string{"old", s.id + " from new"}, []string{w.read(""), w.read(".log")})
		}
	}
	t.Logf("confirmed: %d, undone: %d", won[true], won[false])
}

// The end of the terminal ends who makes the change, not the keeper.
func TestKeeper_terminalEnds(t *testing.T) {
	w := newWorld(t)
	master, slave := terminal(t)
	// Under nohup the program would inherit that SIGHUP is ignored, and outlive its terminal; what is caught here is
	// the default there.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, unix.SIGHUP)
	defer signal.Stop(hup)
	s := w.change(time.Second, "made", func(cmd *exec.Cmd) {
		cmd.Stdin = slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	})
	slave.Close()
	w.equal("entry", entry{State: undo.Waiting, Keeper: true}, w.entries()[s.id])
	if session, err := unix.Getsid(s.keeper); err != nil || session != s.keeper {
		t.Errorf("the keeper %d is in session %d, %v; want its own", s.keeper, session, err)
	}
	master.Close()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGHUP {
		t.Errorf("the session leader ended with %v, want SIGHUP", err)
	}
	w.equal("entry", entry{State: undo.Undone, Result: putBack}, w.settled(s.id))
	w.equal("host", "old", w.read(""))
}

func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs a terminal: %v", err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// What others changed meanwhile is left alone, and stays in the list; a failure as well.
func TestKeeper_conflictAndFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(*world)
		want    entry
	}{
		"conflict": {func(w *world) { w.write("other") },
			entry{State: undo.Conflict, Result: &undo.Result{Conflict: true, Lines: []string{"found other"}}}},
		"failure": {func(w *world) { w.touch(".fail") },
			entry{State: undo.Failed, Result: &undo.Result{}, Error: "operation not permitted"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.change(time.Second, "made")
			tc.prepare(w)
			w.equal("entry", tc.want, w.settled(s.id))
			if done := w.repair(); len(done) != 0 {
				t.Errorf("undone twice: %+v", done)
			}
			w.equal("entry", tc.want, w.entries()[s.id])
			if err := w.Dismiss(s.id); err != nil {
				t.Error(err)
			}
			w.equal("entries", map[string]entry{}, w.entries())
		})
	}
}

// A keeper that cannot start keeps the change from being made.
func TestBegin_noKeeper(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c, err := w.Begin(ctx, spec(w.file, time.Hour))
	if c != nil || !errors.Is(err, undo.ErrKeeper) {
		t.Errorf("%v, %v; want ErrKeeper", c, err)
	}
	w.equal("entries", map[string]entry{}, w.entries())
}

// What was abandoned leaves nothing behind.
func TestAbandon(t *testing.T) {
	w := newWorld(t)
	c, err := w.Begin(context.Background(), spec(w.file, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.kill(c.Keeper, c.Plan.ID) })
	if err := c.Abandon(); err != nil {
		t.Fatal(err)
	}
	until(t, "the keeper's end", func() bool { return unix.Kill(c.Keeper, 0) == unix.ESRCH })
	w.equal("entries", map[string]entry{}, w.entries())
}

// A plan that is damaged while the keeper waits is refused by it.
func TestKeeper_damagedMeanwhile(t *testing.T) {
	w := newWorld(t)
	s := w.change(time.Second, "made")
	f, err := os.OpenFile(w.path+"/"+s.id+".plan", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("X"), 90); err != nil {
		t.Fatal(err)
	}
	f.Close()
	until(t, "the deadline", func() bool { _, err := os.Stat(w.path + "/" + s.id + ".failed"); return err == nil })
	all, err := w.Pending()
	if err != nil || len(all) != 1 || !errors.Is(all[0].Err, undo.ErrDamaged) {
		t.Fatalf("%+v, %v; want ErrDamaged", all, err)
	}
	w.equal("host and calls", []string{"new", ""}, []string{w.read(""), w.read(".log")})
}

// A keeper keeps nothing open that came from whoever started gnet: he may wait for its end, or for a lock.
func TestKeeper_letsGo(t *testing.T) {
	w := newWorld(t)
	r, wr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := w.change(time.Hour, "made", func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{wr, wr, wr, wr, wr, wr, wr} })
	wr.Close()
	s.killed()
	if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v; want the end of the pipe", n, err)
	}
	w.equal("entry", entry{State: undo.Waiting, Keeper: true}, w.entries()[s.id])
}
