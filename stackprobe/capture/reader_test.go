package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// synPacket is a SYN over IPv4 or IPv6.
func synPacket(six bool) []byte {
	src, dst := stackprobe.Addr(event.Client, six), stackprobe.Addr(event.Server, six)
	f := wire.TCPFields{SrcPort: 40000, DstPort: 80, Seq: 1, Flags: wire.SYN, Window: 1000}
	tcp, err := f.Append(nil, src, dst, nil, nil)
	if err != nil {
		panic(err)
	}
	if six {
		ip := wire.IPv6Fields{NextHeader: wire.ProtoTCP, HopLimit: 64, Src: src, Dst: dst}
		b, _ := ip.Append(nil, len(tcp))
		return append(b, tcp...)
	}
	ip := wire.IPv4Fields{DF: true, TTL: 64, Protocol: wire.ProtoTCP, Src: src, Dst: dst}
	b, _ := ip.Append(nil, len(tcp))
	return append(b, tcp...)
}

// file writes captures by hand, in either byte order.
type file struct {
	binary.AppendByteOrder
	b []byte
}

func (f *file) u16(v ...uint16) *file {
	for _, n := range v {
		f.b = f.AppendUint16(f.b, n)
	}
	return f
}

func (f *file) u32(v ...uint32) *file {
	for _, n := range v {
		f.b = f.AppendUint32(f.b, n)
	}
	return f
}

func (f *file) bytes(b ...byte) *file { f.b = append(f.b, b...); return f }

// classic is a file of libpcap with the packets, each a second and 5 units after the one before.
func classic(order binary.AppendByteOrder, magic uint32, link uint32, packets ...[]byte) *file {
	f := &file{AppendByteOrder: order}
	f.u32(magic).u16(2, 4).u32(0, 0, 65535, link)
	for i, p := range packets {
		f.u32(uint32(i), 5, uint32(len(p)), uint32(len(p))).bytes(p...)
	}
	return f
}

// block appends one of pcapng; body is what stands between the two lengths.
func (f *file) block(kind uint32, body func(*file)) *file {
	in := &file{AppendByteOrder: f.AppendByteOrder}
	body(in)
	for len(in.b)%4 != 0 {
		in.b = append(in.b, 0)
	}
	n := uint32(len(in.b) + 12)
	return f.u32(kind, n).bytes(in.b...).u32(n)
}

func (f *file) section() *file {
	return f.block(0x0a0d0d0a, func(b *file) { b.u32(0x1a2b3c4d).u16(1, 0).u32(0xffffffff, 0xffffffff) })
}

// iface appends an interface; options are code and value.
func (f *file) iface(link uint16, snap uint32, options ...func(*file)) *file {
	return f.block(1, func(b *file) {
		b.u16(link, 0).u32(snap)
		for _, o := range options {
			o(b)
		}
		b.u16(0, 0)
	})
}

func option(code uint16, v ...byte) func(*file) {
	return func(b *file) {
		b.u16(code, uint16(len(v))).bytes(v...)
		for len(b.b)%4 != 0 {
			b.b = append(b.b, 0)
		}
	}
}

// enhanced appends a packet that says it holds so many octets of length.
func (f *file) enhanced(iface uint32, time uint64, held, length int, data []byte, options ...func(*file)) *file {
	return f.block(6, func(b *file) {
		b.u32(iface, uint32(time>>32), uint32(time), uint32(held), uint32(length)).bytes(data...)
		for len(b.b)%4 != 0 {
			b.b = append(b.b, 0)
		}
		for _, o := range options {
			o(b)
		}
	})
}

// read lists the packets of a file as lines, errors among them.
func read(b []byte) (lines []string, skipped int) {
	r := capture.NewReader(bytes.NewReader(b))
	for p, err := range r.Packets() {
		if err != nil {
			lines = append(lines, "error: "+err.Error())
			continue
		}
		ip, length, err := p.IP()
		line := fmt.Sprintf("%d at %d ns on %d %q: %d of %d, IP %d of %d", p.Number, p.Time, p.Interface, p.At.Name, len(p.Data), p.Length, len(ip), length)
		if p.ID != 0 || p.Direction != 0 || p.Comments != nil {
			line += fmt.Sprintf(", %d %d %q", p.ID, p.Direction, p.Comments)
		}
		if err != nil {
			line += ", error: " + err.Error()
		}
		lines = append(lines, line)
	}
	return lines, r.Skipped()
}

func expect(t *testing.T, name string, f *file, want ...string) {
	t.Helper()
	got, _ := read(f.b)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got\n%s", name, diff)
	}
}

