package probe

import (
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

const ourID, otherID = 0x1234, 0x1235

// machine runs a filter as the kernel does.
func machine(t *testing.T, program []unix.SockFilter) *bpf.VM {
	t.Helper()
	var raw []bpf.RawInstruction
	for _, i := range program {
		raw = append(raw, bpf.RawInstruction{Op: i.Code, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	instructions, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatalf("not all decoded: %v", instructions)
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// ipv4 returns an IPv4 packet with the given options.
func ipv4(t *testing.T, payload []byte, options ...byte) []byte {
	t.Helper()
	header := wire.IPv4Fields{TTL: 61, Protocol: wire.ProtoICMP, Src: netip.MustParseAddr("10.0.0.2"), Dst: netip.MustParseAddr("10.0.0.1"), Options: options}
	b, err := header.Append(nil, len(payload))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, payload...)
}

func TestFilter4(t *testing.T) {
	vm := machine(t, filter4(ourID))
	echo := func(typ uint8, id uint16) []byte { return wire.AppendICMPv4Echo(nil, typ, id, 7, make([]byte, 56)) }
	quoting := func(typ, code uint8, quoted []byte) []byte { return wire.AppendICMPv4(nil, typ, code, 0, quoted) }
	options := []byte{7, 7, 4, 0, 0, 0, 0, 0}
	for _, tt := range []struct {
		name   string
		packet []byte
		pass   bool
	}{
		{"our reply", ipv4(t, echo(wire.ICMPv4EchoReply, ourID)), true},
		{"our reply behind options", ipv4(t, echo(wire.ICMPv4EchoReply, ourID), options...), true},
		{"another's reply", ipv4(t, echo(wire.ICMPv4EchoReply, otherID)), false},
		{"our own request, looped back", ipv4(t, echo(wire.ICMPv4EchoRequest, ourID)), false},
		{"error about our probe", ipv4(t, quoting(wire.ICMPv4Unreachable, 4, ipv4(t, echo(wire.ICMPv4EchoRequest, ourID)))), true},
		{"error about our probe, options in both", ipv4(t, quoting(wire.ICMPv4TimeExceeded, 0, ipv4(t, echo(wire.ICMPv4EchoRequest, ourID), options...)), options...), true},
		{"redirect of our probe", ipv4(t, quoting(wire.ICMPv4Redirect, 1, ipv4(t, echo(wire.ICMPv4EchoRequest, ourID))[:28])), true},
		{"error about another's probe", ipv4(t, quoting(wire.ICMPv4Unreachable, 1, ipv4(t, echo(wire.ICMPv4EchoRequest, otherID)))), false},
		{"error about a reply of ours", ipv4(t, quoting(wire.ICMPv4Unreachable, 1, ipv4(t, echo(wire.ICMPv4EchoReply, ourID)))), false},
		{"quotation cut before the identifier", ipv4(t, quoting(wire.ICMPv4Unreachable, 1, ipv4(t, echo(wire.ICMPv4EchoRequest, ourID))[:24])), false},
		{"reply cut before the identifier", ipv4(t, echo(wire.ICMPv4EchoReply, ourID))[:24], false},
	} {
		n, err := vm.Run(tt.packet)
		if err != nil || (n >= len(tt.packet)) != tt.pass || (n == 0) == tt.pass {
			t.Errorf("%s: %d of %d bytes, %v; want pass %v", tt.name, n, len(tt.packet), err, tt.pass)
		}
	}
}

func TestFilter6(t *testing.T) {
	vm := machine(t, filter6(wire.ICMPv6EchoReply, 4, ourID))
	a := netip.MustParseAddr("fd77::1")
	echo := func(typ uint8, id uint16) []byte {
		return wire.AppendICMPv6Echo(nil, a, a, typ, id, 7, make([]byte, 56))
	}
	for _, tt := range []struct {
		name   string
		packet []byte
		pass   bool
	}{
		{"our reply", echo(wire.ICMPv6EchoReply, ourID), true},
		{"another's reply", echo(wire.ICMPv6EchoReply, otherID), false},
		{"our own request", echo(wire.ICMPv6EchoRequest, ourID), false},
		{"cut", echo(wire.ICMPv6EchoReply, ourID)[:5], false},
	} {
		n, err := vm.Run(tt.packet)
		if err != nil || (n >= len(tt.packet)) != tt.pass || (n == 0) == tt.pass {
			t.Errorf("%s: %d of %d bytes, %v; want pass %v", tt.name, n, len(tt.packet), err, tt.pass)
		}
	}
}
