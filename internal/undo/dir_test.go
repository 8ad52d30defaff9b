package undo_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/undo"
)

func TestMake_modeAndOwner(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gnet")
	if _, err := undo.Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("where there is none: %v", err)
	}
	d, err := undo.Make(path)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	if st, err := os.Stat(path); err != nil || st.Mode() != os.ModeDir|0o700 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if d, err := undo.Make(path); err != nil {
		t.Errorf("again: %v", err)
	} else {
		d.Close()
	}
	must(t, os.Symlink(path, filepath.Join(dir, "link")))
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "open"), 0o700))
	must(t, os.Chmod(filepath.Join(dir, "open"), 0o750))
	for name, why := range map[string]string{"link": "no directory", "file": "no directory", "open": "mode is 0750"} {
		if _, err := undo.Make(filepath.Join(dir, name)); !errors.Is(err, undo.ErrUnsafe) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want ErrUnsafe: %s", name, err, why)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMake_foreignOwner(t *testing.T) {
	nstest.Require(t, nstest.Root)
	path := filepath.Join(t.TempDir(), "gnet")
	must(t, os.Mkdir(path, 0o700))
	must(t, os.Chown(path, 65534, 65534))
	if _, err := undo.Make(path); !errors.Is(err, undo.ErrUnsafe) || !strings.Contains(err.Error(), "user id 65534") {
		t.Errorf("got %v, want ErrUnsafe", err)
	}
}

// Without root there is no place for plans, and the reason is said.
func TestMake_notRoot(t *testing.T) {
	if os.Getenv("GNET_UNDO_TEST_NOBODY") != "" {
		_, err := undo.Make("/run/gnet-of-nobody")
		os.Stdout.WriteString(err.Error() + "\n")
		return
	}
	nstest.Require(t, nstest.Root)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestMake_notRoot$")
	cmd.Env = append(os.Environ(), "GNET_UNDO_TEST_NOBODY=1")
	nstest.AsNobody(t, cmd)
	out, err := cmd.Output()
	want := "make the directory of plans: mkdir /run/gnet-of-nobody: permission denied (user id 65534; only root can have a change undone)\n"
	if got, _, _ := strings.Cut(string(out), "PASS"); err != nil || got != want {
		t.Errorf("%v: %q, want %q", err, got, want)
	}
}

// fakeClock gives the directory a time of the test.
func (w *world) fakeClock() (now *time.Duration, boot *string) {
	now, boot = new(time.Duration), new(string)
	*now, *boot = time.Hour, "boot-1"
	w.SetClock(now, boot)
	return now, boot
}

// orphan is a change that was made and whose keeper died.
func (w *world) orphan(after time.Duration) string {
	w.t.Helper()
	c, err := w.WriteOnly(spec(w.file, after))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("new")
	if err := c.Made([]byte(`{"Word":"new"}`)); err != nil {
		w.t.Fatal(err)
	}
	return c.Plan.ID
}

func TestRepair_byTheClock(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	id := w.orphan(10 * time.Second)
	*now += 10*time.Second - 1
	if done := w.repair(); len(done) != 0 {
		t.Errorf("undone before its time: %+v", done)
	}
	*now++
	if _, err := w.Confirm(id); !errors.Is(err, undo.ErrOver) {
		t.Errorf("confirmed at the deadline: %v", err)
	}
	if done := w.repair(); len(done) != 1 || done[0].Now != undo.Undone || done[0].Err != nil {
		t.Errorf("at the deadline: %+v", done)
	}
	w.equal("entries", map[string]entry{id: {State: undo.Undone, Result: putBack}}, w.entries())
	w.equal("host and calls", []string{"old", id + " from new"}, []string{w.read(""), w.read(".log")})
}

