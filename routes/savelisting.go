package routes

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// A row of `gnet route --format json` over rtnetlink says all that a route was made with, as a saved one does, in keys for readers of a
// listing: what is here is read in place of the keys of a saved route.

// listedKey finds the place of a key that only a listing has; -1 as routeParser.key has it.
func listedKey(name string) (key int, ok bool) {
	switch name {
	case "flags":
		return keyFlags, true
	case "flag_bits":
		return keyFlagBits, true
	case "refs", "mss": // state, and advmss said otherwise
		return -1, true
	case "encap_hex":
		return keyEncapHex, true
	case "realm":
		return keyRealm, true
	case "source_realm":
		return keySourceRealm, true
	case "locked":
		return keyLocked, true
	case "metrics_other":
		return keyMetricsOther, true
	case "congestion":
		return keyFlatMetric + unix.RTAX_CC_ALGO, true
	case "irtt_ns":
		return keyFlatMetric + unix.RTAX_RTT, true
	case "rttvar_ns":
		return keyFlatMetric + unix.RTAX_RTTVAR, true
	case "rto_min_ns":
		return keyFlatMetric + unix.RTAX_RTO_MIN, true
	case "cc_algo", "rtt", "rttvar", "rto_min": // as a listing has them in other units
		return 0, false
	}
	typ, ok := metricOf(name)
	return keyFlatMetric + int(typ), ok
}

// listed stores the value of a key that only a listing has.
func (p *routeParser) listed(key int, v jsonValue) (err error) {
	switch key {
	case keyFlags:
		if v.kind != '"' { // else the letters of the classic table
			p.r.Flags, err = p.onlink(v)
		}
	case keyFlagBits:
	case keyRealm, keySourceRealm:
		err = listedRealm(&p.r.Realms, key, v)
	case keyLocked:
		err = p.locked(v)
	case keyMetricsOther:
		p.r.Metrics.Other, err = p.bytes(v)
	default:
		err = p.listedMetric(uint16(key-keyFlatMetric), v)
	}
	return err
}

// listedRealm reads one of the two realms.
func listedRealm(both *uint32, key int, v jsonValue) error {
	n, err := number16(v)
	if key == keySourceRealm {
		*both |= uint32(n) << 16
	} else {
		*both |= uint32(n)
	}
	return err
}

// listedMetric reads a metric whose time is in nanoseconds.
func (p *routeParser) listedMetric(typ uint16, v jsonValue) error {
	unit := uint64(1)
	switch typ {
	case unix.RTAX_RTT:
		unit = 1e6 / 8
	case unix.RTAX_RTTVAR:
		unit = 1e6 / 4
	case unix.RTAX_RTO_MIN:
		unit = 1e6
	default:
		return p.setMetric(typ, v, 1)
	}
	n, err := number64(v, math.MaxUint32*unit)
	*p.r.Metrics.Field(typ) = uint32(n / unit)
	return err
}

// locked reads the names of locked metrics, which are iproute2's.
func (p *routeParser) locked(v jsonValue) error {
	text, err := p.text(v)
	for name := range strings.FieldsSeq(text) {
		if name == "congctl" {
			name = MetricName(unix.RTAX_CC_ALGO)
		}
		typ, ok := metricOf(name)
		if !ok {
			return fmt.Errorf("%q is no metric of a route", name)
		}
		p.r.Metrics.Lock |= 1 << typ
	}
	return err
}

// encap reads the attributes of a tunnel in hexadecimal, of a saved route, or its words, of a listing, which has the attributes too.
func (p *routeParser) encap(e *rtnl.Encap, v jsonValue) error {
	data, err := p.bytes(v)
	if err != nil && v.kind == '"' {
		return nil // wholeEncap misses the attributes, where there are none beside the words
	}
	e.Data = data
	return err
}

// errTunnelWords: a tunnel is there in words, which are not what the kernel is told.
var errTunnelWords = errors.New("a tunnel in words cannot be restored; `route save`, `route --details --json` and `ip route save` have its attributes")

// wholeEncap checks that a tunnel which was seen is known.
func wholeEncap(e *rtnl.Encap, seen uint64) error {
	if seen&(1<<keyEncap|1<<keyEncapHex|1<<keyEncapType) != 0 && (e.Type == 0 || e.Data == "") {
		return errTunnelWords
	}
	return nil
}

// tunnelKey is what an unknown key means: behind iproute2's encap it is one of the tunnel's.
func tunnelKey(err error, seen uint64) error {
	if seen&(1<<keyEncap) != 0 {
		return errTunnelWords
	}
	return err
}
