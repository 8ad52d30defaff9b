package capture_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// pathRun is a packet that leaves, arrives and is sent on, and one that the link takes.
func pathRun(t testing.TB) []event.Event {
	t.Helper()
	run := &event.Run{World: "memory", Clock: event.Virtual, Seed: 1, Snap: 65535, Faults: []string{"drop any 2"}, Path: &event.Path{Size: 28, TTL: 64,
		Nodes: []event.Node{{Name: "client", Stack: "a"}, {Name: "router 1", Stack: "b"}, {Name: "server", Stack: "c"}}, Links: []event.Hop{{MTU: 1500, Near: "192.0.2.1"}, {MTU: 1400, Far: "192.0.2.6"}}}}
	packet := func(id, link, node int) *event.Packet {
		f := wire.IPv4Fields{ID: uint16(id), TTL: 64, Protocol: 253, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.6")}
		b, err := f.Append(nil, 8)
		if err != nil {
			t.Fatal(err)
		}
		return &event.Packet{ID: id, Link: link, Node: node, Size: 28, Wire: string(append(b, make([]byte, 8)...))}
	}
	return []event.Event{
		{Kind: event.KindRun, Run: run},
		{T: 1, Kind: event.KindTx, Packet: packet(1, 1, 0)},
		{T: 1, Kind: event.KindTx, Packet: packet(2, 1, 0)},
		{T: 1, Kind: event.KindLost, Packet: packet(2, 1, 0), Rule: "drop any 2", Fault: event.Fault{Action: event.Drop, Rule: "drop any 2"}},
		{T: 5, Kind: event.KindRx, Packet: packet(1, 1, 1)},
		{T: 5, Kind: event.KindTx, Packet: packet(3, 2, 1)},
		{T: 9, Kind: event.KindRx, Packet: packet(3, 2, 2)},
		{T: 9, Kind: event.KindEnd, End: &event.End{}},
	}
}

// TestPath: tshark finds each packet at its interface, with its direction and what the link did to it.
func TestPath(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	var out bytes.Buffer
	v := capture.NewPath(&out)
	for _, e := range pathRun(t) {
		if err := v.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "path.pcapng")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(tshark, "-r", file, "-T", "fields", "-E", "separator=;", "-e", "frame.interface_name", "-e", "ip.id", "-e", "frame.time_epoch", "-e", "frame.packet_flags_direction", "-e", "frame.comment").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"link 1 at client;0x0001;0.000000001;0x00000002;", "link 1 at client;0x0002;0.000000001;0x00000002;dropped by link: drop any 2", "link 1 at router 1;0x0001;0.000000005;0x00000001;",
		"link 2 at router 1;0x0003;0.000000005;0x00000002;", "link 2 at server;0x0003;0.000000009;0x00000001;"}
	if d := cmp.Diff(want, strings.Split(strings.TrimSpace(string(got)), "\n")); d != "" {
		t.Error(d)
	}
}

// A run that holds nothing of its packets gives no capture, and says at which event.
func TestPath_missing(t *testing.T) {
	v := capture.NewPath(&bytes.Buffer{})
	events := pathRun(t)
	empty := *events[1].Packet
	empty.Wire = ""
	events[1].Packet, events[1].N = &empty, 7
	if err := errors.Join(v.Event(&events[0]), v.Event(&events[1])); err == nil {
		t.Fatal("no error")
	}
	var missing *capture.MissingError
	if err := v.Close(); !errors.As(err, &missing) || missing.N != 7 {
		t.Error(err)
	}
}