func TestConfirm_byTheClock(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	if _, err := w.Confirm(""); !errors.Is(err, undo.ErrNone) {
		t.Errorf("none: %v", err)
	}
	a, b := w.orphan(10*time.Second), w.orphan(20*time.Second)
	if _, err := w.Confirm(""); !errors.Is(err, undo.ErrSeveral) || !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), b) {
		t.Errorf("two: %v", err)
	}
	for _, id := range []string{"zzzz", "../x", "", "ab.c"}[:2] {
		if _, err := w.Confirm(id); !errors.Is(err, undo.ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := w.Dismiss(b); !errors.Is(err, undo.ErrWaiting) {
		t.Errorf("dismissed what waits: %v", err)
	}
	*now += 15 * time.Second
	if p, err := w.Confirm(""); err != nil || p.ID != b {
		t.Errorf("the one whose time is not over: %+v, %v", p, err)
	}
	w.equal("entries", map[string]entry{a: {State: undo.Waiting}}, w.entries())
}

// The youngest change is undone first: what it found is what the older one left.
func TestRepair_youngestFirst(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	a := w.orphan(20 * time.Second)
	*now += time.Second
	b := w.orphan(10 * time.Second)
	*now += time.Minute
	w.repair()
	w.equal("calls", b+" from new\n"+a+" from old", w.read(".log"))
}

// What belongs to another boot is dropped with a word, and nothing is undone.
func TestRepair_anotherBoot(t *testing.T) {
	w := newWorld(t)
	_, boot := w.fakeClock()
	id := w.orphan(10 * time.Second)
	*boot = "boot-2"
	if _, err := w.Confirm(id); !errors.Is(err, undo.ErrBoot) {
		t.Errorf("confirmed: %v", err)
	}
	if done := w.repair(); len(done) != 1 || done[0].Now != "" || !errors.Is(done[0].Err, undo.ErrBoot) || done[0].ID != id {
		t.Errorf("got %+v, want it dropped with ErrBoot", done)
	}
	w.equal("entries", map[string]entry{}, w.entries())
	w.equal("host and calls", []string{"new", ""}, []string{w.read(""), w.read(".log")})
}

// What is still being made is not undone under the hands of whoever makes it; when he dies it is.
func TestRepair_whileMaking(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	c, err := w.WriteOnly(spec(w.file, 10*time.Second))
	must(t, err)
	*now += time.Minute
	if !c.Over() {
		t.Error("the time is not over")
	}
	if done := w.repair(); len(done) != 0 {
		t.Errorf("got %+v", done)
	}
	if err := c.Made(nil); !errors.Is(err, undo.ErrOver) {
		t.Errorf("made too late: %v", err)
	}
	if done := w.repair(); len(done) != 1 || done[0].Now != undo.Undone {
		t.Errorf("got %+v", done)
	}
}

// A process that died while it undid left one of three things on disk; whoever comes next goes on from each.
func TestRepair_goesOn(t *testing.T) {
	for name, arrange := range map[string]func(w *world, id string){
		"before the domain's call": func(*world, string) {},
		"after it":                 func(w *world, _ string) { w.write("old") },
		"after the result": func(w *world, id string) {
			w.write("old")
			must(w.t, os.WriteFile(filepath.Join(w.path, id+".result"), sealed(w.t, &undo.Noted{ID: id, Result: &undo.Result{}}), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.orphan(time.Hour)
			must(t, os.Rename(filepath.Join(w.path, id+".plan"), filepath.Join(w.path, id+".undoing")))
			arrange(w, id)
			if done := w.repair(); len(done) != 1 || done[0].Now != undo.Undone || done[0].Err != nil {
				t.Errorf("got %+v", done)
			}
			if e := w.entries()[id]; e.State != undo.Undone {
				t.Errorf("got %+v", e)
			}
			w.equal("host", "old", w.read(""))
		})
	}
}

// An interruption leaves the rest to whoever comes next.
func TestRepair_interrupted(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	id := w.orphan(time.Second)
	*now += time.Minute
	ctx, cancel := context.WithCancel(context.Background())
	done, err := w.Repair(ctx, undo.Domains{"host": canceller{cancel}})
	if !errors.Is(err, context.Canceled) || len(done) != 1 || done[0].Now != undo.Undoing || !errors.Is(done[0].Err, context.Canceled) {
		t.Errorf("%+v, %v", done, err)
	}
	w.equal("entries", map[string]entry{id: {State: undo.Undoing}}, w.entries())
}

type canceller struct{ cancel func() }

func (c canceller) Undo(ctx context.Context, _ *undo.Plan) (undo.Result, error) {
	c.cancel()
	return undo.Result{}, ctx.Err()
}

// A namespace that is gone took its routes with it. Another may have got its number: the cookie tells.
func TestRepair_namespaceGone(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	id := w.orphan(time.Second)
	plan := filepath.Join(w.path, id+".plan")
	b, err := os.ReadFile(plan)
	must(t, err)
	p, err := undo.DecodePlan(b, id)
	must(t, err)
	if p.Netns.Cookie != 0 {
		p.Netns.Cookie++
	} else { // a kernel without cookies knows namespaces by their inodes alone
		p.Netns.Inode = 1
	}
	must(t, os.WriteFile(plan, sealed(t, p), 0o600))
	*now += time.Minute
	if done := w.repair(); len(done) != 1 || done[0].Now != "" || !errors.Is(done[0].Err, undo.ErrNetns) {
		t.Errorf("got %+v, want it dropped with ErrNetns", done)
	}
	w.equal("calls", "", w.read(".log"))
}

// What others may have had in their hands is neither read nor followed, and reported each time.
func TestPending_unsafe(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, w *world, plan string)
		want  error
	}{
		"symbolic link": {func(t *testing.T, w *world, plan string) {
			must(t, os.Rename(plan, w.file+".moved"))
			must(t, os.Symlink(w.file+".moved", plan))
		}, undo.ErrUnsafe},
		"another name": {func(t *testing.T, w *world, plan string) { must(t, os.Link(plan, w.file+".linked")) }, undo.ErrUnsafe},
		"mode":         {func(t *testing.T, w *world, plan string) { must(t, os.Chmod(plan, 0o640)) }, undo.ErrUnsafe},
		"fifo": {func(t *testing.T, w *world, plan string) {
			must(t, os.Remove(plan))
			must(t, unix.Mkfifo(plan, 0o600))
		}, undo.ErrUnsafe},
		"foreign": {func(t *testing.T, w *world, plan string) {
			nstest.Require(t, nstest.Root)
			must(t, os.Chown(plan, 65534, 65534))
		}, undo.ErrUnsafe},
		"truncated": {func(t *testing.T, w *world, plan string) { must(t, os.Truncate(plan, 100)) }, undo.ErrDamaged},
		"empty":     {func(t *testing.T, w *world, plan string) { must(t, os.Truncate(plan, 0)) }, undo.ErrDamaged},
		"note": {func(t *testing.T, w *world, plan string) {
			must(t, os.Truncate(strings.TrimSuffix(plan, "plan")+"left", 10))
		}, undo.ErrDamaged},
		"too long": {func(t *testing.T, w *world, plan string) { must(t, os.Truncate(plan, undo.MaxPlan+1)) }, undo.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			now, _ := w.fakeClock()
			id := w.orphan(10 * time.Second)
			tc.spoil(t, w, filepath.Join(w.path, id+".plan"))
			*now += time.Minute
			for range 2 {
				done := w.repair()
				if len(done) != 1 || done[0].ID != id || !errors.Is(done[0].Err, tc.want) || done[0].Now != undo.Waiting {
					t.Errorf("got %+v, want %v", done, tc.want)
				}
			}
			if _, err := w.Confirm(id); !errors.Is(err, tc.want) {
				t.Errorf("confirmed: %v", err)
			}
			w.equal("host and calls", []string{"new", ""}, []string{w.read(""), w.read(".log")})
			must(t, w.Dismiss(id))
			if all, err := w.Pending(); err != nil || len(all) != 0 {
				t.Errorf("dismissed: %+v, %v", all, err)
			}
		})
	}
}

