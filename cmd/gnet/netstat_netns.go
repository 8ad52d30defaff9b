package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"gnet/internal/netns"
	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/sockdiag"
	"gnet/procnet"
	"gnet/procnet/filter"
)

// allNetns is the word of --netns for every network namespace of the host.
const allNetns = "all"

// setNetns is --netns.
func setNetns(o *netstatOptions, _, arg string) error {
	if arg == "" { // an unset variable of a script must not become the own namespace
		return fail(statusUsage, "--netns: the name of the network namespace is empty")
	}
	o.Netns = arg
	return nil
}

// checkNetns refuses --netns where it would be without effect.
func (o *netstatOptions) checkNetns() error {
	switch mode := o.otherMode(); {
	case o.Netns == "":
	case mode != "":
		return fail(statusUsage, "--netns shows sockets, and %s shows something else", mode).withHint("ip netns exec NAME gnet netstat %s", mode)
	case !procnet.NewFS(o.ProcRoot).IsLive():
		if pid, err := strconv.Atoi(o.Netns); err != nil || pid <= 0 || !exists(o.sockets().ProcessNet(pid)) {
			return fail(statusUsage, "--netns %s: of the tree of --proc-root only the namespace of a process can be shown, whose directory net is there", o.Netns)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// netnsOf is what is known of the network namespace that a socketSpace shows,
// and the way into it.
type netnsOf struct {
	id    uint64             // 0 when unknown
	ns    *procnet.Namespace // nil without --netns
	names []string           // under ip-netns(8); looked for with --netns and for a filter
	// cgroup is that of the first process in it.
	cgroup procnet.Cgroup
	// label is its shortest name: that of ip-netns(8), the container, the first
	// process, a file that holds it, or the number; "" when unknown. The bytes are
	// raw.
	label  string
	opened func(*socketSpace) error // makes tables and source
	failed error                    // of opened
	open   *procnet.Sockets         // closed by leave
	stay   *netns.Stay              // a thread in the namespace; nil where none is needed
}

// enter opens the tables of a namespace; false when it could not be entered.
func (s *socketSpace) enter() bool {
	if s.failed != nil {
		return false
	}
	source, tables := s.source, s.tables
	if s.failed = s.opened(s); s.failed != nil {
		return false
	}
	if s.open = s.source; tables != nil {
		s.source, s.tables = source, tables // those that findOwners kept
	}
	return true
}

// leave closes what enter opened.
func (s *socketSpace) leave() {
	s.open.Close()
	if s.stay != nil {
		s.stay.Leave()
		s.stay = nil
	}
}

// inside runs fn on a thread that is in the namespace, while it is entered. Where
// it cannot be entered, fn is not run: the rows come from files, which lead
// nowhere else.
func (s *socketSpace) inside(fn func()) {
	switch {
	case s == nil || s.ns == nil || s.ns.Own:
		fn()
	case s.stay != nil:
		s.stay.Do(fn)
	}
}

// findSpaces finds the network namespaces that the command line means.
func (w *socketWalk) findSpaces() error {
	fs := w.o.sockets()
	switch {
	case w.o.Netns == "":
		w.spaces = []socketSpace{ownSpace(fs)}
		w.nameOwnSpace(fs)
		return nil
	case !fs.IsLive():
		pid, _ := strconv.Atoi(w.o.Netns) // checked by checkNetns
		w.spaces = []socketSpace{processSpace(fs, &procnet.Namespace{PID: pid, Comm: fs.Comm(pid), Processes: 1})}
		return nil
	}
	all, err := fs.Namespaces()
	if err != nil {
		return fail(statusCannot, "%w", err)
	}
	if w.o.Netns == allNetns {
		for i := range all.List {
			w.spaces = append(w.spaces, otherSpace(fs, &all.List[i]))
		}
		w.reportNamespaces(all)
		return nil
	}
	ns, err := findNamespace(all, w.o.Netns)
	if err != nil {
		return err
	}
	space := otherSpace(fs, ns)
	if !space.enter() {
		f := fail(statusCannot, "network namespace %s: %w", space.label, space.failed)
		if os.Geteuid() != 0 {
			return f.withHint("root can enter it")
		}
		return f
	}
	space.leave()
	space.source, space.tables = nil, nil
	w.spaces = []socketSpace{space}
	return nil
}

// nameOwnSpace finds the names of the own namespace for a filter that asks for
// them.
func (w *socketWalk) nameOwnSpace(fs procnet.FS) {
	if w.o.filter == nil || w.o.filter.f.Needs()&filter.NeedNetns == 0 || !fs.IsLive() {
		return
	}
	if all, err := fs.Namespaces(); err == nil && all.ID(w.spaces[0].id) != nil {
		w.spaces[0].names = all.ID(w.spaces[0].id).Names
	}
}

// findNamespace returns the namespace of that name, or of that process.
func findNamespace(all *procnet.Namespaces, word string) (*procnet.Namespace, error) {
	if ns := all.Named(word); ns != nil {
		return ns, nil
	}
	pid, err := strconv.Atoi(word)
	if err != nil || pid <= 0 {
		f := fail(statusNo, "no network namespace is called %q", word)
		if names := all.Names(); len(names) > 0 {
			return nil, f.withHint("the names are %s; or give the pid of a process in it", strings.Join(names, ", "))
		}
		return nil, f.withHint("none has a name under /run/netns; give the pid of a process in it, or all")
	}
	ns, err := all.OfProcess(pid)
	switch {
	case err == nil:
		return ns, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fail(statusNo, "no process %d", pid)
	}
	return nil, fail(statusCannot, "the network namespace of process %d: %w", pid, err)
}

// ownSpace is the namespace of this process, or that of the tree of --proc-root.
func ownSpace(fs procnet.FS) socketSpace {
	space := socketSpace{fs: fs}
	if fs.IsLive() {
		space.id, _ = fs.NetnsID() // 0 is unknown, as the key of the machine formats then is
	}
	space.setLabel()
	space.opened = func(s *socketSpace) error {
		s.source = fs.Sockets()
		s.tables = s.source
		return nil
	}
	return space
}

// processSpace is the namespace of a process of a captured tree, or of one that
// cannot be entered: its files can be read all the same.
func processSpace(fs procnet.FS, ns *procnet.Namespace) socketSpace {
	space := socketSpace{fs: fs.InNetns(fs.ProcessNet(ns.PID))}
	space.id, space.ns, space.names = ns.ID, ns, ns.Names
	space.cgroup, _ = fs.Cgroup(ns.PID) // without it the heading says less
	space.setLabel()
	space.opened = func(s *socketSpace) error {
		s.source = procnet.NewSockets(s.fs, nil)
		s.tables = s.source
		return nil
	}
	return space
}

// otherSpace is any namespace of the host. sock_diag is asked inside it; where it
// cannot be entered, the files of a process in it are read.
func otherSpace(fs procnet.FS, ns *procnet.Namespace) socketSpace {
	space := ownSpace(fs)
	space.id, space.ns, space.names = ns.ID, ns, ns.Names
	if ns.PID != 0 {
		space.cgroup, _ = fs.Cgroup(ns.PID)
	}
	space.setLabel()
	if ns.Own {
		return space
	}
	space.opened = func(s *socketSpace) error {
		stay, err := stayIn(ns)
		switch {
		case err == nil:
			s.stay = stay
			s.fs = fs.InNetns(stay.ProcNet)
			s.source = procnet.NewSockets(s.fs, func() (conn *sockdiag.Conn, err error) {
				stay.Do(func() { conn, err = sockdiag.Dial() })
				return conn, err
			})
		case ns.PID != 0 && exists(fs.ProcessNet(ns.PID)):
			s.fs = fs.InNetns(fs.ProcessNet(ns.PID))
			s.source = procnet.NewSockets(s.fs, func() (*sockdiag.Conn, error) { return nil, err })
		default:
			return err
		}
		s.tables = s.source
		return nil
	}
	return space
}

// stayIn sends a thread into a namespace.
func stayIn(ns *procnet.Namespace) (*netns.Stay, error) {
	open, err := ns.Open()
	if err != nil {
		return nil, err
	}
	defer open.Close()
	return open.Stay()
}

// reportNamespaces says what could not be told of the namespaces of the host.
func (w *socketWalk) reportNamespaces(all *procnet.Namespaces) {
	for _, err := range all.Errs {
		w.e.warn("%v", err)
	}
	if all.Hidden > 0 {
		w.e.hint("processes whose network namespace is unknown: %d (root sees all)", all.Hidden)
	}
}

// reportSpaces counts the namespaces that could not be entered: an answer that
// lacks their sockets is not whole.
func (w *socketWalk) reportSpaces() {
	var missing []string
	for i := range w.spaces {
		if s := &w.spaces[i]; s.failed != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", s.label, s.failed))
		}
	}
	if len(missing) == 0 {
		return
	}
	w.failed = true
	w.e.warn("network namespaces that could not be entered: %d (%s)", len(missing), strings.Join(missing, "; "))
	if os.Geteuid() != 0 {
		w.e.hint("root can enter all")
	}
}

// setLabel finds the label.
func (n *netnsOf) setLabel() { n.label = n.shortest() }

func (n *netnsOf) shortest() string {
	switch {
	case n.ns == nil:
	case len(n.ns.Names) > 0:
		return n.ns.Names[0]
	case n.cgroup.Container != "":
		return "container " + shortID(n.cgroup.Container)
	case n.ns.PID != 0:
		return strconv.Itoa(n.ns.PID) + "/" + n.ns.Comm
	case len(n.ns.Files) > 0:
		return n.ns.Files[0]
	}
	if n.id == 0 {
		return ""
	}
	return strconv.FormatUint(n.id, 10)
}

// shortID is a container's id as its programs show it: 12 of 64 digits.
func shortID(container string) string {
	if len(container) == 64 {
		return container[:12]
	}
	return container
}

// heading prints the line over the sockets of a namespace, with --netns all in
// the classic format.
func (w *socketWalk) heading() {
	if w.o.Netns != allNetns || w.o.Format != render.Classic || len(w.o.CountBy) > 0 {
		return
	}
	if w.headed {
		w.e.Stdout.WriteByte('\n')
	}
	w.headed = true
	w.e.Stdout.WriteString(w.space.headline() + "\n")
}

// headline says all that is known of a namespace: number, names, container,
// processes.
func (n *netnsOf) headline() string {
	line := "Network namespace"
	if n.id != 0 {
		line += " " + strconv.FormatUint(n.id, 10)
	}
	for _, name := range n.ns.Names {
		line += ", name " + name
	}
	if n.ns.Own {
		line += ", this one"
	}
	if n.cgroup.Container != "" {
		line += ", container " + shortID(n.cgroup.Container)
	}
	if n.ns.PID == 0 {
		line += ", no process"
		if len(n.ns.Names) == 0 && len(n.ns.Files) > 0 {
			line += ", held by " + n.ns.Files[0]
		}
		return safe.String(line)
	}
	return safe.String(fmt.Sprintf("%s, processes %d, first %d/%s", line, n.ns.Processes, n.ns.PID, n.ns.Comm))
}
