package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"gnet/internal/nstest"
)

const (
	// inFlightMemory is what gnet may take for the targets of inFlight, in MiB.
	inFlightMemory = 256
	// answerTime is how long the probes of inFlight stay under way.
	answerTime = 4 * time.Second
)

// targets measures ping with many targets beside fping: the hosts of a /24 once,
// and a hundred times each, all on the loopback interface.
func (l *lab) targets() {
	const network = "127.0.0.0/24"
	l.print("\nThe 254 hosts of %s:\n", network)
	l.heading("| what | wall gnet | wall fping | ratio | at most | CPU gnet | CPU fping | ratio | at most |")
	fping, err := nstest.FindPeer("fping")
	if err != nil {
		l.print("| %v | | | | | | | | |\n", err)
	} else {
		l.sweepRow("once", []string{l.gnet, "ping", "-q", "-c", "1", "--pps", "0", "--range", network},
			[]string{fping, "-q", "-i", "0", "-g", network}, 2.0, 0)
		l.sweepRow(fmt.Sprintf("%d times, every 10 ms", l.sweepRounds),
			[]string{l.gnet, "ping", "-q", "-c", fmt.Sprint(l.sweepRounds), "-i", "0.01", "--pps", "0", "--range", network},
			[]string{fping, "-q", "-i", "0", "-p", "10", "-c", fmt.Sprint(l.sweepRounds), "-g", network}, 0, 0.8)
	}
	l.inFlight()
}

func (l *lab) sweepRow(what string, gnet, fping []string, wall, cpu float64) {
	medians, err := contest(l.sweepRuns, gnet, fping)
	l.must(err)
	ours, theirs := medians[0], medians[1]
	l.print("| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", what,
		short(ours.wall), short(theirs.wall), ratio(ours.wall, theirs.wall), target(float64(ours.wall)/float64(theirs.wall), wall),
		short(ours.cpu), short(theirs.cpu), ratio(ours.cpu, theirs.cpu), target(float64(ours.cpu)/float64(theirs.cpu), cpu))
}

// inFlight pings hosts that do not answer, behind a cable to a host that drops
// their packets, and hosts that do, on the loopback interface.
func (l *lab) inFlight() {
	here, sink := nstest.Here(l), nstest.NewHost(l, "sink")
	nstest.Connect(l, 1500, nstest.End{Host: here, Name: "many", Addrs: []string{"10.98.0.1/24"}},
		nstest.End{Host: sink, Name: "sink", Addrs: []string{"10.98.0.2/24"}})
	here.AddRoute(l, "10.96.0.0/15", "10.98.0.2")
	l.print("\n%s targets, one probe to each:\n", thousands(l.manyTargets))
	l.heading("| what | sent in | answered | memory | at most |")
	for _, row := range []struct{ what, first string }{{"no answer: all are under way", "10.96"}, {"all answer", "127.1"}} {
		net, host := l.manyTargets/65536, l.manyTargets%65536
		family, low, _ := strings.Cut(row.first, ".")
		var second int
		fmt.Sscan(low, &second)
		last := fmt.Sprintf("%s.%d.%d.%d", family, second+net, host/256, host%256)
		args := []string{"ping", "-q", "-c", "1", "--pps", "0", "-W", fmt.Sprint(answerTime.Seconds()), "--range", row.first + ".0.1-" + last, "--json"}
		l.inFlightRow(row.what, args)
	}
}

// inFlightRow prints what one run took. Its memory is that of another one, which
// runs slower because it is traced.
func (l *lab) inFlightRow(what string, args []string) {
	out, _ := exec.Command(l.gnet, args...).Output() // exits 1 when targets do not answer
	var document struct {
		Summary struct {
			Transmitted int           `json:"transmitted"`
			Answered    int           `json:"answered"`
			Elapsed     time.Duration `json:"elapsed_ns"`
		} `json:"summary"`
	}
	l.must(json.Unmarshal(out, &document))
	s := document.Summary
	if s.Transmitted != l.manyTargets || s.Elapsed >= answerTime {
		l.Fatalf("%s: %d of %d probes were sent, in %v", what, s.Transmitted, l.manyTargets, s.Elapsed)
	}
	size, err := peak(append([]string{l.gnet}, args...))
	l.must(err)
	l.print("| %s | %s | %s | %s | %s MiB |\n", what, short(s.Elapsed), thousands(s.Answered), mebi(size), target(float64(size)/1024, inFlightMemory))
}
