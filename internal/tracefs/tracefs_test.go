package tracefs

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPage reads a page that a kernel 6.18 wrote while two connections were traced: what each record says of ports and states or of windows.
func TestPage(t *testing.T) {
	state, err := ParseFormat(string(file(t, "inet_sock_set_state.format")))
	if err != nil {
		t.Fatal(err)
	}
	probe, err := ParseFormat(string(file(t, "tcp_probe.format")))
	if err != nil {
		t.Fatal(err)
	}
	states, err := state.Fields("sport", "dport", "oldstate", "newstate")
	if err != nil {
		t.Fatal(err)
	}
	probes, err := probe.Fields("sport", "dport", "data_len", "snd_wnd", "rcv_wnd", "snd_cwnd")
	if err != nil {
		t.Fatal(err)
	}
	type record struct {
		After  uint64
		Values []uint64
	}
	var got []record
	first := uint64(0)
	lost, ok := Page(file(t, "page"), func(at uint64, b []byte) {
		if first == 0 {
			first = at
		}
		fields := states
		if binary.NativeEndian.Uint16(b) == probe.ID {
			fields = probes
		}
		r := record{After: at - first}
		for _, f := range fields {
			r.Values = append(r.Values, f.Uint(b))
		}
		got = append(got, r)
	})
	want := []record{
		{0, []uint64{40000, 7, 2, 1}}, // SYN-SENT to ESTABLISHED
		{41286569, []uint64{40000, 7, 0, 29184, 64256, 10}},
		{41432727, []uint64{40000, 7, 1420, 522752, 64256, 10}},
		{41575980, []uint64{40000, 7, 28, 524288, 67200, 10}},
		{41592786, []uint64{40000, 7, 0, 524288, 67200, 10}},
		{41608014, []uint64{40000, 7, 1420, 522752, 67200, 10}},
		{41622049, []uint64{40000, 7, 28, 524288, 70144, 10}},
		{41683580, []uint64{40000, 7, 0, 524288, 70144, 10}},
		{41700798, []uint64{40000, 7, 104, 524160, 70144, 10}},
		{41717500, []uint64{40000, 7, 1, 4}}, // ESTABLISHED to FIN-WAIT-1
	}
	if d := cmp.Diff(want, got); d != "" || lost != 0 || !ok {
		t.Errorf("lost %d, ok %t %s", lost, ok, d)
	}
}

// page makes a page of entries.
func page(used uint64, words ...uint32) []byte {
	b := binary.LittleEndian.AppendUint64(nil, 1000)
	b = binary.LittleEndian.AppendUint64(b, used)
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// TestPage_entries holds what a short run does not show: long records, times beyond 27 bits, padding, losses and damage.
func TestPage_entries(t *testing.T) {
	type record struct {
		at   uint64
		data int
	}
	for _, tt := range []struct {
		name string
		page []byte
		want []record
		lost int
		ok   bool
	}{
		{"none", page(0), nil, 0, true},
		{"nothing", nil, nil, 0, true},
		{"short and long", page(20, 1|5<<5, 7, 0|6<<5, 8, 9), []record{{1005, 4}, {1011, 4}}, 0, true},
		{"time extended", page(16, typeTimeExtend|3<<5, 1, 1|0<<5, 7), []record{{1003 + 1<<27, 4}}, 0, true},
		{"time absolute", page(16, typeTimeStamp|3<<5, 2, 1|1<<5, 7), []record{{4 + 2<<27, 4}}, 0, true},
		{"padding with a length", page(20, typePadding|2<<5, 8, 0, 1|1<<5, 7), []record{{1003, 4}}, 0, true},
		{"padding to the end", page(16, 1|1<<5, 7, typePadding, 0), []record{{1001, 4}}, 0, true},
		{"lost, counted", page(8|missedEvents|missedStored, 1|1<<5, 7, 12, 0), []record{{1001, 4}}, 12, true},
		{"lost, not counted", page(8|missedEvents, 1|1<<5, 7), []record{{1001, 4}}, -1, true},
		{"cut header", make([]byte, 15), nil, 0, false},
		{"more used than there is", page(12, 1|1<<5, 7), nil, 0, false},
		{"record beyond the end", page(8, 2|1<<5, 7), nil, 0, false},
		{"long record without its length", page(4, 0|1<<5), nil, 0, false},
		{"a length too short", page(8, 0|1<<5, 3), nil, 0, false},
		{"odd end", page(9, 1|1<<5, 7, 0), []record{{1001, 4}}, 0, false},
	} {
		var got []record
		lost, ok := Page(tt.page, func(at uint64, b []byte) { got = append(got, record{at, len(b)}) })
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(record{})); d != "" || lost != tt.lost || ok != tt.ok {
			t.Errorf("%s: lost %d, ok %t %s", tt.name, lost, ok, d)
		}
	}
}

