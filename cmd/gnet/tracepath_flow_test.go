package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// flowFields is what routers hash of a packet: protocol, flow label, and by protocol the ports, or
// type, code, checksum and identifier of ICMP. The checksum of UDP is among them.
func flowFields(p []byte) string {
	protocol, label, header := int(p[9]), uint32(0), int(p[0]&15)*4
	if p[0]>>4 == 6 {
		protocol, label, header = int(p[6]), binary.BigEndian.Uint32(p)&0xfffff, wire.IPv6Header
	}
	b := p[header:]
	switch uint8(protocol) {
	case wire.ProtoUDP: // a veth device has the kernel leave the checksum to a card that is not there
		b[6], b[7] = 0, 0
		src, dst := netip.AddrFrom4([4]byte(p[12:])), netip.AddrFrom4([4]byte(p[16:]))
		if p[0]>>4 == 6 {
			src, dst = netip.AddrFrom16([16]byte(p[8:])), netip.AddrFrom16([16]byte(p[24:]))
		}
		return fmt.Sprintf("label %x udp %x checksum %x", label, b[:4], wire.Pseudo(src, dst, wire.ProtoUDP, len(b)).Bytes(b).Checksum())
	case wire.ProtoTCP:
		return fmt.Sprintf("label %x tcp %x", label, b[:4])
	}
	return fmt.Sprintf("label %x icmp %x", label, b[:6])
}

// watch returns what gets the packets that arrive at host n for the server until then.
func (o *traceOracle) watch(n int) (stop func() [][]byte) {
	o.t.Helper()
	var fd int
	o.path.Hosts[n].Do(o.t, func() (err error) {
		all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(all))
		return err
	})
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	return func() (packets [][]byte) {
		defer unix.Close(fd)
		for buf := make([]byte, 2048); ; {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				return packets
			}
			if link, ok := from.(*unix.SockaddrLinklayer); ok && link.Pkttype == unix.PACKET_HOST && isProbe(buf[:n]) {
				packets = append(packets, slices.Clone(buf[:n]))
			}
		}
	}
}

// isProbe reports whether a packet is for the server and no reset.
func isProbe(p []byte) bool {
	if p[0]>>4 == 6 {
		return p[24] == 0xfd && p[24+3] == 4 && (p[6] != wire.ProtoTCP || wire.TCPFlags(p[40+13]) == wire.SYN)
	}
	return p[16] == 10 && p[18] == 4 && (p[9] != wire.ProtoTCP || wire.TCPFlags(p[20+13]) == wire.SYN)
}

// Each method shows one flow to what hashes its packets, over several rounds; without --udp ports count up as those of
// the original.
func TestTracepath_oneFlow(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newTraceOracle(t)
		o.run(o.original, "-n fd77:4::2")
		for _, target := range []string{"10.77.4.2", "fd77:4::2"} {
			for _, method := range []string{"--udp", "--icmp", "--tcp"} {
				stop := o.watch(1)
				r := o.answer(o.gnet, "-n --rounds 2 "+method+" "+target)
				probes := stop()
				flows := make(map[string]bool)
				for _, p := range probes {
					flows[flowFields(p)] = true
				}
				if len(flows) != 1 || len(probes) < 9 || !strings.Contains(r.Stdout, "reached\n") {
					t.Errorf("%s %s: %d probes in %d flows: %v\n%s%s", method, target, len(probes), len(flows), flows, r.Stdout, r.Stderr)
				}
			}
		}
		want, got := o.ports(o.original), o.ports(o.gnet)
		slices.Sort(got)
		if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" || len(want) != 7 {
			t.Errorf("ports (-original +gnet)\n%s", diff)
		}
	})
}

// ports are those that probes go to.
func (o *traceOracle) ports(path string) (ports []int) {
	stop := o.watch(1)
	o.answer(path, "-n 10.77.4.2")
	for _, p := range stop() {
		ports = append(ports, int(binary.BigEndian.Uint16(p[22:])))
	}
	return ports
}

// A program that listens on the port ends the trace with the original's words.
func TestTracepath_replyData(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		o.run(o.original, "-n fd77:4::2")
		for _, domain := range []int{unix.AF_INET, unix.AF_INET6} {
			o.talk(domain, 44444, 64)
		}
		for _, line := range []string{"-n 10.77.4.2", "-n fd77:4::2", "-n -l 1000 10.77.4.2", "-n -p 44460 -l 1000 10.77.4.2"} {
			o.same(line)
		}
		want := o.answer(o.original, "-n 10.77.4.2")
		if got := o.answer(o.gnet, "-n --udp 10.77.4.2"); !strings.HasSuffix(want.Stdout, " 4?: reply received 8)\n     Resume: pmtu 1400 \n") || got != want {
			t.Errorf("--udp (-original +gnet)\n%s", cmp.Diff(want, got))
		}
	})
}

// talk answers datagrams to ports of the server, with what is no part of the probe, until the end of the test.
func (o *traceOracle) talk(domain, first, count int) {
	var fds []unix.PollFd
	o.path.Server().Do(o.t, func() error {
		for port := first; port < first+count; port++ {
			fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			var at unix.Sockaddr = &unix.SockaddrInet4{Port: port}
			if domain == unix.AF_INET6 {
				at = &unix.SockaddrInet6{Port: port}
				unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1)
			}
			if err := unix.Bind(fd, at); err != nil {
				return err
			}
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
		return nil
	})
	var wait sync.WaitGroup
	stop := make(chan struct{})
	wait.Go(func() { answerAll(fds, stop) })
	o.t.Cleanup(func() {
		close(stop)
		wait.Wait()
		for _, f := range fds {
			unix.Close(int(f.Fd))
		}
	})
}

func answerAll(fds []unix.PollFd, stop chan struct{}) {
	for buf := make([]byte, 1<<16); ; {
		select {
		case <-stop:
			return
		default:
		}
		unix.Poll(fds, int((20 * time.Millisecond).Milliseconds()))
		for _, f := range fds {
			if _, from, err := unix.Recvfrom(int(f.Fd), buf, 0); err == nil {
				unix.Sendto(int(f.Fd), []byte("hello, who is there?"), 0, from)
			}
		}
	}
}
