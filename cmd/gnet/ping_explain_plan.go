package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gnet/internal/wire"
	"gnet/ping/path"
	"gnet/ping/probe"
)

// explainPlan is what this host will do with an echo request, and the links behind
// with its packets.
type explainPlan struct {
	series  *pingSeries
	size    int // data bytes
	options int // bytes of options in each IPv4 header
	header  probe.Header

	device              string
	index               int
	deviceMTU, routeMTU int // of our link; by which the kernel cuts at most
	links               []planLink

	limit   int // the longest packet that leaves
	df      bool
	refused bool // the kernel sends nothing: EMSGSIZE
	pieces  []wire.Fragment
	wrong   error // the packets cannot be planned
}

// planLink is a link behind our own.
type planLink struct {
	Name string
	MTU  int
	// From is the router that named the MTU, if it did.
	From netip.Addr
	// pieces arrive at its far end; none when the link is too narrow for a packet
	// that nobody may cut, and dropped is set. A link behind such a one is beyond.
	pieces          []wire.Fragment
	dropped, beyond bool
	wrong           error
}

// six reports whether the plan is of IPv6.
func (p *explainPlan) six() bool { return p.series.Family == probe.IPv6 }

// ipHeader is the length of each packet's IP header, without a Fragment header.
func (p *explainPlan) ipHeader() int {
	if p.six() {
		return wire.IPv6Header
	}
	return wire.IPv4MinHeader + p.options
}

// headers is that with the Fragment header, of a packet among so many.
func (p *explainPlan) headers(packets int) int {
	if p.six() && packets > 1 {
		return wire.IPv6Header + 8
	}
	return p.ipHeader()
}

// message is the length of the ICMP message, total that of the datagram.
func (p *explainPlan) message() int { return wire.ICMPHeader + p.size }
func (p *explainPlan) total() int   { return p.ipHeader() + p.message() }

// compute fills in what follows from the rest, as the kernel does it
// (net/ipv4/ip_output.c: ip_setup_cork, __ip_append_data, __ip_make_skb;
// net/ipv6/ip6_output.c likewise): the modes probe and interface cut by the MTU
// of the device, the others by that of the route, which may be smaller; do and
// probe cut nothing. DF is set by these two, and by want if the datagram fits.
func (p *explainPlan) compute() {
	mode := p.header.MTU
	p.limit = p.routeMTU
	if mode == probe.MTUProbe {
		p.limit = p.deviceMTU
	}
	strict := mode == probe.MTUDo || mode == probe.MTUProbe
	fits := p.total() <= p.limit
	p.df = !p.six() && (strict || mode == probe.MTUWant && fits)
	p.refused = strict && !fits
	if p.refused {
		return
	}
	plan, err := wire.PlanIPv4, error(nil)
	if p.six() {
		plan = wire.PlanIPv6
	}
	fragments, err := plan(p.message(), p.ipHeader(), p.limit)
	if err != nil {
		p.wrong = err
		return
	}
	p.pieces = slices.Collect(fragments.All())
	p.links = slices.Clone(p.links)
	p.passLinks()
}

// passLinks follows the packets over the links behind.
func (p *explainPlan) passLinks() {
	pieces, beyond := p.pieces, false
	for i := range p.links {
		l := &p.links[i]
		if l.beyond = beyond; beyond {
			continue
		}
		switch {
		case p.df || p.six():
			l.pieces = pieces
			l.dropped = p.longest(pieces) > l.MTU
		default:
			l.pieces, l.wrong = wire.Cut(pieces, p.ipHeader(), l.MTU)
		}
		if l.dropped || l.wrong != nil {
			l.pieces, beyond = nil, true
		}
		pieces = l.pieces
	}
}

// longest is the length of the longest of these packets.
func (p *explainPlan) longest(pieces []wire.Fragment) (n int) {
	for _, f := range pieces {
		n = max(n, p.headers(len(pieces))+f.Length)
	}
	return n
}

// reassemblyTime is how long Linux waits for the rest of a datagram
// (net.ipv4.ipfrag_time, net.ipv6.ip6frag_time; RFC 8200, section 4.5).
func (p *explainPlan) reassemblyTime() time.Duration {
	if p.six() {
		return time.Minute
	}
	return 30 * time.Second
}

// patience says why there is still nothing.
func (p *explainPlan) patience() string {
	return fmt.Sprintf("no answer yet: if a fragment was lost, the host waits for it, usually %d s, and then says so; waiting for that", int(p.reassemblyTime().Seconds()))
}

// measuredLinks are those that --pmtu found to be narrower than what is before
// them, in their order. A router that names an MTU stands before its link; the
// widest is the first to do so.
func measuredLinks(m *path.Measurement) (links []planLink) {
	r := m.Result()
	for _, s := range m.Prober().Probes() {
		for _, c := range s.Claims {
			if c.MTU < r.Forward.MTU || c.MTU >= r.DeviceMTU || slices.ContainsFunc(r.Disbelieved, func(d path.Disbelief) bool { return d.Claim == c }) {
				continue
			}
			l := planLink{Name: fmt.Sprintf("the link behind %v", c.From), MTU: c.MTU, From: c.From}
			if !slices.ContainsFunc(links, func(k planLink) bool { return k.Name == l.Name && k.MTU == l.MTU }) {
				links = append(links, l)
			}
		}
	}
	slices.SortStableFunc(links, func(a, b planLink) int { return cmp.Compare(b.MTU, a.MTU) })
	if r.Reached && r.Forward.Exact() && r.Forward.MTU < r.DeviceMTU && !slices.ContainsFunc(links, func(l planLink) bool { return l.MTU == r.Forward.MTU }) {
		name := "a link on the path"
		if r.LimitKnown && r.Limit.From.IsValid() {
			name = fmt.Sprintf("the link behind %v", r.Limit.From)
		}
		links = append(links, planLink{Name: name, MTU: r.Forward.MTU, From: r.Limit.From})
	}
	return links
}
