package capture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// replayed are the events of a capture, none of whose packets may be bad.
func replayed(t testing.TB, content []byte) []event.Event {
	t.Helper()
	var events []event.Event
	for e, err := range capture.NewReplay(bytes.NewReader(content)).Events() {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// passages are what events say of segments on their way, without what only stacks know.
func passages(events []event.Event) (list []string) {
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case event.KindTx, event.KindRx, event.KindLost:
			s := e.Seg
			if e.Kind != event.KindLost {
				list = append(list, fmt.Sprintf("%d %v %v, connection %d: %+v", e.T, e.Kind, e.Host, e.Conn, s))
			} else {
				list = append(list, fmt.Sprintf("%d lost %v %d: %s", e.T, e.Host, s.ID, e.Rule))
			}
		}
	}
	return list
}

// states are those that the ends have gone through, by end.
func states(events []event.Event) map[string][]string {
	all := make(map[string][]string)
	for i := range events {
		if e := &events[i]; e.Kind == event.KindState && e.State != event.Listening && e.State != event.Closed {
			k := fmt.Sprintf("%v %d", e.Host, e.Conn)
			all[k] = append(all[k], e.State.String())
		}
	}
	return all
}

// A capture of ours gives the run again: each segment at both ends with all its fields, and the losses with their rules; and the
// states that can be inferred from the segments are those that the stacks had.
func TestReplay_bothEnds(t *testing.T) {
	closing := [3]app.Options{event.Client: {Role: app.RoleSource, HasBytes: true, Bytes: 5000, End: app.EndHalf}, event.Server: {Role: app.RoleSource, HasBytes: true, Bytes: 5000, End: app.EndHalf}}
	for name, c := range map[string]struct {
		stackprobe.Config
		faults []string
	}{
		"plain":              {stackprobe.Config{Bytes: 3000, Seed: 1}, nil},
		"IPv6, faults":       {stackprobe.Config{Bytes: 30000, Seed: 2, IPv6: true}, []string{"client> drop data 1", "dup data 3", "server> drop fin 1", "delay 5ms data 7-9"}},
		"three":              {stackprobe.Config{Bytes: 2000, Seed: 3, Conns: 3}, []string{"drop syn 1", "server> drop synack 1"}},
		"both close at once": {stackprobe.Config{Bytes: 5000, Seed: 4, Ends: closing}, nil},
		"reset":              {stackprobe.Config{Bytes: 500, Seed: 5, Ends: [3]app.Options{event.Client: {End: app.EndReset}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.Snap = stackprobe.MaxMTU
			events := exchange(t, c.Config, c.faults...)
			_, content := written(t, events)
			again := replayed(t, content)
			if diff := cmp.Diff(passages(events), passages(again)); diff != "" {
				t.Errorf("-run +replayed\n%s", diff)
			}
			if diff := cmp.Diff(states(events), states(again)); diff != "" {
				t.Errorf("states: -run +replayed\n%s", diff)
			}
			if r := again[0].Run; r == nil || r.World != event.CaptureWorld {
				t.Errorf("the first event is %+v", again[0])
			}
		})
	}
}

// A capture of one tap has each segment once, at one moment, with inferred states; who opened the connection is its client.
func TestReplay_oneTap(t *testing.T) {
	events := exchange(t, stackprobe.Config{Bytes: 3000, Seed: 1, Snap: 90}, "client> drop data 1")
	_, content := written(t, events)
	var at []string
	b := classic(binary.BigEndian, 0xa1b23c4d, 101).b
	for p, err := range capture.NewReader(bytes.NewReader(content)).Packets() {
		if err != nil {
			t.Fatal(err)
		}
		if p.At.Name != "server tx" && p.At.Name != "server rx" {
			continue
		}
		at = append(at, fmt.Sprintf("%d %s", p.Time-20e6-3, p.At.Name[7:]))
		const start = 1_700_000_000
		b = binary.BigEndian.AppendUint32(b, start+uint32(p.Time/1e9))
		b = binary.BigEndian.AppendUint32(b, uint32(p.Time%1e9))
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.Data)))
		b = append(binary.BigEndian.AppendUint32(b, uint32(p.Length)), p.Data...)
	}
	again := replayed(t, b)
	if r := again[0].Run; r.World != event.TapWorld || r.Client.Addr != "192.0.2.1" || r.Server.Addr != "192.0.2.2" {
		t.Errorf("the first event is of %+v", r)
	}
	var passed []string
	for i := range again {
		e := &again[i]
		switch {
		case e.Kind == event.KindTx && e.Host == event.Client:
			passed = append(passed, fmt.Sprintf("%d rx", e.T))
		case e.Kind == event.KindTx:
			passed = append(passed, fmt.Sprintf("%d tx", e.T))
		case e.Kind == event.KindRx:
			sent := slices.IndexFunc(again, func(o event.Event) bool { return o.Kind == event.KindTx && o.Seg.ID == e.Seg.ID })
			if sent < 0 || again[sent].T != e.T || again[sent].Host != e.Host.Peer() || again[sent].Seg != e.Seg {
				t.Errorf("event %d arrives as something else than left", e.N)
			}
		case e.Kind == event.KindState && e.StateHow != event.Inferred:
			t.Errorf("event %d: state %v is %v", e.N, e.State, e.StateHow)
		}
	}
	if diff := cmp.Diff(at, passed); diff != "" {
		t.Errorf("-packets +events\n%s", diff)
	}
}

