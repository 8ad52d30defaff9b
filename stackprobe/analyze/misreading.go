package analyze

import "gnet/stackprobe/event"

// repeats are Wireshark's flags for a segment whose numbers it has seen.
const repeats = event.SaysRetransmission | event.SaysFastRetransmission | event.SaysSpuriousRetransmission | event.SaysOutOfOrder

// Misread writes to e.Derived how what Wireshark says of e's packet differs from what happened. It wants what Tracker.Add
// derives, and Derived.Wireshark. Flags that say no more than the packet does, or what only one who sees inside a stack
// could deny, are not judged: window_full, window_update, keep_alive_ack, zero_window_probe_ack and reused_ports.
func Misread(e *event.Event) {
	d := &e.Derived
	d.Misread = 0
	switch {
	case d.Wireshark&event.Asked == 0:
	case e.Kind == event.KindTx:
		d.Misread = misreadDeparture(e)
	case e.Kind == event.KindRx:
		d.Misread = misreadArrival(e)
	}
}

// misreadDeparture is about the sender's own tap, where nothing comes out of order and nothing is missing.
func misreadDeparture(e *event.Event) event.Misreading {
	d := &e.Derived
	says := d.Wireshark
	if m := misreadProbe(e); m != 0 {
		return m
	}
	switch {
	case d.Why == event.WindowProbe || d.Why == event.Keepalive:
	case d.Repeat:
		m := misreadRepeat(says, d.Why, d.Spurious, event.OtherMisreading)
		if m == 0 && d.Spurious && says&event.SaysSpuriousRetransmission == 0 {
			return event.NeedlessUnseen
		}
		return m
	case says&(repeats|event.SaysKeepAlive|event.SaysLostSegment|event.SaysAckLostSegment) != 0:
		return event.OtherMisreading
	}
	return closed(e)
}

// misreadArrival is about the receiver's tap.
func misreadArrival(e *event.Event) event.Misreading {
	d := &e.Derived
	says := d.Wireshark
	switch {
	case e.Seg.Origin == event.Injected:
		return event.InjectedAsSent
	case e.Seg.BadSum:
		return event.DamagedAsGood
	case d.Copy && says&repeats != 0:
		return event.CopyAsRepeat
	}
	if m := misreadProbe(e); m != 0 {
		return m
	}
	switch {
	case d.DupAck > 0 && says&event.SaysDuplicateAck == 0:
		return missedDuplicate(says, d)
	case d.Why == event.WindowProbe || d.Why == event.Keepalive:
	case says&event.SaysKeepAlive != 0:
		return event.LateAsKeepalive
	case d.Attempt > 1 && !d.Copy:
		missed := event.RepeatAsNew
		if d.Stale {
			missed = event.OtherMisreading // the tap has seen all of it
		}
		return misreadRepeat(says, d.Why, d.Stale, missed)
	case says&(repeats&^event.SaysOutOfOrder) != 0:
		return event.LateAsRepeat
	case says&event.SaysLostSegment != 0 && d.Gap == event.CauseReordering:
		return event.LateAsLost
	case says&event.SaysDuplicateAck != 0 && d.DupAck == 0:
		return event.DupOfNothing
	case says&event.SaysAckLostSegment != 0:
		return event.OtherMisreading
	}
	return closed(e)
}

// misreadProbe is about probes of a closed window, and keepalives.
func misreadProbe(e *event.Event) event.Misreading {
	d := &e.Derived
	says := d.Wireshark
	switch {
	case d.Why == event.Keepalive && says&event.SaysKeepAlive == 0:
		return event.OtherMisreading
	case d.Why != event.WindowProbe || says&event.SaysZeroWindowProbe != 0:
	case says&event.SaysKeepAlive != 0:
		return event.ProbeAsKeepalive
	case says&repeats != 0:
		return event.ProbeAsRepeat
	default:
		return event.OtherMisreading
	}
	return 0
}

// misreadRepeat is about a retransmission; old says that all of it had come before, missed is for one that has no flag.
func misreadRepeat(says event.Opinion, why event.Reason, old bool, missed event.Misreading) event.Misreading {
	switch {
	case says&repeats == 0:
		return missed
	case says&event.SaysOutOfOrder != 0:
		return event.RepeatAsLate
	case says&event.SaysFastRetransmission != 0 && why != event.Fast:
		return event.RepeatAsFast
	case says&event.SaysSpuriousRetransmission != 0 && !old:
		return event.OtherMisreading
	}
	return 0
}

// missedDuplicate is about a duplicate acknowledgment that Wireshark does not call one.
func missedDuplicate(says event.Opinion, d *event.Derived) event.Misreading {
	switch {
	case says&event.SaysZeroWindow != 0:
		return event.DupZeroWindow
	case says&event.SaysLostSegment != 0:
		return event.DupBehindGap
	case says&event.SaysKeepAlive != 0:
		return event.DupAsKeepalive
	case says&event.SaysWindowUpdate != 0:
		return event.DupNewWindow
	}
	return event.DupOvertaken
}

// closed is about a closed window, which every segment but three sorts announces by a field of 0.
func closed(e *event.Event) event.Misreading {
	zero := e.Seg.Win == 0 && e.Seg.Flags&(event.SYN|event.FIN|event.RST) == 0
	if zero != (e.Derived.Wireshark&event.SaysZeroWindow != 0) {
		return event.OtherMisreading
	}
	return 0
}
