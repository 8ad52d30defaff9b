package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestICMPv4Echo_bothWays(t *testing.T) {
	want := []byte{
		0x08,       // echo request
		0x00,       // code
		0x4d, 0xd7, // checksum
		0xa1, 0xb2, // identifier
		0x01, 0x02, // sequence number
		0x0f, 0x70, 0xf5, // data, odd
	}
	want[2], want[3] = 0, 0
	sum := slowSum(want)
	want[2], want[3] = byte(sum>>8), byte(sum)
	got := AppendICMPv4Echo([]byte{}, ICMPv4EchoRequest, 0xa1b2, 0x0102, []byte{0x0f, 0x70, 0xf5})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("want - got +\n%s", diff)
	}
	m, err := CheckICMPv4(got)
	if err != nil {
		t.Fatal(err)
	}
	if m.Type() != 8 || m.Code() != 0 || m.ID() != 0xa1b2 || m.Seq() != 0x0102 || m.IsError() || !m.ChecksumOK() {
		t.Errorf("read back: %x", []byte(m))
	}
	if _, err := m.Quote(); err != ErrICMPNoQuote {
		t.Errorf("an echo's quotation: %v", err)
	}
	got[10] ^= 1
	if m.ChecksumOK() {
		t.Error("a changed byte is not seen")
	}
}

func TestICMPv6Echo_bothWays(t *testing.T) {
	src, dst := addr("fd77:1::1"), addr("fd77:4::2")
	got := AppendICMPv6Echo([]byte{}, src, dst, ICMPv6EchoReply, 0x481a, 3, []byte{1, 2, 3})
	want := []byte{129, 0, 0, 0, 0x48, 0x1a, 0, 3, 1, 2, 3}
	check := Pseudo(src, dst, 58, 11).Bytes(want).Checksum()
	want[2], want[3] = byte(check>>8), byte(check)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("want - got +\n%s", diff)
	}
	m, err := CheckICMPv6(got)
	if err != nil {
		t.Fatal(err)
	}
	if m.Type() != 129 || m.ID() != 0x481a || m.Seq() != 3 || m.IsError() || !m.ChecksumOK(src, dst) || m.ChecksumOK(src, src) {
		t.Errorf("read back: %x", []byte(m))
	}
	if _, err := m.Quote(); err != ErrICMPNoQuote {
		t.Errorf("an echo's quotation: %v", err)
	}
}

func TestICMPv4_errorFields(t *testing.T) {
	m, err := CheckICMPv4(AppendICMPv4(nil, ICMPv4Unreachable, ICMPv4FragNeeded, 1450, nil))
	if err != nil || m.MTU() != 1450 {
		t.Errorf("MTU %d, %v", m.MTU(), err)
	}
	m, err = CheckICMPv4(AppendICMPv4(nil, ICMPv4Redirect, 1, 0x0a4d01fe, nil))
	if err != nil || m.Gateway() != addr("10.77.1.254") {
		t.Errorf("gateway %s, %v", m.Gateway(), err)
	}
	m, err = CheckICMPv4(AppendICMPv4(nil, ICMPv4ParamProblem, 0, 21<<24, nil))
	if err != nil || m.Pointer() != 21 {
		t.Errorf("pointer %d, %v", m.Pointer(), err)
	}
	m6, err := CheckICMPv6(AppendICMPv6(nil, addr("::1"), addr("::1"), ICMPv6TooBig, 0, 0x10000+1400, nil))
	if err != nil || m6.MTU() != 66936 || m6.Pointer() != 66936 {
		t.Errorf("MTU %d, %v", m6.MTU(), err)
	}
}

func TestCheckICMP_short(t *testing.T) {
	if _, err := CheckICMPv4(make([]byte, 7)); err != ErrICMPShort {
		t.Errorf("ICMPv4 of 7 bytes: %v", err)
	}
	if _, err := CheckICMPv6(make([]byte, 7)); err != ErrICMPShort {
		t.Errorf("ICMPv6 of 7 bytes: %v", err)
	}
}

