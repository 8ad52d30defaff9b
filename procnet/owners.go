package procnet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Owner is a process that holds a socket open, and the descriptor it holds it by. A process that holds it by several
// descriptors has one Owner for each.
type Owner struct {
	PID int
	FD  int
	// Comm is the name that the kernel has for the process (/proc/<pid>/comm), at most 15 bytes of its own choosing, raw.
	Comm string
	// Arg0 is the start of the process's first argument (/proc/<pid>/cmdline), raw, at most 511 bytes; empty for a
	// process that cleared it.
	Arg0 string
}

// Owners says which processes hold which sockets.
type Owners struct {
	index   inodeIndex
	holders []holder // by number in index, then pid, then descriptor
	starts  []uint32 // of each number in holders, and the end
	procs   []Owner  // without descriptors
	shown   []Owner  // what Of returned last
	// Denied: at least one process did not let its descriptors be read (EACCES on /proc/<pid>/fd).
	Denied bool
	// Sockets: at least one descriptor of a process was seen to be a socket, one that was asked for or another.
	Sockets bool
	// Missing counts the sockets asked for that no visible process holds. Without Denied that means a process that is not
	// visible (another pid namespace, /proc mounted with hidepid), a socket on its way in a message (SCM_RIGHTS),
	// or one that the kernel itself holds.
	Missing int
	// Err is the first failure that was neither a refusal nor a process that ended meanwhile; its process is left out.
	Err error
}

// holder is one descriptor of a wanted socket: 16 bytes, where an Owner has 64 and pointers.
type holder struct {
	number uint32 // of the socket
	pid    int32
	fd     int32
	proc   uint32 // index in procs
}

// Of returns the owners of a socket, lowest pid first, or nil. They are valid until the next call. Inode 0 has none.
func (o *Owners) Of(inode uint64) []Owner {
	number, ok := o.index.find(inode)
	if !ok || o.starts[number] == o.starts[number+1] {
		return nil
	}
	o.shown = o.shown[:0]
	for _, h := range o.holders[o.starts[number]:o.starts[number+1]] {
		owner := o.procs[h.proc]
		owner.FD = int(h.fd)
		o.shown = append(o.shown, owner)
	}
	return o.shown
}

// Owners looks for the processes that hold the given sockets. With all it finds every one of them, else only the one with
// the lowest pid, and then it stops as soon as it can. Zero inodes and repeated ones are ignored. The error says that the
// list of processes could not be read; what one process refused is in the result.
func (f FS) Owners(ctx context.Context, inodes []uint64, all bool) (*Owners, error) {
	pids, err := f.pids()
	if err != nil {
		return nil, err
	}
	s := newOwnerScan(f, pids, inodes, all)
	workers := make([]ownerWorker, min(runtime.GOMAXPROCS(0), len(pids), maxOwnerWorkers))
	var wg sync.WaitGroup
	for i := range workers {
		workers[i].scan = s
		wg.Go(func() { workers[i].work(ctx) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.result(workers), nil
}

// maxOwnerWorkers bounds the goroutines. The work is almost all in the kernel, and more of them only wait for its locks.
const maxOwnerWorkers = 4

// ownerScan is one walk over the processes. Workers take pids in rising order, so that when a process was taken all
// lower ones are at least in work: a worker finishes its process before it stops, and the lowest holder is never missed
// (see nextProcess).
type ownerScan struct {
	fs   FS
	pids []int
	all  bool

	wanted inodeIndex // read only while workers run
	found  []atomic.Bool
	left   atomic.Int64 // wanted inodes not found yet
	next   atomic.Int64 // index in pids

	denied, sockets atomic.Bool

	mu  sync.Mutex
	err error
}

func newOwnerScan(f FS, pids []int, inodes []uint64, all bool) *ownerScan {
	s := &ownerScan{fs: f, pids: pids, all: all, wanted: newInodeIndex(inodes)}
	s.found = make([]atomic.Bool, s.wanted.n)
	s.left.Store(int64(s.wanted.n))
	return s
}

// nextProcess returns the next process and whether its descriptors are to be read; false when no further one can add to the result. Even
// when every socket is found, whether some process refuses to be read is part of it.
//
// Whether to read is decided before the process is taken: what was found by then was found in lower processes. A look at any later
// time could find that a higher one, taken by another worker meanwhile, holds the socket too.
func (s *ownerScan) nextProcess() (pid int, links, ok bool) {
	links = s.needLinks()
	if !links && s.denied.Load() {
		return 0, false, false
	}
	i := int(s.next.Add(1)) - 1
	if i >= len(s.pids) {
		return 0, false, false
	}
	return s.pids[i], links, true
}

// needLinks reports whether descriptors are still to be read, or only whether they may be.
func (s *ownerScan) needLinks() bool {
	return s.left.Load() > 0 || !s.sockets.Load() || s.all && s.wanted.n > 0
}

// result joins what the workers found.
func (s *ownerScan) result(workers []ownerWorker) *Owners {
	o := &Owners{index: s.wanted, Denied: s.denied.Load(), Sockets: s.sockets.Load(), Missing: int(s.left.Load()), Err: s.err}
	for i := range workers {
		w := &workers[i]
		for j := range w.hits {
			w.hits[j].proc += uint32(len(o.procs))
		}
		o.procs = append(o.procs, w.procs...)
		o.holders = append(o.holders, w.hits...)
	}
	o.arrange(s.all)
	return o
}

// arrange sorts the holders by socket. Without all, a socket keeps its lowest pid, and of that its lowest descriptor.
func (o *Owners) arrange(all bool) {
	o.starts = make([]uint32, o.index.n+1)
	if !all {
		o.holders = lowest(o.holders, o.index.n)
	}
	slices.SortFunc(o.holders, func(a, b holder) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.pid, b.pid), cmp.Compare(a.fd, b.fd))
	})
	for _, h := range o.holders {
		o.starts[h.number+1]++
	}
	for i := range o.index.n {
		o.starts[i+1] += o.starts[i]
	}
}

