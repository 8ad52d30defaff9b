package wire

import "testing"

// Nothing here allocates: reading a whole error message, refusing one, writing one.
func TestNoAllocation(t *testing.T) {
	packets := mustReadPcap(t, "testdata/want-1472.pcap")
	buf := make([]byte, 0, 2048)
	src, dst := addr("fd77:1::1"), addr("fd77:4::2")
	v4 := IPv4Fields{TTL: 64, Src: addr("10.0.0.1"), Dst: addr("10.0.0.2")}
	var failed error
	allocs := testing.AllocsPerRun(100, func() {
		p, err := CheckIPv4(packets[1]) // "fragmentation needed", quoting an echo request
		if err != nil {
			failed = err
		}
		m, err := CheckICMPv4(p.Payload())
		if err != nil {
			failed = err
		}
		q, err := m.Quote()
		if _, _, ok := q.Echo(); !ok || err != nil || !m.ChecksumOK() || !p.ChecksumOK() {
			failed = ErrICMPNoQuote
		}
		if _, err = CheckIPv4(packets[1][:10]); err != ErrIPv4Short {
			failed = err
		}
		b, err := v4.Append(buf, 64)
		if err != nil {
			failed = err
		}
		b = AppendICMPv4Echo(b, ICMPv4EchoRequest, 1, 2, packets[1][:56])
		_ = AppendICMPv6Echo(b, src, dst, ICMPv6EchoRequest, 1, 2, packets[1][:56])
	})
	if failed != nil || allocs != 0 {
		t.Errorf("%v allocations, %v", allocs, failed)
	}
}

// Each error has a sentence of its own.
func TestError_words(t *testing.T) {
	seen := map[string]Error{}
	for e := ErrIPv4Short; e <= ErrNodeInfoShort; e++ {
		if other, ok := seen[e.Error()]; ok {
			t.Errorf("errors %d and %d both say %q", other, e, e.Error())
		}
		seen[e.Error()] = e
	}
	if unknown := (ErrNodeInfoShort + 1).Error(); seen[unknown] != 0 {
		t.Errorf("an error behind the last says %q", unknown)
	}
}
