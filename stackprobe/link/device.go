package link

import (
	"os"

	"golang.org/x/sys/unix"
)

// Device is the descriptor behind a kernel's interface: what is read from it the kernel has transmitted, what is written to it
// arrives there. Each read and write is one IP packet. No method waits.
type Device struct {
	fd int
	// to is where frames for the kernel go, nil for a TUN interface.
	to *unix.SockaddrLinklayer
	// dropped sums what PACKET_STATISTICS has told: reading it clears it.
	dropped uint64
}

// TUN returns the device over a descriptor of OpenTUN.
func TUN(fd int) *Device { return &Device{fd: fd} }

// Fd is the descriptor, for those who wait for packets.
func (d *Device) Fd() int { return d.fd }

// Read reads the next packet into b, which must have room for the largest one. ok is false if there is none.
func (d *Device) Read(b []byte) (n int, ok bool, err error) {
	for {
		n, err = unix.Read(d.fd, b)
		switch err {
		case nil:
			return n, true, nil
		case unix.EINTR, unix.ENETDOWN: // a packet socket tells once that its interface was down before
			continue
		case unix.EAGAIN:
			return 0, false, nil
		}
		return 0, false, os.NewSyscallError("read from the link", err)
	}
}

// Write has one packet arrive at the kernel. Over TUN the kernel has processed it when Write returns, because that happens in the
// call itself (drivers/net/tun.c, tun_get_user); over veth nearly always, because it does as the last part of the call.
func (d *Device) Write(packet []byte) error {
	for {
		var err error
		if d.to != nil {
			err = unix.Sendto(d.fd, packet, unix.MSG_DONTWAIT, d.to)
		} else {
			_, err = unix.Write(d.fd, packet)
		}
		if err != unix.EINTR {
			return os.NewSyscallError("write to the link", err)
		}
	}
}

// Close closes the descriptor; with a TUN's the interface goes.
func (d *Device) Close() error { return unix.Close(d.fd) }
