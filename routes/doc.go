// Package routes reads, explains and changes the routing tables of the kernel.
//
// There are two sources, and each keeps its own row type because they know different things. /proc/net/route and
// /proc/net/ipv6_route (IPv4File, IPv6File) are what the classic listings are made of: the main table with the first next
// hop of each route, or all IPv6 tables mixed. rtnetlink (List, Add, Delete, Lookup) knows tables, types, scopes and every
// next hop. A proc tree that is not the running kernel's is never mixed with netlink.
//
// The running kernel's rows of both files also follow from rtnetlink, which is faster (IPv4Rows, IPv6Rows; a test holds both sources to
// the same rows). Listings, saving and flushing select routes by one Filter.
//
// Add and Delete send what the kernel makes of the old ioctls SIOCADDRT and SIOCDELRT (net/ipv4/fib_frontend.c,
// rtentry_to_fib_config; net/ipv6/route.c, rtmsg_to_fib6_config), so that a route made here is the route that the classic
// tool makes, but without the ioctl's 16 bit metric.
package routes
