package event

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFlows_anotherSynAck: a listener that has answered with a cookie may draw another number when the SYN comes again. It counts
// anew as long as the client has not acknowledged the first; from then on the first stays.
func TestFlows_anotherSynAck(t *testing.T) {
	client, server := netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:7")
	from := func(h Host, flags Flags, seq, ack uint32) Segment {
		s := Segment{Src: client, Dst: server, Flags: flags, Seq: seq, Ack: ack}
		if h == Server {
			s.Src, s.Dst = server, client
		}
		return s
	}
	type numbers struct {
		Rel, Ack int64
		Attempt  int
	}
	for _, believed := range []bool{false, true} {
		var f Flows
		steps := []struct {
			host Host
			s    Segment
		}{
			{Client, from(Client, SYN, 100, 0)}, {Server, from(Server, SYN|ACK, 5000, 101)}, {Client, from(Client, SYN, 100, 0)},
			{Client, from(Client, ACK, 101, 5001)},
			{Server, from(Server, SYN|ACK, 3_000_000_000, 101)}, {Server, from(Server, SYN|ACK, 3_000_000_000, 101)}, {Server, from(Server, ACK, 3_000_000_001, 101)},
		}
		if !believed {
			steps[3].s = from(Client, RST|ACK, 101, 5001) // it does not believe it
		}
		var got []numbers
		for _, step := range steps {
			n := f.Departs(f.Place(step.host, &step.s), step.host, &step.s)
			got = append(got, numbers{n.RelSeq, n.RelAck, n.Attempt})
		}
		want := []numbers{{0, 0, 1}, {0, 1, 1}, {0, 0, 2}, {1, 1, 0}, {0, 1, 1}, {0, 1, 2}, {1, 1, 0}}
		if believed {
			off := int64(int32(3_000_000_000 - 5000 - 1<<32))
			want[3], want[4], want[5], want[6] = numbers{1, 1, 0}, numbers{off, 1, 2}, numbers{off, 1, 3}, numbers{off + 1, 1, 0}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("believed is %t: %s", believed, d)
		}
	}
}
