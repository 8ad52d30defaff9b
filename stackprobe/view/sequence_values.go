package view

import (
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// value names one of the figures that are drawn over time.
type value uint8

// The figures of one direction. The first three are octets, the next three nanoseconds; goodput is drawn from the running
// total of octets that the application at the other end has read, or of acknowledged ones where that is not known.
const (
	valueCwnd value = iota
	valueSsthresh
	valueFlight
	valueMeasured // from a segment's departure to the arrival of what acknowledges it
	valueSRTT
	valueRTO
	valueRead
	valueAcked
	series
)

// measure notes the round trip of a segment that ends now.
func (d *strand) measure(t int64, r *analyze.RoundTrip) {
	d.values[valueMeasured].add(plotMark{t: t, last: t, lo: r.Time, hi: r.Time, end: r.Time, n: r.N, seg: r.Segment, from: r.Sent})
}

// sample notes the variables of e.
func (d *strand) sample(e *event.Event) {
	v := &e.Vars
	if v.Has&event.HasSndMSS != 0 {
		d.mss = int64(v.SndMSS)
	}
	t := e.T
	if v.At > 0 {
		t = v.At
	}
	put := func(which value, has event.VarSet, n int64) {
		if v.Has&has == has && n >= 0 {
			d.values[which].step(plotMark{t: t, hi: n, n: e.N, seg: e.Seg.ID, how: v.How, from: -1})
		}
	}
	if d.mss > 0 {
		put(valueCwnd, event.HasCwnd, int64(v.Cwnd)*d.mss)
		if v.Ssthresh < event.InfiniteSsthresh {
			put(valueSsthresh, event.HasSsthresh, int64(v.Ssthresh)*d.mss)
		}
	}
	put(valueFlight, event.HasNxt|event.HasUna, int64(v.Nxt-v.Una))
	if v.SRTT > 0 {
		put(valueSRTT, event.HasSRTT, v.SRTT)
	}
	if v.RTO > 0 {
		put(valueRTO, event.HasRTO, v.RTO)
	}
}

// call notes what the application at the other end reads.
func (d *strand) call(e *event.Event) {
	if e.App.Call == event.Receive {
		d.got += int64(e.App.Bytes)
		d.values[valueRead].step(plotMark{t: e.T, hi: d.got, n: e.N, from: -1})
	}
}
