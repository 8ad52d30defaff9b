package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// timestampsUnset stands for no -T; the others are the flags of RFC 791.
const timestampsUnset = math.MaxUint8

// maxTimestampHosts is how many hosts -T tsprespec has room for.
const maxTimestampHosts = 4

func (o *pingOptions) setRecordRoute() error {
	if o.Timestamps != timestampsUnset {
		return fail(statusCannot, "only one of -T or -R may be used")
	}
	o.RecordRoute = true
	return nil
}

func (o *pingOptions) setTimestamps(arg string) error {
	if o.RecordRoute {
		return fail(statusCannot, "only one of -T or -R may be used")
	}
	switch arg {
	case "tsonly":
		o.Timestamps = wire.TimestampsOnly
	case "tsandaddr":
		o.Timestamps = wire.TimestampsAddrs
	case "tsprespec":
		o.Timestamps = wire.TimestampsPrescribed
	default:
		return fail(statusCannot, "invalid timestamp type: %s", arg)
	}
	return nil
}

// setMark reads -m; the words are those of other numbers.
func (o *pingOptions) setMark(arg string) error {
	n, err := number(arg, 0, math.MaxUint32)
	o.Mark, o.MarkSet = uint32(n), true
	return err
}

// setFlow reads -F: decimal, or hexadecimal that begins with 0x; 0 leaves the
// choice to the kernel.
func (o *pingOptions) setFlow(arg string) error {
	base, digits := 10, withoutBlanks(arg)
	if rest, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		base, digits = 16, rest
	}
	n, err := strconv.ParseInt(digits, base, 64)
	switch {
	case err != nil:
		return fail(statusCannot, "bad value for flowinfo: %s", arg)
	case n < 0 || n > probe.MaxFlowLabel:
		return fail(statusCannot, "flow value is greater than 20 bits: %s", arg)
	}
	o.Flow, o.FlowLabel = true, uint32(n)
	return nil
}

// hasIPOptions reports whether probes have options in their IPv4 header.
func (o *pingOptions) hasIPOptions() bool { return o.RecordRoute || o.Timestamps != timestampsUnset }

// makeIPOptions makes the options of the IPv4 header, none without -R and -T. It
// asks for the addresses of the hosts of -T tsprespec.
func (o *pingOptions) makeIPOptions(ctx context.Context) (err error) {
	if o.RecordRoute {
		o.ipOptions = wire.AppendRecordRoute(nil, 9)
	}
	if o.Timestamps == timestampsUnset {
		return nil
	}
	var hosts []netip.Addr
	for _, name := range o.TimestampHosts {
		target, err := resolveTarget(ctx, name, probe.IPv4)
		if err != nil {
			return err
		}
		hosts = append(hosts, target.Addrs[0])
	}
	o.ipOptions, err = wire.AppendTimestamps(nil, o.Timestamps, hosts)
	return err
}

// appendIPOptions appends what the options of an answer's IPv4 header say, each
// on lines of its own. What is malformed ends it.
func (p *pingPrinter) appendIPOptions(b, options []byte) []byte {
	for len(options) > 0 && options[0] != wire.IPv4OptEnd {
		option, rest, err := wire.NextIPv4Option(options)
		if err != nil {
			return b
		}
		switch option[0] {
		case wire.IPv4OptNOP:
			b = append(b, "\nNOP"...)
		case wire.IPv4OptRecordRoute:
			b = p.appendRecordRoute(b, option)
		case wire.IPv4OptTimestamp:
			b = p.appendTimestamps(b, option)
		case wire.IPv4OptLooseRoute:
			b = p.appendSourceRoute(append(b, "\nLSRR: "...), option)
		case wire.IPv4OptStrictRoute:
			b = p.appendSourceRoute(append(b, "\nSSRR: "...), option)
		default:
			b = fmt.Appendf(b, "\nunknown option %x", option[0])
		}
		options = rest
	}
	return b
}

// appendRecordRoute appends the route that an answer took, unless it is that of
// the answer before.
func (p *pingPrinter) appendRecordRoute(b, option []byte) []byte {
	route, err := wire.CheckRouteOption(option)
	if err != nil || route.Used() == 0 {
		return b
	}
	if bytes.Equal(option, p.route) {
		return append(b, "\t(same route)"...)
	}
	p.route = bytes.Clone(option)
	b = append(b, "\nRR: "...)
	for i := range route.Used() {
		b = append(append(append(b, '\t'), p.hop(route.Addr(i))...), '\n')
	}
	return b
}

func (p *pingPrinter) appendSourceRoute(b, option []byte) []byte {
	route, err := wire.CheckRouteOption(option)
	if err != nil {
		return b
	}
	for i := range route.Slots() {
		b = append(append(append(b, '\t'), p.hop(route.Addr(i))...), '\n')
	}
	return b
}

// hop returns an address out of an option; no host has the empty one.
func (p *pingPrinter) hop(a netip.Addr) string {
	if a.IsUnspecified() {
		return a.String()
	}
	return p.host(a)
}

// appendTimestamps appends the times of the hops: the first one as it is, the
// others by what they are later.
func (p *pingPrinter) appendTimestamps(b, option []byte) []byte {
	stamps, err := wire.CheckTimestampOption(option)
	if err != nil || stamps.Used() == 0 {
		return b
	}
	b = append(b, "\nTS: "...)
	last := map[bool]int64{} // by whether it is standard; 0: none yet
	for i := range stamps.Used() {
		if stamps.HasAddrs() {
			b = append(append(b, '\t'), p.hop(stamps.Addr(i))...)
		}
		ms, standard := stamps.Time(i)
		if last[standard] == 0 {
			b = fmt.Appendf(b, "\t%d absolute", ms)
		} else {
			b = fmt.Appendf(b, "\t%d", int64(ms)-last[standard])
		}
		if !standard {
			b = append(b, " not-standard"...)
		}
		last[standard] = int64(ms)
		b = append(b, '\n')
	}
	if n := stamps.Overflow(); n > 0 {
		b = fmt.Appendf(b, "Unrecorded hops: %d\n", n)
	}
	return b
}
