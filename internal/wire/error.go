package wire

// Error says why bytes are not the header they were taken for, or why fields cannot be written.
// It is one byte, so that an error on a hot path costs no allocation; compare it with errors.Is or ==.
type Error uint8

// The reasons. "Short" always means: fewer bytes than the header says or needs.
const (
	_                    Error = iota
	ErrIPv4Short               // fewer bytes than the header length (RFC 791 3.1)
	ErrIPv4Version             // the version is not 4 (RFC 791 3.1)
	ErrIPv4HeaderLength        // IHL below 5 words (RFC 791 3.1)
	ErrIPv4TotalLength         // total length below the header length, or above 65535 when written
	ErrIPv4Options             // options longer than 40 bytes or not a multiple of 4 (RFC 791 3.1)
	ErrIPv4OptionShort         // an option without its length, or a length past the end (RFC 791 3.1)
	ErrIPv4OptionLength        // a length that the option's type does not have (RFC 791 3.1)
	ErrIPv6Short               // fewer than 40 bytes (RFC 8200 3)
	ErrIPv6Version             // the version is not 6 (RFC 8200 3)
	ErrIPv6PayloadLength       // payload above 65535 bytes when written (RFC 8200 3)
	ErrIPv6FlowLabel           // flow label wider than 20 bits when written (RFC 8200 3)
	ErrIPv6Extension           // an extension header runs past the end of the bytes (RFC 8200 4)
	ErrAddressFamily           // an address of the wrong family when written
	ErrFragmentOffset          // offset not a multiple of 8 or wider than 13 bits of 8 bytes (RFC 791 3.1)
	ErrFragmentMTU             // the MTU leaves no room for 8 bytes of data (RFC 791 3.2)
	ErrFragmentData            // no datagram has that much data or so long a header
	ErrFragmentLength          // a fragment without data, beyond the datagram, or not a multiple of 8 before the last
	ErrFragmentOverlap         // a fragment overlaps another (RFC 8200 4.5)
	ErrFragmentEnd             // data behind the last fragment, or a second last one
	ErrICMPShort               // fewer than 8 bytes (RFC 792, RFC 4443 2.1)
	ErrICMPNoQuote             // the message quotes no packet: it is not an error message
	ErrQuoteShort              // the quoted packet is cut inside its IP header (RFC 1122 3.2.2 demands more)
	ErrQuoteVersion            // the quoted packet is of the other IP version
	ErrUDPShort                // fewer than 8 bytes (RFC 768)
	ErrUDPLength               // length below 8 (RFC 768), or above 65535 when written
	ErrTCPShort                // fewer bytes than the data offset says (RFC 9293 3.1)
	ErrTCPDataOffset           // data offset below 5 words (RFC 9293 3.1)
	ErrTCPOptionShort          // a kind without its length, or a length past the end (RFC 9293 3.2)
	ErrTCPOptionLength         // a length that the option's kind does not have (RFC 9293 3.2)
	ErrTCPOptionsLength        // options longer than 40 bytes when written (RFC 9293 3.1)
	ErrDNSNameShort            // a domain name runs past the end of the bytes (RFC 1035 3.1)
	ErrDNSLabel                // an empty or overlong label, or one of a reserved kind (RFC 1035 3.1)
	ErrDNSPointer              // a pointer that does not point back (RFC 1035 4.1.4)
	ErrDNSNameLength           // a name above 255 bytes (RFC 1035 3.1)
	ErrNodeInfoShort           // fewer than 16 bytes (RFC 4620 4)
	ErrExtensionShort          // an extension structure or object without its header (RFC 4884 7)
	ErrExtensionVersion        // the version is not 2 (RFC 4884 7)
	ErrExtensionChecksum       // a checksum that is wrong (RFC 4884 7)
	ErrExtensionLength         // an object shorter than its header, or that runs past the end (RFC 4884 7.1)
	ErrExtensionData           // data that the object's class does not have (RFC 4950 5, RFC 5837 4)
)

// Error is a sentence without a subject, lower case, for a message or a note.
func (e Error) Error() string {
	switch e {
	case ErrIPv4Short:
		return "IPv4 header cut short"
	case ErrIPv4Version:
		return "not IPv4: other version"
	case ErrIPv4HeaderLength:
		return "IPv4 header length below 20"
	case ErrIPv4TotalLength:
		return "IPv4 total length out of range"
	case ErrIPv4Options:
		return "IPv4 options not a multiple of 4 or above 40 bytes"
	case ErrIPv4OptionShort:
		return "IPv4 option cut short"
	case ErrIPv4OptionLength:
		return "IPv4 option of a wrong length"
	case ErrIPv6Short:
		return "IPv6 header cut short"
	case ErrIPv6Version:
		return "not IPv6: other version"
	case ErrIPv6PayloadLength:
		return "IPv6 payload length out of range"
	case ErrIPv6FlowLabel:
		return "IPv6 flow label wider than 20 bits"
	case ErrIPv6Extension:
		return "IPv6 extension header cut short"
	case ErrAddressFamily:
		return "address of the wrong family"
	}
	return e.upper()
}

// upper names the errors above the IP header.
func (e Error) upper() string {
	switch e {
	case ErrFragmentOffset:
		return "fragment offset not a multiple of 8 or out of range"
	case ErrFragmentMTU:
		return "MTU leaves no room for a fragment"
	case ErrFragmentData:
		return "data or header too long for a datagram"
	case ErrFragmentLength:
		return "fragment length out of range"
	case ErrFragmentOverlap:
		return "fragments overlap"
	case ErrFragmentEnd:
		return "fragments disagree on the datagram's end"
	case ErrICMPShort:
		return "ICMP header cut short"
	case ErrICMPNoQuote:
		return "ICMP message quotes no packet"
	case ErrQuoteShort:
		return "quoted packet cut inside its IP header"
	case ErrQuoteVersion:
		return "quoted packet of the other IP version"
	case ErrUDPShort:
		return "UDP header cut short"
	case ErrUDPLength:
		return "UDP length out of range"
	case ErrTCPShort:
		return "TCP header cut short"
	case ErrTCPDataOffset:
		return "TCP data offset below 20"
	case ErrTCPOptionShort:
		return "TCP option cut short"
	case ErrTCPOptionLength:
		return "TCP option of a wrong length"
	case ErrTCPOptionsLength:
		return "TCP options above 40 bytes"
	}
	return e.name()
}

// name names the errors of domain names and what carries them.
func (e Error) name() string {
	switch e {
	case ErrDNSNameShort:
		return "domain name cut short"
	case ErrDNSLabel:
		return "domain name with a label out of range"
	case ErrDNSPointer:
		return "domain name with a pointer that does not point back"
	case ErrDNSNameLength:
		return "domain name above 255 bytes"
	case ErrNodeInfoShort:
		return "node information message cut short"
	}
	return e.extension()
}

// extension names the errors of what stands behind a quoted packet.
func (e Error) extension() string {
	switch e {
	case ErrExtensionShort:
		return "ICMP extension cut short"
	case ErrExtensionVersion:
		return "ICMP extension of another version"
	case ErrExtensionChecksum:
		return "ICMP extension with a wrong checksum"
	case ErrExtensionLength:
		return "ICMP extension object with a length out of range"
	case ErrExtensionData:
		return "ICMP extension object with data of a wrong form"
	}
	return "unknown wire error"
}
