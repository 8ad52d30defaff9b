package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/procnet"
)

// socketTables is where the sockets of one network namespace come from: the
// kernel, or what was kept of it.
type socketTables interface {
	Inet(p procnet.Proto, v6 bool, q procnet.Query) iter.Seq2[*procnet.InetSocket, error]
	Unix(q procnet.Query) iter.Seq2[*procnet.UnixSocket, error]
	SCTP(associations bool) iter.Seq2[*procnet.SCTPSocket, error]
}

// socketSpace is one network namespace whose sockets are shown.
type socketSpace struct {
	tables socketTables
	source *procnet.Sockets // what tables were read from
	fs     procnet.FS       // its files
	netnsOf
}

// shownSocket is one socket on its way to the output: inet or unix is set. What
// it points to is valid until the next socket.
type shownSocket struct {
	inet   *procnet.InetSocket
	sctp   *procnet.SCTPSocket // nil, or inet is a part of it
	unix   *procnet.UnixSocket
	owners []procnet.Owner // with -p
	space  *socketSpace
	killed *killResult // with --kill, afterwards
}

func (s *shownSocket) listening() bool {
	if s.unix != nil {
		return s.unix.Listening()
	}
	return s.inet.Listening()
}

func (s *shownSocket) inode() uint64 {
	if s.unix != nil {
		return s.unix.Inode
	}
	return s.inet.Inode
}

// socketFilter shows some of the sockets that the plan means.
type socketFilter interface {
	// narrow adds to the query of a protocol what the filter must see of a row,
	// and what the kernel can leave out for it.
	narrow(p procnet.Proto, q *procnet.Query)
	// needsOwners reports whether keep asks for them.
	needsOwners() bool
	// keep decides about one socket. It is called for every row, whatever the
	// kernel left out; with owned false the owners are not known yet, and what
	// depends on them is kept.
	keep(s *shownSocket, owned bool) bool
}

// groupWriter prints multicast memberships behind their title.
type groupWriter interface {
	groupTitle()
	group(g *procnet.Group)
}

// socketWriter prints sockets. The titles come once each, before their rows.
type socketWriter interface {
	inetTitle()
	inet(s *shownSocket)
	unixTitle()
	unix(s *shownSocket)
}

// showSockets shows one round of sockets.
func showSockets(ctx context.Context, e *env, o *netstatOptions) error {
	w := &socketWalk{e: e, o: o, plan: newSocketPlan(o)}
	if err := w.findSpaces(); err != nil {
		return err
	}
	if o.filter != nil {
		w.filter = o.filter
		o.filter.limit(&w.plan)
	}
	if w.needsOwners() {
		if err := w.findOwners(ctx); err != nil {
			return err
		}
	}
	switch {
	case len(o.CountBy) > 0:
		return w.countSockets()
	case o.Format == render.Classic:
		sockets := newClassicSockets(ctx, e, o)
		w.out, w.groups = sockets, &classicGroups{e: e, names: sockets.names}
		return w.walk()
	}
	doc := e.document(o.Format, socketSchema)
	out := newSocketDocument(e, doc, o)
	w.out = out
	err := w.walk()
	w.incomplete(out.close())
	w.closeDocument(doc, err)
	return cmp.Or(err, w.outcome())
}

// closeDocument ends the document of a round. What ended the walk is its last note,
// since a document without rows looks like a host without sockets.
func (w *socketWalk) closeDocument(doc *render.Document, err error) {
	var ended *failure
	if errors.As(err, &ended) && ended.err != nil {
		w.e.notes = append(w.e.notes, message{"error", ended.err.Error()})
	}
	w.e.closeDocument(doc)
	w.e.notes = nil
}

// socketWalk is one round: every table of the plan, in netstat's order.
type socketWalk struct {
	e      *env
	o      *netstatOptions
	plan   socketPlan
	spaces []socketSpace
	space  *socketSpace    // the one in hand
	filter socketFilter    // nil: all that the plan means
	owners *procnet.Owners // nil when nothing asks for them
	out    socketWriter
	groups groupWriter // nil without -g
	failed bool        // a file could not be read to its end
	headed bool        // a heading was printed
}

// needsOwners reports whether processes are looked for: with -p, and for a
// filter that asks for them.
func (w *socketWalk) needsOwners() bool {
	return (w.plan.inet || w.plan.unix) && (w.o.Programs || w.o.countsOwners() || w.filter != nil && w.filter.needsOwners())
}

// needsDiag reports whether anybody looks at what only sock_diag says of a row.
func (w *socketWalk) needsDiag() bool {
	if w.filter != nil || w.o.Info || w.o.Kill || w.o.countExt() != 0 {
		return true
	}
	return w.o.Format != render.Classic && len(w.o.CountBy) == 0
}

