package view

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// octetField is a piece of a packet and what it means.
type octetField struct {
	at, n int
	name  string
	value string
}

// Octets shows the bytes of e's segment as they were on the wire, piece by piece: their place, the bytes in hexadecimal, and what they
// mean (RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1). What the run has not kept of the packet is said.
func (x *Panes) Octets(e *event.Event, width int) (rows []Row) {
	p := x.page(width, &rows)
	wire := e.Seg.Wire
	if wire == "" {
		text := "this event has no segment"
		if e.Seg.ID != 0 {
			text = "the run has kept no bytes of the segment; --snap says how many it keeps"
		}
		p.text("", text, faint)
		return rows
	}
	for _, f := range dissect(wire) {
		p.field(wire, f)
	}
	if more := e.Seg.Size - len(wire); more > 0 {
		p.text("", counted(more, "byte")+" more, not kept; --snap says how many the run keeps", faint)
	}
	return rows
}

// field writes rows for f: eight bytes a row, the words beside the first.
func (p *page) field(wire string, f octetField) {
	const hexAt, hexRow, textAt = 4, 8, 4 + 8*3
	head := f.name
	if f.value != "" {
		head += " " + f.value
	}
	lines := wrap(p.clean(head), p.opts.Width-textAt)
	for i := 0; i*hexRow < f.n || i < len(lines); i++ {
		row := p.row()
		if i*hexRow < f.n {
			put(row, 0, leftPad(strconv.Itoa(f.at+i*hexRow), 3), faint)
			for k := i * hexRow; k < min(f.n, (i+1)*hexRow); k++ {
				const hex = "0123456789abcdef"
				c := wire[f.at+k]
				put(row, hexAt+3*(k-i*hexRow), string([]byte{hex[c>>4], hex[c&15]}), plain)
			}
		}
		if i < len(lines) {
			put(row, textAt, lines[i], plain)
		}
		p.emit(row)
	}
}

func leftPad(s string, n int) string { return strings.Repeat(" ", max(n-len(s), 0)) + s }

// dissection gathers the fields of a packet. What is cut off has no field.
type dissection struct {
	wire   string
	fields []octetField
}

// add adds a field of n bytes at a place, if they are there.
func (d *dissection) add(at, n int, name string, value func(b string) string) {
	if n <= 0 || at+n > len(d.wire) {
		return
	}
	d.fields = append(d.fields, octetField{at, n, name, value(d.wire[at : at+n])})
}

// rest adds what is behind a place.
func (d *dissection) rest(at int, name string) {
	if n := len(d.wire) - at; n > 0 {
		d.fields = append(d.fields, octetField{at, n, name, counted(n, "byte")})
	}
}

func number8(b string) string  { return strconv.Itoa(int(b[0])) }
func number16(b string) string { return strconv.Itoa(int(binary.BigEndian.Uint16([]byte(b)))) }
func number32(b string) string {
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32([]byte(b))), 10)
}
func hex16(b string) string {
	const hex = "0123456789abcdef"
	return "0x" + string([]byte{hex[b[0]>>4], hex[b[0]&15], hex[b[1]>>4], hex[b[1]&15]})
}
func address(b string) string {
	a, _ := netip.AddrFromSlice([]byte(b))
	return a.String()
}

// dissect names the fields of a packet of TCP over IP.
func dissect(wire string) []octetField {
	d := &dissection{wire: wire}
	switch wire[0] >> 4 {
	case 4:
		d.ipv4()
	case 6:
		d.ipv6()
	default:
		d.rest(0, "neither IPv4 nor IPv6:")
	}
	return d.fields
}

