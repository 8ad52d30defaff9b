package capture

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vlanValid is TP_STATUS_VLAN_VALID (include/uapi/linux/if_packet.h).
const vlanValid = 1 << 4

// vlanOctets is the length of a tag of IEEE 802.1Q, vlanAt its place in a frame of Ethernet.
const (
	vlanOctets = 4
	vlanAt     = 12
)

// sl2Header is the length of the header of LINKTYPE_LINUX_SLL2.
const sl2Header = 20

// errRing is a block that no kernel writes.
var errRing = errors.New("a block of the ring is damaged")

// Read hands over the packets of the next block of the ring, one after another, until yield returns false; the rest of the block is
// lost then. It reports false if no block is ready. Packets are valid until yield returns.
func (l *Live) Read(yield func(*Packet) bool) (bool, error) {
	block := l.ring[l.block*blockSize:][:blockSize]
	head := (*unix.TpacketHdrV1)(unsafe.Pointer(&block[8]))
	if atomic.LoadUint32(&head.Block_status)&unix.TP_STATUS_USER == 0 {
		return false, nil
	}
	err := l.frames(block, head, yield)
	atomic.StoreUint32(&head.Block_status, unix.TP_STATUS_KERNEL)
	l.block = (l.block + 1) % (len(l.ring) / blockSize)
	return true, err
}

// frames walks over the packets of a block.
func (l *Live) frames(block []byte, head *unix.TpacketHdrV1, yield func(*Packet) bool) error {
	at := int(head.Offset_to_first_pkt)
	for range head.Num_pkts {
		if at < 0 || at+int(unsafe.Sizeof(unix.Tpacket3Hdr{})) > len(block) {
			return &LiveError{l.iface.Name, "read", errRing}
		}
		h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&block[at]))
		from := at + int(h.Mac)
		if from+int(h.Snaplen) > len(block) {
			return &LiveError{l.iface.Name, "read", errRing}
		}
		// The address stands behind the header, aligned (TPACKET3_HDRLEN).
		sll := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&block[at+(int(unsafe.Sizeof(*h))+unix.TPACKET_ALIGNMENT-1)&^(unix.TPACKET_ALIGNMENT-1)]))
		if l.take(h, sll, block[from:from+int(h.Snaplen)]) && !yield(&l.packet) {
			return nil
		}
		at += int(h.Next_offset)
	}
	return nil
}

// take makes a packet of a frame. What leaves on a loopback device comes back on it, and counts there.
func (l *Live) take(h *unix.Tpacket3Hdr, sll *unix.RawSockaddrLinklayer, data []byte) bool {
	if sll.Hatype == unix.ARPHRD_LOOPBACK && sll.Pkttype == unix.PACKET_OUTGOING {
		return false
	}
	l.number++
	l.packet = Packet{Number: l.number, At: &l.iface, Time: int64(h.Sec)*1e9 + int64(h.Nsec), Data: data, Length: int(h.Len), Direction: Inbound,
		Partial: h.Status&unix.TP_STATUS_CSUMNOTREADY != 0, Judged: true}
	if sll.Pkttype == unix.PACKET_OUTGOING {
		l.packet.Direction = Outbound
	}
	switch {
	case l.link == LinuxSL2:
		l.cooked(sll)
	case l.link == Ethernet && h.Status&vlanValid != 0 && len(data) >= vlanAt:
		l.tag(h)
	}
	return true
}

// tag puts back the tag that the device or the kernel has taken off.
func (l *Live) tag(h *unix.Tpacket3Hdr) {
	p := &l.packet
	kind := uint16(tagC)
	if h.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		kind = h.Hv1.Vlan_tpid
	}
	l.buf = append(l.buf[:0], p.Data[:vlanAt]...)
	l.buf = binary.BigEndian.AppendUint16(l.buf, kind)
	l.buf = binary.BigEndian.AppendUint16(l.buf, uint16(h.Hv1.Vlan_tci))
	l.buf = append(l.buf, p.Data[vlanAt:]...)
	p.Data, p.Length = l.buf, p.Length+vlanOctets
}

// cooked puts the header of LINKTYPE_LINUX_SLL2 before a packet of any device.
func (l *Live) cooked(sll *unix.RawSockaddrLinklayer) {
	p := &l.packet
	b := append(l.buf[:0], make([]byte, sl2Header)...)
	binary.NativeEndian.PutUint16(b, sll.Protocol) // in network order already
	binary.BigEndian.PutUint32(b[4:], uint32(sll.Ifindex))
	binary.BigEndian.PutUint16(b[8:], sll.Hatype)
	b[10], b[11] = sll.Pkttype, sll.Halen
	copy(b[12:], sll.Addr[:])
	l.buf = append(b, p.Data...)
	p.Data, p.Length = l.buf, p.Length+sl2Header
}
