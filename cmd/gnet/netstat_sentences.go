package main

import "strings"

// counterSentence is how netstat -s prints a counter.
type counterSentence struct {
	kind counterKind
	// text is the sentence with # for the number, in a histogram what stands
	// before the colon.
	text string
}

// counterKind is the mark before a sentence; 0 for a counter that has none.
type counterKind byte

// The kinds of sentences.
const (
	counterAlways  counterKind = '!' // printed at zero too
	counterNonzero counterKind = '?'
	counterIn      counterKind = '<' // a line of the histogram of received ICMP
	counterOut     counterKind = '>' // a line of the histogram of sent ICMP
	counterHidden  counterKind = '-' // never printed
)

// counterSentences returns the sentences of a section, "" of one that netstat
// does not know.
//
// They were found by feeding netstat of net-tools 2.10 each name that it or a
// kernel knows, with a number and with zero. What is not here it prints by its
// name: also several that it has a sentence for and does not find.
func counterSentences(section string) string {
	switch section {
	case "Ip":
		return ipSentences
	case "Icmp":
		return icmpSentences
	case "Tcp":
		return tcpSentences
	case "Udp":
		return udpSentences
	case "TcpExt":
		return tcpExtSentences
	case "Sctp":
		return sctpSentences
	case "Ip6":
		return ip6Sentences
	case "Icmp6":
		return icmp6Sentences
	case "Udp6":
		return udp6Sentences
	}
	return ""
}

// sentenceOf finds a counter among the sentences of its section.
func sentenceOf(sentences, counter string) counterSentence {
	for line := range strings.Lines(sentences) {
		if rest, ok := strings.CutPrefix(line, counter); ok && rest[0] == ' ' {
			return counterSentence{counterKind(rest[1]), strings.TrimSuffix(rest[3:], "\n")}
		}
	}
	return counterSentence{}
}

const ipSentences = `DefaultTTL - 
ForwDatagrams ! # forwarded
FragCreates ? # fragments created
FragFails ? # outgoing packets failed fragmentation
FragOKs ? # outgoing packets fragmented ok
InAddrErrors ? # with invalid addresses
InDelivers ! # incoming packets delivered
InDiscards ! # incoming packets discarded
InHdrErrors ? # with invalid headers
InReceives ! # total packets received
InUnknownProtos ? # with unknown protocol
OutDiscards ? # outgoing packets dropped
OutNoRoutes ? # dropped because of missing route
OutRequests ! # requests sent out
ReasmFails ? # packet reassemblies failed
ReasmOKs ? # packets reassembled ok
ReasmReqds ? # reassemblies required
ReasmTimeout ? # fragments dropped after timeout
`

const icmpSentences = `InAddrMaskReps < address mask replies
InAddrMasks < address mask request
InDestUnreachs < destination unreachable
InEchoReps < echo replies
InEchos < echo requests
InErrors ! # input ICMP message failed
InMsgs ! # ICMP messages received
InParmProbs < wrong parameters
InRedirects < redirects
InSrcQuenchs < source quenches
InTimeExcds < timeout in transit
InTimestampReps < timestamp reply
InTimestamps < timestamp request
OutAddrMaskReps > address mask replies
OutAddrMasks > address mask requests
OutDestUnreachs > destination unreachable
OutEchoReps > echo replies
OutEchos > echo requests
OutErrors ! # ICMP messages failed
OutMsgs ! # ICMP messages sent
OutParmProbs > wrong parameters
OutRedirects > redirect
OutSrcQuenchs > source quench
OutTimeExcds > time exceeded
OutTimestampReps > timestamp replies
OutTimestamps > timestamp requests
`

const tcpSentences = `ActiveOpens ! # active connection openings
AttemptFails ! # failed connection attempts
CurrEstab ! # connections established
EstabResets ! # connection resets received
InErrs ! # bad segments received
InSegs ! # segments received
MaxConn - 
OutRsts ! # resets sent
OutSegs ! # segments sent out
PassiveOpens ! # passive connection openings
RetransSegs ! # segments retransmitted
RtoAlgorithm - 
RtoMax - 
RtoMin - 
`

