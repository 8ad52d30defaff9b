package main

import (
	"errors"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// routeSchema names the document of a route listing; gnet-json(5).
const routeSchema = "gnet/route/1"

// routeRow is a row of either routing file, or a route of rtnetlink and the row that follows from it, for the machine formats.
type routeRow struct {
	v4    *routes.IPv4Row // of an IPv4 route
	v6    *routes.IPv6Row // of an IPv6 route
	route *rtnl.Route     // nil when the row is one of a file
}

// writeRoutes writes the routing tables in a machine format: those of the running kernel over rtnetlink, which knows more than its
// files and keeps the tables apart; a tree of files, the cache and what is asked for with --proc from the files. Unlike the
// classic table it has the IPv4 rows that are not up.
func writeRoutes(e *env, root procfile.Root, o routeOptions) error {
	families := o.Listing.Families
	if len(families) == 0 {
		families = []routeFamily{routeInet}
	}
	doc := e.document(o.Format, routeSchema)
	w := &routeWriter{e: e, rows: render.NewRows(doc, routeColumns()), bad: badRows{e: e}, listing: o.Listing}
	err := w.kernel(root, &o)
	if errors.Is(err, errNoNetlink) {
		for _, f := range families {
			if f == routeInet {
				err = w.inet(root)
			} else {
				err = w.inet6(root)
			}
			if err != nil {
				break
			}
		}
	}
	w.bad.end()
	if err != nil {
		doc.Note("error", err.Error())
	}
	if cerr := e.closeDocument(doc); err == nil {
		err = cerr
	}
	return err
}

// errNoNetlink: the rows come from the files.
var errNoNetlink = errors.New("the files are read")

// kernel writes the routes that rtnetlink lists. Where it cannot be opened the files answer instead, unless the question is not one
// for them.
func (w *routeWriter) kernel(root procfile.Root, o *routeOptions) error {
	if !root.IsLive() || o.Listing.File || o.Listing.Cache {
		return errNoNetlink
	}
	for r, err := range selectedRoutes(o) {
		if op, ok := errors.AsType[*routes.OpError](err); ok && op.Op == routes.OpDial && !o.Details && !o.Filter.Given() {
			w.e.warn("%v: the rows are those of /proc/net, which knows less", err)
			return errNoNetlink
		}
		if err != nil {
			return listFailure(w.e, err)
		}
		w.row = routeRow{route: r}
		if r.Family == unix.AF_INET {
			w.v4 = routes.IPv4RowOf(r)
			w.row.v4 = &w.v4
		} else {
			w.v6 = routes.IPv6RowOf(r)
			w.row.v6 = &w.v6
		}
		if err := w.rows.Write(&w.row); err != nil {
			return err
		}
	}
	return nil
}

// routeWriter is the state of one machine-readable listing.
type routeWriter struct {
	e       *env
	rows    *render.Rows[routeRow]
	row     routeRow // reused, as are both rows that follow from a route
	v4      routes.IPv4Row
	v6      routes.IPv6Row
	bad     badRows
	listing routeListing
}

// inet writes /proc/net/route. The routing cache of IPv4 has had no row since Linux 3.6.
func (w *routeWriter) inet(root procfile.Root) error {
	if w.listing.Cache && !w.listing.FIB {
		return nil
	}
	for row, err := range routes.IPv4File(root) {
		if err := w.bad.check(err); err != nil {
			return err
		}
		if row == nil {
			continue
		}
		w.row = routeRow{v4: row}
		if err := w.rows.Write(&w.row); err != nil {
			return err
		}
	}
	return nil
}

// inet6 writes /proc/net/ipv6_route, cached rows with -C, the others without it or with -F.
func (w *routeWriter) inet6(root procfile.Root) error {
	for row, err := range routes.IPv6File(root) {
		if err := w.bad.check(err); err != nil {
			return err
		}
		if row == nil {
			continue
		}
		cached := row.Flags&routes.FlagCache != 0
		if cached && !w.listing.Cache || !cached && w.listing.Cache && !w.listing.FIB {
			continue
		}
		w.row = routeRow{v6: row}
		if err := w.rows.Write(&w.row); err != nil {
			return err
		}
	}
	return nil
}

// routeColumns describes a row of a route listing: what the files have too, then what rtnetlink alone knows.
func routeColumns() []render.Column[routeRow] {
	type row = routeRow
	field := func(name string, kind render.Kind, unit, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}
	}
	return append([]render.Column[row]{
		{Field: field("family", render.String, "", "inet or inet6"), Get: func(r *row, v *render.Value) {
			v.Str(r.familyName())
		}},
		{Field: field("destination", render.String, "", "destination and prefix length; an IPv4 mask with holes is written out"), Get: func(r *row, v *render.Value) {
			v.Str(r.destination())
		}},
		{Field: field("source", render.String, "", "source prefix that the route is for, IPv6"), Get: func(r *row, v *render.Value) {
			if p := r.source(); p.IsValid() && p.Bits() > 0 {
				v.Str(p.String())
			}
		}},
		{Field: field("gateway", render.Addr, "", "next hop; absent when the destination is on the link, and with several next hops"), Get: func(r *row, v *render.Value) {
			if gw := r.gateway(); gw.IsValid() && !gw.IsUnspecified() {
				v.Addr(gw)
			}
		}},
		{Field: field("iface", render.String, "", "interface; absent when the route has none, and with several next hops"), Get: func(r *row, v *render.Value) {
			if name := r.iface(); name != "" && name != "*" {
				v.Str(name)
			}
		}},
		{Field: field("flags", render.String, "", "the letters of the classic table"), Get: func(r *row, v *render.Value) {
			v.Str(r.letters())
		}},
		{Field: field("flag_bits", render.Uint, "", "the RTF_ bits as the kernel's file has them; over rtnetlink, which does not carry them, those that follow from the rest"), Get: func(r *row, v *render.Value) {
			v.Uint(uint64(r.flags()))
		}},
		{Field: field("metric", render.Uint, "", "the lowest wins among routes of one prefix"), Get: func(r *row, v *render.Value) {
			v.Uint(uint64(r.metric()))
		}},
		{Field: field("refs", render.Uint, "", "references, from the IPv6 file only; the IPv4 file always says 0"), Get: func(r *row, v *render.Value) {
			if r.v6 != nil && r.route == nil {
				v.Uint(uint64(r.v6.RefCnt))
			}
		}},
		{Field: field("mss", render.Uint, "bytes", "advertised segment size plus 40, IPv4; absent when not set"), Get: func(r *row, v *render.Value) {
			if r.v4 != nil && r.v4.MTU != 0 {
				v.Uint(uint64(r.v4.MTU))
			}
		}},
		{Field: field("window", render.Uint, "bytes", "largest window; absent when not set"), Get: func(r *row, v *render.Value) {
			if n := r.window(); n != 0 {
				v.Uint(uint64(n))
			}
		}},
		{Field: field("irtt_ns", render.Duration, "ns", "initial round trip time; absent when not set"), Get: func(r *row, v *render.Value) {
			if rtt := r.irtt(); rtt != 0 {
				v.Duration(rtt)
			}
		}},
	}, kernelRouteColumns()...)
}

