package view

import (
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// value names one of the figures that are drawn over time.
type value uint8

// The figures of one direction. The first four are octets, the next three nanoseconds; goodput is drawn from the running
// total of octets that the application at the other end has read, or, where nobody sees that, that have arrived there in order.
const (
	valueCwnd value = iota
	valueSsthresh
	valueFlight
	valuePipe
	valueMeasured // from a segment's departure to the arrival of what acknowledges it
	valueSRTT
	valueRTO
	valueRead
	valueInOrder
	series
)

// measure notes the round trip of a segment that ends now.
func (d *strand) measure(r *analyze.RoundTrip) {
	t := d.seen
	d.values[valueMeasured].add(plotMark{t: t, last: t, lo: r.Time, hi: r.Time, end: r.Time, n: r.N, seg: r.Segment, from: r.Sent})
}

// sample notes the timing variables of e.
func (d *strand) sample(e *event.Event) {
	v, t := &e.Vars, d.sampled(e)
	if v.Has&event.HasSRTT != 0 && v.SRTT > 0 {
		d.values[valueSRTT].step(plotMark{t: t, hi: v.SRTT, n: e.N, from: -1})
	}
	if v.Has&event.HasRTO != 0 && v.RTO > 0 {
		d.values[valueRTO].step(plotMark{t: t, hi: v.RTO, n: e.N, from: -1})
	}
}

// sampled is when the variables of e were read.
func (d *strand) sampled(e *event.Event) int64 {
	if at := e.Vars.At; at > 0 {
		return min(at, d.seen)
	}
	return d.seen
}

// follow notes the figures of the sequence space as it is behind e.
func (d *strand) follow(e *event.Event, sp *analyze.Space) {
	put := func(which value, has analyze.SpaceSet, n, t int64) {
		if sp.Has&has != has {
			return
		}
		d.estimated[which] = d.estimated[which] || sp.Computed&has != 0
		d.values[which].step(plotMark{t: t, hi: n, n: e.N, from: -1})
	}
	t := d.sampled(e)
	put(valueCwnd, analyze.SpaceCwnd, sp.Cwnd, t)
	if sp.Ssthresh < event.InfiniteSsthresh {
		put(valueSsthresh, analyze.SpaceSsthresh, sp.Ssthresh, t)
	}
	put(valueFlight, analyze.SpaceUna|analyze.SpaceNxt, sp.Flight, d.seen)
	pipe := min(sp.InFlight, sp.Flight) * min(sp.MSS, 1<<16)                                     // a damaged run may claim anything
	put(valuePipe, analyze.SpaceInFlight|analyze.SpaceMSS, min(max(pipe, 0), sp.Flight), d.seen) // its segments may be short
	if sp.Has&analyze.SpaceInFlight != 0 && pipe+sp.MSS < sp.Flight {
		d.piped = true // the last segment may be short, and a FIN counts one
	}
}

// call notes what the application at the other end reads.
func (d *strand) call(e *event.Event) {
	if e.App.Call == event.Receive {
		d.got += int64(max(e.App.Bytes, 0))
		d.values[valueRead].step(plotMark{t: d.seen, hi: d.got, n: e.N, from: -1})
	}
}

// deliverable notes what the application at the other end may have read.
func (d *strand) deliverable(e *event.Event, sp *analyze.Space) {
	if n := sp.InOrder(); sp.Has&analyze.SpaceRcvNxt != 0 && n > 0 {
		d.values[valueInOrder].step(plotMark{t: d.seen, hi: n, n: e.N, from: -1})
	}
}

// delivered is the running total from which goodput is drawn, and whether it is what the application has read.
func (d *strand) delivered() (list []plotMark, read bool) {
	if list = d.values[valueRead].list; len(list) > 0 {
		return list, true
	}
	return d.values[valueInOrder].list, false
}

// goodputWords say what a curve of goodput counts over so long a window.
func (d *strand) goodputWords(window int64) string {
	if _, read := d.delivered(); !read {
		return "~ octets that arrived in order per second, over the " + duration(window) + " before; what the application read is not known"
	}
	return "octets that the application read per second, over the " + duration(window) + " before"
}
