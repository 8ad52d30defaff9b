package main

import (
	"cmp"

	"gnet/procnet"
)

// cgroupsOf remembers the control groups of processes: most hold many sockets.
type cgroupsOf struct {
	fs    procnet.FS
	byPID map[int]procnet.Cgroup
	err   error // the first failure to read one
}

func newCgroupsOf(fs procnet.FS) *cgroupsOf {
	return &cgroupsOf{fs: fs, byPID: make(map[int]procnet.Cgroup)}
}

// of returns the control group of a process.
func (c *cgroupsOf) of(pid int) procnet.Cgroup {
	g, known := c.byPID[pid]
	if !known {
		var err error
		g, err = c.fs.Cgroup(pid)
		c.byPID[pid] = g
		c.err = cmp.Or(c.err, err)
	}
	return g
}

// incomplete reports a failure for which the rows lack something.
func (w *socketWalk) incomplete(err error) {
	if err != nil {
		w.e.warn("%v", err)
		w.failed = true
	}
}
