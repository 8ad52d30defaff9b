package stackprobe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// sight is what can be said of one segment at one end's tap, by us and by tshark.
type sight struct {
	Frame                  int
	Seq, Ack               int64
	Flags, Len             int
	Window                 int64
	MSS, Scale, SACKBlocks int
	// Repeat is asked where a segment leaves: where it arrives tshark cannot know whether it left before. DupAck is
	// asked where it arrives, as it means something to who receives it.
	Repeat, DupAck bool
}

// What our events and relations say of each segment at both taps is what tshark says of the same packets: relative
// numbers, scaled windows, options, which ones repeat octets, which acknowledgments are duplicates.
//
// One difference is known: tshark (4.0.17) wants the same window of a duplicate acknowledgment even when it brings new
// SACK blocks; RFC 6675 section 2 does not.
func TestEvents_sayWhatTsharkSays(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	for name, c := range map[string]struct {
		seed   int64
		bytes  int
		faults []string
	}{
		"plain":            {1, 3000, nil},
		"first data lost":  {2, 3000, []string{"client> drop data 1"}},
		"fast retransmit":  {3, 60000, []string{"client> drop data 9"}},
		"answer lost":      {4, 40000, []string{"server> drop data 3-4"}},
		"acks lost":        {5, 20000, []string{"server> drop ack 1-3", "client> drop fin 1"}},
		"handshake lost":   {6, 2000, []string{"client> drop syn 1-2", "server> drop synack 1"}},
		"both lose a tail": {7, 10000, []string{"client> drop data 8", "server> drop data 8", "server> drop fin 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			events := mustRun(t, c.seed, c.bytes, c.faults)
			for _, end := range []event.Host{event.Client, event.Server} {
				packets, ours := tap(t, events, end)
				theirs := askTshark(t, tshark, packets, events, end)
				if len(ours) < 10 {
					t.Fatalf("only %d segments at the %s", len(ours), end)
				}
				if diff := cmp.Diff(theirs, ours); diff != "" {
					t.Errorf("at the %s: tshark - we +\n%s", end, diff)
				}
			}
		})
	}
}

// mustRun runs an exchange in the memory world.
func mustRun(t *testing.T, seed int64, n int, faults []string) []event.Event {
	t.Helper()
	c := stackprobe.Config{World: stackprobe.Memory, Seed: seed, Bytes: n, Delay: stackprobe.DefaultDelay}
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
	if end := events[len(events)-1].End; end == nil || !end.OK {
		t.Fatalf("the exchange failed: %+v", end)
	}
	return events
}

// tap gives the packets that passed one end's tap, in a capture file, and what we say of them.
func tap(t *testing.T, events []event.Event, end event.Host) (file string, ours []sight) {
	t.Helper()
	// Classic pcap, little endian, nanoseconds, LINKTYPE_RAW (101).
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0)
	for i := range events {
		e := &events[i]
		if e.Host != end || (e.Kind != event.KindTx && e.Kind != event.KindRx) {
			continue
		}
		p := packet(t, &e.Seg)
		b = binary.LittleEndian.AppendUint32(b, uint32(e.T/1e9))
		b = binary.LittleEndian.AppendUint32(b, uint32(e.T%1e9))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
		ours = append(ours, ourSight(len(ours)+1, e))
	}
	file = filepath.Join(t.TempDir(), "tap.pcap")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, ours
}

// ourSight is what the event and its relation say.
func ourSight(frame int, e *event.Event) sight {
	s, r := &e.Seg, &e.Derived
	v := sight{Frame: frame, Seq: r.RelSeq, Ack: r.RelAck, Flags: int(s.Flags), Len: s.Len, Window: int64(s.Win), Scale: -1,
		Repeat: r.Repeat, DupAck: r.DupAck > 0}
	if r.HasWindow {
		v.Window = int64(r.Window)
	}
	if s.Opts.Has&event.OptMSS != 0 {
		v.MSS = int(s.Opts.MSS)
	}
	if s.Opts.Has&event.OptWScale != 0 {
		v.Scale = int(s.Opts.WScale)
	}
	if s.Opts.Has&event.OptSack != 0 {
		v.SACKBlocks = int(s.Opts.NSack)
	}
	return v
}

