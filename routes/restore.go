package routes

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// Failure is a route of a file that is not in the kernel as it should be, and why.
type Failure struct {
	Place
	// Route is what was asked for, valid during the call; nil for a line that is no route.
	Route *rtnl.Route
	// Err is a *ParseError, or an *OpError with the kernel's words.
	Err error
}

// restorePhase is when a route is sent: a gateway must be reachable over a route that is there (net/ipv4/fib_semantics.c,
// fib_check_nh; net/ipv6/route.c, ip6_route_check_nh), and a preferred source must be an address of the host, which routes of type
// local make it.
type restorePhase uint8

const (
	phaseLocal   restorePhase = iota // without gateway and preferred source
	phaseLink                        // without gateway
	phaseNear                        // through a gateway, of a narrower scope than global
	phaseGateway                     // through a gateway
	phases
)

func phaseOf(r *rtnl.Route) restorePhase {
	gateway := r.Gateway.IsValid() || r.NexthopID != 0 ||
		slices.ContainsFunc(r.Multipath, func(h rtnl.Nexthop) bool { return h.Gateway.IsValid() })
	switch {
	case gateway && r.Scope == unix.RT_SCOPE_UNIVERSE:
		return phaseGateway
	case gateway:
		return phaseNear
	case r.PrefSrc.IsValid():
		return phaseLink
	}
	return phaseLocal
}

// maxOpen bounds the routes whose place was taken and that wait for a look at the tables. It is what bounds the memory of a restore, but
// for a few bits for each route.
const maxOpen = 32 << 10

// Restore makes the routes of a file true: what is not there is added, and what stands in the place of a route (the same prefix,
// metric and type of service) is replaced; what the file does not name is left alone, so that the second time changes nothing. The file
// is walked once, a long one in sweeps, and once more for each phase of which routes are left that were refused because another was still
// missing; it is never held in memory. Routes for one place must stand together in it, as they do in a dump. failed is told what could not be
// restored, in no particular order.
//
// When ctx ends, the datagram in flight is finished, and the Outcome says what was done. An error means that nothing more was
// possible: no right to change routes (EPERM), a broken connection, a file that cannot be read; the Outcome is then true as well.
func (c *Conn) Restore(ctx context.Context, file io.ReadSeeker, labels Labels, failed func(Failure)) (Outcome, error) {
	names, links, err := c.saveNames(labels)
	if err != nil {
		return Outcome{}, err
	}
	r := restore{c: c, ctx: ctx, links: links, failed: failed, first: true, open: make(map[routeKey]*openPlace)}
	r.batch = newStepBatch(c, OpAdd, r.report)
	start, sweeps, err := sweepsIn(file)
	if err != nil {
		return Outcome{}, err
	}
	part := sweep{of: sweeps, plan: new(sweepPlan)}
	for ; part.number < sweeps && err == nil; part.number++ {
		if _, err = file.Seek(start, io.SeekStart); err == nil {
			err = r.walk(ahead(readSweep(file, names, part)))
		}
	}
	if err == nil {
		r.resolve()
	}
	r.first = false
	for r.phase = phaseLocal; r.phase < phases && err == nil; r.phase++ {
		if len(r.late[r.phase]) == 0 || r.stopped() {
			continue
		}
		if _, err = file.Seek(start, io.SeekStart); err == nil {
			err = r.walk(ahead(ReadSaved(file, names)))
		}
		if err == nil {
			r.resolve()
		}
	}
	if err == nil {
		err = r.fatal
	}
	return r.outcome(), err
}

// sweepsIn returns where the file stands and how many sweeps the rest of it takes.
func sweepsIn(file io.Seeker) (start int64, sweeps int, err error) {
	if start, err = file.Seek(0, io.SeekCurrent); err != nil {
		return 0, 0, err
	}
	end, err := file.Seek(0, io.SeekEnd)
	return start, sweepsOf(end - start), err
}

// saveNames finds interfaces as they are now, by their names and by their index: one walk for a whole file.
func (c *Conn) saveNames(labels Labels) (SaveNames, map[int]string, error) {
	links, err := c.rt.Names()
	if err != nil {
		return SaveNames{}, nil, opError(OpInterface, err)
	}
	index := make(map[string]int, len(links))
	for n, name := range links {
		index[name] = n
	}
	return SaveNames{Interface: func(name string) (int, bool) { n, ok := index[name]; return n, ok }, Labels: labels}, links, nil
}

// nameInterfaces gives a route of a file the names of its interfaces.
func nameInterfaces(r *rtnl.Route, links map[int]string) {
	r.OifName = links[r.Oif]
	for i := range r.Multipath {
		r.Multipath[i].OifName = links[r.Multipath[i].Oif]
	}
}

// restore is the state of one Restore.
type restore struct {
	c       *Conn
	ctx     context.Context
	links   map[int]string // names of interfaces, for failures
	failed  func(Failure)
	out     Outcome
	total   uint64       // routes in the file, known after the first walk
	first   bool         // the first walk, or a sweep of it: all that can be sent
	phase   restorePhase // of a later walk: what is sent
	late    lateRoutes
	batch   *stepBatch[sent]
	sending sent    // what submit hands on: one for all, since an observer's would be allocated for each
	group   []Saved // routes for one place, which stand together
	n       int     // how many of group
	open    map[routeKey]*openPlace
	rows    int // that the last look went through
	scratch []byte
	fatal   error
}

// lateRoutes are the routes that wait for their phase, by phase and their number in the file.
type lateRoutes [phases]numbers