// Both byte orders and both units of the classic form.
func TestReader_classic(t *testing.T) {
	p, q := synPacket(false), synPacket(true)
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		expect(t, name+", µs", classic(order, 0xa1b2c3d4, 101, p, q), `1 at 5000 ns on 0 "": 40 of 40, IP 40 of 40`, `2 at 1000005000 ns on 0 "": 60 of 60, IP 60 of 60`)
		expect(t, name+", ns", classic(order, 0xa1b23c4d, 101, p, q), `1 at 5 ns on 0 "": 40 of 40, IP 40 of 40`, `2 at 1000000005 ns on 0 "": 60 of 60, IP 60 of 60`)
	}
}

// What stands before an IP packet on each sort of link, tags included.
func TestReader_links(t *testing.T) {
	p, q := synPacket(false), synPacket(true)
	head := func(n int, tail ...byte) []byte { return append(make([]byte, n), tail...) }
	for _, c := range []struct {
		name string
		link uint32
		head []byte
		data []byte
	}{
		{"ethernet", 1, head(12, 8, 0), p}, {"ethernet 6", 1, head(12, 0x86, 0xdd), q}, {"a tag", 1, head(12, 0x81, 0, 0, 7, 8, 0), p},
		{"two tags", 1, head(12, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 0x86, 0xdd), q}, {"an old tag", 1, head(12, 0x91, 0, 0, 7, 8, 0), p},
		{"null, little", 0, []byte{2, 0, 0, 0}, p}, {"null, big", 0, []byte{0, 0, 0, 2}, p}, {"null, Darwin", 0, []byte{30, 0, 0, 0}, q}, {"loop", 108, []byte{0, 0, 0, 24}, q},
		{"loop, Linux", 108, []byte{0, 0, 0, 10}, q}, {"null, FreeBSD", 0, []byte{28, 0, 0, 0}, q},
		{"cooked", 113, head(14, 8, 0), p}, {"cooked 2", 276, append([]byte{0x86, 0xdd}, make([]byte, 18)...), q}, {"IPv4", 228, nil, p}, {"IPv6", 229, nil, q},
		{"frame check sequence", 0x14000001, head(12, 8, 0), p},
	} {
		n := len(c.head) + len(c.data)
		expect(t, c.name, classic(binary.LittleEndian, 0xa1b2c3d4, c.link, slices.Concat(c.head, c.data)),
			fmt.Sprintf(`1 at 5000 ns on 0 "": %d of %d, IP %d of %d`, n, n, len(c.data), len(c.data)))
	}
	for name, c := range map[string]struct {
		link uint32
		data []byte
		tail string
	}{
		"ARP":           {1, head(12, 8, 6, 1), ", IP 0 of 0"},
		"no type":       {1, head(12, 8), ", IP 0 of 0, error: packet 1: it ends in the header of its link"},
		"in a tag":      {1, head(12, 0x81, 0, 0), ", IP 0 of 0, error: packet 1: it ends in the header of its link"},
		"cooked, short": {276, []byte{8, 0, 1}, ", IP 0 of 0, error: packet 1: it ends in the header of its link"},
		"no family":     {0, []byte{2, 0}, ", IP 0 of 0, error: packet 1: it ends in the header of its link"},
		"other family":  {0, []byte{7, 0, 0, 0}, ", IP 0 of 0"},
		"other link":    {105, []byte{1}, ", IP 0 of 0, error: packet 1: link type 105 is not read here"},
	} {
		expect(t, name, classic(binary.LittleEndian, 0xa1b2c3d4, c.link, c.data), fmt.Sprintf(`1 at 5000 ns on 0 "": %d of %d%s`, len(c.data), len(c.data), c.tail))
	}
}

