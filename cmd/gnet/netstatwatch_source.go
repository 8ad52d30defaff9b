package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"gnet/internal/sockdiag"
	"gnet/procnet"
	"gnet/procnet/filter"
)

// watchFilter is an expression that is in force, and what it asks for. It is not changed once it has been made; nil lets all pass.
type watchFilter struct {
	text string
	rows *rowFilter
}

// watchFilterOf returns what makes filters of text that is being typed. It never asks the resolver, which could take seconds at every letter.
func watchFilterOf(ctx context.Context, o *netstatOptions) func(text string) (*watchFilter, error) {
	names := watchNames{&filterNames{ctx: ctx, o: o}}
	return func(text string) (*watchFilter, error) {
		if strings.TrimSpace(text) == "" {
			return nil, nil
		}
		f, err := filter.Parse(text, names)
		if err != nil {
			return nil, err
		}
		return &watchFilter{text: text, rows: newRowFilter(f)}, nil
	}
}

// watchNames looks up all names but those of hosts.
type watchNames struct{ *filterNames }

var errNoResolver = errors.New("names of hosts are not asked for here; take its address")

// Host implements filter.Names.
func (watchNames) Host(string) ([]netip.Addr, error) { return nil, errNoResolver }

// watchSource is where the sockets come from.
type watchSource interface {
	// read calls row for each socket that f lets pass, until that returns false; what row gets is valid until it returns. With detailed the
	// sockets have all that the kernel tells. The notes say what could not be known.
	read(f *watchFilter, detailed bool, row func(*shownSocket) bool) (notes []string, err error)
	// owners looks for the processes that hold sockets.
	owners(inodes []uint64) (func(inode uint64) []procnet.Owner, error)
}

// kernelSockets reads the sockets of the running kernel.
type kernelSockets struct {
	e *env
	o netstatOptions
	// kept stays open from one reading to the next: its buffers are larger than all else that a reading takes.
	kept *procnet.Sockets
	// own is the namespace of this process, which stays the same; empty before the first reading and where others are read.
	own []socketSpace
}

// newKernelSockets returns a source that tells nobody but its caller what is wrong: there is a picture on the screen.
func newKernelSockets(e *env, o *netstatOptions) *kernelSockets {
	quiet := *e
	quiet.Stdout, quiet.Stderr = newOutput(io.Discard), io.Discard
	return &kernelSockets{e: &quiet, o: *o}
}

// read implements watchSource.
func (k *kernelSockets) read(f *watchFilter, detailed bool, row func(*shownSocket) bool) ([]string, error) {
	o := k.o
	o.Info = true // the counters of the rates are in the same structure
	o.filter = nil
	k.e.notes = nil
	rows := &watchTables{whole: detailed || f != nil, detailed: detailed}
	w := &socketWalk{e: k.e, o: &o, out: watchRows(func(s *shownSocket) { rows.enough = rows.enough || !row(s) })}
	if f != nil {
		o.filter, w.filter = f.rows, f.rows
		o.All = o.All || f.rows.f.Needs()&filter.NeedState != 0
	}
	w.plan = newSocketPlan(&o)
	w.plan.anyNamed = true // a protocol that is not there is nothing to report
	w.plan.unix, w.plan.sctp = false, false
	if err := k.findSpaces(w); err != nil {
		return nil, err
	}
	if f != nil {
		f.rows.limit(&w.plan)
	}
	if w.needsOwners() {
		if err := w.findOwners(context.Background()); err != nil {
			return nil, err
		}
	} else {
		k.keepOpen(&w.spaces[0], rows)
	}
	err := w.walk()
	var notes []string
	for _, n := range k.e.notes {
		notes = append(notes, n.text)
	}
	if err != nil || len(notes) > 0 {
		k.close()
	}
	if err != nil && len(notes) == 0 {
		return nil, err
	}
	return notes, nil
}

// findSpaces says what the walk goes through.
func (k *kernelSockets) findSpaces(w *socketWalk) error {
	named := w.o.filter != nil && w.o.filter.f.Needs()&filter.NeedNetns != 0 // names come and go
	if len(k.own) > 0 && !named {
		w.spaces = slices.Clone(k.own)
		return nil
	}
	if err := w.findSpaces(); err != nil {
		return err
	}
	if k.o.Netns == "" && !named {
		k.own = slices.Clone(w.spaces)
	}
	return nil
}

// keepOpen has the walk read what is open already, through rows. What the walk opens and closes itself is nothing then.
func (k *kernelSockets) keepOpen(space *socketSpace, rows *watchTables) {
	if k.kept == nil {
		k.kept = space.fs.Sockets()
	}
	rows.socketTables = k.kept
	space.source, space.tables = k.kept, rows
	space.opened = func(s *socketSpace) error {
		s.source = procnet.NewSockets(s.fs, nil)
		return nil
	}
}

// close closes what is open; the next reading opens it anew.
func (k *kernelSockets) close() {
	if k.kept != nil {
		k.kept.Close()
		k.kept = nil
	}
}

// watchTables asks for what is shown alone, and stops where that is enough.
type watchTables struct {
	socketTables
	// detailed asks for all attributes, whole for the users of embryonic connections, which stand in the file alone: one of them would have
	// all of it read.
	detailed, whole bool
	enough          bool
}

// Inet implements socketTables.
func (t *watchTables) Inet(p procnet.Proto, v6 bool, q procnet.Query) iter.Seq2[*procnet.InetSocket, error] {
	if !t.detailed {
		q.Ext &^= sockdiag.ExtCong | sockdiag.ExtSkMemInfo
	}
	q.Users = q.Users && t.whole
	return func(yield func(*procnet.InetSocket, error) bool) {
		if t.enough {
			return
		}
		for s, err := range t.socketTables.Inet(p, v6, q) {
			if !yield(s, err) || t.enough {
				return
			}
		}
	}
}

// owners implements watchSource.
func (k *kernelSockets) owners(inodes []uint64) (func(inode uint64) []procnet.Owner, error) {
	found, err := k.o.sockets().Owners(context.Background(), inodes, false)
	if err != nil {
		return nil, err
	}
	return found.Of, nil
}

// watchRows is a socketWriter that hands out the inet sockets.
type watchRows func(*shownSocket)

func (w watchRows) inetTitle()          {}
func (w watchRows) unixTitle()          {}
func (w watchRows) unix(*shownSocket)   {}
func (w watchRows) inet(s *shownSocket) { w(s) }
