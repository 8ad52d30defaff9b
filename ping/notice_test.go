package ping

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What another goroutine says comes as an event, in order and between the
// answers of its time.
func TestPinger_notify(t *testing.T) {
	n := &simNet{t: t, s: script{echo: true}}
	p := New(n, n, testConfig(2))
	said := false
	n.onWait = func() {
		if !said && n.now > 50*ms {
			said = true
			p.Notify("the link is down")
			p.Notify("the link is up")
		}
	}
	var got []string
	for ev, err := range p.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		line := ev.Kind.String()
		if ev.Text != "" {
			line += ": " + ev.Text
		}
		got = append(got, line)
	}
	want := []string{"reply", "notice: the link is down", "notice: the link is up", "reply"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !n.woken {
		t.Error("Notify woke nobody")
	}
}
