package ping

import (
	"bytes"
	"encoding/binary"
	"time"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// stampLen is the part of the data that is not pattern: seconds and cookie. It
// has the size of the struct timeval with which other pings begin their data.
const stampLen = 16

// cookieOffset is where the cookie starts in the data.
const cookieOffset = 8

// MaxSize returns the largest Config.Size of a family: what the 16-bit length of
// the IP header leaves. IPv4 counts its own header, IPv6 its payload alone.
func MaxSize(f probe.Family) int {
	if f == probe.IPv6 {
		return 1<<16 - 1 - wire.ICMPHeader
	}
	return 1<<16 - 1 - wire.IPv4MinHeader - wire.ICMPHeader
}

// newMessage returns an echo request with its pattern and without what changes
// from probe to probe.
func newMessage(c *Config) []byte {
	if c.Node != nil {
		return c.Node.message()
	}
	b := make([]byte, wire.ICMPHeader+c.Size)
	b[0] = wire.ICMPv4EchoRequest
	if c.Family == probe.IPv6 {
		b[0] = wire.ICMPv6EchoRequest
	}
	binary.BigEndian.PutUint16(b[4:], c.ID)
	data := b[wire.ICMPHeader:]
	for i := range data {
		if len(c.Pattern) == 0 {
			data[i] = byte(i)
		} else {
			data[i] = c.Pattern[i%len(c.Pattern)]
		}
	}
	return b
}

// fill writes what is proper to one probe.
func (p *Pinger) fill(s *sent) {
	b := p.message
	if p.Node != nil {
		fillNonce(b, p.ID, s)
		return
	}
	binary.BigEndian.PutUint16(b[6:], uint16(s.n))
	if p.hasCookie() {
		data := b[wire.ICMPHeader:]
		binary.NativeEndian.PutUint64(data, uint64(s.wall/int64(time.Second)))
		binary.BigEndian.PutUint64(data[cookieOffset:], s.cookie)
	}
	// The kernel fills in the checksum of ICMPv6 and of ping sockets.
	if p.Mode == probe.Raw && p.Family == probe.IPv4 {
		b[2], b[3] = 0, 0
		binary.BigEndian.PutUint16(b[2:], wire.Checksum(b))
	}
}

func (p *Pinger) hasCookie() bool { return p.Size >= stampLen }

// echo is an echo message as it was received or quoted.
type echo struct {
	id, seq uint16
	nonce   uint32 // of a node information message
	data    []byte
}

// parseEcho reads an echo message of one of the two given types.
func parseEcho(b []byte, want byte) (echo, bool) {
	if len(b) < wire.ICMPHeader || b[0] != want {
		return echo{}, false
	}
	return echo{
		id:   binary.BigEndian.Uint16(b[4:]),
		seq:  binary.BigEndian.Uint16(b[6:]),
		data: b[wire.ICMPHeader:],
	}, true
}

// cookie returns the cookie in the data, false when it is too short to hold one.
func (e *echo) cookie() (uint64, bool) {
	if len(e.data) < stampLen {
		return 0, false
	}
	return binary.BigEndian.Uint64(e.data[cookieOffset:]), true
}

// mayQuote reports whether an ICMP error that quotes e may be about the probe with
// this cookie. Routers need not quote so much (RFC 792: 8 bytes of the data), and
// may put zeros where their quotation ends (RFC 4884, section 5.1).
func mayQuote(e *echo, cookie uint64) bool {
	quoted, ok := e.cookie()
	return !ok || quoted == 0 || quoted == cookie
}

// firstWrong returns the offset in the data of the first byte of the pattern
// that differs from what was sent, 0 when none does.
func firstWrong(got, want []byte) int {
	n := min(len(got), len(want))
	if n <= stampLen || bytes.Equal(got[stampLen:n], want[stampLen:n]) {
		return 0
	}
	for i := stampLen; i < n; i++ {
		if got[i] != want[i] {
			return i
		}
	}
	return 0
}
