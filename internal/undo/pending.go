package undo

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Entry is one change in the directory.
type Entry struct {
	// ID is the change's, or the name of a file that is none of ours.
	ID string
	// State is "" for a file that is none of ours.
	State State
	// Plan is nil when Err says that it could not be read.
	Plan *Plan
	// Left is the time to the deadline, negative after it.
	Left time.Duration
	// Keeper is set while the process that undoes the change lives, Making while the one that makes it does.
	Keeper, Making bool
	// Result is what the domain said, when the change was undone or that was tried; Error why it failed; Ended when.
	Result *Result
	Error  string
	Ended  time.Time
	// Err says why the entry is refused: damaged, in others' hands, of another boot.
	Err error
}

// Pending lists the changes, those that were undone included, in the order of their ids. Nothing is changed by looking.
func (d *Dir) Pending() ([]Entry, error) { return d.list(false) }

// Unfinished is Pending that reads no more than it must: a change that is over, in the states Undone, Conflict and Failed, has its ID and
// State only. A plan can be large, and 16 of those that were undone are kept.
func (d *Dir) Unfinished() ([]Entry, error) { return d.list(true) }

func (d *Dir) list(unfinished bool) ([]Entry, error) {
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var entries []Entry
	last := ""
	for _, name := range names {
		id, _, ok := parseName(name)
		switch {
		case !ok:
			entries = append(entries, Entry{ID: name, Err: unsafeError(name, "it is none of gnet's files")})
		case id == last: // another file of the same change
		default:
			last = id
			if e := d.find(id, unfinished); !errors.Is(e.Err, unix.ENOENT) { // confirmed since it was listed
				entries = append(entries, e)
			}
		}
	}
	return entries, nil
}

// find looks for a change in the order in which it goes through its states, so that one that moves on is not missed.
func (d *Dir) find(id string, unfinished bool) Entry {
	for _, s := range states() {
		if unfinished && s != Waiting && s != Undoing {
			if d.exists(s.file(id)) {
				return Entry{ID: id, State: s}
			}
			continue
		}
		f, err := d.open(s.file(id))
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return Entry{ID: id, State: s, Err: err}
		}
		defer f.Close()
		return d.entry(f, id, s)
	}
	return Entry{ID: id, Err: &Error{Op: "open", ID: id, Err: unix.ENOENT}}
}

func (d *Dir) entry(f *os.File, id string, s State) Entry {
	e := Entry{ID: id, State: s}
	if e.Plan, e.Err = d.plan(f, id); e.Plan != nil {
		e.Left = e.Plan.Deadline - d.clock.now()
	}
	var keeperErr, changerErr error
	e.Keeper, keeperErr = keeping.held(f)
	e.Making, changerErr = changing.held(f)
	if e.Err = errors.Join(e.Err, keeperErr, changerErr); e.Err != nil || s == Waiting || s == Undoing {
		return e
	}
	n, err := d.note(id, resultNote)
	switch {
	case err != nil:
		e.Err = err
	case n == nil:
		e.Err = &Error{Op: "read the result of", ID: id, Err: ErrDamaged, Why: fmt.Sprintf("there is no %s.%s", id, resultNote)}
	default:
		e.Result, e.Error, e.Ended = n.Result, n.Error, n.Time
	}
	return e
}
