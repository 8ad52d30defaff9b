package view

import (
	"fmt"
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// field is one field of a header: its name, its width in bits, its value as it is drawn in its box, and what it means.
type field struct {
	name    string
	bits    int
	value   string
	meaning string
	// all are the bits of a field of more than one row, of which the picture has one; 0 for the others.
	all int
}

// gridWidth is the number of columns of the picture of 32 bits, two for each and the border.
const gridWidth = 65

// header draws the header of e's packet as the RFCs do, and lists its fields.
func (d *Datagrams) header(e *event.Event) {
	p := &d.page
	k := e.Packet
	rows, title := four(k), "RFC 791"
	if k.Dst.Is6() {
		rows, title = six(k), "RFC 8200"
	}
	what := fmt.Sprintf("datagram %d, whole: its header (%s)", k.Datagram, title)
	if k.Fragment() {
		what = fmt.Sprintf("datagram %d: the header of its first fragment (%s)", k.Datagram, title)
	}
	p.text("", what, strong)
	if p.opts.Width >= gridWidth {
		d.grid(rows, k.Data)
	}
	p.emit(p.row())
	for i, fields := range rows {
		for j := range fields {
			if f := &rows[i][j]; f.name == "Source Address" || f.name == "Destination Address" {
				f.meaning = d.owner(f.value)
			}
		}
	}
	d.list(append(rows, optionFields(k.Options)))
	p.emit(p.row())
}

// grid draws rows of fields, each row of 32 bits, and the data below.
func (d *Datagrams) grid(rows [][]field, data int) {
	p := &d.page
	tens, ones := p.row(), p.row()
	for bit := range 32 {
		if bit%10 == 0 {
			put(tens, 1+2*bit, strconv.Itoa(bit/10), faint)
		}
		put(ones, 1+2*bit, strconv.Itoa(bit%10), faint)
	}
	p.emit(tens)
	p.emit(ones)
	data32 := []field{{name: "Data", bits: 32, value: counted(data, "octet") + " of the datagram's data"}}
	for i, fields := range append(rows[:len(rows):len(rows)], data32) {
		if i == 0 {
			d.border(nil, fields)
		} else {
			d.border(rows[i-1], fields)
		}
		d.boxes(fields, boxName, plain)
		d.boxes(fields, func(f field) string { return f.value }, strong)
	}
	d.border(data32, nil)
}

// boxName is what stands in the box of a field above its value.
func boxName(f field) string {
	if f.all > 0 {
		return fmt.Sprintf("%s (%d bits)", f.name, f.all)
	}
	return f.name
}

// owner says whose address it is.
func (d *Datagrams) owner(addr string) string {
	if d.path == nil {
		return ""
	}
	for i, l := range d.path.Links {
		switch addr {
		case l.Near:
			return "of " + d.node(i)
		case l.Far:
			return "of " + d.node(i+1)
		}
	}
	return ""
}

// border draws the line between two rows of fields.
func (d *Datagrams) border(above, below []field) {
	p := &d.page
	row := p.row()
	for at := range gridWidth {
		up, down := edge(above, at), edge(below, at)
		put(row, at, string(corner(p.opts.ASCII, up, down, at == 0, at == gridWidth-1)), faint)
	}
	p.emit(row)
}

// edge reports whether a field of the row begins or ends at column at.
func edge(fields []field, at int) bool {
	if fields == nil {
		return false
	}
	column := 0
	for _, f := range fields {
		if column == at {
			return true
		}
		column += 2 * f.bits
	}
	return column == at
}

// corner is the sign where lines meet.
func corner(ascii, up, down, left, right bool) rune {
	switch {
	case ascii && (up || down):
		return '+'
	case ascii:
		return '-'
	case left && up && down:
		return '├'
	case left && down:
		return '┌'
	case left:
		return '└'
	case right && up && down:
		return '┤'
	case right && down:
		return '┐'
	case right:
		return '┘'
	case up && down:
		return '┼'
	case up:
		return '┴'
	case down:
		return '┬'
	}
	return '─'
}

// boxes draws one line of a row of fields, each text in the middle of its box.
func (d *Datagrams) boxes(fields []field, text func(field) string, st style) {
	p := &d.page
	row := p.row()
	at := 0
	put(row, 0, string(p.glyphs.rail), faint)
	for _, f := range fields {
		room := 2*f.bits - 1
		s := p.fit(text(f), room)
		put(row, at+1+(room-columns(s))/2, s, st)
		at += 2 * f.bits
		put(row, at, string(p.glyphs.rail), faint)
	}
	p.emit(row)
}

// list writes the fields with their meaning.
func (d *Datagrams) list(rows [][]field) {
	p := &d.page
	wide := p.opts.Width >= wideWidth
	if wide {
		p.text("", "field               bits  value        meaning", faint)
	}
	for _, fields := range rows {
		for _, f := range fields {
			name, bits := strings.ToLower(f.name), max(f.bits, f.all)
			if !wide {
				text := strings.Trim(f.value+", "+f.meaning, ", ")
				for i, line := range wrap(fmt.Sprintf("%s, %s: %s", strings.TrimSpace(name), counted(bits, "bit"), text), p.opts.Width-2) {
					row := p.row()
					put(row, 2*min(i, 1), line, plain)
					p.emit(row)
				}
				continue
			}
			head := fmt.Sprintf("%-19s %4d  ", name, bits)
			if value := f.value; columns(value) > 12 || value == "" { // an address
				p.text(head, strings.Trim(value+", "+f.meaning, ", "), plain)
				continue
			}
			p.text(head+fmt.Sprintf("%-12s ", f.value), f.meaning, plain)
		}
	}
}

// four are the fields of an IPv4 header (RFC 791 section 3.1).
func four(k *event.Packet) [][]field {
	right := "right"
	if k.BadSum {
		right = "wrong"
	}
	rows := [][]field{
		{{"Version", 4, "4", "IPv4", 0}, {"IHL", 4, strconv.Itoa(k.Header / 4), fmt.Sprintf("header length: %d words of 32 bits, %d octets", k.Header/4, k.Header), 0},
			{"Type of Service", 8, fmt.Sprintf("0x%02x", k.TOS), service(k.TOS), 0},
			{"Total Length", 16, strconv.Itoa(k.Size), fmt.Sprintf("octets: %d of header, %d of data", k.Header, k.Data), 0}},
		{{"Identification", 16, strconv.Itoa(int(k.Ident)), identMeaning(k), 0}, {"Flags", 3, flags(k), flagMeaning(k), 0},
			{"Fragment Offset", 13, strconv.Itoa(k.Offset / 8), fmt.Sprintf("units of 8 octets: its data begin at octet %d of the datagram's", k.Offset), 0}},
		{{"Time to Live", 8, strconv.Itoa(int(k.TTL)), "each router takes 1; at 0 the packet ends", 0}, {"Protocol", 8, strconv.Itoa(int(k.Protocol)), protocol(k.Protocol), 0},
			{"Header Checksum", 16, fmt.Sprintf("0x%04x", k.Checksum), right + "; every router makes it anew", 0}},
		{{name: "Source Address", bits: 32, value: k.Src.String()}},
		{{name: "Destination Address", bits: 32, value: k.Dst.String()}},
	}
	if k.Options != "" {
		rows = append(rows, []field{{name: "Options", bits: 32, value: optionNames(k.Options), all: 8 * len(k.Options)}})
	}
	return rows
}

// six are the fields of an IPv6 header and of its Fragment header (RFC 8200 sections 3 and 4.5).
func six(k *event.Packet) [][]field {
	next := k.Protocol
	if k.HasIdent {
		next = 44
	}
	rows := [][]field{
		{{"Version", 4, "6", "IPv6", 0}, {"Traffic Class", 8, fmt.Sprintf("0x%02x", k.TOS), service(k.TOS), 0},
			{"Flow Label", 20, fmt.Sprintf("0x%05x", k.Flow), "packets of one flow bear the same; 0 is none", 0}},
		{{"Payload Length", 16, strconv.Itoa(k.Size - 40), "octets behind these 40", 0}, {"Next Header", 8, strconv.Itoa(int(next)), protocol(next), 0},
			{"Hop Limit", 8, strconv.Itoa(int(k.TTL)), "each router takes 1; at 0 the packet ends", 0}},
		{{name: "Source Address", bits: 32, value: k.Src.String(), all: 128}},
		{{name: "Destination Address", bits: 32, value: k.Dst.String(), all: 128}},
	}
	if k.HasIdent {
		more, follow := "000", "M 0 (no more fragments)"
		if k.MF {
			more, follow = "001", "M 1 (more fragments)"
		}
		rows = append(rows,
			[]field{{"Next Header", 8, strconv.Itoa(int(k.Protocol)), protocol(k.Protocol) + ": of the datagram's data", 0}, {"Reserved", 8, "0", "of the Fragment header", 0},
				{"Fragment Offset", 13, strconv.Itoa(k.Offset / 8), fmt.Sprintf("units of 8 octets: its data begin at octet %d of the datagram's", k.Offset), 0},
				{"Res M", 3, more, "2 reserved bits 0, " + follow, 0}},
			[]field{{"Identification", 32, strconv.FormatUint(uint64(k.Ident), 10), "the same in all fragments of the datagram", 0}})
	}
	return rows
}

// identMeaning says what the identification is for.
func identMeaning(k *event.Packet) string {
	if k.DF && !k.Fragment() {
		return "of no use here: it will not be fragmented (RFC 6864)"
	}
	return fmt.Sprintf("0x%04x, the same in all fragments of the datagram", k.Ident)
}

// flags writes the three bits.
func flags(k *event.Packet) string {
	b := []byte("000")
	if k.DF {
		b[1] = '1'
	}
	if k.MF {
		b[2] = '1'
	}
	return string(b)
}

func flagMeaning(k *event.Packet) string {
	df, mf := "DF 0 (may be fragmented)", "MF 0 (no more fragments)"
	if k.DF {
		df = "DF 1 (don't fragment)"
	}
	if k.MF {
		mf = "MF 1 (more fragments)"
	}
	return "reserved 0, " + df + ", " + mf
}

// service says what DSCP (RFC 2474) and ECN (RFC 3168) stand in a type of service.
func service(tos uint8) string {
	dscp, name := tos>>2, ""
	switch {
	case dscp == 0:
		name = "best effort"
	case dscp == 46:
		name = "EF, expedited forwarding"
	case dscp&7 == 0:
		name = fmt.Sprintf("CS%d, class selector", dscp>>3)
	case dscp>>3 <= 4 && dscp&1 == 0:
		name = fmt.Sprintf("AF%d%d, assured forwarding", dscp>>3, dscp>>1&3)
	default:
		name = "of no standard class"
	}
	ecn := [...]string{"not ECN-capable", "ECT(1)", "ECT(0)", "CE, congestion met"}[tos&3]
	return fmt.Sprintf("DSCP %d (%s), ECN %d (%s)", dscp, name, tos&3, ecn)
}

// protocol names the commonest protocols (IANA, Assigned Internet Protocol Numbers).
func protocol(n uint8) string {
	switch n {
	case 1:
		return "ICMP"
	case 6:
		return "TCP"
	case 17:
		return "UDP"
	case 44:
		return "Fragment header"
	case 58:
		return "ICMPv6"
	}
	return "protocol " + strconv.Itoa(int(n))
}
