package procnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var addrPorts = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

// collect copies every row and keeps every error, as message, in its place.
func collect[T any](rows iter.Seq2[*T, error]) (all []T, errs []string) {
	for row, err := range rows {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		all = append(all, *row)
	}
	return all, errs
}

// inetFiles are the eight inet files.
func inetFiles(yield func(Proto, bool) bool) {
	for _, p := range []Proto{TCP, UDP, UDPLite, Raw} {
		if !yield(p, false) || !yield(p, true) {
			return
		}
	}
}

// kernelRow writes s as the kernel does, from local_address to inode.
func kernelRow(s *InetSocket) string {
	return fmt.Sprintf("%s %s %02X %08X:%08X %02X:%08X %08X %5d %8d %d", kernelAddr(s.V6, s.Local), kernelAddr(s.V6, s.Remote), uint8(s.State),
		s.TxQueue, s.RxQueue, uint8(s.Timer.Kind), s.Timer.Remaining, s.Timer.Retransmits, s.UID, s.Timer.Probes, s.Inode)
}

func kernelAddr(v6 bool, ap netip.AddrPort) string {
	b := ap.Addr().As16()
	words := b[:]
	if !v6 {
		words = b[12:]
	}
	var text strings.Builder
	for ; len(words) > 0; words = words[4:] {
		fmt.Fprintf(&text, "%08X", binary.NativeEndian.Uint32(words))
	}
	return fmt.Sprintf("%s:%04X", &text, ap.Port())
}

// Every row of every capture, parsed and written again, is the row.
func TestInet_captures(t *testing.T) {
	for p, v6 := range inetFiles {
		file := p.File(v6)
		for _, c := range captures(t, file) {
			var want []string
			for i, line := range strings.Split(strings.TrimSuffix(string(c.text), "\n"), "\n") {
				if i > 0 {
					_, row, _ := strings.Cut(line, ": ")
					want = append(want, strings.TrimRight(row, " "))
				}
			}
			rows, errs := collect(parseInet(bytes.NewReader(c.text), file, p, v6))
			if errs != nil {
				t.Errorf("%s: %v", c.name, errs)
			}
			var got []string
			for i := range rows {
				got = append(got, kernelRow(&rows[i]))
				if i < len(want) && strings.HasPrefix(want[i], got[i]+" ") {
					want[i] = got[i] // what follows the inode is not kept
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-capture +written again):\n%s", c.name, diff)
			}
		}
	}
}

