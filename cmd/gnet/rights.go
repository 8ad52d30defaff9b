package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// capabilities is a process's three sets as capget(2) fills them.
type capabilities struct{ effective, permitted, inheritable uint64 }

const netRaw = 1 << unix.CAP_NET_RAW

// dropFileCapabilities gives up what a capability on the binary's file gave to
// a user who is not root. One binary holds many commands: cap_net_admin for
// one of them must not hand the routing table to everybody. Ambient
// capabilities stay, because whoever started gnet granted those. keep is what
// the command may raise again while it opens its sockets.
//
// Source: capabilities(7), capset(2).
func dropFileCapabilities(keep uint64) error {
	if os.Geteuid() == 0 {
		return nil
	}
	caps, err := getCapabilities()
	if err != nil {
		return fmt.Errorf("reading capabilities: %w", err)
	}
	ambient := ambientCapabilities(caps.permitted)
	if caps.permitted&^(ambient|keep) == 0 && caps.effective&^ambient == 0 {
		return nil
	}
	caps.permitted &= ambient | keep
	caps.effective &= ambient
	caps.inheritable &= ambient
	header, data := capsetArguments(caps)
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(data)), 0)
	if errno != 0 {
		return fmt.Errorf("dropping the file's capabilities: %w", errno)
	}
	return nil
}

// keptCapabilities returns what the command in args may raise again.
func keptCapabilities(args []string) uint64 {
	if len(args) > 0 && (args[0] == "ping" || args[0] == "tracepath") {
		return netRaw
	}
	return 0
}

// withNetRaw runs f on a thread whose effective set holds cap_net_raw, when
// the permitted set has it, and lowers it again. f must not start goroutines.
func withNetRaw(f func() error) error {
	caps, err := getCapabilities()
	if err != nil || caps.permitted&netRaw == 0 || caps.effective&netRaw != 0 {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	raised := caps
	raised.effective |= netRaw
	if err := setThreadCapabilities(raised); err != nil {
		return fmt.Errorf("raising cap_net_raw: %w", err)
	}
	ferr := f()
	if err := setThreadCapabilities(caps); err != nil {
		return fmt.Errorf("lowering cap_net_raw: %w", err)
	}
	return ferr
}

func getCapabilities() (capabilities, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return capabilities{}, err
	}
	join := func(low, high uint32) uint64 { return uint64(high)<<32 | uint64(low) }
	return capabilities{
		effective:   join(data[0].Effective, data[1].Effective),
		permitted:   join(data[0].Permitted, data[1].Permitted),
		inheritable: join(data[0].Inheritable, data[1].Inheritable),
	}, nil
}

// capsetArguments returns the arguments of capset(2) for the calling thread.
func capsetArguments(c capabilities) (*unix.CapUserHeader, *[2]unix.CapUserData) {
	return &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &[2]unix.CapUserData{
		{Effective: uint32(c.effective), Permitted: uint32(c.permitted), Inheritable: uint32(c.inheritable)},
		{Effective: uint32(c.effective >> 32), Permitted: uint32(c.permitted >> 32), Inheritable: uint32(c.inheritable >> 32)},
	}
}

func setThreadCapabilities(c capabilities) error {
	header, data := capsetArguments(c)
	return unix.Capset(header, &data[0])
}

// ambientCapabilities returns those of the permitted set that are ambient.
func ambientCapabilities(permitted uint64) uint64 {
	var ambient uint64
	for c := range 64 {
		if permitted>>c&1 == 0 {
			continue
		}
		set, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(c), 0, 0)
		if err == nil && set == 1 {
			ambient |= 1 << c
		}
	}
	return ambient
}
