package main

import (
	"fmt"
	"net/netip"
	"slices"

	"gnet/ping"
)

// responders tells the hosts apart that answer a broadcast or multicast
// destination: there the second answer to a probe is as a rule another host's,
// and no duplicate.
type responders struct {
	hosts map[netip.Addr]*answering
	// more counts the answers of hosts beyond maxResponders.
	more int64
}

// answering is one host that answers.
type answering struct {
	// answered counts the probes that it answered, again its further answers to
	// the same ones.
	answered, again int64
	// last is the newest probe that it answered, recent a bit for each of the 64
	// up to that one.
	last   int64
	recent uint64
}

// maxResponders bounds how many hosts are told apart.
const maxResponders = 4096

// see takes note of an answer.
func (r *responders) see(ev *ping.Event) {
	if ev.Kind != ping.Reply && ev.Kind != ping.Duplicate {
		return
	}
	if r.hosts == nil {
		r.hosts = make(map[netip.Addr]*answering)
	}
	host := r.hosts[ev.From]
	switch {
	case host == nil && len(r.hosts) == maxResponders:
		r.more++
		return
	case host == nil:
		host = &answering{}
		r.hosts[ev.From] = host
	}
	if host.first(ev.Seq) {
		host.answered++
	} else {
		host.again++
	}
}

// first reports whether this is the host's first answer to a probe. Of one that
// is more than 64 probes old nobody remembers: it counts as the first.
func (a *answering) first(seq int64) bool {
	if seq > a.last {
		a.recent = a.recent<<min(uint64(seq-a.last), 64) | 1
		a.last = seq
		return true
	}
	back := uint64(a.last - seq)
	if back >= 64 {
		return true
	}
	seen := a.recent>>back&1 == 1
	a.recent |= 1 << back
	return !seen
}

// again is how many answers were real duplicates: of one host, to one probe.
func (r *responders) again() (n int64) {
	for _, host := range r.hosts {
		n += host.again
	}
	return n
}

// table returns a line for each host, by address.
func (r *responders) table(sent int64) (lines []string) {
	hosts := make([]netip.Addr, 0, len(r.hosts))
	for a := range r.hosts {
		hosts = append(hosts, a)
	}
	slices.SortFunc(hosts, netip.Addr.Compare)
	for _, a := range hosts {
		line := fmt.Sprintf("%v answered %d of %d probes", a, r.hosts[a].answered, sent)
		if n := r.hosts[a].again; n > 0 {
			line += fmt.Sprintf(", and %d times again", n)
		}
		lines = append(lines, line)
	}
	if r.more > 0 {
		lines = append(lines, fmt.Sprintf("%d answers of hosts beyond the first %d", r.more, maxResponders))
	}
	return lines
}
