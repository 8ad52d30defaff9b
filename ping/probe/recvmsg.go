package probe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// recvmsg is recvmsg(2). It returns how many bytes of each buffer were filled.
//
// unix.Recvmsg would ask the socket for its protocol at each packet, to tell
// L2TP addresses from others: one more system call for each reply.
func recvmsg(fd int, packet, control, name []byte, flags int) (n, controlLen, nameLen int, err error) {
	iov := unix.Iovec{Base: unsafe.SliceData(packet)}
	iov.SetLen(len(packet))
	header := unix.Msghdr{Name: unsafe.SliceData(name), Namelen: uint32(len(name)), Iov: &iov, Control: unsafe.SliceData(control)}
	header.SetIovlen(1)
	header.SetControllen(len(control))
	r, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&header)), uintptr(flags))
	if errno != 0 {
		return 0, 0, 0, errno
	}
	return int(r), int(header.Controllen), int(header.Namelen), nil
}
