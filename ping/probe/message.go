package probe

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// Kind is what a Message is about.
type Kind uint8

// The kinds of message.
const (
	// Packet is an ICMP message that was received.
	Packet Kind = iota + 1
	// ICMPError is an ICMP error about one of our probes, from the error queue.
	ICMPError
	// LocalError is our own kernel's refusal of a probe, from the error queue.
	LocalError
	// TransmitStamp is the time at which a probe was handed to the device.
	TransmitStamp
)

// Message is one thing that came out of a socket. It and its Data belong to the
// socket and are valid until the next Receive.
type Message struct {
	Kind Kind
	// Data of a Packet starts at the ICMP header. Of an error it is the probe
	// that the error quotes, from its ICMP header on, as far as it was quoted.
	Data []byte
	// From is the sender of a packet, or the original destination of a probe.
	From netip.Addr
	// Port belongs to From on a UDP socket: that of the sender, or that which the
	// datagram of an ICMPError went to.
	Port uint16
	// Offender is the host that sent an ICMPError.
	Offender netip.Addr
	// TTL and TOS of the packet that was received, -1 when unknown.
	TTL, TOS int
	// Options are the IPv4 header options of a packet, as on the wire.
	Options []byte
	// FragmentSize is the length of the largest fragment in which a packet came, IP
	// header included, 0 when it came whole. Only after AskFragmentSize.
	FragmentSize int
	// Errno, Type, Code and Info are those of struct sock_extended_err
	// (ip(7)): Info is an MTU, a pointer or a gateway's address.
	Errno      unix.Errno
	Type, Code uint8
	Info       uint32
	// StampID is the number of the probe that a TransmitStamp is about: 0 for the
	// first one for which Send returned nil.
	StampID uint32
	// Stamp is the kernel's time of arrival or of sending, CLOCK_REALTIME; zero
	// when the kernel gave none.
	Stamp time.Time
	// Hardware is the time of arrival or of sending by the clock of the network
	// device, zero when it gave none. That clock need not show the time of day: only
	// the distance of two such stamps means anything. A probe's TransmitStamp with
	// this one is another message than that with Stamp.
	Hardware time.Time
	// Drops is how many packets the full receive buffer has cost so far.
	Drops uint32
	// Extensions are what an ICMPError says behind the packet that it quotes (RFC 4884),
	// nil without any. BadExtensions says that something is there that is none.
	Extensions    wire.Extensions
	BadExtensions bool
	// BadChecksum marks an IPv4 packet from a raw socket whose ICMP checksum is
	// wrong. The kernel drops them on the other sockets.
	BadChecksum bool
}
