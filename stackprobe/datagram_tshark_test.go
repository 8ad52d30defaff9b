package stackprobe_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// randomPath draws a size, a path and what stands in the header.
func randomPath(t testing.TB, r *rand.Rand, seed int64) stackprobe.DatagramConfig {
	t.Helper()
	c := stackprobe.DatagramConfig{World: stackprobe.Memory, TTL: uint8(1 + r.IntN(255)), TOS: uint8(r.IntN(256)) &^ 3, Seed: seed, Snap: stackprobe.MaxMTU, IPv6: r.IntN(4) == 0}
	if r.IntN(3) > 0 {
		c.TTL = 64
	}
	least := 100
	if c.IPv6 {
		least = stackprobe.MinMTU6
	}
	for range 1 + r.IntN(4) {
		c.MTUs = append(c.MTUs, least+r.IntN(1501-least))
	}
	c.Size = 88 + r.IntN(6000)
	if r.IntN(50) == 0 {
		c.Size = 60000 + r.IntN(5536)
	}
	c.DF = r.IntN(8) == 0
	c.Loop = len(c.MTUs) > 2 && r.IntN(20) == 0
	if c.Loop {
		c.TTL = uint8(1 + r.IntN(8))
	}
	if !c.IPv6 {
		for _, text := range [...]string{"ra", "rr 3", "ts 2"} {
			if r.IntN(4) == 0 {
				o, ok := stackprobe.ParseIPOption(text)
				if !ok {
					t.Fatal(text)
				}
				c.Options = append(c.Options, o)
			}
		}
	}
	return c
}

// header is what a table says of one packet, ours or tshark's.
type header struct {
	Size, Header, Offset int
	DF, MF               bool
	TTL, TOS, Protocol   uint8
	Ident                uint32
	Src, Dst             string
	SumOK                bool
}

// sightings are the packets that left on some link, as the events say.
func sightings(events []event.Event) []header {
	var list []header
	for i := range events {
		if events[i].Kind != event.KindTx {
			continue
		}
		p := events[i].Packet
		h := header{p.Size, p.Header, p.Offset, p.DF, p.MF, p.TTL, p.TOS, p.Protocol, p.Ident, p.Src.String(), p.Dst.String(), !p.BadSum}
		if p.Dst.Is6() {
			h.Header = 0 // tshark has no length for extension headers
		}
		list = append(list, h)
	}
	return list
}

