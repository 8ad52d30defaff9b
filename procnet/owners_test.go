package procnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// procTree is a proc tree made by the test. Links to sockets are dangling links
// with the kernel's text.
type procTree struct {
	t   *testing.T
	dir string
}

func newProcTree(t *testing.T) *procTree { return &procTree{t, t.TempDir()} }

func (p *procTree) write(text string, elem ...string) {
	p.t.Helper()
	path := filepath.Join(append([]string{p.dir}, elem...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// process makes a process whose descriptors lead where links say.
func (p *procTree) process(pid int, cmdline, comm string, links ...string) {
	p.t.Helper()
	p.write(cmdline, strconv.Itoa(pid), "cmdline")
	p.write(comm+"\n", strconv.Itoa(pid), "comm")
	for fd, link := range links {
		path := filepath.Join(p.dir, strconv.Itoa(pid), "fd", strconv.Itoa(fd))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.Symlink(link, path); err != nil {
			p.t.Fatal(err)
		}
	}
}

// show is an Owners as text, for whole comparisons.
func show(o *Owners, inodes ...uint64) []string {
	var lines []string
	for _, inode := range inodes {
		for _, owner := range o.Of(inode) {
			lines = append(lines, fmt.Sprintf("%d: %d fd %d %q %q", inode, owner.PID, owner.FD, owner.Arg0, owner.Comm))
		}
	}
	return append(lines, fmt.Sprintf("denied %v sockets %v missing %d err %v", o.Denied, o.Sockets, o.Missing, o.Err))
}

func (p *procTree) owners(all bool, inodes ...uint64) []string {
	p.t.Helper()
	o, err := NewFS(p.dir).Owners(context.Background(), inodes, all)
	if err != nil {
		p.t.Fatal(err)
	}
	return show(o, inodes...)
}

func TestOwners(t *testing.T) {
	p := newProcTree(t)
	p.process(300, "worker\x00-x\x00", "worker", "socket:[11]", "/dev/null", "socket:[12]", "pipe:[13]")
	p.process(9, "/usr/sbin/master: a b\x00", "master", "anon_inode:[eventpoll]", "socket:[11]", "socket:[11]")
	p.process(50, "", "kworker", "socket:[x]", "socket:[]", "socket:[14", "socket:[18446744073709551615]", "socket:[18446744073709551616]")
	p.process(60, strings.Repeat("y", 600), "long", "socket:[15]")
	p.write("not a process", "self", "fd", "3")
	p.write("not a process either", "12x", "fd", "3")

	for name, test := range map[string]struct {
		all    bool
		inodes []uint64
		want   []string
	}{
		"lowest pid and descriptor": {false, []uint64{11}, []string{`11: 9 fd 1 "/usr/sbin/master: a b" ""`, "denied false sockets true missing 0 err <nil>"}},
		"all": {true, []uint64{11}, []string{`11: 9 fd 1 "/usr/sbin/master: a b" "master"`, `11: 9 fd 2 "/usr/sbin/master: a b" "master"`,
			`11: 300 fd 0 "worker" "worker"`, "denied false sockets true missing 0 err <nil>"}},
		"some are nowhere": {false, []uint64{12, 13, 99}, []string{`12: 300 fd 2 "worker" ""`, "denied false sockets true missing 2 err <nil>"}},
		"zero and repeats": {false, []uint64{0, 12, 12, 0}, []string{`12: 300 fd 2 "worker" ""`, `12: 300 fd 2 "worker" ""`, "denied false sockets true missing 0 err <nil>"}},
		"no argument":      {true, []uint64{1<<64 - 1}, []string{`18446744073709551615: 50 fd 3 "" "kworker"`, "denied false sockets true missing 0 err <nil>"}},
		"long argument":    {false, []uint64{15}, []string{`15: 60 fd 0 "` + strings.Repeat("y", 511) + `" ""`, "denied false sockets true missing 0 err <nil>"}},
		"none wanted":      {false, nil, []string{"denied false sockets true missing 0 err <nil>"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, p.owners(test.all, test.inodes...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The lowest process is found although another worker, ahead of the one that took it,
// has found all that is wanted in a higher one.
func TestOwners_lowestIsSlow(t *testing.T) {
	p := newProcTree(t)
	p.process(9, "low", "low", "socket:[11]")
	p.process(300, "high", "high", "socket:[11]")
	s := newOwnerScan(NewFS(p.dir), []int{9, 300}, []uint64{11}, false)
	workers := []ownerWorker{{scan: s, dir: make([]byte, 4096)}, {scan: s}}
	slow := &workers[0]
	var links bool
	slow.pid, links, _ = s.nextProcess()
	workers[1].work(t.Context())
	slow.process(links)
	want := []string{`11: 9 fd 0 "low" ""`, "denied false sockets true missing 0 err <nil>"}
	if diff := cmp.Diff(want, show(s.result(workers), 11)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwners_noSocketAnywhere(t *testing.T) {
	p := newProcTree(t)
	p.process(1, "init", "init", "/dev/null")
	want := []string{"denied false sockets false missing 1 err <nil>"}
	if diff := cmp.Diff(want, p.owners(false, 5)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A descriptor directory that cannot be read is knowledge when the kernel
// refused it, and an error of its own otherwise.
func TestOwners_unreadable(t *testing.T) {
	p := newProcTree(t)
	p.process(1, "init", "init", "socket:[5]")
	p.write("", "7", "fd") // a file in place of the directory
	want := []string{`5: 1 fd 0 "init" ""`, fmt.Sprintf("denied false sockets true missing 0 err open %s: not a directory", filepath.Join(p.dir, "7", "fd"))}
	if diff := cmp.Diff(want, p.owners(false, 5)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		err    error
		denied bool
		kept   bool
	}{
		{unix.EACCES, true, false}, {unix.EPERM, false, false}, {unix.ENOENT, false, false}, {unix.ESRCH, false, false}, {unix.EMFILE, false, true},
	} {
		s := newOwnerScan(FS{}, nil, nil, false)
		s.refused(1, test.err)
		o := s.result(nil)
		if o.Denied != test.denied || (o.Err != nil) != test.kept {
			t.Errorf("%v: denied %v, error %v", test.err, o.Denied, o.Err)
		}
	}
}

func TestOwners_noTree(t *testing.T) {
	o, err := NewFS(filepath.Join(t.TempDir(), "nowhere")).Owners(context.Background(), []uint64{1}, false)
	if o != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("owners %v, error %v; want nil and not exist", o, err)
	}
}

func TestOwners_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o, err := FS{}.Owners(ctx, []uint64{1}, false)
	if o != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("owners %v, error %v; want nil and cancelled", o, err)
	}
}

// The running kernel says that this process holds its own socket.
func TestOwners_live(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	o, err := FS{}.Owners(context.Background(), []uint64{st.Ino}, true)
	if err != nil {
		t.Fatal(err)
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	want := []Owner{{PID: os.Getpid(), FD: fd, Comm: strings.TrimSpace(string(comm)), Arg0: os.Args[0]}}
	if diff := cmp.Diff(want, o.Of(st.Ino)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A process whose descriptors have gaps is read whole, whichever way is taken: in
// order as long as the gaps are few, by the list of the directory beyond that.
func TestOwners_gaps(t *testing.T) {
	for name, wide := range map[string][]int{
		"no gap":        {0, 1, 2, 3, 4, 5},
		"a few":         {0, 2, 3, 7, 8},
		"only the last": {900},
		"far apart":     {100, 300, 301, 902},
	} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				t.Fatal(err)
			}
			want := map[int]bool{fd: true}
			for _, at := range wide {
				at += 60 // beyond what the test itself has open
				if err := unix.Dup3(fd, at, unix.O_CLOEXEC); err != nil {
					t.Fatal(err)
				}
				defer unix.Close(at)
				want[at] = true
			}
			owners, err := NewFS("").Owners(context.Background(), []uint64{st.Ino}, true)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int]bool{}
			for _, o := range owners.Of(st.Ino) {
				if o.PID != os.Getpid() || got[o.FD] {
					t.Errorf("%+v, seen before: %v", o, got[o.FD])
				}
				got[o.FD] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("descriptors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCutDirents_malformed(t *testing.T) {
	entry := func(name string, reclen uint16) []byte {
		b := make([]byte, direntName, 64)
		b[direntReclen], b[direntReclen+1] = byte(reclen), byte(reclen>>8)
		return append(b, name...)
	}
	for name, buf := range map[string][]byte{
		"shorter than a header":  make([]byte, direntName-1),
		"length zero":            entry("x\x00", 0),
		"length inside a header": entry("x\x00", direntName),
		"length beyond the end":  entry("x\x00", 100),
		"name without an end":    entry("xyz", direntName+3),
		"empty name":             entry("\x00\x00", direntName+2),
	} {
		if err := cutDirents(buf, func([]byte) {}); !errors.Is(err, errDirent) {
			t.Errorf("%s: %v, want %v", name, err, errDirent)
		}
	}
}

func FuzzCutDirents(f *testing.F) {
	if dir, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY, 0); err == nil {
		buf := make([]byte, 4096)
		if n, err := unix.Getdents(dir, buf); err == nil {
			f.Add(buf[:n])
		}
		unix.Close(dir)
	}
	f.Add([]byte{})
	f.Add(make([]byte, direntName-1))
	f.Add(make([]byte, 64))
	f.Add(append(append(make([]byte, direntReclen), 24, 0, 4), "name!"...))
	f.Fuzz(func(t *testing.T, buf []byte) {
		total := 0
		err := cutDirents(buf, func(name []byte) { total += direntName + len(name) + 1 })
		if total > len(buf) || err == nil && total == 0 && len(buf) > 0 {
			t.Errorf("%d bytes of entries in %d bytes, error %v", total, len(buf), err)
		}
	})
}

func FuzzSocketInode(f *testing.F) {
	f.Add([]byte("socket:[123]"))
	f.Add([]byte("socket:[]"))
	f.Fuzz(func(t *testing.T, link []byte) {
		inode, ok := socketInode(link)
		if !ok {
			return
		}
		digits := strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(string(link), "socket:["), "]"), "0")
		if want := strings.TrimLeft(fmt.Sprint(inode), "0"); digits != want {
			t.Errorf("%q is inode %d", link, inode)
		}
	})
}
