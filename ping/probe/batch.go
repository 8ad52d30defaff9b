package probe

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// BatchLen is how many messages a Batch hands to the kernel, and takes from it,
// with one system call. More gain nothing: a call costs as much as a tenth of a
// packet.
const BatchLen = 64

const (
	// batchPacket is the room for what comes back; a longer packet is cut.
	batchPacket = 2048
	// batchSlack is how much longer than the probe an answer may be before it
	// is cut, where the probe is large.
	batchSlack = 256
	// batchQueued holds an entry of the error queue: what an ICMP error quotes
	// ends with the smallest MTU of IPv6.
	batchQueued = 1280
	// batchTags is how many stamps may be under way on one socket.
	batchTags = 1 << 12
	// batchBuffer is the receive buffer that is asked for, in bytes: the answers
	// to some thousand probes may arrive together, with as many stamps.
	batchBuffer = 8 << 20
)

// Outgoing is one ICMP message to one host.
type Outgoing struct {
	// To is the destination. A zone must be an interface name.
	To   netip.Addr
	Data []byte
	// Tag comes back with the transmit stamp.
	Tag uint64
}

// Received is one thing that came out of a Batch.
type Received struct {
	*Message
	// Family is that of the socket.
	Family Family
	// Tag is that of the datagram that a TransmitStamp is about.
	Tag uint64
	// First marks the first after a system call: what follows without the mark
	// arrived before it was made.
	First bool
}

// Batch sends to many hosts over one socket of each family, many messages with
// one call (sendmmsg(2), recvmmsg(2)). It is used by one goroutine, except for
// Wake.
type Batch struct {
	lanes []*lane
	polls []unix.PollFd
	turn  int // the lane that receives next
	out   Received
}

// lane is one socket of a Batch.
type lane struct {
	s      *Socket
	send   []mmsghdr
	vector []unix.Iovec
	names  [][sizeofInet6]byte
	device uint32 // index for link-local destinations without a zone, 0: none
	scopes map[string]uint32

	packets, queued *ring
	// checked is set when the error queue was seen empty after all that was
	// received and sent.
	checked bool
	// fresh is set until the first of what was received is handed out.
	fresh bool

	// tags are those of the newest datagrams that the kernel took, by their
	// number; seen counts the stamps that came. recount is set when the kernel's
	// numbers are unknown, and base is the first number of the count in which the
	// stamps in queued are.
	tags    []uint64
	base    uint32
	seen    uint32
	recount bool
}

// NewBatch returns a Batch over sockets that were configured, with Dest and
// without; at most one of each family. c is what they were configured with, and
// largest the size of the largest message that will be sent, in bytes. The
// sockets stay the caller's to close.
func NewBatch(c Config, largest int, sockets ...*Socket) (*Batch, error) {
	b := &Batch{}
	for _, s := range sockets {
		l, err := newLane(c, largest, s)
		if err != nil {
			return nil, err
		}
		b.lanes = append(b.lanes, l)
		b.polls = append(b.polls, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	if len(b.lanes) == 0 {
		return nil, errors.New("a batch of no sockets")
	}
	b.polls = append(b.polls, unix.PollFd{Fd: int32(sockets[len(sockets)-1].wake), Events: unix.POLLIN})
	return b, nil
}

func newLane(c Config, largest int, s *Socket) (*lane, error) {
	l := &lane{
		s: s, send: make([]mmsghdr, BatchLen), vector: make([]unix.Iovec, BatchLen), names: make([][sizeofInet6]byte, BatchLen),
		packets: newRing(BatchLen, max(batchPacket, largest+batchSlack), !s.isHeaded()), queued: newRing(BatchLen, batchQueued, true),
		tags: make([]uint64, batchTags),
	}
	for i := range l.send {
		h := &l.send[i].header
		h.Iov = &l.vector[i]
		h.SetIovlen(1)
		h.Name = &l.names[i][0]
	}
	if c.Device != "" {
		index, err := interfaceIndex(c.Device)
		if err != nil {
			return nil, s.fail("SIOCGIFINDEX", c.Device, err)
		}
		l.device = uint32(index)
	}
	// A buffer beyond net.core.rmem_max needs CAP_NET_ADMIN. A smaller one works
	// too, and what it drops is counted.
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, batchBuffer) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, batchBuffer)
	}
	return l, nil
}

