package kernelside

import (
	"net/netip"
	"testing"
	"time"

	"gnet/stackprobe/event"
)

// TestOwner: of the sockets with the addresses of a connection, those of another run among them, the one is ours that begins in answer to
// what we did: not one before, and none beside it.
func TestOwner(t *testing.T) {
	tuple := event.Tuple{Local: netip.MustParseAddrPort("192.0.2.1:7"), Remote: netip.MustParseAddrPort("192.0.2.2:40000")}
	record := func(sk uint64, at time.Duration, from, to uint8) *traceRecord {
		return &traceRecord{what: traceState, sk: sk, at: int64(at), old: from, new: to,
			src: tuple.Local.Addr(), sport: tuple.Local.Port(), dst: tuple.Remote.Addr(), dport: tuple.Remote.Port()}
	}
	for _, tt := range []struct {
		name         string
		since, until time.Duration
		r            *traceRecord
		ours         bool
	}{
		{"a child of another's listener, when ours has only sent its SYN,ACK", 0, 0, record(1, 20, tcpSynRecv, tcpEstablished), false},
		{"a child established before we handed ours a segment", 30, 0, record(1, 20, tcpSynRecv, tcpEstablished), false},
		{"a child established by the segment", 30, 0, record(1, 31, tcpSynRecv, tcpEstablished), true},
		{"a socket that connects before our call", 30, 40, record(1, 20, tcpClose, tcpSynSent), false},
		{"a socket that connects during our call", 30, 40, record(1, 35, tcpClose, tcpSynSent), true},
		{"a socket that connects after our call", 30, 40, record(1, 41, tcpClose, tcpSynSent), false},
		{"a change that is no beginning", 30, 0, record(1, 31, tcpEstablished, tcpClose), false},
	} {
		h := &Host{conns: make(map[event.Tuple]*connection), tracer: &tracer{sockets: make(map[uint64]*connection)}}
		c := h.add(tuple, -1)
		c.known.since, c.known.until = tt.since, tt.until
		if got := h.owner(tt.r) == c; got != tt.ours {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.ours)
		}
		if tt.ours && (h.owner(record(2, 36, tcpSynRecv, tcpEstablished)) != nil || h.owner(record(1, 50, tcpEstablished, tcpClose)) != c) {
			t.Errorf("%s: a second socket, or not the first", tt.name)
		}
	}
}