func (r *routeRow) familyName() string {
	if r.v4 != nil {
		return "inet"
	}
	return "inet6"
}

// destination returns the prefix, or address/mask when the mask is none that a prefix can say.
func (r *routeRow) destination() string {
	switch {
	case r.route != nil:
		return r.route.Dst.String()
	case r.v6 != nil:
		return netip.PrefixFrom(r.v6.Destination, int(r.v6.DestLen)).String()
	}
	hostBits := ^word4(r.v4.Mask.As4())
	if hostBits&(hostBits+1) != 0 {
		return r.v4.Destination.String() + "/" + r.v4.Mask.String()
	}
	return r.v4.Destination.String() + "/" + strconv.Itoa(maskLength(^hostBits))
}

func (r *routeRow) source() netip.Prefix {
	switch {
	case r.route != nil:
		return r.route.Src
	case r.v6 != nil:
		return netip.PrefixFrom(r.v6.Source, int(r.v6.SourceLen))
	}
	return netip.Prefix{}
}

func (r *routeRow) gateway() netip.Addr {
	switch {
	case r.route != nil:
		return r.route.Gateway
	case r.v4 != nil:
		return r.v4.Gateway
	}
	return r.v6.NextHop
}

func (r *routeRow) iface() string {
	switch {
	case r.route != nil:
		return ifaceText(r.route.OifName, r.route.Oif)
	case r.v4 != nil:
		return r.v4.Iface
	}
	return r.v6.Iface
}

// ifaceText returns the name of an interface, or its index where it went before its name was read.
func ifaceText(name string, index int) string {
	if name == "" && index != 0 {
		return "if" + strconv.Itoa(index)
	}
	return name
}

func (r *routeRow) metric() uint32 {
	switch {
	case r.route != nil:
		return r.route.Priority
	case r.v4 != nil:
		return r.v4.Metric
	}
	return r.v6.Metric
}

func (r *routeRow) window() uint32 {
	switch {
	case r.route != nil:
		return r.route.Metrics.Window
	case r.v4 != nil:
		return r.v4.Window
	}
	return 0
}

// irtt returns what the kernel keeps in eighths of a millisecond; its file has whole ones.
func (r *routeRow) irtt() time.Duration {
	switch {
	case r.route != nil:
		return time.Duration(r.route.Metrics.RTT) * (time.Millisecond / 8)
	case r.v4 != nil:
		return time.Duration(r.v4.IRTT) * time.Millisecond
	}
	return 0
}

func (r *routeRow) flags() routes.RouteFlags {
	if r.v4 != nil {
		return r.v4.Flags
	}
	return r.v6.Flags
}

func (r *routeRow) letters() string {
	if r.v4 != nil {
		return string(appendFlags4(nil, r.v4.Flags))
	}
	return string(appendFlags(nil, r.flags(), flagLetters6()))
}
