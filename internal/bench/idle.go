package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gnet/internal/nstest"
)

// idleAtMost is how often an idle ping may wake up while another floods.
const idleAtMost = 2

// idle counts how often a ping that waits for its next turn wakes up while
// another one floods the same host: every answer to the other is offered to its
// raw socket.
func (l *lab) idle() {
	l.print("\nAn idle ping while another sends and receives %s echoes on the same interface:\n", thousands(l.floodCount))
	l.heading("| what | wake-ups | at most |")
	programs := [][]string{{l.gnet, "ping"}}
	if ping, err := nstest.FindPeer("ping"); err == nil {
		programs = append(programs, []string{ping})
	}
	for _, p := range programs {
		wakes, err := l.wakeUps(p)
		l.must(err)
		name, mark := filepath.Base(p[0])+" beside itself", ""
		if p[0] == l.gnet {
			mark = target(float64(wakes), idleAtMost)
		}
		l.print("| `%s` | %d | %s |\n", name, wakes, mark)
	}
}

// wakeUps starts program twice, once to wait and once to flood, and returns how
// often the first one slept and woke meanwhile.
func (l *lab) wakeUps(program []string) (int, error) {
	idle := exec.Command(program[0], append(program[1:], "-n", "-i", "1000", "127.0.0.1")...)
	if err := idle.Start(); err != nil {
		return 0, err
	}
	defer func() { idle.Process.Kill(); idle.Wait() }()
	before, err := settledSwitches(idle.Process.Pid)
	if err != nil {
		return 0, err
	}
	flood := append(program[1:len(program):len(program)], "-n", "-q", "-f", "-c", strconv.Itoa(l.floodCount), "127.0.0.1")
	if _, err := once(append(program[:1:1], flood...)); err != nil {
		return 0, err
	}
	after, err := switches(idle.Process.Pid)
	return after - before, err
}

// settledSwitches returns the count of a process that has come to rest.
func settledSwitches(pid int) (int, error) {
	last := -1
	for range 50 {
		time.Sleep(200 * time.Millisecond)
		now, err := switches(pid)
		if err != nil || now == last {
			return now, err
		}
		last = now
	}
	return 0, errors.New("a ping that waits does not come to rest")
}

// switches returns how often the threads of a process have gone to sleep of
// their own will (voluntary_ctxt_switches, proc_pid_status(5)).
func switches(pid int) (sum int, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("process %d has no threads: %w", pid, err)
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the thread has ended
		}
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		line, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		sum += n
	}
	return sum, nil
}
