package analyze

import (
	"slices"

	"gnet/stackprobe/event"
)

const (
	// maxRecorded and maxRecordedOctets bound the events that a Recording keeps, and the memory that they take.
	maxRecorded       = 2_000_000
	maxRecordedOctets = 1 << 30
	// markEvery is how many events of the same sockets lie between two marks.
	markEvery = 256
)

// Recording keeps the events of a run, so that one can go forward and back through them: the first two million, or those that have room in
// a gibibyte; the others are counted. Beside them stands what was known at every 256th event of each pair of sockets, from which what was
// known at any event is computed. The zero value is ready.
type Recording struct {
	events event.Packed
	// Beyond counts the events that were not kept.
	Beyond int

	run       int // the place of what the run says of itself, from 1; 0 for none
	bySockets map[sockets]*family
	byConn    map[int]*family

	last   *Moment // the one that At gave: of family, behind the first lastN of its events
	family *family
	lastN  int
	read   event.Event
}

// family is what belongs together: connections between the same sockets, of which each can know of the one before.
type family struct {
	places []int32 // of its events
	marks  []mark
	sorted bool // places are ascending
	into   *family
}

// mark is what was known behind the first n events of a family.
type mark struct {
	n      int
	moment *Moment
}

// Add takes the next event, with what Tracker.Add has derived for it, and reports whether it is kept.
func (r *Recording) Add(e *event.Event) bool {
	if r.events.Len() == maxRecorded || r.events.Octets() >= maxRecordedOctets {
		r.Beyond++
		return false
	}
	at := r.events.Len()
	r.events.Add(e)
	if e.Kind == event.KindRun && e.Run != nil && r.run == 0 {
		r.run = at + 1
	}
	f := r.familyOf(e)
	if f == nil {
		return true
	}
	f.places = append(f.places, int32(at))
	if n := len(f.places); f.sorted && n-f.marked() >= markEvery {
		m, from := r.from(f, n)
		r.replay(f, m, from, n)
	}
	return true
}

// familyOf returns that of e, nil if e is about no connection.
func (r *Recording) familyOf(e *event.Event) *family {
	if r.byConn == nil {
		r.bySockets, r.byConn = make(map[sockets]*family), make(map[int]*family)
	}
	var f *family
	if e.Conn > 0 {
		f = r.byConn[e.Conn].root()
	}
	if (e.Kind == event.KindTx || e.Kind == event.KindRx) && e.Host != event.None {
		s := socketsOf(e)
		g := r.bySockets[s].root()
		switch {
		case f == nil:
			f = g
		case g != nil && g != f: // the connection had begun before its first segment told where
			f = unite(f, g)
		}
		if f == nil {
			f = &family{sorted: true}
		}
		if g != f {
			r.bySockets[s] = f
		}
	}
	if e.Conn < 1 {
		return f
	}
	if f == nil {
		f = &family{sorted: true}
	}
	if r.byConn[e.Conn] != f {
		r.byConn[e.Conn] = f
	}
	return f
}

// root returns the family that f has become a part of.
func (f *family) root() *family {
	for f != nil && f.into != nil {
		if f.into.into != nil {
			f.into = f.into.into
		}
		f = f.into
	}
	return f
}

// unite makes one family of two, and returns it.
func unite(a, b *family) *family {
	if len(a.places) < len(b.places) {
		a, b = b, a
	}
	a.places = append(a.places, b.places...)
	a.sorted, a.marks = false, nil
	*b = family{into: a}
	return a
}

// sort brings the events of a family in order after families were joined.
func (f *family) sort() {
	if !f.sorted {
		slices.Sort(f.places)
		f.sorted, f.marks = true, nil
	}
}

// from returns what was known at the last mark of f at or before its nth event, and how many events that were.
func (r *Recording) from(f *family, n int) (m *Moment, from int) {
	i, found := slices.BinarySearchFunc(f.marks, n, func(m mark, n int) int { return m.n - n })
	if !found {
		i--
	}
	if i >= 0 {
		return f.marks[i].moment.Clone(), f.marks[i].n
	}
	m = &Moment{}
	if r.run > 0 {
		r.events.Read(r.run-1, &r.read)
		m.Add(&r.read)
	}
	return m, 0
}

// replay adds the events of f from one number up to another to m, and sets marks where there are none yet.
func (r *Recording) replay(f *family, m *Moment, from, to int) {
	for n := from; n < to; n++ {
		r.events.Read(int(f.places[n]), &r.read)
		m.Add(&r.read)
		if n+1-f.marked() >= markEvery {
			f.marks = append(f.marks, mark{n + 1, m.Clone()})
		}
	}
}

// marked is how many events lie before the last mark.
func (f *family) marked() int {
	if len(f.marks) == 0 {
		return 0
	}
	return f.marks[len(f.marks)-1].n
}

// Len is the number of the events that are kept.
func (r *Recording) Len() int { return r.events.Len() }

// Octets is about how much memory the events take.
func (r *Recording) Octets() int { return r.events.Octets() }

// Event returns a copy of the event of a place, from 0.
func (r *Recording) Event(at int) *event.Event {
	e := &event.Event{}
	r.events.Read(at, e)
	return e
}

// Read writes the event of a place to e.
func (r *Recording) Read(at int, e *event.Event) { r.events.Read(at, e) }

// Head returns what tells the event of a place among others; it costs little.
func (r *Recording) Head(at int) event.Head { return r.events.Head(at) }

// At returns what was known behind the event of a place of a connection, and of the others between the same sockets. It is valid until the next
// call.
func (r *Recording) At(at, conn int) *Moment {
	f := r.byConn[conn].root()
	if f == nil {
		return &Moment{}
	}
	if !f.sorted {
		f.sort()
		r.last = nil
	}
	n, found := slices.BinarySearch(f.places, int32(at))
	if found {
		n++
	}
	if r.last == nil || r.family != f || r.lastN > n || n-r.lastN > markEvery {
		r.family = f
		r.last, r.lastN = r.from(f, n)
	}
	r.replay(f, r.last, r.lastN, n)
	r.lastN = n
	return r.last
}