// With a length (RFC 4884) the extensions behind the quotation do not belong to it; without, all does.
func TestQuoted_andExtensions(t *testing.T) {
	body := make([]byte, 140)
	body[127], body[128] = 1, 0x20 // the last quoted byte, the extension header's version
	cut := func(b []byte, at int) [2]int { return [2]int{len(b[:at]), len(b[at:])} }
	for _, c := range []struct {
		name      string
		quoted    []byte
		extension []byte
		want      [2]int
	}{
		{"v4, 32 words", ICMPv4(AppendICMPv4(nil, 11, 0, 32<<16, body)).Quoted(), ICMPv4(AppendICMPv4(nil, 11, 0, 32<<16, body)).Extensions(), cut(body, 128)},
		{"v4, no length", ICMPv4(AppendICMPv4(nil, 3, 1, 0, body)).Quoted(), ICMPv4(AppendICMPv4(nil, 3, 1, 0, body)).Extensions(), cut(body, 140)},
		{"v4, a length past the end", ICMPv4(AppendICMPv4(nil, 3, 1, 255<<16, body)).Quoted(), ICMPv4(AppendICMPv4(nil, 3, 1, 255<<16, body)).Extensions(), cut(body, 140)},
		{"v4, a redirect's gateway is no length", ICMPv4(AppendICMPv4(nil, 5, 1, 32<<16, body)).Quoted(), ICMPv4(AppendICMPv4(nil, 5, 1, 32<<16, body)).Extensions(), cut(body, 140)},
		{"v6, 16 words", ICMPv6(AppendICMPv6(nil, addr("::1"), addr("::1"), 3, 0, 16<<24, body)).Quoted(), ICMPv6(AppendICMPv6(nil, addr("::1"), addr("::1"), 3, 0, 16<<24, body)).Extensions(), cut(body, 128)},
		{"v6, an MTU is no length", ICMPv6(AppendICMPv6(nil, addr("::1"), addr("::1"), 2, 0, 16<<24, body)).Quoted(), ICMPv6(AppendICMPv6(nil, addr("::1"), addr("::1"), 2, 0, 16<<24, body)).Extensions(), cut(body, 140)},
	} {
		if got := [2]int{len(c.quoted), len(c.extension)}; got != c.want {
			t.Errorf("%s: quoted and extensions %v, want %v", c.name, got, c.want)
		}
	}
}

