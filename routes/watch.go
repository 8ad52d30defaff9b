package routes

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// ChangeKind says what happened to a route.
type ChangeKind uint8

// The kinds of a RouteChange.
const (
	RouteAdded    ChangeKind = iota + 1
	RouteReplaced            // Route stands where another was
	RouteDeleted
	// EventsLost: the kernel announced more than the socket could hold. What the tables say follows, marked as found.
	EventsLost
)

// RouteChange is one change of the tables.
type RouteChange struct {
	Kind ChangeKind
	// Route is what was added or deleted, with the names of its interfaces as far as they are known; valid until the next step. It is
	// nil for EventsLost.
	Route *rtnl.Route
	// Found is set when the kernel did not announce the change: it was found by reading the tables, after lost events or when an
	// interface went down, which takes IPv4 routes along without a word.
	Found bool
}

// Watch walks the changes of the routes that f selects, until ctx ends, which is no error. The selected routes are held in memory, to be
// compared with the tables when events are lost.
func (c *Conn) Watch(ctx context.Context, f *Filter) iter.Seq2[*RouteChange, error] {
	return func(yield func(*RouteChange, error) bool) {
		listening, err := rtnl.Dial()
		if err != nil {
			yield(nil, opError(OpDial, err))
			return
		}
		defer listening.Close()
		w := watch{c: c, filter: f, yield: yield, known: make(map[routeKey][]string)}
		err = listening.JoinRoutes()
		if err == nil {
			err = w.run(ctx, listening)
		}
		if err != nil && err != errStop && ctx.Err() == nil {
			yield(nil, opError(OpWatch, err))
		}
	}
}

// eventSource is what Watch listens to: an rtnl.Conn, or a script.
type eventSource interface {
	RouteEvents(context.Context) iter.Seq2[*rtnl.RouteEvent, error]
}

// watch is the state of one Watch.
type watch struct {
	c      *Conn
	filter *Filter
	yield  func(*RouteChange, error) bool
	// known are the routes that are there, in the form in which they are sent, in the kernel's order.
	known   map[routeKey][]string
	names   map[int]string
	objects nexthopObjects // where the filter asks for next hops
	started bool           // the tables were read for the first time
	change  RouteChange
	scratch []byte
}

// run listens. The subscription stands before the tables are read, so nothing falls between.
func (w *watch) run(ctx context.Context, source eventSource) error {
	if err := w.read(0, func(*rtnl.Route, ChangeKind) error { return nil }); err != nil {
		return err
	}
	for {
		err := w.listen(ctx, source)
		if !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		if err := w.tell(nil, EventsLost, false); err != nil {
			return err
		}
		if err := w.resynchronise(0); err != nil {
			return err
		}
	}
}

