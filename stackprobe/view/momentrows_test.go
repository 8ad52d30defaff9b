package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// TestPanes_eventMarks: below the strips stands what the segment of an event has of their octets, or acknowledges.
func TestPanes_eventMarks(t *testing.T) {
	numbers := func(seq, end, ack int64) event.Derived {
		return event.Derived{Numbers: event.Numbers{RelSeq: seq, RelEnd: end, RelAck: ack, HasRelSeq: true, HasRelAck: true}}
	}
	sack := numbers(1, 1, 201)
	sack.RelSack[0] = event.Range{First: 301, Last: 401}
	for _, c := range []struct {
		name string
		e    event.Event
		want string
	}{
		{"data", event.Event{Conn: 1, Kind: event.KindTx, Host: event.Client, Derived: numbers(101, 301, 1)}, "event            ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ 101:301"},
		{"less than a column", event.Event{Conn: 1, Kind: event.KindRx, Host: event.Server, Derived: numbers(105, 106, 1)}, "event            ▀ 105:106"},
		{"the octets of the other", event.Event{Conn: 1, Kind: event.KindTx, Host: event.Server, Derived: numbers(101, 301, 11)}, "event   ▲ ack 11"},
		{"an acknowledgment that arrives", event.Event{Conn: 1, Kind: event.KindRx, Host: event.Client, Derived: numbers(1, 1, 201), Seg: event.Segment{Opts: event.Options{NSack: 0}}}, "event                      ▲ ack 201"},
		{"with SACK", event.Event{Conn: 1, Kind: event.KindRx, Host: event.Client, Derived: sack, Seg: event.Segment{Opts: event.Options{NSack: 1}}}, "event                      ▲         ▀▀▀▀▀▀▀▀▀▀ ack 201"},
		{"at the right", event.Event{Conn: 1, Kind: event.KindLost, Host: event.Client, Derived: numbers(601, 1<<62, 1)}, "event  601:4611686018427387904                                     ▀▀▀▀▀▀▀▀▀▀▀▀▀"},
		{"beyond", event.Event{Conn: 1, Kind: event.KindLost, Host: event.Client, Derived: numbers(1<<61, 1<<62, 1)}, "event   2305843009213693952:4611686018427387904"},
		{"before", event.Event{Conn: 1, Kind: event.KindTx, Host: event.Client, Derived: numbers(-1<<62, 0, 1)}, "event   -4611686018427387904:0"},
		{"another connection", event.Event{Conn: 2, Kind: event.KindTx, Host: event.Client, Derived: numbers(101, 301, 1)}, ""},
		{"no segment", event.Event{Conn: 1, Kind: event.KindTimer, Host: event.Client}, ""},
	} {
		var rows []Row
		x := NewPanes(Options{})
		p := x.page(80, &rows)
		p.eventMarks(&analyze.Space{Conn: 1, Sender: event.Client}, &track{scale: scale{1, 10}}, &c.e)
		got := ""
		for _, s := range rows[0].Spans {
			got += s.Text
		}
		if diff := cmp.Diff(c.want, got); diff != "" || len(rows) != 1 {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestPanes_text: what happened is words with one blank between, and none before a comma.
func TestPanes_text(t *testing.T) {
	x := NewPanes(Options{})
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{event.Event{Conn: 1, Kind: event.KindLost, Host: event.Client, Rule: "client> drop data 1", Seg: event.Segment{Flags: event.ACK, Len: 1},
			Derived: event.Derived{Why: event.WindowProbe, WhyHow: event.Computed, Numbers: event.Numbers{RelSeq: 1, RelEnd: 2, RelAck: 1, HasRelSeq: true, HasRelAck: true}}},
			"client lost: ACK 1:2 ack 1 win 0? ~window-probe, by client> drop data 1"},
		{event.Event{Conn: 2, Kind: event.KindTx, Host: event.Client, Seg: event.Segment{Flags: event.ACK, Len: 1},
			Derived: event.Derived{Numbers: event.Numbers{RelSeq: 1, RelEnd: 2, RelAck: 1, HasRelSeq: true, HasRelAck: true}}},
			"#2 client sends ACK 1:2 ack 1 win 0?"},
	} {
		if diff := cmp.Diff(c.want, x.Text(&c.e)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
