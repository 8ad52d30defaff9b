package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/bpf"

	"gnet/internal/nstest"
)

// filterAddrs and filterPorts are few, so that what is drawn at random meets.
var (
	filterAddrs4 = []string{"192.0.2.1", "192.0.2.2", "198.51.100.7", "10.1.2.3"}
	filterAddrs6 = []string{"2001:db8::1", "2001:db8::2", "fe80::1", "2001:db8:1::7"}
	filterPorts  = []int{22, 53, 80, 443, 8080}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// randomFrame is an Ethernet frame with a packet of some sort, long enough for every field that a filter reads.
func randomFrame(r *rand.Rand) []byte {
	b := make([]byte, 14+60+r.IntN(20))
	kind := pick(r, []uint16{typeIPv4, typeIPv4, typeIPv4, typeIPv6, typeIPv6, typeIPv6, typeARP, typeRARP, 0x88cc})
	binary.BigEndian.PutUint16(b[12:], kind)
	net := b[14:]
	ports := func(at int) {
		binary.BigEndian.PutUint16(net[at:], uint16(pick(r, filterPorts)))
		binary.BigEndian.PutUint16(net[at+2:], uint16(pick(r, filterPorts)))
	}
	addr := func(at int, from []string) { copy(net[at:], netip.MustParseAddr(pick(r, from)).AsSlice()) }
	protocol := func() byte {
		return pick(r, []byte{protoICMP, protoTCP, protoTCP, protoUDP, protoSCTP, protoICMPv6, 50})
	}
	switch kind {
	case typeIPv4:
		words := 5 + r.IntN(4)
		net[0], net[9] = byte(0x40|words), protocol()
		if r.IntN(4) == 0 {
			binary.BigEndian.PutUint16(net[6:], pick(r, []uint16{0x2000, 0x2001, 5, 0x4000}))
		}
		addr(12, filterAddrs4)
		addr(16, filterAddrs4)
		ports(4 * words)
	case typeIPv6:
		net[0], net[6] = 0x60, protocol()
		addr(8, filterAddrs6)
		addr(24, filterAddrs6)
		ports(40)
		if r.IntN(4) == 0 {
			net[6], net[40] = protoFragment, protocol()
		}
	case typeARP, typeRARP:
		addr(14, filterAddrs4)
		addr(24, filterAddrs4)
	}
	return b
}

// randomPrimitive is one of the language.
func randomPrimitive(r *rand.Rand) string {
	side := pick(r, []string{"", "", "src ", "dst ", "src or dst ", "src and dst ", "dst and src "})
	switch r.IntN(6) {
	case 0:
		return pick(r, filterProtocols())
	case 1:
		return pick(r, []string{"", "", "tcp ", "udp "}) + side + fmt.Sprint("port ", pick(r, filterPorts))
	case 2:
		return pick(r, []string{"", "tcp ", "udp "}) + side + fmt.Sprintf("portrange %d-%d", pick(r, filterPorts), pick(r, filterPorts))
	case 3:
		return pick(r, []string{"", "ip "}) + side + "net " + pick(r, []string{"192.0.2.0/24", "192.0.2.0/30", "10.0.0.0/8", "0.0.0.0/0", "198.51.100.7/32"})
	case 4:
		return pick(r, []string{"", "ip6 "}) + side + "net " + pick(r, []string{"2001:db8::/32", "2001:db8::/63", "fe80::/10", "2001:db8::1/128"})
	}
	if r.IntN(2) == 0 {
		return pick(r, []string{"", "ip "}) + side + pick(r, []string{"host ", "host "}) + pick(r, filterAddrs4)
	}
	return pick(r, []string{"", "ip6 "}) + side + "host " + pick(r, filterAddrs6)
}

// randomFilter is an expression; some have a bare value behind and or or, and some words of C.
func randomFilter(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		return randomPrimitive(r)
	}
	switch r.IntN(7) {
	case 0:
		return pick(r, []string{"not ", "! ", "!"}) + "(" + randomFilter(r, depth-1) + ")"
	case 1:
		return "not " + randomPrimitive(r)
	case 2:
		return fmt.Sprintf("port %d or %d", pick(r, filterPorts), pick(r, filterPorts))
	case 3:
		return fmt.Sprintf("src host %s or %s", pick(r, filterAddrs4), pick(r, filterAddrs4))
	case 4:
		return "(" + randomFilter(r, depth-1) + ")" + pick(r, []string{" and ", " or "}) + "(" + randomFilter(r, depth-1) + ")"
	}
	return randomFilter(r, depth-1) + pick(r, []string{" and ", " or ", " && ", " || "}) + randomFilter(r, depth-1)
}

