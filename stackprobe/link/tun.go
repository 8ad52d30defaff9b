package link

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// TUNPath is the device behind every TUN interface (drivers/net/tun.c).
const TUNPath = "/dev/net/tun"

// TUNError is a TUN interface that could not be made. Step is "open" or "TUNSETIFF"; errors.Is reaches the errno.
type TUNError struct {
	Step string
	Err  error
}

// Error says what the errno means here, because the three that occur call for three different remedies.
func (e *TUNError) Error() string {
	switch {
	case e.Step == "open" && e.Err == unix.ENOENT:
		return TUNPath + " does not exist: the tun module is not loaded, or a container hides it"
	case e.Step == "open" && e.Err == unix.ENODEV:
		return TUNPath + ": this kernel has no TUN driver"
	case e.Step == "open" && (e.Err == unix.EACCES || e.Err == unix.EPERM):
		return TUNPath + ": " + e.Err.Error() + ": only its owner may open it"
	case e.Err == unix.EPERM:
		return "TUN interface: operation not permitted: it takes CAP_NET_ADMIN in this network namespace"
	}
	return fmt.Sprintf("TUN interface: %s: %v", e.Step, e.Err)
}

// Unwrap returns the errno.
func (e *TUNError) Unwrap() error { return e.Err }

// OpenTUN makes the TUN interface name in the network namespace of the calling thread and returns its descriptor,
// non-blocking and without packet information, so that each read and write is one IP packet. The interface goes away
// with the descriptor, which also keeps the namespace. The error is a *TUNError.
func OpenTUN(name string) (int, error) { return openTUN(name, unix.IFF_TUN|unix.IFF_NO_PI) }

// OpenTAP is OpenTUN for an interface of Ethernet: each read and write is one frame without its check sequence.
func OpenTAP(name string) (int, error) { return openTUN(name, unix.IFF_TAP|unix.IFF_NO_PI) }

// SetCarrier says whether the cable of a TUN or TAP interface is plugged in (TUNSETCARRIER, Linux 5.0).
func (d *Device) SetCarrier(on bool) error {
	value := 0
	if on {
		value = 1
	}
	return os.NewSyscallError("TUNSETCARRIER", unix.IoctlSetPointerInt(d.fd, unix.TUNSETCARRIER, value))
}

// openTUN makes an interface with the flags of TUNSETIFF.
func openTUN(name string, flags uint16) (int, error) {
	fd, err := unix.Open(TUNPath, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &TUNError{"open", err}
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(flags)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return -1, &TUNError{"TUNSETIFF", err}
	}
	return fd, nil
}
