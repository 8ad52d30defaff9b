package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// netlessEnv makes this program, run as gnet, a process that cannot have sockets of
// sock_diag, as in a container with a strict seccomp filter. Its value is the
// errno that socket(2) fails with; behind a colon may stand another netlink
// family than sock_diag's, by number.
const netlessEnv = "GNET_TEST_NETLESS"

// refuseNetlink installs that filter, for all threads.
func refuseNetlink() error {
	code, family, other := strings.Cut(os.Getenv(netlessEnv), ":")
	if !other {
		family = strconv.Itoa(unix.NETLINK_SOCK_DIAG)
	}
	errno, err := strconv.Atoi(code)
	if err != nil {
		return err
	}
	protocol, err := strconv.Atoi(family)
	if err != nil {
		return err
	}
	const seccompSetModeFilter = 1
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: skip, K: value}
	}
	result := func(value uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
	}
	filter := []unix.SockFilter{ // over struct seccomp_data: nr, arch, instruction pointer, args
		load(0), unless(unix.SYS_SOCKET, 5),
		load(16), unless(unix.AF_NETLINK, 3),
		load(32), unless(uint32(protocol), 1),
		result(unix.SECCOMP_RET_ERRNO | uint32(errno)),
		result(unix.SECCOMP_RET_ALLOW),
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, seccompSetModeFilter, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if e != 0 {
		return e
	}
	return nil
}

// gnetForTests is gnet as the tests run it in processes of its own.
func gnetForTests() {
	if os.Getenv(netlessEnv) != "" {
		runtime.LockOSThread()
		if err := refuseNetlink(); err != nil {
			fmt.Fprintln(os.Stderr, "seccomp:", err)
			os.Exit(125)
		}
	}
	os.Exit(run(os.Args, systemEnv()))
}
