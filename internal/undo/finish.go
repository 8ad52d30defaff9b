package undo

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// plan reads the plan of an open file and what was noted beside it.
func (d *Dir) plan(f *os.File, id string) (*Plan, error) {
	b, err := read(f)
	if err != nil {
		return nil, err
	}
	p, err := decodePlan(b, id)
	if err != nil {
		return nil, err
	}
	boot, err := d.clock.boot()
	if err != nil {
		return nil, err
	}
	if p.BootID != boot {
		return p, &Error{Op: "read the plan", ID: id, Err: ErrBoot}
	}
	n, err := d.note(id, leftNote)
	if err != nil {
		return p, err
	}
	if n != nil {
		p.Left = n.Left
	}
	return p, nil
}

// note reads what was noted; nil if nothing was.
func (d *Dir) note(id, kind string) (*note, error) {
	f, err := d.open(id + "." + kind)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := read(f)
	if err != nil {
		return nil, err
	}
	return decodeNote(b, id)
}

// undo undoes a change whose time is over and records how that ended. f is its file, in the state from, and the caller has the lock
// of whoever keeps it. It does nothing if the change was confirmed meanwhile. An error means that the state is not final: whoever
// comes next goes on.
func (d *Dir) undo(ctx context.Context, f *os.File, id string, from State, ns *netns.NS, domains Domains) (State, error) {
	if from == Waiting {
		if ok, err := d.decide(f, id); err != nil || !ok {
			return Waiting, err
		}
	}
	result, err := d.call(ctx, f, id, ns, domains)
	if ctx.Err() != nil {
		return Undoing, &Error{Op: "undo", ID: id, Err: ctx.Err()}
	}
	to := Undone
	n := note{ID: id, Result: &result, Time: time.Now().UTC()}
	switch {
	case err != nil:
		to, n.Error = Failed, err.Error()
	case result.Conflict:
		to = Conflict
	}
	if err := d.record(&n); err != nil {
		return Undoing, err
	}
	if err := d.rename(Undoing.file(id), to.file(id)); err != nil {
		return Undoing, &Error{Op: "note the result", ID: id, Err: err}
	}
	if to != Undone {
		return to, d.forget()
	}
	return to, errors.Join(d.shorten(f, id), d.forget())
}

// shorten drops what was needed to undo a change that is undone, which may be large: what people are told of it stays. Where a process dies
// meanwhile all of it stays until it is forgotten.
func (d *Dir) shorten(f *os.File, id string) error {
	b, err := read(f)
	if err != nil {
		return err
	}
	p, err := decodePlan(b, id)
	if err != nil {
		return err
	}
	p.Before, p.Change = nil, nil
	if b, err = seal(p); err != nil {
		return &Error{Op: "shorten the plan", ID: id, Err: err}
	}
	short := id + "." + shortNote
	if f, err = d.create(short, b, nil); err != nil {
		return err
	}
	defer f.Close()
	// The exchange asks for both names: a change that was dismissed meanwhile does not come back.
	err = unix.Renameat2(d.fd(), short, d.fd(), Undone.file(id), unix.RENAME_EXCHANGE)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return &Error{Op: "shorten the plan", ID: id, Err: err}
	}
	for _, kind := range []string{shortNote, leftNote} {
		if err := d.remove(id + "." + kind); err != nil && !errors.Is(err, unix.ENOENT) {
			return &Error{Op: "shorten the plan", ID: id, Err: err}
		}
	}
	return nil
}

// decide takes the change to be undone, false if it was confirmed before. The rename decides; the lock only keeps it from happening
// between another's look and his decision, and a process that was stopped with the lock does not keep a host locked out.
func (d *Dir) decide(f *os.File, id string) (bool, error) {
	if ok, err := deciding.await(f, patience); err != nil {
		return false, err
	} else if ok {
		defer deciding.give(f)
	}
	err := d.rename(Waiting.file(id), Undoing.file(id))
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, &Error{Op: "undo", ID: id, Err: err}
	}
	return true, nil
}

// tries is how often a domain is called when it fails, a second apart.
const tries = 3

// call reads the plan again and calls its domain.
func (d *Dir) call(ctx context.Context, f *os.File, id string, ns *netns.NS, domains Domains) (Result, error) {
	p, err := d.plan(f, id)
	if err != nil {
		return Result{}, err
	}
	domain := domains[p.Domain]
	if domain == nil {
		return Result{}, &Error{Op: "undo", ID: id, Err: ErrUnknown, Why: "domain " + p.Domain}
	}
	var result Result
	for n := range tries {
		if n > 0 {
			pause(ctx, time.Second)
		}
		err = inside(ns, func() error {
			r, err := domain.Undo(ctx, p)
			result.Conflict, result.Lines = r.Conflict, append(result.Lines, r.Lines...) // what an earlier try did was done
			return err
		})
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return result, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// record writes the result, over that of a process that died between writing it and saying so.
func (d *Dir) record(n *note) error {
	n.Error = text(n.Error)
	for i, line := range n.Result.Lines {
		n.Result.Lines[i] = text(line)
	}
	b, err := seal(n)
	if err != nil {
		return &Error{Op: "note the result", ID: n.ID, Err: err}
	}
	name := n.ID + "." + resultNote
	if err := d.remove(name); err != nil && !errors.Is(err, unix.ENOENT) {
		return &Error{Op: "note the result", ID: n.ID, Err: err}
	}
	f, err := d.create(name, b, nil)
	if err != nil {
		return err
	}
	return f.Close()
}

// remembered is how many undone changes are kept for Pending to show.
const remembered = 16

// forget drops the oldest of many undone changes.
func (d *Dir) forget() error {
	names, err := d.names()
	if err != nil {
		return err
	}
	for {
		count, oldest, age := 0, "", int64(0)
		for _, name := range names {
			var st unix.Stat_t
			id, kind, ok := parseName(name)
			if !ok || State(kind) != Undone || unix.Fstatat(d.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
				continue
			}
			if count++; oldest == "" || st.Ctim.Nano() < age {
				oldest, age = id, st.Ctim.Nano()
			}
		}
		if count <= remembered {
			return nil
		}
		if err := d.drop(oldest, Undone); err != nil {
			return err
		}
	}
}

// drop removes all files of a change, the deciding one first.
func (d *Dir) drop(id string, s State) error {
	err := d.remove(s.file(id))
	if err != nil {
		return &Error{Op: "forget", ID: id, Err: err}
	}
	for _, kind := range []string{leftNote, resultNote, shortNote} {
		if err := d.remove(id + "." + kind); err != nil && !errors.Is(err, unix.ENOENT) {
			return &Error{Op: "forget", ID: id, Err: err}
		}
	}
	return nil
}
