package capture

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"gnet/stackprobe/event"
)

// section says how a run was made, in the words of the command line.
func section(r *event.Run) *Section {
	s := &Section{Application: strings.TrimSpace("gnet " + r.Version)}
	add := func(format string, v ...any) { s.Comments = append(s.Comments, fmt.Sprintf(format, v...)) }
	if r.World == "" {
		add("the run has no first event: how it was made is not known")
		return s
	}
	if r.Scenario != "" {
		add("lesson %s: %s", r.Scenario, r.Title)
	}
	clock := clockText(r)
	add("--link %s --seed %d --bytes %d --mtu %d --delay %v,%v; %s", r.World, r.Seed, r.Bytes, r.MTU, time.Duration(r.DelayClient), time.Duration(r.DelayServer), clock)
	for _, e := range [...]struct {
		name  string
		stack *event.Stack
	}{{"client", &r.Client}, {"server", &r.Server}} {
		text := strings.Join(filled(e.stack.Name, e.stack.CC, e.stack.Recovery, e.stack.Addr), ", ")
		if e.stack.Options != "" {
			text += "; --at-" + e.name + " " + strconv.Quote(e.stack.Options)
		}
		add("%s: %s", e.name, text)
	}
	if r.Conns != "" {
		add("--conn %s: the other connections of the run are left out", r.Conns)
	}
	for _, f := range r.Faults {
		add("--fault %s", strconv.Quote(f))
	}
	for _, c := range r.Crafted {
		add("crafted: %s", c)
	}
	return s
}

// clockText says what the times of the packets mean.
func clockText(r *event.Run) string {
	switch {
	case r.Clock == event.Virtual:
		return "times count from the start of the run, which is taken as 1970-01-01T00:00:00Z: its time is virtual"
	case r.Start == 0:
		return "times count from the start of the run, which is taken as 1970-01-01T00:00:00Z: when it was the run does not say"
	}
	return "times are those of the world, " + startComment + event.StartText(r.Start) + "; the scheduler's delays are in them"
}

// startComment begins the moment at which the run began, in the comment of an interface and of the section.
const startComment = "the run began at "

// stamp is the moment t of the run r in nanoseconds since 1970.
func stamp(r *event.Run, t int64) int64 {
	t = max(t, 0)
	if r == nil || r.Start <= 0 {
		return t
	}
	return min(t, math.MaxInt64-r.Start) + r.Start // a stored run may claim any moment
}

func filled(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// about is what the end of e knew when its segment left, or before it processed the one that arrived. What was not read from
// the stack says how it is known.
func about(e *event.Event) []string {
	var list []string
	if e.Conn > 1 {
		list = append(list, "connection "+strconv.Itoa(e.Conn))
	}
	if e.State != event.StateUnknown {
		list = append(list, sure(e.State.String(), e.StateHow))
	}
	if e.Kind == event.KindTx {
		list = append(append(list, variables(&e.Vars)...), sent(e)...)
	} else {
		list = append(list, arrived(e)...)
	}
	var all []string
	if len(list) > 0 {
		all = append(all, strings.Join(list, ", "))
	}
	switch e.Seg.Origin {
	case event.Injected:
		all = append(all, "injected by "+e.Seg.Line+": the "+e.Host.Peer().String()+" did not send this")
	case event.Scripted:
		all = append(all, "by the script: "+e.Seg.Line)
	}
	return all
}

// aboutMessage says what an ICMP message is about.
func aboutMessage(e *event.Event) string {
	var list []string
	if e.Conn > 1 {
		list = append(list, "connection "+strconv.Itoa(e.Conn))
	}
	if e.Seg.ID != 0 {
		list = append(list, aboutPacket+strconv.Itoa(e.Seg.ID))
	}
	if e.Derived.HasRelSeq && e.Derived.RelEnd > e.Derived.RelSeq {
		list = append(list, fmt.Sprintf("seq %d:%d", e.Derived.RelSeq, e.Derived.RelEnd))
	}
	return strings.Join(list, ", ")
}

// sent says why a segment left.
func sent(e *event.Event) []string {
	r := &e.Derived
	var list []string
	if why := r.Why.String(); why != "" {
		list = append(list, sure("why "+why, r.WhyHow))
	}
	if r.Attempt > 1 {
		list = append(list, "transmission "+strconv.Itoa(r.Attempt)+" of these octets")
	}
	if r.Spurious {
		list = append(list, "all of it had arrived before")
	}
	return list
}

// arrived says what a segment is where it arrives.
func arrived(e *event.Event) []string {
	r := &e.Derived
	var list []string
	switch {
	case r.DupAck > 0 && r.DupCause != 0:
		list = append(list, fmt.Sprintf("duplicate ACK %d, cause %s", r.DupAck, r.DupCause))
	case r.DupAck > 0:
		list = append(list, fmt.Sprintf("duplicate ACK %d", r.DupAck))
	case r.Stale:
		list = append(list, "all of it had arrived before")
	}
	if e.Seg.BadSum {
		list = append(list, "bad checksum")
	}
	if r.SentT != 0 || r.SentN != 0 {
		list = append(list, "on its way for "+time.Duration(e.T-r.SentT).String())
	}
	return list
}

// sure adds to a text how it is known, if it was not read.
func sure(text string, how event.How) string {
	if how == event.Read || how == 0 {
		return text
	}
	return text + " (" + how.String() + ")"
}

// variables are those of the congestion control and of the retransmission timer: the ones that no packet shows.
func variables(v *event.Vars) []string {
	var list []string
	add := func(bit event.VarSet, text string) {
		how := v.How
		if v.Computed&bit != 0 {
			how = event.Computed
		}
		if v.Has&bit != 0 {
			list = append(list, sure(text, how))
		}
	}
	count := func(bit event.VarSet, name string, n uint32) { add(bit, name+" "+strconv.FormatUint(uint64(n), 10)) }
	count(event.HasCwnd, "cwnd", v.Cwnd)
	if v.Ssthresh < event.InfiniteSsthresh {
		count(event.HasSsthresh, "ssthresh", v.Ssthresh)
	}
	count(event.HasFlight, "flight", v.Flight)
	if v.Congestion != event.CongestionOpen {
		add(event.HasCongestion, v.Congestion.String())
	}
	add(event.HasRTO, "rto "+time.Duration(v.RTO).String())
	add(event.HasSRTT, "srtt "+time.Duration(v.SRTT).String())
	return list
}

// lostComment begins the comment of a packet that the link took; the rule follows.
const lostComment = "dropped by link: "

// deed is what a rule did to a packet.
func deed(e *event.Event) string {
	f := &e.Fault
	rule := f.Rule
	if rule == "" {
		rule = e.Rule
	}
	if rule == "" {
		rule = f.Action.String()
	}
	switch {
	case e.Kind == event.KindLost:
		return lostComment + rule
	case f.Action == event.Corrupt:
		return fmt.Sprintf("corrupted by link: %s, bit %d", rule, f.Bit)
	case f.Action == event.Dup:
		return fmt.Sprintf("duplicated by link: %s, copy %d", rule, f.Copy)
	case f.Fragments > 0:
		return fmt.Sprintf("cut into %d fragments by link: %s", f.Fragments, rule)
	case f.Action == event.Overlap:
		return "moved by link: " + rule
	case f.Wait > 0:
		return fmt.Sprintf("kept back by link: %s, %v more", rule, time.Duration(f.Wait))
	}
	return "kept back by link: " + rule
}
