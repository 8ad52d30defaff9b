package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// captureAtLeast is the share of tcpdump's pace that a capture is to hold.
const captureAtLeast = 0.8

// capturer is a program that writes packets to a file until SIGINT, and says on standard error how many.
type capturer struct {
	name string
	args []string
	// words is what stands behind the number of packets that it has written.
	words string
}

// captures measures `trace capture --quiet --pcap` beside `tcpdump -w`, each with 16 MiB for the kernel's ring: datagrams of 100
// octets as fast as one process sends them over a veth pair, to each alone and to both at once.
func (l *lab) captures() {
	l.print("\n`trace capture --quiet --pcap` beside `tcpdump -w`, %d datagrams over veth, as fast as one process sends them:\n", l.capturePackets)
	l.heading("| what | gnet/s | tcpdump/s | ratio | at least | gnet lost | tcpdump lost |")
	tcpdump, err := nstest.FindPeer("tcpdump")
	if err != nil {
		l.print("| %v | | | | | | |\n", err)
		return
	}
	l.withoutLink("capture")
	peer := nstest.NewHost(l, "peer")
	nstest.Connect(l, 1500, nstest.End{Host: nstest.Here(l), Name: "capture", Addrs: []string{"10.95.0.1/24"}},
		nstest.End{Host: peer, Name: "capture", Addrs: []string{"10.95.0.2/24"}})
	ours := capturer{l.gnet, []string{"trace", "capture", "capture", "--quiet", "--filter", "udp port 9", "--pcap", filepath.Join(l.dir, "gnet.pcapng")}, " packets captured"}
	theirs := capturer{tcpdump, []string{"-i", "capture", "-B", "16384", "-w", filepath.Join(l.dir, "tcpdump.pcap"), "udp", "port", "9"}, " packets captured"}
	for _, both := range []bool{false, true} {
		what := "each alone"
		var gnet, peers []float64
		var lost [2]int
		for range l.slowRounds {
			var runs []held
			if both {
				what = "both at once"
				runs = l.runCaptures(ours, theirs)
			} else {
				runs = append(l.runCaptures(ours), l.runCaptures(theirs)...)
			}
			gnet, peers = append(gnet, runs[0].pace), append(peers, runs[1].pace)
			lost[0], lost[1] = lost[0]+runs[0].lost, lost[1]+runs[1].lost
		}
		a, b := middlePace(gnet), middlePace(peers)
		l.print("| `trace capture`, %s | %.0f | %.0f | %.2f | %s | %d | %d |\n", what, a, b, a/b, atLeast(a/b, captureAtLeast), lost[0], lost[1])
	}
}

func middlePace(runs []float64) float64 {
	var all []time.Duration // which middle sorts
	for _, r := range runs {
		all = append(all, time.Duration(r))
	}
	return float64(middle(all))
}

// held is what a capture has written: packets per second of the time in which they were sent, and how many are missing.
type held struct {
	pace float64
	lost int
}

// runCaptures sends the datagrams while the programs capture.
func (l *lab) runCaptures(list ...capturer) []held {
	var cmds []*exec.Cmd
	said := make([]bytes.Buffer, len(list))
	for i, c := range list {
		cmd := exec.Command(c.name, c.args...)
		cmd.Stderr = &said[i]
		l.must(cmd.Start())
		cmds = append(cmds, cmd)
	}
	time.Sleep(500 * time.Millisecond) // neither says when it listens
	took := l.floodDatagrams()
	time.Sleep(200 * time.Millisecond)
	var all []held
	for i, cmd := range cmds {
		l.must(cmd.Process.Signal(unix.SIGINT))
		l.must(cmd.Wait())
		n, text := 0, said[i].String()
		if at := strings.Index(text, list[i].words); at >= 0 {
			fmt.Sscan(text[strings.LastIndexAny(text[:at], " \n")+1:at], &n)
		}
		all = append(all, held{float64(n) / took.Seconds(), l.capturePackets - n})
	}
	return all
}

// floodDatagrams sends them, and returns how long that took.
func (l *lab) floodDatagrams() time.Duration {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	l.must(err)
	defer unix.Close(fd)
	to := &unix.SockaddrInet4{Port: 9, Addr: netip.MustParseAddr("10.95.0.2").As4()}
	b := make([]byte, 100)
	begin := time.Now()
	for range l.capturePackets {
		_ = unix.Sendto(fd, b, 0, to) // what the peer answers to a closed port comes as an error here
	}
	return time.Since(begin)
}
