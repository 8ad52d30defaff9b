package view

import (
	"strings"

	"gnet/stackprobe/event"
)

// saying names the flags as Wireshark's list of packets does. Of a retransmission it names the sort alone.
func saying(o event.Opinion) string {
	if o&(event.SaysFastRetransmission|event.SaysSpuriousRetransmission) != 0 {
		o &^= event.SaysRetransmission
	}
	var list []string
	for _, f := range [...]struct {
		flag event.Opinion
		name string
	}{
		{event.SaysRetransmission, "Retransmission"}, {event.SaysFastRetransmission, "Fast Retransmission"},
		{event.SaysSpuriousRetransmission, "Spurious Retransmission"}, {event.SaysOutOfOrder, "Out-Of-Order"},
		{event.SaysLostSegment, "Previous segment not captured"}, {event.SaysAckLostSegment, "ACKed unseen segment"},
		{event.SaysDuplicateAck, "Dup ACK"}, {event.SaysKeepAlive, "Keep-Alive"}, {event.SaysKeepAliveAck, "Keep-Alive ACK"},
		{event.SaysZeroWindow, "ZeroWindow"}, {event.SaysZeroWindowProbe, "ZeroWindowProbe"}, {event.SaysZeroWindowProbeAck, "ZeroWindowProbeAck"},
		{event.SaysWindowFull, "Window Full"}, {event.SaysWindowUpdate, "Window Update"}, {event.SaysReusedPorts, "Port numbers reused"},
	} {
		if o&f.flag != 0 {
			list = append(list, f.name)
		}
	}
	if list == nil {
		return "says nothing"
	}
	return strings.Join(list, ", ")
}

// MisreadingText says what Wireshark takes for what, and by which rule.
func MisreadingText(m event.Misreading) string {
	switch m {
	case event.LateAsRepeat:
		return "a first transmission is called a retransmission: others had overtaken it by more than a round trip of the handshake, or than 3 ms"
	case event.CopyAsRepeat:
		return "a copy that the link made is called a retransmission: its sender sent it once"
	case event.RepeatAsNew:
		return "a retransmission looks like a first transmission: that never came to this tap"
	case event.RepeatAsLate:
		return "a retransmission is called out of order: it came so soon behind the others that they could have overtaken it"
	case event.RepeatAsFast:
		return "a retransmission that a timer made is called a fast one: duplicate acknowledgments had just come"
	case event.NeedlessUnseen:
		return "a needless retransmission is not called spurious: the acknowledgment had not passed this tap"
	case event.ProbeAsKeepalive:
		return "a probe of a closed window is called a keepalive: its octet is one below the next"
	case event.ProbeAsRepeat:
		return "a probe of a closed window is called a retransmission: its octet had passed this tap before"
	case event.LateAsLost:
		return "what others had overtaken is called not captured: it came later"
	case event.LateAsKeepalive:
		return "an acknowledgment that others had overtaken is called a keepalive: its number is one below the next"
	case event.DamagedAsGood:
		return "a segment with a wrong checksum counts as received: checksums are not verified unless that is asked for"
	case event.InjectedAsSent:
		return "an injected segment counts as one of the end whose address it bears"
	case event.DupZeroWindow:
		return "a duplicate acknowledgment that closes the window is called a zero window alone"
	case event.DupBehindGap:
		return "a duplicate acknowledgment behind a gap is not called one: the numbers before its own did not pass this tap"
	case event.DupAsKeepalive:
		return "a keepalive that is a duplicate acknowledgment too is called a keepalive alone"
	case event.DupNewWindow:
		return "a duplicate acknowledgment with another window is called an update: its SACK blocks are news (RFC 6675)"
	case event.DupOvertaken:
		return "a duplicate acknowledgment that came out of order is not called one: the one before it had another number, or it was behind"
	case event.DupOfNothing:
		return "an acknowledgment is called a duplicate: nothing was outstanding, or it is an old one that came late"
	case event.OtherMisreading:
		return "a flag does not fit what happened, for a cause without a name"
	}
	return ""
}
