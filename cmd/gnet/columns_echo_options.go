package main

import (
	"net/netip"

	"gnet/internal/render"
	"gnet/internal/wire"
)

// echoOptionColumns are the columns of what the IPv4 header of an answer carries:
// what -R and -T ask for, and what routers or the host put there.
func echoOptionColumns() []render.Column[echoRow] {
	return []render.Column[echoRow]{
		recordedColumn(),
		stampsColumn(),
		column("unrecorded_hops", render.Int, "", "Hosts that found no room for their time; counted up to 15.", func(r *echoRow, v *render.Value) {
			if stamps := r.timestampOption(); stamps != nil {
				v.Int(int64(stamps.Overflow()))
			}
		}),
		sourceRouteColumn(),
		column("source_route_strict", render.Bool, "", "Whether no other hosts may lie between those of source_route.", func(r *echoRow, v *render.Value) {
			if route, strict := r.sourceRoute(); route != nil {
				v.Bool(strict)
			}
		}),
		otherOptionsColumn(),
	}
}

func recordedColumn() render.Column[echoRow] {
	c := column("route", render.List, "", "Addresses that hosts recorded, there and back, in their order; of IPv4 with -R.", func(r *echoRow, v *render.Value) {
		if route, err := wire.CheckRouteOption(r.option(wire.IPv4OptRecordRoute)); err == nil {
			addrList(v, route.Addr, route.Used())
		}
	})
	c.Sub = []render.Field{{Name: "address", Kind: render.Addr, Doc: "Address of the host."}}
	return c
}

func sourceRouteColumn() render.Column[echoRow] {
	c := column("source_route", render.List, "", "Addresses of a source route, those that were passed and those that were not.", func(r *echoRow, v *render.Value) {
		if route, _ := r.sourceRoute(); route != nil {
			addrList(v, route.Addr, route.Slots())
		}
	})
	c.Sub = []render.Field{{Name: "address", Kind: render.Addr, Doc: "Address of the host."}}
	return c
}

// addrList sets a list of n addresses.
func addrList(v *render.Value, addr func(int) netip.Addr, n int) {
	v.EmptyList()
	for i := range n {
		v.Object(1)[0].Addr(addr(i))
	}
}

// stampsColumn has each time as it is on the wire, where the text has differences.
func stampsColumn() render.Column[echoRow] {
	c := column("timestamps", render.List, "", "Times that hosts wrote, there and back, in their order; of IPv4 with -T.", func(r *echoRow, v *render.Value) {
		stamps := r.timestampOption()
		if stamps == nil {
			return
		}
		v.EmptyList()
		for i := range stamps.Used() {
			object := v.Object(4)
			if stamps.HasAddrs() {
				object[0].Addr(stamps.Addr(i))
			}
			at, standard := stamps.Time(i)
			if object[3].Bool(standard); standard {
				object[1].Uint(uint64(at))
			} else {
				object[2].Uint(uint64(at))
			}
		}
	})
	c.Sub = []render.Field{
		{Name: "address", Kind: render.Addr, Doc: "Address of the host; absent with -T tsonly."},
		{Name: "midnight_ms", Kind: render.Uint, Unit: "ms", Doc: "Time since midnight UTC by the clock of the host; absent when it counts otherwise."},
		{Name: "raw", Kind: render.Uint, Doc: "Time of a host that counts otherwise, in its own unit, without the bit that says so."},
		{Name: "standard", Kind: render.Bool, Doc: "Whether the host counts milliseconds since midnight UTC."},
	}
	return c
}

func otherOptionsColumn() render.Column[echoRow] {
	c := column("other_options", render.List, "", "Further options of the IPv4 header, in their order.", func(r *echoRow, v *render.Value) {
		for option := range r.options {
			switch option[0] {
			case wire.IPv4OptRecordRoute, wire.IPv4OptTimestamp, wire.IPv4OptLooseRoute, wire.IPv4OptStrictRoute:
			default:
				v.Object(1)[0].Int(int64(option[0]))
			}
		}
	})
	c.Sub = []render.Field{{Name: "type", Kind: render.Int, Doc: "Type of the option; 1 only fills space."}}
	return c
}

// options yields the options of the answer's IPv4 header, up to the end or to what
// is malformed, which no kernel lets through.
func (r *echoRow) options(yield func([]byte) bool) {
	for rest := r.Options; len(rest) > 0 && rest[0] != wire.IPv4OptEnd; {
		option, after, err := wire.NextIPv4Option(rest)
		if err != nil || !yield(option) {
			return
		}
		rest = after
	}
}

// option returns the first option of a type, nil when there is none.
func (r *echoRow) option(kind uint8) []byte {
	for option := range r.options {
		if option[0] == kind {
			return option
		}
	}
	return nil
}

// timestampOption returns the timestamp option, nil when there is none.
func (r *echoRow) timestampOption() wire.TimestampOption {
	stamps, err := wire.CheckTimestampOption(r.option(wire.IPv4OptTimestamp))
	if err != nil {
		return nil
	}
	return stamps
}

// sourceRoute returns the source route option, nil when there is none, and whether
// it is the strict one. There is one at most (RFC 791 3.1).
func (r *echoRow) sourceRoute() (route wire.RouteOption, strict bool) {
	route, err := wire.CheckRouteOption(r.option(wire.IPv4OptLooseRoute))
	if err == nil {
		return route, false
	}
	if route, err = wire.CheckRouteOption(r.option(wire.IPv4OptStrictRoute)); err != nil {
		return nil, false
	}
	return route, true
}
