package probe

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// cmsg builds one control message as the kernel lays it out (CMSG_NXTHDR).
func cmsg(level, kind int32, data ...byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	binary.NativeEndian.PutUint32(b[8:], uint32(level))
	binary.NativeEndian.PutUint32(b[12:], uint32(kind))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func words(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

func longs(values ...uint64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	return b
}

// extended is a sock_extended_err with the address behind it.
func extended(errno uint32, origin, typ, code byte, info, data uint32, address ...byte) []byte {
	b := words(errno)
	b = append(b, origin, typ, code, 0)
	b = append(b, words(info, data)...)
	return append(b, address...)
}

// inet4 and inet6 are the addresses of routers as the kernel writes them.
func inet4() []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	return append(b, 0, 0, 10, 77, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0)
}

func inet6(scope uint32) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
	a := netip.MustParseAddr("fd77:1::2").As16()
	b = append(append(b, 0, 0, 0, 0, 0, 0), a[:]...)
	return append(b, words(scope)...)
}

func TestParseControl(t *testing.T) {
	router4, router6 := netip.MustParseAddr("10.77.1.2"), netip.MustParseAddr("fd77:1::2")
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want control
		err  *ParseError
	}{
		{"nothing", nil, control{ttl: -1, tos: -1}, nil},
		{"a packet on a ping socket", join(
			cmsg(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, longs(1795331869, 915265007, 0, 0, 0, 0)...),
			cmsg(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, words(3)...),
			cmsg(unix.SOL_IP, unix.IP_TTL, words(61)...),
			cmsg(unix.SOL_IP, unix.IP_TOS, 0xb8)),
			control{ttl: 61, tos: 0xb8, drops: 3, stamp: time.Unix(1795331869, 915265007)}, nil},
		{"IPv6", join(cmsg(unix.SOL_IPV6, unix.IPV6_HOPLIMIT, words(64)...), cmsg(unix.SOL_IPV6, unix.IPV6_TCLASS, words(2)...)),
			control{ttl: 64, tos: 2}, nil},
		{"frag needed", cmsg(unix.SOL_IP, unix.IP_RECVERR, extended(90, 2, 3, 4, 1450, 0, inet4()...)...),
			control{ttl: -1, tos: -1, hasErr: true, err: extendedErr{errno: 90, origin: 2, typ: 3, code: 4, info: 1450, offender: router4}}, nil},
		{"packet too big", cmsg(unix.SOL_IPV6, unix.IPV6_RECVERR, extended(90, 3, 2, 0, 1450, 0, inet6(5)...)...),
			control{ttl: -1, tos: -1, hasErr: true, err: extendedErr{errno: 90, origin: 3, typ: 2, info: 1450, offender: router6, offenderScope: 5}}, nil},
		{"local error: the address has no family", cmsg(unix.SOL_IP, unix.IP_RECVERR, extended(90, 1, 0, 0, 1500, 0, make([]byte, 16)...)...),
			control{ttl: -1, tos: -1, hasErr: true, err: extendedErr{errno: 90, origin: 1, info: 1500}}, nil},
		{"transmit stamp", cmsg(unix.SOL_IP, unix.IP_RECVERR, extended(42, 4, 0, 0, 0, 7)...),
			control{ttl: -1, tos: -1, hasErr: true, err: extendedErr{errno: 42, origin: 4, data: 7}}, nil},
		{"no stamp yet", cmsg(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, longs(0, 0, 0, 0, 0, 0)...), control{ttl: -1, tos: -1}, nil},
		{"a stamp of the device too", cmsg(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, longs(1795331869, 915265007, 0, 0, 77, 5)...),
			control{ttl: -1, tos: -1, stamp: time.Unix(1795331869, 915265007), hardware: time.Unix(77, 5)}, nil},
		{"a stamp of the device alone", cmsg(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, longs(0, 0, 0, 0, 77, 5)...),
			control{ttl: -1, tos: -1, hardware: time.Unix(77, 5)}, nil},
		{"came in fragments", join(cmsg(unix.SOL_IP, unix.IP_RECVFRAGSIZE, words(1396)...), cmsg(unix.SOL_IPV6, unix.IPV6_RECVFRAGSIZE, words(1400)...)),
			control{ttl: -1, tos: -1, fragment: 1400}, nil},
		{"short fragment size", cmsg(unix.SOL_IP, unix.IP_RECVFRAGSIZE, 1, 2), control{ttl: -1, tos: -1}, &ParseError{What: "fragment size", Len: 2}},
		{"unknown message", cmsg(99, 99, 1, 2, 3), control{ttl: -1, tos: -1}, nil},
		{"short stamp", cmsg(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, longs(1)...), control{ttl: -1, tos: -1}, &ParseError{What: "SCM_TIMESTAMPING", Len: 8}},
		{"short error", cmsg(unix.SOL_IP, unix.IP_RECVERR, words(90, 2)...), control{ttl: -1, tos: -1}, &ParseError{What: "sock_extended_err", Len: 8}},
		{"short drops", cmsg(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1), control{ttl: -1, tos: -1}, &ParseError{What: "SO_RXQ_OVFL", Len: 1}},
		{"empty hop limit", cmsg(unix.SOL_IP, unix.IP_TTL), control{ttl: -1, tos: -1}, &ParseError{What: "hop limit", Len: 0}},
		{"length beyond the end", longs(400, 0), control{ttl: -1, tos: -1}, &ParseError{What: "control message", Len: 16}},
		{"what was read before the bad one stands", join(cmsg(unix.SOL_IP, unix.IP_TTL, words(61)...), longs(1, 0)), control{ttl: 61, tos: -1},
			&ParseError{What: "control message", Len: 16}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got control
			err := got.parse(tt.b)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(control{}, extendedErr{}), cmp.Comparer(netipEqual)); diff != "" {
				t.Errorf("control (-want +got)\n%s", diff)
			}
			var parse *ParseError
			errors.As(err, &parse)
			if diff := cmp.Diff(tt.err, parse); diff != "" {
				t.Errorf("error (-want +got)\n%s", diff)
			}
		})
	}
}

