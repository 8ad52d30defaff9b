package main

import "testing"

// TestPlainScreen: pictures are of ASCII where the locale or the kind of terminal has no more.
func TestPlainScreen(t *testing.T) {
	for _, c := range []struct {
		term, locale string
		want         bool
	}{
		{"xterm-256color", "C.UTF-8", false}, {"xterm-256color", "C", true}, {"linux", "C.UTF-8", true}, {"linux-16color", "C.UTF-8", true},
		{"vt100", "C.UTF-8", true}, {"vt220", "de_DE.UTF-8", true}, {"linuxish", "C.UTF-8", false}, {"", "C.UTF-8", false},
	} {
		vars := map[string]string{"TERM": c.term, "LC_ALL": c.locale}
		e := &env{LookupEnv: func(name string) (string, bool) {
			value, ok := vars[name]
			return value, ok
		}}
		if got := e.plainScreen(); got != c.want {
			t.Errorf("TERM=%s LC_ALL=%s: %v", c.term, c.locale, got)
		}
	}
}
