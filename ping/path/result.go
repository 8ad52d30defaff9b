package path

import (
	"net/netip"
	"slices"
	"time"
)

// Evidence counts the probes on which a conclusion rests.
type Evidence struct {
	// Sent is how many there were, in so many Rounds. Answered by the host, Named too
	// big by a router, or Silent.
	Sent, Rounds, Answered, Named, Silent int
	// Confidence is 1, or less where it rests on silence: 1 less the probability
	// that chance losses alone make so many probes silent.
	Confidence float64
}

// evidence counts the probes of a kind in rounds in which the host was there.
func (m *Measurement) evidence(kind func(*Probe) bool) Evidence {
	e := Evidence{Confidence: 1}
	last := 0
	for _, s := range m.probes() {
		if !kind(s) || s.Fate == Refused {
			continue
		}
		e.Sent++
		if s.Round != last {
			e.Rounds, last = e.Rounds+1, s.Round
		}
		switch s.Fate {
		case Answered:
			e.Answered++
		case TooBig:
			e.Named++
		case Silent:
			e.Silent++
		}
	}
	return e
}

// Direction is what is known of one direction of the path.
type Direction struct {
	// MTU is the length of the longest packet that gets through, in bytes, 0 when
	// nothing is known. With the Basis Bound it is a lower bound.
	MTU   int
	Basis Basis
	// Fits are the probes of that length, Fails those that are one byte longer.
	Fits, Fails Evidence
}

// Exact reports whether the MTU is known to the byte.
func (d *Direction) Exact() bool { return d.Basis != Bound }

// Reason says why a claim is not believed.
type Reason uint8

// The reasons.
const (
	// NamesNone: a router that drops a packet names no MTU (RFC 1191, section 4, has
	// it since 1990).
	NamesNone Reason = iota + 1
	// BelowMinimum: no link is so narrow.
	BelowMinimum
	// NotSmaller: the packet was no longer than that.
	NotSmaller
	// Refuted: longer packets were answered.
	Refuted
)

// String returns the word for the reason in machine formats.
func (r Reason) String() string {
	return [...]string{"", "names_none", "below_minimum", "not_smaller", "refuted"}[min(r, Refuted)]
}

// Disbelief is a claim that is not believed, and how often it was made.
type Disbelief struct {
	Claim
	// Size is the length of the packet that it was about; of several, the longest.
	Size   int
	Reason Reason
	Count  int
}

// Result is what a Measurement found.
type Result struct {
	// Reached: the host answered, by Method.
	Reached bool
	Method  Method
	// Asked are the methods of the probes that were sent to the host.
	Asked []Method
	// DeviceMTU is that of our own link, the longest packet that was tried.
	DeviceMTU        int
	Forward, Reverse Direction
	// Limit is the link that sets Forward.MTU, if LimitKnown.
	Limit      Limit
	LimitKnown bool
	// Cause is why longer packets die, and Fragments the trials that it rests on.
	Cause     Cause
	Fragments Fragments
	// Hops is the number of the host, as far as known; 0 when it is not.
	Hops int
	// Hint is the smallest MTU that a router named and that can be true, zero when
	// none did.
	Hint Claim
	// Disbelieved are the claims that cannot be true.
	Disbelieved []Disbelief
	// Refusals are the unreachable messages, by sender, and those of routers at which
	// the time to live of a packet for the host ended: they send it round.
	Refusals []Refusal
	// Forks are the hops at which more than one router answered: packets take several ways, and
	// the answers above hold for the flow of the probes. That none was seen says little: each hop
	// is asked no more often than its answer needs.
	Forks []Fork
	// Changes is how often the path became narrower meanwhile. The answers above rest
	// on what came after the last time alone.
	Changes int
	// Rounds and Probes were needed. Lost are those of the probes that fit and were
	// not answered.
	Rounds, Probes int
	Fitting, Lost  int
	RTTMin, RTTMax time.Duration
	Elapsed        time.Duration
	Counts
}

// Fragments are the trials with fragments.
type Fragments struct {
	// Long are echo requests that leave in fragments, Cut those that only routers
	// cut, Datagrams long UDP datagrams, Ports short ones, Pieces small fragments.
	Long, Cut, Datagrams, Ports, Pieces Trial
}

// Trial is how many probes of a kind were sent and answered, and how many our own
// kernel refused to send.
type Trial struct{ Sent, Answered, Refused int }

// Refusal is an ICMP unreachable message, or another error that ends a probe to the host.
type Refusal struct {
	From       netip.Addr
	Type, Code uint8
	Count      int
}

// Fork is a hop that answers from several addresses, in the order in which they answered.
type Fork struct {
	Hop  int
	From []netip.Addr
}

