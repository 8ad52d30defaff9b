package view

import (
	"gnet/stackprobe/analyze"
)

// knowledgeLog notes where it changes what an end knows of the other.
type knowledgeLog struct {
	list []learned
}

// learned is one such change, seen at a row.
type learned struct {
	row     int
	end     endOf
	matter  analyze.Matter
	verdict analyze.Verdict
	text    string
}

// add takes what an event has changed.
func (l *knowledgeLog) add(row int, changes []analyze.Change, over *overflow) {
	for _, c := range changes {
		if len(l.list) >= maxReportFacts {
			over.samples++
			continue
		}
		l.list = append(l.list, learned{row, endOf{c.Host, c.Conn}, c.Matter, c.View.Verdict, knownText(&c)})
	}
}

// knownText words a matter as that of the end that knows it, or does not.
func knownText(c *analyze.Change) string {
	peer := "the " + c.Host.Peer().String()
	closed := c.View.Value == analyze.Closed
	switch c.Matter {
	case analyze.OwnNumber:
		return "its SYN arrived: " + peer + " has its number"
	case analyze.PeerNumber:
		return "the number of " + peer + " is of this connection"
	case analyze.AckArrived:
		return "its ACK of the SYN of " + peer + " arrived"
	case analyze.PeerReads:
		if closed {
			return peer + " takes no more data"
		}
		return peer + " takes its data"
	case analyze.PeerWrites:
		if closed {
			return peer + " sends no more"
		}
		return peer + " is connected and may send"
	case analyze.FinArrived:
		return "its FIN arrived, and all before it"
	case analyze.FinAckArrived:
		return "its ACK of the FIN of " + peer + " arrived"
	}
	return ""
}
