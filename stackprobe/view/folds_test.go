package view

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// stride is one segment of data that leaves, arrives and is acknowledged, the i-th of a run in which nothing else happens.
func stride(i int) []event.Event {
	t := int64(i) * ms
	data, ack := seg(event.ACK, uint32(1+100*i), 100, 1), seg(event.ACK, 1, 0, uint32(101+100*i))
	data.ID, ack.ID = 2*i+1, 2*i+2
	n := event.Numbers{RelSeq: int64(1 + 100*i), RelEnd: int64(101 + 100*i), HasRelSeq: true, RelAck: 1, HasRelAck: true, Window: 65536, HasWindow: true}
	a := event.Numbers{RelSeq: 1, RelEnd: 1, HasRelSeq: true, RelAck: int64(101 + 100*i), HasRelAck: true, Window: 65536, HasWindow: true}
	return []event.Event{
		{T: t, Kind: event.KindTx, Host: cl, Conn: 1, Seg: data, Derived: event.Derived{Numbers: n, Why: event.New}},
		{T: t + 1, Kind: event.KindRx, Host: sv, Conn: 1, Seg: data, Derived: event.Derived{Numbers: n}},
		{T: t + 2, Kind: event.KindApp, Host: sv, Conn: 1, App: event.App{Call: event.Receive, Bytes: 100}},
		{T: t + 3, Kind: event.KindTx, Host: sv, Conn: 1, Seg: ack, Derived: event.Derived{Numbers: a, Why: event.Ack}},
		{T: t + 4, Kind: event.KindRx, Host: cl, Conn: 1, Seg: ack, Derived: event.Derived{Numbers: a}},
	}
}

// strides are those from first to last, with change made to the events of the one in the middle.
func strides(first, last int, change func([]event.Event) []event.Event) []event.Event {
	var list []event.Event
	for i := first; i <= last; i++ {
		part := stride(i)
		if i == (first+last)/2 && change != nil {
			part = change(part)
		}
		list = append(list, part...)
	}
	return list
}

// bodyRows are the rows between heading and result at 79 columns.
func bodyRows(t *testing.T, events []event.Event, o Options) []string {
	t.Helper()
	rows, _, _ := strings.Cut(draw(t, events, o), "\n\n")
	return strings.Split(strings.TrimSpace(rows), "\n")[1:]
}

