package main

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// watched is one socket of a reading, and what follows from those before it. There are many of them, all kept from one reading to the
// next: they hold no pointers, which the garbage collector would follow, and an address as its octets.
type watched struct {
	// cookie and device are what the kernel must be told to end the socket; 0 where it was read from a file.
	cookie   uint64
	inode    uint64
	bytesIn  uint64
	bytesOut uint64
	in, out  float64       // octets each second
	marked   time.Duration // when it came or was gone, by the reader's clock
	timer    procnet.Timer

	local, remote      watchEnd
	rxQueue, txQueue   uint32
	uid                uint32
	device             uint32
	rtt                uint32 // microseconds, 0 unknown
	retrans            uint32 // in all
	cwnd               uint32 // 0 unknown
	owner              int32  // place in watchTable.owners of what came with the row, -1 without
	proto              procnet.Proto
	state              procnet.State
	v6                 bool
	connection         bool // there are figures of TCP
	counts             bool // there are bytesIn and bytesOut
	rated, fresh, gone bool // rated: there are in and out, the socket has been read twice
}

// watchEnd is an end of a socket; netip.AddrPort has a pointer.
type watchEnd struct {
	addr [16]byte
	port uint16
	is4  bool
}

func watchEndOf(a netip.AddrPort) watchEnd {
	return watchEnd{addr: a.Addr().As16(), port: a.Port(), is4: a.Addr().Is4()}
}

// addrPort is the end as it was.
func (e *watchEnd) addrPort() netip.AddrPort {
	a := netip.AddrFrom16(e.addr)
	if e.is4 {
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, e.port)
}

// watchedOf keeps of a socket what is shown.
func watchedOf(s *procnet.InetSocket) watched {
	w := watched{inode: s.Inode, timer: s.Timer, local: watchEndOf(s.Local), remote: watchEndOf(s.Remote), rxQueue: s.RxQueue, txQueue: s.TxQueue,
		uid: s.UID, owner: -1, proto: s.Proto, state: s.State, v6: s.V6}
	if d := s.Diag; d != nil {
		w.cookie, w.device = d.Cookie, d.Interface
	}
	if i := infoOf(s); i != nil {
		w.connection, w.rtt, w.cwnd, w.retrans = true, uint32(i.RTT/time.Microsecond), i.SndCwnd, i.TotalRetrans
	}
	w.bytesIn, w.bytesOut, w.counts = transferredOf(s)
	return w
}

// transferredOf returns the octets that a connection has brought and taken away: tcp_info's bytes_received, and bytes_acked, which counts what
// the other end is known to have; false for a socket of which the kernel counts nothing.
func transferredOf(s *procnet.InetSocket) (in, out uint64, ok bool) {
	i := infoOf(s)
	if i == nil || !i.Has(sockdiag.InfoBytesReceived) || !i.Has(sockdiag.InfoBytesAcked) {
		return 0, 0, false
	}
	return i.BytesReceived, i.BytesAcked, true
}

// socket is the row as procnet had it, without Diag.
func (w *watched) socket() procnet.InetSocket {
	return procnet.InetSocket{Proto: w.proto, V6: w.v6, State: w.state, Local: w.local.addrPort(), Remote: w.remote.addrPort(), RxQueue: w.rxQueue,
		TxQueue: w.txQueue, Timer: w.timer, UID: w.uid, Inode: w.inode}
}

func (w *watched) protoWord() string {
	return inetWord(&procnet.InetSocket{Proto: w.proto, V6: w.v6})
}

func (w *watched) stateWord() string {
	return inetStateWord(&procnet.InetSocket{Proto: w.proto, State: w.state})
}

// roundTrip is the round-trip time, 0 unknown.
func (w *watched) roundTrip() time.Duration { return time.Duration(w.rtt) * time.Microsecond }

// is reports whether both are the same socket. It is known as long as it lives by the kernel's cookie, which the files of /proc/net do not
// have; there by the inode, and without one by the addresses.
func (w *watched) is(other *watched) bool {
	switch {
	case w.cookie != 0 || other.cookie != 0:
		return w.cookie == other.cookie
	case w.inode != 0 || other.inode != 0:
		return w.inode == other.inode
	}
	return w.proto == other.proto && w.local == other.local && w.remote == other.remote
}

// hash is equal for rows of the same socket. What the kernel counts up or chooses is spread over all bits by a multiplication
// (Fibonacci hashing), of which the upper ones are the better.
func (w *watched) hash() uint64 {
	const golden = 0x9e3779b97f4a7c15
	switch {
	case w.cookie != 0:
		return w.cookie * golden
	case w.inode != 0:
		return w.inode * golden
	}
	h := uint64(w.proto)
	for _, e := range []*watchEnd{&w.local, &w.remote} {
		for _, b := range e.addr {
			h = (h ^ uint64(b)) * golden
		}
		h = (h ^ uint64(e.port)) * golden
	}
	return h
}

// watchIndex finds rows. Its memory is used again.
type watchIndex struct {
	rows  []watched
	slots []int32 // a row and one; 0 is free
	shift int
	built bool
}

// over makes the index one over rows, which it sorts in when one of them is looked for.
func (x *watchIndex) over(rows []watched) { x.rows, x.built = rows, false }

// build sorts the rows in. Of two rows of the same socket, which a table that changes while it is read can have, the first is found.
func (x *watchIndex) build() {
	bits := 4
	for 1<<bits < 2*len(x.rows) {
		bits++
	}
	if len(x.slots) != 1<<bits {
		x.slots = make([]int32, 1<<bits)
	}
	clear(x.slots)
	x.shift, x.built = 64-bits, true
	for i := range x.rows {
		at := x.rows[i].hash() >> x.shift
		for x.slots[at] != 0 {
			at = (at + 1) & uint64(len(x.slots)-1)
		}
		x.slots[at] = int32(i + 1)
	}
}

// find returns the place of the row of the same socket, -1 where there is none.
func (x *watchIndex) find(w *watched) int {
	if len(x.rows) == 0 {
		return -1
	}
	if !x.built {
		x.build()
	}
	for at := w.hash() >> x.shift; x.slots[at] != 0; at = (at + 1) & uint64(len(x.slots)-1) {
		if i := int(x.slots[at] - 1); x.rows[i].is(w) {
			return i
		}
	}
	return -1
}

// target is the socket as --kill wants it.
func (w *watched) target() *killTarget {
	s := w.socket()
	if w.cookie == 0 {
		return &killTarget{shown: shownSocket{inet: &s}, result: killResult{word: wasUnknown}}
	}
	family := uint8(unix.AF_INET)
	if s.V6 {
		family = unix.AF_INET6
	}
	s.Diag = &sockdiag.InetRow{Family: family, State: uint8(s.State), Local: s.Local, Remote: s.Remote, Cookie: w.cookie, Interface: w.device}
	return &killTarget{shown: shownSocket{inet: &s}}
}
