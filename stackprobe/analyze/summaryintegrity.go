package analyze

import "gnet/stackprobe/event"

// Integrity says whether an application got what the other end's wrote.
type Integrity uint8

// The outcomes. NoAccount: the run did not tell, or told of all connections together alone. ByScript: an end follows a script, whose octets are compared with nothing.
// OfProgram: an end's application is not ours, and what it writes and reads nobody sees. NothingWritten: there was nothing to
// get. Intact: all of it was read, unchanged. Incomplete: less or more was read. Changed: as much was read, but other octets.
const (
	NoAccount Integrity = iota
	ByScript
	OfProgram
	NothingWritten
	Intact
	Incomplete
	Changed
)

// String returns the word of gnet-json(5), "" for NoAccount.
func (i Integrity) String() string {
	switch i {
	case ByScript:
		return "script"
	case OfProgram:
		return "program"
	case NothingWritten:
		return "nothing-written"
	case Intact:
		return "intact"
	case Incomplete:
		return "incomplete"
	case Changed:
		return "changed"
	}
	return ""
}

// Integrity says whether the application of end h got what the other's wrote, with how many octets it read and how many were
// written for it; both are 0 where nobody knows.
func (f *Figures) Integrity(h event.Host) (outcome Integrity, read, written int64) {
	if f.End == nil || f.Sums.Part {
		return NoAccount, 0, 0
	}
	own, peer := &f.End.Client, &f.End.Server
	if h == event.Server {
		own, peer = peer, own
	}
	switch {
	case f.Sums.Of(h).Scripted || f.Sums.Of(h.Peer()).Scripted:
		return ByScript, 0, 0
	case own.Program || peer.Program:
		return OfProgram, 0, 0
	case own.Received == 0 && peer.Written == 0:
		outcome = NothingWritten
	case own.Match && own.Received == peer.Written:
		outcome = Intact
	case own.Received != peer.Written:
		outcome = Incomplete
	default:
		outcome = Changed
	}
	return outcome, own.Received, peer.Written
}
