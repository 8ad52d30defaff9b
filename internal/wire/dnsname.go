package wire

import "strings"

// MaxDNSName is the length in bytes of the longest domain name as it is on the wire (RFC 1035 3.1).
const MaxDNSName = 255

// AppendDNSName writes a domain name, given as text with dots, as labels behind their lengths and the
// root's empty label (RFC 1035 3.1). A dot may end the text; the empty text is the root. It fails, with
// dst unchanged, when a label is empty or above 63 bytes, or the whole above 255.
func AppendDNSName(dst []byte, name string) ([]byte, error) {
	at := len(dst)
	if name = strings.TrimSuffix(name, "."); name != "" {
		for label := range strings.SplitSeq(name, ".") {
			if label == "" || len(label) > 63 {
				return dst[:at], ErrDNSLabel
			}
			dst = append(append(dst, uint8(len(label))), label...)
		}
	}
	if dst = append(dst, 0); len(dst)-at > MaxDNSName {
		return dst[:at], ErrDNSNameLength
	}
	return dst, nil
}

// ReadDNSName reads the domain name that starts at message[at:], compression included (RFC 1035 4.1.4),
// and appends it to dst as text without a dot at the end: RFC 1035 5.1, so a dot within a label and
// the marks of zone files stand behind a backslash, and bytes that do not print are \DDD. next is where
// what follows the name begins. On an error dst is unchanged.
//
// A pointer must point before the place where the name, or the pointer before it, led: no loop is
// possible.
func ReadDNSName(dst []byte, message []byte, at int) (name []byte, next int, err error) {
	start, limit, length := len(dst), at, 1
	for i := at; ; {
		if i < 0 || i >= len(message) {
			return dst[:start], 0, ErrDNSNameShort
		}
		n := int(message[i])
		switch {
		case n == 0:
			if next == 0 {
				next = i + 1
			}
			return dst, next, nil
		case n>>6 == 3:
			if i+1 >= len(message) {
				return dst[:start], 0, ErrDNSNameShort
			}
			to := n&0x3f<<8 | int(message[i+1])
			if to >= limit {
				return dst[:start], 0, ErrDNSPointer
			}
			if next == 0 {
				next = i + 2
			}
			i, limit = to, to
			continue
		case n > 63:
			return dst[:start], 0, ErrDNSLabel // the other two kinds are reserved
		case i+1+n > len(message):
			return dst[:start], 0, ErrDNSNameShort
		}
		if length += 1 + n; length > MaxDNSName {
			return dst[:start], 0, ErrDNSNameLength
		}
		if len(dst) > start {
			dst = append(dst, '.')
		}
		dst = appendDNSLabel(dst, message[i+1:i+1+n])
		i += 1 + n
	}
}

func appendDNSLabel(dst, label []byte) []byte {
	for _, c := range label {
		switch {
		case c <= ' ' || c > '~':
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		case strings.IndexByte(`.\";()@$`, c) >= 0:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
