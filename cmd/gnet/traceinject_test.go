package main

import (
	"strings"
	"testing"

	"gnet/stackprobe/app"
	"gnet/stackprobe/inject"
)

// TestManCraftedExamples reads the examples of the page with the parsers, and holds the page to the words of both languages.
func TestManCraftedExamples(t *testing.T) {
	page := section(t, manualPage(t, "trace"), `"CRAFTED SEGMENTS"`)
	inside, read := false, 0
	for _, line := range page {
		switch text := strings.ReplaceAll(line, `\-`, "-"); {
		case line == ".EX", line == ".EE":
			inside = line == ".EX"
		case inside:
			var err error
			if words, ok := strings.CutPrefix(text, "inject "); ok {
				_, err = inject.ParseLine(words)
			} else if words, ok := strings.CutPrefix(text, "peer "); ok {
				_, err = inject.ParseStep(words)
			} else {
				t.Errorf("%q begins with neither inject nor peer", text)
			}
			if err != nil {
				t.Error(err)
			}
			read++
		}
	}
	if read < 8 {
		t.Errorf("the page has %d examples", read)
	}
	all := strings.Join(page, "\n")
	for _, word := range []string{"any", "syn", "synack", "ack", "data", "fin", "rst", "seq", "win", "mss", "len", "raw", "nxt", "from", "port", "every", "after", "send", "state"} {
		if !strings.Contains(all, word) {
			t.Errorf("the page does not explain %s", word)
		}
	}
}

// TestManEndWords: the page explains every word of an end.
func TestManEndWords(t *testing.T) {
	page := strings.ReplaceAll(strings.Join(section(t, manualPage(t, "trace"), "ENDS"), "\n"), `\-`, "-")
	for _, word := range app.Words() {
		if !strings.Contains(page, word) {
			t.Errorf("the page does not explain %s", word)
		}
	}
}
