package scenario

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestJudge_knowledge: with a time it counts what is known then, without one whether it ever was, and "not" whether it never
// was.
func TestJudge_knowledge(t *testing.T) {
	client, server := netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:7")
	syn := event.Segment{ID: 1, Src: client, Dst: server, Flags: event.SYN, Seq: 100}
	synAck := event.Segment{ID: 2, Src: server, Dst: client, Flags: event.SYN | event.ACK, Seq: 700, Ack: 101}
	events := []event.Event{
		{Kind: event.KindTx, Host: event.Client, Seg: syn, State: event.SynSent},
		{Kind: event.KindRx, Host: event.Server, Seg: syn, State: event.Listening},
		{Kind: event.KindTx, Host: event.Server, Seg: synAck, State: event.SynReceived},
		{Kind: event.KindRx, Host: event.Client, Seg: synAck, State: event.SynSent},
		{Kind: event.KindEnd, End: &event.End{}},
	}
	for line, want := range map[string]string{
		"client syn arrived":                            "pass 4 knows client-number confirmed",
		"client syn arrived at 2ms":                     "fail 2 unaware client-number confirmed",
		"unaware client syn arrived at 2ms":             "pass 2 unaware client-number confirmed",
		"not client syn arrived":                        "fail 4 knows client-number confirmed",
		"not client syn arrived at 3ms":                 "pass 2 unaware client-number confirmed",
		"not client ack arrived":                        "pass 1 nothing",
		"assumes server client-number confirmed at 10s": "pass 2 assumes client-number confirmed",
		"server client-number confirmed":                "fail 2 assumes client-number confirmed",
		"client syn arrived conn 2":                     "fail 1 nothing",
		"unaware server server->client open":            "pass 4 unaware server->client open",
		"client client->server closed":                  "fail 4 knows client->server open",
	} {
		s, err := Parse("t.scn", frame("expect knows "+line))
		if err != nil {
			t.Fatal(err)
		}
		j := NewJudge(s, Memory)
		for i := range events {
			e := events[i]
			e.T, e.N, e.Conn = int64(i+1)*1e6, i+1, 1
			j.Add(&e)
		}
		v := j.Verdicts()[0]
		word := "fail"
		if v.Verdict == event.Pass {
			word = "pass"
		}
		if d := cmp.Diff(want, fmt.Sprintf("%s %d %s", word, v.N, v.Found)); d != "" {
			t.Errorf("%s: %s", line, d)
		}
	}
}
