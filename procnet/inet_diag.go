package procnet

import (
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/sockdiag"
)

// diagProtocol is the protocol number of an inet_diag request.
func (p Proto) diagProtocol() uint8 {
	return [...]uint8{TCP: unix.IPPROTO_TCP, UDP: unix.IPPROTO_UDP, UDPLite: unix.IPPROTO_UDPLITE, Raw: unix.IPPROTO_RAW}[p]
}

// inetDiag returns the rows of inet_diag as the file has them.
func (s *Sockets) inetDiag(p Proto, v6 bool, q Query) iter.Seq2[*InetSocket, error] {
	return func(yield func(*InetSocket, error) bool) {
		conn, err := s.diag()
		if err != nil {
			yield(nil, err)
			return
		}
		kept := s.tcp6
		s.tcp6 = nil
		switch {
		case q.Both && p == TCP && !v6 && (s.few6 || s.fs.fewTCP6()):
			s.bothFamilies(conn, q)(yield)
			return
		case q.Both && p == TCP && v6 && kept != nil:
			for _, row := range kept.All() {
				if !yield(row, nil) {
					return
				}
			}
			return
		}
		d := s.newDiagReader(p, v6, q)
		for row, err := range askInet(conn, q.request(p, v6)) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(d.convert(row), nil) {
				return
			}
		}
	}
}

// askInet asks once more without the program when the kernel refuses to begin: it may be the program that it refuses, and the rows of sock_diag
// have more than those of the file. The caller of the table checks each row all the same.
func askInet(conn *sockdiag.Conn, request sockdiag.Request) iter.Seq2[*sockdiag.InetRow, error] {
	if len(request.Bytecode) == 0 {
		return conn.Inet(request)
	}
	return func(yield func(*sockdiag.InetRow, error) bool) {
		first, refused := true, false
		for row, err := range conn.Inet(request) {
			if refused = first && netlink.IsRefused(err); refused {
				break
			}
			first = false
			if !yield(row, err) {
				return
			}
		}
		if refused {
			request.Bytecode = nil
			conn.Inet(request)(yield)
		}
	}
}

func (q *Query) request(p Proto, v6 bool) sockdiag.Request {
	r := sockdiag.Request{Family: unix.AF_INET, Protocol: p.diagProtocol(), States: q.States &^ boundInactive, Ext: q.Ext, Bytecode: q.Bytecode}
	if v6 {
		r.Family = unix.AF_INET6
	}
	if p == Raw {
		r.Bytecode = nil // the kernel would judge the remote port that convert leaves out
	}
	if q.Timers && p == TCP {
		r.Ext |= sockdiag.ExtInfo
	}
	return r
}

// diagReader turns rows of inet_diag into those of the file.
type diagReader struct {
	fs      FS
	row     InetSocket
	embryos bool // look embryonic connections up in the file
	asked   bool
	synRecv map[connection]embryo
}

func (s *Sockets) newDiagReader(p Proto, v6 bool, q Query) *diagReader {
	return &diagReader{fs: s.fs, embryos: p == TCP && (q.Timers || q.Users), row: InetSocket{Proto: p, V6: v6}}
}

type connection struct{ local, remote netip.AddrPort }

// embryo is what the file alone says of a connection in SYN_RECV.
type embryo struct {
	timer Timer
	uid   uint32
}

// convert returns r as the file has it; valid until the next call. What differs (net/ipv4/inet_diag.c, inet_sk_diag_fill,
// inet_twsk_diag_fill and inet_req_diag_fill, beside get_tcp4_sock and its kin):
//
//   - a listening socket's limit of waiting connections stands where the file has 0,
//   - times are milliseconds, truncated to clock ticks here as the file does,
//   - the file has no remote port of a raw socket, which connect(2) may have been given,
//   - of retransmissions and probes only the one that the running timer counts is there; tcp_info has both.
func (d *diagReader) convert(r *sockdiag.InetRow) *InetSocket {
	s := &d.row
	s.State = State(r.State)
	s.Local, s.Remote = r.Local, r.Remote
	s.RxQueue, s.TxQueue = r.RQueue, r.WQueue
	s.UID, s.Inode = r.UID, uint64(r.Inode)
	s.Diag = r
	s.Timer = Timer{Kind: TimerKind(r.Timer), Remaining: clockTicks(r.Expires)}
	switch {
	case r.Has&sockdiag.ExtInfo != 0:
		s.Timer.Retransmits, s.Timer.Probes = uint32(r.Info.Retransmits), int32(r.Info.Probes)
	case s.Timer.Kind == TimerKeepalive, s.Timer.Kind == TimerProbe:
		s.Timer.Probes = int32(r.Retrans)
	default:
		s.Timer.Retransmits = uint32(r.Retrans)
	}
	if s.Proto == Raw {
		s.Remote = netip.AddrPortFrom(r.Remote.Addr(), 0)
	}
	switch s.State {
	case Listen:
		if s.Proto == TCP {
			s.TxQueue = 0
		}
	case newSynRecv:
		s.State = SynRecv
		fallthrough
	case SynRecv:
		d.complete(s)
	}
	return s
}

// newSynRecv is TCP_NEW_SYN_RECV (include/net/tcp_states.h), an embryonic connection. The files never show it, and inet_diag shows
// SYN_RECV in its place too.
const newSynRecv State = 12

// clockTicks turns milliseconds into ticks of 1/100 s. Kernels before 4.20 did not stop at zero when a timer was already late.
func clockTicks(ms uint32) uint64 {
	if int32(ms) < 0 {
		return 0
	}
	return uint64(ms) / 10
}

// complete gives a connection in SYN_RECV the timer and the uid of the file: inet_diag counts retransmissions of the SYN-ACK where the
// file counts timeouts, and has no owner. The file is read at the first such row. A connection that is no longer there by then keeps what
// inet_diag said of it.
func (d *diagReader) complete(s *InetSocket) {
	if !d.embryos || s.Proto != TCP {
		return
	}
	if !d.asked {
		d.asked = true
		d.synRecv = make(map[connection]embryo)
		for f, err := range d.fs.Inet(s.Proto, s.V6) {
			if err == nil && f.State == SynRecv {
				d.synRecv[connection{f.Local, f.Remote}] = embryo{f.Timer, f.UID}
			}
		}
	}
	if e, ok := d.synRecv[connection{s.Local, s.Remote}]; ok {
		remaining := s.Timer.Remaining
		s.Timer, s.UID = e.timer, e.uid
		s.Timer.Remaining = remaining
	}
}
