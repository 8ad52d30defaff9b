package routes

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// routePlace is what a change is undone by: all routes to one destination in one table, of whatever metric.
type routePlace struct {
	Family   uint8
	Table    uint32
	Dst, Src netip.Prefix
	Tos      uint8
}

func placeOf(r *rtnl.Route) routePlace {
	p := routePlace{Family: r.Family, Table: r.Table, Dst: r.Dst, Src: r.Src, Tos: r.Tos}
	if p.Table == 0 {
		p.Table = unix.RT_TABLE_MAIN
	}
	if !p.Dst.IsValid() { // a default route that is sent has none, one that is read has
		p.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if r.Family == unix.AF_INET6 {
			p.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	}
	return p
}

// Memory is what must be known to undo changes of routes.
type Memory struct {
	places map[routePlace]bool
	was    []rtnl.Route
	groups map[routeKey][]rtnl.Route // of was, for what deletes as it reads
	asked  []keptStep
	size   int // of asked, about, in the plan
}

// Remember reads the routes of the places that the steps touch, before they are made. The routes of steps are not kept. So many steps that
// no plan can hold them are unix.EFBIG.
func (c *Conn) Remember(steps iter.Seq[*Step]) (*Memory, error) {
	m := newMemory()
	for s := range steps {
		if err := m.ask(s.Do, s.Route); err != nil {
			return nil, err
		}
	}
	return m, c.recall(m)
}

// RememberFlush remembers what Flush would delete.
func (c *Conn) RememberFlush(f *Filter) (*Memory, error) {
	m := newMemory()
	for r, err := range c.Flushable(f) {
		if err != nil {
			return nil, err
		}
		deleted := clone(r)
		sendable(&deleted)
		if err := m.ask(DoDelete, &deleted); err != nil {
			return nil, err
		}
	}
	err := c.recall(m)
	m.groups = group(m.was)
	return m, err
}

// RememberRestore remembers what Restore may change, and leaves the file where it was.
func (c *Conn) RememberRestore(file io.ReadSeeker, labels Labels) (*Memory, error) {
	names, _, err := c.saveNames(labels)
	if err != nil {
		return nil, err
	}
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	m := newMemory()
	for row, err := range ReadSaved(file, names) {
		if bad := (*ParseError)(nil); errors.As(err, &bad) {
			continue // Restore reports it
		}
		if err == nil {
			err = m.ask(DoReplace, &row.Route)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return nil, err
	}
	return m, c.recall(m)
}

func newMemory() *Memory { return &Memory{places: map[routePlace]bool{}} }

// stepRoom is what a step takes in a plan beside the base64 of its message: {"do":5,"route":""},
const stepRoom = 21

func (m *Memory) ask(do Do, r *rtnl.Route) error {
	step := keptStep{do, keep(r)}
	if m.size += stepRoom + base64.StdEncoding.EncodedLen(len(step.Route)); m.size > undo.MaxPlan {
		return &undo.Error{Op: "write the plan", Err: unix.EFBIG,
			Why: fmt.Sprintf("a plan has %d bytes at most, which is enough for some %d changes", undo.MaxPlan, len(m.asked))}
	}
	m.places[placeOf(r)] = true
	m.asked = append(m.asked, step)
	return nil
}

// recall reads what is there.
func (c *Conn) recall(m *Memory) (err error) {
	m.was, err = c.at(m.places)
	return err
}

// Len is the number of changes that are remembered.
func (m *Memory) Len() int { return len(m.asked) }

// Covers reports whether a change is about a place that is remembered.
func (m *Memory) Covers(s *Step) bool { return m.places[placeOf(s.Route)] }

// had reports whether a route, as it was just read, is remembered.
func (m *Memory) had(r *rtnl.Route) bool {
	is := clone(r)
	sendable(&is)
	return has(m.groups[keyOf(&is)], &is)
}

// Before and Change are the parts of the plan that have these names, Left reads what the plan calls so, after the change.
func (m *Memory) Before() (json.RawMessage, error) { return keepRoutes(m.was) }

// Change is what is asked for.
func (m *Memory) Change() (json.RawMessage, error) { return json.Marshal(m.asked) }

// Left reads the routes of the places again.
func (m *Memory) Left(c *Conn) (json.RawMessage, error) {
	now, err := c.at(m.places)
	if err != nil {
		return nil, err
	}
	return keepRoutes(now)
}

// at reads the routes of the places in the kernel's order, ready to be sent.
func (c *Conn) at(places map[routePlace]bool) ([]rtnl.Route, error) {
	type table struct {
		family uint8
		number uint32
	}
	tables := map[table]bool{}
	for p := range places {
		tables[table{p.Family, p.Table}] = true
	}
	var found []rtnl.Route
	for t := range tables {
		for r, err := range c.rt.Routes(rtnl.RouteFilter{Family: t.family, Table: t.number}) {
			if err != nil {
				return nil, opError(OpList, err)
			}
			if places[placeOf(r)] {
				kept := clone(r)
				sendable(&kept)
				found = append(found, kept)
			}
		}
	}
	return found, nil
}

// Crosses reports whether the change of a plan is about a place that m remembers too: undoing one of both would take the other for what
// others did.
func (m *Memory) Crosses(p *undo.Plan) (bool, error) {
	if p.Domain != UndoDomain {
		return false, nil
	}
	steps, err := unkeepSteps(p.Change)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(steps, func(s askedStep) bool { return m.places[placeOf(&s.route)] }), nil
}
