package link_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// errorAbout is an ICMP error from the server's side that quotes so many octets of a packet.
func errorAbout(t *testing.T, typ, code uint8, packet []byte, n int) []byte {
	t.Helper()
	f := wire.IPv4Fields{TTL: 60, Protocol: wire.ProtoICMP, Src: server.Addr(), Dst: client.Addr()}
	b, err := f.Append(nil, wire.ICMPHeader+n)
	if err != nil {
		t.Fatal(err)
	}
	return wire.AppendICMPv4(b, typ, code, 0, packet[:n])
}

// TestForeignMessages: a message that comes from beyond an end is told with the connection that it is about, where there is one.
func TestForeignMessages(t *testing.T) {
	b := newBench(link.Path{}, link.Path{Delay: 5 * time.Millisecond})
	syn := packet(t, client, server, wire.TCPFields{Seq: 77, Flags: wire.SYN}, wire.TCPOptions{}, "")
	b.link.Send(event.Client, 0, append([]byte(nil), syn...), link.Sent{})
	other := packet(t, server, client, wire.TCPFields{Seq: 9, Flags: wire.ACK}, wire.TCPOptions{}, "")
	echo := wire.IPv4Fields{TTL: 60, Protocol: wire.ProtoICMP, Src: server.Addr(), Dst: client.Addr()}
	ping, err := echo.Append(nil, wire.ICMPHeader)
	if err != nil {
		t.Fatal(err)
	}
	told := errorAbout(t, wire.ICMPv4TimeExceeded, 0, syn, 28)
	for _, p := range [][]byte{
		told,
		errorAbout(t, wire.ICMPv4TimeExceeded, 0, other, 28), // of nobody's segment
		errorAbout(t, wire.ICMPv4TimeExceeded, 0, syn, 24),   // without the sequence number
		wire.AppendICMPv4Echo(ping, wire.ICMPv4EchoRequest, 1, 1, nil),
	} {
		b.link.Send(event.Server, 0, append([]byte(nil), p...), link.Sent{})
	}
	b.run()
	var got []event.Event
	for _, e := range b.events {
		if e.Kind == event.KindICMP {
			got = append(got, e)
		}
	}
	want := []event.Event{{T: int64(5 * time.Millisecond), Kind: event.KindICMP, Host: event.Client, Conn: 1,
		Seg:     event.Segment{Src: client, Dst: server, Seq: 77, Size: 40, Hop: 64, IPID: 0xbeef},
		ICMP:    event.ICMP{Type: wire.ICMPv4TimeExceeded, Size: 56, Wire: string(told)},
		Derived: event.Derived{Numbers: event.Numbers{HasRelSeq: true}}}}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(want[0].Seg.Src)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if n := len(b.arrived[event.Client]); n != 4 {
		t.Errorf("%d packets arrived", n)
	}
}
