package link_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

var (
	client = netip.MustParseAddrPort("192.0.2.1:40000")
	server = netip.MustParseAddrPort("192.0.2.2:7")
)

// packet builds an IPv4 packet with a TCP segment.
func packet(t testing.TB, from, to netip.AddrPort, f wire.TCPFields, opts wire.TCPOptions, data string) []byte {
	t.Helper()
	o, err := opts.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	f.SrcPort, f.DstPort = from.Port(), to.Port()
	seg, err := f.Append(nil, from.Addr(), to.Addr(), o, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	ip := wire.IPv4Fields{ID: 0xbeef, DF: true, TTL: 64, Protocol: wire.ProtoTCP, Src: from.Addr(), Dst: to.Addr()}
	b, err := ip.Append(nil, len(seg))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, seg...)
}

// bench is a link between two ends that keep what arrives.
type bench struct {
	loop    *vclock.Loop
	link    *link.Link
	events  []event.Event
	arrived [3][][]byte
	discard bool // keep no events
}

type sink struct {
	b *bench
	h event.Host
}

func (s sink) Deliver(p []byte) { s.b.arrived[s.h] = append(s.b.arrived[s.h], p) }

// snap is how many bytes the events of a bench hold.
const snap = 60

var byAddr = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func newBench(client, server link.Path, rules ...link.Rule) *bench {
	b := &bench{loop: vclock.NewVirtual()}
	b.link = link.New(link.Config{Clock: b.loop, Client: client, Server: server, Rules: rules, Seed: 3, Snap: snap,
		Sink: func(e *event.Event) {
			if !b.discard {
				b.events = append(b.events, *e)
			}
		}})
	b.link.Attach(event.Client, sink{b, event.Client})
	b.link.Attach(event.Server, sink{b, event.Server})
	return b
}

func (b *bench) run() {
	for b.loop.Step(context.Background(), time.Hour) == vclock.Ran {
	}
}

// TestLinkDelaysAndRenumbers: each direction has its delay; the identification follows from the seed where it is asked
// for, with the checksums mended, and nothing else of a packet changes.
func TestLinkDelaysAndRenumbers(t *testing.T) {
	b := newBench(link.Path{Delay: 10 * time.Millisecond}, link.Path{Delay: 30 * time.Millisecond, Renumber: true})
	there := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.SYN}, wire.TCPOptions{}, "")
	back := packet(t, server, client, wire.TCPFields{Seq: 9, Ack: 2, Flags: wire.SYN | wire.ACK}, wire.TCPOptions{}, "")
	want := append([]byte(nil), there...)
	b.link.Send(event.Client, 0, there, link.Sent{})
	b.link.Send(event.Server, 0, back, link.Sent{})
	b.link.Send(event.Server, 5, append([]byte(nil), back...), link.Sent{})
	if n := b.link.InFlight(); n != 3 {
		t.Errorf("%d packets on their way, want 3", n)
	}
	b.run()
	if n := b.link.InFlight(); n != 0 {
		t.Errorf("%d packets on their way at the end", n)
	}
	if d := cmp.Diff([][]byte{want}, b.arrived[event.Server]); d != "" {
		t.Errorf("what is not renumbered must stay: %s", d)
	}
	for i, p := range b.arrived[event.Client] {
		ip, err := wire.CheckIPv4(p)
		if err != nil || !ip.ChecksumOK() || ip.ID() != uint16(3*257+0x8001+i) {
			t.Errorf("packet %d: %v, checksum %t, id %#x", i, err, ip.ChecksumOK(), ip.ID())
		}
	}
	type arrival struct {
		Kind event.Kind
		Host event.Host
		T    time.Duration
		ID   int
	}
	var got []arrival
	for _, e := range b.events {
		got = append(got, arrival{e.Kind, e.Host, time.Duration(e.T), e.Seg.ID})
	}
	if d := cmp.Diff([]arrival{
		{event.KindTx, event.Client, 0, 1}, {event.KindTx, event.Server, 0, 2}, {event.KindTx, event.Server, 5, 3},
		{event.KindRx, event.Server, 10 * time.Millisecond, 1},
		{event.KindRx, event.Client, 30 * time.Millisecond, 2}, {event.KindRx, event.Client, 30*time.Millisecond + 5, 3},
	}, got); d != "" {
		t.Error(d)
	}
}

