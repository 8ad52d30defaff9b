package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// truthAtMost is how far a printed round-trip time may be from the wire's.
const truthAtMost = 3 * time.Microsecond

// truth compares the times that pings print with those between the packets on
// the wire: on the loopback interface and over four links.
//
// A packet is stamped when it arrives somewhere, the request at the other end of
// the first cable, the reply at this one: all who receive it share that stamp,
// and no capture can delay it. tcpdump's stamps of what leaves come before its
// own copying, up to ten microseconds before the packet is on its way.
func (l *lab) truth() {
	l.print("\nPrinted round-trip times less those on the wire (tcpdump, nanoseconds), medians of %d probes, 50 a second:\n", l.truthCount)
	l.heading("| what | printed | wire | printed less wire | at most |")
	tcpdump, err := nstest.FindPeer("tcpdump")
	if err != nil {
		l.print("| %v | | | | |\n", err)
		return
	}
	path := nstest.NewPath(l, 1500, 1500, 1500, 1500)
	here := path.Client()
	for _, w := range []way{
		{"loopback", netip.MustParseAddr("127.0.0.1"), tap{here, "lo"}, tap{here, "lo"}},
		{"4 links", path.ServerAddr(false), tap{path.Router(1), "left"}, tap{here, "right"}},
	} {
		count, dest := strconv.Itoa(l.truthCount), w.dest.String()
		programs := [][]string{{l.gnet, "ping", "-n", "-i", ".02", "-c", count, dest}}
		for _, peer := range [][]string{{"ping", "-n", "-i", ".02", "-c", count, dest}, {"fping", "-p", "20", "-c", count, dest}} {
			if path, err := nstest.FindPeer(peer[0]); err == nil {
				programs = append(programs, append([]string{path}, peer[1:]...))
			}
		}
		for _, p := range programs {
			l.truthRow(tcpdump, w, p)
		}
	}
}

// way is a destination, and where its requests and replies arrive first.
type way struct {
	name              string
	dest              netip.Addr
	requests, replies tap
}

// tap is an interface to capture on.
type tap struct {
	host   *nstest.Host
	device string
}

// truthRow prints what one program makes of one way.
func (l *lab) truthRow(tcpdump string, w way, program []string) {
	requests := l.startCapture(tcpdump, w.requests, "icmp[0] == 8")
	replies := l.startCapture(tcpdump, w.replies, "icmp[0] == 0")
	out, err := exec.Command(program[0], program[1:]...).Output()
	l.must(err)
	onWire, err := echoTimes(l.stopCapture(requests), l.stopCapture(replies))
	l.must(err)
	printed := printedTimes(string(out))
	if len(printed) != len(onWire) {
		l.Fatalf("%v prints %d times, and %d were on the wire", program, len(printed), len(onWire))
	}
	apart := make([]time.Duration, len(printed))
	for i := range apart {
		apart[i] = printed[i] - onWire[i]
	}
	off, mark := middle(apart), ""
	if program[0] == l.gnet {
		mark = "±" + short(truthAtMost)
		if off.Abs() > truthAtMost {
			mark += " (missed)"
		}
	}
	l.print("| `%s`, %s | %s | %s | %s | %s |\n", filepath.Base(program[0]), w.name, short(middle(printed)), short(middle(onWire)), short(off), mark)
}

// capture is a running tcpdump.
type capture struct {
	cmd  *exec.Cmd
	file string
	// said is what it has said.
	said *bufio.Reader
}

// startCapture returns when packets are being caught.
func (l *lab) startCapture(tcpdump string, on tap, filter string) *capture {
	file, err := os.CreateTemp(l.dir, "capture")
	l.must(err)
	l.must(file.Close())
	cmd := exec.Command(tcpdump, "-n", "-i", on.device, "-Z", "root", "--time-stamp-precision=nano", "-w", file.Name(), filter)
	stderr, err := cmd.StderrPipe()
	l.must(err)
	on.host.Start(l, cmd)
	c := &capture{cmd: cmd, file: file.Name(), said: bufio.NewReader(stderr)}
	for {
		line, err := c.said.ReadString('\n')
		if err != nil {
			l.Fatalf("tcpdump on %s says %q and ends", on.device, line)
		}
		if strings.Contains(line, "listening on") {
			return c
		}
	}
}

// stopCapture ends the capture when all that was seen is written, and returns the
// file.
func (l *lab) stopCapture(c *capture) []byte {
	time.Sleep(1200 * time.Millisecond) // a block of packets that is not full is passed on after a second
	l.must(c.cmd.Process.Signal(unix.SIGINT))
	rest, err := io.ReadAll(c.said)
	l.must(err)
	l.must(c.cmd.Wait())
	if !strings.Contains(string(rest), "\n0 packets dropped by kernel") {
		l.Fatalf("tcpdump: %q", rest)
	}
	dump, err := os.ReadFile(c.file)
	l.must(err)
	l.must(os.Remove(c.file))
	return dump
}

// printedTimes are the times in the lines of replies, in their order: "time=0.045
// ms" of ping, "64 bytes, 0.045 ms" of fping.
func printedTimes(out string) []time.Duration {
	var times []time.Duration
	for line := range strings.Lines(out) {
		before, _, found := strings.Cut(line, " ms")
		if !found || !strings.Contains(line, " bytes") {
			continue
		}
		number := before[strings.LastIndexAny(before, " =")+1:]
		if ms, err := strconv.ParseFloat(number, 64); err == nil {
			times = append(times, time.Duration(ms*float64(time.Millisecond)+0.5))
		}
	}
	return times
}

var errPcap = errors.New("not a capture of Ethernet frames in nanoseconds")

// echoTimes returns the time from each echo request in one capture to its reply
// in another, in the order of the replies.
func echoTimes(requests, replies []byte) ([]time.Duration, error) {
	sent := make(map[uint16]time.Duration)
	err := readEchoes(requests, func(seq uint16, at time.Duration) { sent[seq] = at })
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	err = readEchoes(replies, func(seq uint16, at time.Duration) {
		if start, asked := sent[seq]; asked {
			times = append(times, at-start)
		}
	})
	return times, err
}

// readEchoes reads a capture (pcap-savefile(5)) of echo messages and calls visit
// with the number of each and its time since 1970.
func readEchoes(b []byte, visit func(seq uint16, at time.Duration)) error {
	const magic, ethernet, fileHeader, recordHeader, frameHeader = 0xa1b23c4d, 1, 24, 16, 14
	order := binary.NativeEndian
	if len(b) < fileHeader || order.Uint32(b) != magic || order.Uint32(b[20:]) != ethernet {
		return errPcap
	}
	for r := bytes.NewBuffer(b[fileHeader:]); r.Len() > 0; {
		head := r.Next(recordHeader)
		if len(head) < recordHeader {
			return errPcap
		}
		at := time.Duration(order.Uint32(head))*time.Second + time.Duration(order.Uint32(head[4:]))
		frame := r.Next(int(order.Uint32(head[8:])))
		if len(frame) < frameHeader {
			return errPcap
		}
		ip, err := wire.CheckIPv4(frame[frameHeader:])
		if err != nil {
			return err
		}
		icmp := ip.Payload()
		if len(icmp) < wire.ICMPHeader {
			return errPcap
		}
		visit(binary.BigEndian.Uint16(icmp[6:]), at)
	}
	return nil
}
