package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestEvidenceOfRepetitions: each way in which netstack repeats itself leaves its own traces.
func TestEvidenceOfRepetitions(t *testing.T) {
	fast := event.Recovering | event.FastRetransmitted
	for _, tt := range []struct {
		name   string
		socket app.Socket
		lose   []int
		bytes  int
		want   []event.Evidence // of the repetitions, in order
	}{
		{"fast", app.Socket{}, []int{3}, 14200, []event.Evidence{fast}},
		{"two in one recovery", app.Socket{}, []int{3, 6}, 14200, []event.Evidence{fast, event.Recovering, event.Recovering}}, // netstack repeats the second twice
		{"NewReno", app.Socket{SACK: app.Off}, []int{3}, 14480, []event.Evidence{fast}},
		{"timeout", app.Socket{}, []int{10}, 14200, []event.Evidence{event.InTimer | event.Expired | event.SlowStartRetrans}},
		{"what follows from a timeout", app.Socket{}, []int{8, 9, 10}, 14200, []event.Evidence{event.InTimer | event.Expired | event.SlowStartRetrans, event.Resending, event.Resending}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCable(t, false, tt.socket, app.Socket{})
			client, server := c.connect(t)
			c.each = func() { drain(t, server) }
			c.lose = numbered(event.Client, tt.lose...)
			write(t, client, tt.bytes)
			c.run(time.Minute)
			var got []event.Evidence
			seen := make(map[uint32]bool)
			for _, s := range c.data(event.Client) {
				if seen[s.tcp.Seq()] {
					got = append(got, s.sent.Evidence)
				} else if s.sent.Evidence != 0 {
					t.Errorf("%v at the first transmission", s.sent.Evidence)
				}
				seen[s.tcp.Seq()] = true
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestBackedOff: an expiry that changed nothing is none, one at the longest timeout is one.
func TestBackedOff(t *testing.T) {
	var got []uint32
	var p past
	for _, step := range []struct {
		expired bool
		rto     int64
	}{{false, 2e8}, {true, 4e8}, {true, 4e8}, {true, 8e8}, {false, 8e8}, {false, 2e8}, {true, 120e9}, {true, 120e9}} {
		if step.expired {
			p.expired()
		}
		v := event.Vars{Has: event.HasCwnd, RTO: step.rto}
		p.backedOff(&v)
		got = append(got, v.Backoff)
	}
	if d := cmp.Diff([]uint32{0, 1, 1, 2, 2, 0, 1, 2}, got); d != "" {
		t.Error(d)
	}
}

// TestEvidenceOfSyn: a SYN and a SYN-ACK that come again do so because of their timers.
func TestEvidenceOfSyn(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.lose = numbered(event.Server, 1)
	c.listen(t)
	c.dial(t, 40000)
	c.run(1005 * time.Millisecond)
	again := event.InTimer | event.Expired | event.SynRetransmitted
	var got []event.Evidence
	for _, s := range c.sent {
		got = append(got, s.sent.Evidence)
	}
	if d := cmp.Diff([]event.Evidence{0, 0, again}, got); d != "" {
		t.Error(d)
	}
}

// TestEvidenceOfChallenge: a RST in the window but not at its edge, and a SYN into a connection that stands, are answered
// by a challenge (RFC 5961 sections 3.2 and 4.2); other answers to what is outside of the window are none.
func TestEvidenceOfChallenge(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.connect(t)
	_, v := c.sample(event.Client)
	for _, tt := range []struct {
		name  string
		flags event.Flags
		seq   uint32
		want  event.Evidence
	}{
		{"RST in the window", event.RST, v.RcvNxt + 100, event.Challenged},
		{"SYN", event.SYN, v.RcvNxt + 100, event.Challenged},
		{"keepalive", event.ACK, v.RcvNxt - 1, 0},
	} {
		c.sent = nil
		c.loop.At(c.loop.Now()+time.Minute, func() {
			c.deliver(t, event.Client, segmentTo(c, event.Client, wire.TCPFields{Seq: tt.seq, Ack: v.Nxt, Flags: wire.TCPFlags(tt.flags), Window: 1000}))
		})
		c.run(2 * time.Minute)
		if len(c.sent) != 1 || c.sent[0].flags() != "ACK" || c.sent[0].sent.Evidence != tt.want {
			t.Errorf("%s: %+v", tt.name, c.sent)
		}
	}
}
