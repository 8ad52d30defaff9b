package routes

import (
	"testing"

	"gnet/internal/rtnl"
)

// encapSeeds are tunnels: ip and ip6 as kernel 6.18 sent them, the others by linux/mpls_iptunnel.h, seg6_iptunnel.h and lwtunnel.h.
func encapSeeds() map[string]rtnl.Encap {
	return map[string]rtnl.Encap{
		" id 5 dst 10.9.9.9 src 0.0.0.0 tos 0 ttl 0": {Type: 2, Data: "\x0c\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x05" +
			"\x08\x00\x02\x00\x0a\x09\x09\x09" + "\x08\x00\x03\x00\x00\x00\x00\x00" + "\x05\x00\x05\x00\x00\x00\x00\x00" +
			"\x05\x00\x04\x00\x00\x00\x00\x00" + "\x06\x00\x06\x00\x00\x00\x00\x00"},
		" dst 2001:db8::9 flags 0x400": {Type: 4, Data: "\x14\x00\x02\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" +
			"\x06\x00\x06\x00\x04\x00\x00\x00"},
		" 100/200 ttl 7": {Type: 1, Data: "\x0c\x00\x01\x00\x00\x06\x40\x00\x00\x0c\x81\x00" + "\x05\x00\x02\x00\x07\x00\x00\x00"},
		" mode encap segs 2001:db8::a,2001:db8::b": {Type: 5, Data: "\x30\x00\x01\x00\x01\x00\x00\x00" + "\x00\x04\x04\x01\x01\x00\x00\x00" +
			"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a"},
		" if_id 0x7 link_dev if3": {Type: 10, Data: "\x08\x00\x01\x00\x07\x00\x00\x00\x08\x00\x02\x00\x03\x00\x00\x00"},
	}
}

func TestEncapWords(t *testing.T) {
	for want, e := range encapSeeds() {
		if got, ok := EncapWords(e); got != want || !ok {
			t.Errorf("%s: %q %v, want %q", EncapName(e.Type), got, ok, want)
		}
		cut := rtnl.Encap{Type: e.Type, Data: e.Data[:5]} // an attribute that says more than there is
		if got, ok := EncapWords(cut); ok {
			t.Errorf("%s: %q of half an attribute", EncapName(e.Type), got)
		}
	}
	if got, ok := EncapWords(rtnl.Encap{Type: 6}); ok || EncapName(6) != "bpf" || EncapName(77) != "77" {
		t.Errorf("bpf: %q", got)
	}
}

func FuzzEncapWords(f *testing.F) {
	for _, e := range encapSeeds() {
		f.Add(e.Type, []byte(e.Data))
	}
	f.Fuzz(func(t *testing.T, typ uint16, data []byte) {
		words, ok := EncapWords(rtnl.Encap{Type: typ, Data: string(data)})
		if ok && words != "" && words[0] != ' ' {
			t.Errorf("%q does not begin with a blank", words)
		}
	})
}
