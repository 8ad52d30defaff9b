package wire

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seeds adds the IP packets of all captures.
func seeds(f *testing.F, add func(packet []byte)) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.pcap")
	if err != nil || len(files) == 0 {
		f.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		for _, p := range mustReadPcap(f, file) {
			if p != nil {
				add(p)
			}
		}
	}
}

// Any bytes: no panic; what is taken as a header is written back as it was but for the checksum and
// the reserved bit, and reads the same again.
func FuzzIPv4(f *testing.F) {
	seeds(f, func(p []byte) { f.Add(p); f.Add(p[:min(len(p), 19)]) })
	for _, b := range [][]byte{{0x45}, {0x65}, header4(0, 0x65), header4(0, 0x44), header4(0, 0x46), header4(3, 19), header4(6, 0x7f)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := CheckIPv4(b)
		if err != nil {
			if p != nil {
				t.Fatal("a view and an error")
			}
			return
		}
		fields := p.Fields()
		got, err := fields.Append(nil, p.TotalLength()-p.HeaderLen())
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Clone(p[:p.HeaderLen()])
		want[6] &^= 0x80 // RFC 791 3.1: reserved, must be zero
		copy(want[10:12], got[10:12])
		if !bytes.Equal(want, got) || !IPv4(got).ChecksumOK() {
			t.Fatalf("read %x, wrote %x", want, got)
		}
		if diff := cmp.Diff(fields, IPv4(got).Fields(), whole...); diff != "" {
			t.Fatal(diff)
		}
		if p.Truncated() != (p.HeaderLen()+len(p.Payload()) < p.TotalLength()) {
			t.Fatal("Truncated and Payload differ")
		}
	})
}

func FuzzIPv6(f *testing.F) {
	seeds(f, func(p []byte) { f.Add(p); f.Add(p[:min(len(p), 39)]) })
	chain := append(append(make([]byte, 0, 80), 0x60, 0, 0, 0, 0, 32, 0, 64), make([]byte, 32)...)
	chain = append(chain, 60, 0, 1, 4, 0, 0, 0, 0, 51, 0, 1, 4, 0, 0, 0, 0, 44, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 6, 0, 0, 1)
	f.Add(chain)
	f.Add(chain[:len(chain)-2])
	f.Add(append(chain[:41:41], make([]byte, 0)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := CheckIPv6(b)
		if err != nil {
			if p != nil {
				t.Fatal("a view and an error")
			}
			return
		}
		fields := p.Fields()
		got, err := fields.Append(nil, p.PayloadLength())
		if err != nil || !bytes.Equal(p[:IPv6Header], got) {
			t.Fatalf("%v: read %x, wrote %x", err, p[:IPv6Header], got)
		}
		u, err := p.Upper()
		if !bytes.HasSuffix(p.Payload(), u.Data) || (err != nil && err != ErrIPv6Extension) {
			t.Fatalf("the walk left the packet: %v", err)
		}
		if u.Fragmented && u.Offset == 0 && err == nil {
			h, err := AppendFragmentHeader(nil, u.Protocol, u.Offset, u.MF, u.ID)
			if err != nil || !bytes.Contains(p.Payload(), h[4:]) {
				t.Fatalf("%v: fragment header %x is not in the packet", err, h)
			}
		}
	})
}

// The messages as both versions read them: the quotation never leaves the message.
func FuzzICMP(f *testing.F) {
	seeds(f, func(p []byte) {
		f.Add(p[min(len(p), 20):])
		f.Add(p[min(len(p), 40):])
	})
	f.Add([]byte{8, 0})
	for _, quoted := range [][]byte{nil, {0x45}, {0x60}, header4(), header4(0, 0x44), header4(0, 0x4f), header4(0, 0x60),
		append(header4(9, ProtoTCP), 1, 2, 3, 4, 5, 6, 7, 8), append(header4(9, ProtoUDP), 1, 2, 3)} {
		for _, typ := range []uint8{1, 3, 5, 11} {
			f.Add(AppendICMPv4(nil, typ, 0, 0x00010000, quoted))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := CheckICMPv4(b); err == nil {
			if got := append(bytes.Clone(m.Quoted()), m.Extensions()...); !bytes.Equal(got, m.Body()) {
				t.Fatalf("quotation and extensions %x are not the body", got)
			}
			again := ICMPv4(AppendICMPv4(nil, m.Type(), m.Code(), uint32(m.ID())<<16|uint32(m.Seq()), m.Body()))
			if !again.ChecksumOK() || !bytes.Equal(again[4:], m[4:]) || !bytes.Equal(again[:2], m[:2]) {
				t.Fatalf("read %x, wrote %x", b, again)
			}
			_, _, _ = m.MTU(), m.Pointer(), m.Gateway()
			quote(t, m.Quoted(), m.Quote)
		}
		if m, err := CheckICMPv6(b); err == nil {
			if got := append(bytes.Clone(m.Quoted()), m.Extensions()...); !bytes.Equal(got, m.Body()) {
				t.Fatalf("quotation and extensions %x are not the body", got)
			}
			src, dst := addr("fd77::1"), addr("fd77::2")
			again := ICMPv6(AppendICMPv6(nil, src, dst, m.Type(), m.Code(), m.MTU(), m.Body()))
			if !again.ChecksumOK(src, dst) || !bytes.Equal(again[4:], m[4:]) || !bytes.Equal(again[:2], m[:2]) {
				t.Fatalf("read %x, wrote %x", b, again)
			}
			quote(t, m.Quoted(), m.Quote)
		}
	})
}

