package procnet

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/netip"
	"strings"

	"gnet/internal/procfile"
)

// SCTPSocket is one row of sctp/eps, an endpoint, or of sctp/assocs, an association.
//
// Written by sctp_eps_seq_show and sctp_assocs_seq_show (net/sctp/proc.c) behind a row of headings, addresses by
// sctp_seq_dump_local_addrs and sctp_seq_dump_remote_addrs, with * before the primary one: %pI4 or %pI6, which is never shortened.
//
//	eps     ENDPT SOCK %8p, STY SST %-3d, HBKT %-4d, LPORT %-5d, UID %5u, INODE %5lu, LADDRS
//	assocs  ASSOC SOCK %8p, STY SST %-3d, ST %-2d, HBKT %-4d, ASSOC-ID %4d, TX_QUEUE RX_QUEUE %8d, UID %7u, INODE %5lu,
//	        LPORT %-5d, RPORT %5d, LADDRS, "<-> ", RADDRS, a tab, HBINT INS OUTS MAXRT T1X T2X RTXC and more
//
// The columns behind RADDRS grew with the kernels and are ignored. There are no rows for IPv6 of their own.
type SCTPSocket struct {
	// InetSocket has Proto SCTP, the state of the socket as a TCP state (SST), the first address of each side, and V6 when the first
	// local one is neither IPv4 nor IPv4-mapped. An endpoint has no queues, and an unspecified Remote.
	InetSocket
	Association bool
	// Locals and Remotes are all addresses, in the kernel's order; Remotes is empty for an endpoint. They are valid until the next step.
	Locals, Remotes []SCTPAddr
	// ID and Phase are ASSOC-ID and ST of an association.
	ID    int32
	Phase SCTPPhase
}

// SCTPAddr is one of the addresses of a side.
type SCTPAddr struct {
	Addr    netip.Addr // without a zone
	Primary bool       // packets leave from it or go to it as long as it answers
}

// SCTPPhase is the state of an association (enum sctp_state, include/net/sctp/constants.h).
type SCTPPhase uint8

// String returns the state's word of RFC 9260 section 4, with _ for -; UNKNOWN for a number that has none.
func (p SCTPPhase) String() string {
	words := [...]string{"CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_PENDING", "SHUTDOWN_SENT", "SHUTDOWN_RECEIVED", "SHUTDOWN_ACK_SENT"}
	if int(p) < len(words) {
		return words[p]
	}
	return "UNKNOWN"
}

// SCTP returns the endpoints or the associations, in the kernel's order. The files exist once the kernel has loaded SCTP.
func (fs FS) SCTP(associations bool) iter.Seq2[*SCTPSocket, error] {
	name := "sctp/eps"
	if associations {
		name = "sctp/assocs"
	}
	return func(yield func(*SCTPSocket, error) bool) {
		f, err := fs.root.OpenNet(name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseSCTP(f, f.Name(), associations)(yield)
	}
}

// SCTP is FS.SCTP of the namespace. sock_diag has SCTP too, with other states and without the primary addresses.
func (s *Sockets) SCTP(associations bool) iter.Seq2[*SCTPSocket, error] {
	return s.fs.SCTP(associations)
}

func parseSCTP(r io.Reader, file string, associations bool) iter.Seq2[*SCTPSocket, error] {
	heading := "ENDPT"
	if associations {
		heading = "ASSOC"
	}
	return func(yield func(*SCTPSocket, error) bool) {
		s := SCTPSocket{Association: associations, InetSocket: InetSocket{Proto: SCTP}}
		for row, err := range procfile.Rows(r, file) {
			if err == nil && row.Line == 1 && string(row.First()) == heading {
				continue
			}
			if err == nil {
				err = s.parse(row)
			}
			if !yieldRow(yield, &s, err) {
				return
			}
		}
	}
}

func (s *SCTPSocket) parse(row *procfile.Row) error {
	row.Column("ENDPT")
	row.Column("SOCK")
	row.Column("STY")
	s.State = State(row.Dec8("SST"))
	if s.Association {
		s.Phase = SCTPPhase(row.Dec8("ST"))
	}
	row.Column("HBKT")
	var local, remote uint16
	if s.Association {
		s.ID = row.Int32("ASSOC-ID")
		s.TxQueue, s.RxQueue = row.Dec32("TX_QUEUE"), row.Dec32("RX_QUEUE")
		s.UID, s.Inode = row.Dec32("UID"), row.Dec64("INODE")
		local, remote = row.Dec16("LPORT"), row.Dec16("RPORT")
	} else {
		local = row.Dec16("LPORT")
		s.UID, s.Inode = row.Dec32("UID"), row.Dec64("INODE")
	}
	if err := row.Err(); err != nil {
		return err
	}
	return s.parseAddrs(row, local, remote)
}

var (
	errNoArrow = errors.New("no <-> behind the local addresses")
	errNoAddr  = errors.New("no address")
)

// parseAddrs reads the lists at the end of the row.
func (s *SCTPSocket) parseAddrs(row *procfile.Row, local, remote uint16) error {
	var end []byte
	s.Locals, end = sctpAddrs(row, s.Locals[:0])
	s.Remotes = s.Remotes[:0]
	switch {
	case len(s.Locals) == 0:
		return row.Bad("LADDRS", end, errNoAddr)
	case !s.Association && end != nil:
		return row.Bad("LADDRS", end, procfile.ErrNotAddress)
	case s.Association && string(end) != "<->":
		return row.Bad("LADDRS", end, errNoArrow)
	}
	s.V6 = s.Locals[0].Addr.Is6() && !s.Locals[0].Addr.Is4In6()
	s.Local = netip.AddrPortFrom(s.Locals[0].Addr, local)
	s.Remote = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	if s.V6 {
		s.Remote = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	if !s.Association {
		return nil
	}
	s.Remotes, end = sctpAddrs(row, s.Remotes)
	switch {
	case len(s.Remotes) == 0:
		return row.Bad("RADDRS", end, errNoAddr)
	case len(bytes.Trim(end, "0123456789")) > 0: // behind the addresses stand numbers
		return row.Bad("RADDRS", end, procfile.ErrNotAddress)
	}
	s.Remote = netip.AddrPortFrom(s.Remotes[0].Addr, remote)
	return nil
}

// sctpAddrs reads addresses until a column that is none, which it returns; nil at the end of the row.
func sctpAddrs(row *procfile.Row, addrs []SCTPAddr) ([]SCTPAddr, []byte) {
	for col := row.Next(); col != nil; col = row.Next() {
		text, primary := strings.CutPrefix(string(col), "*")
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return addrs, col
		}
		addrs = append(addrs, SCTPAddr{addr, primary})
	}
	return addrs, nil
}
