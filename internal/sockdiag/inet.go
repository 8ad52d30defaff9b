package sockdiag

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Message types and request attributes (linux/sock_diag.h, linux/inet_diag.h).
const (
	tcpdiagGetsock      = 18 // TCPDIAG_GETSOCK
	inetDiagReqBytecode = 1  // INET_DIAG_REQ_BYTECODE
)

// The kernel's structures: struct inet_diag_sockid, inet_diag_req,
// inet_diag_req_v2 and inet_diag_msg.
const (
	sizeofSockID = 48
	sizeofReq    = 4 + sizeofSockID + 8
	sizeofReqV2  = 8 + sizeofSockID
	sizeofMsg    = 4 + sizeofSockID + 20
)

// Request says which sockets to list. The zero value of each field but Protocol
// asks for everything that there is.
type Request struct {
	// Family is unix.AF_INET or unix.AF_INET6. Zero asks for both in one walk of the
	// kernel's table, rows of both mixed; only TCP has that (TCPDIAG_GETSOCK).
	Family uint8
	// Protocol is unix.IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW or
	// IPPROTO_SCTP.
	Protocol uint8
	// States is a set of bits 1<<state (linux/tcp_states.h); zero means all. In
	// SYN_RECV (3) are embryonic connections; bit 13, bound sockets that neither listen nor are
	// connected, must be named: it is not among those that zero means.
	States uint32
	// Ext is the set of attributes wanted beside those that always come.
	Ext Ext
	// Bytecode is a program from Compile; nil lets all pass.
	Bytecode []byte
}

// allStates are the states that each kernel has: ESTABLISHED (1) to CLOSING (11)
// and NEW_SYN_RECV (12). BOUND_INACTIVE (13, Linux 6.8) would add rows that
// /proc/net/tcp does not show.
const allStates = 1<<13 - 1

