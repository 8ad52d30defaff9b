package main

import (
	"encoding/hex"
	"errors"
	"iter"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/internal/safe"
	"gnet/routes"
)

// selectedRoutes walks the routes that a listing over rtnetlink is asked for, family by family in the order of the command line.
func selectedRoutes(o *routeOptions) iter.Seq2[*rtnl.Route, error] {
	return func(yield func(*rtnl.Route, error) bool) {
		filter, err := o.Filter.filter()
		if err != nil {
			yield(nil, err)
			return
		}
		conn, err := routes.Dial()
		if err != nil {
			yield(nil, err)
			return
		}
		defer conn.Close()
		for _, family := range o.listedFamilies() {
			filter.Family = family
			for r, err := range conn.List(filter) {
				if !yield(r, err) {
					return
				}
			}
		}
	}
}

// listedFamilies returns those of the command line; without one that of the filter's addresses, else IPv4.
func (o *routeOptions) listedFamilies() []uint8 {
	var families []uint8
	for _, f := range o.Listing.Families {
		families = append(families, f.number())
	}
	if len(families) > 0 {
		return families
	}
	if f, err := o.Filter.family(0); err == nil && f != 0 { // ownListing has seen the error
		return []uint8{f}
	}
	return []uint8{unix.AF_INET}
}

// Widths of the columns of the detailed listing; longer text pushes its row.
const (
	detailDestination = 18
	detailTable       = 7
	detailType        = 11
	detailProto       = 8
	detailScope       = 6
	detailMetric      = 6
)

const detailHeads = "Destination        Table   Type        Proto    Scope  Metric Way\n"

// printDetails prints the routes with all that the kernel tells of them: fixed columns, then words as those of ip-route(8).
func printDetails(e *env, o *routeOptions) error {
	names := newRouteLabels()
	line := []byte(detailHeads) // before the first row, or when it is known that there is none
	for r, err := range selectedRoutes(o) {
		if err != nil {
			if err = listFailure(e, err); err != nil {
				return err
			}
			break
		}
		line = names.appendDetails(line, r)
		e.Stdout.Write(line)
		line = line[:0]
	}
	e.Stdout.Write(line)
	return nil
}

// listFailure is what the last error of a walk over rtnetlink means for the command: a table that changed meanwhile is said, all
// else ends it.
func listFailure(e *env, err error) error {
	if errors.Is(err, routes.ErrInterrupted) {
		e.warn("the table changed while it was read: routes may be missing or doubled")
		return nil
	}
	return err
}

// routeLabels are the names that iproute2's tables have for numbers beyond the kernel's own.
type routeLabels struct {
	tables map[uint32]string
	protos map[uint32]string
}

func newRouteLabels() *routeLabels {
	l := &routeLabels{tables: make(map[uint32]string), protos: make(map[uint32]string)}
	for n, name := range labels("rt_tables") {
		l.tables[n] = safe.String(name)
	}
	for n, name := range labels("rt_protos") {
		l.protos[n] = safe.String(name)
	}
	return l
}

func (l *routeLabels) table(n uint32) string {
	if name, ok := l.tables[n]; ok && n != unix.RT_TABLE_UNSPEC {
		return name
	}
	return routes.TableName(n)
}

func (l *routeLabels) proto(n uint8) string {
	if name, ok := l.protos[uint32(n)]; ok {
		return name
	}
	return routes.ProtocolName(n)
}

func (l *routeLabels) appendDetails(b []byte, r *rtnl.Route) []byte {
	start := len(b)
	b = append(padTo(r.Dst.AppendTo(b), start+detailDestination), ' ')
	b = append(render.Left(b, l.table(r.Table), detailTable), ' ')
	b = append(render.Left(b, routes.TypeName(r.Type), detailType), ' ')
	b = append(render.Left(b, l.proto(r.Protocol), detailProto), ' ')
	b = append(render.Left(b, routes.ScopeName(r.Scope), detailScope), ' ')
	start = len(b)
	b = padTo(strconv.AppendUint(b, uint64(r.Priority), 10), start+detailMetric)
	start = len(b)
	if b = appendRouteWords(b, r); len(b) == start {
		b = append(b, " -"...)
	}
	return append(b, '\n')
}