func TestQuoteIPv4_whatIsThere(t *testing.T) {
	f := IPv4Fields{TOS: 4, ID: 0x1234, DF: true, TTL: 1, Protocol: ProtoICMP, Src: addr("10.0.0.1"), Dst: addr("10.0.0.9")}
	head, err := f.Append(nil, 3000)
	if err != nil {
		t.Fatal(err)
	}
	echo := AppendICMPv4Echo(nil, ICMPv4EchoRequest, 0xbeef, 17, []byte("data"))
	quote := append(head, echo[:8]...) // the 8 bytes of RFC 792
	got, err := ParseQuoteIPv4(quote)
	want := Quote{Src: f.Src, Dst: f.Dst, TTL: 1, TotalLength: 3020, ID: 0x1234, DF: true, Protocol: 1, Transport: echo[:8]}
	if diff := cmp.Diff(want, got, whole...); diff != "" || err != nil {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	if id, seq, ok := got.Echo(); id != 0xbeef || seq != 17 || !ok {
		t.Errorf("echo %#x %d %v", id, seq, ok)
	}
	for _, c := range []struct {
		name string
		b    []byte
		err  error
	}{
		{"7 bytes of transport: no echo, no error", quote[:27], nil},
		{"19 bytes", quote[:19], ErrQuoteShort},
		{"nothing", nil, ErrQuoteShort},
		{"IPv6", []byte{0x60}, ErrQuoteVersion},
		{"4 words", header4(0, 0x44), ErrIPv4HeaderLength},
		{"8 words of 20 bytes", header4(0, 0x48), ErrQuoteShort},
		{"a total length below the header's: others changed it", append(header4(3, 8), echo[:7]...), nil},
	} {
		q, err := ParseQuoteIPv4(c.b)
		if _, _, ok := q.Echo(); err != c.err || ok {
			t.Errorf("%s: %v, echo %v", c.name, err, ok)
		}
	}
}

// What is not an echo request of ours must not be taken for one.
func TestQuoteEcho_refuses(t *testing.T) {
	request := AppendICMPv4Echo(nil, ICMPv4EchoRequest, 1, 2, nil)
	for _, c := range []struct {
		name string
		q    Quote
	}{
		{"a reply", Quote{Protocol: ProtoICMP, Transport: AppendICMPv4Echo(nil, ICMPv4EchoReply, 1, 2, nil)}},
		{"a later fragment", Quote{Protocol: ProtoICMP, Offset: 1480, Transport: request}},
		{"UDP", Quote{Protocol: ProtoUDP, Transport: request}},
		{"IPv6 with a v4 type", Quote{IPv6: true, Protocol: ProtoICMPv6, Transport: request}},
	} {
		if id, seq, ok := c.q.Echo(); ok {
			t.Errorf("%s: taken for echo %d %d", c.name, id, seq)
		}
	}
}

func TestQuotePorts(t *testing.T) {
	tcp := []byte{0x9c, 0x40, 0x00, 0x50, 0xde, 0xad, 0xbe, 0xef}
	for _, c := range []struct {
		name     string
		q        Quote
		src, dst uint16
		ok       bool
		seq      uint32
		seqOK    bool
	}{
		{"TCP of 8 bytes", Quote{Protocol: ProtoTCP, Transport: tcp}, 40000, 80, true, 0xdeadbeef, true},
		{"TCP of 7 bytes", Quote{Protocol: ProtoTCP, Transport: tcp[:7]}, 40000, 80, true, 0, false},
		{"UDP", Quote{Protocol: ProtoUDP, Transport: tcp}, 40000, 80, true, 0, false},
		{"3 bytes", Quote{Protocol: ProtoTCP, Transport: tcp[:3]}, 0, 0, false, 0, false},
		{"a later fragment", Quote{Protocol: ProtoTCP, Offset: 8, Transport: tcp}, 0, 0, false, 0, false},
		{"ICMP", Quote{Protocol: ProtoICMP, Transport: tcp}, 0, 0, false, 0, false},
	} {
		src, dst, ok := c.q.Ports()
		seq, seqOK := c.q.TCPSeq()
		if src != c.src || dst != c.dst || ok != c.ok || seq != c.seq || seqOK != c.seqOK {
			t.Errorf("%s: %d %d %v, %#x %v", c.name, src, dst, ok, seq, seqOK)
		}
	}
}

func TestQuoteIPv6_extensionsAndCuts(t *testing.T) {
	echo := AppendICMPv6Echo(nil, addr("fd77::1"), addr("fd77::2"), ICMPv6EchoRequest, 0x481a, 9, nil)
	p := packet6(t, ProtoDestOptions, append([]byte{58, 0, 1, 4, 0, 0, 0, 0}, echo...)...)
	got, err := ParseQuoteIPv6(p)
	want := Quote{IPv6: true, Src: addr("fd77::1"), Dst: addr("fd77::2"), TTL: 64, TotalLength: 56, Protocol: 58, Transport: echo}
	if diff := cmp.Diff(want, got, whole...); diff != "" || err != nil {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	if id, seq, ok := got.Echo(); id != 0x481a || seq != 9 || !ok {
		t.Errorf("echo %#x %d %v", id, seq, ok)
	}
	got, err = ParseQuoteIPv6(append(p[:len(p):len(p)], 0, 0, 0)) // padded, as before extensions
	if diff := cmp.Diff(want, got, whole...); diff != "" || err != nil {
		t.Errorf("padded: %v, want - got +\n%s", err, diff)
	}
	got, err = ParseQuoteIPv6(p[:44]) // cut inside the extension: that much is known
	want = Quote{IPv6: true, Src: want.Src, Dst: want.Dst, TTL: 64, TotalLength: 56, Protocol: 60, Transport: []byte{58, 0, 1, 4}}
	if diff := cmp.Diff(want, got, whole...); diff != "" || err != nil {
		t.Errorf("cut: %v, want - got +\n%s", err, diff)
	}
	if _, err := ParseQuoteIPv6(p[:39]); err != ErrQuoteShort {
		t.Errorf("39 bytes: %v", err)
	}
	if _, err := ParseQuoteIPv6([]byte{0x45}); err != ErrQuoteVersion {
		t.Errorf("IPv4: %v", err)
	}
}
