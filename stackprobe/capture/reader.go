package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// FormatError is a file that is no capture, or that cannot be read on.
type FormatError struct {
	// Offset is the place in the file, in octets from 0.
	Offset int64
	Why    string
}

// Error names the place and says what is wrong there.
func (e *FormatError) Error() string { return fmt.Sprintf("octet %d: %s", e.Offset, e.Why) }

// The magic numbers of the classic form (pcap-savefile(5)), in the writer's byte order: times in microseconds, in nanoseconds.
const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
)

// maxBlock bounds what is held of a block: a packet of maxPacket octets with long comments.
const maxBlock = 1 << 20

// MagicLen is how many octets Detect wants.
const MagicLen = 4

// Detect reports whether a file that begins with these octets is a capture, classic or pcapng.
func Detect(b []byte) bool {
	if len(b) < MagicLen {
		return false
	}
	little, big := binary.LittleEndian.Uint32(b), binary.BigEndian.Uint32(b)
	for _, magic := range [...]uint32{magicMicro, magicNano, blockSection} {
		if little == magic || big == magic {
			return true
		}
	}
	return false
}

// Reader reads a capture of either form.
type Reader struct {
	r       *bufio.Reader
	at      int64 // octets read
	order   binary.ByteOrder
	number  int
	skipped int
	ifs     []*readInterface
	base    int // the index in ifs of the section's first interface
	buf     []byte
	p       Packet
	yield   func(*Packet, error) bool
}

// readInterface is an interface, and how its times are read.
type readInterface struct {
	Interface
	res    byte  // if_tsresol
	offset int64 // seconds
}

// NewReader returns a reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

// Skipped returns how many blocks of sorts that are not known here were passed over so far.
func (c *Reader) Skipped() int { return c.skipped }

// errStop is a consumer that wants no more.
var errStop = errors.New("stopped")

// Packets returns the packets in the order of the file. The pointer and its octets are valid until the next step. A nil packet
// with a *PacketError is one that cannot be read; the walk goes on behind it. Any other error is the last: a *FormatError, or
// that of the file.
func (c *Reader) Packets() iter.Seq2[*Packet, error] {
	return func(yield func(*Packet, error) bool) {
		c.yield = yield
		if err := c.all(); err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

func (c *Reader) all() error {
	magic, err := c.r.Peek(MagicLen)
	if err != nil && err != io.EOF {
		return err
	}
	if !Detect(magic) {
		return &FormatError{0, "neither pcap nor pcapng"}
	}
	if binary.LittleEndian.Uint32(magic) == blockSection {
		return c.blocks()
	}
	return c.classic()
}

// read fills b; the error is io.EOF only where nothing was left.
func (c *Reader) read(b []byte) error {
	n, err := io.ReadFull(c.r, b)
	c.at += int64(n)
	return err
}

// pass reads over n octets.
func (c *Reader) pass(n int64) error {
	m, err := io.CopyN(io.Discard, c.r, n)
	c.at += m
	if err == io.EOF && m > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// take returns the next n octets, valid until the next call. A length that lies costs no more memory than the file has octets.
func (c *Reader) take(n int) ([]byte, error) {
	const step = 64 << 10
	c.buf = c.buf[:0]
	for len(c.buf) < n {
		from := len(c.buf)
		more := min(step, n-from)
		c.buf = append(c.buf, make([]byte, more)...)
		if err := c.read(c.buf[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return c.buf, nil
}

// bad hands on a packet that cannot be read.
func (c *Reader) bad(format string, v ...any) error {
	if !c.yield(nil, &PacketError{c.number, fmt.Sprintf(format, v...)}) {
		return errStop
	}
	return nil
}

// cut is the end of a file in the middle of a packet or block; another error of the file is handed on as it is.
func (c *Reader) cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return c.bad("the file ends in it")
	}
	return err
}

// good hands on c.p, unless its lengths lie.
func (c *Reader) good() error {
	p := &c.p
	p.Number = c.number
	switch {
	case len(p.Data) == 0:
		return c.bad("nothing of it is held")
	case p.Length < len(p.Data):
		return c.bad("%d octets are held of a packet of %d", len(p.Data), p.Length)
	}
	if !c.yield(p, nil) {
		return errStop
	}
	return nil
}
