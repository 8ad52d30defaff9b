package capture_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
)

// began is a moment at which a run began: 2023-11-14T22:13:20.123456789Z.
const began = 1_700_000_000_123_456_789

// narrow is a run over a path that becomes narrower, whose router says so; it began at that moment.
func narrow(t *testing.T, c stackprobe.Config, start int64) []event.Event {
	events := exchange(t, c, "client> mtu 1300 at 30ms")
	run := *events[0].Run
	run.Start = start
	if start != 0 {
		run.Clock = event.Mono
	}
	events[0].Run = &run
	return events
}

// TestRun_messages: each ICMP message stands in the capture where it arrived, at the moment of the world; tshark reads in it what the
// events say, and the capture shows it again.
func TestRun_messages(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	for name, c := range map[string]stackprobe.Config{
		"IPv4":            {Bytes: 20000, Seed: 1, Snap: stackprobe.MaxMTU},
		"IPv6":            {Bytes: 20000, Seed: 2, Snap: stackprobe.MaxMTU, IPv6: true},
		"cut":             {Bytes: 20000, Seed: 3},
		"several at once": {Bytes: 20000, Seed: 4, Conns: 2, Snap: stackprobe.MaxMTU},
	} {
		for _, start := range []int64{0, began} {
			t.Run(fmt.Sprint(name, start), func(t *testing.T) {
				events := narrow(t, c, start)
				protocol := "icmp"
				if c.IPv6 {
					protocol = "icmpv6"
				}
				var want, sent []string
				for i := range events {
					e := &events[i]
					if e.Kind != event.KindICMP {
						continue
					}
					at := start + e.T
					want = append(want, fmt.Sprintf("%d.%09d client rx 0x00000001 %d %d %d %d %d", at/1e9, at%1e9, e.ICMP.Size, len(e.ICMP.Wire), e.ICMP.Type, e.ICMP.Code, e.ICMP.MTU))
					sent = append(sent, fmt.Sprint(e.T, e.Host, e.Conn, e.Seg.ID, e.Seg.Seq, e.Seg.Size, e.ICMP))
				}
				if len(want) == 0 {
					t.Fatal("no message")
				}
				file, content := written(t, events)
				var got []string
				for _, f := range frames(t, tshark, file, "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction", "frame.len", "frame.cap_len", protocol+".type",
					protocol+".code", protocol+".mtu") {
					if len(strings.Fields(f)) == 9 { // the others are segments
						got = append(got, f)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-events +tshark\n%s", diff)
				}
				var again []string
				for _, e := range replayed(t, content) {
					if e.Kind == event.KindRun && e.Run.Start != start {
						t.Errorf("the capture says that the run began at %d", e.Run.Start)
					}
					if e.Kind == event.KindICMP {
						again = append(again, fmt.Sprint(e.T, e.Host, e.Conn, e.Seg.ID, e.Seg.Seq, e.Seg.Size, e.ICMP))
					}
				}
				if diff := cmp.Diff(sent, again); diff != "" {
					t.Errorf("-events +replay\n%s", diff)
				}
			})
		}
	}
}

// TestRun_date: Wireshark shows the date of the run.
func TestRun_date(t *testing.T) {
	tshark := nstest.Peer(t, "tshark")
	file, _ := written(t, narrow(t, stackprobe.Config{Bytes: 100, Seed: 1}, began))
	out, err := exec.Command(tshark, "-r", file, "-t", "ud", "-c", "1").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "2023-11-14 22:13:20.123456") {
		t.Errorf("tshark shows %s", out)
	}
}

// TestRun_messageWithoutOctets: a run of an earlier version has none; the capture counts them.
func TestRun_messageWithoutOctets(t *testing.T) {
	events := narrow(t, stackprobe.Config{Bytes: 20000, Seed: 1, Snap: stackprobe.MaxMTU}, 0)
	missing := 0
	for i := range events {
		if events[i].Kind == event.KindICMP {
			missing++
			events[i].ICMP.Wire, events[i].ICMP.Size = "", 0
		}
	}
	_, content := written(t, events)
	if text := fmt.Sprintf("%d ICMP messages are not here: the run holds none of their octets", missing); missing == 0 || !strings.Contains(string(content), text) {
		t.Errorf("the capture does not say %q", text)
	}
	for _, e := range replayed(t, content) {
		if e.Kind == event.KindICMP {
			t.Error("a message without octets is in the capture")
		}
	}
}
