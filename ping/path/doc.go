// Package path measures the path to a host: how large a packet may be in each
// direction, which link sets that limit, and why larger packets die. It prints
// nothing, knows no options and asks no name server.
//
// A Prober sends probes in rounds over a Conn, normally *Sockets. A round is one
// burst and the wait for its answers. Every probe is in the Prober's table with a
// random cookie of its own, and only what names both, and comes from or quotes
// the host that was asked, is taken for an answer. Nothing is read back from the
// network but what happened to a probe.
//
// A Measurement asks four questions at once, each of which adds the probes that it
// still needs to the next round: how large a packet arrives (RFC 1191, RFC 8201,
// and RFC 4821 where routers are silent), how large one comes back, which link
// sets the limit, and what becomes of fragments. All sizes of a round are under
// way together, so that a path is known after two to four round trips instead of
// one wait for each size and hop.
//
// What routers say of the path is a hint: it counts once a packet of that size is
// answered and none that is larger. What rests on silence is repeated in another
// round while other probes are answered, until chance losses explain it with no
// more than a millionth, and has a confidence.
package path
