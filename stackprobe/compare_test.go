package stackprobe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// conduct returns what host does in a run of c.
func conduct(t testing.TB, c stackprobe.Config, host event.Host) *analyze.Conduct {
	t.Helper()
	a := &analyze.Conduct{Host: host}
	for _, e := range collect(t, c) {
		a.Add(&e)
	}
	if a.Cut > 0 || a.End == nil {
		t.Errorf("%d decisions cut, end %+v", a.Cut, a.End)
	}
	return a
}

// TestCompare_engines: an engine does what an engine does, in every lesson, at both ends.
func TestCompare_engines(t *testing.T) {
	for _, l := range lessons {
		for h := event.Client; h <= event.Server; h++ {
			c := l.config(t)
			if list := analyze.Compare(conduct(t, c, h), conduct(t, c, h)); len(list) > 0 {
				t.Errorf("%s, %v: %+v", l.name, h, list)
			}
		}
	}
}

// TestCompare_kernel finds the differences that are known between this machine's kernel and the engine, at both ends, each
// with its reason.
func TestCompare_kernel(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, c := range []struct {
		host  event.Host
		kind  stackprobe.Kind
		fault string
	}{{event.Client, stackprobe.Kernel, "client> drop data 5"}, {event.Server, stackprobe.Engine, "server> drop data 5"}} {
		kernel := tunConfig(t, 6000, c.fault)
		kernel.Client = c.kind
		list := analyze.Compare(conduct(t, kernel, c.host), conduct(t, config(t, 6000, []string{c.fault}), c.host))
		found := map[analyze.Topic]bool{}
		for _, d := range list {
			found[d.Topic] = d.A.N > 0 && d.B.N > 0 && d.Why != ""
		}
		for _, topic := range []analyze.Topic{analyze.OfferedWindow, analyze.SegmentSize, analyze.FirstWindow, analyze.FirstTimeout, analyze.Repeating} {
			if !found[topic] {
				t.Errorf("%v: no difference in %v, or without its events or reason: %+v", c.host, topic, list)
			}
		}
		for _, topic := range []analyze.Topic{analyze.OfferedMSS, analyze.OfferedScale, analyze.OfferedOptions, analyze.Finishing, analyze.Resetting, analyze.Outcome} {
			if _, so := found[topic]; so {
				t.Errorf("%v: a difference in %v: %+v", c.host, topic, list)
			}
		}
	}
}

// TestCompare_order: of two runs the first is A: the other way round, the sides change places and nothing else does.
func TestCompare_order(t *testing.T) {
	one, two := config(t, 6000, []string{"client> drop data 5"}), config(t, 6000, []string{"client> drop data 2"})
	two.Ends[event.Client].Socket.MSS = 536
	a, b := conduct(t, one, event.Client), conduct(t, two, event.Client)
	there, back := analyze.Compare(a, b), analyze.Compare(b, a)
	for i := range back {
		back[i].A, back[i].B = back[i].B, back[i].A
	}
	if len(there) == 0 {
		t.Error("no difference")
	}
	if d := cmp.Diff(there, back); d != "" {
		t.Error(d)
	}
}