const udpSentences = `InDatagrams ! # packets received
InErrors ! # packet receive errors
NoPorts ! # packets to unknown port received
OutDatagrams ! # packets sent
RcvbufErrors ! # receive buffer errors
SndbufErrors ! # send buffer errors
`

const tcpExtSentences = `DelayedACKLocked ? # delayed acks further delayed because of locked socket
DelayedACKLost ? Quick ack mode was activated # times
DelayedACKs ? # delayed acks sent
EmbryonicRsts ? # resets received for embryonic SYN_RECV sockets
ListenDrops ? # SYNs to LISTEN sockets dropped
ListenOverflows ? # times the listen queue of a socket overflowed
LockDroppedIcmps ? # ICMP packets dropped because socket was locked
OfoPruned ? # packets dropped from out-of-order queue because of socket buffer overrun
OutOfWindowIcmps ? # ICMP packets dropped because they were out-of-window
PAWSActive ? # active connections rejected because of time stamp
PAWSEstab ? # packets rejected in established connections because of timestamp
PAWSPassive ? # passive connections rejected because of time stamp
PruneCalled ? # packets pruned from receive queue because of socket buffer overrun
RcvPruned ? # packets pruned from receive queue
SockMallocOOM ? Ran # times out of system memory during packet sending
SyncookiesFailed ? # invalid SYN cookies received
SyncookiesRecv ? # SYN cookies received
SyncookiesSent ? # SYN cookies sent
TCPAbortFailed ? # times unable to send RST due to no memory
TCPAbortOnClose ? # connections reset due to early user close
TCPAbortOnData ? # connections reset due to unexpected data
TCPAbortOnLinger ? # connections aborted after user close in linger timeout
TCPAbortOnMemory ? # connections aborted due to memory pressure
TCPAbortOnSyn ? # connections reset due to unexpected SYN
TCPAbortOnTimeout ? # connections aborted due to timeout
TCPDirectCopyFromBacklog ? # bytes directly in process context from backlog
TCPFACKReorder ? Detected reordering # times using FACK
TCPFastRetrans ? # fast retransmits
TCPForwardRetrans ? # forward retransmits
TCPFullUndo ? # congestion windows fully recovered without slow start
TCPHPAcks ? # predicted acknowledgments
TCPHPHits ! # packet headers predicted
TCPHPHitsToUser ? # packet headers predicted and directly queued to user
TCPLossFailures ? # timeouts in loss state
TCPLossUndo ? # congestion windows recovered without slow start after partial ack
TCPLostRetransmits ? # retransmits lost
TCPMemoryPressures ? TCP ran low on memory # times
TCPPartialUndo ? # congestion windows partially recovered using Hoe heuristic
TCPPrequeued ? # packets directly queued to recvmsg prequeue
TCPPureAcks ? # acknowledgments not containing data payload received
TCPRcvCollapsed ? # packets collapsed in receive queue due to low socket buffer
TCPRenoFailures ? # timeouts after reno fast retransmit
TCPRenoRecovery ? # times recovered from packet loss due to fast retransmit
TCPRenoReorder ? Detected reordering # times using reno fast retransmit
TCPSACKReorder ? Detected reordering # times using SACK
TCPSchedulerFailed ? # times receiver scheduled too late for direct processing
TCPSlowStartRetrans ? # retransmits in slow start
TCPTSReorder ? Detected reordering # times using time stamp
TW ? # TCP sockets finished time wait in fast timer
TWRecycled ? # time wait sockets recycled by time stamp
`

