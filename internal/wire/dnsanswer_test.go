package wire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dnsReply is an answer for www.ex as a name server compresses it: code, number
// of answers, and those.
func dnsReply(flags, code byte, answers byte, records string) []byte {
	return []byte("\x12\x34" + string([]byte{flags, code}) + "\x00\x01\x00" + string([]byte{answers}) + "\x00\x00\x00\x00" + "\x03www\x02ex\x00\x00\x01\x00\x01" + records)
}

const (
	alias   = "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x09\x00\x06\x03web\xc0\x10"  // www.ex is web.ex
	address = "\xc0\x24\x00\x01\x00\x01\x00\x00\x00\x09\x00\x04\x0a\x00\x00\x01" // of web.ex
	own     = "\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x09\x00\x10aaaabbbbccccdddd"
)

func TestReadDNSAnswer(t *testing.T) {
	found := func(owner string) DNSAnswer { return DNSAnswer{ID: 0x1234, Exists: true, Owner: []byte(owner)} }
	for _, tt := range []struct {
		name string
		in   []byte
		want DNSAnswer
		ok   bool
	}{
		{"address", dnsReply(0x81, 0x80, 1, own), found("www.ex"), true},
		{"alias", dnsReply(0x81, 0x80, 2, alias+address), found("web.ex"), true},
		{"alias of nothing", dnsReply(0x81, 0x80, 1, alias), DNSAnswer{ID: 0x1234, Exists: true}, true},
		{"no address", dnsReply(0x81, 0x80, 0, ""), DNSAnswer{ID: 0x1234, Exists: true}, true},
		{"no such name", dnsReply(0x81, 0x83, 0, ""), DNSAnswer{ID: 0x1234}, true},
		{"refused", dnsReply(0x81, 0x85, 0, ""), DNSAnswer{ID: 0x1234}, false},
		{"a question", dnsReply(0x01, 0, 0, ""), DNSAnswer{}, false},
		{"cut in the header", dnsReply(0x81, 0x80, 0, "")[:11], DNSAnswer{}, false},
		{"cut in the question", dnsReply(0x81, 0x80, 0, "")[:20], DNSAnswer{}, false},
		{"cut in an answer", dnsReply(0x81, 0x80, 1, own[:8]), DNSAnswer{}, false},
		{"fewer answers than said", dnsReply(0x81, 0x80, 2, alias), DNSAnswer{}, false},
		{"data past the end", dnsReply(0x81, 0x80, 2, strings.Replace(alias, "\x00\x06", "\xff\xff", 1)), DNSAnswer{}, false},
	} {
		got, ok := ReadDNSAnswer(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s: %v (-want +got)\n%s", tt.name, ok, diff)
		}
	}
}

func FuzzDNSAnswer(f *testing.F) {
	f.Add(dnsReply(0x81, 0x80, 2, alias+address))
	f.Add(dnsReply(0x81, 0x80, 1, own))
	f.Add(dnsReply(0x81, 0x83, 0, ""))
	f.Add(dnsReply(0x01, 0, 0, ""))
	f.Add(dnsReply(0x81, 0x80, 1, own[:8]))
	f.Add(dnsReply(0x81, 0x80, 0, "")[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := ReadDNSAnswer(b)
		if len(a.Owner) > 4*MaxDNSName || len(a.Owner) > 0 && !ok && b[3]&15 == 0 {
			t.Fatalf("%q, %v", a.Owner, ok)
		}
	})
}
