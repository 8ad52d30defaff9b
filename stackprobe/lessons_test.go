package stackprobe_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// allLessons reads every lesson.
func allLessons(t testing.TB) []*scenario.Scenario {
	t.Helper()
	var list []*scenario.Scenario
	for _, name := range scenario.Names() {
		s, err := scenario.Lesson(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// prepared returns the configuration of s in a world, which is not scenario.Kernel.
func prepared(t testing.TB, s *scenario.Scenario, w scenario.World) stackprobe.Config {
	t.Helper()
	c, err := stackprobe.Prepare(s)
	if err != nil {
		t.Fatal(err)
	}
	switch w {
	case scenario.Memory:
		c.World, c.Client = stackprobe.Memory, stackprobe.AnyKind
	case scenario.KernelClient:
		c.World, c.Client = stackprobe.Tun, stackprobe.Kernel
	case scenario.KernelServer:
		c.World, c.Client = stackprobe.Tun, stackprobe.Engine
	}
	return c
}

// verdictsOf returns what came of the expectations, and the end.
func verdictsOf(t testing.TB, c stackprobe.Config) ([]event.Expectation, *event.End) {
	t.Helper()
	var list []event.Expectation
	var end *event.End
	for e, err := range stackprobe.Run(context.Background(), c) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Kind == event.KindExpectation:
			list = append(list, *e.Expectation)
		case e.Kind == event.KindEnd:
			end = e.End
		}
	}
	return list, end
}

// TestLessons runs every lesson in virtual time: all that it expects is met, and its trace is the kept one.
func TestLessons(t *testing.T) {
	for _, s := range allLessons(t) {
		t.Run(s.Name, func(t *testing.T) {
			if !s.Allows(scenario.Memory) {
				return // held in the worlds with a kernel, below
			}
			var got strings.Builder
			for e, err := range stackprobe.Run(context.Background(), prepared(t, s, scenario.Memory)) {
				if err != nil {
					t.Fatal(err)
				}
				switch e.Kind {
				case event.KindVars:
					continue
				case event.KindExpectation:
					if e.Expectation.Verdict == event.Fail {
						t.Errorf("line %d: %s; found %s", e.Expectation.Line, e.Expectation.Text, e.Expectation.Found)
					}
					fmt.Fprintf(&got, "%s: %s: %s\n", e.Expectation.Verdict, e.Expectation.Text, e.Expectation.Found)
					continue
				case event.KindEnd:
					if !e.End.OK && !s.ExpectsFailure() {
						t.Error(e.End.Reason)
					}
				}
				got.WriteString(strings.TrimRight(line(e), " ") + "\n")
			}
			compareFile(t, filepath.Join("testdata", "lessons", s.Name+".txt"), got.String())
		})
	}
}

// TestLessonsNeedTheirFaults: without what disturbs it, no lesson is as it expects. A lesson that nothing disturbs shows
// what happens by itself; for those the falsified expectations below speak.
func TestLessonsNeedTheirFaults(t *testing.T) {
	disturbed := 0
	for _, s := range allLessons(t) {
		if !s.Disturbed() || !s.Allows(scenario.Memory) {
			continue
		}
		disturbed++
		bare := s.Strip()
		list, end := verdictsOf(t, prepared(t, bare, scenario.Memory))
		if passes(list, end, bare) {
			t.Errorf("%s: all expectations are met without its faults", s.Name)
		}
	}
	if disturbed == 0 {
		t.Error("no lesson has a fault")
	}
}

// passes reports whether a run was as its scenario expects.
func passes(list []event.Expectation, end *event.End, s *scenario.Scenario) bool {
	for i := range list {
		if list[i].Verdict == event.Fail {
			return false
		}
	}
	return end.OK || s.ExpectsFailure()
}

// TestLessonsCanFail: each expectation of each lesson fails when it is falsified, so none holds whatever happens.
func TestLessonsCanFail(t *testing.T) {
	for _, s := range allLessons(t) {
		if !s.Allows(scenario.Memory) {
			continue
		}
		wrong := *s
		wrong.Expectations = nil
		for _, x := range s.Expectations {
			wrong.Expectations = append(wrong.Expectations, falsified(x))
		}
		list, _ := verdictsOf(t, prepared(t, &wrong, scenario.Memory))
		for i := range list {
			if list[i].Verdict == event.Pass {
				t.Errorf("%s: %s, falsified to %s, is met: found %s", s.Name, s.Expectations[i].String(), list[i].Text, list[i].Found)
			}
		}
	}
}

// falsified returns what is not so if x is: another number, state or text where x has an exact one, else the opposite.
func falsified(x scenario.Expectation) scenario.Expectation {
	v := &x.Value
	switch {
	case x.Op != scenario.Equal || v.Kind == scenario.Sum:
		x.Op = [...]scenario.Op{scenario.NotEqual, scenario.Equal, scenario.GreaterEqual, scenario.Greater, scenario.LessEqual, scenario.Less}[x.Op]
		if x.HasSpan = x.HasSpan || x.Ever; x.HasSpan { // once and throughout are opposites too
			x.Ever = !x.Ever
		}
	case v.Kind == scenario.StateValue:
		v.States = []event.State{event.Listening}
		if x.End == event.Server {
			v.States[0] = event.SynSent
		}
		v.Number = int64(v.States[0])
	case v.Kind == scenario.StatesValue:
		v.States = append([]event.State{v.States[len(v.States)-1]}, v.States[:len(v.States)-1]...)
	case x.Subject == scenario.Knowledge:
		v.Text = otherwise(v.Text)
	case v.Kind == scenario.TextValue:
		v.Text += " not"
	case v.Kind == scenario.Nothing && x.Subject == scenario.Failure:
		*v = scenario.Value{Kind: scenario.TextValue, Text: "connection refused"}
	case v.Kind == scenario.Nothing:
		*v = scenario.Value{Number: 1}
	case v.Kind == scenario.TimeValue:
		v.Number += int64(2*x.Tolerance + time.Millisecond)
	case x.Subject == scenario.Result:
		v.Number = 1 - v.Number
	default:
		v.Number++
	}
	return x
}

// otherwise turns a sentence about what an end knows into its opposite, or one that cannot be true at the same time.
func otherwise(text string) string {
	first, rest, _ := strings.Cut(text, " ")
	switch first {
	case "not", "unaware", "assumes", "wrong":
		return rest
	}
	return "not " + text
}

// The lateness of the machine from which on a run in real time says nothing: timers of TCP expire by it. A run is then made
// again, so often at most.
const (
	standstill = 20 * time.Millisecond
	attempts   = 12
)

// TestLessonsKernel runs every lesson against this machine's kernel, at each end that its file allows.
func TestLessonsKernel(t *testing.T) {
	nstest.Require(t, nstest.TUN)
	for _, s := range allLessons(t) {
		for _, w := range []scenario.World{scenario.KernelClient, scenario.KernelServer} {
			if !s.Allows(w) {
				continue
			}
			t.Run(s.Name+"/"+w.String(), func(t *testing.T) {
				t.Parallel() // they wait more than they work
				for i := range attempts {
					late := lateness(t)
					wrong := unmet(t, s, prepared(t, s, w))
					worst := late()
					if len(wrong) == 0 {
						return
					}
					if worst < standstill || i == attempts-1 {
						t.Errorf("the machine was late by %v at most:\n%s", worst, strings.Join(wrong, "\n"))
						return
					}
				}
			})
		}
	}
}

// unmet runs c and says what was not as s expects.
func unmet(t *testing.T, s *scenario.Scenario, c stackprobe.Config) []string {
	t.Helper()
	var wrong []string
	list, end := verdictsOf(t, c)
	for _, x := range list {
		if x.Verdict == event.Fail {
			wrong = append(wrong, fmt.Sprintf("line %d: %s; found %s, event %d", x.Line, x.Text, x.Found, x.N))
		}
	}
	if !end.OK && !s.ExpectsFailure() {
		wrong = append(wrong, end.Reason)
	}
	return wrong
}

// lateness watches how late the machine wakes who sleeps; the function that it returns ends that and says how late at worst.
func lateness(t *testing.T) func() time.Duration {
	t.Helper()
	stop, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		const nap = 5 * time.Millisecond
		var most time.Duration
		for {
			before := time.Now()
			select {
			case <-stop:
				worst <- most
				return
			case <-time.After(nap):
				most = max(most, time.Since(before)-nap)
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-worst
	}
}

// BenchmarkLessons runs every lesson in memory, and a hundred handshakes beside them.
func BenchmarkLessons(b *testing.B) {
	all := allLessons(b)
	b.Run("lessons", func(b *testing.B) {
		for b.Loop() {
			for _, s := range all {
				if s.Allows(scenario.Memory) {
					verdictsOf(b, prepared(b, s, scenario.Memory))
				}
			}
		}
	})
	handshake := config(b, 0, nil)
	b.Run("100-handshakes", func(b *testing.B) {
		for b.Loop() {
			for range 100 {
				verdictsOf(b, handshake)
			}
		}
	})
}