// appendRouteWords appends what a route has beyond prefix, table, type, protocol, scope and metric, each word behind a blank.
func appendRouteWords(b []byte, r *rtnl.Route) []byte {
	if r.Src.IsValid() {
		b = r.Src.AppendTo(append(b, " from "...))
	}
	if r.Tos != 0 {
		b = strconv.AppendUint(append(b, " tos 0x"...), uint64(r.Tos), 16)
	}
	if r.NexthopID != 0 {
		b = strconv.AppendUint(append(b, " nhid "...), uint64(r.NexthopID), 10)
	}
	b = appendEncap(b, &r.Encap)
	b = appendHop(b, r.Gateway, r.OifName, r.Oif)
	if r.PrefSrc.IsValid() {
		b = r.PrefSrc.AppendTo(append(b, " src "...))
	}
	b = appendRealms(b, r.Realms)
	b = appendHopFlags(b, r.Flags)
	b = appendMetrics(b, &r.Metrics)
	if r.Expires > 0 {
		b = append(b, " expires "...)
		b = append(b, (time.Duration(r.Expires) * clockTick).Round(time.Second).String()...)
	}
	switch r.Pref {
	case prefHigh:
		b = append(b, " pref high"...)
	case prefLow:
		b = append(b, " pref low"...)
	}
	if r.Error != 0 {
		b = strconv.AppendInt(append(b, " error "...), int64(r.Error), 10)
	}
	b = appendOther(b, "other", r.Other)
	for i := range r.Multipath {
		b = appendNexthop(b, &r.Multipath[i])
	}
	return b
}

// clockTick is the unit of times in rtnetlink's cache information, USER_HZ being 100.
const clockTick = 10 * time.Millisecond

// ICMPv6 router preferences (RFC 4191 section 2.1).
const (
	prefHigh = 1
	prefLow  = 3
)

func appendNexthop(b []byte, h *rtnl.Nexthop) []byte {
	b = append(b, " nexthop"...)
	if h.ID != 0 {
		b = strconv.AppendUint(append(b, " nhid "...), uint64(h.ID), 10)
	}
	b = appendEncap(b, &h.Encap)
	b = appendHop(b, h.Gateway, h.OifName, h.Oif)
	b = appendRealms(b, h.Realms)
	b = strconv.AppendInt(append(b, " weight "...), int64(h.Weight), 10)
	return appendOther(appendHopFlags(b, uint32(h.Flags)), "other", h.Other)
}

// appendOther appends attributes that this version has no words for, as the kernel sent them.
func appendOther(b []byte, word, attributes string) []byte {
	if attributes == "" {
		return b
	}
	return hex.AppendEncode(append(append(append(b, ' '), word...), " 0x"...), []byte(attributes))
}

func appendHop(b []byte, gateway netip.Addr, name string, index int) []byte {
	if gateway.IsValid() {
		b = gateway.AppendTo(append(b, " via "...))
	}
	switch {
	case name != "":
		b = safe.Append(append(b, " dev "...), name)
	case index != 0:
		b = strconv.AppendInt(append(b, " dev if"...), int64(index), 10)
	}
	return b
}

// appendRealms appends both realms (linux/rtnetlink.h, RTA_FLOW), the source's only when there is one.
func appendRealms(b []byte, realms uint32) []byte {
	if realms == 0 {
		return b
	}
	b = append(b, " realms "...)
	if source := realms >> 16; source != 0 {
		b = append(strconv.AppendUint(b, uint64(source), 10), '/')
	}
	return strconv.AppendUint(b, uint64(realms&0xffff), 10)
}

// hopFlags are the words for RTNH_F_ and RTM_F_ bits (linux/rtnetlink.h).
func hopFlags() []struct {
	bit  uint32
	word string
} {
	return []struct {
		bit  uint32
		word string
	}{
		{unix.RTNH_F_DEAD, "dead"}, {unix.RTNH_F_PERVASIVE, "pervasive"}, {unix.RTNH_F_ONLINK, "onlink"},
		{unix.RTNH_F_OFFLOAD, "offload"}, {unix.RTNH_F_LINKDOWN, "linkdown"}, {unix.RTNH_F_UNRESOLVED, "unresolved"},
		{unix.RTNH_F_TRAP, "trap"}, {unix.RTM_F_NOTIFY, "notify"}, {unix.RTM_F_OFFLOAD, "rt_offload"}, {unix.RTM_F_TRAP, "rt_trap"},
		{unix.RTM_F_OFFLOAD_FAILED, "rt_offload_failed"},
	}
}