// TestSegmentsOnTheLink sends a connection's segments and compares all that the link says of them.
func TestSegmentsOnTheLink(t *testing.T) {
	b := newBench(link.Path{}, link.Path{})
	syn := wire.TCPOptions{MSS: 1460, HasMSS: true, WindowScale: 7, HasScale: true, SACKPermitted: true, HasTimestamps: true, TSVal: 5}
	steps := []struct {
		from event.Host
		f    wire.TCPFields
		o    wire.TCPOptions
		data string
		ev   event.Evidence
	}{
		{event.Client, wire.TCPFields{Seq: 1<<32 - 1, Flags: wire.SYN, Window: 64240}, syn, "", 0},
		{event.Server, wire.TCPFields{Seq: 500, Flags: wire.SYN | wire.ACK, Window: 29184}, wire.TCPOptions{WindowScale: 3, HasScale: true}, "", 0},
		{event.Client, wire.TCPFields{Seq: 0, Ack: 501, Flags: wire.ACK, Window: 100}, wire.TCPOptions{}, "abc", 0},
		{event.Client, wire.TCPFields{Seq: 3, Ack: 501, Flags: wire.ACK | wire.PSH, Window: 100}, wire.TCPOptions{}, "de", 0},
		{event.Server, wire.TCPFields{Seq: 501, Flags: wire.ACK, Window: 200}, wire.TCPOptions{SACKBlocks: [4]wire.SACKBlock{{Left: 3, Right: 5}}, SACKCount: 1}, "", 0},
		{event.Client, wire.TCPFields{Seq: 0, Ack: 501, Flags: wire.ACK, Window: 100}, wire.TCPOptions{}, "abc", event.Recovering},
		{event.Client, wire.TCPFields{Seq: 0, Ack: 501, Flags: wire.ACK, Window: 100}, wire.TCPOptions{}, "abcde", event.Expired},
		{event.Client, wire.TCPFields{Seq: 5, Ack: 501, Flags: wire.ACK | wire.FIN, Window: 100}, wire.TCPOptions{}, "", 0},
		{event.Client, wire.TCPFields{Seq: 6, Flags: wire.RST}, wire.TCPOptions{}, "", 0},
		{event.Client, wire.TCPFields{Seq: 77, Flags: wire.SYN}, wire.TCPOptions{}, "", 0},
	}
	for _, s := range steps {
		from, to := client, server
		if s.from == event.Server {
			from, to = to, from
		}
		b.link.Send(s.from, 0, packet(t, from, to, s.f, s.o, s.data), link.Sent{Evidence: s.ev})
	}
	type facts struct {
		Conn           int
		RelSeq, RelAck int64
		HasRelAck      bool
		Window         uint32
		Attempt        int
		Sack           event.Range
	}
	var got []facts
	for _, e := range b.events {
		switch s, n := &e.Seg, &e.Derived.Numbers; e.Kind {
		case event.KindTx:
			got = append(got, facts{e.Conn, n.RelSeq, n.RelAck, n.HasRelAck, n.Window, n.Attempt, n.RelSack[0]})
			if s.BadSum {
				t.Errorf("segment %d: checksum", s.ID)
			}
		case event.KindTimer:
			t.Errorf("a timer: %+v", e.Timer) // what an expiry may be concluded from stands in the evidence
		}
	}
	// The server's acknowledgement number 0 is one behind the client's initial number, and the client's number 1<<32-1 is
	// followed by 0.
	want := []facts{
		{1, 0, 0, false, 64240, 1, event.Range{}},
		{1, 0, 1, true, 29184, 1, event.Range{}},
		{1, 1, 1, true, 12800, 1, event.Range{}},
		{1, 4, 1, true, 12800, 1, event.Range{}},
		{1, 1, 1, true, 1600, 0, event.Range{First: 4, Last: 6}},
		{1, 1, 1, true, 12800, 2, event.Range{}},
		{1, 1, 1, true, 12800, 3, event.Range{}},
		{1, 6, 1, true, 12800, 1, event.Range{}},
		{1, 7, 0, false, 0, 0, event.Range{}},
		{2, 0, 0, false, 0, 1, event.Range{}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	opts := b.events[0].Seg.Opts
	if d := cmp.Diff(event.Options{Has: event.OptMSS | event.OptWScale | event.OptSackPermitted | event.OptTimestamps, MSS: 1460, WScale: 7, TSVal: 5}, opts); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(link.Count{Segments: 8, Retransmitted: 2}, b.link.Count(event.Client)); d != "" {
		t.Error(d)
	}
}

// TestLinkPassesWhatIsNoSegment: what cannot be read is no event, but it arrives and is counted; "any" drops it too.
func TestLinkPassesWhatIsNoSegment(t *testing.T) {
	whole := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.SYN}, wire.TCPOptions{}, "")
	udp := append([]byte(nil), whole...)
	udp[9] = wire.ProtoUDP
	first, later := append([]byte(nil), whole...), append([]byte(nil), whole...)
	first[6], later[7] = 0x20, 1 // more fragments follow; 8 octets are before it
	packets := [][]byte{{}, {0x60}, whole[:30], udp, first, later}
	b := newBench(link.Path{}, link.Path{})
	for _, p := range packets {
		b.link.Send(event.Client, 0, p, link.Sent{})
	}
	b.run()
	if d := cmp.Diff(packets, b.arrived[event.Server]); d != "" {
		t.Error(d)
	}
	if n := b.link.Count(event.Client); len(b.events) != 0 || n != (link.Count{Other: 6, Arrived: 6}) {
		t.Errorf("%d events, %+v", len(b.events), n)
	}
	r, err := link.ParseRule("drop 1")
	if err == nil {
		t.Errorf("a list without a match is %+v", r)
	}
	if r, err = link.ParseRule("drop any 2"); err != nil {
		t.Fatal(err)
	}
	b = newBench(link.Path{}, link.Path{}, r)
	b.link.Send(event.Client, 0, udp, link.Sent{})
	b.link.Send(event.Client, 0, udp, link.Sent{})
	b.run()
	if n := len(b.arrived[event.Server]); n != 1 {
		t.Errorf("%d packets arrived, want 1", n)
	}
}

