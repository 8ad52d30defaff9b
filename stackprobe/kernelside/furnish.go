package kernelside

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// PeerName is the name by which programs in the namespace find the other end.
const PeerName = "engine"

// furnish makes the namespace a place for programs: a loopback interface that is up, and a name for the other end. What the machine
// does not allow is said, and not fatal.
func (w *world) furnish() {
	if err := loopback(); err != nil {
		w.unpinned = append(w.unpinned, "loopback interface: "+err.Error())
	}
	if err := w.name(); err != nil {
		w.unpinned = append(w.unpinned, "name "+PeerName+" in "+hostsFile+": "+err.Error())
	}
}

func loopback() error {
	c, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := c.LinkByName("lo")
	if err != nil {
		return err
	}
	return c.SetLink(l.Index, new(rtnl.LinkChange).Up())
}

const hostsFile = "/etc/hosts"

// name puts a file over /etc/hosts, in our own mount namespace, that has the other end's name before the host's own lines. The file
// is in a file system in memory that is mounted nowhere else: /proc is where it is made, for a moment.
func (w *world) name() error {
	hosts, err := os.ReadFile(hostsFile)
	if err != nil {
		return err
	}
	const aside = "/proc"
	if err := unix.Mount("tmpfs", aside, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return os.NewSyscallError("mount tmpfs", err)
	}
	defer unix.Unmount(aside, unix.MNT_DETACH)
	text := fmt.Appendf(nil, "%s\t%s\n", w.req.peer, PeerName)
	if err := os.WriteFile(aside+"/hosts", append(text, hosts...), 0o644); err != nil {
		return err
	}
	return os.NewSyscallError("mount "+hostsFile, unix.Mount(aside+"/hosts", hostsFile, "", unix.MS_BIND, ""))
}
