package stackprobe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// spaceFields are the fields of a Space that a stack tells and that follow from the segments and the calls too.
var spaceFields = []struct {
	name     string
	bit      analyze.SpaceSet
	receiver bool // it is the receiver's stack that tells it
	midway   bool // it may be about to change while a segment leaves: a stack acknowledges before it takes the rest of a segment in
	of       func(*analyze.Space) any
}{
	{"una", analyze.SpaceUna, false, false, func(s *analyze.Space) any { return s.Una }},
	{"nxt", analyze.SpaceNxt, false, false, func(s *analyze.Space) any { return s.Nxt }},
	{"edge", analyze.SpaceEdge, false, true, func(s *analyze.Space) any { return s.Edge }},
	{"queued", analyze.SpaceQueued, false, false, func(s *analyze.Space) any { return s.Queued }},
	{"sacked", analyze.SpaceSacked, false, false, func(s *analyze.Space) any { return fmt.Sprint(s.Sacked) }},
	{"rcv_nxt", analyze.SpaceRcvNxt, true, false, func(s *analyze.Space) any { return s.RcvNxt }},
	{"rcv_edge", analyze.SpaceRcvEdge, true, false, func(s *analyze.Space) any { return s.RcvEdge }},
	{"unread", analyze.SpaceUnread, true, true, func(s *analyze.Space) any { return s.Unread }},
	{"held", analyze.SpaceHeld, true, false, func(s *analyze.Space) any { return fmt.Sprint(s.Held) }},
}

// compareSpaces follows a run twice, with what the stacks tell and from the segments and the calls alone without those that skip
// names, and compares both wherever a stack has just told: how many values were compared, and which fields differed.
func compareSpaces(events []event.Event, skip func(*event.Event) bool) (compared int, differ []string) {
	whole, half := analyze.New(), analyze.New()
	var told, reckoned analyze.Spaces
	for i := range events {
		e, bare := events[i], events[i]
		whole.Add(&e)
		told.Add(&e)
		if bare.Vars = (event.Vars{}); !skip(&bare) {
			half.Add(&bare)
			reckoned.Add(&bare)
		}
		if e.Vars.Has == 0 || e.Vars.At != 0 {
			continue
		}
		for _, sender := range []event.Host{event.Client, event.Server} {
			a, b := told.Space(e.Conn, sender), reckoned.Space(e.Conn, sender)
			for _, f := range spaceFields {
				if a == nil || b == nil || f.receiver == (sender == e.Host) || f.midway && e.Kind == event.KindTx || a.Has&^a.Computed&b.Has&f.bit == 0 {
					continue
				}
				if compared++; f.of(a) != f.of(b) {
					differ = append(differ, f.name)
				}
			}
		}
	}
	slices.Sort(differ)
	return compared, slices.Compact(differ)
}

