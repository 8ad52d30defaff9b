package stackprobe

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// checked are runs against the kernel in which everything happens to its numbers that a link can do.
var checked = [...]struct {
	world  World
	client Kind
	ipv6   bool
	faults []string
}{
	{Tun, Kernel, false, nil},
	{Tun, Engine, true, []string{"loss 5%"}},
	{Tun, Kernel, true, []string{"loss 5%"}},
	{Tun, Engine, false, []string{"dup data", "client> drop fin 1"}},
	{Tun, Kernel, false, []string{"corrupt data 3-20", "drop synack 1"}},
	{Tun, Kernel, false, []string{"delay 10ms jitter 10ms data"}},
	{Tun, Engine, false, []string{"reorder by 3 data 5-9", "drop ack 3-6"}},
	{Veth, Kernel, false, []string{"loss 5%"}},
	{Veth, Engine, true, []string{"dup data", "loss 3%"}},
}

// TestComputedNumbersAreTheKernels: what is computed from the segments at a kernel's tap is what the kernel says, at every sample.
func TestComputedNumbersAreTheKernels(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for i, r := range checked {
		t.Run(fmt.Sprint(r.world, i), func(t *testing.T) {
			t.Parallel()
			c := Config{World: r.world, Client: r.client, IPv6: r.ipv6, Bytes: 100_000, Seed: int64(i), Conns: 2, Delay: 5 * time.Millisecond,
				Deadline: time.Minute, Faults: faults(t, r.faults)}
			events := recorded(t, c)
			end := events[len(events)-1].End
			kernel, engine := end.Client, end.Server
			if r.client == Engine {
				kernel, engine = engine, kernel
			}
			if !end.OK || kernel.Wrong != 0 || kernel.Checks < 500 || engine.Checks != 0 {
				t.Errorf("%+v", end)
			}
			for _, e := range events {
				if e.Kind == event.KindCheck {
					t.Errorf("event %d: %+v", e.N, e.Check)
				}
			}
		})
	}
}

