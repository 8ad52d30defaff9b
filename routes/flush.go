package routes

import (
	"context"
	"errors"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// Flushable walks the routes that Flush would delete: those that f selects, but of the kernel's own table local only when f names it.
func (c *Conn) Flushable(f *Filter) iter.Seq2[*rtnl.Route, error] {
	return flushable(c.rt, f, func(*rtnl.Route) {})
}

// flushable shows stays what f does not select of the walk. The kernel is asked for less where nothing can come of the rest: a route of IPv6
// of another type can stand in front of one that is selected, one of another protocol cannot (inFront).
func flushable(rt *rtnl.Conn, f *Filter, stays func(*rtnl.Route)) iter.Seq2[*rtnl.Route, error] {
	kernel := rtnl.RouteFilter{Family: f.Family, Table: f.Table, Protocol: f.Protocol}
	if f.Family == unix.AF_INET {
		kernel.Type = f.Type
	}
	return func(yield func(*rtnl.Route, error) bool) {
		objects, err := (&Conn{rt: rt}).hopObjects(f)
		if err != nil {
			yield(nil, err)
			return
		}
		for r, err := range rt.Routes(kernel) {
			if err != nil {
				yield(nil, opError(OpList, err))
				return
			}
			objects.resolve(r)
			if (r.Table == unix.RT_TABLE_LOCAL && f.Table != r.Table) || !f.Match(r) {
				stays(r)
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// maxFlushRounds bounds how often the tables are read again: routes that others add meanwhile are deleted too, but not for ever.
const maxFlushRounds = 16

// Flush deletes the routes that f selects (Flushable), each exactly as it was read, while it reads them: nothing is held in memory. It reads
// again until nothing is left or nothing gives way. failed is told what the kernel refused to delete, in the last round, and what could not be
// deleted without another route (ErrShadowed).
//
// When ctx ends, the datagram in flight is finished; Untried is then what would have come. An error means that nothing more was
// possible; the Outcome is true as well.
func (c *Conn) Flush(ctx context.Context, f *Filter, failed func(*rtnl.Route, error)) (Outcome, error) {
	return c.FlushRemembered(ctx, f, nil, failed)
}

// FlushRemembered is Flush that leaves alone what m does not remember: it came later, and could not be put back. A nil m remembers all.
func (c *Conn) FlushRemembered(ctx context.Context, f *Filter, m *Memory, failed func(*rtnl.Route, error)) (Outcome, error) {
	reading, err := rtnl.Dial()
	if err != nil {
		return Outcome{}, opError(OpDial, err)
	}
	defer reading.Close()
	reading.ReadAhead()
	return c.flush(ctx, reading, f, m, failed)
}

func (c *Conn) flush(ctx context.Context, reading *rtnl.Conn, f *Filter, m *Memory, failed func(*rtnl.Route, error)) (Outcome, error) {
	w := flush{c: c, ctx: ctx, only: m}
	w.batch = newStepBatch(c, OpDelete, w.report)
	for n := range maxFlushRounds {
		before := w.out
		w.refused, w.lost, w.out.Untried, w.kept, w.front = w.refused[:0], false, 0, 0, inFront{}
		if err := w.round(flushable(reading, f, w.front.stays), n == 0); err != nil {
			w.fatal = err
		}
		if err := w.batch.flush(); err != nil && w.fatal == nil {
			w.fatal = err
		}
		if w.stopped() {
			w.out.Untried += w.kept
			w.forgetGone()
			break
		}
		if !w.lost && w.kept == 0 && w.out.Deleted == before.Deleted {
			break // what is refused now is there, and stays
		}
	}
	w.out.Interrupted = ctx.Err() != nil
	w.out.Failed = uint64(len(w.refused)) + w.more
	for i := range w.refused {
		failed(&w.refused[i].route, w.refused[i].err)
	}
	return w.out, w.fatal
}

// keepOneIn is the share of the IPv4 routes that the first round leaves to the second one: as long as a few stand everywhere, the kernel does not
// halve the nodes of its trie again and again behind the deletions (net/ipv4/fib_trie.c, should_halve), which takes longer than they do.
const keepOneIn = 16

// maxRefused bounds the refused routes that are remembered for the list; more are counted.
const maxRefused = 10_000

// flush is the state of one Flush.
type flush struct {
	c       *Conn
	ctx     context.Context
	only    *Memory // of what may be deleted; nil: all
	batch   *stepBatch[rtnl.Route]
	sending rtnl.Route // one for all, since an observer's would be allocated for each
	out     Outcome
	refused []refusal
	more    uint64 // refused beyond those
	lost    bool   // an answer was: the next round shows whether it was done
	seen    uint64 // IPv4 routes of the first round
	kept    uint64 // of these left to the next round
	front   inFront
	fatal   error
}

type refusal struct {
	route rtnl.Route
	err   error
}

func (w *flush) stopped() bool { return w.fatal != nil || w.ctx.Err() != nil }

// round deletes what one walk shows, the first one but for what it keeps. After the end of the work the walk goes on and counts.
func (w *flush) round(rows iter.Seq2[*rtnl.Route, error], first bool) error {
	w.more = 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		if w.only != nil && !w.only.had(r) {
			w.front.stays(r)
			continue
		}
		if w.stopped() {
			w.out.Untried++
			continue
		}
		if first && w.keeps(r) {
			w.kept++
			continue
		}
		w.sending = clone(r)
		sendable(&w.sending)
		w.sending.Expires = 0
		if w.front.hides(&w.sending) {
			w.report(&w.sending, opError(OpDelete, ErrShadowed))
			continue
		}
		if w.sending.NexthopID != 0 {
			// The kernel lists an IPv4 route as blackhole when its nexthop object is one, whatever it was made as
			// (net/ipv4/fib_semantics.c, fib_dump_info), and compares what it was made as; the object's number tells which is meant.
			w.sending.Type = unix.RTN_UNSPEC
		}
		if err := w.batch.add(Step{Do: DoDelete, Route: &w.sending, Known: true}, w.sending); err != nil {
			w.fatal = err
			if w.batch.barred {
				w.out.Untried++ // what was queued before is still sent
			} else {
				w.out.Untried += uint64(w.batch.unsent())
			}
		}
	}
	return nil
}

// keeps reports whether the first round leaves a route to the next.
func (w *flush) keeps(r *rtnl.Route) bool {
	if r.Family != unix.AF_INET {
		return false
	}
	w.seen++
	return w.seen%keepOneIn == 0
}

// forgetGone takes the routes that were deleted under our hands out of the refused ones, when there is no further walk to show it.
func (w *flush) forgetGone() {
	left := w.refused[:0]
	for _, r := range w.refused {
		if errors.Is(r.err, unix.ESRCH) {
			w.out.Gone++
		} else {
			left = append(left, r)
		}
	}
	w.refused = left
}

// report is told the fate of a route.
func (w *flush) report(r *rtnl.Route, err error) {
	switch {
	case err == nil:
		w.out.Deleted++
	case isUnknown(err):
		w.lost = true
	case errors.Is(err, unix.EPERM):
		w.fatal = err
		w.out.Untried++
	case len(w.refused) < maxRefused:
		w.refused = append(w.refused, refusal{clone(r), err})
	default:
		w.more++
	}
}