// TestFolds_news: whatever is news stands between two stretches, in full; what is usual does not part them.
func TestFolds_news(t *testing.T) {
	add := func(e event.Event) func([]event.Event) []event.Event {
		return func(part []event.Event) []event.Event {
			e.T = part[4].T + 1
			return append(part, e)
		}
	}
	edit := func(which int, f func(*event.Event)) func([]event.Event) []event.Event {
		return func(part []event.Event) []event.Event {
			f(&part[which])
			return part
		}
	}
	for name, c := range map[string]struct {
		change func([]event.Event) []event.Event
		want   string // a part of the row, "" for no news
	}{
		"nothing": {nil, ""},
		"lost": {func(p []event.Event) []event.Event {
			p[1].Kind, p[1].Host, p[1].Rule = event.KindLost, cl, "drop"
			return p[:2]
		}, "x lost C->S ACK 3001:3101 ack 1 win 64K drop"},
		"repeated":      {edit(0, func(e *event.Event) { e.Derived.Repeat, e.Derived.Why = true, event.Fast }), "R fast ACK 3001:3101"},
		"repeated, new": {edit(0, func(e *event.Event) { e.Derived.Repeat = true }), "R ACK 3001:3101"},
		"probe":         {edit(0, func(e *event.Event) { e.Derived.Why = event.TailProbe }), "tlp ACK 3001:3101"},
		"copied":        {edit(1, func(e *event.Event) { e.Derived.Copy = true }), "3001:3101 copy"},
		"had it":        {edit(1, func(e *event.Event) { e.Derived.Stale = true }), "3001:3101 had it"},
		"broken":        {edit(1, func(e *event.Event) { e.Seg.BadSum = true }), "3001:3101 bad checksum"},
		"third dup":     {edit(4, func(e *event.Event) { e.Derived.DupAck = 3 }), "dup 3"},
		"fourth dup":    {edit(4, func(e *event.Event) { e.Derived.DupAck = 4 }), ""},
		"closed window": {edit(3, func(e *event.Event) { e.Derived.Window = 0 }), "ACK ack 3101 win 0"},
		"challenge":     {edit(3, func(e *event.Event) { e.Derived.Why = event.ChallengeAck }), "ACK ack 3101"},
		"no flags":      {edit(0, func(e *event.Event) { e.Seg.Flags = 0 }), "none 3001:3101"},
		"crafted":       {edit(0, func(e *event.Event) { e.Seg.Origin = event.Injected }), "injected ACK 3001:3101"},
		"fin":           {edit(0, func(e *event.Event) { e.Seg.Flags |= event.FIN }), "FIN,ACK 3001:3101"},
		"state":         {add(event.Event{Kind: event.KindState, Host: sv, Conn: 1, State: event.CloseWait}), "server: CLOSE-WAIT"},
		"note":          {add(event.Event{Kind: event.KindNote, Text: "so"}), "note: so"},
		"message":       {add(event.Event{Kind: event.KindICMP, Host: cl, Conn: 1, ICMP: event.ICMP{Type: 11}}), "client: ICMP: time exceeded"},
		"check":         {add(event.Event{Kind: event.KindCheck, Host: cl, Conn: 1, Check: event.Check{Name: "rtt"}}), "client: warning: rtt"},
		"fault":         {add(event.Event{Kind: event.KindFault, Host: cl, Conn: 1, Fault: event.Fault{Action: event.Corrupt, Rule: "corrupt"}}), "fault: corrupt"},
		"call":          {add(event.Event{Kind: event.KindApp, Host: cl, Conn: 1, App: event.App{Call: event.Shutdown}}), "client: shutdown"},
		"expired":       {add(event.Event{Kind: event.KindTimer, Host: cl, Conn: 1, Timer: event.Timer{Kind: event.RTO}}), "client: rto timer expired"},
		"armed":         {add(event.Event{Kind: event.KindTimer, Host: cl, Conn: 1, Timer: event.Timer{Kind: event.RTO, Op: event.Armed}}), ""},
		"persist":       {add(event.Event{Kind: event.KindTimer, Host: cl, Conn: 1, Timer: event.Timer{Kind: event.TimerPersist, Op: event.Armed}}), "persist armed for"},
		"read":          {add(event.Event{Kind: event.KindApp, Host: cl, Conn: 1, App: event.App{Call: event.Receive, Bytes: 7}}), ""},
		"variables":     {add(event.Event{Kind: event.KindVars, Host: cl, Conn: 1, State: event.StateUnknown}), ""},
	} {
		events := strides(0, 60, c.change)
		stretches, at := 0, -1
		for _, row := range bodyRows(t, events, Options{Width: 79, ASCII: true}) {
			if c.want != "" && strings.Contains(row, c.want) {
				at = stretches
			}
			if strings.Contains(row, "C->S ... ") {
				stretches++
			}
		}
		want := 2
		if c.want == "" {
			want = 1
		}
		if stretches != want || c.want != "" && at != 1 {
			t.Errorf("%s: %d stretches, want %d; %q behind %d of them:\n%s", name, stretches, want, c.want, at, strings.Join(bodyRows(t, events, Options{Width: 79, ASCII: true}), "\n"))
		}
	}
}

// TestFolds_rows: what a stretch says, at both forms; a run that is no longer than a screen has all its rows.
func TestFolds_rows(t *testing.T) {
	want := []string{
		"  0.000   0.000 C->S ACK 1:101 ack 1 win 64K",
		"  0.000              server: read 100",
		"  0.000   0.000 C<-S ACK ack 101 win 64K",
		"  0.001         C->S ... 30 data segments 101:3101 in 29ms ...",
		"  0.001         C<-S ... 30 acks to 3101 in 29ms ...",
	}
	if diff := cmp.Diff(want, bodyRows(t, strides(0, 30, nil), Options{Width: 79, ASCII: true})); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"  0.000            |-ACK 1:101 ack 1 win 64K------\\        |",
		"                   |                         1:101 \\------>| read 100      0.000",
		"                   |        /----------ACK ack 101 win 64K-|               0.000",
		"  0.000            |<------/ ack 101                       |",
		"  0.001            : ... 30 data segments 101:3101 in 29ms :",
		"                   :       ... 30 acks to 3101 in 29ms ... : read 3000     0.001",
	}
	if diff := cmp.Diff(want, bodyRows(t, strides(0, 30, nil), Options{Width: 80, ASCII: true})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(bodyRows(t, strides(0, 12, nil), Options{Width: 79, Unfold: true}), bodyRows(t, strides(0, 12, nil), Options{Width: 79})); diff != "" {
		t.Errorf("a short run: unfolded - folded +\n%s", diff)
	}
	if rows := bodyRows(t, strides(0, 30, nil), Options{Width: 79, Unfold: true}); len(rows) != 3*31 {
		t.Errorf("unfolded: %d rows, want %d", len(rows), 3*31)
	}
}

