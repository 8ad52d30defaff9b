package probe

import (
	"bytes"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The words of SO_MEMINFO (linux/sock_diag.h): SK_MEMINFO_DROPS is one of
// SK_MEMINFO_VARS.
const (
	memInfoDrops = 8
	memInfoWords = 9
)

// Drops is what the kernel has dropped at a socket so far.
type Drops struct {
	// Full counts packets that found no room in the receive buffer, those of other
	// programs too while it was full: the kernel looks whether there is room before
	// it runs the filter (raw_v4_input, net/ipv4/raw.c).
	Full uint32
	// Damaged counts packets with a wrong ICMPv6 checksum, other programs'
	// too: a raw IPv6 socket gets none of those (rawv6_rcv_skb, net/ipv6/raw.c).
	Damaged uint32
}

// Drops returns what was dropped so far: more than Message.Drops can tell, which
// comes with the next packet and so never after the last. ok is false when the
// kernel does not say.
//
// A raw IPv6 socket has one counter for both kinds. Messages with a wrong checksum
// are counted by the network namespace too, and as many drops as there were of
// those since Configure pass for Damaged. So Full is the least that it can be.
func (s *Socket) Drops() (d Drops, ok bool) {
	n, ok := s.memInfoDrops()
	if !ok || n == 0 || !s.checksKept() {
		return Drops{Full: n}, ok
	}
	now, ok := checksumErrors()
	if !ok || !s.checksumKnown {
		return Drops{}, false
	}
	d.Damaged = uint32(min(uint64(n), now-s.checksumBase))
	d.Full = n - d.Damaged
	return d, true
}

// checksKept reports whether the kernel keeps packets with a wrong checksum from
// the socket, and counts them as its drops.
func (s *Socket) checksKept() bool { return s.mode == Raw && s.family == IPv6 && s.transport == 0 }

func (s *Socket) memInfoDrops() (n uint32, ok bool) {
	var words [memInfoWords]uint32
	size := uint32(unsafe.Sizeof(words))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&words)), uintptr(unsafe.Pointer(&size)), 0)
	return words[memInfoDrops], errno == 0 && size > 4*memInfoDrops
}

// checksumErrors returns how many ICMPv6 messages with a wrong checksum have come
// to the network namespace of this thread: ICMP6_MIB_CSUMERRORS, which is
// Icmp6InCsumErrors of /proc/net/snmp6 (icmpv6_rcv, net/ipv6/icmp.c).
func checksumErrors() (n uint64, ok bool) {
	file, err := os.ReadFile("/proc/thread-self/net/snmp6")
	if err != nil {
		return 0, false
	}
	_, rest, _ := bytes.Cut(file, []byte("\nIcmp6InCsumErrors"))
	line, _, found := bytes.Cut(rest, []byte("\n"))
	n, err = strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 64)
	return n, found && err == nil
}

// Drops returns what was dropped at the sockets together, as Socket.Drops does.
func (b *Batch) Drops() (d Drops, ok bool) {
	for _, l := range b.lanes {
		one, known := l.s.Drops()
		if !known {
			return Drops{}, false
		}
		d.Full += one.Full
		d.Damaged += one.Damaged
	}
	return d, true
}
