package capture

import (
	"encoding/binary"
	"io"
)

// The lengths of the classic form's headers (pcap-savefile(5)).
const (
	classicHeader = 24
	recordHeader  = 16
)

// classic reads the form of libpcap.
func (c *Reader) classic() error {
	var head [classicHeader]byte
	if err := c.read(head[:]); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return &FormatError{c.at, "the file ends in its header"}
		}
		return err
	}
	c.order = binary.LittleEndian
	magic := c.order.Uint32(head[:])
	if magic != magicMicro && magic != magicNano {
		c.order = binary.BigEndian
		magic = c.order.Uint32(head[:])
	}
	unit := int64(1000)
	if magic == magicNano {
		unit = 1
	}
	// The upper bits of the link type speak of the frame check sequence.
	i := &readInterface{Interface: Interface{Link: LinkType(c.order.Uint32(head[20:])), Snap: c.order.Uint32(head[16:])}}
	c.ifs = append(c.ifs, i)
	for {
		err := c.record(i, unit)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// record reads one packet; io.EOF is the end of the file. There is no way to find the next one behind a length that lies.
func (c *Reader) record(i *readInterface, unit int64) error {
	var head [recordHeader]byte
	err := c.read(head[:])
	if err == io.EOF {
		return err
	}
	c.number++
	if err != nil {
		if err := c.cut(err); err != nil {
			return err
		}
		return io.EOF
	}
	seconds, fraction := int64(c.order.Uint32(head[:])), int64(c.order.Uint32(head[4:]))
	held, length := c.order.Uint32(head[8:]), c.order.Uint32(head[12:])
	if held > maxPacket {
		if err := c.bad("%d octets are said to be held of it, more than any capture has", held); err != nil {
			return err
		}
		return &FormatError{c.at, "the next packet cannot be found"}
	}
	data, err := c.take(int(held))
	if err != nil {
		if err := c.cut(err); err != nil {
			return err
		}
		return io.EOF
	}
	c.p = Packet{At: &i.Interface, Time: seconds*1e9 + fraction*unit, Data: data, Length: int(length)}
	return c.good()
}
