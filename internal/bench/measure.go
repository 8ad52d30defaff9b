package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"gnet/internal/nstest"
)

// sample is what one run of a program took. The largest resident size is not
// among it: Linux counts the parent's into it (fs/exec.c, exec_mmap).
type sample struct {
	wall, cpu time.Duration
}

// once runs a program and measures it, from before its start to its end.
func once(path string, args []string) (sample, error) {
	cmd := exec.Command(path, args...)
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return sample{}, err
	}
	state := cmd.ProcessState
	return sample{wall: wall, cpu: state.UserTime() + state.SystemTime()}, nil
}

// contest runs several programs in turn and returns each one's medians.
func contest(rounds int, programs ...[]string) ([]sample, error) {
	runs := make([][]sample, len(programs))
	for range rounds {
		for i, p := range programs {
			s, err := once(p[0], p[1:])
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], s)
		}
	}
	medians := make([]sample, len(programs))
	for i := range runs {
		medians[i] = median(runs[i])
	}
	return medians, nil
}

// median is taken of each figure by itself.
func median(runs []sample) sample {
	middle := func(figure func(sample) time.Duration) time.Duration {
		values := make([]time.Duration, len(runs))
		for i, r := range runs {
			values[i] = figure(r)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return sample{
		wall: middle(func(s sample) time.Duration { return s.wall }),
		cpu:  middle(func(s sample) time.Duration { return s.cpu }),
	}
}

// compare prints one row: gnet's command beside the original of the same name.
func (l *lab) compare(what string, name string, args ...string) {
	original, err := nstest.FindPeer(name)
	if err != nil {
		l.print("| %s | | %v | | | |\n", what, err)
		return
	}
	ours := append([]string{l.gnet, name}, args...)
	theirs := append([]string{original}, args...)
	l.sameLines(ours, theirs)
	medians, err := contest(l.rounds, ours, theirs)
	l.must(err)
	l.row(what, medians[0], medians[1], 1)
}

// sameLines ends the run if both do not print the same number of lines: then
// they did not do the same work.
func (l *lab) sameLines(ours, theirs []string) {
	var count [2]int
	for i, p := range [][]string{ours, theirs} {
		out, err := exec.Command(p[0], p[1:]...).Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			l.must(err)
		}
		count[i] = bytes.Count(out, []byte("\n"))
	}
	if count[0] != count[1] {
		l.Fatalf("%v prints %d lines, %v %d", ours, count[0], theirs, count[1])
	}
}

// row prints the medians of both, divided by the number of operations per run.
func (l *lab) row(what string, gnet, original sample, operations int) {
	n := time.Duration(operations)
	l.print("| %s | %s | %s | %s | %s | %s |\n", what,
		short(gnet.wall/n), short(original.wall/n), ratio(gnet.wall, original.wall), short(gnet.cpu/n), short(original.cpu/n))
}

// ratio is gnet's share of the original's time: below 1 is faster.
func ratio(gnet, original time.Duration) string {
	if original == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(gnet)/float64(original))
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
