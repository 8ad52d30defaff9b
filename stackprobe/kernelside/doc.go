// Package kernelside is the Linux end of a link: a real kernel's TCP in a network namespace of its own, reached through
// a TUN interface or a veth pair.
//
// The namespace is made by this program, started once more (Helper): a process with several threads cannot enter a user
// namespace. The second process makes the interface, hands its descriptor over, and makes sockets when it is asked for
// them. It ends when the control socket closes, and is killed when this process dies in whatever way (PR_SET_PDEATHSIG);
// then nothing but descriptors of this process keeps the namespace, and the kernel removes everything.
//
// A socket belongs to the namespace where it was made, so it is used from here, in the same process and on the same
// clock as the engine at the other end.
//
// What the kernel tells, and how: TCP_INFO of a socket after each event; inet_diag for what has no descriptor (SYN-RECEIVED,
// connections that nobody has accepted yet or that are closed, TIME-WAIT) and for timers; the namespace's own counters for
// the reason of a transmission, which nobody but this run moves. It has no call that shows sequence numbers.
//
// On IPv6 the kernel is kept from router solicitations, duplicate address detection, link-local addresses and neighbour
// discovery (the interface resolves no addresses). What other packets it sends the link counts and names in a note.
package kernelside
