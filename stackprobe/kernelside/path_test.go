package kernelside

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func pathNodes() []PathNode {
	return []PathNode{
		{Interfaces: []PathInterface{{netip.MustParseAddr("192.0.2.1"), 1500}}, Routes: []PathRoute{{netip.MustParsePrefix("0.0.0.0/0"), 0}}, Socket: netip.MustParseAddrPort("192.0.2.1:40000")},
		{Interfaces: []PathInterface{{netip.MustParseAddr("2001:db8::2"), 1400}, {netip.MustParseAddr("2001:db8:0:1::1"), 1280}},
			Routes: []PathRoute{{netip.MustParsePrefix("2001:db8::/64"), 0}, {netip.MustParsePrefix("::/0"), 1}}, Forward: true},
	}
}

func TestPathRequest(t *testing.T) {
	got, ok := decodePath(encodePath(pathNodes()))
	if d := cmp.Diff(pathNodes(), got, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{})); d != "" || !ok {
		t.Errorf("%t %s", ok, d)
	}
	for _, text := range []string{"", pathMagic, worldMagic, pathMagic + "\nnode true", pathMagic + "\ni 192.0.2.1 1500", pathMagic + "\nnode true here", pathMagic + "\nnode true -\ni x 1500",
		pathMagic + "\nnode true -\ni 192.0.2.1 -1", pathMagic + "\nnode true -\nr 0.0.0.0/0 0", pathMagic + "\nnode true -\ni 192.0.2.1 1\nr x 0", pathMagic + "\nnode true -\nx 192.0.2.1 1"} {
		if nodes, ok := decodePath([]byte(text)); ok {
			t.Errorf("%q: %+v", text, nodes)
		}
	}
}

// The longest path fits a message.
func TestPathRequest_longest(t *testing.T) {
	var nodes []PathNode
	for range 32 {
		n := pathNodes()[1]
		n.Interfaces[0].Addr, n.Interfaces[1].Addr = netip.MustParseAddr("2001:db8:0:1f::1"), netip.MustParseAddr("2001:db8:0:1f::2")
		nodes = append(nodes, n)
	}
	if n := len(encodePath(nodes)); n > maxMessage/2 {
		t.Errorf("%d octets of %d", n, maxMessage/2)
	}
}

func FuzzPathRequest(f *testing.F) {
	f.Add(encodePath(pathNodes()))
	f.Add([]byte(pathMagic + "\nnode true -\nr 0.0.0.0/0 0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		nodes, ok := decodePath(b)
		if !ok {
			return
		}
		again, ok := decodePath(encodePath(nodes))
		if d := cmp.Diff(nodes, again, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}), cmpopts.EquateEmpty()); d != "" || !ok {
			t.Fatalf("%t %s", ok, d)
		}
	})
}
