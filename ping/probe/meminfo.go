package probe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The words of SO_MEMINFO (linux/sock_diag.h): SK_MEMINFO_DROPS is one of
// SK_MEMINFO_VARS.
const (
	memInfoDrops = 8
	memInfoWords = 9
)

// Drops returns how many packets found no room in the receive buffer so far: the
// figure of Message.Drops, which comes with the next packet and so never after
// the last. A raw socket counts packets of other programs too while its buffer is
// full: the kernel looks whether there is room before it runs the filter
// (raw_v4_input, net/ipv4/raw.c). ok is false when the kernel does not tell.
func (s *Socket) Drops() (n uint32, ok bool) {
	var words [memInfoWords]uint32
	size := uint32(unsafe.Sizeof(words))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&words)), uintptr(unsafe.Pointer(&size)), 0)
	return words[memInfoDrops], errno == 0 && size > 4*memInfoDrops
}