// A file that is none of ours is reported and left alone; a note without its plan is swept away.
func TestPending_strangers(t *testing.T) {
	w := newWorld(t)
	must(t, os.WriteFile(filepath.Join(w.path, "README"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(w.path, "ab2c.left"), nil, 0o600))
	all, err := w.Pending()
	if err != nil || len(all) != 1 || all[0].ID != "README" || !errors.Is(all[0].Err, undo.ErrUnsafe) {
		t.Errorf("%+v, %v", all, err)
	}
	w.repair()
	names, err := filepath.Glob(w.path + "/*")
	must(t, err)
	w.equal("names", []string{filepath.Join(w.path, "README")}, names)
}

// Undone changes are remembered, not for ever.
func TestRepair_forgets(t *testing.T) {
	w := newWorld(t)
	now, _ := w.fakeClock()
	first := w.orphan(time.Second)
	*now += time.Minute
	w.repair()
	for range 16 {
		w.write("old")
		w.orphan(time.Second)
		*now += time.Minute
		w.repair()
	}
	entries := w.entries()
	if _, ok := entries[first]; ok || len(entries) != 16 {
		t.Errorf("%d are left, the first among them: %v", len(entries), ok)
	}
	names, err := filepath.Glob(w.path + "/*")
	if err != nil || len(names) != 2*16 {
		t.Errorf("%d files, %v", len(names), err)
	}
}

// Of an undone change only what people are told is kept; what could not be undone keeps all.
func TestRepair_dropsTheBody(t *testing.T) {
	for state, fails := range map[undo.State]bool{undo.Undone: false, undo.Failed: true} {
		w := newWorld(t)
		now, _ := w.fakeClock()
		id := w.orphan(time.Second)
		before, err := w.Pending()
		if err != nil || len(before) != 1 {
			t.Fatalf("%+v, %v", before, err)
		}
		*now += time.Minute
		want, files := *before[0].Plan, []string{id + ".left", id + "." + string(state), id + ".result"}
		slices.Sort(files)
		if fails {
			w.touch(".fail")
		} else {
			want.Before, want.Change, want.Left = nil, nil, nil
			files = []string{id + ".result", id + ".undone"}
		}
		if done := w.repair(); len(done) != 1 || done[0].Now != state || done[0].Err != nil {
			t.Errorf("got %+v", done)
		}
		after, err := w.Pending()
		if err != nil || len(after) != 1 || after[0].Err != nil || after[0].State != state {
			t.Fatalf("%+v, %v", after, err)
		}
		w.equal("plan", want, *after[0].Plan)
		names, err := os.ReadDir(w.path)
		must(t, err)
		got := make([]string, len(names))
		for i := range names {
			got[i] = names[i].Name()
		}
		w.equal("files", files, got)
	}
}

// A process that is no keeper is told so.
func TestKeep_notForPeople(t *testing.T) {
	for _, argv := range [][]string{{"gnet"}, {"gnet", "route"}, {"gnet", undo.KeeperWord}, {"gnet", undo.KeeperWord, "../a"}} {
		if status, ok := undo.Keep(argv, domains()); ok {
			t.Errorf("%q: status %d", argv, status)
		}
	}
	if status, ok := undo.Keep([]string{"gnet", undo.KeeperWord, "ab2c"}, domains()); ok {
		t.Errorf("the words alone: status %d", status)
	}
}

// Who comes too late finds the plan gone, and does nothing, though he holds it open and locked.
func TestUndo_confirmedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.fakeClock()
	id := w.orphan(10 * time.Second)
	state, err := w.UndoLate(id, domains(), func() {
		if _, err := w.Confirm(id); err != nil {
			t.Error(err)
		}
	})
	if state != undo.Waiting || err != nil {
		t.Errorf("%q, %v", state, err)
	}
	w.equal("host and calls", []string{"new", ""}, []string{w.read(""), w.read(".log")})
	w.equal("entries", map[string]entry{}, w.entries())
}
