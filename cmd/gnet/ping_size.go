package main

import (
	"gnet/ping"
	"gnet/ping/probe"
)

// namedFamily returns the family that the options or an address among the
// operands decide on, 0 while that is up to a name server.
func (o *pingOptions) namedFamily() probe.Family {
	if o.Family != 0 {
		return o.Family
	}
	if target, literal, _ := parseTarget(o.Targets[0]); literal && len(target.Addrs) == 1 {
		return familyOf(target.Addrs[0])
	}
	return 0
}

// checkSize refuses probes that no packet of a family holds, or with family 0 no
// packet at all.
func (o *pingOptions) checkSize(family probe.Family) error {
	largest, over := ping.MaxSize(probe.IPv6), "IPv6"
	if family == probe.IPv4 {
		largest, over = ping.MaxSize(probe.IPv4)-len(o.ipOptions), "IPv4"
	}
	if o.Size <= largest {
		return nil
	}
	return fail(statusCannot, "invalid argument: '%d': out of range: 0 <= value <= %d", o.Size, largest).
		withHint("an echo request has at most %d data bytes over %s", largest, over)
}
