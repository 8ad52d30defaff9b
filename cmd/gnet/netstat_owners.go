package main

import (
	"context"
	"iter"
	"os"
	"slices"

	"gnet/internal/render"
	"gnet/procnet"
)

// findOwners looks for the processes of the sockets that will be shown. It has
// to know them first, so the walk goes on over a copy of the tables.
func (w *socketWalk) findOwners(ctx context.Context) error {
	var inodes []uint64
	for i := range w.spaces {
		if space := &w.spaces[i]; space.enter() {
			inodes = w.keepTables(space, inodes)
			space.leave() // or the scan would find our own socket
		}
	}
	owners, err := w.o.sockets().Owners(ctx, inodes, w.needsAllOwners())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		w.e.warn("%v", err)
		w.failed = true
		owners = new(procnet.Owners)
	}
	w.owners = owners
	w.reportOwners()
	return nil
}

// needsAllOwners reports whether every process of a socket is looked for, or the
// lowest one alone, which is faster.
func (w *socketWalk) needsAllOwners() bool {
	switch {
	case w.o.AllOwners, w.o.countsBy("comm"):
		return true // the kernel's name is read with all of them only
	case w.filter != nil && w.filter.needsOwners():
		return true
	}
	return w.o.Format != render.Classic && len(w.o.CountBy) == 0
}

// reportOwners says what could not be known, in the original's words where it
// has any. It has none for processes that are hidden or in another namespace.
func (w *socketWalk) reportOwners() {
	o := w.owners
	switch {
	case o.Denied && !o.Sockets:
		w.e.warnBare("(No info could be read for \"-p\": geteuid()=%d but you should be root.)", os.Geteuid())
	case o.Denied:
		w.e.warnBare("(Not all processes could be identified, non-owned process info\n will not be shown, you would have to be root to see it all.)")
	case o.Missing > 0:
		w.e.hint("sockets without a visible process: %d (it is in another pid namespace or hidden by hidepid, or the kernel holds them)", o.Missing)
	}
	if o.Err != nil {
		w.e.warn("%v", o.Err)
		w.failed = true
	}
}

// keptTables is what was read of one namespace: the sockets that may be shown,
// and every error in its place.
type keptTables struct {
	inets  map[inetFile]*keptInet
	sctp   map[bool][]keptSCTP // by whether they are associations
	unixes []keptUnix
}

type inetFile struct {
	proto procnet.Proto
	v6    bool
}

// keptInet is what was read of one inet table.
type keptInet struct {
	rows *procnet.InetShelf
	errs []keptError
}

// keptError is an error that came before the row of that number.
type keptError struct {
	at  int
	err error
}

type keptUnix struct {
	row procnet.UnixSocket
	err error
}

// keepTables reads the tables of a namespace whole, puts what it kept in their
// place, and appends the inodes of the sockets.
func (w *socketWalk) keepTables(space *socketSpace, inodes []uint64) []uint64 {
	k := &keptTables{inets: make(map[inetFile]*keptInet), sctp: make(map[bool][]keptSCTP)}
	if w.plan.inet {
		for _, t := range w.plan.inetTables() {
			if t.sctp {
				inodes = k.keepSCTP(w, space, inodes)
			} else {
				inodes = k.keepInet(w, space, t, inodes)
			}
		}
	}
	if w.plan.unix {
		inodes = k.keepUnix(w, space, inodes)
	}
	space.tables = k
	return inodes
}

func (k *keptTables) keepInet(w *socketWalk, space *socketSpace, t inetTable, inodes []uint64) []uint64 {
	kept := &keptInet{rows: procnet.NewInetShelf(t.proto, t.v6)}
	k.inets[inetFile{t.proto, t.v6}] = kept
	diag := w.needsDiag()
	shown := shownSocket{space: space}
	for s, err := range space.tables.Inet(t.proto, t.v6, w.inetQuery(t)) {
		if err != nil {
			kept.errs = append(kept.errs, keptError{kept.rows.Len(), err})
			continue
		}
		if shown.inet = s; w.mayShow(&shown) {
			kept.rows.Add(s, diag)
			inodes = append(inodes, s.Inode)
		}
	}
	return inodes
}

func (k *keptTables) keepUnix(w *socketWalk, space *socketSpace, inodes []uint64) []uint64 {
	shown := shownSocket{space: space}
	for s, err := range space.tables.Unix(w.unixQuery()) {
		if err != nil {
			k.unixes = append(k.unixes, keptUnix{err: err})
			continue
		}
		if shown.unix = s; w.mayShow(&shown) {
			row := *s
			row.Path = slices.Clone(s.Path)
			if s.Diag != nil {
				row.Diag = s.Diag.Clone()
			}
			k.unixes = append(k.unixes, keptUnix{row: row})
			inodes = append(inodes, s.Inode)
		}
	}
	return inodes
}

// Inet and Unix make what was kept a socketTables. The query was answered when
// it was read.
func (k *keptTables) Inet(proto procnet.Proto, v6 bool, _ procnet.Query) iter.Seq2[*procnet.InetSocket, error] {
	kept := k.inets[inetFile{proto, v6}]
	return func(yield func(*procnet.InetSocket, error) bool) {
		errs := kept.errs
		for i, s := range kept.rows.All() {
			for ; len(errs) > 0 && errs[0].at <= i; errs = errs[1:] {
				if !yield(nil, errs[0].err) {
					return
				}
			}
			if !yield(s, nil) {
				return
			}
		}
		for _, e := range errs {
			if !yield(nil, e.err) {
				return
			}
		}
	}
}

func (k *keptTables) Unix(procnet.Query) iter.Seq2[*procnet.UnixSocket, error] {
	return func(yield func(*procnet.UnixSocket, error) bool) {
		for i := range k.unixes {
			row, err := &k.unixes[i].row, k.unixes[i].err
			if err != nil {
				row = nil
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