// captured writes the packets that left to a capture.
func captured(t testing.TB, w *capture.Writer, iface int, events []event.Event) {
	t.Helper()
	for i := range events {
		if e := &events[i]; e.Kind == event.KindTx {
			if err := w.Packet(&capture.Packet{Interface: iface, Direction: capture.Outbound, Time: e.T, Data: []byte(e.Packet.Wire), Length: e.Packet.Size}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tsharkSays reads the headers of a capture with tshark.
func tsharkSays(t testing.TB, tshark, file string) []header {
	t.Helper()
	args := []string{"-r", file, "-T", "fields", "-E", "occurrence=f", "-E", "separator=;", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "ip.check_checksum:TRUE",
		"-o", "ip.decode_tos_as_diffserv:TRUE"}
	for _, f := range [...]string{"ip.len", "ip.hdr_len", "ip.frag_offset", "ip.flags.df", "ip.flags.mf", "ip.ttl", "ip.dsfield", "ip.proto", "ip.id", "ip.src", "ip.dst", "ip.checksum.status",
		"ipv6.plen", "ipv6.fraghdr.offset", "ipv6.fraghdr.more", "ipv6.hlim", "ipv6.tclass", "ipv6.nxt", "ipv6.fraghdr.nxt", "ipv6.fraghdr.ident", "ipv6.src", "ipv6.dst"} {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, stderr.String())
	}
	var list []header
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ";")
		n := func(i int) int {
			if f[i] == "" {
				return 0
			}
			v, err := strconv.ParseInt(f[i], 0, 64)
			if err != nil {
				t.Fatalf("field %d of %q: %v", i, line, err)
			}
			return int(v)
		}
		if f[0] != "" {
			list = append(list, header{n(0), n(1), offsetUnit * n(2), n(3) == 1, n(4) == 1, uint8(n(5)), uint8(n(6)), uint8(n(7)), uint32(n(8)), f[9], f[10], n(11) == 1})
			continue
		}
		h := header{Size: 40 + n(12), TTL: uint8(n(15)), TOS: uint8(n(16)), Protocol: uint8(n(17)), Src: f[20], Dst: f[21], SumOK: true}
		if h.Protocol == 44 { // else they are those of a packet that an ICMP message quotes
			h.Offset, h.MF, h.Protocol, h.Ident = offsetUnit*n(13), n(14) == 1, uint8(n(18)), uint32(n(19))
		}
		list = append(list, h)
	}
	return list
}

// TestDatagram_tshark: for 1,000 random sizes, paths and headers the fragment tables are what tshark shows of the same packets, and
// every datagram is put together right or reported lost.
func TestDatagram_tshark(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	file := filepath.Join(t.TempDir(), "all.pcapng")
	var out bytes.Buffer
	w, err := capture.NewWriter(&out, &capture.Section{})
	if err != nil {
		t.Fatal(err)
	}
	iface, err := w.Interface(&capture.Interface{Name: "all", Link: capture.Raw, Snap: 65535})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var want []header
	faults := [...]string{"drop frag 2", "reorder by 1 frag 1", "dup frag 1", "overlap frag 2", "loss 10%", "corrupt any 1"}
	arrived, lost := 0, 0
	for i := range 1000 {
		c := randomPath(t, r, int64(i))
		var rules []string
		if r.IntN(3) == 0 {
			rules = append(rules, faults[r.IntN(len(faults))])
		}
		events := datagrams(t, c, rules...)
		captured(t, w, iface, events)
		want = append(want, sightings(events)...)
		switch end := outcome(t, events); {
		case !end.Server.Match:
			t.Errorf("%+v %q: the server got what nobody has sent", c, rules)
		case end.OK:
			arrived++
		default:
			lost++
			if strings.HasSuffix(end.Reason, "did not arrive") {
				t.Errorf("%+v %q: lost without a reason", c, rules)
			}
		}
	}
	if arrived < 400 || lost < 100 {
		t.Errorf("%d arrived and %d were lost: the draw is not what it was", arrived, lost)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	got := tsharkSays(t, tshark, file)
	if len(got) != len(want) {
		t.Fatalf("%d packets, tshark shows %d", len(want), len(got))
	}
	wrong := 0
	for i := range want {
		if d := cmp.Diff(got[i], want[i]); d != "" {
			if wrong++; wrong <= 5 {
				t.Errorf("packet %d, -tshark +gnet: %s", i+1, d)
			}
		}
	}
	t.Logf("%d packets of 1000 datagrams, %d arrived, %d lost", len(want), arrived, lost)
}

// TestDatagram_kernel: for 50 random paths of kernels the fragment tables are those of the world in memory and what tshark shows.
func TestDatagram_kernel(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	tshark := nstest.Peer(t, "tshark")
	file := filepath.Join(t.TempDir(), "all.pcapng")
	var out bytes.Buffer
	w, err := capture.NewWriter(&out, &capture.Section{})
	if err != nil {
		t.Fatal(err)
	}
	iface, err := w.Interface(&capture.Interface{Name: "all", Link: capture.Raw, Snap: 65535})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	var want []header
	for i := range 50 {
		c := randomPath(t, r, int64(i))
		memory := datagrams(t, c)
		c.World = stackprobe.Tun
		if r.IntN(2) == 0 {
			c.Client = stackprobe.Engine
		}
		c.Deadline = 10 * time.Second // none is lost in a buffer
		events := datagrams(t, c)
		captured(t, w, iface, events)
		want = append(want, sightings(events)...)
		if d := cmp.Diff(fragments(memory), fragments(events)); d != "" {
			t.Errorf("%s: -memory +kernel: %s", told(&c), d)
		}
		if d := cmp.Diff(addresses(memory), addresses(events)); d != "" {
			t.Errorf("%s: addresses, -memory +kernel: %s", told(&c), d)
		}
		m, k := outcome(t, memory), outcome(t, events)
		if d := cmp.Diff(m.OK, k.OK); d != "" || !k.Server.Match {
			t.Errorf("%s: memory says %q, kernel %q", told(&c), m.Reason, k.Reason)
		}
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(tsharkSays(t, tshark, file), want); d != "" {
		t.Errorf("-tshark +gnet: %s", d)
	}
}

// addresses are those that stand in the packets of each link, in its order: source, destination, what the options hold (but
// the times among them).
func addresses(events []event.Event) []string {
	var list []string
	for i := range events {
		if events[i].Kind != event.KindTx {
			continue
		}
		p := events[i].Packet
		options := []byte(p.Options)
		for rest := options; len(rest) > 0; {
			option, behind, err := wire.NextIPv4Option(rest)
			if err != nil {
				break
			}
			if option[0] == wire.IPv4OptTimestamp {
				clear(option[4:])
			}
			rest = behind
		}
		list = append(list, fmt.Sprintf("link %d, node %d, %v to %v, %x", p.Link, p.Node, p.Src, p.Dst, options))
	}
	slices.Sort(list)
	return list
}

// told is a configuration in a line.
func told(c *stackprobe.DatagramConfig) string {
	options := []string{}
	for _, o := range c.Options {
		options = append(options, o.Text)
	}
	return fmt.Sprintf("size %d mtus %v ttl %d df %t loop %t ipv6 %t client %v options %q", c.Size, c.MTUs, c.TTL, c.DF, c.Loop, c.IPv6, c.Client, options)
}

// offsetUnit is what tshark 4.0 counts the offset in.
const offsetUnit = 8