// quote checks that a quotation's transport is the end of the quoted packet and that all may be asked. What stands
// behind an IPv6 packet is padding.
func quote(t *testing.T, quoted []byte, read func() (Quote, error)) {
	q, err := read()
	if err != nil {
		if _, ok := err.(Error); !ok {
			t.Fatalf("an error of another type: %v", err)
		}
		return
	}
	if q.IPv6 {
		quoted = quoted[:min(len(quoted), q.TotalLength)]
	}
	if !bytes.HasSuffix(quoted, q.Transport) {
		t.Fatalf("transport %x is not the end of %x", q.Transport, quoted)
	}
	id, seq, isEcho := q.Echo()
	src, dst, hasPorts := q.Ports()
	if isEcho && hasPorts {
		t.Fatalf("an echo %d %d with ports %d %d", id, seq, src, dst)
	}
	if _, ok := q.TCPSeq(); ok && !hasPorts {
		t.Fatal("a sequence number without ports")
	}
}

func FuzzUDP(f *testing.F) {
	seeds(f, func(p []byte) { f.Add(p[min(len(p), 20):]) })
	f.Add([]byte{0, 1, 0, 2, 0, 7, 0, 0})
	f.Add([]byte{0, 1, 0, 2, 0, 7, 0})
	f.Add([]byte{0, 1, 0, 2, 0, 9, 0, 0, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := CheckUDP(b)
		if err != nil || u.Truncated() {
			return
		}
		fields := u.Fields()
		for _, a := range [][2]string{{"10.0.0.1", "10.0.0.2"}, {"fd77::1", "fd77::2"}} {
			src, dst := addr(a[0]), addr(a[1])
			got, err := fields.Append(nil, src, dst, u.Payload())
			if err != nil || !bytes.Equal(got[:6], u[:6]) || !bytes.Equal(got[8:], u.Payload()) || !UDP(got).ChecksumOK(src, dst) {
				t.Fatalf("%v: read %x, wrote %x", err, b, got)
			}
		}
	})
}

func FuzzTCP(f *testing.F) {
	seeds(f, func(p []byte) { f.Add(p[min(len(p), 20):]) })
	f.Add(make([]byte, 20))
	f.Add([]byte{1})
	f.Add(append([]byte{0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x60}, make([]byte, 7)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := CheckTCP(b)
		if err != nil {
			if s != nil {
				t.Fatal("a view and an error")
			}
			return
		}
		fields, src, dst := s.Fields(), addr("10.0.0.1"), addr("10.0.0.2")
		got, err := fields.Append(nil, src, dst, s.Options(), s.Payload())
		if err != nil || !TCP(got).ChecksumOK(src, dst) {
			t.Fatalf("%v: %x", err, got)
		}
		want := bytes.Clone(s)
		want[12] &= 0xf1 // RFC 9293 3.1: reserved, must be zero when sent
		copy(want[16:18], got[16:18])
		if !bytes.Equal(want, got) {
			t.Fatalf("read %x, wrote %x", want, got)
		}
	})
}

// Options that can be read can be written, and then read the same.
func FuzzTCPOptions(f *testing.F) {
	seeds(f, func(p []byte) {
		if v4, err := CheckIPv4(p); err == nil && v4.Protocol() == ProtoTCP {
			f.Add([]byte(TCP(v4.Payload()).Options()))
		}
	})
	for _, b := range [][]byte{{2, 4, 2, 0x18, 8, 0}, {8}, {8, 10, 0}, {1, 0, 8}, {2, 3, 1}, {3, 4, 1, 1}, {4, 3, 1}, {5, 2}, {8, 9, 0, 0, 0, 0, 0, 0, 0}, {254, 4, 1, 2},
		append([]byte{5, 34}, make([]byte, 32)...), {4, 2, 1, 1}, {5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseTCPOptions(b)
		if _, ok := err.(Error); err != nil && !ok {
			t.Fatalf("an error of another type: %v", err)
		}
		o.Unknown = 0 // they are counted, not kept
		got, err := o.Append(nil)
		if err != nil {
			if err == ErrTCPOptionsLength && o.length() > 40 {
				return // padded to 4 bytes they need more room than they had
			}
			t.Fatal(err)
		}
		if len(got) != o.length() || len(got)%4 != 0 {
			t.Fatalf("%d bytes written, %d foretold", len(got), o.length())
		}
		again, err := ParseTCPOptions(got)
		if diff := cmp.Diff(o, again); diff != "" || err != nil {
			t.Fatalf("%v, want - got +\n%s", err, diff)
		}
	})
}
