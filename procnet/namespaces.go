package procnet

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// Namespace is one network namespace of the host (network_namespaces(7)).
type Namespace struct {
	// ID is the inode that names the namespace, the number in net:[4026531840]; 0 when its processes do not let it be read.
	ID uint64
	// Names are those that ip-netns(8) gives it, sorted: the files under /run/netns.
	Names []string
	// Files are the mounts that hold it, by path, sorted: those of Names, and those of container engines.
	Files []string
	// PID is the lowest process in it that is visible, 0 when there is none: a namespace may be held by a mount, an open
	// file or a socket alone.
	PID int
	// Comm is the name that the kernel has for that process, raw.
	Comm string
	// Processes counts the visible processes in it.
	Processes int
	// Own is whether it is that of the calling process.
	Own bool

	table uint64 // see tableID; known only when some process did not tell its namespace
}

// Namespaces are the network namespaces that could be found.
type Namespaces struct {
	// List begins with the caller's own; then come those with names, by name, then those with processes, by pid.
	List []Namespace
	// Hidden counts the processes whose namespace could not be told at all.
	Hidden int
	// Errs are the mounts that could not be looked at, and those that hold no network namespace.
	Errs []error

	fs FS
}

// Namespaces finds the network namespaces in which the visible processes are (their main threads: /proc/<pid>/ns/net), and
// those that /run/netns and /run/docker/netns hold. One that only an open file, a socket or a further thread holds is not
// found. The error says that the list of processes could not be read.
//
// A process of another user does not let ns/net be read (ptrace(2), PTRACE_MODE_READ_FSCREDS), but shows its tables: see tableID.
func (f FS) Namespaces() (*Namespaces, error) {
	return (&namespaceScan{fs: f, named: "/run/netns", engines: []string{"/run/docker/netns"}}).scan()
}

// namespaceScan is one look at the namespaces of a host.
type namespaceScan struct {
	fs      FS
	named   string   // the directory of ip-netns(8)
	engines []string // those of container engines
	found   Namespaces
	byID    map[uint64]int // index in found.List
	byTable map[uint64]int
	refused []int // processes that did not tell theirs
}

func (s *namespaceScan) scan() (*Namespaces, error) {
	pids, err := s.fs.pids()
	if err != nil {
		return nil, err
	}
	s.byID, s.byTable, s.found.fs = make(map[uint64]int), make(map[uint64]int), s.fs
	if own, err := s.fs.netnsID("self"); err == nil {
		s.found.List[s.known(own)].Own = true
	}
	for _, pid := range pids {
		id, err := s.fs.netnsID(strconv.Itoa(pid))
		switch {
		case err == nil:
			s.process(s.known(id), pid)
		case errors.Is(err, fs.ErrPermission):
			s.refused = append(s.refused, pid)
		}
	}
	s.askTables()
	s.mounts(s.named, true)
	for _, dir := range s.engines {
		s.mounts(dir, false)
	}
	slices.SortStableFunc(s.found.List, byPlace)
	for i := range s.found.List {
		ns := &s.found.List[i]
		ns.Comm = s.fs.Comm(ns.PID)
	}
	return &s.found, nil
}

// byPlace orders namespaces as Namespaces.List says.
func byPlace(a, b Namespace) int {
	rank := func(n *Namespace) int {
		switch {
		case n.Own:
			return 0
		case len(n.Names) > 0:
			return 1
		case n.PID > 0:
			return 2
		}
		return 3
	}
	return cmp.Or(rank(&a)-rank(&b), slices.Compare(a.Names, b.Names), a.PID-b.PID, slices.Compare(a.Files, b.Files))
}

// netnsID returns the inode of a process's network namespace. The link's text is net:[%u] (fs/nsfs.c, ns_get_name).
func (f FS) netnsID(process string) (uint64, error) {
	path := f.root.Path(process, "ns/net")
	link, err := os.Readlink(path)
	if err != nil {
		return 0, err
	}
	return netnsInode(path, link)
}

func netnsInode(path, link string) (uint64, error) {
	digits, ok := cutBoth(link, "net:[", "]")
	id, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return 0, &fs.PathError{Op: "readlink", Path: path, Err: unix.EINVAL}
	}
	return id, nil
}

// NetnsID returns the inode of the calling process's network namespace.
func (f FS) NetnsID() (uint64, error) { return f.netnsID("self") }

// ProcessNet returns the directory of the tables that a process sees, for InNetns. They may be read without any right over the
// process.
func (f FS) ProcessNet(pid int) string { return f.root.Path(strconv.Itoa(pid), "net") }

