package link

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// VnetHeader is struct virtio_net_hdr (include/uapi/linux/virtio_net.h) as a TUN interface with IFF_VNET_HDR puts it
// before each packet: it lets a packet of up to 64 KiB stand for many segments, and leaves its checksum to whoever cuts it.
type VnetHeader struct {
	// NeedsChecksum says that the checksum field at CsumStart+CsumOffset holds the sum of the pseudo header alone.
	NeedsChecksum bool
	// Segmented is VnetTCPv4 or VnetTCPv6 for a packet that stands for segments of SegmentSize octets of payload, each
	// behind the first HeaderLen octets; 0 for a packet as it is.
	Segmented                                     uint8
	HeaderLen, SegmentSize, CsumStart, CsumOffset uint16
}

// The values of VnetHeader.Segmented (VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_TCPV6).
const (
	VnetTCPv4 = 1
	VnetTCPv6 = 4
)

// VnetLen is the length of the header in octets, without the fields for several receive buffers.
const VnetLen = 10

const vnetNeedsChecksum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM

// Put writes the header into the first VnetLen octets of b, in the machine's byte order (drivers/net/tun_vnet.h,
// tun_vnet_legacy_is_little_endian).
func (h *VnetHeader) Put(b []byte) {
	b[0], b[1] = 0, h.Segmented
	if h.NeedsChecksum {
		b[0] = vnetNeedsChecksum
	}
	for i, v := range [...]uint16{h.HeaderLen, h.SegmentSize, h.CsumStart, h.CsumOffset} {
		binary.NativeEndian.PutUint16(b[2+2*i:], v)
	}
}

// ParseVnet reads the header before a packet; it reports false if b is too short.
func ParseVnet(b []byte) (VnetHeader, bool) {
	if len(b) < VnetLen {
		return VnetHeader{}, false
	}
	at := func(i int) uint16 { return binary.NativeEndian.Uint16(b[i:]) }
	return VnetHeader{NeedsChecksum: b[0]&vnetNeedsChecksum != 0, Segmented: b[1], HeaderLen: at(2), SegmentSize: at(4), CsumStart: at(6), CsumOffset: at(8)}, true
}

// OpenVnetTUN makes the TUN interface name as OpenTUN does, with a VnetHeader before each packet and with segmentation
// and checksums left to its reader and its kernel. It shows packets that are never on a wire, so it serves for moving
// data, not for watching them.
func OpenVnetTUN(name string) (int, error) {
	fd, err := openTUN(name, unix.IFF_TUN|unix.IFF_NO_PI|unix.IFF_VNET_HDR)
	if err != nil {
		return -1, err
	}
	const offloads = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads); err != nil {
		unix.Close(fd)
		return -1, &TUNError{"TUNSETOFFLOAD", err}
	}
	return fd, nil
}
