package undo

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Confirm makes a change stay and returns its plan. Without an id it is the one that waits: ErrNone or ErrSeveral when that is not
// one. ErrOver when the time is over, even if nobody has come to undo it yet.
func (d *Dir) Confirm(id string) (*Plan, error) {
	if id == "" {
		var err error
		if id, err = d.only(); err != nil {
			return nil, err
		}
	}
	f, err := d.waiting(id)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := d.plan(f, id)
	if err != nil {
		return nil, err
	}
	if p.Lasting {
		return nil, &Error{Op: "confirm", ID: id, Err: ErrLasting}
	}
	return p, d.confirm(f, p)
}

// only is the id of the change that waits, if there is one.
func (d *Dir) only() (string, error) {
	entries, err := d.Pending()
	if err != nil {
		return "", err
	}
	var ids []string
	for _, e := range entries {
		if e.State == Waiting && e.Err == nil && e.Left > 0 && !e.Plan.Lasting {
			ids = append(ids, e.ID)
		}
	}
	switch len(ids) {
	case 0:
		return "", &Error{Op: "confirm", Err: ErrNone}
	case 1:
		return ids[0], nil
	}
	return "", &Error{Op: "confirm", Err: ErrSeveral, Why: strings.Join(ids, ", ")}
}

// waiting opens the plan of a change that waits.
func (d *Dir) waiting(id string) (*os.File, error) {
	if !validID(id) {
		return nil, &Error{Op: "confirm", ID: id, Err: ErrUnknown}
	}
	f, err := d.open(Waiting.file(id))
	if !errors.Is(err, unix.ENOENT) {
		return f, err
	}
	return nil, d.lost(id)
}

// lost says why a change does not wait.
func (d *Dir) lost(id string) error {
	for _, s := range states() {
		if s != Waiting && d.exists(s.file(id)) {
			return &Error{Op: "confirm", ID: id, Err: ErrOver, Why: string(s)}
		}
	}
	return &Error{Op: "confirm", ID: id, Err: ErrUnknown}
}

// confirm removes the plan: the deciding step, which fails if the keeper has renamed it.
func (d *Dir) confirm(f *os.File, p *Plan) error {
	ok, err := deciding.await(f, patience)
	if err != nil {
		return err
	}
	if !ok {
		return &Error{Op: "confirm", ID: p.ID, Err: ErrBusy}
	}
	defer deciding.give(f)
	if d.clock.now() >= p.Deadline {
		return &Error{Op: "confirm", ID: p.ID, Err: ErrOver}
	}
	if making, err := changing.held(f); err != nil {
		return err
	} else if making {
		return &Error{Op: "confirm", ID: p.ID, Err: ErrMaking}
	}
	err = d.drop(p.ID, Waiting)
	if errors.Is(err, unix.ENOENT) {
		return d.lost(p.ID)
	}
	return err
}

// Dismiss forgets a change that waits for nothing any more: undone, in conflict, failed, or damaged, which then is undone by nobody.
func (d *Dir) Dismiss(id string) error {
	entries, err := d.Pending()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.ID != id {
			continue
		}
		if e.State == "" {
			return e.Err
		}
		if e.Err == nil && (e.State == Waiting || e.State == Undoing) {
			return &Error{Op: "dismiss", ID: id, Err: ErrWaiting}
		}
		return d.drop(id, e.State)
	}
	return &Error{Op: "dismiss", ID: id, Err: ErrUnknown}
}