// packet builds the packet of a segment again; its data are zeros.
func packet(t *testing.T, s *event.Segment) []byte {
	t.Helper()
	o := wire.TCPOptions{MSS: s.Opts.MSS, HasMSS: s.Opts.Has&event.OptMSS != 0, WindowScale: s.Opts.WScale, HasScale: s.Opts.Has&event.OptWScale != 0,
		SACKPermitted: s.Opts.Has&event.OptSackPermitted != 0, HasTimestamps: s.Opts.Has&event.OptTimestamps != 0, TSVal: s.Opts.TSVal, TSEcr: s.Opts.TSEcr}
	if s.Opts.Has&event.OptSack != 0 {
		o.SACKCount = int(s.Opts.NSack)
		for i, b := range s.Opts.Sack {
			o.SACKBlocks[i] = wire.SACKBlock{Left: b.Left, Right: b.Right}
		}
	}
	options, err := o.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := wire.TCPFields{SrcPort: s.Src.Port(), DstPort: s.Dst.Port(), Seq: s.Seq, Ack: s.Ack, Flags: wire.TCPFlags(s.Flags), Window: s.Win}
	tcp, err := f.Append(nil, s.Src.Addr(), s.Dst.Addr(), options, make([]byte, s.Len))
	if err != nil {
		t.Fatal(err)
	}
	ip := wire.IPv4Fields{ID: s.IPID, DF: true, TTL: s.Hop, Protocol: wire.ProtoTCP, Src: s.Src.Addr(), Dst: s.Dst.Addr()}
	b, err := ip.Append(nil, len(tcp))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, tcp...)
}

// askTshark reads the capture with tshark. A segment that tshark calls retransmission of any kind, or out of order,
// repeats octets: at the tap of its sender nothing arrives out of order.
func askTshark(t *testing.T, tshark, file string, events []event.Event, end event.Host) []sight {
	t.Helper()
	fields := []string{"frame.number", "tcp.seq", "tcp.ack", "tcp.flags", "tcp.len", "tcp.window_size", "tcp.options.mss_val", "tcp.options.wscale.shift",
		"tcp.options.sack.count", "tcp.analysis.retransmission", "tcp.analysis.out_of_order", "tcp.analysis.duplicate_ack_num"}
	args := []string{"-r", file, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	at := passed(events, end)
	var all []sight
	for line := range bytes.Lines(out) {
		col := strings.Split(strings.TrimRight(string(line), "\n"), "\t")
		if len(col) != len(fields) {
			t.Fatalf("%d columns: %q", len(col), line)
		}
		v := sight{Frame: int(number(t, col[0])), Seq: number(t, col[1]), Ack: number(t, col[2]), Flags: int(number(t, col[3])), Len: int(number(t, col[4])),
			Window: number(t, col[5]), MSS: int(number(t, col[6])), Scale: -1, SACKBlocks: int(number(t, col[8]))}
		if col[7] != "" {
			v.Scale = int(number(t, col[7]))
		}
		here := at[len(all)]
		v.Repeat = here.leaves && (col[9] != "" || col[10] != "")
		v.DupAck = !here.leaves && (col[11] != "" || here.newWindowAndSACK)
		all = append(all, v)
	}
	return all
}

// passage is what the events know of one packet at a tap beyond its bytes.
type passage struct {
	leaves bool
	// newWindowAndSACK is the known difference: an arriving acknowledgment without data that repeats the number of the
	// one before, in another window and with SACK blocks.
	newWindowAndSACK bool
}

// passed lists the packets that passed one end's tap.
func passed(events []event.Event, end event.Host) []passage {
	var all []passage
	var last event.Segment
	for i := range events {
		e := &events[i]
		if e.Host != end || (e.Kind != event.KindTx && e.Kind != event.KindRx) {
			continue
		}
		p := passage{leaves: e.Kind == event.KindTx}
		if !p.leaves {
			p.newWindowAndSACK = e.Seg.Len == 0 && e.Seg.Opts.Has&event.OptSack != 0 && e.Seg.Ack == last.Ack && e.Seg.Win != last.Win
			last = e.Seg
		}
		all = append(all, p)
	}
	return all
}

// number reads a column, decimal or hexadecimal; empty is 0.
func number(t *testing.T, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("tshark's column: %w", err))
	}
	return n
}
