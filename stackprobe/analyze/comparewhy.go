package analyze

import "gnet/stackprobe/event"

// reason is one sentence on why a kernel and an engine differ in t, "" where it is not known or where they are not one of
// each.
func (c *comparison) reason(t Topic) string {
	if c.a.Stack().Kernel == c.b.Stack().Kernel {
		return ""
	}
	switch t {
	case OfferedWindow:
		return "A kernel's first window follows from tcp_rmem; the engine's is always 29184."
	case OfferedScale:
		return "The shift follows from the largest receive buffer that the stack may have."
	case SegmentSize:
		return "The engine keeps room for 40 octets of options in every segment, a kernel for those that it sends."
	case Push:
		return "The engine sets PSH on the last segment of what was written."
	case FirstWindow:
		return "The engine opens half its buffer as soon as the connection stands; a kernel's window grows with what arrives."
	case FirstTimeout:
		return "A kernel adds 200 ms to the round-trip time at least; of the engine, 200 ms is the least that the whole may be."
	case Acknowledging:
		return "The engine does not delay acknowledgments; a kernel does (RFC 1122 section 4.2.3.2), but not at the start of a connection."
	case Duplicates:
		return "The engine understands duplicate SACKs and sends none (RFC 2883)."
	}
	return ""
}

// repeatReason is the same for the i-th repetition of a kind.
func (c *comparison) repeatReason(a, b []*decision, i int) string {
	if c.a.Stack().Kernel == c.b.Stack().Kernel {
		return ""
	}
	by := func(list []*decision, why event.Reason) bool { return i < len(list) && list[i].why == why }
	switch {
	case by(a, event.TailProbe) != by(b, event.TailProbe):
		return "One uses tail loss probes (RFC 8985), as a kernel does and the engine with rack on; the other waits for its timer."
	case by(a, event.Timeout) && by(b, event.Timeout):
		return "A kernel adds 200 ms to the round-trip time at least; of the engine, 200 ms is the least that the whole may be."
	case by(a, event.Fast) != by(b, event.Fast):
		return "They judge loss differently: a kernel by RACK (RFC 8985), the engine by duplicate acknowledgments and SACK (RFC 6675)."
	}
	return ""
}
