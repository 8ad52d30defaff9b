package event_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// samples is one event of each kind with every part filled that its kind has.
func samples() []event.Event {
	seg := event.Segment{
		ID: 7, Src: netip.MustParseAddrPort("10.7.0.1:40000"), Dst: netip.MustParseAddrPort("10.7.0.2:7000"),
		IPID: 9, Hop: 64, Flags: event.SYN | event.ACK | event.FIN, Seq: 1000, Ack: 2000, Win: 512, Len: 3, Hash: 1 << 63, Size: 60, Wire: "E\x00\xff", BadSum: true,
		Opts: event.Options{Has: event.OptMSS | event.OptWScale | event.OptSackPermitted | event.OptTimestamps | event.OptSack,
			MSS: 1460, WScale: 7, TSVal: 5, TSEcr: 6, NSack: 2, Sack: [4]event.Block{{Left: 10, Right: 20}, {Left: 30, Right: 40}}},
	}
	six := event.Segment{ID: 8, Src: netip.MustParseAddrPort("[2001:db8::1]:40000"), Dst: netip.MustParseAddrPort("[2001:db8::2]:7"), Hop: 64, Flags: event.RST, Seq: 1<<32 - 1,
		Origin: event.Injected, Line: "inject at 1s rst"}
	derived := event.Derived{Numbers: event.Numbers{RelSeq: -1, RelEnd: 2, RelAck: 1 << 33, HasRelSeq: true, HasRelAck: true, Window: 65536, HasWindow: true, Attempt: 2,
		RelSack: [4]event.Range{{First: 1, Last: 2}, {First: 3, Last: 4}}}, Why: event.Fast, WhyHow: event.Inferred,
		SentN: 3, SentT: 4, Repeat: true, Spurious: true, Copy: true, Stale: true, NewlyAcked: 5, DupAck: 6, DupCause: event.CauseReordering, Gap: event.CauseLoss,
		Wireshark: event.Asked | event.SaysRetransmission | event.SaysReusedPorts, Misread: event.OtherMisreading}
	vars := event.Vars{Has: 1<<29 - 1, How: event.Read, Computed: event.HasUna | event.HasHeld, ISS: 1, IRS: 2, Una: 3, Nxt: 4, Wnd: 5, Cwnd: 6,
		Ssthresh: event.InfiniteSsthresh, RTO: 8, SRTT: 9, RTTVar: 10, RcvNxt: 11, RcvWnd: 12, At: 13, Congestion: event.CongestionRecovery, Flight: 14, Sacked: 15,
		Lost: 16, Retrans: 17, DupAcks: 18, Reordering: 19, Backoff: 20, Probes: 21, BytesAcked: 1<<64 - 1, BytesReceived: 23, SndMSS: 24, SndBuf: 25, RcvBuf: 26, NotSent: 27,
		NScoreboard: 1, Scoreboard: [4]event.Block{{Left: 1, Right: 2}}, NHeld: 2, Held: [4]event.Block{{Left: 3, Right: 4}, {Left: 5, Right: 6}}}
	run := &event.Run{World: "tun", Why: "no /dev/net/tun", Clock: event.Mono, Start: 1_700_000_000_000_000_001, Version: "1", Scenario: "lost", Title: "Two are lost", Look: "Watch.", Seed: -1, Bytes: 2, Snap: 128, IPv6: true, DelayClient: 3, DelayServer: 4,
		MTU: 1500, Deadline: 5, Client: event.Stack{Name: "a", CC: "reno", Recovery: "x", Addr: "10.7.0.1", Kernel: true, Options: "mss 1000"},
		Server: event.Stack{Name: "b", CC: "cubic", Recovery: "y", Addr: "10.7.0.2", Kernel: true, Options: "sack off"},
		Conns:  "1,4-6", Programs: [3]string{event.Client: "curl -s", event.Server: "httpd"}, Faults: []string{"client> drop data 1"}, Crafted: []string{"inject at 1s rst"}, Pinned: []string{"MPTCP off", "\x1b\"\\é\u202e"}, Unpinned: []string{"x\xff"}, ClockError: 6, ClockErrorMax: 7}
	totals := event.Totals{State: event.TimeWait, Written: 1, Received: 2, Match: true, Segments: 3, Retransmitted: 4, Lost: 5, KernelAcked: 6, KernelReceived: 7,
		HasKernel: true, WrittenHash: 1 << 63, ReceivedHash: 9, Checks: 10, Wrong: 11}
	guest := event.Totals{State: event.TimeWait, Program: true, Segments: 3}
	fault := event.Fault{Action: event.Corrupt, Rule: "corrupt data 1", Number: 2, Wait: 3, Copy: 4, Bit: 5, Fragments: 6}
	run.Path = &event.Path{Size: 4000, Count: 2, TTL: 5, TOS: 184, DF: true, Loop: true, Options: []string{"rr", "\xff"},
		Nodes: []event.Node{{Name: "client", Stack: "linux 6", Kernel: true}, {Name: "router 1", Stack: "gvisor"}}, Links: []event.Hop{{MTU: 1500, Near: "10.7.0.1", Far: "10.7.0.2"}}}
	packet := &event.Packet{ID: 3, Link: 2, Node: 1, Datagram: 4, Parent: 2, About: 1, Src: netip.MustParseAddr("10.7.0.1"), Dst: netip.MustParseAddr("10.7.0.2"), Header: 24, Data: 16, TOS: 184,
		Size: 40, Ident: 9, HasIdent: true, DF: true, MF: true, Offset: 1480, TTL: 63, Protocol: 17, Checksum: 0xbeef, BadSum: true, Options: "\x07\x03\x04\x00", Wire: "E\xff"}
	packet6 := &event.Packet{ID: 4, Link: 1, Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::2"), Header: 48, Data: 1448, Size: 1496, Flow: 1<<20 - 1, Ident: 1<<32 - 1,
		HasIdent: true, MF: true, TTL: 64, Protocol: 17}
	buffer := &event.Reassembly{Step: event.TimedOut, Node: 2, Datagram: 1, Packet: 3, Held: []event.Range{{Last: 1480}, {First: 2960, Last: 3980}}, Octets: 2500, Total: 3980, Since: 1, Until: 2}
	return []event.Event{
		{T: 0, N: 1, Clock: event.Mono, Kind: event.KindRun, Run: run},
		{T: 1, N: 2, Clock: event.Virtual, Kind: event.KindTx, Host: event.Client, Conn: 1, Seg: seg, Derived: derived, Evidence: 1<<17 - 1, State: event.StateEstablished, StateHow: event.Read, Vars: vars},
		{T: 2, N: 3, Clock: event.Virtual, Kind: event.KindLost, Host: event.Client, Conn: 1, Seg: six, Rule: "client> drop data 1"},
		{T: 2, N: 4, Clock: event.Virtual, Kind: event.KindRx, Host: event.Server, Conn: 1, Seg: six},
		{T: 3, N: 4, Clock: event.Mono, Kind: event.KindState, Host: event.Server, From: event.Listening, State: event.SynReceived, StateHow: event.Inferred},
		{T: 4, N: 5, Clock: event.Mono, Kind: event.KindApp, Host: event.Server, App: event.App{Call: event.Write, Bytes: 9}},
		{T: 4, N: 6, Clock: event.Mono, Kind: event.KindApp, Host: event.Server, App: event.App{Call: event.Failed, Err: "connection timed out"}},
		{T: 5, N: 7, Clock: event.Mono, Kind: event.KindTimer, Host: event.Client, Timer: event.Timer{Kind: event.TimerPersist, Op: event.Armed, At: 9, How: event.Read}},
		{T: 6, N: 8, Clock: event.Mono, Kind: event.KindNote, Level: event.Warning, Text: "a\nb\xfe"},
		{T: 6, N: 9, Clock: event.Mono, Kind: event.KindVars, Host: event.Client, Vars: event.Vars{Has: event.HasCwnd, How: event.Read, Cwnd: 10}},
		{T: 7, N: 10, Clock: event.Mono, Kind: event.KindFault, Host: event.Client, Seg: six, Fault: fault},
		{T: 7, N: 11, Clock: event.Mono, Kind: event.KindICMP, Host: event.Client, Seg: six, ICMP: event.ICMP{Type: 3, Code: 4, MTU: 1400, Size: 96, Wire: "E\x00"}},
		{T: 7, N: 12, Clock: event.Mono, Kind: event.KindCheck, Host: event.Client, Check: event.Check{Name: "bytes_acked", Computed: -1, Read: 2}},
		{T: 7, N: 13, Clock: event.Mono, Kind: event.KindCounters, Host: event.Client, Counters: []event.Counter{{Name: "TCPTimeouts", Value: 1<<64 - 1}}},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindExpectation, Expectation: &event.Expectation{Text: "lost client = 1", Line: 9, Verdict: event.Fail, Found: "2", N: 5}},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindTx, Host: event.Client, Packet: packet6},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindICMP, Host: event.Client, Packet: packet, ICMP: event.ICMP{Type: 11}},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindDiscard, Packet: packet, Text: "time to live"},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindReassembly, Host: event.Server, Reassembly: buffer},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindFrame, Host: event.Client, Frame: event.Frame{Sent: true, Size: 42, Wire: "\xff\x00"}},
		{T: 7, N: 14, Clock: event.Mono, Kind: event.KindFrame, Host: event.Client, Frame: event.Frame{Size: 60}},
		{T: 7, N: 15, Clock: event.Mono, Kind: event.KindEnd, End: &event.End{OK: true, Reason: "none", Client: totals, Server: totals}},
		{T: 7, N: 16, Clock: event.Mono, Kind: event.KindEnd, End: &event.End{OK: true, Client: guest, Server: totals}},
	}
}

