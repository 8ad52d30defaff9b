package view_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// datagramRun is a run with an event of each kind that has a packet or a buffer.
func datagramRun() []event.Event {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.6")
	run := &event.Run{World: "memory", Clock: event.Virtual, Seed: 1, Bytes: 972, MTU: 576, Faults: []string{"drop frag 2"}, Path: &event.Path{Size: 1000, Count: 1, TTL: 64, TOS: 184,
		DF: true, Options: []string{"rr"}, Nodes: []event.Node{{Name: "client", Stack: "a"}, {Name: "router 1", Stack: "b"}, {Name: "server", Stack: "c"}},
		Links: []event.Hop{{MTU: 576, Near: "192.0.2.1", Far: "192.0.2.2"}, {MTU: 576, Near: "192.0.2.5", Far: "192.0.2.6"}}}}
	first := event.Packet{ID: 1, Link: 1, Datagram: 1, Src: a, Dst: b, Header: 24, Data: 548, Size: 572, TOS: 184, Ident: 9, HasIdent: true, MF: true, TTL: 64, Protocol: 17, Options: "\x94\x04\x00\x00"}
	second := first
	second.ID, second.Offset, second.MF, second.Data = 2, 552, false, 100
	six := event.Packet{ID: 3, Link: 1, Datagram: 2, Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::2"), Header: 48, Data: 8, Size: 56, Ident: 1, HasIdent: true, MF: true, Flow: 7, TTL: 1, Protocol: 58}
	held := &event.Reassembly{Step: event.Added, Node: 2, Datagram: 1, Packet: 1, Held: []event.Range{{First: 0, Last: 548}, {First: 600, Last: 700}}, Octets: 648, Total: 972, Since: 5, Until: 9}
	fault := event.Fault{Action: event.Overlap, Rule: "overlap frag", Number: 1, Copy: 4, Wait: 3, Bit: 2}
	return []event.Event{
		{N: 1, Kind: event.KindRun, Run: run},
		{N: 2, Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Write, Bytes: 972}},
		{N: 3, Kind: event.KindTx, Host: event.Client, Packet: &first},
		{N: 4, Kind: event.KindTx, Host: event.Client, Packet: &second},
		{N: 5, Kind: event.KindFault, Host: event.Client, Packet: &second, Fault: fault},
		{N: 6, Kind: event.KindLost, Host: event.Client, Packet: &second, Rule: "drop frag 2"},
		{N: 7, T: 5, Kind: event.KindTx, Packet: &six, ICMP: event.ICMP{Type: 2, MTU: 1400}},
		{N: 8, T: 6, Kind: event.KindRx, Host: event.Server, Packet: &first},
		{N: 9, T: 6, Kind: event.KindReassembly, Host: event.Server, Reassembly: held},
		{N: 10, T: 6, Kind: event.KindDiscard, Packet: &first, Text: "its time to live is used up"},
		{N: 11, T: 7, Kind: event.KindICMP, Host: event.Client, Packet: &first, ICMP: event.ICMP{Type: 11}},
		{N: 12, T: 8, Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Failed, Err: "message too long"}},
		{N: 13, T: 9, Kind: event.KindNote, Level: event.Warning, Text: "a note"},
		{N: 14, T: 9, Kind: event.KindEnd, End: &event.End{Reason: "it did not arrive"}},
	}
}

// spoil changes what a stored run could say of a packet, a buffer, a path.
func spoil(events []event.Event, ops []byte) []event.Event {
	for ; len(ops) >= 6 && len(events) > 0 && len(events) < 500; ops = ops[6:] {
		e := &events[int(ops[1])%len(events)]
		v := int(int32(binary.BigEndian.Uint32(ops[2:])))
		if e.Packet != nil {
			p := *e.Packet
			e.Packet = &p
		} else {
			e.Packet = &event.Packet{}
		}
		if e.Reassembly != nil {
			r := *e.Reassembly
			e.Reassembly = &r
		} else {
			e.Reassembly = &event.Reassembly{}
		}
		switch ops[0] % 14 {
		case 0:
			e.Kind = event.Kind(v)
		case 1:
			e.Packet.ID, e.Packet.Parent, e.Packet.About = v, v>>3, v>>5
		case 2:
			e.Packet.Link, e.Packet.Node = v, v>>8
		case 3:
			e.Packet.Size, e.Packet.Data, e.Packet.Offset, e.Packet.Header = v, v>>1, v>>2, v>>3
		case 4:
			e.Packet.Dst, e.Packet.Src = netip.Addr{}, netip.AddrFrom16([16]byte{byte(v)})
		case 5:
			e.Packet.Options = string(ops[2:6])
		case 6:
			e.Packet.TTL, e.Packet.Protocol, e.Packet.TOS, e.Packet.BadSum = byte(v), byte(v>>8), byte(v>>16), true
		case 7:
			e.Reassembly.Held = append(e.Reassembly.Held[:len(e.Reassembly.Held):len(e.Reassembly.Held)], event.Range{First: int64(v), Last: int64(v >> 2)})
		case 8:
			e.Reassembly.Total, e.Reassembly.Octets, e.Reassembly.Step = v, v>>1, event.Step(v)
		case 9:
			e.Text, e.Rule, e.Fault.Rule, e.App.Err = string(ops[2:6]), string(ops[2:6]), string(ops[2:6]), string(ops[2:6])
		case 10:
			e.T = int64(v) << 20
		case 11:
			e.Fault.Action, e.ICMP.Type, e.ICMP.Code, e.ICMP.MTU = event.Action(v), byte(v), byte(v>>8), v
		case 12:
			e.Run = &event.Run{Path: &event.Path{Size: v, Count: v, Nodes: make([]event.Node, v&7), Links: make([]event.Hop, v>>4&7), Options: []string{string(ops[2:6])}}, IPv6: v&1 == 0, Bytes: v}
		case 13:
			events = append(events, *e)
		}
	}
	return events
}

// FuzzDatagrams: no stored run breaks the view, makes a row longer than the page, or gets a control byte to the terminal.
func FuzzDatagrams(f *testing.F) {
	f.Add([]byte{}, uint8(80))
	f.Add([]byte{1, 2, 0, 0, 0, 7, 12, 0, 0, 0, 0, 0, 7, 8, 0xff, 0xff, 0, 0}, uint8(40))
	f.Add([]byte{5, 3, 7, 200, 1, 1, 9, 12, 0x1b, '[', '2', 'J', 3, 3, 0xff, 0xff, 0xff, 0xff}, uint8(64))
	f.Fuzz(func(t *testing.T, ops []byte, width uint8) {
		for _, ascii := range []bool{false, true} {
			var out bytes.Buffer
			d := view.NewDatagrams(&out, view.Options{Width: int(width), ASCII: ascii})
			events := spoil(datagramRun(), ops)
			for i := range events {
				if err := d.Event(&events[i]); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			most := max(int(width), 40)
			if width == 0 {
				most = 80
			}
			for line := range strings.Lines(out.String()) {
				line = strings.TrimSuffix(line, "\n")
				if n := len([]rune(line)); n > most {
					t.Fatalf("%d columns of %d: %q", n, most, line)
				}
				for _, r := range line {
					if r < ' ' || r == 0x7f || ascii && r > 0x7f {
						t.Fatalf("%q in %q", r, line)
					}
				}
			}
		}
	})
}
