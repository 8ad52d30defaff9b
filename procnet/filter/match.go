package filter

import (
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// Verdict is what a filter says about a socket, in three values (Kleene): they are ordered, and is their least, or their greatest.
type Verdict uint8

// The verdicts. Maybe stands until the owners of the socket are known.
const (
	No Verdict = iota
	Maybe
	Yes
)

func verdict(yes bool) Verdict {
	if yes {
		return Yes
	}
	return No
}

// not turns the verdict around: what may be may also not be.
func (v Verdict) not() Verdict { return Yes - v }

// Socket is what a filter looks at. One of Inet and Unix is set; nothing in it is kept.
type Socket struct {
	Inet *procnet.InetSocket
	Unix *procnet.UnixSocket

	// Owners are the processes that hold the socket, if OwnersKnown; without it what asks for them is Maybe.
	Owners      []procnet.Owner
	OwnersKnown bool

	// Netns is the inode of the socket's network namespace, 0 when unknown; NetnsNames are names that it goes by.
	Netns      uint64
	NetnsNames []string
}

// diag returns the kernel's own row, nil for a row of a file and for unix sockets.
func (s *Socket) diag() *sockdiag.InetRow {
	if s.Inet == nil {
		return nil
	}
	return s.Inet.Diag
}

// state returns the state as ss has it: a unix socket has the TCP state that resembles its own.
func (s *Socket) state() procnet.State {
	if s.Unix == nil {
		return s.Inet.State
	}
	switch {
	case s.Unix.Accepting():
		return procnet.Listen
	case s.Unix.State == procnet.UnixConnecting:
		return procnet.SynSent
	case s.Unix.State == procnet.UnixConnected:
		return procnet.Established
	case s.Unix.State == procnet.UnixDisconnecting:
		return procnet.Closing
	}
	return procnet.Close
}

// Needs is a set of what conditions ask for beyond the columns that every source has.
type Needs uint16

// What a filter can need.
const (
	NeedState    Needs = 1 << iota // it says which states to show
	NeedOwners                     // comm, pid: a scan of the processes
	NeedInfo                       // rtt and the like: sockdiag.ExtInfo
	NeedDevice                     // dev: sock_diag
	NeedMark                       // fwmark: sock_diag, CAP_NET_ADMIN
	NeedCgroup                     // cgroup: sock_diag of Linux 5.8
	NeedNetns                      // netns
	NeedUnixDiag                   // user, sendq and recvq of unix sockets: sock_diag
)

// Matcher judges the sockets of one listing by a filter. It is not safe for concurrent use.
type Matcher struct {
	filter  *Filter
	unknown Needs
}

// NewMatcher returns a Matcher for the filter.
func NewMatcher(f *Filter) *Matcher { return &Matcher{filter: f} }

// Match judges a socket. It does not allocate.
func (m *Matcher) Match(s *Socket) Verdict { return m.filter.root.eval(s, &m.unknown) }

// Unknown returns what sockets that were judged would have had if their source had told it, and which therefore counted
// as not there: NeedInfo for a TCP connection that came from a file.
func (m *Matcher) Unknown() Needs { return m.unknown }
