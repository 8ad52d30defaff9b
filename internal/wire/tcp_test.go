package wire

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTCP_bothWays(t *testing.T) {
	src, dst := addr("10.77.1.1"), addr("10.77.1.2")
	want := []byte{
		0x83, 0x8a, // source port 33674
		0x1f, 0x90, // destination port 8080
		0xfe, 0xdc, 0xba, 0x98, // seq
		0x12, 0x34, 0x56, 0x78, // ack
		0x61, 0xfb, // 6 words; AE, and all but RST
		0xab, 0xcd, // window
		0, 0, // checksum, below
		0x00, 0x07, // urgent pointer
		0x02, 0x04, 0x02, 0x18, // MSS 536
		'd', 'a', 't', // data, odd
	}
	check := Pseudo(src, dst, 6, len(want)).Bytes(want).Checksum()
	want[16], want[17] = byte(check>>8), byte(check)
	fields := TCPFields{SrcPort: 33674, DstPort: 8080, Seq: 0xfedcba98, Ack: 0x12345678,
		Flags: FIN | SYN | PSH | ACK | URG | ECE | CWR | AE, Window: 0xabcd, Urgent: 7}
	got, err := fields.Append([]byte{}, src, dst, []byte{2, 4, 2, 0x18}, []byte("dat"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bytes want - got +\n%s", diff)
	}
	s, err := CheckTCP(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields, s.Fields()); diff != "" {
		t.Errorf("fields want - got +\n%s", diff)
	}
	if diff := cmp.Diff("dat", string(s.Payload())); diff != "" || s.SeqLen() != 5 || !s.ChecksumOK(src, dst) || s.ChecksumOK(src, src) {
		t.Errorf("sequence length %d, payload\n%s", s.SeqLen(), diff)
	}
}

func TestTCPFlags_names(t *testing.T) {
	for _, c := range []struct {
		flags TCPFlags
		want  string
	}{
		{0, ""}, {SYN, "SYN"}, {SYN | ACK, "SYN,ACK"}, {PSH | ACK, "PSH,ACK"}, {FIN | ACK, "FIN,ACK"}, {RST | ACK, "RST,ACK"},
		{0x1ff, "SYN,FIN,RST,URG,PSH,AE,CWR,ECE,ACK"},
	} {
		if got := c.flags.String(); got != c.want {
			t.Errorf("%#x: %q, want %q", uint16(c.flags), got, c.want)
		}
	}
}

func TestTCP_refuses(t *testing.T) {
	src, dst := addr("10.0.0.1"), addr("10.0.0.2")
	f := TCPFields{SrcPort: 1}
	b, err := f.Append(nil, src, dst, []byte{1}, nil)
	if err != nil || len(b) != 24 || b[20] != 1 || b[21] != 0 {
		t.Fatalf("one option byte is filled up to four: %v, %x", err, b)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"19 bytes", b[:19], ErrTCPShort},
		{"6 words of 23 bytes", b[:23], ErrTCPShort},
		{"right", b, nil},
	} {
		if _, err := CheckTCP(c.b); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	b[12] = 0x40
	if _, err := CheckTCP(b); err != ErrTCPDataOffset {
		t.Errorf("4 words: %v", err)
	}
	if b, err := f.Append(nil, src, dst, make([]byte, 41), nil); err != ErrTCPOptionsLength || b != nil {
		t.Errorf("41 bytes of options: %v", err)
	}
	for _, to := range []netip.Addr{{}, addr("::1")} {
		if b, err := f.Append(nil, src, to, nil, nil); err != ErrAddressFamily || b != nil {
			t.Errorf("from %s to %s: %v", src, to, err)
		}
	}
}

func TestTCPOptions_bothWays(t *testing.T) {
	for _, c := range []struct {
		name    string
		bytes   []byte
		options TCPOptions
	}{
		{"none", []byte{}, TCPOptions{}},
		{"a SYN of Linux", []byte{
			2, 4, 0x05, 0xb4, // MSS 1460
			4, 2, // SACK permitted
			8, 10, 0x81, 0x02, 0x03, 0x04, 0, 0, 0, 0, // timestamps
			1, 3, 3, 10, // NOP, window scale 10
		}, TCPOptions{MSS: 1460, HasMSS: true, SACKPermitted: true, HasTimestamps: true, TSVal: 0x81020304, HasScale: true, WindowScale: 10}},
		{"a duplicate acknowledgment with three blocks", []byte{
			1, 1, 8, 10, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe,
			1, 1, 5, 26, // SACK, three blocks
			0xa, 0, 0, 1, 0xa, 0, 0, 2,
			0xb, 0, 0, 3, 0xb, 0, 0, 4,
			0xff, 0, 0, 5, 0x00, 0, 0, 6, // across the wrap
		}, TCPOptions{HasTimestamps: true, TSVal: 1, TSEcr: 0xfffffffe, SACKCount: 3, SACKBlocks: [4]SACKBlock{
			{0x0a000001, 0x0a000002}, {0x0b000003, 0x0b000004}, {0xff000005, 6}}}},
		{"SACK permitted without timestamps", []byte{4, 2, 1, 1, 1, 3, 3, 0}, TCPOptions{SACKPermitted: true, HasScale: true}},
		{"four blocks fill 36 bytes", append([]byte{1, 1, 5, 34}, make([]byte, 32)...), TCPOptions{SACKCount: 4}},
	} {
		got, err := ParseTCPOptions(c.bytes)
		if diff := cmp.Diff(c.options, got); diff != "" || err != nil {
			t.Errorf("%s: %v, want - got +\n%s", c.name, err, diff)
		}
		b, err := c.options.Append([]byte{})
		if diff := cmp.Diff(c.bytes, b); diff != "" || err != nil {
			t.Errorf("%s: %v, bytes want - got +\n%s", c.name, err, diff)
		}
	}
}

// What stands before a malformed option is kept.
func TestParseTCPOptions_malformed(t *testing.T) {
	mss := TCPOptions{MSS: 536, HasMSS: true}
	for _, c := range []struct {
		name string
		tail []byte
		want error
	}{
		{"a kind without a length", []byte{8}, ErrTCPOptionShort},
		{"length 0 would walk for ever", []byte{8, 0, 1, 1}, ErrTCPOptionLength},
		{"length 1", []byte{8, 1, 1, 1}, ErrTCPOptionLength},
		{"past the end", []byte{8, 10, 0, 0}, ErrTCPOptionShort},
		{"timestamps of 9", []byte{8, 9, 0, 0, 0, 0, 0, 0, 0}, ErrTCPOptionLength},
		{"MSS of 3", []byte{2, 3, 1}, ErrTCPOptionLength},
		{"window scale of 4", []byte{3, 4, 1, 1}, ErrTCPOptionLength},
		{"SACK permitted of 3", []byte{4, 3, 1}, ErrTCPOptionLength},
		{"SACK without a block", []byte{5, 2}, ErrTCPOptionLength},
		{"SACK of 9 bytes", []byte{5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ErrTCPOptionLength},
		{"SACK of 5 blocks", append([]byte{5, 42}, make([]byte, 40)...), ErrTCPOptionLength},
		{"end of the list: the rest does not count", []byte{0, 8, 0}, nil},
	} {
		got, err := ParseTCPOptions(append([]byte{2, 4, 2, 0x18}, c.tail...))
		if diff := cmp.Diff(mss, got); diff != "" || err != c.want {
			t.Errorf("%s: %v, want %v; want - got +\n%s", c.name, err, c.want, diff)
		}
	}
	got, err := ParseTCPOptions([]byte{254, 4, 0xf9, 0x89, 34, 2, 2, 4, 2, 0x18})
	mss.Unknown = 2
	if diff := cmp.Diff(mss, got); diff != "" || err != nil {
		t.Errorf("kinds of others: %v, want - got +\n%s", err, diff)
	}
}

func TestTCPOptionsAppend_refuses(t *testing.T) {
	for _, o := range []TCPOptions{
		{SACKCount: 4, HasTimestamps: true}, // 12 + 36 bytes
		{SACKCount: 5},
		{SACKCount: -1},
	} {
		if b, err := o.Append(nil); err != ErrTCPOptionsLength || b != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestSeqLess(t *testing.T) {
	for _, c := range []struct {
		a, b uint32
		want bool
	}{
		{1, 2, true}, {2, 1, false}, {5, 5, false}, {0xffffffff, 0, true}, {0, 0xffffffff, false}, {0xfffffff0, 0x10, true},
	} {
		if got := SeqLess(c.a, c.b); got != c.want {
			t.Errorf("%#x before %#x: %v", c.a, c.b, got)
		}
	}
}

func TestUDP_bothWays(t *testing.T) {
	src, dst := addr("fd77::1"), addr("fd77::2")
	want := []byte{
		0xb4, 0x1a, // source port 46106
		0x82, 0x9b, // destination port 33435
		0x00, 0x0b, // length 11
		0, 0, // checksum, below
		9, 8, 7,
	}
	check := Pseudo(src, dst, 17, len(want)).Bytes(want).Checksum()
	want[6], want[7] = byte(check>>8), byte(check)
	f := UDPFields{SrcPort: 46106, DstPort: 33435}
	got, err := f.Append([]byte{}, src, dst, []byte{9, 8, 7})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, want - got +\n%s", err, diff)
	}
	u, err := CheckUDP(append(want, 1, 1)) // two bytes of padding behind
	if err != nil || u.Truncated() || !u.ChecksumOK(src, dst) {
		t.Errorf("read back: %v, cut %v", err, u.Truncated())
	}
	if diff := cmp.Diff(f, u.Fields()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]byte{9, 8, 7}, u.Payload()); diff != "" {
		t.Error(diff)
	}
}

func TestUDP_checksumZeroAndCut(t *testing.T) {
	a4, a6 := addr("10.0.0.1"), addr("fd77::1")
	none := UDP{0, 1, 0, 2, 0, 9, 0, 0, 5}
	if !none.ChecksumOK(a4, a4) || none.ChecksumOK(a6, a6) {
		t.Error("no checksum is right over IPv4 (RFC 768) and wrong over IPv6 (RFC 8200 8.1)")
	}
	// Data chosen so that the sum is all ones: it must not be sent as 0.
	f := UDPFields{}
	sum := Pseudo(a4, a4, 17, 10).Uint16(10).Checksum()
	b, err := f.Append(nil, a4, a4, []byte{byte(sum >> 8), byte(sum)})
	if err != nil || UDP(b).Checksum() != 0xffff || !UDP(b).ChecksumOK(a4, a4) {
		t.Errorf("%v, checksum %#04x, want 0xffff", err, UDP(b).Checksum())
	}
	cut := UDP(b[:9])
	if !cut.Truncated() || len(cut.Payload()) != 1 || cut.ChecksumOK(a4, a4) {
		t.Errorf("cut: %v, payload %x", cut.Truncated(), cut.Payload())
	}
	for _, c := range []struct {
		b    []byte
		want error
	}{{make([]byte, 7), ErrUDPShort}, {[]byte{0, 1, 0, 2, 0, 7, 0, 0}, ErrUDPLength}} {
		if _, err := CheckUDP(c.b); err != c.want {
			t.Errorf("%x: %v, want %v", c.b, err, c.want)
		}
	}
	if b, err := f.Append(nil, a4, a4, make([]byte, 65528)); err != ErrUDPLength || b != nil {
		t.Errorf("65528 bytes: %v", err)
	}
	if b, err := f.Append(nil, a4, a6, nil); err != ErrAddressFamily || b != nil {
		t.Errorf("mixed families: %v", err)
	}
}
