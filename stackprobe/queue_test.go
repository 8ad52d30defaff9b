package stackprobe

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
)

// synthetic is the event with number n of a run without end.
func synthetic(n int) event.Event {
	return event.Event{T: int64(n), N: n, Clock: event.Mono, Kind: event.KindTx, Host: event.Client, Conn: 1, Evidence: event.Expired,
		Seg: event.Segment{ID: n, Src: netip.MustParseAddrPort("192.0.2.1:40000"), Dst: netip.MustParseAddrPort("192.0.2.2:7"), Flags: event.ACK,
			Seq: uint32(n), Ack: 1, Len: 1000, Hash: uint64(n), Wire: fmt.Sprintf("%0128d", n)}, State: event.StateEstablished, StateHow: event.Read,
		Vars: event.Vars{Has: event.HasCwnd | event.HasRTO, How: event.Read, Cwnd: 10, RTO: 200_000_000}}
}

// fill puts the events from to to into q, in batches.
func fill(q *queue, from, to int) {
	var batch []event.Event
	for n := from; n <= to; n++ {
		if batch = append(batch, synthetic(n)); len(batch) == 64 || n == to {
			q.put(batch)
			batch = batch[:0]
		}
	}
}

// empty takes everything from a closed queue and returns how many events came, in the order of their numbers.
func empty(t *testing.T, q *queue, check func(e *event.Event)) (n int) {
	t.Helper()
	for {
		batch, err, open := q.get()
		for i := range batch {
			n++
			check(&batch[i])
		}
		if !open {
			if err != nil {
				t.Error(err)
			}
			return n
		}
	}
}

// TestQueue_spools: a consumer that stalls for a million events gets them all, whole and in order, and they take little
// memory meanwhile.
func TestQueue_spools(t *testing.T) {
	const million = 1_000_000
	q := newQueue()
	q.limit, q.spool.dir = 1000, t.TempDir()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fill(q, 1, million)
	q.close(nil)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if names, err := os.ReadDir(q.spool.dir); err != nil || len(names) > 0 {
		t.Errorf("the file has a name: %v, %v", names, err)
	}
	next := 1
	n := empty(t, q, func(e *event.Event) {
		if next%1000 == 1 {
			if d := cmp.Diff(synthetic(next), *e, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
				t.Fatal(d)
			}
		} else if e.N != next {
			t.Fatalf("event %d, want %d", e.N, next)
		}
		next++
	})
	if n != million {
		t.Errorf("%d events", n)
	}
	q.drain()
	if q.spool.file != nil {
		t.Error("the file is left")
	}
}

// TestQueue_bytes: what waits in memory is bounded by its size too, the parts of packets included; taken, the room is free again.
func TestQueue_bytes(t *testing.T) {
	q := newQueue()
	q.spool.dir = t.TempDir()
	defer q.spool.close()
	long := synthetic(1)
	long.Seg.Wire = strings.Repeat("x", 60_000)
	q.most = 10 * 64 << 10
	for n := range 30 {
		long.N = n + 1
		q.put([]event.Event{long})
	}
	if len(q.events) != 10 || q.spool.empty() {
		t.Errorf("%d events of 61 kB in 640 KiB", len(q.events))
	}
	for got := 0; got < 30; {
		batch, _, _ := q.get()
		for _, e := range batch {
			if got++; e.N != got || len(e.Seg.Wire) != 60_000 {
				t.Fatalf("event %d with %d bytes, want %d", e.N, len(e.Seg.Wire), got)
			}
		}
	}
	fill(q, 1, 64)
	if len(q.events) != 64 {
		t.Errorf("%d events in memory, want 64", len(q.events))
	}
}

// TestQueue_turns: whatever the turns of producer and consumer are, the order stays, and memory serves again when the file is
// empty.
func TestQueue_turns(t *testing.T) {
	q := newQueue()
	q.limit, q.spool.dir = 100, t.TempDir()
	defer q.spool.close()
	put, got := 0, 0
	for round := range 200 {
		n := round * 37 % 900
		fill(q, put+1, put+n)
		put += n
		for range round % 4 {
			if q.none() {
				break
			}
			batch, _, _ := q.get()
			for _, e := range batch {
				if got++; e.N != got {
					t.Fatalf("event %d, want %d", e.N, got)
				}
			}
		}
	}
	q.close(nil)
	empty(t, q, func(e *event.Event) {
		if got++; e.N != got {
			t.Fatalf("event %d, want %d", e.N, got)
		}
	})
	if got != put || put < 10_000 {
		t.Errorf("%d of %d events", got, put)
	}
	fill(q, 1, 50)
	if len(q.events) != 50 || q.spool.file == nil {
		t.Errorf("%d events in memory, file %v", len(q.events), q.spool.file)
	}
}

// TestQueue_full: what finds no room is counted, the end of the run says so, and what there is room for comes in order.
func TestQueue_full(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*spool)
		want   error
	}{
		"no space":  {func(s *spool) { s.file = must(os.OpenFile("/dev/full", os.O_RDWR, 0)) }, unix.ENOSPC},
		"no folder": {func(s *spool) { s.dir = "/proc/none" }, fs.ErrNotExist},
	} {
		q := newQueue()
		q.limit = 64
		c.damage(&q.spool)
		fill(q, 1, 5000)
		end := event.Event{T: 5001, N: 5001, Clock: event.Mono, Kind: event.KindEnd, End: &event.End{OK: true}}
		q.put([]event.Event{end})
		q.close(nil)
		var last []event.Event
		seen, before := 0, 0
		n := empty(t, q, func(e *event.Event) {
			if e.N <= before {
				t.Errorf("%s: event %d after %d", name, e.N, before)
			}
			before = e.N
			if e.Kind == event.KindTx {
				seen++
			} else {
				last = append(last, *e)
			}
		})
		q.drain()
		text := fmt.Sprintf("%d events found no room: %v", 5000-seen, q.cause)
		if seen < 64 || seen == 5000 || n != seen+2 || !errors.Is(q.cause, c.want) {
			t.Errorf("%s: %d events, %d segments, %v", name, n, seen, q.cause)
		}
		if len(last) != 2 || last[0].Kind != event.KindNote || last[0].Level != event.Warning || last[0].Text != text ||
			last[1].End.OK || last[1].End.Reason != text || !end.End.OK {
			t.Errorf("%s: %+v, want %q", name, last, text)
		}
	}
}

func must(f *os.File, err error) *os.File {
	if err != nil {
		panic(err)
	}
	return f
}

// TestUnnamedFile: nothing is left in the folder, also where the file system must give a name first.
func TestUnnamedFile(t *testing.T) {
	f, err := unnamedFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Nlink != 0 {
		t.Errorf("%d names, %v", st.Nlink, err)
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a child would inherit it: %#x, %v", flags, err)
	}
	if _, err := unnamedFile("/proc"); err == nil || !strings.Contains(err.Error(), "/proc") {
		t.Errorf("in /proc: %v", err)
	}
}