// chosen are the indexes of the frames that an expression chooses.
func chosen(t testing.TB, expression string, link LinkType, frames [][]byte) []int {
	t.Helper()
	f, err := ParseFilter(expression)
	if err != nil {
		t.Fatal(err)
	}
	program, err := f.Program(link, 1000)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	list := []int{}
	for i, b := range frames {
		n, err := vm.Run(b)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			list = append(list, i)
		}
	}
	return list
}

// TestFilter_tcpdump has tcpdump choose from the same packets.
func TestFilter_tcpdump(t *testing.T) {
	tcpdump := nstest.Peer(t, "tcpdump")
	r := rand.New(rand.NewPCG(1, 2))
	for _, link := range []LinkType{Ethernet, Raw} {
		var file bytes.Buffer
		w, err := NewWriter(&file, &Section{})
		if err == nil {
			_, err = w.Interface(&Interface{Name: "eth0", Link: link})
		}
		if err != nil {
			t.Fatal(err)
		}
		var frames [][]byte
		for len(frames) < 300 {
			b := randomFrame(r)
			if kind := binary.BigEndian.Uint16(b[12:]); link == Raw {
				if kind != typeIPv4 && kind != typeIPv6 {
					continue
				}
				b = b[14:]
			}
			if err := w.Packet(&Packet{Time: int64(len(frames)) * 1e9, Data: b, Length: len(b)}); err != nil {
				t.Fatal(err)
			}
			frames = append(frames, b)
		}
		name := filepath.Join(t.TempDir(), "packets.pcapng")
		if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		some := 0
		for range 250 {
			expression := randomFilter(r, 3)
			got, want := chosen(t, expression, link, frames), tcpdumpChooses(t, tcpdump, name, expression)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("link type %d, %q: %d packets, tcpdump has %d (-tcpdump +gnet):\n%s", link, expression, len(got), len(want), d)
			}
			if len(want) > 0 && len(want) < len(frames) {
				some++
			}
		}
		if some < 100 {
			t.Errorf("link type %d: only %d expressions choose some packets and not others", link, some)
		}
	}
}

// tcpdumpChooses are the indexes of the packets in a file that tcpdump chooses.
func tcpdumpChooses(t *testing.T, tcpdump, name, expression string) []int {
	t.Helper()
	cmd := exec.Command(tcpdump, "-r", name, "-w", "-", expression)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && strings.Contains(stderr.String(), "expression rejects all packets") {
		return []int{}
	}
	if err != nil {
		t.Fatalf("%q: %v: %s", expression, err, stderr.String())
	}
	list := []int{}
	for p, err := range NewReader(bytes.NewReader(out)).Packets() {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, int(p.Time/1e9))
	}
	return list
}

// TestFilter_long reaches jumps that eight bits cannot hold, and the kernel's bound.
func TestFilter_long(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var frames [][]byte
	for range 300 {
		frames = append(frames, randomFrame(r))
	}
	var list []string
	for i := range 60 {
		list = append(list, fmt.Sprintf("tcp port %d", 9000+i))
	}
	long := strings.Join(list, " or ")
	for _, c := range [...][2]string{{long + " or port 80", "port 80"}, {"port 80 or " + long, "port 80"}, {"not (" + long + ") and udp", "udp"}} {
		if d := cmp.Diff(chosen(t, c[1], Ethernet, frames), chosen(t, c[0], Ethernet, frames)); d != "" {
			t.Errorf("a long expression for %q (-short +long):\n%s", c[1], d)
		}
	}
	f, err := ParseFilter(strings.TrimSuffix(strings.Repeat("port 1 or ", 300), " or "))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Program(Ethernet, 1)
	if long, ok := errors.AsType[*LongError](err); !ok || long.Instructions <= maxProgram {
		t.Errorf("300 ports: %v", err)
	}
}

