package probe

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// AskExtensions makes the kernel say where an ICMP error ends its quotation and
// extensions begin (IP_RECVERR_RFC4884, IPV6_RECVERR_RFC4884): Message.Extensions. A
// kernel before Linux 5.9 cannot; extensions behind 128 quoted bytes are found
// even so.
func (s *Socket) AskExtensions() error {
	level, option, name := unix.SOL_IP, unix.IP_RECVERR_RFC4884, "IP_RECVERR_RFC4884"
	if s.family == IPv6 {
		level, option, name = unix.SOL_IPV6, unix.IPV6_RECVERR_RFC4884, "IPV6_RECVERR_RFC4884"
	}
	if err := unix.SetsockoptInt(s.fd, level, option, 1); err != nil && !errors.Is(err, unix.ENOPROTOOPT) {
		return s.fail(name, "", err)
	}
	return nil
}

// invalidExtensions is SO_EE_RFC4884_FLAG_INVALID (linux/errqueue.h).
const invalidExtensions = 1

// quotation returns where extensions begin behind the quoted data, 0 when the error does
// not say that there are any: struct sock_ee_data_rfc4884 in place of ee_data.
func (e *extendedErr) quotation() (length int, invalid bool) {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], e.data)
	return int(binary.NativeEndian.Uint16(b[:])), b[2]&invalidExtensions != 0
}

// cutExtensions parts the quotation in m.Data from the extensions behind it.
func (s *Socket) cutExtensions(m *Message, e *extendedErr) {
	at, invalid := e.quotation()
	if at == 0 {
		s.findExtensions(m)
		return
	}
	if at > len(m.Data) {
		m.BadExtensions = true
		return
	}
	extensions, err := wire.CheckExtensions(m.Data[at:])
	m.Data = m.Data[:at]
	if err != nil || invalid {
		m.BadExtensions = true
		return
	}
	m.Extensions = extensions
}

// findExtensions looks for extensions where the error does not say that it has any:
// routers older than RFC 4884 have them behind 128 quoted bytes (section 5.5 there).
// Only a checksum tells them from more of the quoted packet.
func (s *Socket) findExtensions(m *Message) {
	at := wire.QuoteBeforeExtensions - wire.IPv4MinHeader
	if s.family == IPv6 {
		at = wire.QuoteBeforeExtensions - wire.IPv6Header
	}
	if s.transport == unix.IPPROTO_UDP {
		at -= wire.UDPHeader // the kernel has taken that away too
	}
	if len(m.Data) <= at {
		return
	}
	extensions, err := wire.CheckExtensions(m.Data[at:])
	if err == nil && !extensions.Unchecked() && len(extensions) > minExtensions {
		m.Data, m.Extensions = m.Data[:at], extensions
	}
}

// minExtensions is the length of a structure without objects.
const minExtensions = 4
