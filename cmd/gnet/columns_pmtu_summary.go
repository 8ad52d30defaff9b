package main

import (
	"slices"

	"gnet/internal/render"
	"gnet/ping/path"
)

// pmtuSummaryColumns are the columns of what a measurement found.
func pmtuSummaryColumns() []render.Column[pmtuSummary] {
	return slices.Concat(pmtuTargetColumns(), pmtuDirectionColumns("forward", "there", func(r *path.Result) *path.Direction { return &r.Forward }),
		pmtuDirectionColumns("reverse", "back", func(r *path.Result) *path.Direction { return &r.Reverse }), pmtuLimitColumns(), pmtuDoubtColumns(),
		pmtuEffortColumns())
}

func pmtuTargetColumns() []render.Column[pmtuSummary] {
	type row = pmtuSummary
	type value = render.Value
	return []render.Column[row]{
		column("destination", render.String, "", "The destination as named.", func(r *row, v *value) { v.Str(r.run.Name) }),
		column("address", render.Addr, "", "Address that was asked.", func(r *row, v *value) { v.Addr(r.run.Dest) }),
		column("source", render.Addr, "", "Source address that the kernel chose.", func(r *row, v *value) { v.Addr(r.run.Source) }),
		column("socket", render.String, "", "Kind of the socket of the echo requests: SOCK_RAW or SOCK_DGRAM.", func(r *row, v *value) { v.Str(r.run.Mode.String()) }),
		column("reached", render.Bool, "", "Whether the host answered.", func(r *row, v *value) { v.Bool(r.r.Reached) }),
		column("method", render.String, "", "By what it was asked: icmp, udp or tcp.", func(r *row, v *value) {
			if r.r.Reached {
				v.Str(r.r.Method.String())
			}
		}),
		column("device_mtu", render.Int, "bytes", "MTU of our own link, at most 65535.", func(r *row, v *value) { v.Int(int64(r.r.DeviceMTU)) }),
	}
}

// pmtuDirectionColumns are the columns of one direction.
func pmtuDirectionColumns(name, way string, pick func(*path.Result) *path.Direction) []render.Column[pmtuSummary] {
	type row = pmtuSummary
	type value = render.Value
	evidence := func(name, doc string, get func(*path.Direction) *path.Evidence) render.Column[row] {
		c := column(name, render.List, "", doc, func(r *row, v *value) {
			if d := pick(r.r); d.MTU > 0 && get(d).Sent > 0 {
				evidenceObject(v, get(d))
			}
		})
		c.Sub = evidenceFields()
		return c
	}
	return []render.Column[row]{
		column(name+"_mtu", render.Int, "bytes", "Length of the longest IP packet that gets through on the way "+way+"; a lower bound if "+name+"_exact is false.",
			func(r *row, v *value) {
				if d := pick(r.r); d.MTU > 0 {
					v.Int(int64(d.MTU))
				}
			}),
		column(name+"_exact", render.Bool, "", "Whether that is known to the byte.", func(r *row, v *value) {
			if d := pick(r.r); d.MTU > 0 {
				v.Bool(d.Exact())
			}
		}),
		column(name+"_basis", render.String, "", "What it rests on: own_link, router (it named the MTU or refused), silence, replies (their fragments) or lower_bound.",
			func(r *row, v *value) {
				if d := pick(r.r); d.MTU > 0 {
					v.Str(d.Basis.String())
				}
			}),
		evidence(name+"_fits", "Probes of that length.", func(d *path.Direction) *path.Evidence { return &d.Fits }),
		evidence(name+"_fails", "Probes that are longer by one byte; on the way back, replies that came in fragments.", func(d *path.Direction) *path.Evidence { return &d.Fails }),
	}
}

// evidenceFields are the keys of evidence, a list of one object.
func evidenceFields() []render.Field {
	return []render.Field{
		{Name: "sent", Kind: render.Int, Doc: "Probes that were sent."},
		{Name: "rounds", Kind: render.Int, Doc: "Rounds in which they were."},
		{Name: "answered", Kind: render.Int, Doc: "Those that the host answered."},
		{Name: "too_big", Kind: render.Int, Doc: "Those that a router refused for their length."},
		{Name: "silent", Kind: render.Int, Doc: "Those that nobody answered."},
		{Name: "confidence", Kind: render.Float, Doc: "1 less the probability that chance losses explain the silence; 1 where nothing rests on silence."},
	}
}