func TestInet_waitingStates(t *testing.T) {
	rows, errs := collect(parseInet(bytes.NewReader(mustCapture(t, "tcp", "waiting")), "tcp", TCP, false))
	if errs != nil {
		t.Fatal(errs)
	}
	var got []string
	for _, s := range rows {
		got = append(got, fmt.Sprintf("%v %v %v tx %d rx %d timer %d+%d/%d/%d uid %d owned %v listening %v", s.Local, s.Remote, s.State, s.TxQueue, s.RxQueue,
			s.Timer.Kind, s.Timer.Remaining, s.Timer.Retransmits, s.Timer.Probes, s.UID, s.Inode != 0, s.Listening()))
	}
	want := strings.Split(strings.TrimSpace(waitingStates), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const inetHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestInet_badRows(t *testing.T) {
	const good = "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77"
	for name, test := range map[string]struct {
		row, want string
	}{
		"empty":               {"", "line 2: sl: column is missing"},
		"blanks":              {" \t  ", "line 2: sl: column is missing"},
		"no colon":            {"garbage", `line 2: sl "garbage": the row does not begin with a number and a colon`},
		"one column":          {"0:", "line 2: local_address: column is missing"},
		"address not hex":     {strings.Replace(good, "0100007F", "010000ZZ", 1), `line 2: local_address "010000ZZ:0016": not an address`},
		"address too long":    {strings.Replace(good, "0100007F", "00100007F", 1), `line 2: local_address "00100007F:0016": not an address`},
		"address of IPv6":     {strings.Replace(good, "0100007F", strings.Repeat("0", 32), 1), `line 2: local_address "00000000000000000000000000000000:0016": not an address`},
		"port too big":        {strings.Replace(good, ":0016", ":10016", 1), `line 2: local_address "0100007F:10016": number out of range`},
		"no port":             {strings.Replace(good, ":0000 0A", " 0A", 1), `line 2: rem_address "00000000": not a hexadecimal number`},
		"state too big":       {strings.Replace(good, " 0A ", " 100 ", 1), `line 2: st "100": number out of range`},
		"queue too big":       {strings.Replace(good, "00000000:00000000", "100000000:0", 1), `line 2: tx_queue:rx_queue "100000000:0": number out of range`},
		"uid in hexadecimal":  {strings.Replace(good, "     0 ", "     A ", 1), `line 2: uid "A": not a decimal number`},
		"inode with a sign":   {strings.Replace(good, " 77", " -7", 1), `line 2: inode "-7": not a decimal number`},
		"inode beyond 64 bit": {strings.Replace(good, " 77", " 18446744073709551616", 1), `line 2: inode "18446744073709551616": number out of range`},
		"row ends early":      {good[:len(good)-3], "line 2: inode: column is missing"},
		"NUL inside":          {strings.Replace(good, "0A", "0\x00", 1), `line 2: st "0\x00": not a hexadecimal number`},
		"100 kB":              {strings.Repeat("x", 100_000), `line 2 "` + strings.Repeat("x", 64) + `": row is too long`},
	} {
		t.Run(name, func(t *testing.T) {
			text := inetHead + test.row + "\n" + good + " 2 more columns\n"
			rows, errs := collect(parseInet(strings.NewReader(text), "tcp", TCP, false))
			if diff := cmp.Diff([]string{"tcp: " + test.want}, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			want := []InetSocket{{Proto: TCP, State: Listen, Local: netip.MustParseAddrPort("127.0.0.1:22"), Remote: netip.MustParseAddrPort("0.0.0.0:0"), Inode: 77}}
			if diff := cmp.Diff(want, rows, addrPorts); diff != "" {
				t.Errorf("the row after it (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInet_widestNumbers(t *testing.T) {
	row := "99999: FFFFFFFF:FFFF 00000000:0000 FF FFFFFFFF:FFFFFFFF FF:FFFFFFFFFFFFFFFF FFFFFFFF 4294967295 -2147483648 18446744073709551615"
	rows, errs := collect(parseInet(strings.NewReader(inetHead+row), "udp", UDP, false))
	want := []InetSocket{{Proto: UDP, State: 255, Local: netip.MustParseAddrPort("255.255.255.255:65535"), Remote: netip.MustParseAddrPort("0.0.0.0:0"),
		TxQueue: 1<<32 - 1, RxQueue: 1<<32 - 1, UID: 1<<32 - 1, Inode: 1<<64 - 1,
		Timer: Timer{Kind: 255, Remaining: 1<<64 - 1, Retransmits: 1<<32 - 1, Probes: -1 << 31}}}
	if diff := cmp.Diff(want, rows, addrPorts); diff != "" || errs != nil {
		t.Errorf("errors %v (-want +got):\n%s", errs, diff)
	}
}

// A file without its header line loses no row.
func TestInet_noHeader(t *testing.T) {
	text := mustCapture(t, "tcp", "mixed")
	_, headless, _ := bytes.Cut(text, []byte{'\n'})
	want, _ := collect(parseInet(bytes.NewReader(text), "tcp", TCP, false))
	got, errs := collect(parseInet(bytes.NewReader(headless), "tcp", TCP, false))
	if diff := cmp.Diff(want, got, addrPorts); diff != "" || errs != nil {
		t.Errorf("errors %v (-with header +without):\n%s", errs, diff)
	}
}

func TestInet_shortReads(t *testing.T) {
	text := mustCapture(t, "tcp6", "mixed")
	want, _ := collect(parseInet(bytes.NewReader(text), "tcp6", TCP, true))
	got, errs := collect(parseInet(iotest.OneByteReader(bytes.NewReader(text)), "tcp6", TCP, true))
	if diff := cmp.Diff(want, got, addrPorts); diff != "" || errs != nil {
		t.Errorf("errors %v (-at once +byte by byte):\n%s", errs, diff)
	}
}

func TestInet_readErrorAfterRows(t *testing.T) {
	broken := errors.New("input/output error")
	text := mustCapture(t, "tcp", "mixed")
	half := text[:len(text)/2]
	whole := bytes.Count(half, []byte{'\n'}) - 1 // rows that came whole, the header aside
	all, _ := collect(parseInet(bytes.NewReader(text), "tcp", TCP, false))
	got, errs := collect(parseInet(io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken)), "tcp", TCP, false))
	if diff := cmp.Diff(all[:whole], got, addrPorts); diff != "" {
		t.Errorf("rows before the error (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{broken.Error()}, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestFS_files(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "net", "udp"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "net", "tcp"), mustCapture(t, "tcp", "mixed"), 0o644); err != nil {
		t.Fatal(err)
	}
	fsys := NewFS(dir)
	if rows, errs := collect(fsys.Inet(TCP, false)); len(rows) < 10 || errs != nil {
		t.Errorf("tcp: %d rows, errors %v", len(rows), errs)
	}
	for name, rows := range map[string]iter.Seq2[*InetSocket, error]{
		"udp: is a directory":             fsys.Inet(UDP, false),
		"tcp6: no such file or directory": fsys.Inet(TCP, true),
	} {
		got, errs := collect(rows)
		if len(got) != 0 || len(errs) != 1 || !strings.HasSuffix(errs[0], filepath.Join("net", name)) {
			t.Errorf("%s: %d rows, errors %v", name, len(got), errs)
		}
	}
	if _, errs := collect(fsys.Unix()); len(errs) != 1 {
		t.Errorf("unix: errors %v, want one", errs)
	}
}

func TestInet_allocations(t *testing.T) {
	few, many := mustCapture(t, "tcp", "idle"), mustCapture(t, "tcp", "busy")
	allocs := func(text []byte) float64 {
		return testing.AllocsPerRun(10, func() {
			for _, err := range parseInet(bytes.NewReader(text), "tcp", TCP, false) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if a, b := allocs(few), allocs(many); a != b {
		t.Errorf("no row allocates %v times, 300 rows %v times: want the same", a, b)
	}
}

func TestState_words(t *testing.T) {
	var got []string
	for s := State(0); s <= 13; s++ {
		got = append(got, s.String())
	}
	want := strings.Fields("UNKNOWN ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING UNKNOWN UNKNOWN")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// netstat -l: TCP by the state, everything else by the remote address.
func TestInet_listening(t *testing.T) {
	for _, test := range []struct {
		proto  Proto
		state  State
		remote string
		want   bool
	}{
		{TCP, Listen, "0.0.0.0:0", true}, {TCP, Listen, "[::]:0", true}, {TCP, SynSent, "10.0.0.1:0", false}, {TCP, Established, "[::]:1", false},
		{TCP, 0, "0.0.0.0:0", true}, {TCP, 14, "0.0.0.0:0", true}, {TCP, 14, "0.0.0.0:1", false},
		{UDP, Close, "0.0.0.0:0", true}, {UDP, Close, "0.0.0.0:7", true}, {UDP, Close, "[::]:0", true}, {UDP, Established, "10.0.0.1:0", false},
		{Raw, Established, "[::1]:0", false}, {Raw, Close, "0.0.0.0:0", true}, {UDPLite, Close, "[::]:0", true},
	} {
		s := InetSocket{Proto: test.proto, State: test.state, Remote: netip.MustParseAddrPort(test.remote)}
		if got := s.Listening(); got != test.want {
			t.Errorf("%v to %s: listening %v, want %v", test.proto.File(false), test.remote, got, test.want)
		}
		listening, others := test.proto.ListeningStates()
		if known := test.proto != Raw && test.state >= Established && test.state <= Closing; known && (listening>>test.state&1 != 0) != test.want || known && others&listening != 0 {
			t.Errorf("%v in %v: masks %b and %b", test.proto.File(false), test.state, listening, others)
		}
	}
}

// Whoever stops the walk gets no further row: the range statement would panic.
func TestStreams_stopWhenAsked(t *testing.T) {
	inet := inetHead + "x\n0: 0100007F:0016 00000000:0000 0A 0:0 0:0 0 0 0 77\ny\n"
	unix := unixHead + "x\n00000000: 2 0 0 1 1 78 path\n00000000: 2\ny\n00000000: 2 0 0 1 1 78"
	for stop := 1; stop <= 6; stop++ {
		stopAfter(stop, parseInet(strings.NewReader(inet), "tcp", TCP, false))
		stopAfter(stop, parseUnix(strings.NewReader(unix), "unix"))
	}
}

func stopAfter[T any](steps int, rows iter.Seq2[*T, error]) {
	for range rows {
		if steps--; steps == 0 {
			break
		}
	}
}

func FuzzInet(f *testing.F) {
	for p, v6 := range inetFiles {
		for _, c := range captures(f, p.File(v6)) {
			if len(c.text) < 4096 {
				f.Add(c.text, uint8(p), v6)
			}
		}
	}
	f.Add([]byte(inetHead+"0: z\nx\n\n 1:\n0: 0100007F:0016 00000000:0000 0A 0:0 0:0 0 0 0 77"), uint8(TCP), false)
	f.Fuzz(func(t *testing.T, text []byte, proto uint8, v6 bool) {
		p := Proto(proto % 4)
		stopAfter(1+len(text)%5, parseInet(bytes.NewReader(text), "f", p, v6))
		lines := bytes.Count(text, []byte{'\n'}) + 1
		for s, err := range parseInet(bytes.NewReader(text), "f", p, v6) {
			var bad *ParseError
			switch {
			case err != nil && s != nil, err == nil && s == nil:
				t.Fatalf("row %v and error %v", s, err)
			case errors.As(err, &bad):
				if bad.Line < 1 || bad.Line > lines {
					t.Fatalf("%v: the input has %d lines", bad, lines)
				}
			case err != nil:
				t.Fatalf("error that is no ParseError: %v", err)
			default:
				again, errs := collect(parseInet(strings.NewReader("0: "+kernelRow(s)), "again", p, v6))
				if diff := cmp.Diff([]InetSocket{*s}, again, addrPorts); diff != "" || errs != nil {
					t.Fatalf("written and read again: errors %v (-first +again)\n%s", errs, diff)
				}
			}
		}
	})
}

func BenchmarkInet(b *testing.B) {
	text := mustCapture(b, "tcp", "busy")
	for _, rows := range []int{300, 99_900} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			_, body, _ := bytes.Cut(text, []byte{'\n'})
			big := append([]byte(inetHead), bytes.Repeat(body, rows/300)...)
			b.ReportAllocs()
			b.SetBytes(int64(len(big)))
			for b.Loop() {
				n := 0
				for _, err := range parseInet(bytes.NewReader(big), "tcp", TCP, false) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != rows {
					b.Fatalf("%d rows, want %d", n, rows)
				}
			}
		})
	}
}

// waitingStates is what the lab of that capture made, in the kernel's order.
const waitingStates = `
10.98.0.1:2222 0.0.0.0:0 LISTEN tx 0 rx 0 timer 0+0/0/0 uid 0 owned true listening true
10.98.0.1:42152 10.98.0.2:80 SYN_SENT tx 1 rx 0 timer 1+98/0/0 uid 0 owned true listening false
10.98.0.1:2222 10.98.0.2:5003 CLOSING tx 1 rx 1 timer 1+18/0/0 uid 0 owned false listening false
10.98.0.1:2222 10.98.0.2:5004 LAST_ACK tx 1 rx 1 timer 1+18/0/0 uid 0 owned false listening false
10.98.0.1:2222 10.98.0.2:5001 SYN_RECV tx 0 rx 0 timer 1+98/0/0 uid 0 owned false listening false
10.98.0.1:2222 10.98.0.2:5005 ESTABLISHED tx 50 rx 0 timer 1+18/0/0 uid 0 owned true listening false
10.98.0.1:2222 10.98.0.2:5002 FIN_WAIT1 tx 1 rx 0 timer 1+18/0/0 uid 0 owned false listening false
`
