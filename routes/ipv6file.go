package routes

import (
	"errors"
	"iter"
	"net/netip"

	"gnet/internal/procfile"
)

// IPv6Row is one line of /proc/net/ipv6_route.
//
// Written by ipv6_route_native_seq_show (net/ipv6/ip6_fib.c). The file has no header and holds all tables mixed: main, local,
// multicast and each table's null entry (metric ffffffff, REJECT, device lo); each next hop of a multipath route has a line of
// its own. The kernel starts again at the root of the tree for every read, so reading the file takes time that grows with the
// square of its size. Seen on 6.18.
//
//	col  name         form     note
//	0    destination  %pi6     32 digits in network order
//	1    plen         %02x     hexadecimal: 128 is 80
//	2    source       %pi6     of a route with a source prefix
//	3    source plen  %02x
//	4    next hop     %pi6     all zero without a gateway
//	5    metric       %08x
//	6    refcnt       %08x     changes from read to read
//	7    use          %08x     always 0
//	8    flags        %08x     RTF_ bits of IPv6
//	9    device       %8s      right-aligned; empty when the route has no device
type IPv6Row struct {
	Destination netip.Addr
	DestLen     uint8
	Source      netip.Addr
	SourceLen   uint8
	NextHop     netip.Addr
	Metric      uint32
	RefCnt      uint32
	Use         uint32
	Flags       RouteFlags
	Iface       string
}

// ErrPrefixLength: a prefix length above 128.
var ErrPrefixLength = errors.New("prefix length out of range")

// IPv6File reads the ipv6_route file of a proc tree. The row is valid until the next step. A bad line is one *procfile.ParseError with
// a nil row and the walk goes on; any other error is the last value.
func IPv6File(root procfile.Root) iter.Seq2[*IPv6Row, error] {
	return func(yield func(*IPv6Row, error) bool) {
		f, err := root.OpenNet("ipv6_route")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		walkIPv6(procfile.Rows(f, root.Net("ipv6_route")), yield)
	}
}

func walkIPv6(rows iter.Seq2[*procfile.Row, error], yield func(*IPv6Row, error) bool) {
	var row IPv6Row
	var names names
	for line, err := range rows {
		if err == nil {
			err = row.parse(line, &names)
		}
		if err != nil {
			if !yield(nil, err) {
				return
			}
			continue
		}
		if !yield(&row, nil) {
			return
		}
	}
}

func (r *IPv6Row) parse(line *procfile.Row, names *names) error {
	r.Destination = line.Net6("destination")
	destLen := line.Hex32("plen")
	r.Source = line.Net6("source")
	sourceLen := line.Hex32("source plen")
	r.NextHop = line.Net6("next hop")
	r.Metric = line.Hex32("metric")
	r.RefCnt = line.Hex32("refcnt")
	r.Use = line.Hex32("use")
	r.Flags = RouteFlags(line.Hex32("flags"))
	if err := line.Err(); err != nil {
		return err
	}
	if destLen > 128 {
		return line.Bad("plen", nil, ErrPrefixLength)
	}
	if sourceLen > 128 {
		return line.Bad("source plen", nil, ErrPrefixLength)
	}
	r.DestLen, r.SourceLen = uint8(destLen), uint8(sourceLen)
	r.Iface = names.of(line.Next())
	return nil
}
