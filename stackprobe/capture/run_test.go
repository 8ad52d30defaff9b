package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// TestRun_bridge: the frames of a bridge have an interface of their own, and are read by others as what they are.
func TestRun_bridge(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	who := "\xff\xff\xff\xff\xff\xff\x02\x01\x03\x04\x05\x06\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01\x02\x01\x03\x04\x05\x06\xc0\x00\x02\x09\x00\x00\x00\x00\x00\x00\xc0\x00\x02\x01"
	file := filepath.Join(t.TempDir(), "bridge.pcapng")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r := capture.NewRun(out)
	for _, e := range []event.Event{
		{Kind: event.KindRun, Run: &event.Run{World: event.BridgeWorld, Snap: 128}},
		{T: 5, N: 2, Kind: event.KindFrame, Host: event.Client, Frame: event.Frame{Sent: true, Size: len(who), Wire: who}},
		{T: 6, N: 3, Kind: event.KindFrame, Host: event.Client, Frame: event.Frame{Size: 60, Wire: who}},
		{T: 7, N: 4, Kind: event.KindEnd, End: &event.End{}},
	} {
		if err := r.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(tshark, "-r", file, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.packet_flags_direction", "-e", "frame.len",
		"-e", "arp.opcode", "-e", "arp.dst.proto_ipv4").Output()
	if want := "bridge\t0x00000002\t42\t1\t192.0.2.1\nbridge\t0x00000001\t60\t1\t192.0.2.1\n"; err != nil || string(got) != want {
		t.Errorf("%v, %s", err, cmp.Diff(want, string(got)))
	}
	if err := capture.NewRun(out).Event(&event.Event{N: 1, Kind: event.KindFrame, Frame: event.Frame{Wire: who}}); err != nil {
		t.Errorf("a frame in a run that is none of a bridge: %v, want it left out", err)
	}
	r = capture.NewRun(out)
	r.Event(&event.Event{Kind: event.KindRun, Run: &event.Run{World: event.BridgeWorld}})
	if missing, ok := errors.AsType[*capture.MissingError](r.Event(&event.Event{N: 9, Kind: event.KindFrame, Frame: event.Frame{Size: 42}})); !ok || missing.N != 9 {
		t.Errorf("a frame without octets: %v", missing)
	}
}

// exchange runs one in memory, which need not end well.
func exchange(t testing.TB, c stackprobe.Config, faults ...string) []event.Event {
	t.Helper()
	c.World, c.Delay, c.Version = stackprobe.Memory, stackprobe.DefaultDelay, "test"
	for _, text := range faults {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Faults = append(c.Faults, r)
	}
	var events []event.Event
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// written is the capture of events, and the name of a file that holds it.
func written(t testing.TB, events []event.Event) (name string, content []byte) {
	t.Helper()
	var b bytes.Buffer
	r := capture.NewRun(&b)
	for i := range events {
		if err := r.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(t.TempDir(), "run.pcapng")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name, b.Bytes()
}

// frames are the fields that tshark finds in each frame, blank after blank.
func frames(t *testing.T, tshark, file string, fields ...string) []string {
	t.Helper()
	args := []string{"-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator= ", "-E", "aggregator=|"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// What tshark reads in the capture of a run is what the events say: each transmission and each arrival with its time to
// the nanosecond, interface, direction, number, lengths, and whether its checksum is right.
func TestRun_tsharkReadsThePackets(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	for name, c := range map[string]stackprobe.Config{
		"IPv4":              {Bytes: 9000, Seed: 1, Snap: stackprobe.MaxMTU},
		"IPv6":              {Bytes: 9000, Seed: 2, Snap: stackprobe.MaxMTU, IPv6: true},
		"cut":               {Bytes: 9000, Seed: 3},
		"three at a time":   {Bytes: 2000, Seed: 4, Conns: 3, Snap: 200},
		"cut in the header": {Bytes: 500, Seed: 5, Snap: 30},
	} {
		t.Run(name, func(t *testing.T) {
			events := exchange(t, c, "client> drop data 1", "dup data 2", "corrupt data 3", "server> reorder by 2 data 2", "loss 5%")
			var want, cut []string
			for i := range events {
				e := &events[i]
				s := &e.Seg
				switch e.Kind {
				case event.KindTx:
					want = append(want, fmt.Sprintf("%d.%09d %s tx 0x00000002 %d %d %d %s", e.T/1e9, e.T%1e9, e.Host, s.ID, s.Size, len(s.Wire), checksum(s)))
				case event.KindRx:
					want = append(want, fmt.Sprintf("%d.%09d %s rx 0x00000001 %d %d %d %s", e.T/1e9, e.T%1e9, e.Host, s.ID, s.Size, len(s.Wire), checksum(s)))
				}
			}
			file, _ := written(t, events)
			got := frames(t, tshark, file, "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction", "frame.packet_id", "frame.len", "frame.cap_len",
				"tcp.checksum.status")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-events +tshark\n%s", diff)
			}
			for _, f := range frames(t, tshark, file, "_ws.malformed", "_ws.expert.severity") {
				if strings.Contains(f, "Malformed") {
					cut = append(cut, f)
				}
			}
			if cut != nil {
				t.Errorf("malformed frames: %q", cut)
			}
		})
	}
}

// checksum is what tshark says of a checksum: 1 right, 0 wrong, 2 not verified because octets are missing; nothing where it
// does not reach so far.
func checksum(s *event.Segment) string {
	switch {
	case len(s.Wire) < 40:
		return ""
	case len(s.Wire) < s.Size:
		return "2"
	case s.BadSum:
		return "0"
	}
	return "1"
}

// A packet that the link took stands at its sender alone, a copy at its receiver alone; the comments say what was done to
// each, by which rule, and what its end knew.
func TestRun_comments(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	events := exchange(t, stackprobe.Config{Bytes: 3000, Seed: 1}, "client> drop data 1", "client> dup data 2", "client> corrupt data 3")
	file, _ := written(t, events)
	got := frames(t, tshark, file, "frame.interface_name", "frame.packet_id", "frame.comment")
	want := []string{
		"client tx 1 SYN-SENT, rto 1s, why new (computed)",
		"server rx 1 LISTEN, on its way for 20ms",
		"server tx 2 SYN-RECEIVED, rto 1s, why new (computed)",
		"client rx 2 SYN-SENT, on its way for 20ms",
		"client tx 3 ESTABLISHED, cwnd 10, flight 0, rto 200ms, srtt 40ms, why ack (computed)",
		"client tx 4 ESTABLISHED, cwnd 10, flight 0, rto 200ms, srtt 40ms, why new (computed)|dropped by link: client> drop data 1",
		"client tx 5 ESTABLISHED, cwnd 10, flight 1, rto 200ms, srtt 40ms, why new (computed)",
		"client tx 6 ESTABLISHED, cwnd 10, flight 2, rto 200ms, srtt 40ms, why new (computed)|" +
			"duplicated by link: client> dup data 2, copy 7|its copy: corrupted by link: client> corrupt data 3, bit 276",
		"server rx 3 SYN-RECEIVED, on its way for 20ms",
		"server rx 5 ESTABLISHED, on its way for 20ms",
		"server tx 8 ESTABLISHED, cwnd 10, flight 0, rto 200ms, srtt 40ms, why ack (computed)",
		"server rx 6 ESTABLISHED, on its way for 20.000001ms|duplicated by link: client> dup data 2, copy 7",
		"server tx 9 ESTABLISHED, cwnd 10, flight 0, rto 200ms, srtt 40ms, why ack (computed)",
		"server rx 7 ESTABLISHED, bad checksum, on its way for 20.000005ms|a copy of 6, made by the link|corrupted by link: client> corrupt data 3, bit 276",
		"client rx 8 ESTABLISHED, duplicate ACK 1, cause loss, on its way for 20ms",
		"client rx 9 ESTABLISHED, duplicate ACK 2, cause loss, on its way for 20ms",
		"client tx 10 ESTABLISHED, cwnd 1, ssthresh 2, flight 0, loss, rto 400ms, srtt 40ms, why rto (inferred), transmission 2 of these octets",
	}
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// What capinfos says of the file: the interfaces with their hosts, and the words that make the run again.
func TestRun_capinfos(t *testing.T) {
	capinfos := nstest.Peer(t, "capinfos")
	events := exchange(t, stackprobe.Config{Bytes: 100, Seed: 7, IPv6: true, MTU: 1400}, "drop data 1", "delay 1ms")
	file, _ := written(t, events)
	out, err := exec.Command(capinfos, file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		for _, word := range []string{"Name =", "Description =", "Encapsulation =", "resolution =", "Operating system =", "Number of packets =", "application:", "comment:"} {
			if strings.Contains(line, word) {
				got = append(got, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	kernel := "Operating system = " + events[0].Run.Client.Name
	side := func(name, what, addr string, packets int) []string {
		return []string{"Name = " + name, "Description = " + what + ", " + addr, "Encapsulation = Raw IP (7 - rawip)", "Time resolution = 0x09", kernel,
			fmt.Sprintf("Number of packets = %d", packets)}
	}
	count := func(h event.Host, k event.Kind) int {
		n := 0
		for i := range events {
			if events[i].Host == h && events[i].Kind == k {
				n++
			}
		}
		return n
	}
	want := slices.Concat([]string{"Capture application: gnet test",
		"Capture comment: --link memory --seed 7 --bytes 100 --mtu 1400 --delay 20ms,20ms; times count from the start of the run, which is taken as 1970-01-01T00:00:00Z: its time is virtual",
		"Capture comment: client: " + events[0].Run.Client.Name + ", reno, RFC 6675, 2001:db8::1",
		"Capture comment: server: " + events[0].Run.Server.Name + ", reno, RFC 6675, 2001:db8::2",
		`Capture comment: --fault "drop data 1"`, `Capture comment: --fault "delay 1ms"`},
		side("client tx", "what the client transmits", "2001:db8::1", count(event.Client, event.KindTx)),
		side("client rx", "what arrives at the client", "2001:db8::1", count(event.Client, event.KindRx)),
		side("server tx", "what the server transmits", "2001:db8::2", count(event.Server, event.KindTx)),
		side("server rx", "what arrives at the server", "2001:db8::2", count(event.Server, event.KindRx)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Text from outside is escaped, and cut where it is longer than a comment can be.
func TestRun_hostileComments(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	wire := string([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 99, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2})
	evil := "\x1b[2J\x00\xff\u202e"
	events := []event.Event{
		{Kind: event.KindRun, Run: &event.Run{World: evil, Faults: []string{strings.Repeat("x", 1<<20)}}},
		{Kind: event.KindTx, Host: event.Client, Seg: event.Segment{ID: 1, Wire: wire, Size: 20}},
		{Kind: event.KindLost, Host: event.Client, Seg: event.Segment{ID: 1}, Fault: event.Fault{Rule: evil}},
		{Kind: event.KindRx, Host: event.Client, T: -5, Seg: event.Segment{ID: -1, Wire: wire + wire, Size: 3, Origin: event.Injected, Line: evil}},
	}
	file, content := written(t, events)
	got := frames(t, tshark, file, "frame.time_epoch", "frame.len", "frame.cap_len", "frame.packet_id", "frame.comment")
	want := []string{`0.000000000 20 20 1 dropped by link: \x1b[2J\x00\xff\xe2\x80\xae`,
		`0.000000000 40 40  injected by \x1b[2J\x00\xff\xe2\x80\xae: the server did not send this`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if bytes.Contains(content, []byte(strings.Repeat("x", 8192))) || !bytes.Contains(content, []byte("x [cut]")) {
		t.Error("a comment of 1 MiB was not cut")
	}
	if bytes.Contains(content, []byte("\x1b[2J")) {
		t.Error("an escape sequence is in the file")
	}
}

// What was injected stands where it arrived, and nowhere as sent by the end whose address it bears.
func TestRun_injected(t *testing.T) {
	wire := strings.Repeat("E", 20)
	events := []event.Event{
		{Kind: event.KindTx, Host: event.Client, Seg: event.Segment{ID: 1, Wire: wire, Size: 20, Origin: event.Injected, Line: "a RST"}},
		{Kind: event.KindRx, Host: event.Server, Seg: event.Segment{ID: 1, Wire: wire, Size: 20, Origin: event.Injected, Line: "a RST"}},
	}
	_, content := written(t, events)
	if n := bytes.Count(content, []byte(wire)); n != 1 {
		t.Errorf("the packet stands %d times in the file, want once", n)
	}
}

// A run that holds nothing of its packets gives no capture, and says so at the end too.
func TestRun_withoutOctets(t *testing.T) {
	events := exchange(t, stackprobe.Config{Bytes: 100, Snap: -1})
	r := capture.NewRun(new(bytes.Buffer))
	var missing *capture.MissingError
	for i := range events {
		if err := r.Event(&events[i]); err != nil && !errors.As(err, &missing) {
			t.Fatal(err)
		}
	}
	first := slices.IndexFunc(events, func(e event.Event) bool { return e.Kind == event.KindTx })
	if err := r.Close(); missing == nil || missing.N != events[first].N || !errors.Is(err, missing) {
		t.Errorf("Close: %v after %v, want event %d to be named", err, missing, events[first].N)
	}
}

// full is a disk that takes n bytes.
type full struct{ n int }

var errFull = errors.New("no space")

func (f *full) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// Wherever the disk is full, the error comes out, and again at the end.
func TestRun_fullDisk(t *testing.T) {
	events := exchange(t, stackprobe.Config{Bytes: 100})
	_, content := written(t, events)
	for n := 0; n < len(content); n += 61 {
		r := capture.NewRun(&full{n})
		for i := range events {
			if err := r.Event(&events[i]); err != nil && !errors.Is(err, errFull) {
				t.Fatal(err)
			}
		}
		if err := r.Close(); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d of %d bytes: %v", n, len(content), err)
		}
	}
}

// What is remembered of packets on their way is forgotten where they arrive or are lost, so that the last of many has its
// comment too.
func TestRun_manyFaults(t *testing.T) {
	var events []event.Event
	const n = 5000
	for id := 1; id <= n; id++ {
		s := event.Segment{ID: id, Wire: "E", Size: 20}
		end := event.Event{Kind: event.KindRx, Host: event.Server, Seg: s}
		if id%2 == 0 {
			end = event.Event{Kind: event.KindLost, Host: event.Client, Seg: s, Fault: event.Fault{Rule: "loss 50%"}}
		}
		events = append(events, event.Event{Kind: event.KindTx, Host: event.Client, Seg: s},
			event.Event{Kind: event.KindFault, Host: event.Client, Seg: s, Fault: event.Fault{Action: event.Corrupt, Rule: "corrupt"}}, end)
	}
	_, content := written(t, events)
	if got := bytes.Count(content, []byte("corrupted by link: corrupt")); got != n+n/2 {
		t.Errorf("%d comments, want %d: one where each left and one where every other arrived", got, n+n/2)
	}
}
