package inject_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
	"gnet/stackprobe/vclock"
)

// tx is a transmission on the link.
func tx(host event.Host, t time.Duration, flags event.Flags, seq, ack uint32, data int) *event.Event {
	e := &event.Event{T: int64(t), Kind: event.KindTx, Host: host, Seg: event.Segment{Src: client, Dst: server, Flags: flags, Seq: seq, Ack: ack, Len: data}}
	if host == event.Server {
		e.Seg.Src, e.Seg.Dst = server, client
	}
	return e
}

func TestInjector(t *testing.T) {
	loop := vclock.NewVirtual()
	var log []string
	c := inject.Config{Clock: loop, Client: client, Server: server,
		Put: func(from event.Host, packet []byte, line string) {
			log = append(log, fmt.Sprintf("%v %v %s", loop.Now(), from, told(t, packet)))
		},
		Note: func(text string) { log = append(log, fmt.Sprintf("%v %s", loop.Now(), text)) }}
	for _, text := range []string{
		"at 1ms rst seq nxt", "at 1ms syn seq raw 1111 mss 500", "at 10ms rst seq nxt+5", "server> at 11ms ack", "at 12ms ack seq 0 ack 3 win 0",
		"on server> data 2 after 3ms data len 7", "on client> fin rst seq nxt", "at 20ms syn seq raw 9 port 600-602 every 2ms from 198.51.100.1",
		"at 13ms fin seq raw 1 ack raw 2 port 99", "at 15ms rst seq nxt"} {
		l, err := inject.ParseLine(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Lines = append(c.Lines, l)
	}
	j := inject.New(c)
	j.Start()
	other := tx(event.Server, 4*time.Millisecond, event.ACK, 1, 1, 1) // of another connection
	other.Seg.Dst = addrPort("192.0.2.1:40001")
	for _, e := range []*event.Event{other, tx(event.Client, 14*time.Millisecond, event.SYN, 3_000_000_000, 0, 0), tx(event.Client, 2*time.Millisecond, event.SYN, 1<<32-1, 0, 0), tx(event.Server, 3*time.Millisecond, event.SYN|event.ACK, 7000, 0, 0),
		tx(event.Client, 4*time.Millisecond, event.ACK, 0, 7001, 50), tx(event.Client, 4*time.Millisecond, event.ACK, 0, 7001, 50),
		tx(event.Server, 5*time.Millisecond, event.ACK, 7001, 50, 1), tx(event.Server, 6*time.Millisecond, event.ACK, 7002, 50, 1), tx(event.Server, 7*time.Millisecond, event.ACK, 7003, 50, 1)} {
		loop.At(time.Duration(e.T), func() { j.Observe(e) })
	}
	injected := tx(event.Client, 0, event.FIN, 1, 1, 0)
	injected.Seg.Origin = event.Injected
	loop.At(8*time.Millisecond, func() { j.Observe(injected) })
	if got := j.Pending(); got != 10 {
		t.Errorf("%d segments wait at the start, want 10", got)
	}
	for loop.Step(t.Context(), time.Hour) == vclock.Ran {
	}
	j.Idle(func(l *inject.Line) bool { log = append(log, "never "+l.Text); return true })
	const c2s, s2c = "192.0.2.1:40000>192.0.2.2:7", "192.0.2.2:7>192.0.2.1:40000"
	want := []string{
		"1ms inject client> at 1ms rst seq nxt: nothing is known of the numbers of this connection",
		"1ms client " + c2s + " SYN 1111/0 win 65535 mss 500 len 0",
		"9ms client " + c2s + " PSH,ACK 50/7004 win 65535 mss 0 len 7",
		"10ms client " + c2s + " RST 55/0 win 65535 mss 0 len 0",
		"11ms server " + s2c + " ACK 7004/50 win 65535 mss 0 len 0",
		"12ms client " + c2s + " ACK 4294967295/7003 win 0 mss 0 len 0",
		"13ms client 192.0.2.1:99>192.0.2.2:7 FIN,ACK 1/2 win 65535 mss 0 len 0",
		"15ms client " + c2s + " RST 3000000001/0 win 65535 mss 0 len 0",
		"20ms client 198.51.100.1:600>192.0.2.2:7 SYN 9/0 win 65535 mss 0 len 0",
		"22ms client 198.51.100.1:601>192.0.2.2:7 SYN 9/0 win 65535 mss 0 len 0",
		"24ms client 198.51.100.1:602>192.0.2.2:7 SYN 9/0 win 65535 mss 0 len 0",
		"never client> on client> fin rst seq nxt",
	}
	if d := cmp.Diff(want, log); d != "" {
		t.Error(d)
	}
	if got := j.Pending(); got != 0 {
		t.Errorf("%d segments wait at the end", got)
	}
}

// TestInjector_IPv6: a link of IPv6 carries crafted segments too.
func TestInjector_IPv6(t *testing.T) {
	loop := vclock.NewVirtual()
	l, err := inject.ParseLine("server> at 1s synack seq raw 5 ack raw 6 mss 1220 len 9")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	inject.New(inject.Config{Clock: loop, Client: addrPort("[2001:db8::1]:40000"), Server: addrPort("[2001:db8::2]:7"), Lines: []inject.Line{l},
		Put: func(_ event.Host, packet []byte, line string) { got = line + ": " + told(t, packet) }}).Start()
	loop.Step(t.Context(), time.Hour)
	if want := "server> at 1s synack seq raw 5 ack raw 6 mss 1220 len 9: [2001:db8::2]:7>[2001:db8::1]:40000 SYN,ACK 5/6 win 65535 mss 1220 len 9"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
