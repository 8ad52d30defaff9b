package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/undo"
	"gnet/routes"
	"gnet/stackprobe/attach"
)

// undoDomains are the parts of the program whose changes a keeper can undo.
func undoDomains() undo.Domains {
	return undo.Domains{routes.UndoDomain: routes.Undoer{}, attach.UndoDomain: attach.Undoer{}}
}

// The bounds of --confirm: below, nobody can confirm; above, a change is not on trial any more.
const (
	minConfirm = time.Second
	maxConfirm = 24 * time.Hour
)

// parseConfirm reads the argument of --confirm.
func parseConfirm(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < minConfirm || d > maxConfirm {
		return 0, fail(statusUsage, "--confirm %q: want a time from 1s to 24h with its unit, such as 60s or 5m", text)
	}
	return d, nil
}

// confirmValue is --confirm of one of gnet's own verbs (pflag.Value).
type confirmValue struct{ d *time.Duration }

// Set reads the argument.
func (v confirmValue) Set(text string) (err error) {
	*v.d, err = parseConfirm(text)
	return err
}

// Type names the argument in help.
func (v confirmValue) Type() string { return "TIME" }

// String is the default in help: none.
func (v confirmValue) String() string { return "" }

func addConfirm(cmd *cobra.Command, d *time.Duration) {
	cmd.Flags().Var(confirmValue{d}, "confirm", "undo the changes unless they are confirmed within `TIME`, such as 60s or 5m")
}

// trial is a change that is undone unless it is confirmed (--confirm).
type trial struct {
	e      *env
	conn   *routes.Conn
	memory *routes.Memory
	dir    *undo.Dir
	change *undo.Change // nil: not begun
}

// begin has the plan on disk and its keeper alive when it returns nil. After an error nothing may be changed.
func (t *trial) begin(ctx context.Context, after time.Duration) error {
	before, err := t.memory.Before()
	if err != nil {
		return err
	}
	asked, err := t.memory.Change()
	if err != nil {
		return err
	}
	if t.dir, err = undo.Make(undo.Path); err != nil {
		return err
	}
	t.change, err = t.dir.Begin(ctx, undo.Spec{Domain: routes.UndoDomain, What: commandWords(t.e), Before: before, Change: asked,
		After: after, Program: "gnet"})
	if err == nil {
		err = t.crossed()
	}
	if err == nil && t.change.Over() {
		late := fail(statusNo, "the time was over before the change was begun").withHint("nothing was changed; give --confirm more time")
		err = errors.Join(late, t.change.Abandon())
	}
	if err != nil {
		t.dir.Close()
		t.change = nil
	}
	return err
}

// crossed ends the trial when another one is about the same routes: whichever is undone first would take the other for what others did, and
// the second would put back what the first had made.
func (t *trial) crossed() error {
	entries, err := t.dir.Unfinished()
	for i := range entries {
		other := &entries[i]
		if other.Plan == nil || other.ID == t.change.Plan.ID || other.Plan.Netns != t.change.Plan.Netns ||
			other.State != undo.Waiting && other.State != undo.Undoing {
			continue
		}
		crosses, cerr := t.memory.Crosses(other.Plan)
		if cerr != nil || !crosses {
			continue // a plan that nobody can read is told of elsewhere
		}
		err = errors.Join(err, fail(statusNo, "change %s is about the same routes, and waits for a confirmation", other.ID).
			withHint("nothing was changed; confirm that one first, or wait until it is undone"))
		break
	}
	if err != nil {
		return errors.Join(err, t.change.Abandon())
	}
	return nil
}

// check sees each change of many before it is sent.
func (t *trial) check(s *routes.Step) error {
	switch {
	case t.change.Over():
		return t.over()
	case !t.memory.Covers(s):
		return errors.New("the file changed while it was read")
	}
	return nil
}

func (t *trial) over() error {
	p := &t.change.Plan
	return fail(statusNo, "the time was over before all was done: change %s is being undone", p.ID).
		withHint("--confirm %v counts from the first change", p.Deadline-p.Begun)
}

// end tells the keeper what the change left, and returns the change while it waits for a confirmation. Where nothing was changed there is
// nothing to confirm.
func (t *trial) end() (*undo.Change, error) {
	defer t.dir.Close()
	t.conn.Observe(nil)
	left, err := t.memory.Left(t.conn)
	if err == nil && bytes.Equal(left, t.change.Plan.Before) {
		return nil, t.change.Abandon()
	}
	if err == nil {
		err = t.change.Made(left)
	} else {
		err = errors.Join(err, t.change.Made(nil))
	}
	if errors.Is(err, undo.ErrOver) {
		return nil, t.over()
	}
	if err != nil { // the keeper finds out by itself what there is to undo
		t.e.warn("%v", err)
	}
	return t.change, nil
}

// tryOne puts the next change of conn on trial before it is sent. The function that it returns is told how the change ended, and returns the
// command's error.
func tryOne(ctx context.Context, e *env, conn *routes.Conn, after time.Duration) func(error) error {
	t := &trial{e: e, conn: conn}
	conn.Observe(func(s *routes.Step) (err error) {
		t.memory, err = conn.Remember(slices.Values([]*routes.Step{s}))
		if err == nil {
			err = t.begin(ctx, after)
		}
		return notBegun(err)
	})
	return func(err error) error {
		if t.change == nil {
			return err
		}
		waits, late := t.end()
		switch {
		case waits != nil:
			fmt.Fprintln(e.Stdout, waitsText(e, waits))
		case late == nil && err == nil:
			e.tell("%s: nothing was changed: there is nothing to confirm", e.Name)
		}
		return firstOf(e, late, err)
	}
}

// tryMany puts many changes on trial; nil when there are none.
func tryMany(ctx context.Context, e *env, conn *routes.Conn, after time.Duration, m *routes.Memory) (*trial, error) {
	if m.Len() == 0 {
		return nil, nil
	}
	t := &trial{e: e, conn: conn, memory: m}
	if err := t.begin(ctx, after); err != nil {
		if ctx.Err() != nil {
			return nil, errInterruptedBefore()
		}
		return nil, err
	}
	conn.Observe(t.check)
	return t, nil
}

// firstOf returns the error of the trial, or that of the change, which is told first if there are both.
func firstOf(e *env, late, err error) error {
	if late == nil {
		return err
	}
	var own *failure
	if err != nil && !(errors.As(err, &own) && own.err == nil) {
		e.tell("%s: %v", e.Name, err)
	}
	return late
}

// notBegun is the failure of a change that was not made because it could not have been undone.
func notBegun(err error) error {
	if err == nil {
		return nil
	}
	f := confirmFailure(err)
	if f.hint == "" {
		f.hint = "nothing was changed"
		if errors.Is(err, fs.ErrPermission) {
			f.hint += "; --confirm needs root, in the user namespace that " + undo.Path + " belongs to"
		}
	}
	return f
}

// commandWords is the line as it was typed.
func commandWords(e *env) string {
	return strings.Join(e.Words, " ")
}

// routeCommand is how route is called here.
func routeCommand(e *env) string {
	if e.Arg0 == "gnet" || e.Arg0 == "" {
		return "gnet route"
	}
	return e.Arg0
}

// waitsText says how a change is confirmed.
func waitsText(e *env, c *undo.Change) string {
	return fmt.Sprintf("%s is undone in %v unless it is confirmed: %s confirm %s", c.Plan.ID, wholeSeconds(c.Left()), routeCommand(e), c.Plan.ID)
}