// tableID identifies the network namespace of a process by what everybody may see of it: /proc/<pid>/net/dev is a file of the
// namespace and not of the process, so all processes in one namespace show the same inode, and those in another another
// (fs/proc/proc_net.c, proc_tgid_net_lookup; fs/proc/inode.c, proc_get_inode; fs/proc/generic.c, low_ino). It is not the
// inode that names the namespace.
func (f FS) tableID(process string) (uint64, error) {
	path := f.root.Path(process, "net/dev")
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Ino, nil
}

// known returns the index of the namespace with that inode, a new one if need be.
func (s *namespaceScan) known(id uint64) int {
	i, ok := s.byID[id]
	if !ok {
		i = len(s.found.List)
		s.byID[id] = i
		s.found.List = append(s.found.List, Namespace{ID: id})
	}
	return i
}

// process adds a process to a namespace.
func (s *namespaceScan) process(i, pid int) {
	ns := &s.found.List[i]
	ns.Processes++
	if ns.PID == 0 || pid < ns.PID {
		ns.PID = pid
	}
}

// askTables finds places for the processes that did not tell their namespace.
func (s *namespaceScan) askTables() {
	if len(s.refused) == 0 {
		return
	}
	for i := range s.found.List {
		ns := &s.found.List[i]
		process := strconv.Itoa(ns.PID)
		if ns.Own {
			process = "self"
		}
		if table, err := s.fs.tableID(process); err == nil {
			ns.table, s.byTable[table] = table, i
		}
	}
	for _, pid := range s.refused {
		table, err := s.fs.tableID(strconv.Itoa(pid))
		switch {
		case err == nil:
			i, ok := s.byTable[table]
			if !ok {
				i = len(s.found.List)
				s.byTable[table] = i
				s.found.List = append(s.found.List, Namespace{table: table})
			}
			s.process(i, pid)
		case errors.Is(err, fs.ErrPermission):
			s.found.Hidden++
		}
	}
}

// mounts adds the namespaces that the files of a directory hold. A directory that does not exist holds none.
func (s *namespaceScan) mounts(dir string, named bool) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.found.Errs = append(s.found.Errs, err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		id, err := mountedNetns(path)
		if err != nil {
			s.found.Errs = append(s.found.Errs, err)
			continue
		}
		ns := &s.found.List[s.known(id)]
		ns.Files = append(ns.Files, path)
		if named {
			ns.Names = append(ns.Names, entry.Name())
		}
	}
}

// mountedNetns returns the inode of the network namespace that a file holds.
func mountedNetns(path string) (uint64, error) {
	ns, err := netns.Open(path)
	if err != nil {
		return 0, err
	}
	defer ns.Close()
	return ns.ID()
}

// Comm returns the kernel's name of a process, raw; "" when it has ended.
func (f FS) Comm(pid int) string {
	if pid == 0 {
		return ""
	}
	text, err := os.ReadFile(f.root.Path(strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSuffix(text, []byte{'\n'}))
}

// Named returns the namespace that has that name under ip-netns(8), nil when there is none.
func (n *Namespaces) Named(name string) *Namespace {
	return n.find(func(ns *Namespace) bool { return slices.Contains(ns.Names, name) })
}

// ID returns the namespace with that inode, nil when there is none.
func (n *Namespaces) ID(id uint64) *Namespace {
	return n.find(func(ns *Namespace) bool { return id != 0 && ns.ID == id })
}

func (n *Namespaces) find(is func(*Namespace) bool) *Namespace {
	for i := range n.List {
		if is(&n.List[i]) {
			return &n.List[i]
		}
	}
	return nil
}

// Names returns all names that ip-netns(8) gives, sorted.
func (n *Namespaces) Names() []string {
	var names []string
	for i := range n.List {
		names = append(names, n.List[i].Names...)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

// OfProcess returns the namespace of one process. The error is fs.ErrNotExist when there is no such process, and
// fs.ErrPermission when it does not show anything of its namespace.
func (n *Namespaces) OfProcess(pid int) (*Namespace, error) {
	id, err := n.fs.netnsID(strconv.Itoa(pid))
	if ns := n.ID(id); ns != nil {
		return ns, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		var table uint64
		table, err = n.fs.tableID(strconv.Itoa(pid))
		if ns := n.find(func(ns *Namespace) bool { return table != 0 && ns.table == table }); ns != nil {
			return ns, nil
		}
	}
	return nil, cmp.Or(err, error(fs.ErrNotExist)) // it came after the others were looked at
}

// Open opens the namespace, by its process or by the first of its files that can be opened.
func (ns *Namespace) Open() (*netns.NS, error) {
	paths := ns.Files
	if ns.PID != 0 {
		paths = append([]string{"/proc/" + strconv.Itoa(ns.PID) + "/ns/net"}, paths...)
	}
	err := error(fs.ErrNotExist)
	for _, path := range paths {
		var open *netns.NS
		if open, err = netns.Open(path); err == nil {
			return open, nil
		}
	}
	return nil, err
}
