package view

import (
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// value names one of the figures that are drawn over time.
type value uint8

// The figures of one direction. The first four are octets, the next three nanoseconds; goodput is drawn from the running
// total of octets that the application at the other end has read, or of acknowledged ones where that is not known.
const (
	valueCwnd value = iota
	valueSsthresh
	valueFlight
	valuePipe
	valueMeasured // from a segment's departure to the arrival of what acknowledges it
	valueSRTT
	valueRTO
	valueRead
	valueAcked
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