func TestParseFilter_errors(t *testing.T) {
	got := map[string]string{}
	want := map[string]string{
		"hsot 192.0.2.1":       `0 "hsot": want host, net, port, src, dst, a protocol, not or (; did you mean "host"?`,
		"host":                 `4 ends where an address should follow`,
		"host 192.0.2.0/24":    `5 "192.0.2.0/24": want an address`,
		"host example.org":     `5 "example.org": want an address`,
		"net 192.0.2.1/24":     `4 "192.0.2.1/24": want a network such as 192.0.2.0/24`,
		"port 65536":           `5 "65536": want a port from 0 to 65535`,
		"port http":            `5 "http": want a port from 0 to 65535`,
		"portrange 80":         `10 "80": want ports such as 8000-8080`,
		"ip host 2001:db8::1":  `8 "2001:db8::1": want an address of ip`,
		"tcp host 192.0.2.1":   `4 "host": want and, or, or the end: only ip and ip6 have addresses`,
		"icmp port 7":          `5 "port": want and, or, or the end: only tcp and udp have ports`,
		"ip src 192.0.2.1 udp": `17 "udp": want and, or, or the end`,
		"(tcp or udp":          `11 ends where and, or, or ) should follow`,
		"tcp and":              `7 ends where host, net, port, src, dst, a protocol, not or ( should follow`,
		"tcp ) or udp":         `4 ")": want and, or, or the end`,
		"not":                  `3 ends where host, net, port, src, dst, a protocol, not or ( should follow`,
		"tcp adn udp":          `4 "adn": want and, or, or the end; did you mean "and"?`,
		"tcp[13] = 2":          `0 "tcp[13]": want host, net, port, src, dst, a protocol, not or (`,
		"src and dst":          `4 "and": want an address or a network`,
		"port 80 or 192.0.2.1": `11 "192.0.2.1": want a port from 0 to 65535`,
		"host fe80::1%eth0":    `5 "fe80::1%eth0": want an address`,
		"tcp src 192.0.2.1":    `8 "192.0.2.1": want and, or, or the end: only ip and ip6 have addresses`,
	}
	for text := range want {
		_, err := ParseFilter(text)
		e, ok := errors.AsType[*FilterError](err)
		if !ok {
			t.Fatalf("%q: %v", text, err)
		}
		got[text] = fmt.Sprint(e.Offset, strings.TrimPrefix(e.Error(), fmt.Sprintf("%q:", text)))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
}

// FuzzParseFilter: what is read compiles to a program that ends, and what is not says where.
func FuzzParseFilter(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		f.Add(randomFilter(r, 3))
	}
	for _, s := range []string{"", "host", "((((", "not not not tcp", "src or dst", "\xff\xfe", "port 80 or 443 and !(net ::/0)", "192.0.2.1", "ip6 net ::/0"} {
		f.Add(s)
	}
	packet := randomFrame(r)
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text)
		if err != nil {
			if e, ok := errors.AsType[*FilterError](err); !ok || e.Offset < 0 || e.Offset > len(text) || !strings.HasPrefix(text[e.Offset:], e.Word) {
				t.Fatalf("%q: %#v", text, err)
			} else if e.Pointer() == "" {
				t.Fatal("no pointer")
			}
			return
		}
		for _, link := range []LinkType{Ethernet, Raw} {
			program, err := filter.Program(link, 1)
			if _, long := errors.AsType[*LongError](err); long {
				continue
			}
			vm, err := bpf.NewVM(program)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if _, err := vm.Run(packet); err != nil {
				t.Fatal(err)
			}
		}
		cooked, err := filter.Program(LinuxSL2, 1)
		if err == nil {
			if _, err := bpf.Assemble(cooked); err != nil {
				t.Fatal(err)
			}
		}
	})
}