// FuzzPage: no page makes Page read outside of it, or yield records that are not in it.
func FuzzPage(f *testing.F) {
	f.Add(file(f, "page"))
	f.Add(page(20, 1|5<<5, 7, 0|6<<5, 8, 9))
	f.Add(page(16, typeTimeExtend|3<<5, 1, 1|0<<5, 7))
	f.Add(page(16, typeTimeStamp|3<<5, 2, typePadding, 0))
	f.Add(page(20|missedEvents|missedStored, typePadding|2<<5, 8, 0, 1|1<<5, 7, 1, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		Page(b, func(_ uint64, record []byte) { n += len(record) })
		if n > len(b) {
			t.Errorf("%d octets of records in %d", n, len(b))
		}
	})
}

// FuzzParseFormat: what is read has an ID and fields, and a field is read of any record or is 0.
func FuzzParseFormat(f *testing.F) {
	f.Add(string(file(f, "tcp_probe.format")))
	f.Add(string(file(f, "inet_sock_set_state.format")))
	for _, bad := range []string{"ID: x", "ID: 1\n", "ID: 1\nfield:int;\toffset:0;\tsize:4;", "ID: 1\nfield:int a;\toffset:x;\tsize:4;", "ID: 1\nfield:int a;\toffset:0;\tsize:0;"} {
		f.Add(bad)
		if got, err := ParseFormat(bad); err == nil {
			f.Errorf("%q: %+v", bad, got)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		format, err := ParseFormat(text)
		if err != nil {
			return
		}
		for name, field := range format.fields {
			if _, err := format.Fields(name); err != nil || field.Uint(nil) != 0 {
				t.Errorf("%s: %v", name, err)
			}
			field.Uint(make([]byte, 100))
		}
		if _, err := format.Fields("no such"); err == nil {
			t.Error("a field that is not there")
		}
	})
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0-3,6": {0, 1, 2, 3, 6}, "x": nil, "": nil, "1-": nil} {
		got, err := parseCPUs(list)
		if d := cmp.Diff(want, got); d != "" || (err == nil) != (want != nil) {
			t.Errorf("%q: %v %s", list, err, d)
		}
	}
}

// TestInstance makes one beside another that is in use and one that was forgotten, and removes it.
func TestInstance(t *testing.T) {
	nstest.Require(t, nstest.Tracefs)
	nstest.InNetns(t, func(t *testing.T) {
		if err := Mount(); err != nil {
			t.Fatal(err)
		}
		names := func() map[string]bool {
			list, err := os.ReadDir(filepath.Join(Dir, "instances"))
			if err != nil {
				t.Fatal(err)
			}
			m := make(map[string]bool)
			for _, e := range list {
				m[e.Name()] = true
			}
			return m
		}
		events := []Event{{Name: "tcp/tcp_probe", Filter: "sport == 7"}}
		forgotten, err := New(Dir, events)
		if err != nil {
			t.Fatal(err)
		}
		closeAll(append(forgotten.Formats, forgotten.Pipes...))
		used, err := New(Dir, events)
		if err != nil {
			t.Fatal(err)
		}
		now := names()
		if now[filepath.Base(forgotten.path)] || !now[filepath.Base(used.path)] {
			t.Errorf("instances %v: the forgotten one stays or the used one is gone", now)
		}
		if clock, err := os.ReadFile(filepath.Join(used.path, "trace_clock")); err != nil || !bytes.Contains(clock, []byte("[mono]")) {
			t.Errorf("clock %q, %v", clock, err)
		}
		third, err := New(Dir, nil)
		if err != nil || !names()[filepath.Base(used.path)] {
			t.Errorf("%v: one that is in use was removed", err)
		}
		for _, i := range []*Instance{third, used} {
			closeAll(append(i.Formats, i.Pipes...))
			if err := i.Remove(); err != nil || names()[filepath.Base(i.path)] {
				t.Errorf("remove: %v, %v", err, names())
			}
			if err := i.Remove(); err != nil {
				t.Errorf("remove again: %v", err)
			}
		}
		before := names()
		if i, err := New(Dir, []Event{{Name: "tcp/no_such_event"}}); err == nil || i != nil {
			t.Errorf("an event that is not there: %v", err)
		}
		if i, err := New(Dir, []Event{{Name: "tcp/tcp_probe", Filter: "no_such_field == 7"}}); err == nil || i != nil {
			t.Errorf("a filter that cannot be: %v", err)
		}
		for tries := 0; ; tries++ { // other programs' come and go
			more := names()
			maps.DeleteFunc(more, func(name string, _ bool) bool { return before[name] })
			if len(more) == 0 {
				break
			}
			if tries == 1000 {
				t.Fatalf("of a failure there stays %v", more)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := unix.Mount("tmpfs", Dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Dir, nil); err == nil {
			t.Error("without tracefs")
		}
	})
}
