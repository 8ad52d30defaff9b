package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink/nltest"
	"gnet/internal/rtnl"
)

// perDatagram is how many messages kernelAlone sends at once. More are not faster.
const perDatagram = 1000

// kernelAlone measures what the kernel takes for the changes, without a program: messages that were made before are sent, and nothing is read.
// It is done in the order of the file and in the one of restore, each addition with a deletion behind it.
func (l *lab) kernelAlone(ipAdd, ipDelete sample) {
	all := prefixes(l.routeCount)
	for _, order := range []struct {
		name   string
		routes []netip.Prefix
	}{{"the file's order", all}, {"every eighth in turn", eighths(all)}} {
		var adds, deletes []sample
		for range l.slowRounds {
			adds = append(adds, l.sendPrepared(l.datagrams(order.routes, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL)))
			deletes = append(deletes, l.sendPrepared(l.datagrams(order.routes, unix.RTM_DELROUTE, 0)))
		}
		l.batchRow("the kernel alone adds, "+order.name, median(adds), ipAdd, 0)
		l.batchRow("the kernel alone deletes, "+order.name, median(deletes), ipDelete, 0)
	}
}

// eighths returns every eighth prefix, then those in the middle between them, and so on.
func eighths(all []netip.Prefix) []netip.Prefix {
	in := make([]netip.Prefix, 0, len(all))
	for _, first := range [8]int{0, 4, 2, 6, 1, 5, 3, 7} {
		for i := first; i < len(all); i += 8 {
			in = append(in, all[i])
		}
	}
	return in
}

// datagrams makes the messages that change a route for each prefix.
func (l *lab) datagrams(routes []netip.Prefix, typ, flags uint16) [][]byte {
	c, err := rtnl.Dial()
	l.must(err)
	defer c.Close()
	link, err := c.LinkByName("eth0")
	l.must(err)
	route := rtnl.Route{Family: unix.AF_INET, Gateway: netip.MustParseAddr("10.0.0.2"), Oif: link.Index, Protocol: unix.RTPROT_BOOT, Type: unix.RTN_UNICAST}
	var out [][]byte
	var body []byte
	for some := range slices.Chunk(routes, perDatagram) {
		var b []byte
		for _, route.Dst = range some {
			body = rtnl.AppendRoute(body[:0], &route)
			b = nltest.Append(b, typ, unix.NLM_F_REQUEST|flags, 0, body)
		}
		out = append(out, b)
	}
	return out
}

// sendPrepared measures the sending of datagrams, and ends the run if the kernel refused one of their messages.
func (l *lab) sendPrepared(datagrams [][]byte) sample {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	l.must(err)
	defer unix.Close(fd)
	var before, after unix.Rusage
	l.must(unix.Getrusage(unix.RUSAGE_SELF, &before))
	begin := time.Now()
	for _, d := range datagrams {
		l.must(unix.Sendto(fd, d, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	}
	wall := time.Since(begin)
	l.must(unix.Getrusage(unix.RUSAGE_SELF, &after))
	var answer [512]byte
	if n, _, err := unix.Recvfrom(fd, answer[:], unix.MSG_DONTWAIT); err != unix.EAGAIN {
		l.must(err)
		l.must(fmt.Errorf("the kernel refused a prepared message: %v", unix.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:n])))))
	}
	return sample{wall: wall, cpu: cpuTime(&after) - cpuTime(&before)}
}

func cpuTime(r *unix.Rusage) time.Duration { return time.Duration(r.Utime.Nano() + r.Stime.Nano()) }
