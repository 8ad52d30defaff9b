package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
	"gnet/stackprobe/view"
)

// TestLadder_foldsNoNews: of every lesson, the folded picture has each row about a loss, a repetition, a fault, a state, a timer, a
// call that moves no data and a note as often as the one that shows each segment.
func TestLadder_foldsNoNews(t *testing.T) {
	folded := 0
	for _, name := range scenario.Names() {
		events := lessonEvents(t, name)
		if events == nil {
			continue
		}
		whole, short := newsRows(t, events, true), newsRows(t, events, false)
		if diff := cmp.Diff(whole, short); diff != "" {
			t.Errorf("%s: unfolded - folded +\n%s", name, diff)
		}
		if len(drawCompact(t, events, false)) < len(drawCompact(t, events, true)) {
			folded++
		}
	}
	if folded < 3 {
		t.Errorf("%d lessons have a long run, want at least 3", folded)
	}
}

// drawCompact is the picture with one row for each segment, in lines.
func drawCompact(t *testing.T, events []event.Event, unfold bool) []string {
	t.Helper()
	var b bytes.Buffer
	l := view.NewLadder(&b, view.Options{Width: 79, ASCII: true, Unfold: unfold})
	for i := range events {
		if err := l.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.Split(b.String(), "\n")
}

// newsRows counts the rows of a picture that must not be folded.
func newsRows(t *testing.T, events []event.Event, unfold bool) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, line := range drawCompact(t, events, unfold) {
		for _, word := range []string{
			"x lost", " R ", "had it", " dup 1", " dup 2", " dup 3", "copy", "bad checksum", "fault:", "ICMP", "expired", "armed for", "note:",
			"warning:", "SYN", "FIN", "RST", "connected", "accept", "listen", "shutdown", "close", "end of data", "failed",
			"ESTABLISHED", "FIN-WAIT", "TIME-WAIT", "CLOSE-WAIT", "LAST-ACK", "CLOSED", "PASS", "injected",
		} {
			switch {
			case !strings.Contains(line+" ", word+" ") && !strings.Contains(line, word+",") && !strings.HasSuffix(word, ":"):
			case !strings.Contains(line, word):
			case word[:1] == "S" && strings.Contains(line, "#"), word == "injected" && strings.Contains(line, "#"):
				// a flood, and what answers it
			case word == "SYN" && strings.Contains(line, "... "):
			default:
				rows[word+": "+strings.TrimSpace(line)]++
			}
		}
	}
	return rows
}
