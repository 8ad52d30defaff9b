package attach

import (
	"net/netip"
	"testing"
)

// FuzzARP: no message is read beyond its end, and what was made is read back.
func FuzzARP(f *testing.F) {
	us, them := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.1")
	f.Add(arp(arpRequest, MAC{2, 1}, us, MAC{}, them))
	f.Add(arp(arpRequest, MAC{2, 1}, netip.Addr{}, MAC{}, them))
	f.Add(arp(arpReply, MAC{2, 1}, us, MAC{2, 2}, them)[:arpLen-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		op, mac, from, to, ok := readARP(b)
		if !ok {
			return
		}
		var toMAC MAC
		copy(toMAC[:], b[18:24])
		if again := arp(op, mac, from, toMAC, to); string(again) != string(b[:arpLen]) {
			t.Errorf("% x was read, and made again % x", b[:arpLen], again)
		}
	})
}
