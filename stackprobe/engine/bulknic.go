package engine

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"gnet/stackprobe/link"
)

// bulkNIC is netstack's interface over a TUN descriptor with offloads. What comes in counts as checked: it has not left
// this machine. What goes out has its checksum finished by the kernel.
type bulkNIC struct {
	pointToPoint
	fd      int
	tun     *os.File // the same interface, polled by Go's runtime: a reader that waits holds no processor
	raw     syscall.RawConn
	mtu     uint32
	reader  sync.WaitGroup
	once    sync.Once
	dropped atomic.Uint64
}

func newBulkNIC(fd int, mtu uint32) (*bulkNIC, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	n := &bulkNIC{fd: fd, tun: os.NewFile(uintptr(own), link.TUNPath), mtu: mtu}
	if n.raw, err = n.tun.SyscallConn(); err != nil {
		n.tun.Close()
		return nil, err
	}
	return n, nil
}

// end stops the reader and returns when it has ended.
func (n *bulkNIC) end() {
	n.once.Do(func() {
		n.tun.SetReadDeadline(time.Unix(1, 0))
		n.reader.Wait()
		n.tun.Close()
	})
}

// Attach implements stack.LinkEndpoint: packets flow from here on.
func (n *bulkNIC) Attach(d stack.NetworkDispatcher) {
	if d == nil || n.disp != nil {
		return
	}
	n.disp = d
	n.reader.Add(1)
	go n.read()
}

// firstPart is how much of a packet has memory of its own: more than any headers. Netstack copies all the memory that the headers
// lie in whenever it reads them while somebody else holds the packet.
const firstPart = 256

// read hands on what the kernel transmits until end. The kernel writes into the memory that netstack keeps.
func (n *bulkNIC) read() {
	defer n.reader.Done()
	head, rest := make([]byte, link.VnetLen), buffer.NewViewSize(1<<16)
	defer func() { rest.Release() }()
	for {
		first := buffer.NewViewSize(firstPart)
		k, err := n.readv([][]byte{head, first.AsSlice(), rest.AsSlice()})
		switch k -= len(head); {
		case err == nil && k > firstPart:
			rest.CapLength(k - firstPart)
			packet := buffer.MakeWithView(first)
			packet.Append(rest)
			n.deliver(packet)
			rest = buffer.NewViewSize(1 << 16)
			continue
		case err == nil && k > 0:
			first.CapLength(k)
			n.deliver(buffer.MakeWithView(first))
			continue
		}
		first.Release()
		if err != nil {
			return
		}
		n.dropped.Add(1)
	}
}

// readv reads the next packet, and waits for it. It fails when the interface or end has ended.
func (n *bulkNIC) readv(into [][]byte) (k int, err error) {
	waiting := n.raw.Read(func(fd uintptr) bool {
		for {
			if k, err = unix.Readv(int(fd), into); err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if waiting != nil {
		return 0, waiting
	}
	return k, err
}

// deliver gives netstack one packet.
func (n *bulkNIC) deliver(packet buffer.Buffer) {
	version, ok := packet.PullUp(0, 1)
	if !ok {
		return
	}
	proto := tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if header.IPVersion(version.AsSlice()) == header.IPv6Version {
		proto = ipv6.ProtocolNumber
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: packet})
	p.RXChecksumValidated = true
	n.disp.DeliverNetworkPacket(proto, p)
	p.DecRef()
}

// WritePackets implements stack.LinkWriter.
func (n *bulkNIC) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	var head [link.VnetLen]byte
	var parts [16][]byte
	for _, p := range packets.AsSlice() {
		h := vnetHeader(p)
		h.Put(head[:])
		iov := append(parts[:0], head[:])
		for _, s := range p.AsSlices() {
			if len(s) > 0 {
				iov = append(iov, s)
			}
		}
		if _, err := unix.Writev(n.fd, iov); err != nil {
			n.dropped.Add(1)
		}
	}
	return packets.Len(), nil
}

// vnetHeader says what the kernel has to finish of p.
func vnetHeader(p *stack.PacketBuffer) link.VnetHeader {
	g := &p.GSOOptions
	if g.Type == stack.GSONone || !g.NeedsCsum {
		return link.VnetHeader{}
	}
	h := link.VnetHeader{NeedsChecksum: true, CsumStart: g.L3HdrLen, CsumOffset: g.CsumOffset}
	if p.Data().Size() <= int(g.MSS) {
		return h
	}
	h.HeaderLen, h.SegmentSize, h.Segmented = uint16(p.HeaderSize()), g.MSS, link.VnetTCPv4
	if g.Type == stack.GSOTCPv6 {
		h.Segmented = link.VnetTCPv6
	}
	return h
}

// GSOMaxSize implements stack.GSOEndpoint: the largest packet that stands for many segments.
func (n *bulkNIC) GSOMaxSize() uint32 { return bulkPacket }

// SupportedGSO implements stack.GSOEndpoint: the kernel behind the interface cuts.
func (n *bulkNIC) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

// Capabilities implements stack.LinkEndpoint. Checksums of packets that are not cut are the stack's own: without a
// segmentation header the kernel would not finish them.
func (n *bulkNIC) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}

// MTU implements stack.LinkEndpoint.
func (n *bulkNIC) MTU() uint32 { return n.mtu }

// Wait implements stack.LinkEndpoint: it waits for the reader to end.
func (n *bulkNIC) Wait() { n.reader.Wait() }
