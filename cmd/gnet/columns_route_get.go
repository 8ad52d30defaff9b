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

// lookupAnswer is what the summary is made of.
type lookupAnswer struct {
	*routes.Lookup
	query *routes.Query
	brief bool
}

// writeLookup writes an explained lookup: a row for each entry, and the rules and the answer as summary.
func writeLookup(e *env, l *routes.Lookup, o routeGetOptions) error {
	doc := e.document(o.Format, routeGetSchema)
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
	if err := render.Summary(doc, lookupSummary(), &lookupAnswer{l, &o.Query, o.Brief}); err != nil {
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
func lookupSummary() []render.Column[lookupAnswer] {
	type row = lookupAnswer
	way := func(set func(v *render.Value, r *rtnl.Route)) func(*row, *render.Value) {
		return func(l *row, v *render.Value) {
			if l.Kernel.Route != nil {
				set(v, l.Kernel.Route)
			}
		}
	}
	return append(queryColumns(), []render.Column[row]{
		{Field: render.Field{Name: "rules", Kind: render.List, Doc: "the rules that were tried, in order, those that do not apply among them", Sub: ruleFields()},
			Get: func(l *row, v *render.Value) { setRules(v, l) }},
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
			Get: func(l *row, v *render.Value) {
				if !l.brief {
					v.Bool(l.Agree)
				}
			}},
		{Field: render.Field{Name: "reasons", Kind: render.List, Doc: "why the kernel's answer is another, or has more", Sub: []render.Field{
			{Name: "name", Kind: render.String, Doc: "unspecified, type, multipath, defaults, reachability, redirect, path-mtu, rule, split-tables, one-tree, on-link, forwarding, source, changing or unknown"},
			{Name: "text", Kind: render.String, Doc: "one sentence"}}},
			Get: func(l *row, v *render.Value) {
				if l.brief {
					return
				}
				v.EmptyList()
				for _, r := range l.Reasons {
					o := v.Object(2)
					o[0].Str(r.Kind.String())
					o[1].Str(r.Text)
				}
			}},
	}...)
}

// queryColumns describes the packet: what was given of it.
func queryColumns() []render.Column[lookupAnswer] {
	type row = lookupAnswer
	column := func(name string, kind render.Kind, doc string, get func(q *routes.Query, v *render.Value)) render.Column[row] {
		return render.Column[row]{Field: render.Field{Name: name, Kind: kind, Doc: doc}, Get: func(l *row, v *render.Value) { get(l.query, v) }}
	}
	return []render.Column[row]{
		{Field: render.Field{Name: "destination", Kind: render.Addr, Doc: "the address that was looked up"},
			Get: func(l *row, v *render.Value) { v.Addr(l.Dst) }},
		column("from", render.Addr, "source address, when given", func(q *routes.Query, v *render.Value) { v.Addr(q.Src) }),
		column("iif", render.String, "interface it came in by, when given", func(q *routes.Query, v *render.Value) { setName(v, q.Iif) }),
		column("oif", render.String, "interface it is bound to, when given", func(q *routes.Query, v *render.Value) { setName(v, q.Oif) }),
		column("mark", render.Uint, "firewall mark, when given", func(q *routes.Query, v *render.Value) { setPositive(v, uint64(q.Mark)) }),
		column("tos", render.Uint, "type of service, when given", func(q *routes.Query, v *render.Value) { setPositive(v, uint64(q.Tos)) }),
		column("uid", render.Uint, "user, when given", func(q *routes.Query, v *render.Value) {
			if q.HasUID {
				v.Uint(uint64(q.UID))
			}
		}),
		column("ipproto", render.Uint, "IP protocol, when given", func(q *routes.Query, v *render.Value) { setPositive(v, uint64(q.IPProto)) }),
		column("sport", render.Uint, "source port, when given", func(q *routes.Query, v *render.Value) { setPositive(v, uint64(q.SPort)) }),
		column("dport", render.Uint, "destination port, when given", func(q *routes.Query, v *render.Value) { setPositive(v, uint64(q.DPort)) }),
	}
}

func ruleFields() []render.Field {
	return []render.Field{
		{Name: "priority", Kind: render.Uint, Doc: "the lowest is tried first"},
		{Name: "text", Kind: render.String, Doc: "selectors and action in the words of ip-rule(8)"},
		{Name: "applies", Kind: render.Bool, Doc: "the packet has what the rule selects"},
		{Name: "table", Kind: render.Uint, Doc: "table that was looked into; absent when none was"},
		{Name: "entries", Kind: render.Uint, Doc: "how many entries that table has"},
		{Name: "why", Kind: render.String, Doc: "the selector that is against it, or how the search ended there"},
	}
}

func setRules(v *render.Value, l *lookupAnswer) {
	if l.brief {
		return
	}
	v.EmptyList()
	for i := range l.Rules {
		step := &l.Rules[i]
		o := v.Object(len(ruleFields()))
		o[0].Uint(uint64(step.Rule.Priority))
		o[1].Str(ruleText(&step.Rule))
		o[2].Bool(step.Applies)
		why := step.Why
		if step.Table != nil {
			o[3].Uint(uint64(step.Table.Table))
			o[4].Uint(uint64(step.Table.Entries))
			why = step.Table.Verdict
		}
		setName(&o[5], why)
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
