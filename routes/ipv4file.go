package routes

import (
	"fmt"
	"iter"
	"net/netip"

	"gnet/internal/procfile"
)

// RouteFlags are the RTF_ bits of a route as the proc files print them (include/uapi/linux/route.h and ipv6_route.h).
type RouteFlags uint32

// RTF_ bits that IPv4 and IPv6 share.
const (
	FlagUp        RouteFlags = 0x0001
	FlagGateway   RouteFlags = 0x0002
	FlagHost      RouteFlags = 0x0004
	FlagReinstate RouteFlags = 0x0008
	FlagDynamic   RouteFlags = 0x0010
	FlagModified  RouteFlags = 0x0020
	FlagReject    RouteFlags = 0x0200
)

// RTF_ bits of IPv6 (include/uapi/linux/ipv6_route.h, include/uapi/linux/route.h).
const (
	FlagDefault   RouteFlags = 0x00010000
	FlagAllOnlink RouteFlags = 0x00020000
	FlagAddrconf  RouteFlags = 0x00040000
	FlagNonexthop RouteFlags = 0x00200000
	FlagExpires   RouteFlags = 0x00400000
	FlagCache     RouteFlags = 0x01000000
	FlagFlow      RouteFlags = 0x02000000
)

// IPv4Row is one line of /proc/net/route.
//
// Written by fib_route_seq_show with fib_flag_trans (net/ipv4/fib_trie.c): the main table only, the first next hop only,
// broadcast and multicast routes left out. Rows are padded with blanks to 127 bytes. Seen on 6.18.
//
//	col  name         form   note
//	0    Iface        %s     "*" when the route has no device (blackhole, throw, prohibit)
//	1    Destination  %08X   a __be32 printed as one word in host order
//	2    Gateway      %08X   the same; 0 when the gateway is an IPv6 address, though the flag is set
//	3    Flags        %04X   only UP, GATEWAY, HOST and REJECT appear
//	4    RefCnt       %d     always 0
//	5    Use          %u     always 0
//	6    Metric       %u     the whole 32 bits of the priority
//	7    Mask         %08X   contiguous
//	8    MTU          %d     advmss + 40, or 0; not the mtu
//	9    Window       %u
//	10   IRTT         %u     milliseconds: rtt / 8
//
// The columns are found by their names in the header, so a column that is inserted later does no harm.
type IPv4Row struct {
	Iface       string
	Destination netip.Addr
	Gateway     netip.Addr
	Mask        netip.Addr
	Flags       RouteFlags
	RefCnt      int32
	Use         uint32
	Metric      uint32
	MTU         uint32
	Window      uint32
	IRTT        uint32
}

// HeaderError says that a proc file whose columns are found by name lacks one, so none of its rows can be read.
type HeaderError struct {
	File  string
	Field string // the first field that is missing
}

// Error names the file and the field.
func (e *HeaderError) Error() string {
	return fmt.Sprintf("%s does not contain required field %s", e.File, e.Field)
}

// The fields of /proc/net/route in the order of the kernel, which is the order of the field indices below.
const (
	fieldIface = iota
	fieldDestination
	fieldGateway
	fieldFlags
	fieldRefCnt
	fieldUse
	fieldMetric
	fieldMask
	fieldMTU
	fieldWindow
	fieldIRTT
	ipv4Fields
)

// fieldName returns the header's word for a field.
func fieldName(field int) string {
	return [...]string{"Iface", "Destination", "Gateway", "Flags", "RefCnt", "Use", "Metric", "Mask", "MTU", "Window", "IRTT"}[field]
}

// noField marks a column of the header that is none of ours; its text is read over.
const noField = -1

// maxColumns bounds a header. The kernel writes 11 columns; a longer header is hostile.
const maxColumns = 64

// IPv4File reads the route file of a proc tree. The row is valid until the next step. A bad line is one *procfile.ParseError with a
// nil row and the walk goes on. The last value may be an error of the file: *fs.PathError when it cannot be opened,
// *HeaderError when a column is missing, a read error after the rows that were whole.
func IPv4File(root procfile.Root) iter.Seq2[*IPv4Row, error] {
	return func(yield func(*IPv4Row, error) bool) {
		f, err := root.OpenNet("route")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		walkIPv4(procfile.Rows(f, root.Net("route")), root.Net("route"), yield)
	}
}

func walkIPv4(rows iter.Seq2[*procfile.Row, error], file string, yield func(*IPv4Row, error) bool) {
	var p ipv4Parser
	var last error
	for line, err := range rows {
		last = err
		if err == nil && p.columns == nil {
			if err := p.header(line); err != nil {
				yield(nil, err)
				return
			}
			continue
		}
		if err == nil {
			err = p.parse(line)
		}
		if err != nil {
			if !yield(nil, err) {
				return
			}
			continue
		}
		if !yield(&p.row, nil) {
			return
		}
	}
	// An empty file. When it could not be read, that error was the last value.
	if p.columns == nil && last == nil {
		yield(nil, &HeaderError{File: file, Field: fieldName(fieldIface)})
	}
}

// ipv4Parser reads lines into one row that it reuses.
type ipv4Parser struct {
	columns []int // the field of each column, noField for others
	names   names
	row     IPv4Row
}

// header learns which column holds which field.
func (p *ipv4Parser) header(line *procfile.Row) error {
	var columns []int
	found := make([]bool, ipv4Fields)
	for col := line.Next(); col != nil && len(columns) < maxColumns; col = line.Next() {
		field := noField
		for i := range ipv4Fields {
			if string(col) == fieldName(i) && !found[i] {
				field, found[i] = i, true
			}
		}
		columns = append(columns, field)
	}
	for i, ok := range found {
		if !ok {
			return &HeaderError{File: line.File, Field: fieldName(i)}
		}
	}
	p.columns = columns
	return nil
}

func (p *ipv4Parser) parse(line *procfile.Row) error {
	r := &p.row
	var iface []byte
	for _, field := range p.columns {
		switch field {
		case fieldIface:
			iface = line.Column("Iface")
		case fieldDestination:
			r.Destination = line.Word4("Destination")
		case fieldGateway:
			r.Gateway = line.Word4("Gateway")
		case fieldFlags:
			r.Flags = RouteFlags(line.Hex32("Flags"))
		case fieldRefCnt:
			r.RefCnt = line.Int32("RefCnt")
		case fieldUse:
			r.Use = line.Dec32("Use")
		case fieldMetric:
			r.Metric = line.Dec32("Metric")
		case fieldMask:
			r.Mask = line.Word4("Mask")
		case fieldMTU:
			r.MTU = line.Dec32("MTU")
		case fieldWindow:
			r.Window = line.Dec32("Window")
		case fieldIRTT:
			r.IRTT = line.Dec32("IRTT")
		default:
			line.Next()
		}
	}
	if err := line.Err(); err != nil {
		return err
	}
	r.Iface = p.names.of(iface)
	return nil
}

// names turns the bytes of a repeated short text into a string without a new allocation for each row.
type names struct {
	last string
	all  map[string]string
}

// namesLimit bounds the memory that a hostile file with a new name in each row can take.
const namesLimit = 4096

func (n *names) of(text []byte) string {
	if string(text) == n.last {
		return n.last
	}
	s, ok := n.all[string(text)]
	if !ok {
		s = string(text)
		if n.all == nil {
			n.all = make(map[string]string)
		}
		if len(n.all) < namesLimit {
			n.all[s] = s
		}
	}
	n.last = s
	return s
}
