// Package ping is the echo engine: it sends ICMP echo requests on time, finds
// for each answer the probe that it belongs to, and keeps the statistics. It
// prints nothing, knows no options and asks no name server.
//
// A Pinger runs over a Conn, which is normally a *probe.Socket, and a Clock.
// What happens comes out as a stream of Event values, until the series is
// complete or its context ends; see the example. There is no state outside the
// values that a caller makes: any number of Pingers may run at once, each in one
// goroutine.
//
// Stats are the figures of a run, and Distribution, on request, how its times and
// losses are spread. What our own kernel refused to send is NotSent and no loss;
// what reached us and found no room in our receive buffer is Dropped and none
// either; an answer that comes late takes its loss back.
//
// # Times
//
// A round trip is measured with the best stamps there are (TimeSource): those of
// the network device, else the kernel's, from the moment when the packet was
// handed to the device's driver to that when the answer came out of it. Where
// there is no transmit stamp it begins just before the send call. A stamp is used
// only if it lies between the send call and the handling of the answer by a clock
// that nobody can set. How late this program gets to run is not in such a time.
//
// # Matching
//
// An answer counts as received only if it is one: its identifier is ours, its
// sequence number belongs to a probe that was sent, it carries the random
// cookie of that probe, and it comes from the host that was asked (any host,
// for a multicast or broadcast destination). Everything else is an event of its
// own kind. Send times stand in the Pinger's table and are never read back from
// the network, so no peer can invent a round-trip time. An ICMP error that quotes
// enough of its probe has to quote the cookie too; what quotes less is believed by
// identifier, sequence number and destination.
//
// The cookie takes 8 bytes behind the 8 bytes of seconds that other pings also
// send. Probes of less than 16 data bytes have room for neither: they are
// matched by identifier, sequence number and source alone.
package ping
