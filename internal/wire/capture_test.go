package wire

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/*.tsv anew from tshark")

// The columns of testdata/*.tsv, as tshark names them. Headers that a packet has twice (its own and
// the quoted one) give two values with a comma between.
var (
	ipv4Columns = []string{
		"frame.number", "ip.src", "ip.dst", "ip.dsfield", "ip.len", "ip.id", "ip.flags.df", "ip.flags.mf",
		"ip.frag_offset", "ip.ttl", "ip.proto", "ip.checksum", "ip.checksum.status",
		"icmp.type", "icmp.code", "icmp.checksum", "icmp.checksum.status", "icmp.ident", "icmp.seq", "icmp.mtu",
		"udp.srcport", "udp.dstport", "udp.length", "udp.checksum", "udp.checksum.status",
	}
	ipv6Columns = []string{
		"frame.number", "ipv6.src", "ipv6.dst", "ipv6.tclass", "ipv6.flow", "ipv6.plen", "ipv6.nxt", "ipv6.hlim",
		"ipv6.fraghdr.nxt", "ipv6.fraghdr.offset", "ipv6.fraghdr.more", "ipv6.fraghdr.ident",
		"icmpv6.type", "icmpv6.code", "icmpv6.checksum", "icmpv6.checksum.status",
		"icmpv6.echo.identifier", "icmpv6.echo.sequence_number", "icmpv6.mtu",
	}
	tcpColumns = []string{
		"frame.number", "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.hdr_len",
		"tcp.flags", "tcp.window_size_value", "tcp.checksum", "tcp.checksum.status", "tcp.urgent_pointer", "tcp.len",
		"tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.sack_perm", "tcp.options.timestamp.tsval",
		"tcp.options.timestamp.tsecr", "tcp.options.sack_le", "tcp.options.sack_re",
	}
)

// A capture is one file of testdata with what our views and tshark should both say of it.
type capture struct {
	columns []string
	filter  string
	row     func(r *row, packet []byte)
}

var captures = map[string]capture{
	"reasm-timeout": {ipv4Columns, "ip", (*row).ipv4},
	"scamper-bh":    {ipv4Columns, "ip", (*row).ipv4},
	"tcp-sack":      {tcpColumns, "tcp", (*row).ipv4}, // Linux 6.18 over veth without offloads, every third segment dropped
	"v6-3000":       {ipv6Columns, "ipv6", (*row).ipv6},
	"want-1472":     {ipv4Columns, "ip", (*row).ipv4},
	"want-3000":     {ipv4Columns, "ip", (*row).ipv4},
}

// Real packets: every field that our views read, and every checksum, is what tshark 4.0.17 reads.
func TestViews_sayWhatTsharkSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.pcap")
	if err != nil || len(files) != len(captures) {
		t.Fatalf("%d captures in testdata, %d in the table (%v)", len(files), len(captures), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".pcap")
		t.Run(name, func(t *testing.T) {
			c, ok := captures[name]
			if !ok {
				t.Fatalf("no entry for %s", file)
			}
			tsv := strings.TrimSuffix(file, ".pcap") + ".tsv"
			if *update {
				mustTshark(t, c, file, tsv)
			}
			want, err := os.ReadFile(tsv)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), ourRows(t, c, file)); diff != "" {
				t.Errorf("tshark - our views +\n%s", diff)
			}
		})
	}
}

// mustTshark asks tshark; reassembly off, so that each packet stands for itself.
func mustTshark(t *testing.T, c capture, file, tsv string) {
	t.Helper()
	args := []string{"-r", file, "-Y", c.filter, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"}
	for _, o := range []string{"ip.defragment:FALSE", "ipv6.defragment:FALSE", "ip.check_checksum:TRUE",
		"udp.check_checksum:TRUE", "tcp.check_checksum:TRUE", "tcp.relative_sequence_numbers:FALSE"} {
		args = append(args, "-o", o)
	}
	for _, f := range c.columns {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tsv, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

// ourRows reads the capture with our views and writes the same table.
func ourRows(t *testing.T, c capture, file string) string {
	t.Helper()
	var b strings.Builder
	for i, packet := range mustReadPcap(t, file) {
		if packet == nil {
			continue // ARP
		}
		r := row{t: t, cells: map[string][]string{}}
		r.put("frame.number", "%d", i+1)
		c.row(&r, packet)
		for j, f := range c.columns {
			if j > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(strings.Join(r.cells[f], ","))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// row gathers the cells of one packet.
type row struct {
	t     *testing.T
	cells map[string][]string
}

func (r *row) put(column, format string, v any) {
	r.cells[column] = append(r.cells[column], fmt.Sprintf(format, v))
}

// tshark's words for a checksum: 0 bad, 1 good, 2 not verified.
func (r *row) status(column string, whole, ok bool) {
	switch {
	case !whole:
		r.put(column, "%d", 2)
	case ok:
		r.put(column, "%d", 1)
	default:
		r.put(column, "%d", 0)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *row) ipv4(packet []byte) {
	p, err := CheckIPv4(packet)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ipv4Header(p)
	whole := p.Offset() == 0 && !p.MF()
	if p.Offset() != 0 {
		return
	}
	switch p.Protocol() {
	case ProtoICMP:
		r.icmpv4(p.Payload(), whole)
	case ProtoUDP:
		r.udp(p.Payload(), p.Src(), p.Dst())
	case ProtoTCP:
		r.tcp(p.Payload(), p.Src(), p.Dst())
	}
}

func (r *row) ipv4Header(p IPv4) {
	r.put("ip.src", "%s", p.Src())
	r.put("ip.dst", "%s", p.Dst())
	r.put("ip.dsfield", "0x%02x", p.TOS())
	r.put("ip.len", "%d", p.TotalLength())
	r.put("ip.id", "0x%04x", p.ID())
	r.put("ip.flags.df", "%d", bit(p.DF()))
	r.put("ip.flags.mf", "%d", bit(p.MF()))
	r.put("ip.frag_offset", "%d", p.Offset()/8)
	r.put("ip.ttl", "%d", p.TTL())
	r.put("ip.proto", "%d", p.Protocol())
	r.put("ip.checksum", "0x%04x", p.Checksum())
	r.status("ip.checksum.status", true, p.ChecksumOK())
}

func (r *row) icmpv4(b []byte, whole bool) {
	m, err := CheckICMPv4(b)
	if err != nil {
		r.t.Fatal(err)
	}
	r.put("icmp.type", "%d", m.Type())
	r.put("icmp.code", "%d", m.Code())
	r.put("icmp.checksum", "0x%04x", m.Checksum())
	r.status("icmp.checksum.status", whole, m.ChecksumOK())
	if !m.IsError() {
		r.put("icmp.ident", "%d", m.ID())
		r.put("icmp.seq", "%d", m.Seq())
		return
	}
	if m.Type() == ICMPv4Unreachable && m.Code() == ICMPv4FragNeeded {
		r.put("icmp.mtu", "%d", m.MTU())
	}
	r.quotedIPv4(m)
}

// quotedIPv4 reads the quotation twice: as a view, for the columns, and by Quote, for its own values.
func (r *row) quotedIPv4(m ICMPv4) {
	p, err := CheckIPv4(m.Quoted())
	if err != nil {
		r.t.Fatal(err)
	}
	q, err := m.Quote()
	if err != nil {
		r.t.Fatal(err)
	}
	want := Quote{Src: p.Src(), Dst: p.Dst(), TTL: p.TTL(), TotalLength: p.TotalLength(), ID: uint32(p.ID()), DF: p.DF(),
		Offset: p.Offset(), MF: p.MF(), Protocol: p.Protocol(), Transport: p.Payload()}
	if diff := cmp.Diff(want, q, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		r.t.Errorf("view - quote +\n%s", diff)
	}
	r.ipv4Header(p)
	if id, seq, ok := q.Echo(); ok {
		r.put("icmp.type", "%d", ICMPv4EchoRequest)
		r.put("icmp.code", "%d", q.Transport[1])
		r.put("icmp.checksum", "0x%04x", ICMPv4(q.Transport).Checksum())
		r.status("icmp.checksum.status", false, false)
		r.put("icmp.ident", "%d", id)
		r.put("icmp.seq", "%d", seq)
	}
	if q.Protocol == ProtoUDP {
		r.udp(q.Transport, q.Src, q.Dst)
	}
}

func (r *row) udp(b []byte, src, dst netip.Addr) {
	u, err := CheckUDP(b)
	if err != nil {
		r.t.Fatal(err)
	}
	r.put("udp.srcport", "%d", u.SrcPort())
	r.put("udp.dstport", "%d", u.DstPort())
	r.put("udp.length", "%d", u.Length())
	r.put("udp.checksum", "0x%04x", u.Checksum())
	r.status("udp.checksum.status", !u.Truncated(), u.ChecksumOK(src, dst))
}

func (r *row) ipv6(packet []byte) {
	p, err := CheckIPv6(packet)
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := p.Upper()
	if err != nil {
		r.t.Fatal(err)
	}
	r.ipv6Header(p, u)
	if u.Offset != 0 || u.Protocol != ProtoICMPv6 {
		return
	}
	m, err := CheckICMPv6(u.Data)
	if err != nil {
		r.t.Fatal(err)
	}
	r.icmpv6(m, !u.MF, m.ChecksumOK(p.Src(), p.Dst()))
	switch m.Type() {
	case ICMPv6EchoRequest, ICMPv6EchoReply:
		r.put("icmpv6.echo.identifier", "0x%04x", m.ID())
		r.put("icmpv6.echo.sequence_number", "%d", m.Seq())
	}
	if !m.IsError() {
		return // neighbour discovery is in the capture too
	}
	r.put("icmpv6.mtu", "%d", m.MTU())
	r.quotedIPv6(m)
}

func (r *row) ipv6Header(p IPv6, u IPv6Upper) {
	r.put("ipv6.src", "%s", p.Src())
	r.put("ipv6.dst", "%s", p.Dst())
	r.put("ipv6.tclass", "0x%08x", p.TrafficClass())
	r.put("ipv6.flow", "0x%06x", p.FlowLabel())
	r.put("ipv6.plen", "%d", p.PayloadLength())
	r.put("ipv6.nxt", "%d", p.NextHeader())
	r.put("ipv6.hlim", "%d", p.HopLimit())
	if u.Fragmented {
		r.put("ipv6.fraghdr.nxt", "%d", u.Protocol)
		r.put("ipv6.fraghdr.offset", "%d", u.Offset/8)
		r.put("ipv6.fraghdr.more", "%d", bit(u.MF))
		r.put("ipv6.fraghdr.ident", "0x%08x", u.ID)
	}
}

func (r *row) icmpv6(m ICMPv6, whole, ok bool) {
	r.put("icmpv6.type", "%d", m.Type())
	r.put("icmpv6.code", "%d", m.Code())
	r.put("icmpv6.checksum", "0x%04x", m.Checksum())
	r.status("icmpv6.checksum.status", whole, ok)
}

func (r *row) quotedIPv6(m ICMPv6) {
	p, err := CheckIPv6(m.Quoted())
	if err != nil {
		r.t.Fatal(err)
	}
	q, err := m.Quote()
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := p.Upper()
	if err != nil {
		r.t.Fatal(err)
	}
	want := Quote{IPv6: true, Src: p.Src(), Dst: p.Dst(), TTL: p.HopLimit(), TotalLength: IPv6Header + p.PayloadLength(),
		ID: u.ID, Offset: u.Offset, MF: u.MF, Protocol: u.Protocol, Transport: u.Data}
	if diff := cmp.Diff(want, q, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		r.t.Errorf("view - quote +\n%s", diff)
	}
	r.ipv6Header(p, u)
	if id, seq, ok := q.Echo(); ok {
		r.icmpv6(ICMPv6(q.Transport), false, false)
		r.put("icmpv6.echo.identifier", "0x%04x", id)
		r.put("icmpv6.echo.sequence_number", "%d", seq)
	}
}

// mustReadPcap gives the IP packets of a little-endian Ethernet capture, nil for other frames.
func mustReadPcap(t testing.TB, file string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 24 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(b[20:]) != 1 {
		t.Fatalf("%s: not a little-endian Ethernet capture", file)
	}
	var packets [][]byte
	for b = b[24:]; len(b) >= 16; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		frame := b[16 : 16+n]
		b = b[16+n:]
		switch binary.BigEndian.Uint16(frame[12:]) {
		case 0x0800, 0x86dd:
			packets = append(packets, frame[14:])
		default:
			packets = append(packets, nil)
		}
	}
	return packets
}

func (r *row) tcp(b []byte, src, dst netip.Addr) {
	s, err := CheckTCP(b)
	if err != nil {
		r.t.Fatal(err)
	}
	r.put("tcp.srcport", "%d", s.SrcPort())
	r.put("tcp.dstport", "%d", s.DstPort())
	r.put("tcp.seq_raw", "%d", s.Seq())
	r.put("tcp.ack_raw", "%d", s.Ack())
	r.put("tcp.hdr_len", "%d", s.HeaderLen())
	r.put("tcp.flags", "0x%04x", uint16(s.Flags()))
	r.put("tcp.window_size_value", "%d", s.Window())
	r.put("tcp.checksum", "0x%04x", s.Checksum())
	r.status("tcp.checksum.status", true, s.ChecksumOK(src, dst))
	r.put("tcp.urgent_pointer", "%d", s.Urgent())
	r.put("tcp.len", "%d", len(s.Payload()))
	o, err := ParseTCPOptions(s.Options())
	if err != nil {
		r.t.Fatal(err)
	}
	if o.HasMSS {
		r.put("tcp.options.mss_val", "%d", o.MSS)
	}
	if o.HasScale {
		r.put("tcp.options.wscale.shift", "%d", o.WindowScale)
	}
	if o.SACKPermitted {
		r.put("tcp.options.sack_perm", "%s", "0402") // tshark gives the bytes
	}
	if o.HasTimestamps {
		r.put("tcp.options.timestamp.tsval", "%d", o.TSVal)
		r.put("tcp.options.timestamp.tsecr", "%d", o.TSEcr)
	}
	for _, b := range o.SACK() {
		r.put("tcp.options.sack_le", "%d", b.Left)
		r.put("tcp.options.sack_re", "%d", b.Right)
	}
}
