package routes

import (
	"errors"
	"io"
	"iter"
	"slices"

	"gnet/internal/rtnl"
)

// Difference is one between a file of routes and the tables.
type Difference struct {
	// File is the route that restore would add, or put in the place of Kernel; nil: the file has none for this one.
	File *rtnl.Route
	// Place is where it stands in the file.
	Place Place
	// Kernel is the route that restore would replace, or, without File, leave alone; nil: there is none.
	Kernel *rtnl.Route
}

// Diff compares a file of routes with the tables: first what restore would add or replace, then what is there beyond the file, in the
// tables that f selects, or, when f selects no table, in those that the file has routes of. The file is held in memory. A nil pointer with a
// *ParseError is a line that is no route, any other error is last.
func (c *Conn) Diff(file io.Reader, labels Labels, f *Filter) iter.Seq2[*Difference, error] {
	return func(yield func(*Difference, error) bool) {
		d := diff{places: make(map[routeKey]*diffPlace), tables: make(map[tableOf]bool), yield: yield}
		names, links, err := c.saveNames(labels)
		if err == nil {
			err = d.read(ReadSaved(file, names), links)
		}
		if err == nil {
			err = d.compare(c.Selected(&Filter{}), f)
		}
		if err == nil {
			err = d.tell()
		}
		if err != nil && err != errStop {
			yield(nil, err)
		}
	}
}

// tableOf is a table of one family.
type tableOf struct {
	family uint8
	table  uint32
}

// diff is the state of one Diff.
type diff struct {
	places map[routeKey]*diffPlace
	order  []*diffPlace
	tables map[tableOf]bool
	extra  []rtnl.Route
	yield  func(*Difference, error) bool
}

// diffPlace is what the file and the kernel have for one place.
type diffPlace struct {
	file []diffRoute
	has  []rtnl.Route // not in the file
	// seen is set when a route was there that restore might replace; foreign when the first of them, which it would, is the first of has.
	seen, foreign bool
}

type diffRoute struct {
	Saved
	there bool
}

func (d *diff) read(rows iter.Seq2[*Saved, error], links map[int]string) error {
	for row, err := range rows {
		if bad := (*ParseError)(nil); errors.As(err, &bad) {
			if !d.yield(nil, bad) {
				return errStop
			}
			continue
		}
		if err != nil {
			return err
		}
		key := keyOf(&row.Route)
		place := d.places[key]
		if place == nil {
			place = new(diffPlace)
			d.places[key] = place
			d.order = append(d.order, place)
		}
		route := clone(&row.Route)
		nameInterfaces(&route, links)
		place.file = append(place.file, diffRoute{Saved: Saved{row.Place, route}})
		d.tables[tableOf{row.Route.Family, row.Route.Table}] = true
	}
	return nil
}

// compare walks the tables.
func (d *diff) compare(rows iter.Seq2[*rtnl.Route, error], f *Filter) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		has := clone(row)
		sendable(&has)
		place := d.places[keyOf(row)]
		if place != nil && place.found(&has) {
			place.seen = place.seen || replaceable(&has)
			continue
		}
		shown := clone(row)
		switch {
		case !f.Match(row) || f.Table == 0 && !d.tables[tableOf{row.Family, row.Table}]:
		case place != nil:
			if !place.seen && replaceable(&has) {
				place.seen, place.foreign = true, true
				place.has = slices.Insert(place.has, 0, shown)
			} else {
				place.has = append(place.has, shown)
			}
		default:
			d.extra = append(d.extra, shown)
		}
	}
	return nil
}

func (p *diffPlace) found(has *rtnl.Route) bool {
	i := slices.IndexFunc(p.file, func(r diffRoute) bool { return !r.there && agrees(&r.Route, has) }) // names of interfaces do not count
	if i >= 0 {
		p.file[i].there = true
	}
	return i >= 0
}

// tell pairs what the file misses with what stands in its place.
func (d *diff) tell() error {
	for _, place := range d.order {
		for i := range place.file {
			asked := &place.file[i]
			if asked.there {
				continue
			}
			one := Difference{File: &asked.Route, Place: asked.Place}
			if place.foreign && replaceable(&asked.Route) {
				kernel := place.has[0]
				one.Kernel = &kernel
				place.has, place.foreign = place.has[1:], false
			}
			if !d.yield(&one, nil) {
				return errStop
			}
		}
		d.extra = append(d.extra, place.has...)
	}
	for i := range d.extra {
		if !d.yield(&Difference{Kernel: &d.extra[i]}, nil) {
			return errStop
		}
	}
	return nil
}