// TestFolds_callsAlone: calls without segments fill no memory.
func TestFolds_callsAlone(t *testing.T) {
	list := stride(0)
	for i := range 3 * keptBack {
		list = append(list, event.Event{T: ms + int64(i), Kind: event.KindApp, Host: sv, Conn: 1, App: event.App{Call: event.Receive, Bytes: 1}})
	}
	want := []string{"  0.001         C<-S ... read 1536 ..."}
	if rows := bodyRows(t, list, Options{Width: 79, ASCII: true}); cmp.Diff(want, rows[3:]) != "" {
		t.Errorf("%q", rows)
	}
}

// TestLadder_absolute: with absolute numbers a row has what the header has, also where the numbers pass 2^32.
func TestLadder_absolute(t *testing.T) {
	m := &maker{clock: event.Virtual}
	m.open()
	s := seg(event.ACK, 0, 200, 1)
	s.Seq = 1<<32 - 100
	m.send(100, cl, event.StateEstablished, s)
	a := seg(event.ACK, 1, 0, 1)
	a.Opts = event.Options{Has: event.OptSack, NSack: 1, Sack: [event.MaxBlocks]event.Block{{Left: 1<<32 - 1, Right: 7}}}
	m.send(130, sv, event.StateEstablished, a)
	out := draw(t, m.sorted(), Options{Width: 79, ASCII: true, Absolute: true})
	for _, want := range []string{"SYN 1000 win", "SYN,ACK 1000 ack 1001 win", "ACK 4294967196:100 ack 1001", "sack 4294967295:7"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestLadder_connections: each end of each connection has its own state; rows are numbered from the second connection on.
func TestLadder_connections(t *testing.T) {
	m := &maker{clock: event.Virtual}
	m.open()
	first := len(m.events)
	m.open()
	for i := range m.events[first:] {
		e := &m.events[first+i]
		e.T += 100 * ms
		if e.Conn = 2; e.App.Call == event.Listen || e.State == event.Listening {
			e.Conn = 0
		}
		if e.Seg.ID != 0 {
			e.Seg.Src = seg(0, 0, 0, 0).Src
		}
	}
	want := []string{
		"  0.000              server: listen",
		"  0.000              server: LISTEN",
		"  0.000              client: connect",
		"  0.000   0.020 C->S SYN 0 win 64240 mss 1460 wscale 7 sackOK TS",
		"  0.000              client: SYN-SENT",
		"  0.020   0.040 C<-S SYN,ACK 0 ack 1 win 64240 mss 1460 wscale 7 sackOK TS",
		"  0.020              server: SYN-RECEIVED",
		"  0.040              client: ESTABLISHED",
		"  0.040              client: connected",
		"  0.040   0.060 C->S ACK ack 1 win 64K",
		"  0.060              server: ESTABLISHED",
		"  0.060              server: accept",
		"  0.100              server: listen",
		"  0.100              #2 client: connect",
		"  0.100   0.120 C->S #2 SYN 0 win 64240 mss 1460 wscale 7 sackOK TS",
		"  0.100              #2 client: SYN-SENT",
		"  0.120   0.140 C<-S #2 SYN,ACK 0 ack 1 win 64240 mss 1460 wscale 7 sackOK TS",
		"  0.120              #2 server: SYN-RECEIVED",
		"  0.140              #2 client: ESTABLISHED",
		"  0.140              #2 client: connected",
		"  0.140   0.160 C->S #2 ACK ack 1 win 64K",
		"  0.160              #2 server: ESTABLISHED",
		"  0.160              #2 server: accept",
	}
	if diff := cmp.Diff(want, bodyRows(t, m.sorted(), Options{Width: 79, ASCII: true})); diff != "" {
		t.Error(diff)
	}
}