// Inet lists sockets of the internet families. Rows of another family than the
// one that was asked for are dropped: a kernel without IPv6 answers AF_INET6 with
// AF_INET rows.
func (c *Conn) Inet(req Request) iter.Seq2[*InetRow, error] {
	const op = "list sockets"
	return func(yield func(*InetRow, error) bool) {
		row := new(InetRow)
		err := c.nl.Dump(op, c.inetRequest(&req), func(m netlink.Message) error {
			wanted, err := row.decode(m, req.Family)
			if err != nil {
				return &netlink.OpError{Op: op, Err: err}
			}
			if wanted && !yield(row, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(nil, err)
		}
	}
}

// inetRequest builds struct inet_diag_req_v2, or struct inet_diag_req for both
// families at once.
func (c *Conn) inetRequest(req *Request) *netlink.Request {
	states := req.States
	if states == 0 {
		states = allStates
	}
	var r *netlink.Request
	if req.Family == unix.AF_UNSPEC && req.Protocol == unix.IPPROTO_TCP {
		r = c.nl.Request(tcpdiagGetsock, 0)
		b := r.Fixed(sizeofReq)
		b[0], b[3] = unix.AF_INET, req.Ext.request()
		binary.NativeEndian.PutUint32(b[4+sizeofSockID:], states)
	} else {
		r = c.nl.Request(unix.SOCK_DIAG_BY_FAMILY, 0)
		b := r.Fixed(sizeofReqV2)
		b[0], b[1], b[2] = req.Family, req.Protocol, req.Ext.request()
		binary.NativeEndian.PutUint32(b[4:], states)
	}
	if len(req.Bytecode) > 0 {
		r.Bytes(inetDiagReqBytecode, req.Bytecode)
	}
	return r
}

// InetRow is one socket of an internet family (struct inet_diag_msg and its
// attributes). Byte slices are views into the receive buffer.
type InetRow struct {
	// Family is unix.AF_INET or AF_INET6; State as in linux/tcp_states.h.
	Family, State uint8
	// Timer is what runs: 0 none, 1 retransmission, 2 keepalive or FIN_WAIT2, 3 TIME_WAIT,
	// 4 zero window probe (net/ipv4/inet_diag.c, inet_sk_diag_fill).
	Timer uint8
	// Retrans counts retransmissions of timer 1, probes of timers 2 and 4.
	Retrans uint8
	// Local and Remote carry no zone; an IPv6 socket that talks IPv4 has mapped
	// addresses (::ffff:a.b.c.d).
	Local, Remote netip.AddrPort
	// Interface is the index that the socket is bound to, 0 if none.
	Interface uint32
	// Cookie names the socket for as long as this kernel runs.
	Cookie uint64
	// Expires is the time until the timer fires, in milliseconds.
	Expires uint32
	// RQueue and WQueue are bytes; on a LISTEN socket RQueue is the number of
	// connections that wait for accept, WQueue the limit of that number.
	RQueue, WQueue uint32
	// UID is the owner as the reader's user namespace has it, Inode the socket's
	// inode, 0 where no file is left.
	UID, Inode uint32

	// Has tells which of the fields below the kernel gave.
	Has Ext
	// Mark is SO_MARK; it comes with CAP_NET_ADMIN only.
	Mark    uint32
	ClassID uint32
	// CgroupID is the inode of the socket's cgroup v2.
	CgroupID uint64
	// Shutdown has bit 0 for the receiving, bit 1 for the sending side.
	Shutdown    uint8
	TOS, TClass uint8
	// V6Only is IPV6_V6ONLY.
	V6Only bool
	// Protocol is the raw socket's protocol.
	Protocol uint8
	// Cong is the name of the congestion control, text from the kernel's modules.
	Cong  []byte
	Info  TCPInfo
	Mem   MemInfo
	SkMem SkMem
	Vegas VegasInfo
	DCTCP DCTCPInfo
	BBR   BBRInfo
	// ULP is the name of the upper layer protocol ("tls", "mptcp"); it comes
	// with CAP_NET_ADMIN only.
	ULP []byte
}

// Clone returns a copy that does not share memory with the receive buffer.
func (r *InetRow) Clone() *InetRow {
	kept := *r
	kept.Cong = append([]byte(nil), r.Cong...)
	kept.ULP = append([]byte(nil), r.ULP...)
	return &kept
}

// decode reads struct inet_diag_msg and its attributes (net/ipv4/inet_diag.c,
// inet_sk_diag_fill, inet_req_diag_fill, inet_twsk_diag_fill) and reports
// whether the row is of the family.
func (r *InetRow) decode(m netlink.Message, family uint8) (bool, error) {
	if m.Type != unix.SOCK_DIAG_BY_FAMILY && m.Type != tcpdiagGetsock {
		return false, nil
	}
	if len(m.Body) < sizeofMsg {
		return false, netlink.ErrShortMessage
	}
	if family != unix.AF_UNSPEC && m.Body[0] != family {
		return false, nil
	}
	r.clear()
	r.head(m.Body[:sizeofMsg])
	attrs := netlink.ReadAttrs(m.Body[sizeofMsg:])
	for attrs.Next() {
		r.attribute(&attrs)
	}
	return true, attrs.Err()
}

// clear empties the row. The wide parts, which few requests ask for, are
// touched only if they were filled.
func (r *InetRow) clear() {
	if r.Has&(ExtInfo|ExtMemInfo|ExtSkMemInfo|ExtVegasInfo|ExtDCTCPInfo|ExtBBRInfo) != 0 {
		*r = InetRow{}
		return
	}
	r.Has, r.Mark, r.ClassID, r.CgroupID = 0, 0, 0, 0
	r.Shutdown, r.TOS, r.TClass, r.V6Only, r.Protocol = 0, 0, 0, false, 0
	r.Cong, r.ULP = nil, nil
}

// head reads the fixed part. Ports are in network order, the rest in host order.
func (r *InetRow) head(b []byte) {
	host := binary.NativeEndian
	r.Family, r.State, r.Timer, r.Retrans = b[0], b[1], b[2], b[3]
	id, rest := b[4:4+sizeofSockID], b[4+sizeofSockID:]
	r.Local = addrPort(r.Family, id[4:20], id[0:2])
	r.Remote = addrPort(r.Family, id[20:36], id[2:4])
	r.Interface = host.Uint32(id[36:])
	r.Cookie = uint64(host.Uint32(id[40:])) | uint64(host.Uint32(id[44:]))<<32
	r.Expires = host.Uint32(rest)
	r.RQueue, r.WQueue = host.Uint32(rest[4:]), host.Uint32(rest[8:])
	r.UID, r.Inode = host.Uint32(rest[12:]), host.Uint32(rest[16:])
}

func addrPort(family uint8, addr, port []byte) netip.AddrPort {
	p := binary.BigEndian.Uint16(port)
	if family == unix.AF_INET6 {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(addr)), p)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr[:4])), p)
}
