package procnet

import (
	"errors"
	"io"
	"iter"
	"net/netip"

	"gnet/internal/procfile"
	"gnet/internal/sockdiag"
)

// Proto is a protocol whose sockets stand in an inet file of their own.
type Proto uint8

// The protocols of /proc/net, in the order in which netstat shows them.
const (
	TCP Proto = iota
	UDP
	UDPLite
	Raw
	SCTP // has no inet file but two of its own, see SCTPSocket
)

// File returns the name of the protocol's file under /proc/net, of SCTP that of the folder of its files.
func (p Proto) File(v6 bool) string {
	names := [...][2]string{{"tcp", "tcp6"}, {"udp", "udp6"}, {"udplite", "udplite6"}, {"raw", "raw6"}, {"sctp", "sctp"}}
	if v6 {
		return names[p][1]
	}
	return names[p][0]
}

// InetSocket is one row of tcp, tcp6, udp, udp6, udplite, udplite6, raw or raw6.
//
// Written by get_tcp4_sock, get_openreq4 and get_timewait4_sock (net/ipv4/tcp_ipv4.c), get_tcp6_sock, get_openreq6 and
// get_timewait6_sock (net/ipv6/tcp_ipv6.c), udp4_format_sock (net/ipv4/udp.c), raw_sock_seq_show (net/ipv4/raw.c) and
// __ip6_dgram_sock_seq_show (net/ipv6/datagram.c). Captured on 6.18.
//
//	col  name              form              note
//	0    sl                %4d: or %5d:      row number (tcp) or hash bucket (udp, not unique); not kept
//	1    local_address     %08X:%04X         IPv4: one word in host order; the port is the protocol number in raw
//	                       4 x %08X:%04X     IPv6: four words in host order
//	2    rem_address       as local_address  called remote_address in the v6 headers
//	3    st                %02X              udp and raw use 01 and 07 alone
//	4    tx_queue:rx_queue %08X:%08X         LISTEN: rx_queue counts connections not yet accepted, tx_queue is 0
//	5    tr:tm->when       %02X:%08lX        clock ticks
//	6    retrnsmt          %08X
//	7    uid               %5u               in the reader's user namespace; signed on the oldest kernels
//	8    timeout           %8d               probes without an answer
//	9    inode             %lu               0 for a socket without a file: TIME_WAIT, SYN_RECV, orphans, not yet accepted
//	10   ref               %d                this and all later columns are ignored:
//	11   pointer           %pK               hashed, identifies nothing
//	12.. tcp: rto, ato, quickack, cwnd, ssthresh; udp and raw: drops (since 2.6.27)
//
// TIME_WAIT and SYN_RECV rows of tcp end after pointer. Rows are padded with blanks: tcp to 149 bytes, udp to 127; v6 and raw
// rows are not.
type InetSocket struct {
	Proto Proto
	V6    bool // from a v6 file; an IPv4 peer of such a socket is IPv4-mapped
	State State
	// Local and Remote are as the kernel has them, IPv4-mapped ones included. The files carry no scope: a link-local
	// address has no zone. The port of a raw socket is its protocol number.
	Local, Remote netip.AddrPort
	// RxQueue and TxQueue are bytes not yet read and not yet acknowledged. For a listening socket RxQueue counts
	// connections; for UDP and raw both count memory charged to the socket, headers included (sk_rmem_alloc).
	RxQueue, TxQueue uint32
	Timer            Timer
	UID              uint32
	Inode            uint64 // 0: no file, so no process can hold it
	// Diag is the same socket as inet_diag describes it: interface, cookie, and what Query.Ext asked for. It is nil when the row comes
	// from the file, and valid until the next step.
	Diag *sockdiag.InetRow
}

// Listening reports whether the socket waits for whoever comes: netstat -l shows these. That is a TCP socket in LISTEN, and any other
// without a remote address. A state that TCP does not have goes by the remote port, as everything did in the original: it also took a
// connection with port 0 for a listener.
func (s *InetSocket) Listening() bool {
	switch {
	case s.Proto != TCP:
		return s.Remote.Addr().IsUnspecified()
	case s.State < Established || s.State > Closing:
		return s.Remote.Port() == 0
	}
	return s.State == Listen
}

// ListeningStates is the Query.States of the sockets that are Listening, and of those that are not.
func (p Proto) ListeningStates() (listening, others uint32) {
	state := Listen
	if p != TCP {
		state = Close
	}
	return 1 << state, 1<<(Closing+1) - 2 - 1<<state
}

// User returns the user that owns the socket, and whether the kernel knows one: a connection that only waits for late segments
// keeps no user, and both sources say 0 of it (net/ipv4/tcp_ipv4.c, get_timewait4_sock; net/ipv4/inet_diag.c, inet_twsk_diag_fill).
func (s *InetSocket) User() (uid uint32, known bool) {
	return s.UID, s.Proto != TCP || s.Timer.Kind != TimerTimeWait
}

// Inet returns the sockets of one protocol and address family, in the kernel's order.
func (fs FS) Inet(p Proto, v6 bool) iter.Seq2[*InetSocket, error] {
	return func(yield func(*InetSocket, error) bool) {
		f, err := fs.root.OpenNet(p.File(v6))
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		parseInet(f, f.Name(), p, v6)(yield)
	}
}

func parseInet(r io.Reader, file string, p Proto, v6 bool) iter.Seq2[*InetSocket, error] {
	return func(yield func(*InetSocket, error) bool) {
		s := InetSocket{Proto: p, V6: v6}
		for row, err := range procfile.Rows(r, file) {
			if err == nil && isHeader(row) {
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

var errNotRow = errors.New("the row does not begin with a number and a colon")

func (s *InetSocket) parse(row *procfile.Row) error {
	if sl := row.Column("sl"); sl != nil && !endsInColon(sl) {
		return row.Bad("sl", sl, errNotRow)
	}
	if s.V6 {
		s.Local, s.Remote = row.AddrPort6("local_address"), row.AddrPort6("remote_address")
	} else {
		s.Local, s.Remote = row.AddrPort4("local_address"), row.AddrPort4("rem_address")
	}
	s.State = State(row.Hex8("st"))
	s.TxQueue, s.RxQueue = row.HexPair("tx_queue:rx_queue")
	kind, when := row.HexTimer("tr:tm->when")
	s.Timer = Timer{Kind: TimerKind(kind), Remaining: when, Retransmits: row.Hex32("retrnsmt")}
	s.UID = row.Dec32("uid")
	s.Timer.Probes = row.Int32("timeout")
	s.Inode = row.Dec64("inode")
	return row.Err()
}

// isHeader reports whether row is the line of column names: the first of the file, unless it looks like a row.
func isHeader(row *procfile.Row) bool {
	return row.Line == 1 && !endsInColon(row.First())
}

func endsInColon(col []byte) bool { return len(col) > 0 && col[len(col)-1] == ':' }

// yieldRow hands out the row, or nil with the error that it had.
func yieldRow[T any](yield func(*T, error) bool, row *T, err error) bool {
	if err != nil {
		return yield(nil, err)
	}
	return yield(row, nil)
}
