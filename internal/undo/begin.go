package undo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// Spec is a change that is about to be made.
type Spec struct {
	// Domain, What, Before and Change are those of Plan.
	Domain, What   string
	Before, Change json.RawMessage
	// After is how long a confirmation is waited for, from now: making the change counts.
	After time.Duration
	// Lasting has the change undone when this process ends; After counts all the same. Nobody can confirm it.
	Lasting bool
	// Netns is where the change will be made; nil: where the calling thread is.
	Netns *netns.NS
	// Program is what the keeper sees, and ps shows, as its own name.
	Program string
}

// Change is a change that is being made: its plan is on disk and its keeper runs. It is for one goroutine.
type Change struct {
	// Plan is the plan as it was written.
	Plan Plan
	// Keeper is the process id of the keeper.
	Keeper int

	dir *Dir
	f   *os.File // of the plan, with the lock of whoever makes the change
	// process is the keeper; ended is closed when it has.
	process *os.Process
	ended   chan struct{}
}

// hearing is how long the keeper has to say that it is there.
const hearing = 10 * time.Second

// Begin writes the plan, starts the keeper and returns when that has said that it has read the plan, opened the network namespace
// and armed its timer. Until then nothing may be changed, after an error neither: then there is no plan.
func (d *Dir) Begin(ctx context.Context, spec Spec) (*Change, error) {
	ns := spec.Netns
	if ns == nil {
		here, err := netns.Current()
		if err != nil {
			return nil, err
		}
		defer here.Close()
		ns = here
	}
	c, err := d.write(spec, ns)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx, spec.Program, ns); err != nil {
		return nil, errors.Join(err, c.Abandon())
	}
	return c, nil
}

// write writes the plan under an id of its own.
func (d *Dir) write(spec Spec, ns *netns.NS) (*Change, error) {
	if spec.After <= 0 || spec.Domain == "" {
		return nil, &Error{Op: "write the plan", Err: unix.EINVAL, Why: "there must be time to confirm it"}
	}
	p := Plan{Domain: spec.Domain, What: text(spec.What), Before: spec.Before, Change: spec.Change, Lasting: spec.Lasting, Begun: d.clock.now(), Time: time.Now().UTC()}
	p.Deadline = p.Begun + spec.After
	var err error
	if p.BootID, err = d.clock.boot(); err != nil {
		return nil, err
	}
	if p.Netns, err = identify(ns); err != nil {
		return nil, err
	}
	for {
		if p.ID, err = d.freeID(); err != nil {
			return nil, err
		}
		b, err := seal(&p)
		if err != nil {
			return nil, &Error{Op: "write the plan", Err: err}
		}
		if _, err := decodePlan(b, p.ID); err != nil { // also a deadline beyond the end of time
			return nil, err
		}
		f, err := d.create(Waiting.file(p.ID), b, func(f *os.File) error {
			_, err := changing.take(f)
			return err
		})
		if err == nil {
			return &Change{Plan: p, dir: d, f: f}, nil
		}
		if !errors.Is(err, unix.EEXIST) {
			return nil, err
		}
	}
}

// freeID makes up an id that no file has.
func (d *Dir) freeID() (string, error) {
	names, err := d.names()
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, name := range names {
		if id, _, ok := parseName(name); ok {
			taken[id] = true
		}
	}
	for {
		var random [idLen]byte
		if _, err := unix.Getrandom(random[:], 0); err != nil {
			return "", &Error{Op: "make an id", Err: err}
		}
		for i := range random {
			random[i] = letters[int(random[i])%len(letters)]
		}
		if id := string(random[:]); !taken[id] {
			return id, nil
		}
	}
}

