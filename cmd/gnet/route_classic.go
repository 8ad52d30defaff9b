package main

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/routes"
)

// routeFamily is an address family that has a routing table here.
type routeFamily uint8

const (
	routeInet routeFamily = iota
	routeInet6
)

// number is the family as the kernel has it, AF_*.
func (f routeFamily) number() uint8 {
	if f == routeInet6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// routeForm is the layout of the IPv4 table. IPv6 has one layout.
type routeForm uint8

const (
	routeFormMetric routeForm = iota // Metric Ref Use: route, netstat -re
	routeFormMSS                     // MSS Window irtt: route -e, netstat -r
	routeFormLong                    // both: route -ee, netstat -ree
)

// routeListing says which routing tables are printed and how. The zero value of FIB and Cache together prints the FIB.
type routeListing struct {
	Families []routeFamily // in the order of the command line; empty: IPv4
	FIB      bool          // -F: forwarding information base
	Cache    bool          // -C: routing cache
	Form     routeForm
	Numeric  bool // addresses, no names
	File     bool // --proc: the files of /proc/net, whatever they cost
}

// printRoutes prints the routing tables in the classic layouts of `route` and `netstat -r`. Bad rows are warned of and left out. A
// file that cannot be read ends the listing: what there is of it stays printed, and the error has the status of the old tools.
func printRoutes(ctx context.Context, e *env, root procfile.Root, l routeListing) error {
	families := l.Families
	if len(families) == 0 {
		families = []routeFamily{routeInet}
	}
	p := routePrinter{e: e, root: root, l: l, names: newNameCache(l.Numeric, newReverseLookup(ctx, e))}
	for _, f := range families {
		print := p.inet
		if f == routeInet6 {
			print = p.inet6
		}
		if l.FIB || !l.Cache {
			if err := print(false); err != nil {
				return err
			}
		}
		if l.Cache {
			if err := print(true); err != nil {
				return err
			}
		}
	}
	return nil
}

// routePrinter is the state of one listing.
type routePrinter struct {
	e     *env
	root  procfile.Root
	l     routeListing
	names *nameCache
	line  []byte
}

func (p *routePrinter) inet(cache bool) error {
	file := "route"
	if cache {
		file = "rt_cache"
	}
	if !p.readable(file) {
		return p.unreadable(file, "INET (IPv4)")
	}
	p.e.Stdout.WriteString(inetTitle(cache, p.l.Form))
	// The kernel's cache of IPv4 routes went with 3.6; the file has had no row since.
	if cache {
		return nil
	}
	bad := badRows{e: p.e}
	for row, err := range ipv4Rows(p.root, p.l.File) {
		if header := (*routes.HeaderError)(nil); errors.As(err, &header) {
			p.e.Stdout.Flush()
			return failBare(statusNo, "warning: %w", err)
		}
		if err := bad.check(err); err != nil {
			return err
		}
		if row == nil || row.Flags&routes.FlagUp == 0 {
			continue
		}
		p.line = p.inetRow(p.line[:0], row)
		p.e.Stdout.Write(p.line)
	}
	bad.end()
	return nil
}

// inetTitle returns the title and the column heads.
func inetTitle(cache bool, form routeForm) string {
	title, first, second := "Kernel IP routing table\n", "Destination     Gateway         ", "Genmask         "
	if cache {
		title, first, second = "Kernel IP routing cache\n", "Source          Destination     ", "Gateway         "
	}
	heads := "Flags Metric Ref    Use Iface"
	switch form {
	case routeFormMSS:
		heads = "Flags   MSS Window  irtt Iface"
	case routeFormLong:
		heads += "    MSS   Window irtt"
		if cache {
			heads += "  TOS HHRef HHUptod     SpecDst"
		}
	}
	return title + first + second + heads + "\n"
}

// The widths of the columns that are cut rather than pushed.
const (
	addressWidth   = 15 // IPv4 destination, gateway and mask
	longIfaceWidth = 6  // interface in the long form
)

func (p *routePrinter) inetRow(b []byte, r *routes.IPv4Row) []byte {
	reject := r.Flags&routes.FlagReject != 0
	b = append(p.names.appendDestination4(b, r), ' ')
	if reject {
		b = render.Left(b, "-", addressWidth)
	} else {
		b = p.names.appendHost4(b, r.Gateway)
	}
	b = appendAddr4(append(b, ' '), r.Mask)
	b = append(b, ' ')
	start := len(b)
	b = appendFlags4(b, r.Flags)
	b = append(padTo(b, start+5), ' ')
	iface := "-"
	if !reject {
		iface = safe.String(r.Iface)
	}
	switch p.l.Form {
	case routeFormMSS:
		b = appendMSSForm(b, r, reject, iface)
	case routeFormLong:
		b = appendLongForm(b, r, reject, iface)
	default:
		b = appendMetricForm(b, r, reject, iface)
	}
	return append(b, '\n')
}

// appendMetricForm appends Metric Ref Use Iface. Metrics from 2^31 on and other large numbers come out negative, as the old tools
// print them: their readers know -1.
func appendMetricForm(b []byte, r *routes.IPv4Row, reject bool, iface string) []byte {
	b = append(render.LeftInt(b, int64(int32(r.Metric)), 6), ' ')
	b = append(appendUnless(b, reject, int64(r.RefCnt), 2), ' ')
	b = append(render.RightInt(b, int64(int32(r.Use)), 7), ' ')
	return append(b, iface...)
}

// appendMSSForm appends MSS Window irtt Iface.
func appendMSSForm(b []byte, r *routes.IPv4Row, reject bool, iface string) []byte {
	if reject {
		return append(b, "    - -          - -"...)
	}
	b = append(render.RightInt(b, int64(int32(r.MTU)), 5), ' ')
	b = append(render.LeftInt(b, int64(int32(r.Window)), 5), ' ')
	b = append(render.RightInt(b, int64(int32(r.IRTT)), 6), ' ')
	return append(b, iface...)
}

// appendLongForm appends Metric Ref Use Iface MSS Window irtt.
func appendLongForm(b []byte, r *routes.IPv4Row, reject bool, iface string) []byte {
	b = append(render.LeftInt(b, int64(int32(r.Metric)), 6), ' ')
	b = append(appendUnless(b, reject, int64(r.RefCnt), 3), ' ')
	b = append(render.RightInt(b, int64(int32(r.Use)), 6), ' ')
	b = render.Left(b, safe.Cut(iface, longIfaceWidth), longIfaceWidth)
	b = append(b, "   "...)
	b = append(appendUnless(b, reject, int64(int32(r.MTU)), 5), ' ')
	b = append(appendUnless(b, reject, int64(int32(r.Window)), 6), ' ')
	return appendUnless(b, reject, int64(int32(r.IRTT)), 0)
}

// appendUnless appends n padded on the right, or a dash in its place for a route that rejects.
func appendUnless(b []byte, reject bool, n int64, width int) []byte {
	if reject {
		return render.Left(b, "-", width)
	}
	return render.LeftInt(b, n, width)
}

// appendAddr4 appends an IPv4 address in a column of 15 bytes.
func appendAddr4(b []byte, a netip.Addr) []byte {
	start := len(b)
	return padTo(a.AppendTo(b), start+addressWidth)
}

// padTo appends blanks until b has n bytes.
func padTo(b []byte, n int) []byte {
	for len(b) < n {
		b = append(b, ' ')
	}
	return b
}

// flagLetters4 and flagLetters6 return, in the order of printing, a flag's letter and the number of its bit. The letters after M of
// IPv4 belong to bits that today's kernels never set.
func flagLetters4() string {
	return "U\x00G\x01!\x09H\x02R\x03D\x04M\x05d\x10a\x11c\x12o\x15e\x16c\x18f\x19p\x1al\x1fu\x06w\x07i\x08n\x0a"
}

func flagLetters6() string {
	return "U\x00!\x09G\x01H\x02D\x10A\x12C\x18a\x11e\x16m\x05n\x15f\x19"
}

// appendFlags appends the letters of the bits that are set.
func appendFlags(b []byte, f routes.RouteFlags, letters string) []byte {
	for i := 0; i < len(letters); i += 2 {
		if f>>letters[i+1]&1 != 0 {
			b = append(b, letters[i])
		}
	}
	return b
}

// appendFlags4 is appendFlags for IPv4, where a route that rejects drops the letters in front of the exclamation mark.
func appendFlags4(b []byte, f routes.RouteFlags) []byte {
	if f&routes.FlagReject != 0 {
		f &^= routes.FlagUp | routes.FlagGateway
	}
	return appendFlags(b, f, flagLetters4())
}

const inet6Heads = "Destination                    Next Hop                   Flag Met Ref  Use If\n"

// inet6 prints all IPv6 tables mixed, as the file has them, or the rows that the kernel marks as cached.
func (p *routePrinter) inet6(cache bool) error {
	if !p.readable("ipv6_route") {
		return p.unreadable("ipv6_route", "INET6 (IPv6)")
	}
	title := "Kernel IPv6 routing table\n"
	if cache {
		title = "Kernel IPv6 routing cache\n"
	}
	p.e.Stdout.WriteString(title + inet6Heads)
	rows, lacking, count := ipv6Rows(p.root, p.l.File)
	if lacking {
		p.e.warn("%d IPv6 routes: read over rtnetlink, which lacks Ref, Use, the flags D and A and the null entries; --proc reads the file", count)
	}
	bad := badRows{e: p.e}
	for row, err := range rows {
		if err := bad.check(err); err != nil {
			return err
		}
		if row == nil || (row.Flags&routes.FlagCache != 0) != cache {
			continue
		}
		p.line = p.inet6Row(p.line[:0], row, lacking)
		p.e.Stdout.Write(p.line)
	}
	bad.end()
	return nil
}

// inet6Row appends one line. A row that lacks its counts has dashes for them.
func (p *routePrinter) inet6Row(b []byte, r *routes.IPv6Row, lacking bool) []byte {
	start := len(b)
	b = append(p.names.appendHost6(b, r.Destination), '/')
	b = strconv.AppendUint(b, uint64(r.DestLen), 10)
	b = append(padTo(b, start+30), ' ')
	start = len(b)
	b = append(padTo(p.names.appendHost6(b, r.NextHop), start+26), ' ')
	start = len(b)
	b = append(padTo(appendFlags(b, r.Flags, flagLetters6()), start+4), ' ')
	b = append(render.LeftInt(b, int64(int32(r.Metric)), 3), ' ')
	if lacking {
		b = append(b, "-      - "...)
	} else {
		b = append(render.LeftInt(b, int64(int32(r.RefCnt)), 1), ' ')
		b = append(render.RightInt(b, int64(int32(r.Use)), 6), ' ')
	}
	b = append(b, safe.String(r.Iface)...)
	return append(b, '\n')
}

// readable asks before the title is printed, because the old tools ask in that order.
func (p *routePrinter) readable(file string) bool {
	return unix.Access(p.root.Net(file), unix.R_OK) == nil
}

// unreadable says that a family has no table: the reason on stderr, the sentence on stdout.
func (p *routePrinter) unreadable(file, family string) error {
	path := p.root.Net(file)
	p.e.Stdout.WriteString(family + " not configured in this system.\n")
	return failBare(statusNo, "%s: %s", path, errnoText(unix.Access(path, unix.R_OK)))
}

// badRows warns of bad rows, the first few one by one, and tells them from errors that end the walk.
type badRows struct {
	e     *env
	count int
}

// badRowLimit is how many bad rows get a line of their own.
const badRowLimit = 10

// check returns nil for a row or a bad row, else the error that ends the listing.
func (b *badRows) check(err error) error {
	var bad *procfile.ParseError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, routes.ErrInterrupted):
		b.e.warn("the table changed while it was read: routes may be missing or doubled")
		return nil
	case errors.As(err, &bad):
		if b.count++; b.count <= badRowLimit {
			b.e.warn("%v", bad)
		}
		return nil
	}
	b.end()
	return fail(statusNo, "%w", err)
}

// end says how many bad rows got no line.
func (b *badRows) end() {
	if more := b.count - badRowLimit; more > 0 {
		b.e.warn("%d more bad rows", more)
	}
}

// errnoText returns the sentence of strerror(3) for the errno in err, else the error's own text.
func errnoText(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	// Go's table has the sentences of strerror with a small first letter, and both keep the case of the rest.
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
