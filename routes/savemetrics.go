package routes

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// MetricName returns the word for a route's metric RTAX_typ (linux/rtnetlink.h, in lower case), "" for one that has none.
func MetricName(typ uint16) string {
	names := [...]string{unix.RTAX_MTU: "mtu", unix.RTAX_WINDOW: "window", unix.RTAX_RTT: "rtt", unix.RTAX_RTTVAR: "rttvar",
		unix.RTAX_SSTHRESH: "ssthresh", unix.RTAX_CWND: "cwnd", unix.RTAX_ADVMSS: "advmss", unix.RTAX_REORDERING: "reordering",
		unix.RTAX_HOPLIMIT: "hoplimit", unix.RTAX_INITCWND: "initcwnd", unix.RTAX_FEATURES: "features", unix.RTAX_RTO_MIN: "rto_min",
		unix.RTAX_INITRWND: "initrwnd", unix.RTAX_QUICKACK: "quickack", unix.RTAX_CC_ALGO: "cc_algo",
		unix.RTAX_FASTOPEN_NO_COOKIE: "fastopen_no_cookie"}
	if int(typ) < len(names) {
		return names[typ]
	}
	return ""
}

func metricOf(name string) (uint16, bool) {
	for typ := uint16(unix.RTAX_MTU); typ <= unix.RTAX_FASTOPEN_NO_COOKIE; typ++ {
		if MetricName(typ) == name && name != "" {
			return typ, true
		}
	}
	return 0, false
}

// Metric is one of a route's metrics.
type Metric struct {
	Name string
	// Value is in the kernel's units: of rtt eighths of a millisecond, of rttvar quarters, of rto_min milliseconds.
	Value  uint32
	Locked bool
	// Text is the value of cc_algo; then Value has no meaning.
	Text string
}

// Metrics walks the metrics of a route that are set or locked.
func Metrics(m *rtnl.Metrics) iter.Seq[Metric] {
	return func(yield func(Metric) bool) {
		for typ := uint16(unix.RTAX_MTU); typ <= unix.RTAX_FASTOPEN_NO_COOKIE; typ++ {
			one := Metric{Name: MetricName(typ), Locked: m.Lock&(1<<typ) != 0}
			if value := m.Field(typ); value != nil {
				one.Value = *value
			} else if typ == unix.RTAX_CC_ALGO {
				one.Text = m.CongAlg
			}
			if (one.Value != 0 || one.Text != "" || one.Locked) && !yield(one) {
				return
			}
		}
	}
}

// metrics reads one element of the metrics: ours has a name and a value, iproute2's all values by their names.
func (p *routeParser) metrics(v jsonValue) error {
	var name string
	var value, locked, other jsonValue
	ours := false
	err := eachMember(v.raw, func(key []byte, v jsonValue) (err error) {
		switch string(key) {
		case "name":
			ours = true
			name, err = p.text(v)
		case "value", "text":
			value = v
		case "locked":
			locked = v
		case "other":
			ours, other = true, v
		default:
			err = p.ipMetric(string(key), v)
		}
		return err
	})
	if err != nil || !ours {
		return err
	}
	if other.kind != 0 {
		p.r.Metrics.Other, err = p.bytes(other)
		return err
	}
	typ, ok := metricOf(name)
	if !ok {
		return fmt.Errorf("%q is no metric of a route", name)
	}
	if locked.kind == 't' {
		p.r.Metrics.Lock |= 1 << typ
	}
	if value.kind == 0 {
		return nil
	}
	return p.setMetric(typ, value, 1)
}

// ipMetric reads a metric as iproute2 prints it: times in milliseconds, and the feature ecn as a key of its own. What is locked it
// does not print as JSON.
func (p *routeParser) ipMetric(name string, v jsonValue) error {
	scale := uint32(1)
	switch name {
	case "ecn":
		p.r.Metrics.Features |= unix.RTAX_FEATURE_ECN
		return nil
	case "congestion":
		name = "cc_algo"
	case "rtt":
		scale = 8
	case "rttvar":
		scale = 4
	}
	typ, ok := metricOf(name)
	if !ok {
		return fmt.Errorf("%q is no metric that can be restored", name)
	}
	return p.setMetric(typ, v, scale)
}

func (p *routeParser) setMetric(typ uint16, v jsonValue, scale uint32) (err error) {
	field := p.r.Metrics.Field(typ)
	if field == nil {
		p.r.Metrics.CongAlg, err = p.text(v)
		return err
	}
	n, err := number(v, uint64(math.MaxUint32/scale))
	if err != nil {
		return errors.New(MetricName(typ) + ": " + err.Error())
	}
	*field = n * scale
	return nil
}
