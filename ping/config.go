package ping

import (
	"net/netip"
	"time"

	"gnet/ping/probe"
)

// Config is what a Pinger is to do.
type Config struct {
	Family probe.Family
	Mode   probe.Mode
	// ID is the echo identifier on the wire.
	ID uint16
	// Target is the host that is to answer. With AnySource (multicast and
	// broadcast) any host may.
	Target    netip.Addr
	AnySource bool
	// Count ends the run: that many probes are sent, and the run is over when each
	// is answered, has brought an ICMP error or was refused by our own kernel, or
	// when Wait has passed. With a Deadline probes go on until Count of them are
	// answered. 0 has no end.
	Count int64
	// Interval is the time between probes. With 0 the next probe goes out when
	// the last is answered, or after 10 ms.
	Interval time.Duration
	// Adaptive makes the interval follow the round-trip time, not below
	// MinInterval.
	Adaptive    bool
	MinInterval time.Duration
	// Preload is how many probes go out at once at the start, at least 1.
	Preload int
	// Wait is how long to wait for the first reply after the last probe. 0 waits
	// without limit.
	Wait time.Duration
	// Deadline ends the run that long after its start; 0 has none.
	Deadline time.Duration
	// Size is the number of data bytes, at most MaxSize.
	Size int
	// Node makes the probes node information queries in place of echo requests,
	// with neither Size nor Pattern. The answers' Data is the whole message. Only
	// for raw sockets of IPv6 with probe.Config.NodeInfo.
	Node *NodeQuery
	// Pattern fills the data; empty counts 0, 1, 2 and so on.
	Pattern []byte
	// ReportUnanswered and ReportSent ask for events of those kinds.
	ReportUnanswered, ReportSent bool
	// OmitReplies yields no Reply but the first: who wants the figures alone is not
	// called for each of a million.
	OmitReplies bool
	// UserTime measures by the monotonic clock around the calls and leaves the
	// kernel's stamps alone.
	UserTime bool
	// Distribution, if not nil, is filled in by the run. The Pinger that does so
	// writes to it until the run is over; the consumer of its events may read it.
	Distribution *Distribution
	// Random gives the cookies; nil is math/rand/v2's generator, which the
	// operating system seeds.
	Random func() uint64
}