func (d *dissection) ipv4() {
	header := int(d.wire[0]&15) * 4
	d.add(0, 1, "IPv4, header", func(b string) string { return strconv.Itoa(header) + " bytes" })
	d.add(1, 1, "type of service", number8)
	d.add(2, 2, "total length", number16)
	d.add(4, 2, "identification", number16)
	d.add(6, 2, "flags and fragment offset", func(b string) string {
		n := binary.BigEndian.Uint16([]byte(b))
		text := strconv.Itoa(int(n&0x1fff) * 8)
		if n&0x2000 != 0 {
			text = "MF " + text
		}
		if n&0x4000 != 0 {
			text = "DF " + text
		}
		return text
	})
	d.add(8, 1, "TTL", number8)
	d.add(9, 1, "protocol", number8)
	d.add(10, 2, "header checksum", hex16)
	d.add(12, 4, "source", address)
	d.add(16, 4, "destination", address)
	if header < 20 {
		d.rest(20, "a header of less than 20 bytes:")
		return
	}
	d.add(20, header-20, "IPv4 options", func(string) string { return "" })
	if len(d.wire) > 9 && d.wire[9] != 6 {
		d.rest(header, "not TCP:")
		return
	}
	d.tcp(header)
}

func (d *dissection) ipv6() {
	d.add(0, 4, "IPv6, traffic class and flow label", func(b string) string {
		n := binary.BigEndian.Uint32([]byte(b))
		return strconv.Itoa(int(n>>20&255)) + " " + strconv.Itoa(int(n&0xfffff))
	})
	d.add(4, 2, "payload length", number16)
	d.add(6, 1, "next header", number8)
	d.add(7, 1, "hop limit", number8)
	d.add(8, 16, "source", address)
	d.add(24, 16, "destination", address)
	if len(d.wire) > 6 && d.wire[6] != 6 {
		d.rest(40, "not TCP at once:")
		return
	}
	d.tcp(40)
}

// tcp names the fields of the segment that begins at a place.
func (d *dissection) tcp(at int) {
	d.add(at, 2, "source port", number16)
	d.add(at+2, 2, "destination port", number16)
	d.add(at+4, 4, "sequence number", number32)
	d.add(at+8, 4, "acknowledgment number", number32)
	d.add(at+12, 2, "TCP header and flags", func(b string) string {
		return strconv.Itoa(int(b[0]>>4)*4) + " bytes " + event.Flags(binary.BigEndian.Uint16([]byte(b))&0x1ff).String()
	})
	d.add(at+14, 2, "window", number16)
	d.add(at+16, 2, "checksum", hex16)
	d.add(at+18, 2, "urgent pointer", number16)
	if len(d.wire) < at+20 {
		return
	}
	header := int(d.wire[at+12]>>4) * 4
	if header < 20 {
		d.rest(at+20, "a TCP header of less than 20 bytes:")
		return
	}
	d.options(at+20, min(at+header, len(d.wire)))
	d.rest(at+header, "data")
}

// options names the options between two places (RFC 9293 section 3.2, RFC 7323, RFC 2018).
func (d *dissection) options(at, end int) {
	for at < end {
		kind := d.wire[at]
		if kind == 0 {
			d.add(at, end-at, "end of options", func(string) string { return "" })
			return
		}
		if kind == 1 {
			d.add(at, 1, "no-operation", func(string) string { return "" })
			at++
			continue
		}
		if at+1 >= end || d.wire[at+1] < 2 || at+int(d.wire[at+1]) > end {
			d.add(at, end-at, "option that is cut off", func(b string) string { return number8(b) })
			return
		}
		n := int(d.wire[at+1])
		d.add(at, n, "option", optionText)
		at += n
	}
}

// optionText words a whole option.
func optionText(b string) string {
	kind, n := b[0], len(b)
	switch {
	case kind == 2 && n == 4:
		return "MSS " + number16(b[2:])
	case kind == 3 && n == 3:
		return "window scale " + number8(b[2:])
	case kind == 4 && n == 2:
		return "SACK permitted"
	case kind == 5 && n%8 == 2:
		text := "SACK"
		for i := 2; i < n; i += 8 {
			text += " " + number32(b[i:i+4]) + ":" + number32(b[i+4:i+8])
		}
		return text
	case kind == 8 && n == 10:
		return "timestamps " + number32(b[2:6]) + " " + number32(b[6:10])
	}
	return "kind " + number8(b)
}
