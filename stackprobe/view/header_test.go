package view

import (
	"bytes"
	"strings"
	"testing"

	"gnet/stackprobe/event"
)

// TestLadder_pinned: the head counts settings where there are several, and names what could not be set.
func TestLadder_pinned(t *testing.T) {
	for _, tt := range []struct {
		pinned []string
		want   string
	}{
		{nil, ""},
		{[]string{"sysctl ipv4/tcp_sack=1", "MPTCP off"}, "pinned  sysctl ipv4/tcp_sack=1, MPTCP off"},
		{[]string{"sysctl ipv4/tcp_sack=1", "sysctl ipv4/tcp_ecn=2", "MPTCP off", "offloads off"}, "pinned  2 sysctls, MPTCP off, offloads off"},
	} {
		var out bytes.Buffer
		l := NewLadder(&out, Options{Width: 80})
		r := &event.Run{World: "tun", Clock: event.Mono, Pinned: tt.pinned, Unpinned: []string{"sysctl x=1: refused"}}
		if err := l.Event(&event.Event{N: 1, Kind: event.KindRun, Run: r}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		got := ""
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "pinned") {
				got += strings.TrimRight(line, "\n")
			}
		}
		if got != tt.want || !strings.Contains(out.String(), "not so  sysctl x=1: refused") {
			t.Errorf("%q, want %q in\n%s", got, tt.want, out.String())
		}
	}
}
