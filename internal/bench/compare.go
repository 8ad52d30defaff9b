package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"gnet/internal/nstest"
)

// peer is a program that gnet is measured beside.
type peer struct {
	argv []string // the name, which is looked up, and its arguments
	// heads is how many lines it prints more than gnet does for the same rows:
	// ss has one line of titles where netstat has two.
	heads int
	// atMost is the ratio that gnet shall not exceed; 0: none is set.
	atMost float64
}

// contestHeading is the head of the tables that compare prints rows of.
const contestHeading = "| what | peer | gnet | peer's | ratio | at most | CPU gnet | CPU peer |"

// compare prints one row for each peer: gnet's command beside the peer's. All of
// them take turns. Operations is the number that one run makes and the times are
// divided by.
func (l *lab) compare(what string, rounds, operations int, ours string, peers ...peer) {
	programs := [][]string{append([]string{l.gnet}, strings.Fields(ours)...)}
	var found []peer
	for _, p := range peers {
		path, err := nstest.FindPeer(p.argv[0])
		if err != nil {
			l.print("| %s | %v | | | | | | |\n", what, err)
			continue
		}
		found = append(found, p)
		programs = append(programs, slices.Concat([]string{path}, p.argv[1:]))
		l.sameLines(programs[0], programs[len(programs)-1], p.heads)
	}
	medians, err := contest(rounds, programs...)
	l.must(err)
	n := time.Duration(operations)
	for i, p := range found {
		gnet, theirs := medians[0], medians[i+1]
		l.print("| %s | %s | %s | %s | %s | %s | %s | %s |\n", what, p.argv[0], short(gnet.wall/n), short(theirs.wall/n),
			ratio(gnet.wall, theirs.wall), target(float64(gnet.wall)/float64(theirs.wall), p.atMost), short(gnet.cpu/n), short(theirs.cpu/n))
	}
}

// original is the peer that has the same name and options as gnet's command.
func original(command string, atMost float64) peer {
	return peer{argv: strings.Fields(command), atMost: atMost}
}

// ss is iproute2's program with the given options.
func ss(options string, atMost float64) peer {
	return peer{argv: []string{"ss", options}, heads: -1, atMost: atMost}
}

// sameLines ends the run if the peer does not print heads lines more than gnet:
// then they did not do the same work.
func (l *lab) sameLines(ours, theirs []string, heads int) {
	var count [2]int
	for i, p := range [][]string{ours, theirs} {
		out, err := exec.Command(p[0], p[1:]...).Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			l.must(err)
		}
		count[i] = bytes.Count(out, []byte("\n"))
	}
	if count[0]+heads != count[1] {
		l.Fatalf("%v prints %d lines, %v %d", ours, count[0], theirs, count[1])
	}
}

// ratio is gnet's share of the peer's time: below 1 is faster.
func ratio(gnet, peer time.Duration) string {
	if peer == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(gnet)/float64(peer))
}

// target is what a figure was to be at most, and whether it is.
func target(got, atMost float64) string {
	switch {
	case atMost == 0:
		return ""
	case got <= atMost:
		return fmt.Sprint(atMost)
	}
	return fmt.Sprintf("%v (missed)", atMost)
}

// short shows three digits of a duration.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1e3)
}
