package view

import (
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// sentence is one about an end.
type sentence struct {
	host event.Host
	text string
	st   style
}

// learn returns what an event has changed in what the ends know, at most a sentence for each end; none if it is not asked for.
func (l *Ladder) learn(e *event.Event) []sentence {
	if l.knows == nil {
		return nil
	}
	l.learned = l.learned[:0]
	changes := l.knows.Add(e)
	for h := event.Client; h <= event.Server; h++ {
		if text, st := knowledge(changes, h); text != "" {
			l.learned = append(l.learned, sentence{h, text, st})
		}
	}
	return l.learned
}

// news is what one event has changed for one end: by matter, valid if has.
type news struct {
	host event.Host
	has  [analyze.FinAckArrived + 1]bool
	view [analyze.FinAckArrived + 1]analyze.View
}

// is reports whether the end stands to m now as v says.
func (n *news) is(m analyze.Matter, v analyze.Verdict) bool {
	return n.has[m] && n.view[m].Verdict == v
}

// half reports whether m, a half of the connection, stands so and has that value.
func (n *news) half(m analyze.Matter, v analyze.Verdict, value analyze.Value) bool {
	return n.is(m, v) && n.view[m].Value == value
}

// knowledge is the sentence about the changes of host, "" if there is nothing to say: what an end has not heard of yet is the
// rule and is not said, but a peer that is gone is.
func knowledge(changes []analyze.Change, host event.Host) (string, style) {
	n := news{host: host}
	for _, c := range changes {
		if c.Host == host && int(c.Matter) < len(n.has) {
			n.has[c.Matter], n.view[c.Matter] = true, c.View
		}
	}
	peer := host.Peer().String()
	switch known := n.known(); {
	case n.is(analyze.PeerReads, analyze.Wrong):
		return "believes it is connected: wrong", bad
	case n.is(analyze.PeerNumber, analyze.Wrong):
		return "takes an old SYN for a new one", bad
	case n.is(analyze.AckArrived, analyze.Wrong):
		return "believes that its ACK arrived: wrong", bad
	case len(known) > 0:
		return "knows: " + strings.Join(known, ", "), faint
	case n.half(analyze.PeerReads, analyze.Unaware, analyze.Closed) && n.half(analyze.PeerWrites, analyze.Unaware, analyze.Closed):
		return "does not know that the " + peer + " is gone", bad
	case n.is(analyze.PeerReads, analyze.Assumes):
		return "believes it is connected, without proof", faint
	case n.is(analyze.PeerNumber, analyze.Assumes):
		return "has the " + peer + "'s number, if the SYN is no old one", faint
	}
	return "", plain
}

// known are the parts of the sentence about what the end knows from now on.
func (n *news) known() []string {
	var parts []string
	add := func(so bool, text string) {
		if so {
			parts = append(parts, text)
		}
	}
	peer := n.host.Peer().String()
	own, ack := n.is(analyze.OwnNumber, analyze.Sure), n.is(analyze.AckArrived, analyze.Sure)
	active := n.view[analyze.OwnNumber].Active || n.view[analyze.AckArrived].Active
	add(own && active, "its SYN arrived")
	add(ack && !active, "its SYN,ACK arrived")
	add(ack && active, "its ACK arrived")
	add(own && n.is(analyze.PeerNumber, analyze.Sure), "both ways carry")
	add(own && !active, "the SYN was no old one")
	add(n.half(analyze.PeerWrites, analyze.Sure, analyze.Open) && !own, "the "+peer+" is connected too")
	add(n.is(analyze.FinArrived, analyze.Sure), "its FIN arrived")
	add(n.half(analyze.PeerWrites, analyze.Sure, analyze.Closed), "the "+peer+" sends no more")
	add(n.is(analyze.FinAckArrived, analyze.Sure), "the ACK of the "+peer+"'s FIN arrived")
	return parts
}

// explain writes a sentence at the time line of e's end.
func (l *lanes) explain(e *event.Event, text string, st style) { l.remark(e, text, st) }

// explain writes a sentence about e's end in a row of its own.
func (c *compact) explain(e *event.Event, text string, st style) { c.remark(e, text, st) }