// What a stack knows and what follows from the segments at its tap is the same in every lesson, but for the fields named here.
func TestSpaces_agree(t *testing.T) {
	want := map[string]string{
		// In SYN-RECEIVED netstack keeps SND.UNA at its SYN also when the peer's SYN has acknowledged that.
		"simultaneous-open": "rcv_edge una",
		"two-way":           "una",
		// With a scale agreed it writes the window of the handshake's last ACK unscaled: the peer reads it 128 times as large.
		"half-open-syn":          "rcv_edge",
		"old-duplicate-syn-late": "rcv_edge",
		"synack-lost":            "edge rcv_edge",
		// A cookie has no room for the scale: the announcement of the SYN,ACK is replaced by one that the segments do not show.
		"syn-cookies": "rcv_edge",
		"syn-flood":   "rcv_edge",
		// After a timeout it forgets what was reported by SACK (RFC 2018 section 5).
		"pmtu-drop-silent": "sacked",
		"random-loss":      "sacked",
		// A FIN that has come before the hole was filled counts with the next segment only.
		"pmtu-drop-icmp": "rcv_nxt",
	}
	got, total := map[string]string{}, 0
	for name, events := range memoryLessons(t) {
		compared, differ := compareSpaces(events, func(*event.Event) bool { return false })
		if total += compared; compared < 30 && name != "refused" {
			t.Errorf("%s: only %d values were compared", name, compared)
		}
		if len(differ) > 0 {
			got[name] = strings.Join(differ, " ")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields that differ (-want +got):\n%s", diff)
	}
	if total < 10000 {
		t.Errorf("%d values were compared, want 10000", total)
	}
}

// A run of which one event is missing is seen to disagree: one where data leave, or where they are acknowledged. (What arrives at a
// receiver its own acknowledgment tells at once.)
func TestSpaces_oneEventLost(t *testing.T) {
	events := memoryLessons(t)["window-slides"]
	tries := 0
	for i := range events {
		e := &events[i]
		if leaves := e.Kind == event.KindTx && e.Seg.Len > 0; !leaves && (e.Kind != event.KindRx || e.Host != event.Client || e.Derived.NewlyAcked == 0) {
			continue
		}
		tries++
		if _, differ := compareSpaces(events, func(o *event.Event) bool { return o.N == e.N }); len(differ) == 0 {
			t.Errorf("without event %d, a %v of %d octets, nothing differs", e.N, e.Kind, e.Seg.Len)
		}
	}
	if tries < 20 {
		t.Fatalf("%d events were left out", tries)
	}
}

// memoryLessons runs every lesson that needs no kernel, by name.
func memoryLessons(t *testing.T) map[string][]event.Event {
	t.Helper()
	all := map[string][]event.Event{}
	for _, s := range allLessons(t) {
		c, err := stackprobe.Prepare(s)
		if err != nil {
			t.Fatal(err)
		}
		if c.World == stackprobe.Memory {
			all[s.Name] = collect(t, c)
		}
	}
	return all
}

// What limited each sender in each lesson, and for how long.
func TestSpaces_limits(t *testing.T) {
	lessons := memoryLessons(t)
	var b strings.Builder
	for _, name := range scenario.Names() {
		if lessons[name] != nil {
			fmt.Fprintf(&b, "%s\n%s", name, limitsOf(lessons[name]))
		}
	}
	compareFile(t, "testdata/limits.txt", b.String())
}

// limitsOf writes for each direction how long each limit lasted, and when each that lasted began and how it was known.
func limitsOf(events []event.Event) string {
	type direction struct {
		conn   int
		sender event.Host
	}
	var order []direction
	lines, last := map[direction]string{}, map[direction]analyze.Space{}
	track := analyze.New()
	var spaces analyze.Spaces
	for i := range events {
		e := &events[i]
		track.Add(e)
		spaces.Add(e)
		for _, h := range []event.Host{event.Client, event.Server} {
			s, k := spaces.Space(e.Conn, h), direction{e.Conn, h}
			if s == nil {
				continue
			}
			old, seen := last[k]
			if !seen {
				order = append(order, k)
			}
			if seen && old.Since != s.Since && s.Since-old.Since > 1000 && old.Limit != s.Limit {
				line := fmt.Sprintf("    %.6f %v (%v)\n", float64(old.Since)/1e9, old.Limit, old.LimitHow)
				if !strings.HasSuffix(lines[k], line) { // it goes on behind the sending of a segment
					lines[k] += line
				}
			}
			last[k] = *s
		}
	}
	var b strings.Builder
	end := events[len(events)-1].T
	for _, k := range order {
		s := spaces.Space(k.conn, k.sender)
		fmt.Fprintf(&b, "  %v, connection %d:", k.sender, k.conn)
		for _, l := range analyze.Limits() {
			if n := s.Spent(l, end); n >= 1000 {
				fmt.Fprintf(&b, " %v %v,", l, time.Duration(n).Round(time.Microsecond))
			}
		}
		fmt.Fprintf(&b, "\n%s    %.6f %v (%v)\n", lines[k], float64(s.Since)/1e9, s.Limit, s.LimitHow)
	}
	return b.String()
}
