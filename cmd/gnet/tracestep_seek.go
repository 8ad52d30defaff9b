package main

import (
	"strconv"

	"gnet/stackprobe/event"
)

// seekPiece is how many events are asked for their whole before the screen takes keys again.
const seekPiece = 20_000

// stepHunt is a seek that has more events before it than fit into a piece.
type stepHunt struct {
	from, step int // the next place in shown
	jump       *stepJump
}

// seek moves the cursor to the next event of a kind in a direction, and reports whether there is one that was found at once. Where many events must
// be asked it goes on piece by piece, until a key ends it.
func (v *stepView) seek(step int, j *stepJump) bool {
	v.hunt = &stepHunt{v.cursor + step, step, j}
	return v.seekOn()
}

// seekOn does a piece of the seek.
func (v *stepView) seekOn() bool {
	h := v.hunt
	if h == nil {
		return false
	}
	var e event.Event
	asked := 0
	for ; h.from >= 0 && h.from < len(v.shown); h.from += h.step {
		if head := v.head(h.from); !v.side.has(head.Host) || !h.jump.is(head) {
			continue
		}
		if h.jump.whole != nil {
			if asked++; asked > seekPiece && v.loop != nil {
				v.seekLater()
				return false
			}
			if v.rec.Read(int(v.shown[h.from]), &e); !h.jump.whole(&e) {
				continue
			}
		}
		v.hunt = nil
		v.move(h.from)
		return true
	}
	v.hunt = nil
	where := "behind"
	if h.step < 0 {
		where = "before"
	}
	v.message = "no " + h.jump.what + v.side.words() + " " + where + " this event"
	return false
}

// seekLater has the seek go on when the keys that wait were taken.
func (v *stepView) seekLater() {
	h, loop := v.hunt, v.loop
	v.message = "seeking " + h.jump.what + ": at event " + strconv.Itoa(v.head(h.from).N) + "; any key ends that"
	loop.Go(func() {
		loop.Post(func() {
			if v.hunt == h {
				v.seekOn()
			}
		})
	})
}
