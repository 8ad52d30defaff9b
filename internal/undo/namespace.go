package undo

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// Namespace identifies a network namespace within one boot.
type Namespace struct {
	// Inode is the number in net:[4026531840]. The kernel gives it to another namespace when this one ends.
	Inode uint64 `json:"inode,string"`
	// Cookie is never given twice (SO_NETNS_COOKIE); 0 before Linux 5.14.
	Cookie uint64 `json:"cookie,string"`
}

// inside runs fn in the namespace, on the calling thread if that is where it is: entering takes CAP_SYS_ADMIN.
func inside(ns *netns.NS, fn func() error) error {
	here, err := netns.Current()
	if err != nil {
		return err
	}
	defer here.Close()
	a, err := here.ID()
	if err != nil {
		return err
	}
	if b, err := ns.ID(); err != nil || a == b { // both are open, so that equal numbers are one namespace
		return errors.Join(err, fn())
	}
	return ns.Do(fn)
}

// identify names a namespace so that it can be told from one that gets its number later.
func identify(ns *netns.NS) (Namespace, error) {
	inode, err := ns.ID()
	if err != nil {
		return Namespace{}, err
	}
	id := Namespace{Inode: inode}
	err = inside(ns, func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		id.Cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		if errors.Is(err, unix.ENOPROTOOPT) {
			return nil
		}
		return err
	})
	if err != nil {
		return Namespace{}, &Error{Op: "identify the network namespace", Err: err}
	}
	return id, nil
}

// find opens the namespace if it can be found: our own, one with a name (ip-netns(8)), or that of a process.
func (n Namespace) find() (*netns.NS, error) {
	if ns, err := netns.Current(); n.is(ns, err) {
		return ns, nil
	}
	for _, pattern := range []string{"/run/netns/*", "/proc/[0-9]*/ns/net"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			var st unix.Stat_t
			if unix.Stat(path, &st) != nil || st.Ino != n.Inode {
				continue // also what ended since it was listed
			}
			if ns, err := netns.Open(path); n.is(ns, err) {
				return ns, nil
			}
		}
	}
	return nil, &Error{Op: "find the network namespace", Err: ErrNetns, Why: fmt.Sprintf("net:[%d]", n.Inode)}
}

// is reports whether ns, as opened with err, is the namespace, and closes it if not.
func (n Namespace) is(ns *netns.NS, err error) bool {
	if err != nil {
		return false
	}
	if id, err := identify(ns); err == nil && id == n {
		return true
	}
	ns.Close()
	return false
}
