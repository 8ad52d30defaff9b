package analyze_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// known is what a Moment says of a connection, copied.
type known struct {
	Views     [2][analyze.FinAckArrived + 1]analyze.View
	Spaces    [2]analyze.Space
	Standings [2]analyze.Standing
}

func knownOf(m *analyze.Moment, conn int) (k known) {
	for i := range 2 {
		h := event.Host(i + 1)
		for matter := range k.Views[i] {
			k.Views[i][matter], _ = m.Knows.Look(conn, h, analyze.Matter(matter))
		}
		if s := m.Spaces.Space(conn, h); s != nil {
			k.Spaces[i] = *s
			k.Spaces[i].Sacked, k.Spaces[i].Held = append([]event.Range{}, s.Sacked...), append([]event.Range{}, s.Held...)
		}
		if s := m.Standing(conn, h); s != nil {
			k.Standings[i] = *s
		}
	}
	return k
}

// recorded runs an exchange in memory, with losses, and records it.
func recorded(t *testing.T, conns, bytes int) *analyze.Recording {
	t.Helper()
	rule, err := link.ParseRule("drop data 5-7")
	if err != nil {
		t.Fatal(err)
	}
	c := stackprobe.Config{World: stackprobe.Memory, Seed: stackprobe.DefaultSeed, Delay: stackprobe.DefaultDelay, MTU: stackprobe.DefaultMTU, Conns: conns, Bytes: bytes, Faults: []link.Rule{rule}}
	r := &analyze.Recording{}
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		r.Add(e)
	}
	return r
}

// TestRecording_back: what was known at any event is the same whether one comes from before it, from behind it or from far away.
func TestRecording_back(t *testing.T) {
	r := recorded(t, 3, 30_000)
	if r.Len() < 700 {
		t.Fatalf("%d events are too few for marks", r.Len())
	}
	forward := make([][4]known, r.Len())
	var m analyze.Moment
	for i := range r.Len() {
		m.Add(r.Event(i))
		for conn := range 4 {
			forward[i][conn] = knownOf(&m, conn)
		}
	}
	options := cmp.AllowUnexported(analyze.Space{})
	for step, at := range []int{1, -1, 617, -389} {
		for i, n := 0, r.Len(); i < n; i++ {
			place := ((i*at)%n + n) % n
			for conn := range 4 {
				if got := knownOf(r.At(place, conn), conn); !reflect.DeepEqual(forward[place][conn], got) {
					diff := cmp.Diff(forward[place][conn], got, options, cmp.Comparer(sameEnds))
					t.Fatalf("way %d, event %d, connection %d (-forward +At):\n%s", step, place, conn, diff)
				}
			}
		}
	}
}

// sameEnds compares all of a Standing.
func sameEnds(a, b analyze.Standing) bool { return a == b }

// TestRecording_bound: beyond the bound events are counted, whether it is their number or what they take.
func TestRecording_bound(t *testing.T) {
	r := &analyze.Recording{}
	for n := range 2_000_003 {
		if kept := r.Add(&event.Event{N: n + 1, Kind: event.KindNote}); kept != (n < 2_000_000) {
			t.Fatalf("event %d: kept %v", n+1, kept)
		}
	}
	if r.Len() != 2_000_000 || r.Beyond != 3 || r.Event(1_999_999).N != 2_000_000 {
		t.Errorf("%d kept, %d beyond, the last is %d", r.Len(), r.Beyond, r.Event(r.Len()-1).N)
	}
}

// TestRecording_manyConnections: what is known of one connection among thousands is what the events of all tell.
func TestRecording_manyConnections(t *testing.T) {
	r := &analyze.Recording{}
	var m analyze.Moment
	const conns, n = 3000, 60_000
	var want known
	for i := range n {
		e := event.Event{T: int64(i), N: i + 1, Kind: event.KindState, Host: event.Client, Conn: i%conns + 1, State: event.State(i / conns % 12)}
		r.Add(&e)
		m.Add(&e)
		if i == n/2 {
			want = knownOf(&m, 7)
		}
	}
	if diff := cmp.Diff(want, knownOf(r.At(n/2, 7), 7), cmp.AllowUnexported(analyze.Space{}), cmp.Comparer(sameEnds)); diff != "" {
		t.Error(diff)
	}
}

// TestRecording_sameSockets: connections between the same sockets know of each other, also where one had begun before its first segment
// told which sockets it has, and whether somebody has looked meanwhile or not.
func TestRecording_sameSockets(t *testing.T) {
	one := recorded(t, 1, 120_000)
	for _, look := range []bool{false, true} {
		r := &analyze.Recording{}
		var m analyze.Moment
		var want []known
		for i := range 2 * one.Len() {
			e := *one.Event(i % one.Len())
			e.N = i + 1
			if i%2 == 1 || i >= one.Len() { // the second begins amid the first, and goes on alone
				e.Conn *= 2
			}
			if e.Kind == event.KindRun && i > 0 {
				e = event.Event{N: i + 1, Conn: 2, Kind: event.KindApp, Host: event.Server}
			}
			r.Add(&e)
			m.Add(&e)
			want = append(want, knownOf(&m, 2))
			if look && i%1000 == 0 {
				r.At(i/2, 2)
			}
		}
		for at := len(want) - 1; at >= 0; at-- {
			if at > 200 && at%97 != 0 {
				continue
			}
			if got := knownOf(r.At(at, 2), 2); !reflect.DeepEqual(want[at], got) {
				t.Fatalf("event %d, looked %v (-forward +At):\n%s", at, look, cmp.Diff(want[at], got, cmp.AllowUnexported(analyze.Space{}), cmp.Comparer(sameEnds)))
			}
		}
	}
}
