package probe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below never block, and so go past the scheduler (unix.RawSyscall):
// telling it of each one costs more than a tenth of an echo on the loopback
// device.

// recvmsg is recvmsg(2) with MSG_DONTWAIT. It returns how many bytes of each
// buffer were filled; no error is boxed, so that nothing is allocated.
//
// unix.Recvmsg would ask the socket for its protocol at each packet, to tell
// L2TP addresses from others: one more system call for each reply.
func recvmsg(fd int, packet, control, name []byte, flags int) (n, controlLen, nameLen int, errno unix.Errno) {
	iov := unix.Iovec{Base: unsafe.SliceData(packet)}
	iov.SetLen(len(packet))
	header := unix.Msghdr{Name: unsafe.SliceData(name), Namelen: uint32(len(name)), Iov: &iov, Control: unsafe.SliceData(control)}
	header.SetIovlen(1)
	header.SetControllen(len(control))
	for {
		r, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&header)), uintptr(flags|unix.MSG_DONTWAIT))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, 0, 0, errno
		}
		return int(r), int(header.Controllen), int(header.Namelen), 0
	}
}

// sendto is sendto(2) with MSG_DONTWAIT. The address is one that rawSockaddr made.
func sendto(fd int, message, address []byte) unix.Errno {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(message))), uintptr(len(message)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(unsafe.SliceData(address))), uintptr(len(address)))
		if errno != unix.EINTR {
			return errno
		}
	}
}
