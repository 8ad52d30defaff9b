package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processors is what the first line of /proc/stat has counted since boot, in
// clock ticks over all processors (proc_stat(5)).
type processors struct {
	// all is the time of every kind, idle too, and steal the time in which a
	// processor had work but the hypervisor ran somebody else.
	all, steal uint64
}

func (l *lab) processors() processors {
	text, err := os.ReadFile("/proc/stat")
	l.must(err)
	p, err := parseProcessors(string(text))
	l.must(err)
	return p
}

// parseProcessors reads "cpu user nice system idle iowait irq softirq steal
// guest guest_nice". The guests' time is part of user and nice.
func parseProcessors(stat string) (processors, error) {
	const steal, guest = 8, 9
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) <= steal || fields[0] != "cpu" {
		return processors{}, fmt.Errorf("/proc/stat begins with %q", line)
	}
	var p processors
	for i, field := range fields[1:min(len(fields), guest)] {
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return processors{}, fmt.Errorf("/proc/stat: %w", err)
		}
		p.all += ticks
		if i+1 == steal {
			p.steal = ticks
		}
	}
	return p, nil
}

// stolen is a sentence on the time that the hypervisor kept for itself between
// p and now.
func (p processors) stolen(now processors) string {
	all, steal := now.all-p.all, now.steal-p.steal
	if steal == 0 || all == 0 {
		return "No processor time was stolen during this run.\n"
	}
	return fmt.Sprintf("The hypervisor gave %.1f %% of the processors' time to others during this run (steal).\n", 100*float64(steal)/float64(all))
}
