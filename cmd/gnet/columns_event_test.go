package main

import (
	"bytes"
	"context"
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
	seen := make(map[event.Kind]bool)
	config := stackprobe.Config{World: stackprobe.Memory, Bytes: 9000, Seed: 1, Delay: stackprobe.DefaultDelay, Faults: rules}
	for e, err := range stackprobe.Run(context.Background(), config) {
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Kind] = true
		write(e)
	}
	// What the memory world does not produce.
	write(&event.Event{Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Failed, Err: "connection \"reset\""}})
	write(&event.Event{Kind: event.KindRun, Run: &event.Run{Why: "because", Version: "1", Unpinned: []string{"a", "b"}}})
	write(&event.Event{Kind: event.KindEnd, End: &event.End{Reason: "late", Client: event.Totals{HasKernel: true, KernelAcked: 5, KernelReceived: 6}}})
	if err := doc.Flush(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Error(d)
	}
	for k := event.KindRun; k <= event.KindEnd; k++ {
		if !seen[k] {
			t.Errorf("the run had no %v event", k)
		}
	}
}