// Sections with interfaces of their own, each byte order, each sort of packet block, units of time, options, and what is
// passed over.
func TestReader_blocks(t *testing.T) {
	p := synPacket(false)
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		number := func(v uint64) []byte { return order.AppendUint64(nil, v) }
		f := (&file{AppendByteOrder: order}).section()
		f.iface(101, 0, option(2, 'a'), option(9, 9), option(1, 'x'), option(3, 'd'), option(12, 'o'))
		f.iface(101, 0, option(2, 'b'))
		f.iface(101, 0, option(9, 0x80|10), option(14, number(3)...))
		f.iface(101, 0, option(9, 12))
		f.iface(101, 0, option(9, 0x80|64))
		f.block(0xbad, func(b *file) { b.u32(1, 2, 3) }).block(4, func(*file) {}).block(5, func(*file) {}).block(10, func(*file) {})
		f.enhanced(0, 1<<32+7, len(p), 1000, p, option(1, []byte("why\x1b")...), option(2, order.AppendUint32(nil, 2)...), option(5, number(9)...), option(1, 'y'))
		f.enhanced(1, 7, len(p), len(p), p)
		f.enhanced(2, 1536, len(p), len(p), p)
		f.enhanced(3, 7999, len(p), len(p), p)
		f.enhanced(4, 1<<63, len(p), len(p), p)
		f.block(2, func(b *file) { b.u16(1, 0).u32(0, 8, uint32(len(p)), 50).bytes(p...) })
		f.block(3, func(b *file) { b.u32(30).bytes(p[:32]...) })
		f.section().iface(101, 20, option(2, 'c'))
		f.block(3, func(b *file) { b.u32(uint32(len(p))).bytes(p[:20]...) })
		got, skipped := read(f.b)
		want := []string{
			`1 at 4294967303 ns on 0 "a": 40 of 1000, IP 40 of 1000, 9 2 ["why\x1b" "y"]`,
			`2 at 7000 ns on 1 "b": 40 of 40, IP 40 of 40`,
			`3 at 4500000000 ns on 2 "": 40 of 40, IP 40 of 40`,
			`4 at 7 ns on 3 "": 40 of 40, IP 40 of 40`,
			`5 at 500000000 ns on 4 "": 40 of 40, IP 40 of 40`,
			`6 at 8000 ns on 1 "b": 40 of 50, IP 40 of 50`,
			`7 at 0 ns on 0 "a": 30 of 30, IP 30 of 30`,
			`8 at 0 ns on 5 "c": 20 of 40, IP 20 of 40`,
		}
		if diff := cmp.Diff(want, got); diff != "" || skipped != 1 {
			t.Errorf("%s: %d blocks skipped, -want +got\n%s", name, skipped, diff)
		}
	}
}

// A bad packet is named by its number, and the rest is read.
func TestReader_bad(t *testing.T) {
	p := synPacket(false)
	good := func(n int) string {
		return fmt.Sprintf(`%d at %d ns on 0 "": 40 of 40, IP 40 of 40`, n, (n-1)*1e9+5000)
	}
	le := binary.LittleEndian
	f := classic(le, 0xa1b2c3d4, 101, p, nil, p)
	expect(t, "zero length", f, good(1), "error: packet 2: nothing of it is held", good(3))
	f = classic(le, 0xa1b2c3d4, 101, p, p)
	le.PutUint32(f.b[24+12:], 39)
	expect(t, "longer than it was", f, "error: packet 1: 40 octets are held of a packet of 39", good(2))
	f.b = f.b[:len(f.b)-1]
	expect(t, "cut", f, "error: packet 1: 40 octets are held of a packet of 39", "error: packet 2: the file ends in it")
	f.b = f.b[:24+16+40+3]
	expect(t, "cut in a header", f, "error: packet 1: 40 octets are held of a packet of 39", "error: packet 2: the file ends in it")
	le.PutUint32(f.b[24+8:], 1<<31)
	expect(t, "lying length", f, "error: packet 1: 2147483648 octets are said to be held of it, more than any capture has", "error: octet 40: the next packet cannot be found")
	expect(t, "cut in the first header", &file{b: f.b[:20]}, "error: octet 20: the file ends in its header")
	expect(t, "no capture", &file{b: []byte("{}")}, "error: octet 0: neither pcap nor pcapng")
	expect(t, "nothing", &file{}, "error: octet 0: neither pcap nor pcapng")

	ng := func() *file { return (&file{AppendByteOrder: le}).section().iface(101, 0) }
	ok := func(n int) string { return fmt.Sprintf(`%d at 1000 ns on 0 "": 40 of 40, IP 40 of 40`, n) }
	end := func(f *file) *file { return f.enhanced(0, 1, 40, 40, p) }
	expect(t, "no such interface", end(ng().enhanced(1, 1, 40, 40, p)), "error: packet 1: interface 1 is not described", ok(2))
	expect(t, "interface of another section", end(ng()).section().enhanced(0, 1, 40, 40, p), ok(1), "error: packet 2: interface 0 is not described")
	expect(t, "more than its block", end(ng().enhanced(0, 1, 45, 45, p)), "error: packet 1: 45 octets are said to be held, its block has room for 40", ok(2))
	expect(t, "nothing held", end(ng().enhanced(0, 1, 0, 40, p)), "error: packet 1: nothing of it is held", ok(2))
	expect(t, "short block", end(ng().block(6, func(b *file) { b.u32(0, 0) })), "error: packet 1: its block is too short", ok(2))
	expect(t, "time", end(ng().enhanced(0, 1<<63, 40, 40, p)), "error: packet 1: its time is out of all range", ok(2))
	expect(t, "lying option", end(ng().enhanced(0, 1, 40, 40, p, func(b *file) { b.u16(1, 999) })), ok(1), ok(2))
	two := ng().enhanced(0, 1, 40, 40, p)
	le.PutUint32(two.b[len(two.b)-4:], 99)
	expect(t, "two lengths", end(two), "error: packet 1: its block has two lengths, 72 and 99", ok(2))
	expect(t, "huge packet", end(ng().block(6, func(b *file) { b.bytes(make([]byte, 2<<20)...) })), "error: packet 1: a block of 2097156 octets, more than any packet takes", ok(2))
	expect(t, "short interface", end((&file{AppendByteOrder: le}).section().block(1, func(b *file) { b.u32(0) }).iface(101, 0)), "error: packet 1: interface 0 is not described")
	expect(t, "huge interface", end((&file{AppendByteOrder: le}).section().block(1, func(b *file) { b.bytes(make([]byte, 2<<20)...) })), "error: packet 1: interface 0 is not described")
	cut := end(ng())
	cut.b = cut.b[:len(cut.b)-5]
	expect(t, "cut in a packet", cut, "error: packet 1: the file ends in it")
	expect(t, "cut in an interface", &file{b: ng().b[:36]}, "error: octet 36: the file ends in a block")
	expect(t, "cut in a section", &file{b: ng().b[:10]}, "error: octet 8: the file ends in a block")
	expect(t, "cut in a block's head", &file{b: ng().b[:28+5]}, "error: octet 33: the file ends in a block")
	expect(t, "cut in what is passed over", &file{b: ng().block(4, func(b *file) { b.u32(1, 2, 3) }).b[:len(ng().b)+10]}, "error: octet 62: the file ends in a block")
	expect(t, "impossible length", ng().u32(6, 13, 0, 0), "error: octet 52: a block of impossible length: the next one cannot be found")
	expect(t, "no magic", (&file{AppendByteOrder: le}).u32(0x0a0d0d0a, 28, 5, 5), "error: octet 8: no byte-order magic of a section")
}

