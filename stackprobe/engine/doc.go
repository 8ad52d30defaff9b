// Package engine is a complete TCP/IP stack of our own to place at an end of a link: gVisor's netstack behind a small
// interface. No type of gVisor leaves this package, because its API changes from week to week.
//
// The stack gets its time, its random numbers and its packets from outside. In virtual time it is quiet whenever Settle
// has returned, and equal inputs give equal packets.
//
// State and variables are read where they are true: for a transmission inside the stack's own send path, on the
// goroutine that holds the connection's lock (see linkname.go), otherwise after Settle under that lock.
//
// What the engine does differently from a textbook, and is shown as it is: payloads of 1420 octets where 1448 would fit
// (it reserves room for every option); no delayed acknowledgements; a change of state that follows from a segment
// happens after the answer to that segment has left.
package engine
