package undo

import (
	"context"
	"time"

	"gnet/internal/netns"
)

// What the tests of other packages may reach.
var (
	DecodePlan = decodePlan
	DecodeNote = decodeNote
	Seal       = seal
)

// SetClock makes deadlines be measured by a time and a boot of the test.
func (d *Dir) SetClock(now *time.Duration, boot *string) {
	d.clock = clock{now: func() time.Duration { return *now }, boot: func() (string, error) { return *boot, nil }}
}

// WriteOnly writes a plan as Begin does, without a keeper, which is as if that had died.
func (d *Dir) WriteOnly(spec Spec) (*Change, error) {
	ns, err := netns.Current()
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	return d.write(spec, ns)
}

// Die lets go of the plan as the kernel does when the process that makes the change is killed.
func (c *Change) Die() { c.f.Close() }

// Noted is a note for fuzzing.
type Noted = note

// UndoLate undoes a change as a process does that opened its plan, was slow, and finds it confirmed if between has done that.
func (d *Dir) UndoLate(id string, domains Domains, between func()) (State, error) {
	f, err := d.open(Waiting.file(id))
	if err != nil {
		return "", err
	}
	defer f.Close()
	ns, err := netns.Current()
	if err != nil {
		return "", err
	}
	defer ns.Close()
	between()
	return d.undo(context.Background(), f, id, Waiting, ns, domains)
}
