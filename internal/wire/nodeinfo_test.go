package wire

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nodeReply makes a reply as a node would send it.
func nodeReply(code uint8, qtype, flags uint16, data string) []byte {
	b := AppendNodeQuery(nil, qtype, flags, code, []byte(data))
	b[0] = ICMPv6NodeReply
	binary.BigEndian.PutUint64(b[8:], 0x0102030405060708)
	return b
}

// nodeAnswer is all that a reply says.
type nodeAnswer struct {
	Type, Code   uint8
	Qtype, Flags uint16
	Nonce        uint64
	Names        []string
	Partial      []bool
	Addrs        []netip.Addr
	TTLs         []uint32
	Cut          bool
	Err          error
}

func answerOf(b []byte) (a nodeAnswer) {
	n, err := CheckNodeInfo(b)
	if err != nil {
		return nodeAnswer{Err: err}
	}
	a = nodeAnswer{Type: n.Type(), Code: n.Code(), Qtype: n.Qtype(), Flags: n.Flags(), Nonce: binary.BigEndian.Uint64(n.Nonce())}
	switch n.Qtype() {
	case NodeName:
		for at := NodeNames; at < len(n.Data()); {
			name, next, full, err := n.NextName(nil, at)
			if err != nil {
				a.Err = err
				break
			}
			a.Names, a.Partial, at = append(a.Names, string(name)), append(a.Partial, !full), next
		}
	case NodeIPv4, NodeIPv6:
		count := 0
		count, a.Cut = n.AddrCount()
		for i := range count {
			a.Addrs, a.TTLs = append(a.Addrs, n.Addr(i)), append(a.TTLs, n.AddrTTL(i))
		}
	}
	return a
}

func TestNodeInfo(t *testing.T) {
	head := nodeAnswer{Type: ICMPv6NodeReply, Nonce: 0x0102030405060708}
	with := func(set func(*nodeAnswer)) nodeAnswer { a := head; set(&a); return a }
	four, six := "\x00\x01\x02\x03\x0a\x01\x02\x03", "\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	for _, tt := range []struct {
		name string
		in   []byte
		want nodeAnswer
	}{
		{"name", nodeReply(0, NodeName, 0, "\x00\x00\x00\x00\x03foo\x07example\x00"), with(func(a *nodeAnswer) { a.Qtype, a.Names, a.Partial = 2, []string{"foo.example"}, []bool{false} })},
		{"one label and another name", nodeReply(0, NodeName, 0, "\x00\x00\x00\x00\x03foo\x00\x00\x03bar\x00"), with(func(a *nodeAnswer) {
			a.Qtype, a.Names, a.Partial = 2, []string{"foo", "bar"}, []bool{true, false}
		})},
		{"compressed", nodeReply(0, NodeName, 0, "\x00\x00\x00\x00\x03foo\x02ex\x00\x03bar\xc0\x08"), with(func(a *nodeAnswer) {
			a.Qtype, a.Names, a.Partial = 2, []string{"foo.ex", "bar.ex"}, []bool{false, false}
		})},
		{"name cut", nodeReply(0, NodeName, 0, "\x00\x00\x00\x00\x03fo"), with(func(a *nodeAnswer) { a.Qtype, a.Err = 2, ErrDNSNameShort })},
		{"IPv4", nodeReply(0, NodeIPv4, 3, four+four+"x"), with(func(a *nodeAnswer) {
			a.Qtype, a.Flags, a.Addrs, a.Cut = 4, 3, []netip.Addr{addr("10.1.2.3"), addr("10.1.2.3")}, true
			a.TTLs = []uint32{0x10203, 0x10203}
		})},
		{"IPv6", nodeReply(0, NodeIPv6, NodeTruncated, six), with(func(a *nodeAnswer) {
			a.Qtype, a.Flags, a.Addrs, a.TTLs = 3, 1, []netip.Addr{addr("2001:db8::1")}, []uint32{0}
		})},
		{"refused", nodeReply(NodeRefused, 77, 0, ""), with(func(a *nodeAnswer) { a.Code, a.Qtype = 1, 77 })},
		{"short", make([]byte, 15), nodeAnswer{Err: ErrNodeInfoShort}},
	} {
		if diff := cmp.Diff(tt.want, answerOf(tt.in), append(whole, cmp.Comparer(func(a, b error) bool { return a == b }))...); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
}

func FuzzNodeInfo(f *testing.F) {
	f.Add(nodeReply(0, NodeName, 0, "\x00\x00\x00\x00\x03foo\x02ex\x00\x03bar\xc0\x08"))
	f.Add(nodeReply(0, NodeName, 0, "\x00\x00\x00\x00\x03foo\x00\x00"))
	f.Add(nodeReply(0, NodeIPv4, 0, "\x00\x00\x00\x00\x0a\x01\x02\x03"))
	f.Add(nodeReply(0, NodeIPv6, 1, "\x00\x00\x00\x00\x0a\x01\x02\x03"))
	f.Add(make([]byte, 15))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := answerOf(b)
		if a.Err == ErrNodeInfoShort && len(b) >= NodeFixed {
			t.Fatal("a whole message is called short")
		}
		if size := 20; a.Qtype == NodeIPv6 && len(a.Addrs)*size > len(b) {
			t.Fatalf("%d addresses in %d bytes", len(a.Addrs), len(b))
		}
	})
}
