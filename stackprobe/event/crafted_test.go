package event_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// TestFlows_mixed: what belongs to another connection between the same sockets has no relative numbers, and does not change
// those of the connection. The same numbers come where the connections are known already, as in a stored run.
func TestFlows_mixed(t *testing.T) {
	client, server := netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:7")
	type step struct {
		from     event.Host
		origin   event.Origin
		flags    event.Flags
		seq, ack uint32
		conn     int
		rel, to  int64 // -1 where there is none
	}
	const old, iss, oldServer, peer = 1111, 3_000_000_000, 700_000_000, 2_000_000_000
	steps := []step{
		{event.Client, event.FromStack, event.SYN, iss, 0, 1, 0, -1},
		{event.Client, event.Injected, event.SYN, old, 0, 1, -1, -1},
		{event.Server, event.FromStack, event.SYN | event.ACK, oldServer, old + 1, 1, -1, -1},
		{event.Client, event.FromStack, event.RST, old + 1, 0, 1, -1, -1},
		{event.Server, event.FromStack, event.SYN | event.ACK, peer, iss + 1, 1, 0, 1},
		{event.Client, event.FromStack, event.ACK, iss + 1, peer + 1, 1, 1, 1},
		{event.Server, event.FromStack, event.ACK, oldServer + 1, old + 1, 1, -1, -1},
		{event.Client, event.Injected, event.RST, iss + 100, 0, 1, 100, -1},
		{event.Client, event.FromStack, event.SYN, old, 0, 2, 0, -1}, // a new incarnation, this time a true one
		{event.Server, event.FromStack, event.ACK, peer + 1, iss + 1, 2, -1, -1},
	}
	var live, stored event.Flows
	for i, s := range steps {
		seg := event.Segment{Src: client, Dst: server, Flags: s.flags, Seq: s.seq, Ack: s.ack, Origin: s.origin}
		if s.from == event.Server {
			seg.Src, seg.Dst = server, client
		}
		conn := live.Place(s.from, &seg)
		n := live.Departs(conn, s.from, &seg)
		got := step{s.from, s.origin, s.flags, s.seq, s.ack, conn, -1, -1}
		if n.HasRelSeq {
			got.rel = n.RelSeq
		}
		if n.HasRelAck {
			got.to = n.RelAck
		}
		if got != s {
			t.Errorf("step %d: %+v, want %+v", i, got, s)
		}
		if d := cmp.Diff(n, stored.Departs(conn, s.from, &seg)); d != "" {
			t.Errorf("step %d, stored: %s", i, d)
		}
	}
}
