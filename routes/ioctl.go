package routes

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IsRefusedNetlink reports whether err, from Dial, says that this process cannot have netlink sockets: no AF_NETLINK in the kernel or a
// filter of system calls before it. AddOld and DeleteOld do without.
func IsRefusedNetlink(err error) bool {
	var op *OpError
	if !errors.As(err, &op) || op.Op != OpDial {
		return false
	}
	for _, errno := range [...]unix.Errno{unix.EPERM, unix.EACCES, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.ENOSYS, unix.EINVAL} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// OldError says what struct rtentry or in6_rtmsg has no room for. Nothing was changed.
type OldError struct{ What string }

// Error is a sentence.
func (e *OldError) Error() string {
	return "netlink is refused here, and the old system call cannot carry " + e.What
}

// AddOld is Conn.Add by SIOCADDRT, for where netlink is refused. What the call has no room for is an *OldError.
func AddOld(ch Change) error { return old(OpAdd, unix.SIOCADDRT, &ch) }

// DeleteOld is Conn.Delete by SIOCDELRT. IPv6 without a metric deletes the first that matches, which is one of the lowest.
func DeleteOld(ch Change) error { return old(OpDelete, unix.SIOCDELRT, &ch) }

func old(op Op, request uint, ch *Change) error {
	four := ch.Dst.Addr().Is4()
	switch {
	case ch.Type == unix.RTN_UNREACHABLE && four:
		ch.Reject = true
	case ch.Type != 0 && ch.Type != unix.RTN_UNICAST:
		return &OldError{"the type " + TypeName(ch.Type)}
	}
	switch {
	case ch.Table != 0 && ch.Table != unix.RT_TABLE_MAIN:
		return &OldError{"a table: it knows the main one"}
	case ch.Tos != 0:
		return &OldError{"a type of service"}
	}
	family := unix.AF_INET6
	if four {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return &OpError{Op: OpDial, Err: err}
	}
	defer unix.Close(fd)
	if four {
		return old4(op, fd, request, ch)
	}
	return old6(op, fd, request, ch)
}

// rtentry is struct rtentry (linux/route.h); a C long is as large as a uintptr.
type rtentry struct {
	_                     uintptr
	dst, gateway, genmask unix.RawSockaddrInet4
	flags                 uint16
	_                     int16
	_, _                  uintptr
	metric                int16 // one more than the metric; 0: none
	dev                   unsafe.Pointer
	mtu, window           uintptr // mtu is 40 more than advmss
	irtt                  uint16  // milliseconds
}

// The bits of rt_flags and rtmsg_flags that make a route (linux/route.h).
const (
	rtfUp      = 0x1
	rtfGateway = 0x2
	rtfHost    = 0x4
	rtfMSS     = 0x40
	rtfWindow  = 0x80
	rtfIRTT    = 0x100
	rtfReject  = 0x200
)

// maxOldMetric is the largest metric of struct rtentry, which has 16 bits with a sign, and one more than the metric in them.
const maxOldMetric = math.MaxInt16 - 1

func old4(op Op, fd int, request uint, ch *Change) error {
	entry, err := newRtentry(ch)
	if err != nil {
		return err
	}
	var name []byte
	if ch.HasDevice && !ch.Reject {
		if len(ch.Device) >= unix.IFNAMSIZ {
			return opError(op, unix.ENODEV)
		}
		name = append([]byte(ch.Device), make([]byte, unix.IFNAMSIZ)...) // the kernel reads so many bytes
		entry.dev = unsafe.Pointer(&name[0])
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(entry)))
	runtime.KeepAlive(name)
	if errno != 0 {
		return opError(op, errno)
	}
	return nil
}

// newRtentry is what rtentry_to_fib_config (net/ipv4/fib_frontend.c) reads.
func newRtentry(ch *Change) (*rtentry, error) {
	switch {
	case ch.Metric > maxOldMetric:
		return nil, &OldError{fmt.Sprintf("metric %d: at most %d", ch.Metric, maxOldMetric)}
	case ch.IRTT > math.MaxUint16:
		return nil, &OldError{fmt.Sprintf("irtt %d: at most %d", ch.IRTT, math.MaxUint16)}
	}
	e := &rtentry{dst: sockaddr4(ch.Dst.Addr()), genmask: sockaddr4(mask4(ch.Dst.Bits())), flags: rtfUp}
	if ch.Dst.Bits() == 32 {
		e.flags |= rtfHost
	}
	if ch.HasMetric {
		e.metric = int16(ch.Metric) + 1
	}
	if ch.Reject {
		e.flags |= rtfReject
		return e, nil
	}
	if ch.Gateway.IsValid() {
		e.gateway = sockaddr4(ch.Gateway)
		e.flags |= rtfGateway
	}
	if ch.MSS != 0 {
		e.mtu, e.flags = uintptr(ch.MSS), e.flags|rtfMSS
	}
	if ch.Window != 0 {
		e.window, e.flags = uintptr(ch.Window), e.flags|rtfWindow
	}
	if ch.IRTT != 0 {
		e.irtt, e.flags = uint16(ch.IRTT), e.flags|rtfIRTT
	}
	return e, nil
}

func sockaddr4(a netip.Addr) unix.RawSockaddrInet4 {
	return unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.As4()}
}

// in6Rtmsg is struct in6_rtmsg (linux/ipv6_route.h).
type in6Rtmsg struct {
	dst, _, gateway [16]byte
	_               uint32
	dstLen, _       uint16
	metric          uint32
	_               uintptr
	flags           uint32
	ifindex         int32
}

// old6 sends what rtmsg_to_fib6_config (net/ipv6/route.c) reads. RTF_HOST is not sent, as in route6.
func old6(op Op, fd int, request uint, ch *Change) error {
	msg := &in6Rtmsg{dst: ch.Dst.Masked().Addr().As16(), dstLen: uint16(ch.Dst.Bits()), metric: ch.Metric, flags: rtfUp}
	if !ch.HasMetric && op == OpAdd {
		msg.metric = defaultMetric6
	}
	if ch.Gateway.IsValid() {
		msg.gateway, msg.flags = ch.Gateway.As16(), msg.flags|rtfGateway
	}
	if ch.HasDevice {
		ifr, err := unix.NewIfreq(ch.Device)
		if err != nil {
			return &OpError{Op: OpInterface, Err: unix.ENODEV}
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
			return opError(OpInterface, err)
		}
		msg.ifindex = int32(ifr.Uint32())
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(msg)))
	if errno != 0 {
		return opError(op, errno)
	}
	return nil
}