// errDisk is a file that cannot be read on.
var errDisk = errors.New("bad disk")

type brokenDisk struct{ b []byte }

func (d *brokenDisk) Read(b []byte) (int, error) {
	if len(d.b) == 0 {
		return 0, errDisk
	}
	n := copy(b, d.b)
	d.b = d.b[n:]
	return n, nil
}

// The error of the file is the last, wherever it comes.
func TestReader_brokenDisk(t *testing.T) {
	p := synPacket(false)
	files := [][]byte{classic(binary.LittleEndian, 0xa1b2c3d4, 101, p, p).b,
		(&file{AppendByteOrder: binary.LittleEndian}).section().iface(101, 0).block(4, func(b *file) { b.u32(1, 2) }).enhanced(0, 1, 40, 40, p).b}
	for _, b := range files {
		for n := range len(b) {
			var last error
			for _, err := range capture.NewReader(&brokenDisk{b[:n]}).Packets() {
				last = err
			}
			if !errors.Is(last, errDisk) {
				t.Fatalf("after %d of %d octets: %v", n, len(b), last)
			}
		}
	}
}

// What the tools of others make of our captures is read as the same packets.
func TestReader_otherWriters(t *testing.T) {
	editcap := nstest.Peer(t, "editcap")
	events := exchange(t, stackprobe.Config{Bytes: 9000, Seed: 1}, "loss 10%")
	own, content := written(t, events)
	times := func(b []byte, unit int64) (list []string) {
		for p, err := range capture.NewReader(bytes.NewReader(b)).Packets() {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fmt.Sprintf("%d %d %x", p.Time/unit*unit, p.Length, p.Data))
		}
		return list
	}
	for form, unit := range map[string]int64{"pcap": 1000, "nsecpcap": 1, "pcapng": 1} {
		out := filepath.Join(t.TempDir(), form)
		if text, err := exec.Command(editcap, "-F", form, own, out).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(times(content, unit), times(b, unit)); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
	}
}

