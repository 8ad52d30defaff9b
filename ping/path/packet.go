package path

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// Method is what a probe asks the host for.
type Method uint8

// The methods.
const (
	// Echo is an ICMP echo request.
	Echo Method = iota
	// UDP is a datagram to a port that nobody listens on: the host answers that it
	// is unreachable, but few times a second.
	UDP
	// TCP is a SYN with data, which the host answers with a SYN-ACK or a reset.
	TCP
)

// String returns the word for the method in machine formats.
func (m Method) String() string {
	return [...]string{"icmp", "udp", "tcp"}[min(m, TCP)]
}

// Packet is a probe that is to be sent.
type Packet struct {
	Method Method
	// Number and Cookie are set by the Prober.
	Number uint16
	Cookie uint64
	// Size is the length of the IP packet in bytes, as it is before anybody
	// fragments it.
	Size int
	// TTL is its time to live or hop limit, 0 for the host's.
	TTL int
	// Fragment allows it to be fragmented: by routers and this host over IPv4, by
	// this host alone over IPv6, where FragmentSize is the largest fragment that
	// the kernel makes of what is too long for the path, as far as it knows that.
	Fragment     bool
	FragmentSize int
	// Pieces sends it in fragments of our own making, of at most FragmentSize.
	Pieces bool
	// Control marks a probe of whose size nobody doubts that it fits.
	Control bool
}

// Kind is what an Answer is.
type Kind uint8

// The kinds of answer.
const (
	// Reply is the answer of a host that was reached: an echo reply, or a segment.
	Reply Kind = iota + 1
	// ICMPError is an ICMP error that quotes a probe.
	ICMPError
	// LocalError is our own kernel's refusal to send a probe.
	LocalError
)

// Answer is what came out of a Conn about a probe, not yet matched with one.
type Answer struct {
	Kind   Kind
	Method Method
	// Number and Cookie are those that came back; HasCookie is false when the
	// router quoted too little to tell.
	Number    uint16
	Cookie    uint64
	HasCookie bool
	// From is who sent the reply or the error, About the destination of the probe
	// that an error quotes.
	From, About netip.Addr
	// Type, Code and Info are those of an ICMPError; Info is also the MTU of a
	// LocalError.
	Type, Code uint8
	Info       uint32
	// TTL is that of the packet that arrived, -1 when unknown.
	TTL int
	// FragmentSize is the largest fragment in which a reply came, 0 when whole.
	FragmentSize int
	// Size is the length of a reply's IP packet.
	Size int
	// Stamp is the kernel's time of arrival, zero when it gave none.
	Stamp time.Time
	// Means is how the host answered, in a Reply.
	Means Means
	// Extensions are those of an ICMPError; BadExtensions says that what it has in
	// their place cannot be read.
	Extensions    wire.Extensions
	BadExtensions bool
}

// Means is how a host answered a probe.
type Means uint8

// The means.
const (
	// ByEcho is an echo reply.
	ByEcho Means = iota + 1
	// ByPort says that nobody listens on a UDP port, as ICMP error.
	ByPort
	// ByData are data from a UDP port on which somebody listens.
	ByData
	// BySYN is a SYN-ACK, or another segment without RST.
	BySYN
	// ByReset is a segment with RST.
	ByReset
)

// String returns the word for it in machine formats.
func (m Means) String() string {
	return [...]string{"unknown", "echo_reply", "port_unreachable", "data", "syn_ack", "reset"}[min(m, ByReset)]
}

// Conn carries probes. It is normally *Sockets.
type Conn interface {
	// Send sends one probe. The errors are those of sendmsg(2); unix.EOPNOTSUPP is a
	// method that this Conn does not have.
	Send(p *Packet) error
	// Receive returns the next answer, nil when there is none. It never blocks, and
	// the answer is valid until the next call. A *probe.ParseError is one message
	// that could not be read.
	Receive() (*Answer, error)
	// Wait returns when something can be received, or when d has passed. It may
	// return early.
	Wait(d time.Duration) error
	// Wake ends a Wait. Any goroutine may call it.
	Wake()
}

// pendingErrors are those that an ICMP error about an earlier probe can leave on a
// socket, where it fails the next call (icmp_err_convert, net/ipv4/icmp.c).
func pendingError(errno unix.Errno) bool {
	switch errno {
	case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ECONNREFUSED, unix.EPROTO, unix.ENOPROTOOPT, unix.EOPNOTSUPP,
		unix.EHOSTDOWN, unix.ENONET, unix.EACCES, unix.EMSGSIZE:
		return true
	}
	return false
}

// minimum is the size below which no link of the family is (RFC 791, section 3.2;
// RFC 8200, section 5).
func minimum(f probe.Family) int {
	if f == probe.IPv6 {
		return 1280
	}
	return 68
}

// sameHost compares addresses without zones: an error quotes none.
func sameHost(a, b netip.Addr) bool { return a.WithZone("") == b.WithZone("") }
