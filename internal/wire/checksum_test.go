package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// slowSum is the checksum word by word, as RFC 1071 4.1 describes it.
func slowSum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		word := uint32(b[i]) << 8
		if i+1 < len(b) {
			word |= uint32(b[i+1])
		}
		sum += word
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	return ^uint16(sum)
}

func TestChecksum_knownVectors(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes []byte
		want  uint16
	}{
		{"RFC 1071 3, the worked example: sum ddf2", []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 0x220d},
		{"nothing", nil, 0xffff},
		{"one odd byte stands on the left", []byte{0xab}, 0x54ff},
		{"all ones", []byte{0xff, 0xff}, 0x0000},
		{"a header of want-1472.pcap, its checksum e896 left out", []byte{
			0x45, 0x00, 0x05, 0xdc, 0x32, 0xee, 0x40, 0x00, 0x40, 0x01, 0, 0, 0x0a, 0x4d, 0x01, 0x01, 0x0a, 0x4d, 0x04, 0x02}, 0xe896},
	} {
		if got := Checksum(c.bytes); got != c.want {
			t.Errorf("%s: %#04x, want %#04x", c.name, got, c.want)
		}
	}
}

// The wide sum and the one word by word agree at each length and for bytes that carry much.
func TestChecksum_sameAsWordByWord(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 300 {
		random, ones := make([]byte, n), make([]byte, n)
		for i := range n {
			random[i], ones[i] = byte(r.Uint32()), 0xff
		}
		for _, b := range [][]byte{random, ones} {
			if got, want := Checksum(b), slowSum(b); got != want {
				t.Fatalf("%d bytes %x: %#04x, want %#04x", n, b, got, want)
			}
		}
	}
}

// A sum near the top of 64 bits must not lose its carry.
func TestSum_carriesAround(t *testing.T) {
	full := Sum(0xffff_ffff_ffff_ffff)
	b := make([]byte, 64)
	for i := range b {
		b[i] = 0xff
	}
	if got := full.Bytes(b).Checksum(); got != 0 {
		t.Errorf("all ones: %#04x, want 0", got)
	}
	b[7] = 1 // the first word of eight bytes carries, with all that follow
	if got, want := full.Bytes(b).Checksum(), slowSum(b); got != want {
		t.Errorf("a carry through four words: %#04x, want %#04x", got, want)
	}
	b[7], b[63] = 0xff, 0 // the last word is ff00
	if got := full.Bytes(b).Checksum(); got != ^uint16(0xff00) {
		t.Errorf("all ones but the last byte: %#04x, want 0x00ff", got)
	}
}

func TestSum_partsInAnyOrder(t *testing.T) {
	b := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	whole := Checksum(b)
	for cut := 0; cut <= len(b); cut += 2 {
		if got := Sum(0).Bytes(b[cut:]).Bytes(b[:cut]).Checksum(); cut > 0 && got != whole {
			t.Errorf("cut at %d: %#04x, want %#04x", cut, got, whole)
		}
	}
}

func TestPseudo(t *testing.T) {
	for _, c := range []struct {
		name     string
		src, dst string
		proto    uint8
		length   int
		flat     []byte // the pseudo header laid out by hand
	}{
		{"RFC 9293 3.1", "10.77.1.2", "10.77.4.3", ProtoTCP, 0x123, []byte{
			10, 77, 1, 2, 10, 77, 4, 3, 0, 6, 0x01, 0x23}},
		{"RFC 8200 8.1, a length above 16 bits", "fd77:1::abcd", "fd77:4::2", ProtoICMPv6, 0x1abcd, []byte{
			0xfd, 0x77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd,
			0xfd, 0x77, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
			0, 1, 0xab, 0xcd, 0, 0, 0, 58}},
	} {
		got := Pseudo(netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst), c.proto, c.length).Checksum()
		if want := slowSum(c.flat); got != want {
			t.Errorf("%s: %#04x, want %#04x", c.name, got, want)
		}
	}
}

func TestUpdateChecksum(t *testing.T) {
	// RFC 1624 4: HC dd2f, m 5555, m' 3285 gives 0000, not the ffff that RFC 1141 would give.
	if got := UpdateChecksum(0xdd2f, 0x5555, 0x3285); got != 0 {
		t.Errorf("example of RFC 1624 4: %#04x, want 0", got)
	}
	r := rand.New(rand.NewPCG(2, 2))
	for range 10000 {
		var b [12]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		before, at, v := Checksum(b[:]), 2*r.IntN(6), uint16(r.Uint32())
		old := binary.BigEndian.Uint16(b[at:])
		binary.BigEndian.PutUint16(b[at:], v)
		if got, want := UpdateChecksum(before, old, v), Checksum(b[:]); got != want {
			t.Fatalf("%x: %#04x -> %#04x at %d: %#04x, want %#04x", b, old, v, at, got, want)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	data := make([]byte, 1500)
	for i := range data {
		data[i] = byte(i)
	}
	want := slowSum(data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if Checksum(data) != want {
			b.Fatal("wrong sum")
		}
	}
}
