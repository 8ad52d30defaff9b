package probe

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
)

func TestFilterTCP(t *testing.T) {
	segment := func(port uint16) []byte {
		f := wire.TCPFields{SrcPort: 443, DstPort: port, Flags: wire.SYN | wire.ACK}
		b, err := f.Append(nil, netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.1"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ports := Ports{61000, 65095}
	four, six := machine(t, filterTCP(IPv4, ports)), machine(t, filterTCP(IPv6, ports))
	for port, want := range map[uint16]bool{443: false, 60999: false, 61000: true, 64000: true, 65095: true, 65096: false} {
		packets := [][]byte{ipv4(t, segment(port)), ipv4(t, segment(port), 7, 7, 4, 0, 0, 0, 0, 0), segment(port)}
		var got []bool
		for i, b := range packets {
			vm := four
			if i == 2 {
				vm = six
			}
			n, err := vm.Run(b)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n > 0)
		}
		if diff := cmp.Diff([]bool{want, want, want}, got); diff != "" {
			t.Errorf("port %d over IPv4, with options, over IPv6 (-want +got)\n%s", port, diff)
		}
	}
}

// TestPieces: the headers of the pieces, and that they join to the message.
func TestPieces(t *testing.T) {
	message := make([]byte, 100)
	for i := range message {
		message[i] = byte(i)
	}
	four := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	for _, tt := range []struct {
		name         string
		pieces       Pieces
		source, dest netip.Addr
		size         int
		want         []int // lengths
	}{
		{"IPv4", Pieces{family: IPv4}, four("10.0.0.1"), four("10.0.0.2"), 68, []int{68, 68, 24}},
		{"IPv6", Pieces{family: IPv6}, four("fd00::1"), four("fd00::2"), 112, []int{112, 84}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := tt.pieces.plan(len(message), tt.size)
			if err != nil {
				t.Fatal(err)
			}
			var lengths []int
			var joined []byte
			for i := range plan.Len() {
				piece := plan.At(i)
				header, err := tt.pieces.header(tt.source, tt.dest, 7, piece)
				if err != nil {
					t.Fatal(err)
				}
				packet := append(header, message[piece.Offset:piece.Offset+piece.Length]...)
				lengths = append(lengths, len(packet))
				joined = append(joined, data(t, packet, i, plan.Len())...)
			}
			if diff := cmp.Diff(tt.want, lengths); diff != "" {
				t.Errorf("lengths (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(message, joined); diff != "" {
				t.Errorf("joined (-want +got)\n%s", diff)
			}
		})
	}
}

// data checks the header of piece i of n and returns what stands behind it.
func data(t *testing.T, packet []byte, i, n int) []byte {
	t.Helper()
	if packet[0]>>4 == 4 {
		ip, err := wire.CheckIPv4(packet)
		if err != nil || ip.Protocol() != wire.ProtoICMP || ip.MF() != (i < n-1) || ip.Offset() != i*48 || ip.ID() != 7 || ip.DF() {
			t.Errorf("piece %d: %+v, %v", i, ip.Fields(), err)
		}
		return ip.Payload()
	}
	ip, err := wire.CheckIPv6(packet)
	if err != nil {
		t.Fatal(err)
	}
	upper, err := ip.Upper()
	if err != nil || upper.Protocol != wire.ProtoICMPv6 || upper.MF != (i < n-1) || upper.Offset != i*64 || upper.ID != 7 {
		t.Errorf("piece %d: %+v, %v", i, upper, err)
	}
	return upper.Data
}
