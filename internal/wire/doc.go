// Package wire reads and writes the headers of IPv4, IPv6, ICMP, TCP and UDP as they are on the wire.
//
// Each protocol has two levels. The view (IPv4, IPv6, ICMPv4, ICMPv6, TCP, UDP) is the bytes
// themselves: its Check function says once whether the header is whole and its lengths agree, after
// which no accessor can panic. A view is only to be used when its Check returned no error; it shares
// the memory of the bytes it was made from and is valid as long as they are.
// The plain struct (IPv4Fields, IPv6Fields, TCPFields, UDPFields, TCPOptions) holds the values of one
// header; a view gives it by Fields, and its Append writes it back, lengths and checksums included.
// Check after Append gives equal fields.
//
// Bytes that were cut (an ICMP quotation, a capture with a snap length) are legal input: Check wants
// the whole header, not the whole packet, and the views tell what is missing.
//
// Nothing here allocates, errors included: an error is one byte (Error).
package wire
