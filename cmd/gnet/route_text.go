package main

import (
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/routes"
)

// routeWords says which route is meant: prefix, way, and what tells it from others of the prefix.
func routeWords(r *rtnl.Route) string {
	text := r.Dst.String()
	if r.Tos != 0 {
		text += " tos 0x" + strconv.FormatUint(uint64(r.Tos), 16)
	}
	if r.NexthopID != 0 {
		text += " nhid " + strconv.FormatUint(uint64(r.NexthopID), 10)
	}
	if r.Gateway.IsValid() {
		text += " via " + r.Gateway.String()
	}
	if r.OifName != "" {
		text += " dev " + r.OifName
	}
	if r.Priority != 0 {
		text += " metric " + strconv.FormatUint(uint64(r.Priority), 10)
	}
	if routes.TableName(r.Table) != "main" {
		text += " table " + routes.TableName(r.Table)
	}
	return text
}

// routeText is all that a route was made with, safe for a terminal. What passes is not in it: the rest of a lifetime, the state of its links.
func routeText(r *rtnl.Route) string {
	made := *r
	made.Expires, made.Error = 0, 0
	made.Flags &= routeMadeFlags
	made.Multipath = append([]rtnl.Nexthop(nil), r.Multipath...)
	for i := range made.Multipath {
		made.Multipath[i].Flags &= routeMadeFlags
	}
	var b []byte
	if r.Type != unix.RTN_UNICAST {
		b = append(append(b, routes.TypeName(r.Type)...), ' ')
	}
	b = appendRouteWords(r.Dst.AppendTo(b), &made)
	if r.Priority != 0 {
		b = strconv.AppendUint(append(b, " metric "...), uint64(r.Priority), 10)
	}
	if r.Table != unix.RT_TABLE_MAIN {
		b = append(append(b, " table "...), routes.TableName(r.Table)...)
	}
	if r.Scope != unix.RT_SCOPE_UNIVERSE {
		b = append(append(b, " scope "...), routes.ScopeName(r.Scope)...)
	}
	return string(append(append(b, " proto "...), routes.ProtocolName(r.Protocol)...))
}

// routeMadeFlags are the flags that a route is made with; the others are the state of a link.
const routeMadeFlags = unix.RTNH_F_ONLINK