func evidenceObject(v *render.Value, e *path.Evidence) {
	object := v.Object(6)
	for i, n := range []int{e.Sent, e.Rounds, e.Answered, e.Named, e.Silent} {
		object[i].Int(int64(n))
	}
	object[5].Float(e.Confidence)
}

func pmtuLimitColumns() []render.Column[pmtuSummary] {
	type row = pmtuSummary
	type value = render.Value
	limit := func(name string, kind render.Kind, doc string, get func(*path.Limit, *value)) render.Column[row] {
		return column(name, kind, "", doc, func(r *row, v *value) {
			if r.r.LimitKnown {
				get(&r.r.Limit, v)
			}
		})
	}
	silence := limit("limit_evidence", render.List, "Long probes to the hop behind the link, where the router does not name it.", func(l *path.Limit, v *value) {
		if !l.Named && l.Sent > 0 {
			evidenceObject(v, &l.Evidence)
		}
	})
	silence.Sub = evidenceFields()
	return []render.Column[row]{
		limit("limit_hop", render.Int, "Number of the router before the link that sets the forward MTU; 0 is this host.", func(l *path.Limit, v *value) { v.Int(int64(l.Hop)) }),
		limit("limit_from", render.Addr, "Address of that router.", func(l *path.Limit, v *value) { v.Addr(l.From) }),
		limit("limit_next_hop", render.Int, "Number of the next host behind it that answers; limit_hop+1 unless there are silent ones between them.",
			func(l *path.Limit, v *value) { v.Int(int64(l.NextHop)) }),
		limit("limit_to", render.Addr, "Address of that one.", func(l *path.Limit, v *value) { v.Addr(l.Next) }),
		limit("limit_named", render.Bool, "Whether the router itself named the MTU.", func(l *path.Limit, v *value) { v.Bool(l.Named) }),
		silence,
		column("named_mtu", render.Int, "bytes", "Smallest MTU that a router named and that can be true, also where the host does not answer.", func(r *row, v *value) {
			if r.r.Hint.MTU > 0 {
				v.Int(int64(r.r.Hint.MTU))
			}
		}),
		column("named_by", render.Addr, "", "That router.", func(r *row, v *value) { v.Addr(r.r.Hint.From) }),
		column("hops", render.Int, "", "Number of the host, as hops are counted.", func(r *row, v *value) {
			if r.r.Hops > 0 {
				v.Int(int64(r.r.Hops))
			}
		}),
		column("cause", render.String, "", "Why longer packets die: none, icmp_filtered, mtu_mismatch, request_fragments_dropped, reply_fragments_dropped, mtu_mismatch_or_request_fragments_dropped or unknown.",
			func(r *row, v *value) {
				if r.r.Reached {
					v.Str(r.r.Cause.String())
				}
			}),
	}
}