func appendHopFlags(b []byte, flags uint32) []byte {
	if flags == 0 { // almost all routes
		return b
	}
	for _, f := range hopFlags() {
		if flags&f.bit != 0 {
			b = append(append(b, ' '), f.word...)
		}
	}
	return b
}

// routeMetric is one RTAX_ value for people.
type routeMetric struct {
	typ   int // RTAX_
	name  string
	value uint64 // in the kernel's unit
	unit  string
	parts uint64 // how many of the kernel's make one of unit
}

// metricsOf returns the metrics that are set, which ip-route(8) has in the same units.
func metricsOf(m *rtnl.Metrics) []routeMetric {
	all := []routeMetric{
		{unix.RTAX_MTU, "mtu", uint64(m.MTU), "", 1}, {unix.RTAX_WINDOW, "window", uint64(m.Window), "", 1},
		{unix.RTAX_RTT, "rtt", uint64(m.RTT), "ms", 8}, {unix.RTAX_RTTVAR, "rttvar", uint64(m.RTTVar), "ms", 4},
		{unix.RTAX_SSTHRESH, "ssthresh", uint64(m.SSThresh), "", 1}, {unix.RTAX_CWND, "cwnd", uint64(m.CWnd), "", 1},
		{unix.RTAX_ADVMSS, "advmss", uint64(m.AdvMSS), "", 1}, {unix.RTAX_REORDERING, "reordering", uint64(m.Reordering), "", 1},
		{unix.RTAX_HOPLIMIT, "hoplimit", uint64(m.HopLimit), "", 1}, {unix.RTAX_INITCWND, "initcwnd", uint64(m.InitCWnd), "", 1},
		{unix.RTAX_RTO_MIN, "rto_min", uint64(m.RTOMin), "ms", 1}, {unix.RTAX_INITRWND, "initrwnd", uint64(m.InitRWnd), "", 1},
		{unix.RTAX_QUICKACK, "quickack", uint64(m.QuickAck), "", 1}, {unix.RTAX_FASTOPEN_NO_COOKIE, "fastopen_no_cookie", uint64(m.FastOpenNoC), "", 1},
	}
	set := all[:0]
	for _, metric := range all {
		if metric.value != 0 || m.Lock>>metric.typ&1 != 0 {
			set = append(set, metric)
		}
	}
	return set
}

func appendMetrics(b []byte, m *rtnl.Metrics) []byte {
	if *m == (rtnl.Metrics{}) { // almost all routes
		return b
	}
	for _, metric := range metricsOf(m) {
		b = append(append(b, ' '), metric.name...)
		b = appendLock(b, m, metric.typ)
		b = strconv.AppendFloat(append(b, ' '), float64(metric.value)/float64(metric.parts), 'f', -1, 64)
		b = append(b, metric.unit...)
	}
	if m.Features != 0 || m.Lock>>unix.RTAX_FEATURES&1 != 0 {
		b = append(b, " features"...)
		b = appendLock(b, m, unix.RTAX_FEATURES)
		if m.Features&unix.RTAX_FEATURE_ECN != 0 {
			b = append(b, " ecn"...)
		}
		if rest := m.Features &^ unix.RTAX_FEATURE_ECN; rest != 0 {
			b = strconv.AppendUint(append(b, " 0x"...), uint64(rest), 16)
		}
	}
	if m.CongAlg != "" {
		b = appendLock(append(b, " congctl"...), m, unix.RTAX_CC_ALGO)
		b = safe.Append(append(b, ' '), m.CongAlg)
	}
	return appendOther(b, "metrics", m.Other)
}

func appendLock(b []byte, m *rtnl.Metrics, typ int) []byte {
	if m.Lock>>typ&1 != 0 {
		b = append(b, " lock"...)
	}
	return b
}

// appendEncap appends a tunnel: its kind, and what it holds where that is known here, else its bytes.
func appendEncap(b []byte, e *rtnl.Encap) []byte {
	if e.Type == 0 {
		return b
	}
	b = append(append(b, " encap "...), routes.EncapName(e.Type)...)
	words, ok := routes.EncapWords(*e)
	if !ok {
		return hex.AppendEncode(append(b, " 0x"...), []byte(e.Data))
	}
	return safe.Append(b, words)
}
