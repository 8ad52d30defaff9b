package main

import (
	"net/netip"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// routeGetSchema names the document of an explained lookup; gnet-json(5).
const routeGetSchema = "gnet/route-get/1"

// lookupRow is one entry of a table that was looked into.
type lookupRow struct {
	step      *routes.RuleStep
	candidate *routes.Candidate
}

// writeLookup writes an explained lookup: a row for each entry, and the answer as summary.
func writeLookup(e *env, l *routes.Lookup, format render.Format) error {
	doc := e.document(format, routeGetSchema)
	rows := render.NewRows(doc, lookupColumns())
	for i := range l.Rules {
		step := &l.Rules[i]
		if step.Table == nil {
			continue
		}
		for j := range step.Table.Candidates {
			if err := rows.Write(&lookupRow{step, &step.Table.Candidates[j]}); err != nil {
				return err
			}
		}
	}
	if err := render.Summary(doc, lookupSummary(), l); err != nil {
		return err
	}
	return e.closeDocument(doc)
}

// lookupColumns describes one entry that was held against the destination.
func lookupColumns() []render.Column[lookupRow] {
	type row = lookupRow
	return []render.Column[row]{
		{Field: render.Field{Name: "rule", Kind: render.Uint, Doc: "priority of the rule that led to the table"},
			Get: func(r *row, v *render.Value) { v.Uint(uint64(r.step.Rule.Priority)) }},
		{Field: render.Field{Name: "table", Kind: render.Uint, Doc: "number of the table: 255 local, 254 main, 253 default"},
			Get: func(r *row, v *render.Value) { v.Uint(uint64(r.step.Table.Table)) }},
		{Field: render.Field{Name: "destination", Kind: render.String, Doc: "the entry's prefix"},
			Get: func(r *row, v *render.Value) { v.Str(r.candidate.Route.Dst.String()) }},
		{Field: render.Field{Name: "masked", Kind: render.Addr, Doc: "the looked up address AND the entry's mask"},
			Get: func(r *row, v *render.Value) { v.Addr(r.candidate.Masked) }},
		{Field: render.Field{Name: "equal", Kind: render.Bool, Doc: "masked is the entry's address"},
			Get: func(r *row, v *render.Value) { v.Bool(r.candidate.Equal) }},
		{Field: render.Field{Name: "type", Kind: render.String, Doc: "unicast, local, broadcast, unreachable and so on"},
			Get: func(r *row, v *render.Value) { v.Str(routes.TypeName(r.candidate.Route.Type)) }},
		{Field: render.Field{Name: "metric", Kind: render.Uint, Doc: "the lowest wins among entries of one prefix"},
			Get: func(r *row, v *render.Value) { v.Uint(uint64(r.candidate.Route.Priority)) }},
		{Field: render.Field{Name: "gateway", Kind: render.Addr, Doc: "next hop; absent without one and with several"},
			Get: func(r *row, v *render.Value) { v.Addr(r.candidate.Route.Gateway) }},
		{Field: render.Field{Name: "iface", Kind: render.String, Doc: "interface; absent without one and with several next hops"},
			Get: func(r *row, v *render.Value) { setName(v, r.candidate.Route.OifName) }},
		{Field: render.Field{Name: "nexthops", Kind: render.List, Doc: "the next hops, when there are several", Sub: nexthopFields()},
			Get: func(r *row, v *render.Value) { setNexthops(v, r.candidate.Route.Multipath) }},
		{Field: render.Field{Name: "won", Kind: render.Bool, Doc: "the best entry of its table"},
			Get: func(r *row, v *render.Value) { v.Bool(r.candidate.Won) }},
		{Field: render.Field{Name: "why", Kind: render.String, Doc: "why it won or lost"},
			Get: func(r *row, v *render.Value) { v.Str(r.candidate.Why) }},
	}
}

// lookupSummary describes the answer.
func lookupSummary() []render.Column[routes.Lookup] {
	type row = routes.Lookup
	way := func(set func(v *render.Value, r *rtnl.Route)) func(*row, *render.Value) {
		return func(l *row, v *render.Value) {
			if l.Kernel.Route != nil {
				set(v, l.Kernel.Route)
			}
		}
	}
	return []render.Column[row]{
		{Field: render.Field{Name: "destination", Kind: render.Addr, Doc: "the address that was looked up"},
			Get: func(l *row, v *render.Value) { v.Addr(l.Dst) }},
		{Field: render.Field{Name: "winner", Kind: render.String, Doc: "prefix of the entry that decides; absent when none matched"},
			Get: func(l *row, v *render.Value) {
				if l.Winner != nil {
					v.Str(l.Winner.Route.Dst.String())
				}
			}},
		{Field: render.Field{Name: "winner_table", Kind: render.Uint, Doc: "table of that entry"},
			Get: func(l *row, v *render.Value) {
				if l.Winner != nil {
					v.Uint(uint64(l.Winner.Route.Table))
				}
			}},
		{Field: render.Field{Name: "refused", Kind: render.String, Doc: "what a sender is told when there is no way, by the explanation"},
			Get: func(l *row, v *render.Value) {
				if l.Refused != nil {
					v.Str(errnoText(l.Refused))
				}
			}},
		{Field: render.Field{Name: "kernel_refused", Kind: render.String, Doc: "the same by the kernel"},
			Get: func(l *row, v *render.Value) {
				if l.Kernel.Err != nil {
					v.Str(errnoText(l.Kernel.Err))
				}
			}},
		{Field: render.Field{Name: "kernel_gateway", Kind: render.Addr, Doc: "next hop by the kernel; absent on the link"},
			Get: way(func(v *render.Value, r *rtnl.Route) { v.Addr(r.Gateway) })},
		{Field: render.Field{Name: "kernel_iface", Kind: render.String, Doc: "interface by the kernel"},
			Get: way(func(v *render.Value, r *rtnl.Route) { setName(v, r.OifName) })},
		{Field: render.Field{Name: "kernel_source", Kind: render.Addr, Doc: "source address that the kernel would use"},
			Get: way(func(v *render.Value, r *rtnl.Route) { v.Addr(r.PrefSrc) })},
		{Field: render.Field{Name: "kernel_type", Kind: render.String, Doc: "type of the destination by the kernel"},
			Get: way(func(v *render.Value, r *rtnl.Route) { v.Str(routes.TypeName(r.Type)) })},
		{Field: render.Field{Name: "kernel_entry", Kind: render.String, Doc: "prefix of the entry that the kernel names"},
			Get: func(l *row, v *render.Value) {
				if l.Kernel.Entry != nil {
					v.Str(l.Kernel.Entry.Dst.String())
				}
			}},
		{Field: render.Field{Name: "agree", Kind: render.Bool, Doc: "the kernel uses the winner, or refuses likewise"},
			Get: func(l *row, v *render.Value) { v.Bool(l.Agree) }},
		{Field: render.Field{Name: "reasons", Kind: render.List, Doc: "why the kernel's answer is another, or has more", Sub: []render.Field{
			{Name: "name", Kind: render.String, Doc: "unspecified, type, multipath, defaults, reachability, redirect, path-mtu, rule, split-tables, one-tree or unknown"},
			{Name: "text", Kind: render.String, Doc: "one sentence"}}},
			Get: func(l *row, v *render.Value) {
				v.EmptyList()
				for _, r := range l.Reasons {
					o := v.Object(2)
					o[0].Str(r.Kind.String())
					o[1].Str(r.Text)
				}
			}},
	}
}

func setName(v *render.Value, name string) {
	if name != "" {
		v.Str(name)
	}
}

func nexthopFields() []render.Field {
	return []render.Field{
		{Name: "gateway", Kind: render.Addr, Doc: "absent on the link"},
		{Name: "iface", Kind: render.String, Doc: "interface"},
		{Name: "weight", Kind: render.Uint, Doc: "1 to 256"},
	}
}

func setNexthops(v *render.Value, hops []rtnl.Nexthop) {
	for i := range hops {
		o := v.Object(3)
		o[0].Addr(netip.Addr(hops[i].Gateway))
		setName(&o[1], hops[i].OifName)
		o[2].Uint(uint64(hops[i].Weight))
	}
}