func netipEqual(a, b netip.Addr) bool { return a == b }

// FuzzControl: whatever the bytes, parsing ends, and an error is ours.
func FuzzControl(f *testing.F) {
	f.Add(cmsg(unix.SOL_SOCKET, unix.SCM_TIMESTAMPING, longs(1795331869, 915265007, 0, 0, 0, 0)...))
	f.Add(cmsg(unix.SOL_IP, unix.IP_RECVERR, extended(90, 2, 3, 4, 1450, 0, inet4()...)...))
	f.Add(cmsg(unix.SOL_IPV6, unix.IPV6_RECVERR, extended(90, 3, 2, 0, 1450, 0, inet6(5)...)...))
	f.Add(append(cmsg(unix.SOL_IP, unix.IP_TTL, words(61)...), cmsg(unix.SOL_IPV6, unix.IPV6_TCLASS, words(2)...)...))
	f.Add(cmsg(unix.SOL_IP, unix.IP_TOS, 0xb8))
	f.Add(longs(1, 0))
	for _, capture := range realControls() {
		f.Add(capture)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c control
		err := c.parse(b)
		if err != nil && !errors.As(err, new(*ParseError)) {
			t.Errorf("error %T %v", err, err)
		}
		if c.ttl < -1 || c.ttl > 255 || c.tos < -1 || c.tos > 255 {
			t.Errorf("control %+v", c)
		}
	})
}

// FuzzMessage makes messages of packets and error queue entries of any bytes.
func FuzzMessage(f *testing.F) {
	f.Add(true, true, []byte("E\x00\x00\x1cxx\x40\x00\x3d\x01yy\x0a\x4d\x04\x02\x0a\x4d\x01\x01\x00\x00\xff\xff\x12\x34\x00\x01"), []byte{})
	f.Add(false, true, []byte("\x08\x00\xff\xff\x12\x34\x00\x01"), cmsg(unix.SOL_IP, unix.IP_RECVERR, extended(90, 2, 3, 4, 1450, 0, inet4()...)...))
	f.Add(false, false, []byte("\x80\x00\xff\xff\x12\x34\x00\x01"), cmsg(unix.SOL_IPV6, unix.IPV6_RECVERR, extended(90, 3, 2, 0, 1450, 0, inet6(5)...)...))
	f.Add(false, true, []byte{}, cmsg(unix.SOL_IP, unix.IP_RECVERR, extended(42, 4, 0, 0, 0, 7)...))
	f.Add(true, false, []byte("\x81\x00"), []byte{})
	f.Fuzz(func(t *testing.T, packet, four bool, b, oob []byte) {
		s := &Socket{mode: Raw, family: IPv6}
		if four {
			s.family = IPv4
		}
		var c control
		err := c.parse(oob)
		if err != nil {
			return
		}
		var m *Message
		switch {
		case packet && four:
			m, err = s.headed(b, &c)
		case packet:
			m = s.received(b, &c, netip.Addr{})
		default:
			m, err = s.queued(b, &c, netip.Addr{})
		}
		if (m == nil) == (err == nil) {
			t.Errorf("message %v and error %v", m, err)
		}
		if err != nil && !errors.As(err, new(*ParseError)) {
			t.Errorf("error %T %v", err, err)
		}
	})
}
