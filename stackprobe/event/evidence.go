package event

// Evidence is a set of observations about a sender at the moment of a transmission: what its counters, its state and the
// clock showed. What they mean is concluded elsewhere.
type Evidence uint32

// The evidence. Expired: the retransmission timer's counter has moved since the transmission before. Resending: the
// sender still repeats what the last expiry made it repeat. Recovering: it is in fast or SACK recovery. Probing: its
// peer's window is closed and the persist timer runs. TailLoss: it uses tail loss probes. The others: that counter of
// the stack has moved since the transmission before, or the timer of that name was running on the stack's goroutine.
const (
	Expired Evidence = 1 << iota
	Resending
	Recovering
	Probing
	TailLoss
	InTimer            // sent by a timer's function
	ProbedTail         // TCPLossProbes, TLPRecovery
	FastRetransmitted  // TCPFastRetrans, FastRetransmit
	SlowStartRetrans   // TCPSlowStartRetrans, SlowStartRetransmits
	LostRetransmission // TCPLostRetransmit
	SentKeepalive      // TCPKeepAlive
	SentWindowProbe    // TCPWinProbe
	Challenged         // TCPChallengeACK
	DelayedAck         // DelayedACKs
	SentDSACK          // TCPDSACKOldSent, TCPDSACKOfoSent
	SynRetransmitted   // TCPSynRetrans
	SentCookie         // SyncookiesSent
)
