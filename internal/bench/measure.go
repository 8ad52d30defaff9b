package main

import (
	"errors"
	"os/exec"
	"slices"
	"time"
)

// sample is what one run of a program took. The largest resident size is not
// among it: Linux counts the parent's into it (fs/exec.c, exec_mmap). See peak.
type sample struct {
	wall, cpu time.Duration
}

// once runs a program and measures it, from before its start to its end.
func once(argv []string) (sample, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
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
			s, err := once(p)
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
	var walls, cpus []time.Duration
	for _, r := range runs {
		walls, cpus = append(walls, r.wall), append(cpus, r.cpu)
	}
	return sample{wall: middle(walls), cpu: middle(cpus)}
}

func middle(values []time.Duration) time.Duration {
	slices.Sort(values)
	return values[len(values)/2]
}
