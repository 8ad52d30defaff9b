package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/procnet"
)

// socketTables is where sockets come from: the files, or what was kept of them.
type socketTables interface {
	Inet(p procnet.Proto, v6 bool) iter.Seq2[*procnet.InetSocket, error]
	Unix() iter.Seq2[*procnet.UnixSocket, error]
}

// groupWriter prints multicast memberships behind their title.
type groupWriter interface {
	groupTitle()
	group(g *procnet.Group)
}

// socketWriter prints sockets. The titles come once each, before their rows.
type socketWriter interface {
	inetTitle()
	inet(s *procnet.InetSocket, owners []procnet.Owner)
	unixTitle()
	unix(s *procnet.UnixSocket, owners []procnet.Owner)
}

// showSockets shows one round of sockets.
func showSockets(ctx context.Context, e *env, o *netstatOptions) error {
	w := &socketWalk{e: e, o: o, plan: newSocketPlan(o), tables: o.sockets()}
	if o.Programs && (!o.Groups || w.plan.inet || w.plan.unix) {
		if err := w.findOwners(ctx); err != nil {
			return err
		}
	}
	if o.Format == render.Classic {
		sockets := newClassicSockets(ctx, e, o)
		w.out, w.groups = sockets, &classicGroups{e: e, names: sockets.names}
		return w.walk()
	}
	doc := e.document(o.Format, socketSchema)
	w.out = newSocketDocument(doc, o)
	err := w.walk()
	e.closeDocument(doc)
	e.notes = nil
	return err
}

// socketWalk is one round: every table of the plan, in netstat's order.
type socketWalk struct {
	e      *env
	o      *netstatOptions
	plan   socketPlan
	tables socketTables
	owners *procnet.Owners // nil without -p
	out    socketWriter
	groups groupWriter // nil without -g
	failed bool        // a file could not be read to its end
}

// walk prints the tables. A protocol that was asked for by name and is not
// there ends it; what it lacks otherwise is passed over.
func (w *socketWalk) walk() error {
	for _, part := range []func() error{w.inetTables, w.groupTables, w.unixTable, w.oldTables} {
		if err := part(); err != nil {
			return err
		}
	}
	if w.failed {
		return exitSilently(statusNo)
	}
	return nil
}

func (w *socketWalk) inetTables() error {
	if !w.plan.inet {
		return nil
	}
	w.out.inetTitle()
	for _, t := range w.plan.inetTables() {
		if t.sctp {
			if err := w.sctp(); err != nil {
				return err
			}
			continue
		}
		for s, err := range w.tables.Inet(t.proto, t.v6) {
			if err != nil {
				if err := w.problem(err, t.word(), t.bogus(), t.named, t.v6); err != nil {
					return err
				}
				continue
			}
			if w.plan.shows(s.Listening()) {
				w.out.inet(s, w.ownersOf(s.Inode))
			}
		}
	}
	return nil
}

func (w *socketWalk) unixTable() error {
	if !w.plan.unix {
		return nil
	}
	w.out.unixTitle()
	for s, err := range w.tables.Unix() {
		if err != nil {
			if err := w.problem(err, "AF UNIX", "unix", w.plan.unixNamed, false); err != nil {
				return err
			}
			continue
		}
		if w.plan.shows(s.Listening()) {
			w.out.unix(s, w.ownersOf(s.Inode))
		}
	}
	return nil
}

func (w *socketWalk) ownersOf(inode uint64) []procnet.Owner {
	if w.owners == nil {
		return nil
	}
	return w.owners.Of(inode)
}

// problem deals with an error of a table: a bad row is reported and the walk
// goes on; a file that is absent is what absent says; a failure in the middle is
// reported, and remembered for the status.
func (w *socketWalk) problem(err error, word, bogus string, named, silent bool) error {
	var bad *procnet.ParseError
	switch {
	case errors.As(err, &bad):
		w.e.warnBare("warning, got bogus %s line.", bogus)
		w.e.hint("%v", bad)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		if !silent {
			return w.absent(word, named)
		}
	default:
		w.failed = true
		w.e.warn("%v", err)
	}
	return nil
}

// absent says that the kernel does not have a protocol: an error when it was
// asked for by name, a line with -v when everything was, else nothing.
func (w *socketWalk) absent(word string, named bool) error {
	switch {
	case named:
		return fail(statusNo, "no support for `%s' on this system.", word)
	case w.o.Verbose && !w.plan.anyNamed:
		w.e.warn("no support for `%s' on this system.", word)
	}
	return nil
}

// sctp stands where netstat shows SCTP, which this version does not read. With
// all families it looks for two files, and misses both.
func (w *socketWalk) sctp() error {
	if w.exists("sctp/eps") {
		return w.unread("SCTP", w.plan.sctpNamed)
	}
	if !w.plan.v4 {
		return nil
	}
	if err := w.absent("AF INET (sctp)", w.plan.sctpNamed); err != nil {
		return err
	}
	return w.absent("AF INET (sctp)", false)
}

// oldTables are the families that living kernels no longer have.
func (w *socketWalk) oldTables() error {
	for _, t := range w.plan.oldTables(&w.o.Families) {
		var err error
		if w.exists(t.file) {
			err = w.unread(t.word, t.named)
		} else {
			err = w.absent("AF "+t.word, t.named)
		}
		if err != nil {
			return err
		}
	}
	if w.o.Families.Bluetooth {
		return fail(statusNo, "feature `AF BLUETOOTH' not supported.\nPlease recompile `net-tools' with newer kernel source or full configuration.")
	}
	return nil
}

// unread says that the kernel has sockets which gnet does not show.
func (w *socketWalk) unread(word string, named bool) error {
	if named {
		return fail(statusNo, "%s sockets are not in this version", word)
	}
	w.e.warn("%s sockets are not in this version", word)
	return nil
}

func (w *socketWalk) exists(file string) bool {
	_, err := os.Stat(procfile.At(w.o.ProcRoot).Net(file))
	return err == nil
}