// TestAppendJSON compares with a file, which other tests read as a stored run with every key.
func TestAppendJSON(t *testing.T) {
	var got []string
	for _, e := range samples() {
		b := event.AppendJSON(nil, &e)
		if !json.Valid(b) {
			t.Errorf("not JSON: %s", b)
		}
		got = append(got, string(b))
	}
	want, err := os.ReadFile("testdata/every.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), got); d != "" {
		t.Error(d)
	}
}

// TestSamplesAreWhole: every field of an event is set in some sample, so that the tests of the two directions miss none.
func TestSamplesAreWhole(t *testing.T) {
	set := make(map[string]bool)
	for _, e := range samples() {
		fields(reflect.ValueOf(e), "Event", set)
	}
	var unset []string
	for name, ok := range set {
		if !ok {
			unset = append(unset, name)
		}
	}
	slices.Sort(unset)
	if d := cmp.Diff([]string(nil), unset); d != "" {
		t.Errorf("in no sample: %s", d)
	}
}

// fields records for each field below v whether it is set.
func fields(v reflect.Value, name string, set map[string]bool) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		set[name] = true
		fields(v.Elem(), name, set)
	case v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().PkgPath(), "gnet/"):
		for i := range v.NumField() {
			fields(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, set)
		}
	default:
		set[name] = set[name] || !v.IsZero()
	}
}