// Send hands datagrams to the kernel, in order, and returns how many it took.
// It may take less than all without an error: call it again with the rest. An
// error is about the first of what is left. A pending ICMP error of an earlier
// probe can be one: it must be received before the datagram is sent again.
func (b *Batch) Send(datagrams []Outgoing) (int, error) {
	if len(datagrams) == 0 {
		return 0, nil
	}
	six := !datagrams[0].To.Is4()
	n := 1
	for n < min(len(datagrams), BatchLen) && !datagrams[n].To.Is4() == six {
		n++
	}
	for _, l := range b.lanes {
		if (l.s.family == IPv6) == six {
			return l.sendAll(datagrams[:n])
		}
	}
	return 0, unix.EAFNOSUPPORT
}

func (l *lane) sendAll(datagrams []Outgoing) (int, error) {
	for i := range datagrams {
		d := &datagrams[i]
		length, err := l.address(&l.names[i], d.To)
		if err != nil && i == 0 {
			return 0, err
		}
		if err != nil {
			datagrams = datagrams[:i] // the next call begins with it
			break
		}
		l.vector[i].Base = &d.Data[0]
		l.vector[i].SetLen(len(d.Data))
		l.send[i].header.Namelen = length
	}
	if l.recount {
		if err := l.restart(); err != nil {
			return 0, err
		}
	}
	n, err := l.call(datagrams)
	for i := range n {
		l.tags[(l.s.accepted+uint32(i))%batchTags] = datagrams[i].Tag
	}
	l.s.accepted += uint32(n)
	l.checked = false
	if n < len(datagrams) {
		l.s.pending = true
		l.recount = l.s.transmitStamps
	}
	return n, err
}

// restart makes the kernel count stamps anew. Those that it has numbered before
// are read first, as far as there is room.
func (l *lane) restart() error {
	if l.queued.next == l.queued.filled {
		if err := l.fillQueue(); err != nil {
			return err
		}
	}
	l.s.restartStamps()
	l.recount = false
	return nil
}

func (l *lane) call(datagrams []Outgoing) (int, error) {
	if len(datagrams) > 1 {
		return sendmmsg(l.s.fd, l.send[:len(datagrams)])
	}
	if errno := sendto(l.s.fd, datagrams[0].Data, l.names[0][:l.send[0].header.Namelen]); errno != 0 {
		return 0, errno
	}
	return 1, nil
}

// address writes the kernel's form of a.
func (l *lane) address(to *[sizeofInet6]byte, a netip.Addr) (uint32, error) {
	clear(to[:])
	if a.Is4() {
		binary.NativeEndian.PutUint16(to[:], unix.AF_INET)
		four := a.As4()
		copy(to[4:], four[:])
		return sizeofInet4, nil
	}
	binary.NativeEndian.PutUint16(to[:], unix.AF_INET6)
	sixteen := a.As16()
	copy(to[8:], sixteen[:])
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() {
		index, err := l.scope(a.Zone())
		if err != nil {
			return 0, err
		}
		binary.NativeEndian.PutUint32(to[24:], index)
	}
	return sizeofInet6, nil
}

// scope returns the index of a zone, asked once for each.
func (l *lane) scope(zone string) (uint32, error) {
	if zone == "" {
		return l.device, nil
	}
	if index, ok := l.scopes[zone]; ok {
		return index, nil
	}
	index, err := interfaceIndex(zone)
	if err != nil {
		return 0, err
	}
	if l.scopes == nil {
		l.scopes = make(map[string]uint32)
	}
	l.scopes[zone] = uint32(index)
	return uint32(index), nil
}
