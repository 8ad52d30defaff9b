package kernelside

import (
	"fmt"

	"gnet/internal/tracefs"
)

// The trace events of a run, each with the fields that are read of it. That a RST or a SYN,ACK leaves is seen on the link: of these nothing
// is asked.
var watchedEvents = [...]struct {
	name   string
	fields []string
}{
	traceState:      {"sock/inet_sock_set_state", []string{"skaddr", "sport", "dport", "oldstate", "newstate", "family", "saddr", "daddr", "saddr_v6", "daddr_v6"}},
	traceProbe:      {"tcp/tcp_probe", []string{"skaddr", "sport", "dport", "data_len", "snd_nxt", "snd_una", "snd_cwnd", "snd_wnd", "srtt", "rcv_wnd", "sock_cookie"}},
	traceRetransmit: {"tcp/tcp_retransmit_skb", []string{"skaddr", "sport", "dport"}},
	traceCongestion: {"tcp/tcp_cong_state_set", []string{"skaddr", "sport", "dport", "cong_state"}},
	traceReset:      {"tcp/tcp_receive_reset", []string{"skaddr", "sport", "dport"}},
}

// The places of watchedEvents.
const (
	traceState = iota
	traceProbe
	traceRetransmit
	traceCongestion
	traceReset
)

// The places of fields, the first three of every event.
const (
	fieldSk = iota
	fieldSport
	fieldDport
	fieldOld // of traceState
	fieldNew
	fieldFamily
	fieldSrc4
	fieldDst4
	fieldSrc6
	fieldDst6
)

// Those of traceProbe and traceCongestion.
const (
	fieldLen = iota + fieldDport + 1
	fieldNxt
	fieldUna
	fieldCwnd
	fieldWnd
	fieldSRTT
	fieldRcvWnd
	fieldCookie

	fieldCA = fieldDport + 1
)

// watch makes the tracing instance of the run: its events are those of sockets one of whose ports is the server's.
func (w *world) watch() error {
	if err := tracefs.Mount(); err != nil {
		return err
	}
	filter := fmt.Sprintf("sport == %d || dport == %d", w.req.watch, w.req.watch)
	var events []tracefs.Event
	for _, e := range watchedEvents {
		events = append(events, tracefs.Event{Name: e.name, Filter: filter})
	}
	i, err := tracefs.New(tracefs.Dir, events)
	w.instance = i
	return err
}

// unwatch removes the instance.
func (w *world) unwatch() {
	if w.instance != nil {
		_ = w.instance.Remove() // a later run does it
	}
}
