package filter

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"established", "listening", "dport"}
	for word, want := range map[string]string{
		"Establised":             "established",
		"dprot":                  "dport",
		"sport":                  "dport",
		"xyz":                    "",
		strings.Repeat("a", 120): "", // a slip of nothing, however much of it may differ
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