// numbers is a set of routes by their numbers in the file: a bit for each.
type numbers []uint64

func (n *numbers) add(item int) {
	for item/64 >= len(*n) {
		*n = append(*n, 0)
	}
	(*n)[item/64] |= 1 << (item % 64)
}

func (n numbers) has(item int) bool { return item/64 < len(n) && n[item/64]>>(item%64)&1 != 0 }

// sent is a route on its way.
type sent struct {
	Saved
	do Do
	// group are the routes that the file has for this one's place, if there are several.
	group []Saved
}

func (r *restore) outcome() Outcome {
	o := r.out
	o.Interrupted = r.ctx.Err() != nil
	if done := o.Added + o.Replaced + o.Present + o.Failed + o.Unknown; r.total > done {
		o.Untried = r.total - done
	}
	return o
}

// stopped reports whether nothing more is to be sent.
func (r *restore) stopped() bool { return r.fatal != nil || r.ctx.Err() != nil }

// walk goes through the file or one sweep of it, and sends what is its turn. The first walk goes to the end in any case: it counts.
func (r *restore) walk(rows iter.Seq2[*Saved, error]) error {
	for row, err := range rows {
		if bad := (*ParseError)(nil); errors.As(err, &bad) {
			if r.first {
				r.out.Bad++
				r.failed(Failure{bad.Place, nil, bad})
			}
			continue
		}
		if err != nil {
			return err
		}
		if r.first {
			r.total++
		} else if r.stopped() {
			break
		}
		if r.n > 0 && keyOf(&r.group[0].Route) != keyOf(&row.Route) {
			r.endGroup()
		}
		r.collect(row)
	}
	r.endGroup()
	return nil
}

// collect adds a copy of the row to the group.
func (r *restore) collect(row *Saved) {
	if r.n == len(r.group) {
		r.group = append(r.group, Saved{})
	}
	r.group[r.n] = *row
	if len(row.Route.Multipath) > 0 {
		r.group[r.n].Route.Multipath = slices.Clone(row.Route.Multipath)
	}
	r.n++
}

// endGroup sends the routes for one place, as far as it is their turn.
func (r *restore) endGroup() {
	group := r.group[:r.n]
	if r.n = 0; len(group) == 0 {
		return
	}
	var all []Saved
	if len(group) > 1 {
		all = slices.Clone(group)
	}
	if !r.first || !r.postpone(group) {
		for i := range group {
			r.place(sent{Saved: group[i], do: DoAppend, group: all}, i == 0)
		}
	}
	if len(r.open) >= maxOpen {
		r.resolve()
	}
}

// place sends one route of a group. first says that it is the group's first.
func (r *restore) place(s sent, first bool) {
	if !r.first && !r.late[r.phase].has(s.Item) {
		return
	}
	if first {
		s.do = DoAdd
	}
	if s.Route.Family == unix.AF_INET6 && s.Route.Priority == 0 && !r.stopped() {
		r.keep(&s, false) // the kernel's own has the metric 0, and what is sent would get another
		return
	}
	r.submit(&s)
}

// postpone leaves a group to a later walk whose routes the first one cannot send: where a refusal would lose their order, and where the interface
// follows from the gateway, which a route that is still missing could change.
func (r *restore) postpone(group []Saved) bool {
	phase, open := phaseLocal, false
	for i := range group {
		phase = max(phase, phaseOf(&group[i].Route))
		open = open || group[i].Route.NexthopID == 0 && !hasDevices(&group[i].Route)
	}
	if phase == phaseLocal || len(group) == 1 && (phase < phaseNear || !open) {
		return false
	}
	for i := range group {
		r.late[phase].add(group[i].Item)
	}
	return true
}

func hasDevices(r *rtnl.Route) bool {
	if len(r.Multipath) == 0 {
		return r.Oif != 0
	}
	return !slices.ContainsFunc(r.Multipath, func(h rtnl.Nexthop) bool { return h.Oif == 0 })
}

func (r *restore) submit(s *sent) {
	if r.stopped() {
		return
	}
	r.sending = *s
	if err := r.batch.add(Step{Do: s.do, Route: &r.sending.Route}, r.sending); err != nil {
		r.fatal = err
	}
}

func (r *restore) flush() {
	if err := r.batch.flush(); err != nil && r.fatal == nil {
		r.fatal = err
	}
}

// report is told the fate of a route.
func (r *restore) report(s *sent, err error) {
	switch {
	case err == nil && s.do == DoReplace:
		r.out.Replaced++
	case err == nil:
		r.out.Added++
	case isUnknown(err), errors.Is(err, unix.EEXIST) && s.do == DoAdd:
		r.keep(s, isUnknown(err))
	case errors.Is(err, unix.EEXIST):
		r.out.Present++
	case errors.Is(err, unix.EPERM):
		r.fatal = err // it would be the same for every other
	case r.first && tooEarly(err) && phaseOf(&s.Route) > phaseLocal:
		r.late[phaseOf(&s.Route)].add(s.Item)
	case s.do == DoAdd || s.do == DoAppend:
		// A route whose gateway or interface is down is refused also when it is there.
		r.keepRefused(s, err)
	default:
		r.fail(&s.Saved, err)
	}
}

// tooEarly reports whether a refusal may come from another route that is still missing: the way to a gateway, or the address of a
// preferred source.
func tooEarly(err error) bool {
	return errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.EINVAL)
}

func (r *restore) fail(s *Saved, err error) {
	r.out.Failed++
	nameInterfaces(&s.Route, r.links)
	r.failed(Failure{s.Place, &s.Route, err})
}
