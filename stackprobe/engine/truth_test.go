package engine

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// numbered returns a rule that loses the packets of an end with these numbers.
func numbered(h event.Host, numbers ...int) func(event.Host, int, *sentPacket) bool {
	lost := make(map[int]bool)
	for _, n := range numbers {
		lost[n] = true
	}
	return func(from event.Host, n int, _ *sentPacket) bool { return from == h && lost[n] }
}

// kinds are the ways to repair losses.
var recoveries = [...]app.Socket{{}, {SACK: app.Off}, {RACK: app.On}, {Congestion: "cubic"}}

// TestReadIsTheStacksOwn compares after every event of transfers with losses what is read from the stack's memory with
// all that its public calls tell: each value is found where it is, at each moment.
func TestReadIsTheStacksOwn(t *testing.T) {
	type facts struct {
		State                  event.State
		Congestion             event.Congestion
		Cwnd, Ssthresh         uint32
		RTO, SRTT, Var         time.Duration
		SndBuf, RcvBuf, SndMSS uint32
	}
	for _, socket := range recoveries {
		for _, ipv6 := range []bool{false, true} {
			c := newCable(t, ipv6, socket, socket)
			client, server := c.connect(t)
			c.lose = numbered(event.Client, 5, 12, 13, 30, 45, 46, 47)
			seen := make(map[event.Congestion]bool)
			_, v := c.sample(event.Client)
			una := v.Una
			c.each = func() {
				drain(t, server)
				state, v := c.sample(event.Client)
				if state == event.StateUnknown {
					return // nothing has happened at this end
				}
				var info tcpip.TCPInfoOption
				ep := client.(conn).ep
				if err := ep.GetSockOpt(&info); err != nil {
					t.Fatal(err)
				}
				rcv, _ := ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption)
				want := facts{stateOf(tcp.EndpointState(info.State), false), congestion(info.CcState), info.SndCwnd, min(info.SndSsthresh, event.InfiniteSsthresh), info.RTO, info.RTT,
					info.RTTVar, 100_000 - (v.Una - una), uint32(rcv), v.SndMSS}
				got := facts{state, v.Congestion, v.Cwnd, v.Ssthresh, time.Duration(v.RTO), time.Duration(v.SRTT), time.Duration(v.RTTVar), v.SndBuf, v.RcvBuf, v.SndMSS}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%v: %s", c.loop.Now(), d)
				}
				seen[v.Congestion] = true
			}
			write(t, client, 100_000)
			c.run(time.Minute)
			if !seen[event.CongestionRecovery] || !seen[event.CongestionOpen] {
				t.Errorf("%+v: the transfer shows too little: %v", socket, seen)
			}
		}
	}
}

// TestNumbersAreThoseOfTheWire: at each transmission SND.UNA, SND.NXT and RCV.NXT, in the handshake as well, are those
// that follow from the segments, and what the receiver holds is what its SACK option says.
func TestNumbersAreThoseOfTheWire(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	accept := c.listen(t)
	client := c.dial(t, 40000)
	c.lose = numbered(event.Client, 5, 6, 9)
	c.run(200 * time.Millisecond)
	server := accept()
	c.each = func() { drain(t, server) }
	write(t, client, 30_000)
	c.run(time.Minute)
	next := make(map[event.Host]uint32)
	for i := range c.sent {
		s := &c.sent[i]
		v := &s.sent.Vars
		if end := s.tcp.Seq() + uint32(s.tcp.SeqLen()); next[s.from] == 0 || int32(end-next[s.from]) > 0 {
			next[s.from] = end
		}
		if event.Flags(s.tcp.Flags()).Has(event.ACK) && (v.Has&event.HasRcvNxt == 0 || v.RcvNxt != s.tcp.Ack()) {
			t.Errorf("%d: RCV.NXT %d, the segment acknowledges %d", i, v.RcvNxt, s.tcp.Ack())
		}
		// A segment with data leaves before SND.NXT moves over it.
		if v.Nxt != next[s.from] && v.Nxt+uint32(s.tcp.SeqLen()) != next[s.from] {
			t.Errorf("%d %v %s: SND.NXT %d, sent up to %d", i, s.from, s.flags(), v.Nxt, next[s.from])
		}
		o, _ := wire.ParseTCPOptions(s.tcp.Options())
		if int(v.NHeld) != len(o.SACK()) {
			t.Errorf("%d: it holds %d blocks and says %d", i, v.NHeld, len(o.SACK()))
		}
		for k, b := range o.SACK() {
			if v.Held[k] != (event.Block{Left: b.Left, Right: b.Right}) {
				t.Errorf("%d: it holds %+v and says %+v", i, v.Held[k], b)
			}
		}
	}
	if len(c.sent) < 40 {
		t.Errorf("%d packets", len(c.sent))
	}
}

