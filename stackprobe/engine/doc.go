// Package engine is a complete TCP/IP stack of our own to place at an end of a link: gVisor's netstack behind a small
// interface. No type of gVisor leaves this package, because its API changes from week to week.
//
// The stack gets its time, its random numbers and its packets from outside. In virtual time it is quiet whenever Settle
// has returned, and equal inputs give equal packets. The link carries IPv4 or IPv6 and nothing but what TCP sends.
//
// State, variables and timers are read where netstack keeps them (layout), with the connection's lock held: for a
// transmission inside the stack's own send path, otherwise after Settle. Reading moves nothing, so a run that is
// watched is the run that is not. The evidence of a transmission is the timer whose function runs and what has changed
// since the one before.
//
// What netstack does differently from a textbook, and is shown as it is; a test of that name holds each (quirks_test.go):
//
//   - Payload: 1420 octets leave where 1448 would fit; it reserves room for every option. PSH is on the last alone.
//   - WindowProbe: a probe of a closed window is one octet that was acknowledged, at SND.UNA-1, as Linux does it; it shares
//     the retransmission timer, so each collapses the congestion window to 1, and netstack counts it as a timeout.
//   - SynBurst: an unacceptable acknowledgement in SYN-SENT is answered with a RST, and then the SYN comes again after
//     2, 4, 8 ... microseconds: some 13 in 20 ms.
//   - Window: 29184 octets in the SYNs, half of the buffer of 1 MiB in the first segment with data.
//   - Reset: a RST leaves the connection in a state ERROR, shown as CLOSED (reset).
//   - StateAfterAnswer: a change of state that follows from a segment happens after the answer to that segment has left.
//   - FinQueued: FIN-WAIT-1 begins with the call, even while the FIN waits behind data.
//   - NoDSACK: it understands duplicate SACKs (RFC 2883) and sends none.
//   - FirstSegment: if the very first segment of data is lost, no number of duplicates makes it repeat that; the timer does.
//   - DuplicateWindow: an acknowledgement with another window than the one before is no duplicate, even with news in SACK,
//     and starts the count anew.
//   - TwoSegments: a hole below two segments reported by SACK is lost; RFC 6675 section 4 wants more than two.
//   - UnscaledAck: the answer to a SYN that arrives again has its window unscaled.
//   - ScaleAlwaysOffered: its SYNs have the window scale option, with a shift of 0 if the buffer is small.
//   - Keepalive: asked for before connect, the timer starts only behind data; conn.Established starts it.
//
// It acknowledges at once what it has processed (no delayed acknowledgement), and its SYNs always offer timestamps.
package engine
