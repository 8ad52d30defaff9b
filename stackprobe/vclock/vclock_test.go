package vclock_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/vclock"
)

func TestVirtualOrder(t *testing.T) {
	l := vclock.NewVirtual()
	var got []string
	log := func(s string) func() { return func() { got = append(got, s+"@"+l.Now().String()) } }
	l.After(2*time.Second, log("b"))
	l.After(time.Second, log("a"))
	l.After(2*time.Second, log("c"))
	stopped := l.After(time.Second, log("never"))
	moved := l.After(time.Second, log("moved"))
	moved.Reset(3 * time.Second)
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop must report true once")
	}
	l.After(-5, log("now"))
	for l.Step(context.Background(), time.Hour) == vclock.Ran {
	}
	want := []string{"now@0s", "a@1s", "b@2s", "c@2s", "moved@3s"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if moved.Stop() {
		t.Error("a timer that has run cannot be stopped")
	}
}

func TestTickMovesVirtualTime(t *testing.T) {
	l := vclock.NewVirtual()
	if a, b := l.Tick(), l.Tick(); a != 1 || b != 2 || l.Now() != 2 {
		t.Errorf("ticks %d, %d, now %d", a, b, l.Now())
	}
}

func TestOutcomes(t *testing.T) {
	l := vclock.NewVirtual()
	if o := l.Step(context.Background(), time.Hour); o != vclock.Idle {
		t.Errorf("empty: %v", o)
	}
	l.After(2*time.Hour, func() {})
	if o := l.Step(context.Background(), time.Hour); o != vclock.Late || l.Now() != time.Hour {
		t.Errorf("after the limit: %v at %v", o, l.Now())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if o := l.Step(ctx, 3*time.Hour); o != vclock.Cancelled {
		t.Errorf("cancelled: %v", o)
	}
}

func TestRealLoopTakesFunctionsFromOutside(t *testing.T) {
	l := vclock.NewReal()
	var got []string
	l.After(time.Millisecond, func() { got = append(got, "timer") })
	go func() {
		time.Sleep(5 * time.Millisecond)
		l.At(l.Now(), func() { got = append(got, "outside") })
	}()
	for len(got) < 2 {
		if o := l.Step(context.Background(), time.Minute); o != vclock.Ran {
			t.Fatal(o)
		}
	}
	if d := cmp.Diff([]string{"timer", "outside"}, got); d != "" {
		t.Error(d)
	}
	if o := l.Step(context.Background(), l.Now()); o != vclock.Late {
		t.Errorf("limit reached: %v", o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if o := l.Step(ctx, time.Hour); o != vclock.Cancelled {
		t.Errorf("cancelled while waiting: %v", o)
	}
}

// TestDue: a timer tells its moment as long as its function is still to come.
func TestDue(t *testing.T) {
	type due struct {
		At      time.Duration
		Pending bool
	}
	l := vclock.NewVirtual()
	var got []due
	look := func(timer *vclock.Timer) {
		at, pending := timer.Due()
		got = append(got, due{at, pending})
	}
	timer := l.After(3*time.Second, func() {})
	look(timer)
	timer.Reset(2 * time.Second)
	look(timer)
	timer.Stop()
	look(timer)
	timer.Reset(time.Second)
	l.Step(t.Context(), time.Minute)
	look(timer)
	if d := cmp.Diff([]due{{3 * time.Second, true}, {2 * time.Second, true}, {}, {}}, got); d != "" {
		t.Error(d)
	}
}
