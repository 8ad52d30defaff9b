package ping

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What another goroutine says comes as an event, in order and between the
// answers of its time, and once.
func TestPinger_notify(t *testing.T) {
	n := &simNet{t: t, s: script{echo: true}}
	p := New(n, n, testConfig(3))
	said := 0
	n.onWait = func() {
		switch {
		case said == 0 && n.now > 50*ms:
			said++
			p.Notify("the link is down")
			p.Notify("the link is up")
		case said == 1 && n.now > 250*ms:
			said++
			p.Notify("the link is gone")
		}
	}
	var got []string
	for ev, err := range p.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%v %d @%v ttl %d", ev.Kind, ev.Seq, ev.At.Sub(epoch).Round(ms), ev.TTL)
		if ev.Text != "" {
			line += ": " + ev.Text
		}
		got = append(got, line)
	}
	want := []string{"reply 1 @10ms ttl 61", "notice 0 @200ms ttl -1: the link is down", "notice 0 @200ms ttl -1: the link is up", "reply 2 @210ms ttl 61",
		"notice 0 @400ms ttl -1: the link is gone", "reply 3 @410ms ttl 61"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !n.woken {
		t.Error("Notify woke nobody")
	}
}
