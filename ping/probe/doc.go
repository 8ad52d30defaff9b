// Package probe holds the sockets under every probe that gnet sends: raw ICMP
// sockets and the kernel's ping sockets, for IPv4 and IPv6.
//
// A Socket is opened first, while the process still has its rights, and
// configured when the destination is known. It sends ICMP messages, and it
// receives, as one stream of Message values, what came back: packets, ICMP
// errors and local errors from the error queue (IP_RECVERR, ip(7)), and the
// kernel's transmit stamps (SO_TIMESTAMPING,
// Documentation/networking/timestamping.rst). Nothing is printed here.
//
// Two kinds of socket, one stream:
//
//	              Datagram (ping socket)             Raw
//	rights        net.ipv4.ping_group_range          CAP_NET_RAW
//	identifier    the kernel's, equal to the port    ours, kept by a BPF filter
//	checksum      filled in and checked by it        IPv4: ours; IPv6: the kernel's
//	IPv4 header   absent, TTL and TOS as cmsg        present, cut off here
//
// A Socket is used by one goroutine, except for Wake and Close.
package probe