// forks are the hops at which probes with that time to live ended at several routers.
func (m *Measurement) forks() (forks []Fork) {
	var from [maxHops + 1][]netip.Addr
	for _, s := range m.probes() {
		if s.TTL > 0 && s.TTL <= maxHops && s.Fate == Exceeded && !slices.Contains(from[s.TTL], s.From) {
			from[s.TTL] = append(from[s.TTL], s.From)
		}
	}
	for hop, routers := range from {
		if len(routers) > 1 {
			forks = append(forks, Fork{Hop: hop, From: routers})
		}
	}
	return forks
}

// Result returns what is known. It may be asked for at any time.
func (m *Measurement) Result() *Result {
	r := &Result{Reached: m.reached, Method: m.method, DeviceMTU: m.top, Changes: m.changes, Rounds: m.prober.round, Probes: len(m.prober.table),
		Counts: m.prober.counts, Elapsed: m.prober.clock.Now().Mono - m.began}
	m.conclude(r)
	r.Forks = m.forks()
	if mtu := m.claimed(); mtu > 0 {
		r.Hint = Claim{MTU: mtu, From: m.claimant(mtu)}
	}
	for _, s := range m.prober.table {
		if s.whole() && s.Fate != Refused && !slices.Contains(r.Asked, s.Method) {
			r.Asked = append(r.Asked, s.Method)
		}
		r.disbelieve(m, s)
		if s.Fate == Unreachable || s.Fate == Exceeded && s.TTL == 0 {
			r.refuse(s)
		}
		if s.Fate == Answered {
			r.RTTMax = max(r.RTTMax, s.RTT)
			if r.RTTMin == 0 || s.RTT < r.RTTMin {
				r.RTTMin = s.RTT
			}
		}
		if s.whole() && s.Size <= r.Forward.MTU && s.Method == m.method && m.alive(s.Round, s.Method) {
			r.Fitting++
			if s.Fate == Silent {
				r.Lost++
			}
		}
	}
	return r
}

// conclude fills in the four answers.
func (m *Measurement) conclude(r *Result) {
	if !m.reached {
		return
	}
	r.Forward.MTU, r.Forward.Basis = m.forward()
	low := r.Forward.MTU
	r.Forward.Fits = m.evidence(func(s *Probe) bool { return s.whole() && s.Size == low })
	r.Forward.Fails = m.evidence(func(s *Probe) bool { return s.whole() && s.Size == low+1 && s.Method == m.method })
	if r.Forward.Basis == Silence {
		r.Forward.Fails.Confidence = m.confidence(r.Forward.Fails.Silent)
	}
	r.Reverse.MTU, r.Reverse.Basis = m.reverse()
	back := m.replied()
	r.Reverse.Fits = m.evidence(func(s *Probe) bool { return s.replied() && s.ReplyFragment == 0 && s.ReplySize == back.whole })
	r.Reverse.Fails = m.evidence(func(s *Probe) bool { return s.replied() && s.ReplyFragment > 0 && s.ReplySize == back.cut })
	r.Limit, r.LimitKnown = m.limit()
	r.Cause = m.cause()
	r.Fragments = m.trials()
	if m.hopAnswered(m.hops(), 0) {
		r.Hops = m.hops()
	}
}

// disbelieve notes the claims about s that cannot be true.
func (r *Result) disbelieve(m *Measurement, s *Probe) {
	for _, c := range s.Claims {
		var reason Reason
		switch {
		case c.MTU == 0:
			reason = NamesNone
		case c.MTU < m.floor:
			reason = BelowMinimum
		case c.MTU >= s.Size:
			reason = NotSmaller
		case c.MTU < r.Forward.MTU, s.Fate == Answered:
			reason = Refuted
		default:
			continue
		}
		i := slices.IndexFunc(r.Disbelieved, func(d Disbelief) bool { return d.Claim == c && d.Reason == reason })
		if i < 0 {
			r.Disbelieved = append(r.Disbelieved, Disbelief{Claim: c, Size: s.Size, Reason: reason, Count: 1})
			continue
		}
		r.Disbelieved[i].Count++
		r.Disbelieved[i].Size = max(r.Disbelieved[i].Size, s.Size)
	}
}

// refuse notes an error that ended s.
func (r *Result) refuse(s *Probe) {
	for i := range r.Refusals {
		if f := &r.Refusals[i]; f.From == s.From && f.Type == s.Type && f.Code == s.Code {
			f.Count++
			return
		}
	}
	r.Refusals = append(r.Refusals, Refusal{From: s.From, Type: s.Type, Code: s.Code, Count: 1})
}
