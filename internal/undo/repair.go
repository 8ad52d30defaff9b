package undo

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Repaired is what Repair did with one change.
type Repaired struct {
	// Entry is the change as it was found.
	Entry
	// Now is its state afterwards, "" if it was dropped: it was of another boot, or its network namespace is gone.
	Now State
	// Err says why it was dropped, refused, or left as it was; nil when it was undone.
	Err error
}

// Repair undoes the changes whose time is over, or whose process has ended if they are lasting, and whose keeper died, the youngest first, and goes on where a process died while it
// undid one. It drops the plans of another boot and of network namespaces that are gone. What is damaged it reports and leaves alone;
// what still waits or has a keeper, and what is over, it does not mention.
func (d *Dir) Repair(ctx context.Context, domains Domains) ([]Repaired, error) {
	entries, err := d.Unfinished()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(begun(b), begun(a)) })
	var done []Repaired
	for _, e := range entries {
		if ctx.Err() != nil {
			break
		}
		switch {
		case errors.Is(e.Err, ErrBoot):
			done = append(done, Repaired{Entry: e, Err: errors.Join(e.Err, d.drop(e.ID, e.State))})
		case e.Err != nil:
			done = append(done, Repaired{Entry: e, Now: e.State, Err: e.Err})
		case e.State == Undoing, e.State == Waiting && (e.Left <= 0 || e.Plan.Lasting && !e.Keeper && !e.Making):
			if r, ok := d.repair(ctx, e, domains); ok {
				done = append(done, r)
			}
		}
	}
	return done, errors.Join(ctx.Err(), d.sweep())
}

func begun(e Entry) int64 {
	if e.Plan == nil {
		return 0
	}
	return int64(e.Plan.Begun)
}

// repair takes the place of the keeper, false if there is one or the change is still being made.
func (d *Dir) repair(ctx context.Context, e Entry, domains Domains) (Repaired, bool) {
	r := Repaired{Entry: e, Now: e.State}
	f, err := d.open(e.State.file(e.ID))
	if errors.Is(err, unix.ENOENT) {
		return r, false
	}
	if r.Err = err; err != nil {
		return r, true
	}
	defer f.Close()
	if ok, err := free(f); err != nil || !ok {
		r.Err = err
		return r, err != nil
	}
	if !d.exists(e.State.file(e.ID)) { // another was faster, and has given its lock back
		return r, false
	}
	ns, err := e.Plan.Netns.find()
	if errors.Is(err, ErrNetns) {
		r.Now, r.Err = "", errors.Join(err, d.drop(e.ID, e.State))
		return r, true
	}
	if r.Err = err; err != nil {
		return r, true
	}
	defer ns.Close()
	r.Now, r.Err = d.undo(ctx, f, e.ID, e.State, ns, domains)
	return r, true
}

// free takes the lock of the keeper if neither that nor whoever makes the change lives.
func free(f *os.File) (bool, error) {
	if ok, err := keeping.take(f); err != nil || !ok {
		return false, err
	}
	return changing.take(f)
}

// sweep removes the notes of changes that were confirmed by a process that died before it could.
func (d *Dir) sweep() error {
	names, err := d.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		id, kind, ok := parseName(name)
		if !ok || kind != leftNote && kind != resultNote && kind != shortNote {
			continue
		}
		if slices.ContainsFunc(states(), func(s State) bool { return d.exists(s.file(id)) }) {
			continue
		}
		if err := d.remove(name); err != nil && !errors.Is(err, unix.ENOENT) {
			return &Error{Op: "forget", ID: id, Err: err}
		}
	}
	return nil
}
