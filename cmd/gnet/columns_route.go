package main

import (
	"net/netip"
	"strconv"
	"time"

	"gnet/internal/procfile"
	"gnet/internal/render"
	"gnet/routes"
)

// routeSchema names the document of a route listing; gnet-json(5).
const routeSchema = "gnet/route/1"

// routeRow is a row of either routing file for the machine formats.
type routeRow struct {
	v4 *routes.IPv4Row
	v6 *routes.IPv6Row
}

// writeRoutes writes the routing tables in a machine format. Unlike the classic table it has the IPv4 rows that are not up.
func writeRoutes(e *env, root procfile.Root, o routeOptions) error {
	families := o.Listing.Families
	if len(families) == 0 {
		families = []routeFamily{routeInet}
	}
	doc := e.document(o.Format, routeSchema)
	w := &routeWriter{rows: render.NewRows(doc, routeColumns()), bad: badRows{e: e}, listing: o.Listing}
	var err error
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
	w.bad.end()
	if err != nil {
		doc.Note("error", err.Error())
	}
	if cerr := e.closeDocument(doc); err == nil {
		err = cerr
	}
	return err
}

// routeWriter is the state of one machine-readable listing.
type routeWriter struct {
	rows    *render.Rows[routeRow]
	row     routeRow // reused
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

// routeColumns describes a row of a route listing.
func routeColumns() []render.Column[routeRow] {
	type row = routeRow
	field := func(name string, kind render.Kind, unit, doc string) render.Field {
		return render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}
	}
	return []render.Column[row]{
		{Field: field("family", render.String, "", "inet or inet6"), Get: func(r *row, v *render.Value) {
			v.Str(r.familyName())
		}},
		{Field: field("destination", render.String, "", "destination and prefix length; an IPv4 mask with holes is written out"), Get: func(r *row, v *render.Value) {
			v.Str(r.destination())
		}},
		{Field: field("source", render.String, "", "source prefix that the route is for, IPv6"), Get: func(r *row, v *render.Value) {
			if r.v6 != nil && r.v6.SourceLen > 0 {
				v.Str(netip.PrefixFrom(r.v6.Source, int(r.v6.SourceLen)).String())
			}
		}},
		{Field: field("gateway", render.Addr, "", "next hop; absent when the destination is on the link"), Get: func(r *row, v *render.Value) {
			if gw := r.gateway(); !gw.IsUnspecified() {
				v.Addr(gw)
			}
		}},
		{Field: field("iface", render.String, "", "interface; absent when the route has none"), Get: func(r *row, v *render.Value) {
			if name := r.iface(); name != "" && name != "*" {
				v.Str(name)
			}
		}},
		{Field: field("flags", render.String, "", "the letters of the classic table"), Get: func(r *row, v *render.Value) {
			v.Str(r.letters())
		}},
		{Field: field("flag_bits", render.Uint, "", "the RTF_ bits as the kernel prints them"), Get: func(r *row, v *render.Value) {
			v.Uint(uint64(r.flags()))
		}},
		{Field: field("metric", render.Uint, "", "the lowest wins among routes of one prefix"), Get: func(r *row, v *render.Value) {
			if r.v4 != nil {
				v.Uint(uint64(r.v4.Metric))
			} else {
				v.Uint(uint64(r.v6.Metric))
			}
		}},
		{Field: field("refs", render.Uint, "", "references, IPv6; the IPv4 file always says 0"), Get: func(r *row, v *render.Value) {
			if r.v6 != nil {
				v.Uint(uint64(r.v6.RefCnt))
			}
		}},
		{Field: field("mss", render.Uint, "bytes", "advertised segment size plus 40, IPv4; absent when not set"), Get: func(r *row, v *render.Value) {
			if r.v4 != nil && r.v4.MTU != 0 {
				v.Uint(uint64(r.v4.MTU))
			}
		}},
		{Field: field("window", render.Uint, "bytes", "largest window, IPv4; absent when not set"), Get: func(r *row, v *render.Value) {
			if r.v4 != nil && r.v4.Window != 0 {
				v.Uint(uint64(r.v4.Window))
			}
		}},
		{Field: field("irtt_ns", render.Duration, "ns", "initial round trip time, IPv4; absent when not set"), Get: func(r *row, v *render.Value) {
			if r.v4 != nil && r.v4.IRTT != 0 {
				v.Duration(time.Duration(r.v4.IRTT) * time.Millisecond)
			}
		}},
	}
}

func (r *routeRow) familyName() string {
	if r.v4 != nil {
		return "inet"
	}
	return "inet6"
}

// destination returns the prefix, or address/mask when the mask is none that a prefix can say.
func (r *routeRow) destination() string {
	if r.v6 != nil {
		return netip.PrefixFrom(r.v6.Destination, int(r.v6.DestLen)).String()
	}
	hostBits := ^word4(r.v4.Mask.As4())
	if hostBits&(hostBits+1) != 0 {
		return r.v4.Destination.String() + "/" + r.v4.Mask.String()
	}
	return r.v4.Destination.String() + "/" + strconv.Itoa(maskLength(^hostBits))
}

func (r *routeRow) gateway() netip.Addr {
	if r.v4 != nil {
		return r.v4.Gateway
	}
	return r.v6.NextHop
}

func (r *routeRow) iface() string {
	if r.v4 != nil {
		return r.v4.Iface
	}
	return r.v6.Iface
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
	return string(appendFlags(nil, r.v6.Flags, flagLetters6()))
}
