package analyze

import "gnet/stackprobe/event"

// EndFigures are what one end of a connection did and met.
type EndFigures struct {
	// State is the last that was seen.
	State event.State
	// Opened is the time from the first SYN that this end sent or got to its ESTABLISHED in nanoseconds, 0 if it never was.
	Opened int64

	// Segments counts transmissions, by reason in Why; Data those with payload, Octets the payload of them, Again that of
	// repetitions.
	Segments, Data int
	Octets, Again  int64
	Why            [event.PathMTU + 1]int
	// Repeats counts the transmissions that took sequence numbers again, by reason in RepeatWhy, and Spurious those of them that
	// repeated what had arrived.
	Repeats, Spurious int
	RepeatWhy         [event.PathMTU + 1]int
	// TailProbes counts the probes of a tail, those with new octets among them; Timeouts the expiries of the retransmission
	// timer but that of a SYN,ACK; DSACKs the reports that something had arrived twice (RFC 2883); Closings how often its window went to zero and
	// Openings how often it opened again.
	TailProbes, Timeouts, DSACKs, Closings, Openings int
	// Lost, Damaged and Copies count what the link did to its segments: took, turned a bit of, and delivered twice.
	Lost, Damaged, Copies int

	// Arrived counts the segments that reached this end, BadSums those of them with a wrong checksum; Fresh the octets that
	// arrived for the first time.
	Arrived, BadSums int
	Fresh            int64
	// DupAcks counts the duplicate acknowledgments that reached it, by the cause for which they were sent.
	DupAcks [event.CauseDuplicate + 1]int
	// Shut counts how often its peer's window was closed to it, ShutTime how long that was in nanoseconds.
	Shut     int
	ShutTime int64
	// RTT are the round trips of its segments.
	RTT Span
	// Vars has the last SRTT, RTTVar and RTO that its stack told, as far as Vars.Has says.
	Vars event.Vars
	// Written and Received count the octets that its application handed over and got; Scripted says that a script stands in
	// its place.
	Written, Received int64
	Scripted          bool

	// Active says that it sent a SYN of its own. SynAgain and SynAckAgain count the repetitions of SYN and SYN,ACK, SynAcks all of
	// the latter, SynAckTimeouts the expiries of its timer, SynsIn the SYNs that arrived, Original the first transmissions of data or FIN, DataIn the arrivals with data,
	// DSACKsIn the reports that something had arrived twice, AckOut and AckIn the highest acknowledgments that left and that
	// arrived.
	Active                                                             bool
	SynAgain, SynAckAgain, SynAcks, SynsIn, Original, DataIn, DSACKsIn int
	SynAckTimeouts                                                     int
	AckOut, AckIn                                                      int64

	// The first departure of data and the last arrival of fresh octets at the peer bound the time of Goodput.
	dataT, freshT   int64
	hasData         bool
	synT            int64
	hasSyn, hasShut bool
	shutT           int64
	announced       uint32
	announces       bool
}

// Span is the shortest, the longest and the sum of N times in nanoseconds.
type Span struct {
	N             int
	Min, Max, Sum int64
}

// Mean is the arithmetic mean, 0 of none.
func (s *Span) Mean() int64 {
	if s.N == 0 {
		return 0
	}
	return s.Sum / int64(s.N)
}

func (s *Span) add(t int64) {
	if s.N == 0 || t < s.Min {
		s.Min = t
	}
	s.Max, s.Sum, s.N = max(s.Max, t), s.Sum+t, s.N+1
}

// merge adds the figures of another connection. Times of several connections add up, so a share of them is one of all.
func (f *EndFigures) merge(o *EndFigures) {
	f.Segments, f.Data, f.Octets, f.Again = f.Segments+o.Segments, f.Data+o.Data, f.Octets+o.Octets, f.Again+o.Again
	f.Repeats, f.Spurious, f.TailProbes, f.Timeouts, f.DSACKs = f.Repeats+o.Repeats, f.Spurious+o.Spurious, f.TailProbes+o.TailProbes, f.Timeouts+o.Timeouts, f.DSACKs+o.DSACKs
	f.Closings, f.Openings = f.Closings+o.Closings, f.Openings+o.Openings
	f.Lost, f.Damaged, f.Copies = f.Lost+o.Lost, f.Damaged+o.Damaged, f.Copies+o.Copies
	f.Arrived, f.BadSums, f.Fresh = f.Arrived+o.Arrived, f.BadSums+o.BadSums, f.Fresh+o.Fresh
	f.SynAgain, f.SynAckAgain, f.SynAcks, f.SynsIn = f.SynAgain+o.SynAgain, f.SynAckAgain+o.SynAckAgain, f.SynAcks+o.SynAcks, f.SynsIn+o.SynsIn
	f.SynAckTimeouts += o.SynAckTimeouts
	f.Original, f.DataIn, f.DSACKsIn, f.Active = f.Original+o.Original, f.DataIn+o.DataIn, f.DSACKsIn+o.DSACKsIn, f.Active || o.Active
	f.Shut, f.ShutTime = f.Shut+o.Shut, f.ShutTime+o.ShutTime
	f.Written, f.Received, f.Scripted = f.Written+o.Written, f.Received+o.Received, f.Scripted || o.Scripted
	for i := range f.Why {
		f.Why[i], f.RepeatWhy[i] = f.Why[i]+o.Why[i], f.RepeatWhy[i]+o.RepeatWhy[i]
	}
	for i := range f.DupAcks {
		f.DupAcks[i] += o.DupAcks[i]
	}
	if o.RTT.N > 0 {
		if f.RTT.N == 0 || o.RTT.Min < f.RTT.Min {
			f.RTT.Min = o.RTT.Min
		}
		f.RTT.Max, f.RTT.Sum, f.RTT.N = max(f.RTT.Max, o.RTT.Max), f.RTT.Sum+o.RTT.Sum, f.RTT.N+o.RTT.N
	}
	if o.hasData && (!f.hasData || o.dataT < f.dataT) {
		f.dataT, f.hasData = o.dataT, true
	}
	f.freshT = max(f.freshT, o.freshT)
}
