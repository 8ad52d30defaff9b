package probe

import "golang.org/x/sys/unix"

// The values of SO_TIMESTAMPING (Documentation/networking/timestamping.rst 1.3).
const (
	// receiveStamps asks for a stamp of what arrives.
	receiveStamps = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE
	// transmitStamps asks for one of what leaves too.
	transmitStamps = receiveStamps | unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_ID |
		unix.SOF_TIMESTAMPING_OPT_TSONLY | unix.SOF_TIMESTAMPING_OPT_CMSG
	// hardwareStamps asks for those of the device. They come if its driver makes
	// them and somebody has switched them on (SIOCSHWTSTAMP, as a time daemon does):
	// that is a setting of the host's, and not changed here. The kernel's own
	// stamps come besides.
	hardwareStamps = unix.SOF_TIMESTAMPING_RAW_HARDWARE | unix.SOF_TIMESTAMPING_RX_HARDWARE | unix.SOF_TIMESTAMPING_TX_HARDWARE |
		unix.SOF_TIMESTAMPING_OPT_TX_SWHW
)

// setStamps asks for stamps. A kernel before 4.13 does not know all that there is
// of the device's, and those are left away.
func (s *Socket) setStamps(transmit bool) error {
	s.transmitStamps = transmit
	if !transmit {
		return s.timestamping(receiveStamps)
	}
	s.stamps = transmitStamps | hardwareStamps
	err := s.timestamping(s.stamps)
	if err == unix.EINVAL {
		s.stamps = transmitStamps
		err = s.timestamping(s.stamps)
	}
	return err
}

func (s *Socket) timestamping(flags int) error {
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, flags)
}

// restartStamps makes the kernel number its transmit stamps from 0 again. It
// numbers a message before it knows whether the message can leave
// (__ip_append_data, net/ipv4/ip_output.c), and which failures use up a number
// depends on its version: after a failure nobody can tell. The count starts when
// SOF_TIMESTAMPING_OPT_ID is switched on. Should that not work, the stamps go
// unused, and times are measured from before the call.
func (s *Socket) restartStamps() {
	_ = s.timestamping(s.stamps &^ unix.SOF_TIMESTAMPING_OPT_ID)
	if s.timestamping(s.stamps) == nil {
		s.stampBase = s.accepted
	}
}
