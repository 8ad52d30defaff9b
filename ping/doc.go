// Package ping is the echo engine: it sends ICMP echo requests on time, finds
// for each answer the probe that it belongs to, and keeps the statistics. It
// prints nothing, knows no options and asks no name server.
//
// A Pinger runs over a Conn, which is normally a *probe.Socket, and a Clock.
// What happens comes out as a stream of Event values.
//
// An answer counts as received only if it is one: its identifier is ours, its
// sequence number belongs to a probe that was sent, it carries the random
// cookie of that probe, and it comes from the host that was asked (any host,
// for a multicast or broadcast destination). Everything else is an event of its
// own kind. Send times stand in the Pinger's table and are never read back from
// the network, so no peer can invent a round-trip time.
//
// The cookie takes 8 bytes behind the 8 bytes of seconds that other pings also
// send. Probes of less than 16 data bytes have room for neither: they are
// matched by identifier, sequence number and source alone.
package ping
