package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
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
	// read calls row for each socket that f lets pass; what it gets is valid until it returns. The notes say what could not be known.
	read(f *watchFilter, row func(*shownSocket)) (notes []string, err error)
	// owners looks for the processes that hold sockets.
	owners(inodes []uint64) (func(inode uint64) []procnet.Owner, error)
}

// kernelSockets reads the sockets of the running kernel.
type kernelSockets struct {
	e *env
	o netstatOptions
}

// newKernelSockets returns a source that tells nobody but its caller what is wrong: there is a picture on the screen.
func newKernelSockets(e *env, o *netstatOptions) *kernelSockets {
	quiet := *e
	quiet.Stdout, quiet.Stderr = newOutput(io.Discard), io.Discard
	return &kernelSockets{e: &quiet, o: *o}
}

// read implements watchSource.
func (k *kernelSockets) read(f *watchFilter, row func(*shownSocket)) ([]string, error) {
	o := k.o
	o.Info = true // the counters of the rates are in the same structure
	k.e.notes = nil
	w := &socketWalk{e: k.e, o: &o, out: watchRows(row)}
	if f != nil {
		o.filter, w.filter = f.rows, f.rows
		o.All = o.All || f.rows.f.Needs()&filter.NeedState != 0
	}
	w.plan = newSocketPlan(&o)
	w.plan.anyNamed = true // a protocol that is not there is nothing to report
	w.plan.unix, w.plan.sctp = false, false
	if err := w.findSpaces(); err != nil {
		return nil, err
	}
	if f != nil {
		f.rows.limit(&w.plan)
	}
	if w.needsOwners() {
		if err := w.findOwners(context.Background()); err != nil {
			return nil, err
		}
	}
	err := w.walk()
	var notes []string
	for _, n := range k.e.notes {
		notes = append(notes, n.text)
	}
	if err != nil && len(notes) == 0 {
		return nil, err
	}
	return notes, nil
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

// watchKeyOf names a socket as long as it lives: by the kernel's cookie, which the files of /proc/net do not have; there by the inode, and
// without one by the addresses.
func watchKeyOf(s *procnet.InetSocket) watchKey {
	switch {
	case s.Diag != nil && s.Diag.Cookie != 0:
		return watchKey{cookie: s.Diag.Cookie}
	case s.Inode != 0:
		return watchKey{inode: s.Inode}
	}
	return watchKey{proto: s.Proto, local: s.Local, remote: s.Remote}
}

// watchKey is the name of a socket.
type watchKey struct {
	cookie, inode uint64
	proto         procnet.Proto
	local, remote netip.AddrPort
}

// transferredOf returns the octets that a connection has brought and taken away: tcp_info's bytes_received, and bytes_acked, which counts what
// the other end is known to have; false for a socket of which the kernel counts nothing.
func transferredOf(s *procnet.InetSocket) (in, out uint64, ok bool) {
	i := infoOf(s)
	if i == nil || !i.Has(sockdiag.InfoBytesReceived) || !i.Has(sockdiag.InfoBytesAcked) {
		return 0, 0, false
	}
	return i.BytesReceived, i.BytesAcked, true
}
