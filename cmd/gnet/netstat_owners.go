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
	kept := keepSockets(w.tables, &w.plan)
	owners, err := w.o.sockets().Owners(ctx, kept.inodes, w.o.Format != render.Classic)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		w.e.warn("%v", err)
		w.failed = true
		owners = new(procnet.Owners)
	}
	w.tables, w.owners = kept, owners
	w.reportOwners()
	return nil
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

// keptSockets is what was read of the tables: the sockets that will be shown,
// and every error in its place.
type keptSockets struct {
	inets  map[inetFile][]kept[procnet.InetSocket]
	unixes []kept[procnet.UnixSocket]
	inodes []uint64
}

type inetFile struct {
	proto procnet.Proto
	v6    bool
}

type kept[T any] struct {
	row T
	err error
}

func keepSockets(tables socketTables, p *socketPlan) *keptSockets {
	k := &keptSockets{inets: make(map[inetFile][]kept[procnet.InetSocket])}
	if p.inet {
		for _, t := range p.inetTables() {
			if !t.sctp {
				k.keepInet(tables, p, inetFile{t.proto, t.v6})
			}
		}
	}
	if p.unix {
		k.keepUnix(tables, p)
	}
	return k
}

func (k *keptSockets) keepInet(tables socketTables, p *socketPlan, file inetFile) {
	var rows []kept[procnet.InetSocket]
	for s, err := range tables.Inet(file.proto, file.v6) {
		switch {
		case err != nil:
			rows = append(rows, kept[procnet.InetSocket]{err: err})
		case p.shows(s.Listening()):
			rows = append(rows, kept[procnet.InetSocket]{row: *s})
			k.inodes = append(k.inodes, s.Inode)
		}
	}
	k.inets[file] = rows
}

func (k *keptSockets) keepUnix(tables socketTables, p *socketPlan) {
	for s, err := range tables.Unix() {
		switch {
		case err != nil:
			k.unixes = append(k.unixes, kept[procnet.UnixSocket]{err: err})
		case p.shows(s.Listening()):
			row := *s
			row.Path = slices.Clone(s.Path)
			k.unixes = append(k.unixes, kept[procnet.UnixSocket]{row: row})
			k.inodes = append(k.inodes, s.Inode)
		}
	}
}

// Inet and Unix make what was kept a socketTables.
func (k *keptSockets) Inet(proto procnet.Proto, v6 bool) iter.Seq2[*procnet.InetSocket, error] {
	return replay(k.inets[inetFile{proto, v6}])
}

func (k *keptSockets) Unix() iter.Seq2[*procnet.UnixSocket, error] { return replay(k.unixes) }

func replay[T any](rows []kept[T]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for i := range rows {
			row, err := &rows[i].row, rows[i].err
			if err != nil {
				row = nil
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