// TestScoreboard: the sender knows exactly what the last SACKs have reported.
func TestScoreboard(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t)
	c.lose = numbered(event.Client, 2, 5)
	write(t, client, 10*1420)
	_, before := c.sample(event.Client)
	var duplicates []uint32
	c.each = func() {
		if _, v := c.sample(event.Client); v.Has != 0 {
			duplicates = append(duplicates, v.DupAcks)
		}
	}
	c.run(20*time.Millisecond + time.Microsecond)
	c.each = nil
	c.ends[event.Client].nic.table.touchAll()
	_, v := c.sample(event.Client)
	una := before.Una
	type board struct {
		Una    uint32
		Blocks []event.Block
	}
	got := board{v.Una - una, nil}
	for _, b := range v.Scoreboard[:v.NScoreboard] {
		got.Blocks = append(got.Blocks, event.Block{Left: b.Left - una, Right: b.Right - una})
	}
	want := board{1420, []event.Block{{Left: 2 * 1420, Right: 4 * 1420}, {Left: 5 * 1420, Right: 10 * 1420}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// What is reported, not the third duplicate, starts the recovery (RFC 6675 section 5), which counts anew.
	if d := cmp.Diff([]uint32{0, 1, 0}, duplicates[:min(3, len(duplicates))]); d != "" || v.Reordering != 3 {
		t.Errorf("%d tolerated, %s", v.Reordering, d)
	}
}

// TestBackoff: the count doubles with the timeout and falls with it when an acknowledgement comes.
func TestBackoff(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t)
	c.lose = func(event.Host, int, *sentPacket) bool { return true }
	write(t, client, 1)
	type step struct {
		Backoff uint32
		RTO     time.Duration
	}
	var got []step
	c.each = func() {
		_, v := c.sample(event.Client)
		got = append(got, step{v.Backoff, time.Duration(v.RTO)})
	}
	c.run(1500 * time.Millisecond)
	c.lose, c.each = nil, nil
	var sent []step
	for _, s := range c.data(event.Client) {
		sent = append(sent, step{s.sent.Vars.Backoff, time.Duration(s.sent.Vars.RTO)})
	}
	want := []step{{1, 400 * time.Millisecond}, {2, 800 * time.Millisecond}}
	if d := cmp.Diff(want, got[:min(2, len(got))]); d != "" {
		t.Errorf("after the expiry: %s", d)
	}
	if d := cmp.Diff(append([]step{{0, 200 * time.Millisecond}}, want...), sent[:min(3, len(sent))]); d != "" {
		t.Errorf("at the transmission: %s", d)
	}
	c.run(time.Minute)
	if _, v := c.sample(event.Client); v.Backoff != 0 || v.Computed != event.HasBackoff {
		t.Errorf("%d after the acknowledgement, computed %v", v.Backoff, v.Computed)
	}
}

// TestHandshakeVars: before the connection stands its numbers and its timeout are known, and no more is claimed.
func TestHandshakeVars(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.lose = numbered(event.Server, 1)
	c.listen(t)
	c.dial(t, 40000)
	c.run(1005 * time.Millisecond) // behind the first repetitions
	syn, synack := c.sent[0].tcp, c.sent[1].tcp
	state, v := c.sample(event.Client)
	want := event.Vars{Has: event.HasISS | event.HasUna | event.HasNxt | event.HasRcvWnd | event.HasRTO | event.HasBackoff, How: event.Read,
		ISS: syn.Seq(), Una: syn.Seq(), Nxt: syn.Seq() + 1, RcvWnd: uint32(syn.Window()), RTO: 2e9, Backoff: 1}
	if d := cmp.Diff(want, v); d != "" || state != event.SynSent {
		t.Errorf("%v %s", state, d)
	}
	want = event.Vars{Has: want.Has | event.HasIRS | event.HasRcvNxt, How: event.Read, ISS: synack.Seq(), Una: synack.Seq(), Nxt: synack.Seq() + 1,
		IRS: syn.Seq(), RcvNxt: syn.Seq() + 1, RcvWnd: uint32(synack.Window()), RTO: 1e9}
	if state, v = c.sample(event.Server); state != event.SynReceived {
		t.Error(state)
	}
	if d := cmp.Diff(want, v); d != "" {
		t.Error(d)
	}
}