// lowest returns the holder of each of n sockets that has the lowest pid and descriptor, in the order of the sockets.
func lowest(holders []holder, n int) []holder {
	first := make([]uint32, n) // index in holders, plus one
	for i, h := range holders {
		at := &first[h.number]
		if *at == 0 || cmp.Or(cmp.Compare(h.pid, holders[*at-1].pid), cmp.Compare(h.fd, holders[*at-1].fd)) < 0 {
			*at = uint32(i + 1)
		}
	}
	kept := make([]holder, 0, n)
	for _, at := range first {
		if at != 0 {
			kept = append(kept, holders[at-1])
		}
	}
	return kept
}

// work takes processes until there are none, nobody needs them or ctx ends.
func (w *ownerWorker) work(ctx context.Context) {
	w.dir = make([]byte, 32<<10)
	for ctx.Err() == nil {
		pid, links, ok := w.scan.nextProcess()
		if !ok {
			return
		}
		w.pid = pid
		w.process(links)
	}
}

// ownerWorker has the buffers of one goroutine, used again for every process, and what it found.
type ownerWorker struct {
	scan  *ownerScan
	pid   int
	dir   []byte    // getdents64
	link  [64]byte  // a link's text; socket:[4294967295] and far longer inodes fit
	text  [511]byte // cmdline, comm
	hits  []holder
	procs []Owner // of the hits
}