const sctpSentences = `SctpAborteds ! # Number of Aborteds 
SctpActiveEstabs ! # Active Associations
SctpChecksumErrors ! # Number of Packets with invalid Checksum
SctpCurrEstab ! # Current Associations
SctpFragUsrMsgs ! # Number of messages fragmented
SctpInCtrlChunks ! # Number of control chunks received
SctpInOrderChunks ! # Number of ordered chunks received
SctpInSCTPPacks ! # Number of SCTP packets received
SctpInUnorderChunks ! # Number of Unordered chunks received
SctpOutCtrlChunks ! # Number of control chunks sent
SctpOutOfBlues ! # Number of Out of Blue packets
SctpOutOrderChunks ! # Number of ordered chunks sent
SctpOutSCTPPacks ! # Number of SCTP packets sent
SctpOutUnorderChunks ! # Number of Unordered chunks sent
SctpPassiveEstabs ! # Passive Associations
SctpReasmUsrMsgs ! # Number of messages reassembled 
SctpShutdowns ! # Number of Graceful Terminations
`

const ip6Sentences = `Ip6FragCreates ? # fragments created
Ip6FragFails ? # outgoing packets failed fragmentation
Ip6FragOKs ? # outgoing packets fragmented ok
Ip6InAddrErrors ? # with invalid addresses
Ip6InDelivers ! # incoming packets delivered
Ip6InDiscards ! # incoming packets discarded
Ip6InHdrErrors ? # with invalid headers
Ip6InMcastPkts ? # incoming multicast packets
Ip6InNoRoutes ? # incoming packets with no route
Ip6InReceives ! # total packets received
Ip6InTooBigErrors ? # with packets too big
Ip6InTruncatedPkts ? # with truncated packets
Ip6InUnknownProtos ? # with unknown protocol
Ip6OutDiscards ? # outgoing packets dropped
Ip6OutForwDatagrams ! # forwarded
Ip6OutMcastPkts ? # outgoing multicast packets
Ip6OutNoRoutes ? # dropped because of missing route
Ip6OutRequests ! # requests sent out
Ip6ReasmFails ? # packet reassemblies failed
Ip6ReasmOKs ? # packets reassembled ok
Ip6ReasmReqds ? # reassemblies required
Ip6ReasmTimeout ? # fragments dropped after timeout
`

const icmp6Sentences = `Icmp6InDestUnreachs < destination unreachable
Icmp6InEchoReplies < echo replies
Icmp6InEchos < echo requests
Icmp6InErrors ! # input ICMP message failed
Icmp6InGroupMembQueries < group member queries
Icmp6InGroupMembReductions < group member reductions
Icmp6InGroupMembResponses < group member responses
Icmp6InMsgs ! # ICMP messages received
Icmp6InNeighborAdvertisements < neighbour advertisement
Icmp6InNeighborSolicits < neighbour solicits
Icmp6InParmProblems < parameter problem
Icmp6InPktTooBigs < packets too big
Icmp6InRedirects < redirects
Icmp6InRouterAdvertisements < router advertisement
Icmp6InRouterSolicits < router solicits
Icmp6InTimeExcds < received ICMPv6 time exceeded
Icmp6OutDestUnreachs > destination unreachable
Icmp6OutEchoReplies > echo replies
Icmp6OutEchos > echo requests
Icmp6OutGroupMembQueries > group member queries
Icmp6OutGroupMembReductions > group member reductions
Icmp6OutGroupMembResponses > group member responses
Icmp6OutMsgs ! # ICMP messages sent
Icmp6OutNeighborAdvertisements > neighbor advertisements
Icmp6OutNeighborSolicits > neighbor solicits
Icmp6OutParmProblems > parameter problem
Icmp6OutPktTooBigs > packets too big
Icmp6OutRedirects > redirects
Icmp6OutRouterSolicits > router solicits
Icmp6OutTimeExcds > sent ICMPv6 time exceeded
`

const udp6Sentences = `Udp6InDatagrams ! # packets received
Udp6InErrors ! # packet receive errors
Udp6NoPorts ! # packets to unknown port received
Udp6OutDatagrams ! # packets sent
`
