package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnet/internal/nstest"
)

// lab holds what the sections share; it is the nstest.TB of the topology.
type lab struct {
	gnet string
	// dir is a folder in memory, for what is read or built.
	dir      string
	out      io.Writer
	cleanups []func()
	holders  []holder // started and not yet ready
	sizes
}

// sizes say how much is measured.
type sizes struct {
	// socketsEach is how many TCP or UDP sockets one process holds. The TCP
	// sockets of few, some and many processes are measured.
	socketsEach, some, many int
	// few is the number of TCP sockets beside which memory is measured.
	few int
	// datagram is the number of processes with UDP sockets.
	datagram int
	// descriptorsEach is how many descriptors each of descriptorHolders has.
	descriptorsEach, descriptorHolders int
	// rows is the number of rows of the larger synthetic table; the smaller one
	// has a tenth.
	rows       int
	routeCount int // of IPv4
	// route6Count is above the number up to which gnet reads the file of IPv6.
	route6Count int
	echoCount   int
	// floodCount is the number of echoes of ping -f, truthCount that of times that
	// are compared with the wire.
	floodCount, truthCount int
	// sweepRounds is the number of probes for each of many targets, sweepRuns how
	// often that runs, and manyTargets that of targets with a probe under way.
	sweepRounds, sweepRuns, manyTargets int
	// pathHops is where tracepath gives up.
	pathHops int
	// lossyRuns is how often the MTU of a path is measured that loses packets.
	lossyRuns int
	// virtualBytes and tunBytes are what a run of the laboratory moves each way, in memory and over TUN; bulkSeconds is how
	// long --bulk and iperf3 send each way.
	virtualBytes, tunBytes, bulkSeconds int
	// viewBytes is what the run moves each way that is drawn.
	viewBytes int
	// capturePackets is how many packets are captured.
	capturePackets int
	// liveTime is how long a full-screen view is watched.
	liveTime time.Duration
	// rounds is how often each command runs, slowRounds how often those do that
	// take seconds, starts how often those do that measure start-up alone.
	rounds, slowRounds, starts int
}

// fullSize is what `make bench` measures.
func fullSize() sizes {
	return sizes{socketsEach: 1000, some: 20, many: 100, few: 100, datagram: 10,
		descriptorsEach: 15_625, descriptorHolders: 64, rows: 1_000_000,
		routeCount: 1_000_000, route6Count: 40_000, echoCount: 50_000, floodCount: 100_000, truthCount: 100, sweepRounds: 100, sweepRuns: 11, manyTargets: 100_000, pathHops: 30, lossyRuns: 25, virtualBytes: 1 << 20, viewBytes: 9 << 20, liveTime: 10 * time.Second, tunBytes: 32 << 20, bulkSeconds: 3, capturePackets: 300_000, rounds: 7, slowRounds: 3, starts: 101}
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// failure is what Fatalf ends the run with.
type failure struct{ message string }

func (l *lab) act(script func()) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case failure:
			err = errors.New(v.message)
		default:
			panic(v)
		}
	}()
	script()
	return nil
}

// Helper is there for nstest.TB.
func (l *lab) Helper() {}

// Fatalf ends the run.
func (l *lab) Fatalf(format string, args ...any) { panic(failure{fmt.Sprintf(format, args...)}) }

// Errorf is there for nstest.Reporter: what goes wrong beside the run.
func (l *lab) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// Cleanup keeps fn for the end of the section.
func (l *lab) Cleanup(fn func()) { l.cleanups = append(l.cleanups, fn) }

// scope runs part and then what was kept for its end.
func (l *lab) scope(part func()) {
	outer := l.cleanups
	l.cleanups = nil
	defer func() {
		for _, fn := range slices.Backward(l.cleanups) {
			fn()
		}
		l.cleanups = outer
	}()
	part()
}

func (l *lab) must(err error) {
	if err != nil {
		l.Fatalf("%v", err)
	}
}

func (l *lab) print(format string, args ...any) { fmt.Fprintf(l.out, format, args...) }

// heading begins a table.
func (l *lab) heading(columns string) {
	l.print("\n%s\n|%s\n", columns, strings.Repeat(" --- |", strings.Count(columns, "|")-1))
}

// machine says when and where the figures were taken.
func (l *lab) machine() {
	var kernel string
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = strings.TrimSpace(string(b))
	}
	l.print("Measured %s on Linux %s %s, %d cores, %s.\n", time.Now().UTC().Format(time.DateOnly), kernel, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	l.print("%s", firstLine(l.gnet, "--version"))
	for _, peer := range []string{"netstat", "ss", "ping"} {
		if path, err := nstest.FindPeer(peer); err == nil {
			l.print(" beside %s", firstLine(path, "-V"))
		}
	}
	l.print(".\n")
}

func firstLine(path, arg string) string {
	out, _ := exec.Command(path, arg).Output() // netstat -V exits 5
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