// inetQuery is what is asked of one inet table.
func (w *socketWalk) inetQuery(t inetTable) procnet.Query {
	q := procnet.Query{
		States: w.plan.states(t.proto),
		Timers: w.o.Timers,
		Users:  w.o.Extend > 0 || w.needsDiag() || w.o.countsBy("uid", "user"),
		Ext:    w.o.infoExt(t.proto) | w.o.countExt(),
		Diag:   w.o.Kill,
	}
	q.Both = t.proto == procnet.TCP && w.plan.v4 && w.plan.v6 && (q.Ext != 0 || !w.needsDiag())
	if w.filter != nil {
		w.filter.narrow(t.proto, &q)
	}
	return q
}

func (w *socketWalk) unixQuery() procnet.Query { return procnet.Query{Diag: w.needsDiag()} }

// mayShow decides about a socket whose owners are not known yet.
func (w *socketWalk) mayShow(s *shownSocket) bool {
	return w.plan.shows(s.listening()) && (w.filter == nil || w.filter.keep(s, false))
}

// show prints a socket unless the plan or the filter is against it.
func (w *socketWalk) show(s *shownSocket, print func(*shownSocket)) {
	if !w.plan.shows(s.listening()) {
		return
	}
	if w.owners != nil {
		s.owners = w.owners.Of(s.inode())
	}
	if w.filter == nil || w.filter.keep(s, true) {
		print(s)
	}
}

// walk prints the tables of each namespace. A protocol that was asked for by
// name and is not there ends it; what it lacks otherwise is passed over.
func (w *socketWalk) walk() error {
	defer w.reportSources()
	defer w.reportFilter()
	for i := range w.spaces {
		if err := w.walkSpace(&w.spaces[i]); err != nil {
			return err
		}
	}
	w.reportSpaces()
	w.reportRoot()
	return w.outcome()
}

// reportRoot says that there is no network part in the tree of --proc-root. The
// tables that nobody named are missed silently, and a wrong directory would look
// like a host without sockets.
func (w *socketWalk) reportRoot() {
	root := procfile.At(w.o.ProcRoot)
	if root.IsLive() || w.o.Netns != "" {
		return
	}
	if _, err := os.Stat(root.Net("")); errors.Is(err, fs.ErrNotExist) {
		w.incomplete(fmt.Errorf("--proc-root: %w", err))
	}
}

// outcome is the status when all is said.
func (w *socketWalk) outcome() error {
	if w.failed {
		return exitSilently(statusNo)
	}
	return nil
}

func (w *socketWalk) walkSpace(space *socketSpace) error {
	if !space.enter() {
		return nil
	}
	defer space.leave()
	w.space = space
	w.heading()
	for _, part := range []func() error{w.inetTables, w.groupTables, w.unixTable, w.oldTables} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (w *socketWalk) inetTables() error {
	if !w.plan.inet {
		return nil
	}
	w.out.inetTitle()
	for _, t := range w.plan.inetTables() {
		table := w.inetTable
		if t.sctp {
			table = w.sctpTables
		}
		if err := table(w.space, t); err != nil {
			return err
		}
	}
	return nil
}

func (w *socketWalk) inetTable(space *socketSpace, t inetTable) error {
	shown := shownSocket{space: space}
	for s, err := range space.tables.Inet(t.proto, t.v6, w.inetQuery(t)) {
		if err == nil {
			shown.inet = s
			w.show(&shown, w.out.inet)
		} else if err := w.problem(err, t.word(), t.bogus(), t.named, t.v6); err != nil {
			return err
		}
	}
	return nil
}

func (w *socketWalk) unixTable() error {
	if !w.plan.unix {
		return nil
	}
	w.out.unixTitle()
	shown := shownSocket{space: w.space}
	for s, err := range w.space.tables.Unix(w.unixQuery()) {
		if err == nil {
			shown.unix = s
			w.show(&shown, w.out.unix)
		} else if err := w.problem(err, "AF UNIX", "unix", w.plan.unixNamed, false); err != nil {
			return err
		}
	}
	return nil
}

// problem deals with an error of a table: a bad row is reported and the walk
// goes on; a file that is absent is what absent says; one that may not be read, or
// fails in the middle, is reported and remembered for the status.
func (w *socketWalk) problem(err error, word, bogus string, named, silent bool) error {
	var bad *procnet.ParseError
	var file *fs.PathError
	switch {
	case errors.As(err, &bad):
		w.e.warnBare("warning, got bogus %s line.", bogus)
		w.e.hint("%v", bad)
	case errors.As(err, &file) && errors.Is(file, fs.ErrNotExist):
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
	_, err := os.Stat(w.space.fs.Net(file))
	return err == nil
}