// FuzzLink sends damaged packets in both directions past rules: nothing panics, every packet has arrived, was taken by a
// rule that an event names, or is a copy that a rule made, and the events say what the counters say.
func FuzzLink(f *testing.F) {
	syn := packet(f, client, server, wire.TCPFields{Seq: 1, Flags: wire.SYN, Window: 64240}, wire.TCPOptions{HasMSS: true, MSS: 1460, HasScale: true, WindowScale: 7, SACKPermitted: true}, "")
	answer := packet(f, server, client, wire.TCPFields{Seq: 500, Ack: 2, Flags: wire.SYN | wire.ACK}, wire.TCPOptions{HasScale: true, WindowScale: 200}, "")
	data := packet(f, client, server, wire.TCPFields{Seq: 1<<32 - 2, Ack: 3, Flags: wire.ACK}, wire.TCPOptions{SACKBlocks: [4]wire.SACKBlock{{Left: 9, Right: 1}}, SACKCount: 1}, strings.Repeat("data", 40))
	data6 := packet6(f, client6, server6, wire.ProtoDestOptions, []byte{wire.ProtoTCP, 0, 1, 4, 0, 0, 0, 0}, wire.TCPFields{Seq: 3, Flags: wire.ACK | wire.FIN}, strings.Repeat("data", 40))
	f.Add(syn, answer, "", int64(1))
	f.Add(data, []byte{0x45}, "loss 50%\ndup data\nreorder by 2 data 1-5\nrate 1k queue 2", int64(2))
	f.Add(data6, data, "mtu 100\ncorrupt", int64(3))
	f.Add(data, data6, "dup\ndup\nburst 10%,30%\ndelay 5ms jitter 5ms\ncorrupt len>=100 3-9\ndrop seq 0-70000 2", int64(4))
	f.Add(data, syn, "reorder by 3\ndown 3ms..5ms\nclient> drop at 2ms\nserver> mtu 80 silent first 2", int64(5))
	may := append([]byte(nil), data...)
	may[6] = 0 // without DF
	wire.IPv4(may).SetTTL(64)
	f.Add(may, may, "mtu 100\ndup any 3-5\ndrop any 7-9\nmtu 80\ndelay 5ms jitter 5ms\nloss 10%", int64(6))
	f.Fuzz(func(t *testing.T, a, b []byte, texts string, seed int64) {
		var rules []link.Rule
		for _, text := range strings.SplitN(texts, "\n", 8) {
			if r, err := link.ParseRule(text); err == nil {
				rules = append(rules, r)
			}
		}
		bench := newBench(link.Path{Delay: 3 * time.Millisecond, Renumber: true}, link.Path{}, rules...)
		var sent [3]int
		for i := range 12 {
			at := time.Duration(i) * time.Millisecond
			bench.loop.At(at, func() {
				for h, p := range [...][]byte{event.Client: a, event.Server: b} {
					if event.Host(h) != event.None {
						bench.link.Send(event.Host(h), at, append([]byte(nil), p...), link.Sent{Evidence: event.Expired})
						sent[h]++
					}
				}
			})
		}
		bench.run()
		if n := bench.link.InFlight(); n != 0 {
			t.Fatalf("%d on their way at the end", n)
		}
		bench.audit(t, sent, rules)
	})
}

