package undo

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// undoing is how long a keeper may take that was asked to undo its change.
const undoing = 30 * time.Second

// Undo undoes a lasting change now, and returns what the domain did. The keeper does it; if that is no more, this process. An error
// means that the change is not undone, or not as it should have been.
func (c *Change) Undo(ctx context.Context, domains Domains) (Result, error) {
	defer c.f.Close()
	if err := changing.give(c.f); err != nil {
		return Result{}, err
	}
	if err := c.process.Signal(unix.SIGTERM); err == nil {
		select {
		case <-c.ended:
		case <-ctx.Done():
		case <-time.After(undoing):
		}
	}
	return c.outcome(ctx, domains)
}

// outcome is what became of the change; what the keeper has left is done here.
func (c *Change) outcome(ctx context.Context, domains Domains) (Result, error) {
	id := c.Plan.ID
	e := c.dir.find(id, false)
	if e.Err == nil && (e.State == Waiting || e.State == Undoing) {
		r, ok := c.dir.repair(ctx, e, domains)
		if !ok {
			return Result{}, &Error{Op: "undo", ID: id, Err: ErrBusy}
		}
		if r.Err != nil {
			return Result{}, r.Err
		}
		e = c.dir.find(id, false)
	}
	if e.Err != nil {
		return Result{}, e.Err
	}
	if e.State == Failed {
		return Result{}, &Error{Op: "undo", ID: id, Err: ErrFailed, Why: e.Error}
	}
	if e.Result == nil {
		return Result{}, &Error{Op: "undo", ID: id, Err: ErrUnknown}
	}
	return *e.Result, nil
}

// Exclusive calls fn while no other process is in it for the same directory: for those who must look at the changes of others and
// make their own in one step.
func (d *Dir) Exclusive(fn func() error) error {
	f, err := os.Open(d.path)
	if err != nil {
		return &Error{Op: "lock the directory of plans", Err: err}
	}
	defer f.Close()
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return &Error{Op: "lock the directory of plans", Err: err}
	}
	return fn()
}

// Others calls fn with the body of each lasting change of a domain in the namespace of the calling thread that is in force, but that of
// the change except: those that are being undone are not.
func (d *Dir) Others(domain, except string, fn func(change json.RawMessage) error) error {
	here, err := netns.Current()
	if err != nil {
		return err
	}
	defer here.Close()
	ns, err := identify(here)
	if err != nil {
		return err
	}
	entries, err := d.Unfinished()
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		if e.State != Waiting || e.Err != nil || e.ID == except || !e.Plan.Lasting || e.Plan.Domain != domain || e.Plan.Netns != ns {
			continue
		}
		if err := fn(e.Plan.Change); err != nil {
			return err
		}
	}
	return nil
}
