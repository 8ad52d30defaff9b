package main

import (
	"errors"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/internal/undo"
	"gnet/routes"
)

// routeChangesSchema names the document that says what became of many changes; gnet-json(5).
const routeChangesSchema = "gnet/route-changes/1"

// notChanged is a route that could not be changed, and why.
type notChanged struct {
	place routes.Place // the zero Place: from no file
	route *rtnl.Route  // nil: the line is no route
	err   error
}

// notChangedColumns describes what could not be changed.
func notChangedColumns() []render.Column[notChanged] {
	type row = notChanged
	return []render.Column[row]{
		{Field: render.Field{Name: "line", Kind: render.Uint, Doc: "line in the file, of lines of JSON"},
			Get: func(r *row, v *render.Value) { setNonZero(v, uint64(r.place.Line)) }},
		{Field: render.Field{Name: "item", Kind: render.Uint, Doc: "number of the route in the file, from 1"},
			Get: func(r *row, v *render.Value) { setNonZero(v, uint64(r.place.Item)) }},
		{Field: render.Field{Name: "destination", Kind: render.String, Doc: "the route's; absent of a line that is no route"},
			Get: func(r *row, v *render.Value) {
				if r.route != nil {
					setPrefix(v, r.route.Dst)
				}
			}},
		{Field: render.Field{Name: "table", Kind: render.Uint, Doc: "the route's"},
			Get: func(r *row, v *render.Value) {
				if r.route != nil {
					v.Uint(uint64(r.route.Table))
				}
			}},
		{Field: render.Field{Name: "error", Kind: render.String, Doc: "why: the system's sentence, or what is wrong with the line"},
			Get: func(r *row, v *render.Value) { v.Str(r.reason()) }},
		{Field: render.Field{Name: "kernel", Kind: render.String, Doc: "the kernel's own words, when it gave some"},
			Get: func(r *row, v *render.Value) { setName(v, kernelWords(r.err)) }},
	}
}

func (r *notChanged) reason() string {
	if bad := (*routes.ParseError)(nil); errors.As(r.err, &bad) {
		return bad.Err.Error()
	}
	if op := (*routes.OpError)(nil); errors.As(r.err, &op) {
		return errnoText(op.Err)
	}
	return errnoText(r.err)
}

// kernelWords returns the kernel's own words about a refusal.
func kernelWords(err error) string {
	if op := (*routes.OpError)(nil); errors.As(err, &op) {
		return op.Kernel
	}
	return ""
}

// changesMade is what became of many changes; waits is nil when they need no confirmation.
type changesMade struct {
	*routes.Outcome
	waits *undo.Change
}

// outcomeColumns describes what became of many changes.
func outcomeColumns() []render.Column[changesMade] {
	type row = changesMade
	count := func(name, doc string, get func(*row) uint64) render.Column[row] {
		return render.Column[row]{Field: render.Field{Name: name, Kind: render.Uint, Doc: doc},
			Get: func(o *row, v *render.Value) { v.Uint(get(o)) }}
	}
	return []render.Column[row]{
		count("added", "routes that were added", func(o *row) uint64 { return o.Added }),
		count("replaced", "routes that took the place of another", func(o *row) uint64 { return o.Replaced }),
		count("present", "routes that were there already", func(o *row) uint64 { return o.Present }),
		count("deleted", "routes that were deleted", func(o *row) uint64 { return o.Deleted }),
		count("gone", "routes that somebody else deleted first", func(o *row) uint64 { return o.Gone }),
		count("failed", "routes that the kernel refused", func(o *row) uint64 { return o.Failed }),
		count("bad", "lines that are no route", func(o *row) uint64 { return o.Bad }),
		count("unknown", "routes of which nobody knows whether they were changed", func(o *row) uint64 { return o.Unknown }),
		count("untried", "routes that were left alone because the work ended before", func(o *row) uint64 { return o.Untried }),
		{Field: render.Field{Name: "interrupted", Kind: render.Bool, Doc: "true: a signal ended the work"},
			Get: func(o *row, v *render.Value) { v.Bool(o.Interrupted) }},
		{Field: render.Field{Name: "confirm_id", Kind: render.String, Doc: "what the changes are called by until they are confirmed; absent when they stay"},
			Get: func(o *row, v *render.Value) {
				if o.waits != nil {
					v.Str(o.waits.Plan.ID)
				}
			}},
		{Field: render.Field{Name: "confirm_within_ns", Kind: render.Duration, Unit: "ns", Doc: "time that is left to confirm them; then they are undone"},
			Get: func(o *row, v *render.Value) {
				if o.waits != nil {
					v.Duration(max(o.waits.Left(), 0))
				}
			}},
	}
}