func (w *watch) listen(ctx context.Context, source eventSource) error {
	for event, err := range source.RouteEvents(ctx) {
		switch {
		case err != nil:
			return err
		case event.Route == nil:
			err = w.linkEvent(event)
		case event.Deleted:
			err = w.deleted(event.Route)
		default:
			err = w.added(event.Route, event.Flags)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linkEvent takes in what an interface or an address says. The name of an interface that has gone was needed until now: its message comes behind
// all others about it (net/core/dev.c, unregister_netdevice_many_notify).
func (w *watch) linkEvent(event *rtnl.RouteEvent) error {
	if event.Nexthop {
		// Read also where nobody asks for next hops: it waits until the routes of an object that goes have gone.
		objects, err := w.c.objects()
		if err != nil {
			return err
		}
		w.objects = objects
	}
	index, name := event.LinkIndex, event.LinkName
	if name != "" {
		w.names[index] = name
	}
	if event.TakesRoutes {
		family := uint8(unix.AF_INET) // IPv6 announces what a link takes along
		if event.Nexthop {
			family = 0 // but not always what an object does (net.ipv4.nexthop_compat_mode)
		}
		if err := w.resynchronise(family); err != nil {
			return err
		}
	}
	if name == "" && index != 0 {
		delete(w.names, index)
	}
	return nil
}

// resynchronise reads the tables of a family, 0: of both, and tells what is different from what was known.
func (w *watch) resynchronise(family uint8) error {
	return w.read(family, func(r *rtnl.Route, kind ChangeKind) error { return w.tell(r, kind, true) })
}

// read reads the tables of a family and calls different with what is new and with what has gone.
func (w *watch) read(family uint8, different func(*rtnl.Route, ChangeKind) error) error {
	f := *w.filter
	if f.Family != 0 && family != 0 && f.Family != family {
		return nil
	}
	f.Family = max(f.Family, family)
	names, err := w.c.rt.Names()
	if err != nil {
		return err
	}
	if w.objects, err = w.c.hopObjects(&f); err != nil {
		return err
	}
	if w.names == nil {
		w.names = make(map[int]string)
	}
	maps.Copy(w.names, names) // what has gone keeps its name while it is told
	before := w.forget(f.Family)
	var fresh []rtnl.Route
	for r, err := range w.c.Selected(&f) {
		if err != nil {
			return err
		}
		key, message := keyOf(r), w.message(r)
		w.known[key] = append(w.known[key], message)
		if i := slices.Index(before[key], message); i >= 0 {
			before[key] = slices.Delete(before[key], i, i+1)
		} else if w.started {
			fresh = append(fresh, clone(r))
		}
	}
	w.started = true
	if err := w.compare(fresh, before, different); err != nil {
		return err
	}
	if family == 0 {
		w.names = names
	}
	return nil
}

// forget takes what is known of a family out and returns it.
func (w *watch) forget(family uint8) map[routeKey][]string {
	before := make(map[routeKey][]string)
	for key, messages := range w.known {
		if family == 0 || familyOf(key.dst.Addr()) == family {
			before[key] = messages
			delete(w.known, key)
		}
	}
	return before
}

// compare tells what is new, in the place of another where there was one, and then what has gone.
func (w *watch) compare(fresh []rtnl.Route, gone map[routeKey][]string, different func(*rtnl.Route, ChangeKind) error) error {
	for i := range fresh {
		kind, key := RouteAdded, keyOf(&fresh[i])
		if old := gone[key]; len(old) > 0 && replaceable(&fresh[i]) {
			kind, gone[key] = RouteReplaced, old[1:]
		}
		if err := different(&fresh[i], kind); err != nil {
			return err
		}
	}
	for _, left := range gone {
		for _, message := range left {
			r := w.route(message)
			if err := different(&r, RouteDeleted); err != nil {
				return err
			}
		}
	}
	return nil
}

// message returns the route in the form in which it is known. A lifetime passes and is left out.
func (w *watch) message(r *rtnl.Route) string {
	one := clone(r)
	sendable(&one)
	one.Expires = 0
	w.scratch = rtnl.AppendRoute(w.scratch[:0], &one)
	return string(w.scratch)
}

func (w *watch) route(message string) rtnl.Route {
	var r rtnl.Route
	_ = rtnl.DecodeRoute([]byte(message), w.names, &r) // it is what message made
	return r
}

// name gives the interfaces of an event their names; an index that is not known makes the names be read again.
func (w *watch) name(r *rtnl.Route) error {
	if w.filter.Dev != "" || w.filter.Via.IsValid() {
		w.objects.resolve(r)
	}
	for attempt := range 2 {
		missing := false
		find := func(index int) string {
			name, ok := w.names[index]
			missing = missing || !ok && index != 0
			return name
		}
		r.OifName = find(r.Oif)
		for i := range r.Multipath {
			r.Multipath[i].OifName = find(r.Multipath[i].Oif)
		}
		if !missing || attempt > 0 {
			return nil
		}
		names, err := w.c.rt.Names()
		if err != nil {
			return err
		}
		maps.Copy(w.names, names)
	}
	return nil
}

// added takes in an RTM_NEWROUTE. The kernel does not announce what a replacement replaces: of IPv4 the first route of the place, of IPv6
// all with gateways. An IPv6 route that gets a further next hop is announced as a whole.
func (w *watch) added(r *rtnl.Route, flags uint16) error {
	if err := w.name(r); err != nil {
		return err
	}
	if !w.filter.Match(r) {
		if flags&unix.NLM_F_REPLACE != 0 && len(w.known[keyOf(r)]) > 0 {
			return w.resynchronise(r.Family) // what it replaced may have been selected
		}
		return nil
	}
	key, message, kind := keyOf(r), w.message(r), RouteAdded
	place := w.known[key]
	if slices.Contains(place, message) {
		return nil // known from a reading that came later than the event
	}
	same := func(known string) bool {
		old := w.route(known)
		return replaceable(&old) == replaceable(r)
	}
	at := slices.IndexFunc(place, same)
	six := r.Family == unix.AF_INET6 && replaceable(r)
	switch {
	case at >= 0 && (flags&unix.NLM_F_REPLACE != 0 || six):
		place[at], kind = message, RouteReplaced
	case flags&unix.NLM_F_APPEND != 0:
		place = append(place, message)
	default:
		place = slices.Insert(place, 0, message)
	}
	w.known[key] = place
	return w.tell(r, kind, false)
}

// deleted takes in an RTM_DELROUTE of what is known: the filter may not recognise it any more, when its nexthop object has gone first. A next
// hop that leaves an IPv6 route of several is announced alone; what is left is read.
func (w *watch) deleted(r *rtnl.Route) error {
	if err := w.name(r); err != nil {
		return err
	}
	key, message := keyOf(r), w.message(r)
	place := w.known[key]
	at := slices.Index(place, message)
	if at < 0 {
		if len(place) == 0 {
			return nil // it was not selected, or a later reading showed already that it has gone
		}
		return w.resynchronise(r.Family)
	}
	if w.known[key] = slices.Delete(place, at, at+1); len(place) == 1 {
		delete(w.known, key)
	}
	return w.tell(r, RouteDeleted, false)
}

func (w *watch) tell(r *rtnl.Route, kind ChangeKind, found bool) error {
	w.change = RouteChange{Kind: kind, Route: r, Found: found}
	if !w.yield(&w.change, nil) {
		return errStop
	}
	return nil
}
