package wire

import "encoding/binary"

// Numbers of the domain system (RFC 1035 3.2, 4.1.1; RFC 3596 2.1).
const (
	dnsHeader = 12
	dnsTypeA  = 1
	dnsType6  = 28 // AAAA
)

// DNSAnswer is what an answer of a name server says of a name's addresses.
type DNSAnswer struct {
	ID uint16
	// Exists says that the name is known, with addresses or without.
	Exists bool
	// Owner is the name that the first address belongs to: at the end of all
	// aliases, the canonical one (RFC 1034 3.6.2). It is appended as ReadDNSName
	// does, and empty without addresses.
	Owner []byte
}

// ReadDNSAnswer reads an answer. ok is false for a question, a refusal, and what
// is malformed before the first address.
func ReadDNSAnswer(message []byte) (a DNSAnswer, ok bool) {
	if len(message) < dnsHeader || message[2]&0x80 == 0 {
		return DNSAnswer{}, false
	}
	a.ID = binary.BigEndian.Uint16(message)
	code := message[3] & 15
	a.Exists = code == 0
	at := dnsHeader
	for range binary.BigEndian.Uint16(message[4:]) {
		_, next, err := ReadDNSName(nil, message, at)
		if err != nil || next+4 > len(message) {
			return DNSAnswer{}, false
		}
		at = next + 4
	}
	for range binary.BigEndian.Uint16(message[6:]) {
		owner, next, err := ReadDNSName(nil, message, at)
		if err != nil || next+10 > len(message) {
			return DNSAnswer{}, false
		}
		if t := binary.BigEndian.Uint16(message[next:]); t == dnsTypeA || t == dnsType6 {
			a.Owner = owner
			break
		}
		at = next + 10 + int(binary.BigEndian.Uint16(message[next+8:]))
	}
	return a, code == 0 || code == 3
}