// Without a SYN the end with the higher port is the client; packets that go back in time, that are no TCP, and blocks that are not
// known are counted in warnings.
func TestReplay_warnings(t *testing.T) {
	p := synPacket(false)
	p[33], p[22], p[23] = 0x10, 1, 2 // an ACK from port 40000 to 258
	udp := synPacket(false)
	udp[9] = 17
	f := (&file{AppendByteOrder: binary.LittleEndian}).section().iface(101, 0)
	f.enhanced(0, 9, 40, 40, p).enhanced(0, 5, 40, 40, p).enhanced(0, 9, 40, 40, udp).enhanced(0, 9, 30, 40, p).block(0xbad, func(*file) {})
	var got []string
	for _, e := range replayed(t, f.b) {
		switch e.Kind {
		case event.KindTx:
			got = append(got, fmt.Sprintf("%v %v at %v", e.Host, e.State, time.Duration(e.T)))
		case event.KindNote:
			got = append(got, e.Level.String()+" "+e.Text)
		}
	}
	want := []string{"client ESTABLISHED at 0s", "client ESTABLISHED at 0s", "warning 2 packets are no TCP segments that can be read",
		"warning 1 packets stand behind later ones; their times are taken as those of the ones before them", "warning 1 blocks are of sorts that are not read here"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestTap_clockSetBack: in a live capture time goes on where the time of day is set back by an hour, and it is said; what one processor's
// packets are behind another's is no such thing.
func TestTap_clockSetBack(t *testing.T) {
	var got []string
	tap := capture.NewTap("eth0", func(e *event.Event) bool {
		switch e.Kind {
		case event.KindTx:
			got = append(got, fmt.Sprintf("%v at %v", e.Host, time.Duration(e.T)))
		case event.KindNote:
			got = append(got, e.Level.String()+" "+e.Text)
		case event.KindVars:
			got = append(got, fmt.Sprintf("sample of %v", time.Duration(e.Vars.At)))
		}
		return true
	})
	const start, hour = 1_700_000_000e9, 3600e9
	data := synPacket(false)
	for _, at := range []int64{start, start + 2e9, start + 1e9, start + 3e9, start + 4e9 - hour, start + 5e9 - hour} {
		p := capture.Packet{Interface: 0, At: &capture.Interface{Link: capture.Raw}, Time: at, Data: data, Length: len(data)}
		if _, err := tap.Packet(&p); err != nil {
			t.Fatal(err)
		}
	}
	tap.Sampled(start+5e9+1e6-hour, event.Client, 1, event.StateEstablished, &event.Vars{})
	tap.End()
	want := []string{"client at 0s", "client at 2s", "client at 2s", "client at 3s",
		"warning the time of day was set back, by at least 59m59s: times go on from the packet before", "client at 3s", "client at 4s", "sample of 4.001s",
		"warning 1 packets stand behind later ones; their times are taken as those of the ones before them"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
