package wire

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Addresses compare by value; an empty slice is as good as none.
var whole = []cmp.Option{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestIPv4_bothWays(t *testing.T) {
	for _, c := range []struct {
		name    string
		bytes   []byte
		fields  IPv4Fields
		payload int
	}{
		{"first fragment of a ping", []byte{
			0x45,       // version 4, 5 words
			0xb9,       // DSCP 46, ECT(1)
			0x05, 0xdc, // total length 1500
			0xe3, 0x05, // identification
			0x20, 0x00, // MF, offset 0
			0x40,       // TTL 64
			0x01,       // ICMP
			0x57, 0xc6, // checksum
			0x0a, 0x4d, 0x01, 0x01,
			0x0a, 0x4d, 0x04, 0x02,
		}, IPv4Fields{TOS: 0xb9, ID: 0xe305, MF: true, TTL: 64, Protocol: 1, Src: addr("10.77.1.1"), Dst: addr("10.77.4.2")}, 1480},
		{"options, DF and the largest offset", []byte{
			0x47,       // 7 words
			0x00,       //
			0x00, 0x1d, // total length 29
			0x12, 0xab, //
			0x5f, 0xff, // DF and 8191 units
			0xfe, 0x11, // TTL 254, UDP
			0xc5, 0x63, // checksum
			192, 0, 2, 129,
			198, 51, 100, 7,
			0x94, 0x04, 0x00, 0x00, // router alert (RFC 2113)
			0x01, 0x01, 0x01, 0x00,
		}, IPv4Fields{ID: 0x12ab, DF: true, Offset: 65528, TTL: 254, Protocol: 17, Src: addr("192.0.2.129"), Dst: addr("198.51.100.7"),
			Options: []byte{0x94, 4, 0, 0, 1, 1, 1, 0}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := CheckIPv4(c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.fields, p.Fields(), whole...); diff != "" {
				t.Errorf("fields want - got +\n%s", diff)
			}
			got, err := c.fields.Append([]byte{}, c.payload)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.bytes, got); diff != "" {
				t.Errorf("bytes want - got +\n%s", diff)
			}
			if !p.ChecksumOK() {
				t.Error("the checksum is taken as wrong")
			}
		})
	}
}

