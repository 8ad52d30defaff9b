package main

import (
	"gnet/internal/render"
	"gnet/internal/undo"
)

// routePendingSchema names the document of changes that wait for a confirmation; gnet-json(5).
const routePendingSchema = "gnet/route-pending/1"

// pendingColumns describes a change that was made with --confirm.
func pendingColumns() []render.Column[undo.Entry] {
	type row = undo.Entry
	return []render.Column[row]{
		{Field: render.Field{Name: "id", Kind: render.String, Doc: "what the change is called by, or the name of a file that is none of gnet's"},
			Get: func(r *row, v *render.Value) { v.Str(r.ID) }},
		{Field: render.Field{Name: "state", Kind: render.String, Doc: "making, waiting, undoing, undone, conflict, failed, or refused: the plan is not to be trusted"},
			Get: func(r *row, v *render.Value) { v.Str(entryWord(r)) }},
		{Field: render.Field{Name: "change", Kind: render.String, Doc: "the words of the command"},
			Get: func(r *row, v *render.Value) {
				if r.Plan != nil {
					v.Str(r.Plan.What)
				}
			}},
		{Field: render.Field{Name: "time", Kind: render.Time, Doc: "when the change was begun"},
			Get: func(r *row, v *render.Value) {
				if r.Plan != nil {
					v.Time(r.Plan.Time)
				}
			}},
		{Field: render.Field{Name: "left_ns", Kind: render.Duration, Unit: "ns", Doc: "time that is left to confirm it, sleep of the machine included; only of a change that waits"},
			Get: func(r *row, v *render.Value) {
				if r.State == undo.Waiting && r.Err == nil && !r.Plan.Lasting {
					v.Duration(max(r.Left, 0))
				}
			}},
		{Field: render.Field{Name: "netns", Kind: render.ID, Doc: "inode number of the network namespace of the change"},
			Get: func(r *row, v *render.Value) {
				if r.Plan != nil {
					v.ID(r.Plan.Netns.Inode)
				}
			}},
		{Field: render.Field{Name: "keeper", Kind: render.Bool, Doc: "true: the process that undoes the change lives"},
			Get: func(r *row, v *render.Value) { v.Bool(r.Keeper) }},
		{Field: render.Field{Name: "ended", Kind: render.Time, Doc: "when it was undone, or that was tried"},
			Get: func(r *row, v *render.Value) {
				if !r.Ended.IsZero() {
					v.Time(r.Ended)
				}
			}},
		{Field: render.Field{Name: "lines", Kind: render.List, Doc: "what was done then", Sub: []render.Field{
			{Name: "text", Kind: render.String, Doc: "put back, removed or not put back, and the route"}}},
			Get: func(r *row, v *render.Value) {
				if r.Result != nil {
					for _, line := range r.Result.Lines {
						v.Object(1)[0].Str(line)
					}
				}
			}},
		{Field: render.Field{Name: "error", Kind: render.String, Doc: "why it could not be undone, or why the plan is refused"},
			Get: func(r *row, v *render.Value) {
				switch {
				case r.Err != nil:
					v.Str(r.Err.Error())
				case r.Error != "":
					v.Str(r.Error)
				}
			}},
	}
}
