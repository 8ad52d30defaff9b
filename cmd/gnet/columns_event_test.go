package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/render"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// TestEventColumns_areTheStoredForm writes the events of a run with every kind through the column table and through the
// events' own JSON: the keys, their order and the values must be the same.
func TestEventColumns_areTheStoredForm(t *testing.T) {
	var rules []link.Rule
	for _, text := range []string{"client> drop data 1", "server> drop synack 1", "drop rst"} {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	var want, got bytes.Buffer
	doc := render.NewDocument(&got, render.JSONL, event.Schema)
	rows := render.NewRows(doc, eventColumns())
	write := func(e *event.Event) {
		want.WriteString(strings.Replace(string(event.AppendJSON(nil, e)), "{", `{"kind":"row",`, 1) + "\n")
		rows.Write(e)
	}
	seen, stored := make(map[event.Kind]bool), make(map[event.Kind]bool)
	whole := wholeDerived()
	config := stackprobe.Config{World: stackprobe.Memory, Bytes: 9000, Seed: 1, Delay: stackprobe.DefaultDelay, Faults: rules}
	for e, err := range stackprobe.Run(context.Background(), config) {
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Kind] = true
		write(e)
	}
	// Every key that an event can have, and what is derived.
	file, err := os.Open("../../stackprobe/event/testdata/every.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for e, err := range event.Decode(file) {
		if err != nil {
			t.Fatal(err)
		}
		stored[e.Kind] = true
		e.Derived = whole
		write(e)
	}
	if err := doc.Flush(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Error(d)
	}
	for k := event.KindRun; k.String() != ""; k++ {
		if !stored[k] {
			t.Errorf("the stored run has no %v event", k)
		}
	}
	for _, k := range []event.Kind{event.KindRun, event.KindTx, event.KindRx, event.KindLost, event.KindState, event.KindVars, event.KindApp, event.KindNote, event.KindEnd} {
		if !seen[k] {
			t.Errorf("the run had no %v event", k)
		}
	}
}

// TestTraceDocument_isTheColumns: what a document makes of events in the short way is what the columns make, also of text that is not
// UTF-8, which only they can write.
func TestTraceDocument_isTheColumns(t *testing.T) {
	file, err := os.ReadFile("../../stackprobe/event/testdata/every.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	for e, err := range event.Decode(bytes.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	for _, hostile := range []string{"x\xff", "\x1b[31m\u202e\u0085\"\\"} {
		events = append(events, event.Event{Kind: event.KindNote, Text: hostile}, event.Event{Kind: event.KindLost, Rule: hostile, Fault: event.Fault{Rule: hostile}},
			event.Event{Kind: event.KindFault, Fault: event.Fault{Rule: hostile}}, event.Event{Kind: event.KindApp, App: event.App{Call: event.Failed, Err: hostile}},
			event.Event{Kind: event.KindTx, Seg: event.Segment{Line: hostile}}, event.Event{Kind: event.KindCheck, Check: event.Check{Name: hostile}},
			event.Event{Kind: event.KindCounters, Host: event.Client, Counters: []event.Counter{{Name: hostile}}},
			event.Event{Kind: event.KindRun, Run: &event.Run{World: hostile}}, event.Event{Kind: event.KindEnd, End: &event.End{Reason: hostile}})
	}
	short := 0
	for _, f := range []render.Format{render.JSON, render.JSONL} {
		var want, got bytes.Buffer
		doc := render.NewDocument(&want, f, event.Schema)
		rows := eventRows(doc, f)
		e := &env{Stdout: newOutput(&got)}
		views, err := newTraceView(e, &viewOptions{Format: f, View: screenWords()[0], Files: make([]string, len(fileViews()))})
		if err != nil {
			t.Fatal(err)
		}
		for i := range events {
			rows.Write(&events[i])
			if err := views.event(&events[i]); err != nil {
				t.Fatal(err)
			}
			if shortWay(&events[i]) {
				short++
			}
		}
		if err := errors.Join(doc.Close(), views.close(), e.Stdout.finish()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(got.String(), "\n")); diff != "" {
			t.Errorf("-columns +document\n%s", diff)
		}
	}
	if short < 20 {
		t.Errorf("only %d events took the short way", short)
	}
}

// wholeDerived has every member.
func wholeDerived() event.Derived {
	return event.Derived{Numbers: event.Numbers{RelSeq: -1, RelEnd: 2, RelAck: 1 << 33, HasRelSeq: true, HasRelAck: true, Window: 65536, HasWindow: true, Attempt: 2,
		RelSack: [4]event.Range{{First: 1, Last: 2}, {First: 3, Last: 4}}}, Why: event.Fast, WhyHow: event.Inferred,
		SentN: 3, SentT: 4, Repeat: true, Spurious: true, Copy: true, Stale: true, NewlyAcked: 5, DupAck: 6, DupCause: event.CauseReordering, Gap: event.CauseLoss,
		Wireshark: event.Asked, Misread: event.LateAsLost}
}

// TestEventColumns_flat: the formats without objects have a column for each member of derived, with the same values.
func TestEventColumns_flat(t *testing.T) {
	e := event.Event{Kind: event.KindTx, Derived: wholeDerived(), Seg: event.Segment{Opts: event.Options{Has: event.OptSack, NSack: 2}}}
	var got bytes.Buffer
	doc := render.NewDocument(&got, render.CSV, event.Schema)
	if err := eventRows(doc, render.CSV).Write(&e); err != nil {
		t.Fatal(err)
	}
	if err := doc.Close(); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&got).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	derived := make(map[string]string)
	for i, name := range records[0] {
		if strings.HasPrefix(name, "derived") {
			derived[name] = records[1][i]
		}
	}
	want := map[string]string{"derived_rel_seq": "-1", "derived_rel_end": "2", "derived_rel_ack": "8589934592", "derived_window": "65536",
		"derived_rel_sack": `[{"left":1,"right":2},{"left":3,"right":4}]`, "derived_attempt": "2", "derived_why": "fast", "derived_why_how": "inferred",
		"derived_sent_n": "3", "derived_sent_t_ns": "4", "derived_repeat": "true", "derived_spurious": "true", "derived_copy": "true", "derived_stale": "true",
		"derived_newly_acked": "5", "derived_dup_ack": "6", "derived_dup_cause": "reordering", "derived_gap": "loss",
		"derived_wireshark": "none", "derived_wireshark_misread": "late-as-lost"}
	if d := cmp.Diff(want, derived); d != "" {
		t.Error(d)
	}
}
