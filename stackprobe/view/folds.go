package view

import "gnet/stackprobe/event"

const (
	// foldAbove is how many departures in a row that go their usual way are drawn one by one: with their arrivals they fill a
	// screen, and more would carry off what stands before and behind them.
	foldAbove = 24
	// foldLate is the same, and how many arrivals are drawn one by one, where segments arrive whose departure was folded.
	foldLate = 2
	// keptBack bounds the events that wait for it to be known whether their run is long.
	keptBack = 512
	// maxShown bounds the drawn segments that are known to be on their way.
	maxShown = 1 << 12
)

// folds stands before a form and tells long runs of what goes its usual way in one row for each end. The first departure of each
// end in a run is drawn, and what left with a mark is also drawn where it arrives. It holds at most keptBack events.
type folds struct {
	form   form
	off    bool
	usual  usual
	kept   []event.Event // the last of a run, of which nothing is told yet
	leave  int           // departures in kept
	late   int           // arrivals in kept whose departure was not drawn
	gone   stretch       // the others of the run
	led    [3]bool       // the first departure of an end since the last event that was no usual one is drawn
	shown  map[int]bool  // segments that were drawn and are on their way; true for those whose arrival must be drawn
	last   int64
	silent int64 // how long nothing must happen for a run to end, 0 for never
}

// event takes e; must says that it is to be drawn whatever it is.
func (f *folds) event(e *event.Event, must bool) {
	if f.off {
		f.form.event(e)
		return
	}
	if f.silent > 0 && e.T-f.last >= f.silent {
		f.release(0)
		f.led = [3]bool{}
	}
	f.last = e.T
	if usual := f.usual.is(e); usual && !must {
		if e.Kind == event.KindTimer || e.Kind == event.KindState {
			f.form.note(e)
			return
		}
		f.keep(e)
		return
	}
	id := 0
	if e.Kind == event.KindLost || e.Kind == event.KindFault {
		id = e.Seg.ID
	}
	f.release(id)
	f.draw(e, true)
	f.led = [3]bool{}
}

// draw hands e to the form. A marked departure has its arrival drawn too.
func (f *folds) draw(e *event.Event, marked bool) {
	switch e.Kind {
	case event.KindTx:
		if f.shown == nil || len(f.shown) >= maxShown {
			f.shown = make(map[int]bool)
		}
		f.shown[e.Seg.ID] = marked
	case event.KindRx, event.KindLost:
		delete(f.shown, e.Seg.ID)
	}
	f.form.event(e)
}

// keep takes an event that goes its usual way.
func (f *folds) keep(e *event.Event) {
	marked, drawn := f.shown[e.Seg.ID]
	drawn = drawn && e.Kind == event.KindRx
	switch {
	case len(f.kept) == 0 && f.gone.empty() && (drawn || f.leads(e)):
		f.draw(e, false)
		return
	case drawn && marked && !f.gone.empty():
		f.release(0)
		f.draw(e, false)
		return
	}
	f.kept = append(f.kept, *e)
	switch {
	case e.Kind == event.KindTx:
		f.leave++
	case e.Kind == event.KindRx && !drawn && !f.left(e.Seg.ID):
		f.late++
	}
	most := foldAbove
	if f.late > 0 || e.Seg.Flags.Has(event.SYN) {
		most = foldLate
	}
	if !f.gone.empty() || f.leave > most || f.late > foldLate || len(f.kept) >= keptBack {
		f.fold()
	}
}

// left reports whether the segment with that number left within what is kept.
func (f *folds) left(id int) bool {
	for i := len(f.kept) - 1; i >= 0; i-- {
		if k := &f.kept[i]; k.Kind == event.KindTx && k.Seg.ID == id {
			return true
		}
	}
	return false
}

// leads reports whether e is drawn before anything of its end is kept.
func (f *folds) leads(e *event.Event) bool {
	switch e.Kind {
	case event.KindTx:
		led := f.led[e.Host%3]
		f.led[e.Host%3] = true
		return !led
	case event.KindRx:
		return false
	case event.KindApp:
		return !f.led[e.Host%3]
	}
	return true
}

// fold moves what is kept into the sums, all but the last departure and what came with it: a rule may yet take it.
func (f *folds) fold() {
	n := len(f.kept)
	for i := len(f.kept) - 1; i >= 0 && len(f.kept) < keptBack; i-- {
		if f.kept[i].Kind == event.KindTx {
			n = i
			break
		}
	}
	if f.kept[len(f.kept)-1].Kind != event.KindTx && f.kept[len(f.kept)-1].Kind != event.KindFault {
		n = len(f.kept) // the link has decided about it
	}
	f.absorb(n)
}

// absorb moves the first n events that are kept into the sums.
func (f *folds) absorb(n int) {
	for i := range f.kept[:n] {
		e := &f.kept[i]
		if e.Kind == event.KindRx && f.shown[e.Seg.ID] {
			f.tell()
			f.draw(e, false)
			continue
		}
		if e.Kind == event.KindRx {
			delete(f.shown, e.Seg.ID)
		}
		f.gone.add(e)
		f.form.note(e)
	}
	f.kept = append(f.kept[:0], f.kept[n:]...)
	f.leave, f.late = 0, 0
	for i := range f.kept {
		if f.kept[i].Kind == event.KindTx {
			f.leave++
		}
	}
}

// tell has the form draw the sums, and begins anew.
func (f *folds) tell() {
	f.gone.each(f.form.folded)
	f.gone.clear()
}

// release draws what is kept, in full or folded. The departure of the segment id is drawn, if it is the last.
func (f *folds) release(id int) {
	if f.gone.empty() {
		for i := range f.kept {
			f.draw(&f.kept[i], id != 0 && f.kept[i].Seg.ID == id)
		}
		f.kept, f.leave, f.late = f.kept[:0], 0, 0
		return
	}
	n := len(f.kept)
	for i := range f.kept {
		if k := &f.kept[i]; id != 0 && k.Kind == event.KindTx && k.Seg.ID == id {
			n = i
			break
		}
	}
	f.absorb(n)
	f.tell()
	for i := range f.kept {
		f.draw(&f.kept[i], true)
	}
	f.kept, f.leave, f.late = f.kept[:0], 0, 0
}
