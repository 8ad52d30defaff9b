package capture

import (
	"fmt"
	"io"
	"math"

	"gnet/internal/safe"
)

// maxPacket is the most octets of a packet that readers take (WTAP_MAX_PACKET_SIZE_STANDARD of Wireshark, MAXIMUM_SNAPLEN
// of libpcap).
const maxPacket = 262144

// maxComment bounds a text in the file. It is far above what anything here says, and below what an option can hold.
const maxComment = 8192

// Section says what a capture is.
type Section struct {
	// Hardware, OS and Application are those that the capture was made with; Comments say what it shows.
	Hardware, OS, Application string
	Comments                  []string
}

// Writer writes one section of pcapng. It writes a block at each call and keeps none; the caller gives it a buffer.
type Writer struct {
	w          io.Writer
	b          block
	interfaces int
}

// PacketError is a packet that cannot stand in a capture.
type PacketError struct {
	// Number counts packets from 1, for those that are read; 0 for one that is to be written.
	Number int
	Why    string
}

// Error names the packet and what is wrong with it.
func (e *PacketError) Error() string {
	if e.Number == 0 {
		return "packet: " + e.Why
	}
	return fmt.Sprintf("packet %d: %s", e.Number, e.Why)
}

// NewWriter begins a capture.
func NewWriter(w io.Writer, s *Section) (*Writer, error) {
	c := &Writer{w: w}
	b := &c.b
	b.begin(blockSection)
	b.u32(byteOrderMagic)
	b.u16(1) // version 1.0
	b.u16(0)
	b.u64(math.MaxUint64) // the length of the section: not known
	b.text(optHardware, s.Hardware)
	b.text(optOS, s.OS)
	b.text(optApplication, s.Application)
	b.comments(s.Comments)
	return c, c.write()
}

// Interface adds an interface and returns its index.
func (c *Writer) Interface(i *Interface) (int, error) {
	b := &c.b
	b.begin(blockInterface)
	b.u16(uint16(i.Link))
	b.u16(0)
	b.u32(i.Snap)
	b.text(optName, i.Name)
	b.text(optDescription, i.Description)
	b.option(optTSResol, []byte{nanoseconds})
	b.text(optIfOS, i.OS)
	b.comments(i.Comments)
	c.interfaces++
	return c.interfaces - 1, c.write()
}

// Packet adds a packet. One before 1970, or of an interface that was not added, is a *PacketError, and nothing is written;
// octets beyond what readers take are left out.
func (c *Writer) Packet(p *Packet) error {
	switch {
	case p.Interface < 0 || p.Interface >= c.interfaces:
		return &PacketError{Why: fmt.Sprintf("interface %d of %d", p.Interface, c.interfaces)}
	case p.Time < 0:
		return &PacketError{Why: "its time is before 1970"}
	}
	data := p.Data[:min(len(p.Data), maxPacket)]
	b := &c.b
	b.begin(blockEnhancedPacket)
	b.u32(uint32(p.Interface))
	b.time(p.Time)
	b.u32(uint32(len(data)))
	b.u32(uint32(min(max(p.Length, len(data)), math.MaxInt32)))
	b.b = append(b.b, data...)
	b.pad()
	b.u16(optFlags)
	b.u16(4)
	b.u32(uint32(p.Direction))
	if p.ID != 0 {
		b.number(optPacketID, p.ID)
	}
	b.comments(p.Comments)
	return c.write()
}

// Statistics says at the end how many packets an interface has had and how many of them are not in the file because the
// reader of its ring was late.
func (c *Writer) Statistics(iface int, time int64, received, dropped uint64, comments ...string) error {
	b := &c.b
	b.begin(blockStatistics)
	b.u32(uint32(iface))
	b.time(max(time, 0))
	b.number(optReceived, received)
	b.number(optDropped, dropped)
	b.comments(comments)
	return c.write()
}

func (c *Writer) write() error {
	_, err := c.w.Write(c.b.end())
	return err
}

func (b *block) comments(list []string) {
	for _, s := range list {
		b.text(optComment, s)
	}
}

// comment makes s fit for a file that others print: control bytes and what is not UTF-8 become \xNN, and one that is far
// too long is cut and says so.
func comment(s string) string {
	s = safe.String(s)
	if len(s) > maxComment {
		const cut = " [cut]"
		s = safe.Cut(s, maxComment-len(cut)) + cut
	}
	return s
}
