package probe

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of sendmmsg(2) and recvmmsg(2), which x/sys does
// not have: a message and how many bytes of it were sent or received.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// sendmmsg is sendmmsg(2): it returns how many messages the kernel took. Only
// the first one's failure is an error; behind others it just ends the count.
// The socket does not block, so the scheduler need not hear of the call.
func sendmmsg(fd int, messages []mmsghdr) (int, error) {
	return mmsg(unix.SYS_SENDMMSG, fd, messages, 0)
}

// recvmmsg is recvmmsg(2) with MSG_DONTWAIT: it returns how many messages it
// has filled in.
func recvmmsg(fd int, messages []mmsghdr, flags int) (int, error) {
	return mmsg(unix.SYS_RECVMMSG, fd, messages, flags|unix.MSG_DONTWAIT)
}

func mmsg(call uintptr, fd int, messages []mmsghdr, flags int) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(messages))),
			uintptr(len(messages)), uintptr(flags), 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}

// ring is room for messages that one call receives.
type ring struct {
	headers []mmsghdr
	vectors []unix.Iovec
	packets []byte
	control []byte
	names   []byte
	size    int // bytes for each packet
	// next is the first of the filled that was not taken yet.
	next, filled int
}

// batchControl holds the control messages of one packet or error: two stamps,
// hop limit, traffic class, drops, and struct sock_extended_err with an IPv6
// address are 200 bytes.
const batchControl = 256

// newRing makes room for n messages of a size; addressed says that their sender
// is wanted.
func newRing(n, size int, addressed bool) *ring {
	r := &ring{
		headers: make([]mmsghdr, n), vectors: make([]unix.Iovec, n),
		packets: make([]byte, n*size), control: make([]byte, n*batchControl), size: size,
	}
	if addressed {
		r.names = make([]byte, n*sizeofInet6)
	}
	for i := range r.headers {
		r.vectors[i].Base = &r.packets[i*size]
		r.vectors[i].SetLen(size)
		h := &r.headers[i].header
		h.Iov = &r.vectors[i]
		h.SetIovlen(1)
		if addressed {
			h.Name = &r.names[i*sizeofInet6]
		}
		h.Control = &r.control[i*batchControl]
		r.reset(i)
	}
	return r
}

// fill receives as many messages as there are and fit.
func (r *ring) fill(fd, flags int) error {
	for i := range r.filled {
		r.reset(i)
	}
	r.next, r.filled = 0, 0
	n, err := recvmmsg(fd, r.headers, flags)
	r.filled = n
	return err
}

// reset restores the sizes, which the kernel has replaced by what it used.
func (r *ring) reset(i int) {
	h := &r.headers[i].header
	if r.names != nil {
		h.Namelen = sizeofInet6
	}
	h.SetControllen(batchControl)
	h.Flags = 0
}

// take returns the next message: its packet, control messages, address and
// flags.
func (r *ring) take() (packet, control, name []byte, flags int) {
	i := r.next
	r.next++
	m := &r.headers[i]
	packet = r.packets[i*r.size:][:min(int(m.length), r.size)]
	control = r.control[i*batchControl:][:min(int(m.header.Controllen), batchControl)]
	if r.names != nil {
		name = r.names[i*sizeofInet6:][:min(int(m.header.Namelen), sizeofInet6)]
	}
	return packet, control, name, int(m.header.Flags)
}
