package stackprobe_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// TestMain lets the test binary be what a world starts again: the helper, or the program that the leftover tests kill.
func TestMain(m *testing.M) {
	if status, ok := stackprobe.Helper(os.Args); ok {
		os.Exit(status)
	}
	if os.Getenv(victimEnv) != "" {
		os.Exit(victim())
	}
	os.Exit(nstest.Interruptible{M: m}.Run())
}

// rules parses fault rules.
func rules(t testing.TB, texts ...string) []link.Rule {
	t.Helper()
	var rules []link.Rule
	for _, text := range texts {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// collect runs c and returns copies of its events.
func collect(t testing.TB, c stackprobe.Config) []event.Event {
	t.Helper()
	var events []event.Event
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// outcome returns the last event's content.
func outcome(t testing.TB, events []event.Event) *event.End {
	t.Helper()
	if len(events) == 0 || events[len(events)-1].Kind != event.KindEnd {
		t.Fatal("the run has no end event")
	}
	return events[len(events)-1].End
}

// line writes an event for people, as far as tests of whole runs compare it.
func line(e *event.Event) string {
	head := fmt.Sprintf("%12.9f %-6s %-5s ", float64(e.T)/1e9, e.Host, e.Kind)
	if e.Conn > 1 {
		head += fmt.Sprintf("(%d) ", e.Conn)
	}
	s := &e.Seg
	switch e.Kind {
	case event.KindTx:
		text := fmt.Sprintf("#%d %s %s try %d %s [%s]", s.ID, s.Flags, numbers(e), e.Derived.Attempt, e.Derived.Why, e.State)
		if e.Vars.Has&event.HasCwnd != 0 {
			text += fmt.Sprintf(" cwnd %d rto %dms", e.Vars.Cwnd, e.Vars.RTO/1e6)
		}
		return head + text
	case event.KindRx:
		return head + fmt.Sprintf("#%d %s %s", s.ID, s.Flags, numbers(e))
	case event.KindLost:
		return head + fmt.Sprintf("#%d by %q", s.ID, e.Rule)
	case event.KindState:
		return head + fmt.Sprintf("%s -> %s", e.From, e.State)
	case event.KindApp:
		return head + fmt.Sprintf("%s %d %s", e.App.Call, e.App.Bytes, e.App.Err)
	case event.KindTimer:
		text := e.Timer.Kind.String() + " " + e.Timer.Op.String()
		if e.Timer.Op == event.Armed {
			text += fmt.Sprintf(" for %.9f", float64(e.Timer.At)/1e9)
		}
		return head + text
	case event.KindFault:
		return head + fmt.Sprintf("#%d by %q wait %d copy %d bit %d", s.ID, e.Fault.Rule, e.Fault.Wait, e.Fault.Copy, e.Fault.Bit)
	case event.KindICMP:
		return head + fmt.Sprintf("#%d type %d code %d mtu %d", s.ID, e.ICMP.Type, e.ICMP.Code, e.ICMP.MTU)
	case event.KindRun:
		r := e.Run
		return head + fmt.Sprintf("%s %s seed %d mtu %d delays %d %d client %+v server %+v faults %q", r.World, r.Clock, r.Seed, r.MTU, r.DelayClient, r.DelayServer, r.Client, r.Server, r.Faults)
	case event.KindCounters:
		text := "counters"
		for _, c := range e.Counters {
			text += fmt.Sprintf(" %s=%d", c.Name, c.Value)
		}
		return head + text
	case event.KindNote:
		return head + e.Level.String() + ": " + e.Text
	case event.KindEnd:
		return head + fmt.Sprintf("ok %t %q client %s server %s", e.End.OK, e.End.Reason, sums(&e.End.Client), sums(&e.End.Server))
	}
	return head
}

func sums(t *event.Totals) string {
	return fmt.Sprintf("[%s wrote %d got %d right %t sent %d again %d lost %d]", t.State, t.Written, t.Received, t.Match, t.Segments, t.Retransmitted, t.Lost)
}

// numbers writes the relative numbers of a segment.
func numbers(e *event.Event) string {
	n := &e.Derived
	text := fmt.Sprintf("%d:%d", n.RelSeq, n.RelSeq+int64(e.Seg.Len))
	if n.HasRelAck {
		text += fmt.Sprintf(" ack %d", n.RelAck)
	}
	text += fmt.Sprintf(" win %d", n.Window)
	for _, b := range n.RelSack[:e.Seg.Opts.NSack] {
		text += fmt.Sprintf(" sack %d:%d", b.First, b.Last)
	}
	return text
}
