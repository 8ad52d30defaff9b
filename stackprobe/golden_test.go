package stackprobe_test

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/event"
)

var update = flag.Bool("update", false, "rewrite the golden traces")

// lessons are the runs whose traces are kept: each fault that the link of this version can make, where it hurts.
var lessons = []struct {
	name   string
	bytes  int
	faults []string
	ok     bool
}{
	{"plain", 3000, nil, true},
	{"no-data", 0, nil, true},
	{"syn-lost", 100, []string{"client> drop syn 1"}, true},
	{"synack-lost", 100, []string{"server> drop synack 1"}, true},
	{"handshake-ack-lost", 100, []string{"client> drop ack 1"}, true},
	{"data-1-lost", 3000, []string{"client> drop data 1"}, true},
	{"fast-retransmit", 12000, []string{"client> drop data 3"}, true},
	{"two-of-window-lost", 12000, []string{"client> drop data 2", "client> drop data 5"}, true},
	{"retransmission-lost-too", 12000, []string{"client> drop data 3", "client> drop data 9"}, true},
	{"server-data-lost", 3000, []string{"server> drop data 2"}, true},
	{"data-acks-lost", 3000, []string{"server> drop ack 1-2"}, true},
	{"fin-lost", 0, []string{"client> drop fin 1"}, true},
	{"server-fin-lost", 0, []string{"server> drop fin 1"}, true},
	{"last-ack-lost", 0, []string{"client> drop ack 2"}, true},
	{"both-directions-first", 3000, []string{"drop any first 1"}, true},
	{"syn-always-lost", 100, []string{"client> drop syn"}, false},
	{"synack-always-lost", 100, []string{"server> drop synack"}, false},
	{"data-always-lost", 100, []string{"client> drop data"}, false},
	{"everything-lost", 100, []string{"drop"}, false},
	{"fault-takes-nothing", 100, []string{"client> drop data 7", "drop rst"}, true},
}

// config returns the memory world's configuration of a lesson.
func config(t testing.TB, bytes int, faults []string) stackprobe.Config {
	return stackprobe.Config{World: stackprobe.Memory, Bytes: bytes, Seed: stackprobe.DefaultSeed, Delay: stackprobe.DefaultDelay, Faults: rules(t, faults...)}
}

// TestGoldenTraces compares the lessons' events as people read them. What the lines leave out, TestSameSeedSameBytes and
// the tests of the schema hold.
func TestGoldenTraces(t *testing.T) {
	for _, l := range lessons {
		t.Run(l.name, func(t *testing.T) {
			var got strings.Builder
			events := collect(t, config(t, l.bytes, l.faults))
			for i := range events {
				if events[i].Kind != event.KindVars {
					got.WriteString(strings.TrimRight(line(&events[i]), " ") + "\n")
				}
			}
			if end := outcome(t, events); end.OK != l.ok {
				t.Errorf("ok is %t: %s", end.OK, end.Reason)
			}
			compareFile(t, filepath.Join("testdata", l.name+".txt"), got.String())
		})
	}
}

func compareFile(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Error(d)
	}
}

// TestSameSeedSameBytes runs transfers with losses in every phase at several settings of the scheduler.
func TestSameSeedSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []stackprobe.Config{
		config(t, 3000, nil),
		config(t, 100_000, []string{"client> drop data 3-5", "client> drop data 40", "server> drop data 20-22", "server> drop ack 30-60", "drop fin 1"}),
	} {
		var want string
		for run := range 8 {
			runtime.GOMAXPROCS(1 + run%4)
			var b []byte
			for _, e := range collect(t, c) {
				b = append(event.AppendJSON(b, &e), '\n')
			}
			if run == 0 {
				want = string(b)
				continue
			}
			if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(b), "\n")); d != "" {
				t.Fatalf("run %d: %s", run, d)
			}
		}
	}
}

// TestSeedChangesTheRun: another seed has other numbers and the same story.
func TestSeedChangesTheRun(t *testing.T) {
	story := func(seed int64) (story []string, iss uint32) {
		c := config(t, 3000, []string{"client> drop data 1"})
		c.Seed = seed
		for _, e := range collect(t, c) {
			if e.Kind == event.KindTx || e.Kind == event.KindLost {
				story = append(story, strings.TrimLeft(line(&e), "0123456789. "))
			}
			if e.Kind == event.KindTx && iss == 0 {
				iss = e.Seg.Seq
			}
		}
		return story, iss
	}
	one, iss1 := story(1)
	two, iss2 := story(2)
	if iss1 == iss2 {
		t.Errorf("both seeds have the initial number %d", iss1)
	}
	if d := cmp.Diff(one, two); d != "" {
		t.Error(d)
	}
}