// pmtuDoubtColumns are what is not believed, and what is not known.
func pmtuDoubtColumns() []render.Column[pmtuSummary] {
	type row = pmtuSummary
	type value = render.Value
	trials := column("fragment_trials", render.List, "", "Probes that tell what becomes of fragments.", func(r *row, v *value) {
		f := &r.r.Fragments
		for _, t := range []struct {
			kind string
			path.Trial
		}{{"long_echo", f.Long}, {"router_cut_echo", f.Cut}, {"long_datagram", f.Datagrams}, {"short_datagram", f.Ports}, {"small_fragments", f.Pieces}} {
			if t.Sent > 0 {
				object := v.Object(3)
				object[0].Str(t.kind)
				object[1].Int(int64(t.Sent))
				object[2].Int(int64(t.Answered))
			}
		}
	})
	trials.Sub = []render.Field{
		{Name: "kind", Kind: render.String, Doc: "long_echo (fragmented by this host), router_cut_echo (by routers alone), long_datagram and short_datagram (UDP), or small_fragments (of an echo request that needs none)."},
		{Name: "sent", Kind: render.Int, Doc: "Probes that were sent."},
		{Name: "answered", Kind: render.Int, Doc: "Those that were answered."}}
	disbelieved := column("disbelieved", render.List, "", "Messages about MTUs that cannot be true.", func(r *row, v *value) {
		for _, d := range r.r.Disbelieved {
			object := v.Object(5)
			object[0].Int(int64(d.MTU))
			object[1].Addr(d.From)
			object[2].Int(int64(d.Size))
			object[3].Str(d.Reason.String())
			object[4].Int(int64(d.Count))
		}
	})
	disbelieved.Sub = []render.Field{
		{Name: "mtu", Kind: render.Int, Unit: "bytes", Doc: "MTU that it names."},
		{Name: "from", Kind: render.Addr, Doc: "Who sent it."},
		{Name: "bytes", Kind: render.Int, Unit: "bytes", Doc: "Length of the longest packet that it complains of."},
		{Name: "reason", Kind: render.String, Doc: "names_none, below_minimum, not_smaller (than the packet) or refuted (longer ones are answered)."},
		{Name: "count", Kind: render.Int, Doc: "How often it came."}}
	unknown := column("unknown", render.List, "", "What could not be known.", func(r *row, v *value) {
		for _, text := range r.unknown {
			v.Object(1)[0].Str(text)
		}
	})
	unknown.Sub = []render.Field{{Name: "text", Kind: render.String, Doc: "One sentence."}}
	forks := column("forks", render.List, "", "Hops that answer from several addresses: there is more than one way, and the figures are those of the probes' flow.", func(r *row, v *value) {
		for _, f := range r.r.Forks {
			for _, from := range f.From {
				object := v.Object(2)
				object[0].Int(int64(f.Hop))
				object[1].Addr(from)
			}
		}
	})
	forks.Sub = []render.Field{
		{Name: "hop", Kind: render.Int, Doc: "Its number."},
		{Name: "from", Kind: render.Addr, Doc: "An address from which it answered."},
	}
	return []render.Column[row]{trials, disbelieved, forks, unknown}
}

func pmtuEffortColumns() []render.Column[pmtuSummary] {
	type row = pmtuSummary
	type value = render.Value
	count := func(name, unit, doc string, get func(*path.Result) int64) render.Column[row] {
		return column(name, render.Int, unit, doc, func(r *row, v *value) { v.Int(get(r.r)) })
	}
	return []render.Column[row]{
		count("changes", "", "How often the path became narrower during the run; the figures are those since the last time.", func(r *path.Result) int64 { return int64(r.Changes) }),
		count("rounds", "", "Rounds: bursts of probes with the wait for their answers.", func(r *path.Result) int64 { return int64(r.Rounds) }),
		count("probes", "", "Probes.", func(r *path.Result) int64 { return int64(r.Probes) }),
		count("sent_bytes", "bytes", "Length of all their IP packets.", func(r *path.Result) int64 { return r.Bytes }),
		count("fitting", "", "Probes that were no longer than the forward MTU.", func(r *path.Result) int64 { return int64(r.Fitting) }),
		count("lost", "", "Those of them that were not answered.", func(r *path.Result) int64 { return int64(r.Lost) }),
		count("late", "", "Answers after the end of their round.", func(r *path.Result) int64 { return int64(r.Late) }),
		count("duplicates", "", "Further answers to the same probes.", func(r *path.Result) int64 { return int64(r.Duplicates) }),
		count("foreign", "", "Messages that belong to no probe.", func(r *path.Result) int64 { return int64(r.Foreign) }),
		count("other_source", "", "Replies to probes by a host that was not asked.", func(r *path.Result) int64 { return int64(r.OtherSource) }),
		column("other_source_address", render.Addr, "", "The last such host.", func(r *row, v *value) { v.Addr(r.r.Other) }),
		count("malformed", "", "Messages that could not be read.", func(r *path.Result) int64 { return int64(r.Malformed) }),
		column("elapsed_ns", render.Duration, "ns", "Time from the first probe to the end.", func(r *row, v *value) { v.Duration(r.r.Elapsed) }),
		column("rtt_min_ns", render.Duration, "ns", "Shortest round-trip time to the host.", func(r *row, v *value) {
			if r.r.Reached {
				v.Duration(r.r.RTTMin)
			}
		}),
		column("rtt_max_ns", render.Duration, "ns", "Longest round-trip time to the host.", func(r *row, v *value) {
			if r.r.Reached {
				v.Duration(r.r.RTTMax)
			}
		}),
	}
}