// FuzzReader: no input panics or hangs, numbers ascend, and what is read is what the lengths say.
func FuzzReader(f *testing.F) {
	p := synPacket(false)
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add(classic(order, 0xa1b2c3d4, 1, slices.Concat(make([]byte, 12), []byte{0x81, 0, 0, 1, 8, 0}, p)).b)
		f.Add(classic(order, 0xa1b23c4d, 276, p, nil, p).b)
		f.Add(classic(order, 0xa1b23c4d, 0, []byte{2, 0, 0, 0}).b)
		ng := (&file{AppendByteOrder: order}).section().iface(101, 0, option(9, 9), option(2, 'c')).iface(113, 9, option(14, 0, 0, 0, 0, 0, 0, 0, 1), option(9, 0x8a))
		ng.enhanced(0, 7, len(p), 99, p, option(1, 'x'), option(2, 1, 0, 0, 0), option(5, 0, 0, 0, 0, 0, 0, 0, 1)).enhanced(1, 7, len(p), 99, p)
		ng.block(2, func(b *file) { b.u16(1, 0).u32(0, 8, uint32(len(p)), 50).bytes(p...) }).block(3, func(b *file) { b.u32(30).bytes(p[:32]...) }).block(77, func(b *file) { b.u32(1) })
		f.Add(ng.enhanced(5, 1, 1, 1, p).b)
		f.Add(ng.section().enhanced(0, 1, 99, 1, p).b[:len(ng.b)-3])
	}
	for _, c := range []stackprobe.Config{{Bytes: 1500, Seed: 1}, {Bytes: 100, Seed: 2, IPv6: true}, {Bytes: 100, Seed: 5, Ends: [3]app.Options{event.Client: {End: app.EndReset}}}} {
		c.Snap = stackprobe.MaxMTU
		_, own := written(f, exchange(f, c, "client> drop data 1", "server> dup data 1"))
		f.Add(own)
		f.Add(bytes.ReplaceAll(own, []byte(" rx"), []byte(" no"))) // as one tap
		f.Add(own[:len(own)*2/3])
	}
	cut := classic(binary.LittleEndian, 0xa1b2c3d4, 1, slices.Concat(make([]byte, 12), []byte{8, 0}, p), []byte{1}, p, p).b
	for _, n := range []int{3, 20, 30, 24 + 16 + 54 + 16 + 1 + 16 + 40 + 16, len(cut) - 1} {
		f.Add(cut[:n])
	}
	f.Add(classic(binary.LittleEndian, 0xa1b2c3d4, 147, p).u32(0, 0, 1<<30, 1).b)
	f.Add((&file{AppendByteOrder: binary.LittleEndian}).section().block(1, func(b *file) { b.u32(0) }).block(6, func(b *file) { b.u32(0) }).u32(6, 13).b)
	for _, data := range [][]byte{{7, 0, 0, 0}, {0, 2}, {0x45}, append([]byte{28, 0, 0, 0}, synPacket(true)...), append([]byte{2, 0, 0, 0}, p[:30]...)} {
		f.Add(classic(binary.LittleEndian, 0xa1b2c3d4, 0, data, p).b)
	}
	ng := func() *file { return (&file{AppendByteOrder: binary.BigEndian}).section() }
	for _, o := range []func(*file){option(9, 0x80|64), option(9, 12), option(9, 99), option(14, 0x7f, 0, 0, 0, 0, 0, 0, 0), option(1, 'c')} {
		f.Add(ng().iface(101, 0, o).enhanced(0, 1<<63, 40, 40, p).enhanced(0, 1, 99, 40, p).block(6, func(*file) {}).b)
	}
	f.Add(ng().u32(1, 20, 0).b)
	f.Fuzz(func(t *testing.T, b []byte) {
		for stop := range 4 { // a consumer may want no more at any place
			n := 0
			for range capture.NewReader(bytes.NewReader(b)).Packets() {
				if n++; n > stop {
					break
				}
			}
			n = 0
			for range capture.NewReplay(bytes.NewReader(b)).Events() {
				if n++; n > stop {
					break
				}
			}
		}
		last := 0
		for p, err := range capture.NewReader(bytes.NewReader(b)).Packets() {
			if bad, ok := errors.AsType[*capture.PacketError](err); ok {
				if bad.Number <= last {
					t.Errorf("packet %d after %d", bad.Number, last)
				}
				last = bad.Number
			}
			if err != nil {
				continue
			}
			if p.Number <= last || len(p.Data) == 0 || len(p.Data) > p.Length || p.Time < 0 {
				t.Errorf("after %d: %+v", last, p)
			}
			last = p.Number
			if ip, length, err := p.IP(); err == nil && len(ip) > max(length, 0) {
				t.Errorf("%d octets of an IP packet of %d", len(ip), length)
			}
		}
		n := 0
		for e, err := range capture.NewReplay(bytes.NewReader(b)).Events() {
			if err == nil {
				if e.N != n+1 {
					t.Errorf("event %d after %d", e.N, n)
				}
				n = e.N
			}
		}
	})
}