// start starts the keeper and hears from it.
func (c *Change) start(ctx context.Context, program string, ns *netns.NS) error {
	r, w, err := os.Pipe()
	if err != nil {
		return &Error{Op: "start the keeper", Err: err}
	}
	defer r.Close()
	cmd, err := keeperCommand(program, c, ns, w)
	if err == nil {
		err = cmd.Start()
		for _, f := range cmd.ExtraFiles[1:] { // the first is the directory's own
			f.Close()
		}
	}
	w.Close()
	if err != nil {
		return &Error{Op: "start the keeper", ID: c.Plan.ID, Err: ErrKeeper, Why: err.Error()}
	}
	if err := hear(ctx, r); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return &Error{Op: "start the keeper", ID: c.Plan.ID, Err: ErrKeeper, Why: err.Error()}
	}
	c.Keeper, c.process, c.ended = cmd.Process.Pid, cmd.Process, make(chan struct{})
	go func() {
		cmd.Wait() // so that it is no zombie if we live longer
		close(c.ended)
	}()
	return nil
}

// The descriptors that a keeper is born with.
const (
	dirFd = 3 + iota
	netnsFd
	heardFd
	changerFd
)

// keeperCommand is this program again in a session of its own, without our streams, environment and directory.
func keeperCommand(program string, c *Change, ns *netns.NS, heard *os.File) (*exec.Cmd, error) {
	nsCopy, err := unix.FcntlInt(uintptr(ns.Fd()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	nsFile := os.NewFile(uintptr(nsCopy), "netns")
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		nsFile.Close()
		return nil, err
	}
	cmd := netns.Self(program, KeeperWord, c.Plan.ID)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{c.dir.f, nsFile, heard, os.NewFile(uintptr(self), "changer")}
	return cmd, nil
}

// heardWord is what a keeper says when all is well; anything else is what is wrong.
const heardWord = "+"

// hear waits for the keeper's word.
func hear(ctx context.Context, r *os.File) error {
	if err := r.SetReadDeadline(time.Now().Add(hearing)); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { r.SetReadDeadline(time.Unix(1, 0)) })()
	word, err := io.ReadAll(io.LimitReader(r, 4096))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case len(word) == 0:
		return errors.New("it ended without a word")
	case string(word) != heardWord:
		return errors.New(string(word))
	}
	return nil
}

// Over reports whether the deadline has passed: then nothing more may be changed. A process that is still making its change two
// seconds later is ended by the keeper.
func (c *Change) Over() bool { return c.dir.clock.now() >= c.Plan.Deadline }

// Left is the time to the deadline, negative after it.
func (c *Change) Left() time.Duration { return c.Plan.Deadline - c.dir.clock.now() }

// Made says that the change is made and what it left, and leaves the rest to the keeper. An error that is ErrOver: the time was over
// before, and the change is being undone. After any other error the keeper still undoes the change at its deadline, if need be
// without knowing what it left.
func (c *Change) Made(left json.RawMessage) error {
	defer c.f.Close()
	b, err := seal(&note{ID: c.Plan.ID, Left: left, Time: time.Now().UTC()})
	if err != nil {
		return &Error{Op: "note what was left", ID: c.Plan.ID, Err: err}
	}
	f, err := c.dir.create(c.Plan.ID+"."+leftNote, b, nil)
	if err != nil {
		return err
	}
	f.Close()
	if err := changing.give(c.f); err != nil {
		return err
	}
	if c.Over() || !c.dir.exists(Waiting.file(c.Plan.ID)) {
		return &Error{Op: "change", ID: c.Plan.ID, Err: ErrOver, Why: fmt.Sprintf("making it took longer than %v", c.Plan.Deadline-c.Plan.Begun)}
	}
	return nil
}

// Abandon says that nothing was changed: there will be nothing to undo. It must not be called after a change, even a partial one.
func (c *Change) Abandon() error {
	defer c.f.Close()
	if err := c.dir.remove(Waiting.file(c.Plan.ID)); err != nil && !errors.Is(err, unix.ENOENT) {
		return &Error{Op: "remove the plan", ID: c.Plan.ID, Err: err}
	}
	return nil
}
