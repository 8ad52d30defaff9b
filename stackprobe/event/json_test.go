package event_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// samples is one event of each kind with every part filled that its kind has.
func samples() []event.Event {
	seg := event.Segment{
		ID: 7, Src: netip.MustParseAddrPort("10.7.0.1:40000"), Dst: netip.MustParseAddrPort("10.7.0.2:7000"),
		IPID: 9, Hop: 64, Flags: event.SYN | event.ACK | event.FIN, Seq: 1000, Ack: 2000,
		Win: 512, Len: 3, Hash: 1 << 63, BadSum: true,
		Opts: event.Options{Has: event.OptMSS | event.OptWScale | event.OptSackPermitted | event.OptTimestamps | event.OptSack,
			MSS: 1460, WScale: 7, TSVal: 5, TSEcr: 6, NSack: 2,
			Sack: [4]event.Block{{Left: 10, Right: 20}, {Left: 30, Right: 40}}},
	}
	derived := event.Derived{Numbers: event.Numbers{RelSeq: 1, RelAck: 2, HasRelSeq: true, HasRelAck: true, Window: 65536, HasWindow: true, Attempt: 2,
		RelSack: [4]event.Range{{First: 1, Last: 2}, {First: 3, Last: 4}}}, Why: event.Fast, WhyHow: event.Inferred}
	vars := event.Vars{Has: 1<<12 - 1, How: event.Read, Computed: event.HasUna | event.HasNxt, ISS: 1, IRS: 2, Una: 3, Nxt: 4, Wnd: 5, Cwnd: 6,
		Ssthresh: event.InfiniteSsthresh, RTO: 8, SRTT: 9, RTTVar: 10, RcvNxt: 11, RcvWnd: 12}
	run := &event.Run{World: "memory", Why: "no /dev/net/tun", Clock: event.Virtual, Version: "1", Seed: -1, Bytes: 2, DelayClient: 3, DelayServer: 4,
		MTU: 1500, Deadline: 5, Client: event.Stack{Name: "a", CC: "reno", Recovery: "x", Addr: "10.7.0.1"}, Server: event.Stack{Name: "b", CC: "cubic"},
		Faults: []string{"client> drop data 1"}, Pinned: []string{"MPTCP off", "\x1b\"\\é"}, Unpinned: []string{"x"}}
	end := &event.End{OK: true, Reason: "none", Client: event.Totals{State: event.TimeWait, Written: 1, Received: 2, Match: true, Segments: 3, Retransmitted: 4, Lost: 5, KernelAcked: 6, KernelReceived: 7, HasKernel: true}}
	return []event.Event{
		{T: 0, N: 1, Clock: event.Virtual, Kind: event.KindRun, Run: run},
		{T: 1, N: 2, Clock: event.Virtual, Kind: event.KindTx, Host: event.Client, Seg: seg, Derived: derived, State: event.StateEstablished, StateHow: event.Read, Vars: vars},
		{T: 2, N: 3, Clock: event.Virtual, Kind: event.KindLost, Host: event.Client, Seg: seg, Derived: derived, Rule: "client> drop data 1"},
		{T: 3, N: 4, Clock: event.Mono, Kind: event.KindState, Host: event.Server, From: event.Listening, State: event.SynReceived, StateHow: event.Read},
		{T: 4, N: 5, Clock: event.Mono, Kind: event.KindApp, Host: event.Server, App: event.App{Call: event.Write, Bytes: 9}},
		{T: 4, N: 6, Clock: event.Mono, Kind: event.KindApp, Host: event.Server, App: event.App{Call: event.Failed, Err: "connection timed out"}},
		{T: 5, N: 7, Clock: event.Mono, Kind: event.KindTimer, Host: event.Client, Timer: event.Timer{Kind: event.RTO, How: event.Inferred}},
		{T: 6, N: 8, Clock: event.Mono, Kind: event.KindNote, Level: event.Warning, Text: "a\nb"},
		{T: 6, N: 9, Clock: event.Mono, Kind: event.KindVars, Host: event.Client, Vars: event.Vars{Has: event.HasCwnd, How: event.Read, Cwnd: 10}},
		{T: 7, N: 10, Clock: event.Mono, Kind: event.KindEnd, End: end},
	}
}