// TestCongestionNames translates netstack's words.
func TestCongestionNames(t *testing.T) {
	for from, want := range map[tcpip.CongestionControlState]event.Congestion{tcpip.Open: event.CongestionOpen, tcpip.RTORecovery: event.CongestionLoss,
		tcpip.FastRecovery: event.CongestionRecovery, tcpip.SACKRecovery: event.CongestionRecovery, tcpip.Disorder: event.CongestionDisorder} {
		if got := congestion(from); got != want {
			t.Errorf("%d: %v, want %v", from, got, want)
		}
	}
}

// TestReadingIsSeen: taking data out of the buffer sends nothing, and is seen.
func TestReadingIsSeen(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, server := c.connect(t)
	write(t, client, 100)
	c.run(time.Second)
	if _, v := c.sample(event.Server); v.RcvBuf != 100 {
		t.Errorf("%d octets wait", v.RcvBuf)
	}
	n := len(c.sent)
	drain(t, server)
	if _, v := c.sample(event.Server); v.Has == 0 || v.RcvBuf != 0 || len(c.sent) != n {
		t.Errorf("%d octets wait, %d segments: %+v", v.RcvBuf, len(c.sent)-n, v)
	}
}

// TestEndWithoutAWord: a connection that ends without sending is seen to have ended: aborted before it stood, or told by
// an ICMP message that its peer cannot be reached.
func TestEndWithoutAWord(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client := c.dial(t, 40000)
	c.sample(event.Client)
	client.Abort()
	if state, _ := c.sample(event.Client); state != event.Closed {
		t.Errorf("aborted: %v", state)
	}
	c = newCable(t, false, app.Socket{}, app.Socket{})
	client = c.dial(t, 40000)
	c.sample(event.Client)
	c.deliver(t, event.Client, unreachable(c.addrs[event.Server], c.addrs[event.Client], c.sent[0].bytes))
	if state, _ := c.sample(event.Client); state != event.Closed {
		t.Errorf("unreachable: %v", state)
	}
	if _, err := client.Established(); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Error(err)
	}
}

// unreachable makes the ICMP message that a host cannot be reached (RFC 792).
func unreachable(from, to netip.Addr, about []byte) []byte {
	icmp := append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, about[:28]...)
	binary.BigEndian.PutUint16(icmp[2:], wire.Checksum(icmp))
	ip := wire.IPv4Fields{Src: from, Dst: to, Protocol: 1, TTL: 64}
	b, err := ip.Append(nil, len(icmp))
	if err != nil {
		panic(err)
	}
	return append(b, icmp...)
}

// TestLayoutError: a version of netstack that keeps its variables elsewhere is refused by name.
func TestLayoutError(t *testing.T) {
	type inner struct{ Value int32 }
	type outer struct {
		In  inner
		Ptr *inner
	}
	of := reflect.TypeFor[outer]()
	for name, look := range map[string]func(*finder){
		"missing":       func(f *finder) { find[int32](f, of, "Gone") },
		"other type":    func(f *finder) { find[int64](f, of, "In", "Value") },
		"no struct":     func(f *finder) { find[int32](f, of, "In", "Value", "More") },
		"no pointer":    func(f *finder) { f.pointee(of, "In") },
		"no lazy timer": func(f *finder) { f.timer(of, "In") },
	} {
		f := &finder{}
		look(f)
		if _, ok := f.err.(*LayoutError); !ok || f.err.Error() == "" {
			t.Errorf("%s: %v", name, f.err)
		}
	}
	f := &finder{}
	if at := find[int32](f, f.pointee(of, "Ptr"), "Value"); f.err != nil || at != 0 {
		t.Errorf("%v, %v", at, f.err)
	}
}

// TestCounters: netstack's names, sorted, none that is zero, and those of what happened.
func TestCounters(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, server := c.connect(t)
	c.each = func() { drain(t, server) }
	c.lose = numbered(event.Client, 2)
	write(t, client, 14200)
	c.run(time.Second)
	got := make(map[string]uint64)
	last := ""
	for _, k := range c.ends[event.Client].Counters() {
		if k.Name <= last || k.Value == 0 {
			t.Errorf("%q %d behind %q", k.Name, k.Value, last)
		}
		got[k.Name], last = k.Value, k.Name
	}
	for name, want := range map[string]uint64{"TCP.ActiveConnectionOpenings": 1, "TCP.FastRetransmit": 1, "TCP.SACKRecovery": 1,
		"TCP.Retransmits": 1, "TCP.SegmentsSent": uint64(len(c.data(event.Client)) + 2), "IP.PacketsSent": uint64(len(c.data(event.Client)) + 2)} {
		if got[name] != want {
			t.Errorf("%s %d, want %d", name, got[name], want)
		}
	}
}