// header4 is a right header of a packet without data, changed at some places.
func header4(change ...byte) []byte {
	b := []byte{0x45, 0, 0, 20, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	for i := 0; i+1 < len(change); i += 2 {
		b[change[i]] = change[i+1]
	}
	return b
}

func TestCheckIPv4_refuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"nothing", nil, ErrIPv4Short},
		{"19 bytes", header4()[:19], ErrIPv4Short},
		{"version 6", header4(0, 0x65), ErrIPv4Version},
		{"version 6 in one byte", []byte{0x60}, ErrIPv4Version},
		{"4 words", header4(0, 0x44), ErrIPv4HeaderLength},
		{"6 words of 20 bytes", header4(0, 0x46), ErrIPv4Short},
		{"total length 19", header4(3, 19), ErrIPv4TotalLength},
		{"right", header4(), nil},
	} {
		if _, err := CheckIPv4(c.bytes); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestIPv4_payloadOfCutAndPaddedPackets(t *testing.T) {
	full := append(header4(3, 24), 1, 2, 3, 4, 0xee, 0xee) // 4 bytes of data, 2 of Ethernet padding
	p, _ := CheckIPv4(full)
	if diff := cmp.Diff([]byte{1, 2, 3, 4}, p.Payload()); diff != "" || p.Truncated() {
		t.Errorf("padded: truncated %v, payload\n%s", p.Truncated(), diff)
	}
	p, _ = CheckIPv4(full[:22])
	if diff := cmp.Diff([]byte{1, 2}, p.Payload()); diff != "" || !p.Truncated() {
		t.Errorf("cut: truncated %v, payload\n%s", p.Truncated(), diff)
	}
}

func TestIPv4_setMendsTheChecksum(t *testing.T) {
	f := IPv4Fields{TOS: 1, ID: 0xffff, TTL: 1, Protocol: 6, Src: addr("10.9.8.7"), Dst: addr("10.1.2.3")}
	b, err := f.Append(nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	p := IPv4(b)
	p.SetID(0xabcd)
	p.SetTTL(200)
	p.SetTOS(0xb8)
	f.ID, f.TTL, f.TOS = 0xabcd, 200, 0xb8
	if diff := cmp.Diff(f, p.Fields(), whole...); diff != "" || !p.ChecksumOK() {
		t.Errorf("checksum right: %v, fields want - got +\n%s", p.ChecksumOK(), diff)
	}
}

func TestIPv4Append_refuses(t *testing.T) {
	good := IPv4Fields{Src: addr("10.0.0.1"), Dst: addr("10.0.0.2")}
	for _, c := range []struct {
		name    string
		change  func(*IPv4Fields)
		payload int
		want    error
	}{
		{"options of 3 bytes", func(f *IPv4Fields) { f.Options = make([]byte, 3) }, 0, ErrIPv4Options},
		{"options of 44 bytes", func(f *IPv4Fields) { f.Options = make([]byte, 44) }, 0, ErrIPv4Options},
		{"65516 bytes of data", func(*IPv4Fields) {}, 65516, ErrIPv4TotalLength},
		{"65515 bytes of data", func(*IPv4Fields) {}, 65515, nil},
		{"offset 4", func(f *IPv4Fields) { f.Offset = 4 }, 0, ErrFragmentOffset},
		{"offset 65536", func(f *IPv4Fields) { f.Offset = 65536 }, 0, ErrFragmentOffset},
		{"an IPv6 address", func(f *IPv4Fields) { f.Dst = addr("::1") }, 0, ErrAddressFamily},
		{"no address", func(f *IPv4Fields) { f.Src = netip.Addr{} }, 0, ErrAddressFamily},
	} {
		f := good
		c.change(&f)
		b, err := f.Append([]byte{7}, c.payload)
		if err != c.want || (err != nil && len(b) != 1) {
			t.Errorf("%s: %v and %d bytes, want %v", c.name, err, len(b), c.want)
		}
	}
}

func TestIPv6_bothWays(t *testing.T) {
	b := []byte{
		0x6b, 0x9a, 0xbc, 0xde, // version 6, class b9, label abcde
		0x05, 0xb0, // payload 1456
		0x2c, // Fragment header next
		0x3f, // hop limit 63
		0xfd, 0x77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0xfd, 0x77, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	}
	want := IPv6Fields{TrafficClass: 0xb9, FlowLabel: 0xabcde, NextHeader: 44, HopLimit: 63, Src: addr("fd77:1::1"), Dst: addr("fd77:4::2")}
	p, err := CheckIPv6(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, p.Fields(), whole...); diff != "" {
		t.Errorf("fields want - got +\n%s", diff)
	}
	got, err := want.Append([]byte{}, 1456)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, got); diff != "" {
		t.Errorf("bytes want - got +\n%s", diff)
	}
	p.SetHopLimit(9)
	if p.HopLimit() != 9 {
		t.Errorf("hop limit %d after it was set to 9", p.HopLimit())
	}
}

func TestIPv6_refuses(t *testing.T) {
	good := IPv6Fields{Src: addr("::1"), Dst: addr("::2")}
	b, _ := good.Append(nil, 0)
	if _, err := CheckIPv6(b[:39]); err != ErrIPv6Short {
		t.Errorf("39 bytes: %v", err)
	}
	b[0] = 0x45
	if _, err := CheckIPv6(b); err != ErrIPv6Version {
		t.Errorf("version 4: %v", err)
	}
	for _, c := range []struct {
		name    string
		change  func(*IPv6Fields)
		payload int
		want    error
	}{
		{"65536 bytes", func(*IPv6Fields) {}, 65536, ErrIPv6PayloadLength},
		{"a label of 21 bits", func(f *IPv6Fields) { f.FlowLabel = 1 << 20 }, 0, ErrIPv6FlowLabel},
		{"an IPv4 address", func(f *IPv6Fields) { f.Src = addr("10.0.0.1") }, 0, ErrAddressFamily},
	} {
		f := good
		c.change(&f)
		if b, err := f.Append([]byte{7}, c.payload); err != c.want || len(b) != 1 {
			t.Errorf("%s: %v and %d bytes, want %v", c.name, err, len(b), c.want)
		}
	}
}

// packet6 is an IPv6 packet whose payload starts with a header of the given number.
func packet6(t *testing.T, next uint8, payload ...byte) IPv6 {
	t.Helper()
	f := IPv6Fields{NextHeader: next, HopLimit: 64, Src: addr("fd77::1"), Dst: addr("fd77::2")}
	b, err := f.Append(nil, len(payload))
	if err != nil {
		t.Fatal(err)
	}
	return IPv6(append(b, payload...))
}

func TestIPv6Upper(t *testing.T) {
	fragment := func(next uint8, offset int, mf bool) []byte {
		b, err := AppendFragmentHeader(nil, next, offset, mf, 0xba9f2881)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	hop := []byte{60, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} // 16 bytes, destination options next
	dest := []byte{43, 0, 1, 4, 0, 0, 0, 0}                         // 8 bytes, routing next
	routing := []byte{51, 0, 4, 0, 0, 0, 0, 0}                      // 8 bytes, AH next
	ah := []byte{6, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1,                // 24 bytes (4+2 words), TCP next
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	for _, c := range []struct {
		name    string
		next    uint8
		payload []byte
		want    IPv6Upper
		err     error
	}{
		{"none", ProtoUDP, []byte{1, 2}, IPv6Upper{Protocol: ProtoUDP, Data: []byte{1, 2}}, nil},
		{"four in a row", ProtoHopByHop, join(hop, dest, routing, ah, []byte{7}), IPv6Upper{Protocol: ProtoTCP, Data: []byte{7}}, nil},
		{"no next header", ProtoDestOptions, []byte{59, 0, 1, 4, 0, 0, 0, 0}, IPv6Upper{Protocol: ProtoNoNext}, nil},
		{"first fragment", ProtoFragment, append(fragment(58, 0, true), 128), IPv6Upper{Protocol: 58, Data: []byte{128}, Fragmented: true, MF: true, ID: 0xba9f2881}, nil},
		{"last fragment: its data are no header", ProtoFragment, append(fragment(60, 2896, false), 58, 0), IPv6Upper{Protocol: 60, Data: []byte{58, 0}, Fragmented: true, Offset: 2896, ID: 0xba9f2881}, nil},
		{"extension cut", ProtoHopByHop, hop[:15], IPv6Upper{Protocol: ProtoHopByHop, Data: hop[:15]}, ErrIPv6Extension},
		{"extension of one byte", ProtoRouting, []byte{6}, IPv6Upper{Protocol: ProtoRouting, Data: []byte{6}}, ErrIPv6Extension},
		{"fragment header cut", ProtoFragment, fragment(6, 0, true)[:7], IPv6Upper{Protocol: ProtoFragment, Data: fragment(6, 0, true)[:7]}, ErrIPv6Extension},
		{"AH cut", ProtoAH, ah[:23], IPv6Upper{Protocol: ProtoAH, Data: ah[:23]}, ErrIPv6Extension},
		{"ESP ends the walk", ProtoESP, []byte{1}, IPv6Upper{Protocol: ProtoESP, Data: []byte{1}}, nil},
	} {
		got, err := packet6(t, c.next, c.payload...).Upper()
		if diff := cmp.Diff(c.want, got, whole...); diff != "" || err != c.err {
			t.Errorf("%s: error %v, want %v; want - got +\n%s", c.name, err, c.err, diff)
		}
	}
}

func TestAppendFragmentHeader_refuses(t *testing.T) {
	for _, offset := range []int{-8, 4, 65536} {
		if b, err := AppendFragmentHeader(nil, 6, offset, false, 1); err != ErrFragmentOffset || len(b) != 0 {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}