// process reads the descriptors of one process and keeps those that are wanted; without links it only learns whether they may be read.
func (w *ownerWorker) process(links bool) {
	s := w.scan
	dir, err := unix.Open(s.fs.root.Path(strconv.Itoa(w.pid), "fd"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		s.refused(w.pid, err)
		return
	}
	defer unix.Close(dir)
	if !links {
		return
	}
	before := len(w.hits)
	if tried, all := w.tryInOrder(dir); !all {
		err = readDir(dir, w.dir, func(name []byte) {
			if fd, err := strconv.Atoi(string(name)); err == nil && fd >= tried {
				w.descriptor(dir, fd, name)
			}
		})
		if err != nil {
			s.refused(w.pid, err)
		}
	}
	if len(w.hits) > before {
		w.procs = append(w.procs, w.owner())
	}
}

// tryInOrder reads the descriptors 0, 1, 2 and so on without asking for the list of them, which is a fifth of the time that they take. Since
// Linux 6.2 the size of the directory is their number (fs/proc/fd.c, proc_fd_getattr), so that it is known when all were found. It gives up
// when a quarter of the numbers lead nowhere. It returns the first number that was not tried, and whether that was the last.
func (w *ownerWorker) tryInOrder(dir int) (tried int, all bool) {
	var st unix.Stat_t
	if !w.scan.fs.root.IsLive() || unix.Fstat(dir, &st) != nil || st.Size <= 0 {
		return 0, false
	}
	var text [24]byte
	gaps := st.Size/4 + 4
	for left := st.Size; left > 0; tried++ {
		name := append(strconv.AppendInt(text[:0], int64(tried), 10), 0)
		switch err := w.descriptor(dir, tried, name[:len(name)-1]); {
		case err == nil:
			left--
		case gaps == 0 || !errors.Is(err, fs.ErrNotExist):
			return tried, false
		default:
			gaps--
		}
	}
	return tried, true
}

// descriptor notes the socket behind a descriptor, if it is one. The name has a NUL behind its last byte. The error says that there is no
// such descriptor, or not any more.
func (w *ownerWorker) descriptor(dir, fd int, name []byte) error {
	n, err := readlinkat(dir, name, w.link[:])
	if err != nil {
		return err
	}
	if inode, ok := socketInode(w.link[:n]); ok {
		w.scan.sockets.Store(true)
		w.take(inode, fd)
	}
	return nil
}

// socketInode reads socket:[%lu], the text of a socket's link (net/socket.c, sockfs_dname).
func socketInode(link []byte) (uint64, bool) {
	digits, ok := bytes.CutPrefix(link, []byte("socket:["))
	if !ok || !bytes.HasSuffix(digits, []byte("]")) {
		return 0, false
	}
	inode, err := strconv.ParseUint(string(digits[:len(digits)-1]), 10, 64)
	return inode, err == nil
}

// take notes a descriptor of a wanted socket.
func (w *ownerWorker) take(inode uint64, fd int) {
	s := w.scan
	number, wanted := s.wanted.find(inode)
	if !wanted {
		return
	}
	if !s.found[number].Swap(true) {
		s.left.Add(-1)
	}
	w.hits = append(w.hits, holder{number: number, pid: int32(w.pid), fd: int32(fd), proc: uint32(len(w.procs))})
}

// owner returns the process, which holds a wanted socket.
func (w *ownerWorker) owner() Owner {
	owner := Owner{PID: w.pid, Arg0: w.arg0()}
	if w.scan.all {
		owner.Comm = string(bytes.TrimSuffix(w.read("comm"), []byte{'\n'}))
	}
	return owner
}

func (w *ownerWorker) arg0() string {
	text := w.read("cmdline")
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	return string(text)
}

// read returns the start of a file of the process, or nothing if it ended meanwhile. It takes no os.File, which would be offered to the
// runtime's poller first: for every process, and fatal to a program that may open next to nothing.
func (w *ownerWorker) read(name string) []byte {
	path := w.scan.fs.root.Path(strconv.Itoa(w.pid), name)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		w.scan.failed(path, err)
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, w.text[:])
	if err != nil {
		w.scan.failed(path, err)
		return nil
	}
	return w.text[:n]
}

// refused takes note of a process whose descriptors could not be read.
func (s *ownerScan) refused(pid int, err error) {
	if errors.Is(err, unix.EACCES) {
		s.denied.Store(true)
		return
	}
	s.failed(s.fs.root.Path(strconv.Itoa(pid), "fd"), err)
}

// failed keeps the first failure that says neither that the process is hidden from us (hidepid) nor that it is gone. What was asked for and
// is not found counts as Missing.
func (s *ownerScan) failed(path string, err error) {
	for _, known := range []error{unix.EACCES, unix.EPERM, fs.ErrNotExist, unix.ESRCH} {
		if errors.Is(err, known) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = cmp.Or(s.err, error(&fs.PathError{Op: "open", Path: path, Err: err}))
}

// pids returns the processes of the tree in rising order.
func (f FS) pids() ([]int, error) {
	path := f.root.Path()
	dir, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(dir)
	var pids []int
	err = readDir(dir, make([]byte, 32<<10), func(name []byte) {
		if name[0] < '1' || name[0] > '9' {
			return
		}
		if pid, err := strconv.Atoi(string(name)); err == nil {
			pids = append(pids, pid)
		}
	})
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	slices.Sort(pids)
	return pids, nil
}
