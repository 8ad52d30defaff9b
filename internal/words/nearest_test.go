package words_test

import (
	"testing"

	"gnet/internal/words"
)

func TestNearest(t *testing.T) {
	list := []string{"drop", "dup", "delay", "fin", "retransmissions"}
	for _, c := range [...][2]string{{"dorp", "drop"}, {"DROP", "drop"}, {"retransmission", "retransmissions"}, {"delya", "delay"}, {"x", ""}, {"", ""}, {"ip", ""},
		{"a word that is far too long", ""}} {
		if got := words.Nearest(c[0], list...); got != c[1] {
			t.Errorf("Nearest(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}
