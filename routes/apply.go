package routes

import (
	"errors"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// Do says how a route is to be changed.
type Do uint8

// The changes. They are the kernel's: NLM_F_EXCL, NLM_F_APPEND and NLM_F_REPLACE of RTM_NEWROUTE, and RTM_DELROUTE.
const (
	DoAdd     Do = iota + 1 // refused with EEXIST when there is one of the same prefix, metric and type of service
	DoPrepend               // put in front of such a route; EEXIST when it is the same in everything
	DoAppend                // put behind such a route; IPv6 makes one route with two next hops of them
	DoReplace               // in the place of the first such route, added when there is none
	DoDelete                // the first that agrees in everything that is given
)

func (d Do) flags() uint16 {
	switch d {
	case DoAdd:
		return unix.NLM_F_CREATE | unix.NLM_F_EXCL
	case DoAppend:
		return unix.NLM_F_CREATE | unix.NLM_F_APPEND
	case DoReplace:
		return unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	}
	return unix.NLM_F_CREATE
}

func (d Do) op() Op {
	switch d {
	case DoReplace:
		return OpReplace
	case DoDelete:
		return OpDelete
	}
	return OpAdd
}

// Step is one change of the tables: nothing here changes a route except through send and stepBatch.add, which both show it to the
// observer of the Conn first.
type Step struct {
	Do Do
	// Route is what is sent; valid during the call.
	Route *rtnl.Route
	// Known is set where the step was made from a route that was just read: that one is what a deletion deletes.
	Known bool

	conn *Conn
}

// Before reads the routes that compete with the step's for one place (same table, prefix, metric and type of service), in the
// kernel's order: what was there before the change, and what a deletion or a replacement takes away.
func (s *Step) Before() ([]rtnl.Route, error) {
	var before []rtnl.Route
	key := keyOf(s.Route)
	if key.table == 0 {
		key.table = unix.RT_TABLE_MAIN
	}
	for r, err := range s.conn.rt.Routes(rtnl.RouteFilter{Family: s.Route.Family, Table: key.table}) {
		if err != nil {
			return nil, opError(OpList, err)
		}
		if k := keyOf(r); k == key || s.Do == DoDelete && s.Route.Priority == 0 && k.dst == key.dst {
			before = append(before, clone(r))
		}
	}
	return before, nil
}

// Observe makes fn see each change before it is sent. Its error keeps the change from being made and is returned as it is.
func (c *Conn) Observe(fn func(*Step) error) { c.observer = fn }

func (c *Conn) observe(s Step) error {
	if c.observer == nil {
		return nil
	}
	seen := s // a copy, so that only a step that is observed is allocated
	seen.conn = c
	return c.observer(&seen)
}

// send makes one change.
func (c *Conn) send(s Step) error {
	if err := c.observe(s); err != nil {
		return err
	}
	if s.Do == DoDelete {
		return opError(OpDelete, c.rt.DelRoute(s.Route))
	}
	return opError(s.Do.op(), c.rt.AddRoute(s.Route, s.Do.flags()))
}

// stepBatch makes many changes with few system calls. What a step carries along comes back with its fate.
type stepBatch[T any] struct {
	c      *Conn
	b      *rtnl.RouteBatch
	queued []T // of the steps whose fate is not known yet, in order
	told   int
	barred bool // the observer kept a step from being made
	report func(item *T, err error)
}

// newStepBatch starts a batch; report is called once for each step with nil, an *OpError, or an error that is
// netlink.ErrUnknown.
func newStepBatch[T any](c *Conn, op Op, report func(item *T, err error)) *stepBatch[T] {
	s := &stepBatch[T]{c: c, report: report}
	s.b = c.rt.NewRouteBatch(op.String(), func(_ uint64, err error) {
		item := &s.queued[s.told]
		s.told++
		s.report(item, opError(op, err))
	})
	return s
}

func (s *stepBatch[T]) add(step Step, item T) error {
	if err := s.c.observe(step); err != nil {
		s.barred = true
		return err
	}
	var err error
	s.queued = append(s.queued, item)
	if step.Do == DoDelete {
		err = s.b.Del(step.Route)
	} else {
		err = s.b.Add(step.Route, step.Do.flags())
	}
	s.forget()
	return opError(step.Do.op(), err)
}

// forget drops what was reported.
func (s *stepBatch[T]) forget() {
	if s.told == 0 {
		return
	}
	n := copy(s.queued, s.queued[s.told:])
	s.queued, s.told = s.queued[:n], 0
}

func (s *stepBatch[T]) flush() error {
	err := s.b.Flush()
	s.forget()
	return err
}

// unsent returns what was queued and not sent, after an error.
func (s *stepBatch[T]) unsent() int { return len(s.queued) }

// isUnknown reports whether a step may have been done or not.
func isUnknown(err error) bool { return errors.Is(err, netlink.ErrUnknown) }

// Outcome says what became of many changes.
type Outcome struct {
	Added    uint64 // of these some may have been there: those whose answer was lost and that were found afterwards
	Replaced uint64 // another route of the same prefix, metric and type of service stood in the place
	Present  uint64 // was there already
	Deleted  uint64
	Gone     uint64 // was not there any more when it was to be deleted
	Failed   uint64 // refused
	Bad      uint64 // lines of a file that are no route
	Unknown  uint64 // done or not: the connection broke before the kernel's answer
	Untried  uint64 // left alone, because it was interrupted or nothing more was possible
	// Interrupted is set when the context ended first.
	Interrupted bool
}

// Complete reports whether everything was done that was asked for.
func (o *Outcome) Complete() bool {
	return o.Failed == 0 && o.Bad == 0 && o.Untried == 0 && o.Unknown == 0 && !o.Interrupted
}