// audit holds the events, the counters and what arrived against each other.
func (b *bench) audit(t *testing.T, sent [3]int, rules []link.Rule) {
	t.Helper()
	var told [3]link.Count
	var messages [3]int
	seen := map[int]int{}
	cut := [3]bool{}
	for _, e := range b.events {
		cut[e.Host] = cut[e.Host] || e.Fault.Fragments != 0
		s, n := &e.Seg, &told[e.Host]
		if e.Kind != event.KindTimer && e.Kind != event.KindNote && (s.ID == 0 && e.Kind != event.KindICMP || e.Conn == 0 || s.Opts.NSack > event.MaxBlocks || s.Opts.WScale > wire.MaxWindowScale || s.Len > 1<<16) {
			t.Fatalf("%+v", s)
		}
		switch e.Kind {
		case event.KindTx:
			n.Segments++
			seen[s.ID]++
		case event.KindLost, event.KindFault:
			if r := rules[e.Fault.Number-1]; r.Text != e.Fault.Rule || r.Action != e.Fault.Action || r.Takes() != (e.Kind == event.KindLost) && r.Action != event.Rate && e.Fault.Fragments == 0 {
				t.Fatalf("%v by %+v", e.Kind, e.Fault)
			}
			if e.Kind == event.KindLost {
				if e.Rule != e.Fault.Rule {
					t.Fatalf("lost by %q and %q", e.Rule, e.Fault.Rule)
				}
				n.Lost++
				seen[s.ID]--
			} else if e.Fault.Action == event.Dup {
				n.Copied++
				seen[e.Fault.Copy]++
			}
		case event.KindRx:
			told[e.Host.Peer()].Arrived++
			seen[s.ID]--
		case event.KindICMP:
			messages[e.Host]++
		}
		event.AppendJSON(nil, &e)
	}
	for id, n := range seen {
		if n != 0 {
			t.Fatalf("segment %d: %d", id, n)
		}
	}
	for h := event.Client; h <= event.Server; h++ {
		n := b.link.Count(h)
		if n.Segments+n.Other != sent[h] || n.Segments+n.Copied+n.Other+n.OtherCopied != n.Arrived+n.Lost+n.OtherLost {
			t.Fatalf("of %v %d were sent: %+v", h, sent[h], n)
		}
		if got := len(b.arrived[h.Peer()]) - messages[h.Peer()]; n.Other == 0 && b.link.Count(h.Peer()).Other == 0 && !cut[h] && got != n.Arrived {
			t.Fatalf("%v got %d, %+v", h.Peer(), got, n)
		}
		want := told[h]
		want.Retransmitted, want.Other, want.OtherCopied, want.OtherLost = n.Retransmitted, n.Other, n.OtherCopied, n.OtherLost
		want.Arrived += n.Other + n.OtherCopied - n.OtherLost
		if want != n {
			t.Fatalf("%v: the events tell %+v, the counters %+v", h, want, n)
		}
	}
}