func faults(t *testing.T, texts []string) (rules []link.Rule) {
	t.Helper()
	for _, text := range texts {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

func recorded(t *testing.T, c Config) (events []event.Event) {
	t.Helper()
	for e, err := range Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// replay computes the client's numbers anew from the segments of a run and compares them at its samples; the event at the place
// without is left out. It returns the names of what did not agree.
func replay(events []event.Event, without int) (names []string) {
	var p tap
	for i, e := range events {
		if e.Host != event.Client || i == without {
			continue
		}
		switch e.Kind {
		case event.KindTx:
			p.announces(&e.Seg, &e.Derived.Numbers)
			p.sends(&e.Seg)
		case event.KindRx:
			p.receives(&e.Seg, &e.Derived.Numbers)
		case event.KindVars:
			p.check(&e.Vars, e.State, func(c event.Check) { names = append(names, c.Name) })
		}
	}
	return names
}

// TestCheckFindsWhatIsMissing leaves out one segment of a run, each kind once, and expects the comparison that must fail.
func TestCheckFindsWhatIsMissing(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	// 64 KiB and more, so that the kernel's window grows and its send buffer holds back.
	events := recorded(t, Config{World: Tun, Bytes: 200_000, Seed: 1, Delay: 5 * time.Millisecond, Deadline: time.Minute})
	if names := replay(events, -1); len(names) != 0 {
		t.Fatalf("with all segments: %v", names)
	}
	for _, tt := range []struct {
		what, name string
		kind       event.Kind
		is         func(*event.Event) bool
	}{
		{"data that arrived", "bytes_received", event.KindRx, func(e *event.Event) bool { return e.Seg.Len > 0 }},
		{"data that were sent", "outq - notsent_bytes", event.KindTx, func(e *event.Event) bool { return e.Seg.Len > 0 }},
		{"an acknowledgment", "bytes_acked", event.KindRx, func(e *event.Event) bool { return e.Seg.Len == 0 && e.Seg.Flags == event.ACK }},
		{"an announcement", "rcv_wnd", event.KindTx, func(e *event.Event) bool { return e.Seg.Len == 0 && e.Seg.Flags == event.ACK }},
	} {
		missed := true
		for i := range events {
			e := &events[i]
			if e.Kind == tt.kind && e.Host == event.Client && tt.is(e) && slices.Contains(replay(events, i), tt.name) {
				missed = false
				break
			}
		}
		if missed {
			t.Errorf("without %s no comparison of %s fails", tt.what, tt.name)
		}
	}
}

// TestCheckGoesOn: one disagreement is told once, with both values.
func TestCheckGoesOn(t *testing.T) {
	p := tap{Vars: event.Vars{Has: event.HasISS | event.HasIRS | event.HasUna | event.HasNxt | event.HasWnd | event.HasRcvNxt | event.HasRcvWnd,
		ISS: 1000, Una: 1101, Nxt: 1201, IRS: 5000, RcvNxt: 5011, Wnd: 7, RcvWnd: 8}}
	v := event.Vars{Has: event.HasBytesAcked | event.HasFlight | event.HasSndBuf | event.HasNotSent | event.HasBytesReceived | event.HasWnd | event.HasRcvWnd,
		BytesAcked: 102, Flight: 1, SndBuf: 150, NotSent: 30, BytesReceived: 12, Wnd: 70, RcvWnd: 80}
	var got []event.Check
	made := p.check(&v, event.StateEstablished, func(c event.Check) { got = append(got, c) })
	want := []event.Check{{Name: "bytes_acked", Computed: 101, Read: 102}, {Name: "outq - notsent_bytes", Computed: 100, Read: 120},
		{Name: "bytes_received", Computed: 10, Read: 12}, {Name: "snd_wnd", Computed: 7, Read: 70}, {Name: "rcv_wnd", Computed: 8, Read: 80}}
	if d := cmp.Diff(want, got); d != "" || made != 6 {
		t.Errorf("%d comparisons %s", made, d)
	}
	p.check(&v, event.StateEstablished, func(c event.Check) { t.Errorf("again: %+v", c) })
	v.Flight = 0
	got = nil
	p.check(&v, event.CloseWait, func(c event.Check) { got = append(got, c) })
	if d := cmp.Diff([]event.Check{{Name: "unacked", Computed: 1}}, got); d != "" {
		t.Error(d)
	}
	for _, s := range []event.State{event.StateUnknown, event.Closed, event.Listening, event.SynSent, event.SynReceived, event.TimeWait, event.ClosedReset} {
		if n := p.check(&v, s, func(event.Check) {}); n != 0 {
			t.Errorf("%v: %d comparisons", s, n)
		}
	}
}

// TestCheckWindows: where the field has no room for the window, the kernel's own may be larger, and not smaller; what a SYN cookie
// announced is forgotten until the next segment.
func TestCheckWindows(t *testing.T) {
	for _, tt := range []struct {
		field      uint16
		read, want int
	}{{65535, 66608, 0}, {65535, 65535, 0}, {65535, 65000, 1}, {65534, 66608, 1}} {
		p := tap{}
		p.announces(&event.Segment{Flags: event.ACK, Win: tt.field}, &event.Numbers{Window: uint32(tt.field), HasWindow: true})
		n := 0
		p.check(&event.Vars{Has: event.HasRcvWnd, RcvWnd: uint32(tt.read)}, event.StateEstablished, func(event.Check) { n++ })
		if n != tt.want {
			t.Errorf("field %d, %d read: %d disagree, want %d", tt.field, tt.read, n, tt.want)
		}
	}
	r := recorder{}
	answer := event.Event{Kind: event.KindTx, Host: event.Server, Conn: 1, Seg: event.Segment{Flags: event.SYN | event.ACK, Seq: 1, Ack: 1, Win: 65160},
		Evidence: event.SentCookie, Derived: event.Derived{Numbers: event.Numbers{Window: 65160, HasWindow: true}}}
	windows := func() (wrong []event.Check) {
		r.observe(1, event.Server, 1, event.StateEstablished, event.Vars{Has: event.HasBytesAcked | event.HasRcvWnd, RcvWnd: 64240})
		for _, e := range r.take(nil) {
			if e.Kind == event.KindCheck && e.Check.Name == "rcv_wnd" {
				wrong = append(wrong, e.Check)
			}
		}
		return wrong
	}
	r.put(&answer)
	if wrong := windows(); wrong != nil {
		t.Errorf("behind a cookie: %+v", wrong)
	}
	answer.Evidence, answer.Seg.Flags = 0, event.ACK
	r.put(&answer)
	if d := cmp.Diff([]event.Check{{Name: "rcv_wnd", Computed: 65160, Read: 64240}}, windows()); d != "" {
		t.Error(d)
	}
}

// TestTapArrival: what arrives ahead is kept until the gap is closed; what stands beyond the window, is damaged or is old is not taken.
func TestTapArrival(t *testing.T) {
	p := tap{}
	syn := event.Segment{Flags: event.SYN, Seq: 99}
	p.receives(&syn, &event.Numbers{Window: 10, HasWindow: true})
	synack := event.Segment{Flags: event.SYN | event.ACK, Seq: 10, Ack: 100}
	p.announces(&synack, &event.Numbers{Window: 50, HasWindow: true})
	p.sends(&synack)
	for _, s := range []struct {
		seq  uint32
		n    int
		bad  bool
		fin  bool
		want uint32
	}{
		{120, 10, false, false, 100}, {110, 5, false, false, 100}, {100, 5, true, false, 100}, {145, 6, false, false, 100},
		{100, 10, false, false, 115}, {115, 10, false, false, 130}, {99, 3, false, false, 130}, {130, 20, false, true, 151},
	} {
		seg := event.Segment{Flags: event.ACK, Seq: s.seq, Ack: 11, Len: s.n, BadSum: s.bad}
		if s.fin {
			seg.Flags |= event.FIN
		}
		p.receives(&seg, &event.Numbers{Window: 10, HasWindow: true})
		if p.RcvNxt != s.want {
			t.Errorf("%+v: RCV.NXT %d", s, p.RcvNxt)
		}
	}
	if !p.passive || p.Una != 11 {
		t.Errorf("passive %t, SND.UNA %d", p.passive, p.Una)
	}
}
