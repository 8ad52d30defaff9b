package wire

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// datagram4 is a packet with options and n octets of data.
func datagram4(t testing.TB, options []byte, n int) IPv4 {
	t.Helper()
	f := IPv4Fields{ID: 7, TTL: 64, Protocol: ProtoUDP, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), Options: options}
	b, err := f.Append(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

// An option with the copy bit is in every fragment, one without it in the first alone, and the header keeps its length.
func TestCutIPv4_options(t *testing.T) {
	options := []byte{IPv4OptRecordRoute, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, IPv4OptEnd}
	cut, err := CutIPv4(datagram4(t, options, 100), 80)
	if err != nil {
		t.Fatal(err)
	}
	nops := []byte{1, 1, 1, 1, 1, 1, 1, 148, 4, 0, 0, IPv4OptEnd}
	type piece struct {
		Total, Offset int
		MF, SumOK     bool
		Options       []byte
	}
	var got []piece
	for _, b := range cut {
		p, err := CheckIPv4(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, piece{p.TotalLength(), p.Offset(), p.MF(), p.ChecksumOK(), p.Options()})
	}
	if d := cmp.Diff([]piece{{80, 0, true, true, options}, {80, 48, true, true, nops}, {36, 96, false, true, nops}}, got); d != "" {
		t.Error(d)
	}
}

// What is malformed stays as it is.
func TestCopiedOptions_malformed(t *testing.T) {
	for _, options := range [][]byte{{7, 200, 4, 0}, {7, 1, 0, 0}, {1, 7}} {
		if d := cmp.Diff(options, copiedOptions(options)); d != "" {
			t.Error(d)
		}
	}
}

func TestCutIPv6(t *testing.T) {
	f := IPv6Fields{TrafficClass: 184, FlowLabel: 5, NextHeader: ProtoUDP, HopLimit: 64, Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::2")}
	b, err := f.Append(nil, 3008)
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte{1, 2, 3, 4}, 752)
	whole := IPv6(append(b, data...))
	if cut, err := CutIPv6(whole, 3048, 9); err != nil || len(cut) != 1 || !bytes.Equal(cut[0], whole) {
		t.Errorf("it fits: %d pieces, %v", len(cut), err)
	}
	cut, err := CutIPv6(whole, 1500, 9)
	if err != nil {
		t.Fatal(err)
	}
	type piece struct {
		Payload int
		IPv6Upper
	}
	var got []piece
	for _, b := range cut {
		p, err := CheckIPv6(b)
		if err != nil {
			t.Fatal(err)
		}
		u, err := p.Upper()
		if err != nil {
			t.Fatal(err)
		}
		u.Data = nil
		got = append(got, piece{p.PayloadLength(), u})
	}
	u := IPv6Upper{Protocol: ProtoUDP, Fragmented: true, ID: 9, MF: true}
	second, last := u, u
	second.Offset, last.Offset, last.MF = 1448, 2896, false
	if d := cmp.Diff([]piece{{1456, u}, {1456, second}, {120, last}}, got); d != "" {
		t.Error(d)
	}
	if _, err := CutIPv6(whole, 50, 9); err != ErrFragmentMTU {
		t.Errorf("no room: %v", err)
	}
}

// FuzzCutIPv4: whatever is cut, once or twice, is put together to what it was, and no piece is longer than the link.
func FuzzCutIPv4(f *testing.F) {
	f.Add(uint16(3980), uint16(1500), uint16(1400), []byte{7, 7, 4, 0, 0, 0, 0, 0}, uint64(1))
	f.Add(uint16(20), uint16(68), uint16(68), []byte{}, uint64(2))
	f.Add(uint16(0), uint16(20), uint16(0), []byte{148, 4, 0, 0}, uint64(3))
	f.Fuzz(func(t *testing.T, size, first, second uint16, options []byte, seed uint64) {
		options = options[:min(len(options), 40)&^3]
		if int(size)+20+len(options) > 0xffff {
			return
		}
		whole := datagram4(t, options, int(size))
		pieces, err := CutIPv4(whole, int(first))
		if err != nil {
			return
		}
		var all [][]byte
		for _, p := range pieces {
			again, err := CutIPv4(p, int(second))
			if err != nil {
				return
			}
			all = append(all, again...)
		}
		var r Reassembly
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, b := range all {
			p, err := CheckIPv4(b)
			if err != nil || !p.ChecksumOK() || p.TotalLength() > int(second) && len(all) > 1 || p.HeaderLen() != whole.HeaderLen() {
				t.Fatalf("%v: %x", err, b)
			}
			if len(all) == 1 {
				return
			}
			if _, err := r.Add(Fragment{Offset: p.Offset(), Length: len(p.Payload()), MF: p.MF()}, p.Payload()); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(r.Data(), whole.Payload()) {
			t.Fatal("another datagram")
		}
	})
}