func TestAppendJSON(t *testing.T) {
	var got []string
	for _, e := range samples() {
		b := event.AppendJSON(nil, &e)
		if !json.Valid(b) {
			t.Errorf("not JSON: %s", b)
		}
		got = append(got, string(b))
	}
	want := []string{
		`{"t_ns":0,"n":1,"clock":"virtual","event":"run","schema":"gnet/trace-tcp/1","world":"memory","why_world":"no /dev/net/tun","version":"1","seed":"-1","run_bytes":2,"delay_client_ns":3,"delay_server_ns":4,"mtu":1500,"deadline_ns":5,"client_stack":"a","client_cc":"reno","client_recovery":"x","client_addr":"10.7.0.1","server_stack":"b","server_cc":"cubic","faults":[{"rule":"client> drop data 1"}],"pinned":[{"what":"MPTCP off"},{"what":"\u001b\"\\é"}],"unpinned":[{"what":"x"}]}`,
		`{"t_ns":1,"n":2,"clock":"virtual","event":"tx","host":"client","segment":7,"src":"10.7.0.1","src_port":40000,"dst":"10.7.0.2","dst_port":7000,"ip_id":9,"ttl":64,"flags":"SYN,FIN,ACK","seq":1000,"ack":2000,"rel_seq":1,"rel_ack":2,"win":512,"window":65536,"len":3,"mss":1460,"wscale":7,"sack_permitted":true,"ts_val":5,"ts_ecr":6,"sack":[{"left":10,"right":20,"rel_left":1,"rel_right":2},{"left":30,"right":40,"rel_left":3,"rel_right":4}],"hash":"8000000000000000","checksum_ok":false,"attempt":2,"why":"fast","why_how":"inferred","state":"ESTABLISHED","state_how":"read","vars_how":"read","iss":1,"irs":2,"una":3,"nxt":4,"wnd":5,"cwnd":6,"ssthresh":2147483647,"rto_ns":8,"srtt_ns":9,"rttvar_ns":10,"rcv_nxt":11,"rcv_wnd":12,"computed":"una nxt"}`,
		`{"t_ns":2,"n":3,"clock":"virtual","event":"lost","host":"client","segment":7,"src":"10.7.0.1","src_port":40000,"dst":"10.7.0.2","dst_port":7000,"ip_id":9,"ttl":64,"flags":"SYN,FIN,ACK","seq":1000,"ack":2000,"rel_seq":1,"rel_ack":2,"win":512,"window":65536,"len":3,"mss":1460,"wscale":7,"sack_permitted":true,"ts_val":5,"ts_ecr":6,"sack":[{"left":10,"right":20,"rel_left":1,"rel_right":2},{"left":30,"right":40,"rel_left":3,"rel_right":4}],"hash":"8000000000000000","checksum_ok":false,"attempt":2,"why":"fast","why_how":"inferred","rule":"client> drop data 1"}`,
		`{"t_ns":3,"n":4,"clock":"mono","event":"state","host":"server","from":"LISTEN","state":"SYN-RECEIVED","state_how":"read"}`,
		`{"t_ns":4,"n":5,"clock":"mono","event":"app","host":"server","call":"write","bytes":9}`,
		`{"t_ns":4,"n":6,"clock":"mono","event":"app","host":"server","call":"failed","error":"connection timed out"}`,
		`{"t_ns":5,"n":7,"clock":"mono","event":"timer","host":"client","timer":"rto","timer_how":"inferred"}`,
		`{"t_ns":6,"n":8,"clock":"mono","event":"note","level":"warning","text":"a\u000ab"}`,
		`{"t_ns":6,"n":9,"clock":"mono","event":"vars","host":"client","vars_how":"read","cwnd":10}`,
		`{"t_ns":7,"n":10,"clock":"mono","event":"end","ok":true,"reason":"none","client_state":"TIME-WAIT","client_written":1,"client_received":2,"client_match":true,"client_segments":3,"client_retransmitted":4,"client_lost":5,"client_kernel_acked":6,"client_kernel_received":7,"server_written":0,"server_received":0,"server_match":false,"server_segments":0,"server_retransmitted":0,"server_lost":0}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
