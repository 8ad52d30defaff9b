package main

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"gnet/internal/live"
)

// waitShown is how long the work before a view goes on until a view says what is waited for: a name server that is there takes less.
const waitShown = 200 * time.Millisecond

// waitView shows what is waited for, before there is anything else to show.
type waitView struct {
	title, what string
	since       func() time.Duration
	now         time.Duration
}

// Draw says what is waited for.
func (v *waitView) Draw(c *live.Canvas) {
	w, h := c.Size()
	clock := clockOf(v.now)
	c.Cell(0, 0, w-len(clock)-1, live.Strong, v.title)
	c.Right(0, 0, w, live.Plain, clock)
	c.Text(0, 1, live.Plain, v.what)
	c.Text(0, h-1, live.Faint, "? keys  q quit")
}

// Key takes no key.
func (v *waitView) Key(*live.Loop, live.Key) {}

// Typing reports that no text is typed here.
func (v *waitView) Typing() bool { return false }

// Help are no keys but those of all views.
func (v *waitView) Help() []live.Binding { return nil }

func (v *waitView) stay() bool { return false }

// tick moves the time on.
func (v *waitView) tick(time.Time) bool {
	v.now = v.since()
	return true
}

// isName reports whether a host is one that is looked up, not an address.
func isName(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil
}

// awaited is what came of work: its error, or the text of its panic.
type awaited struct {
	err   error
	panic string
}

// awaitLive does the work that must be over before a view can begin, the look-up of names. Where that takes long the terminal shows what is
// waited for, and a key or a signal ends it at once: the error is then that of a command that has found nothing out. What the work sets must not be
// looked at where there is an error.
func awaitLive(ctx context.Context, e *env, title, what, hint string, work func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan awaited, 1)
	go func() {
		var a awaited
		defer func() {
			if r := recover(); r != nil {
				a.panic = fmt.Sprintf("%v\n\n%s", r, debug.Stack())
			}
			done <- a
		}()
		a.err = work(ctx)
	}()
	take := func(a awaited) error {
		if a.panic != "" {
			panic(a.panic)
		}
		return a.err
	}
	select {
	case a := <-done:
		return take(a)
	case <-time.After(waitShown):
	}
	select { // both, where the machine stood still
	case a := <-done:
		return take(a)
	default:
	}
	v := &waitView{title: title, what: what, since: liveSince()}
	o := e.liveOptions()
	o.Every, o.Tick = time.Second, v.tick
	over := false
	ended, err := showLive(ctx, e, v, o, hint, func(*live.Loop) {}, func(ctx context.Context) error {
		select {
		case a := <-done:
			over = ctx.Err() == nil // else a key has ended the view at the same moment
			return take(a)
		case <-ctx.Done():
			return nil
		}
	})
	switch {
	case over || err != nil:
		return err
	case ended != nil:
		return ended
	}
	return exitSilently(statusNo)
}
