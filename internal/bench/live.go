package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"gnet/internal/nstest"
)

// live measures netstat --watch, beside one netstat and beside a top that refreshes as often.
func (l *lab) live() {
	l.print("\n`netstat --watch`, read every second:\n")
	l.heading("| what | first sockets | beside one `netstat -tn` | pictures a second | CPU | beside `top -d 1` |")
	for _, processes := range []int{1, l.many} {
		sockets := l.socketsEach
		if processes == 1 {
			sockets = l.few
		}
		l.withHolders("tcp", processes, sockets, func(sockets string) { l.watch(sockets) })
	}
}

// watched is what a full-screen program took.
type watched struct {
	first    time.Duration // until it showed what was waited for
	pictures float64       // a second
	cpu      float64       // of one processor
}

// watch prints the row of netstat --watch.
func (l *lab) watch(sockets string) {
	one, err := once([]string{l.gnet, "netstat", "-tn"})
	l.must(err)
	ours := l.onScreen("ESTABLISHED", l.gnet, "netstat", "-tn", "--watch")
	beside := "not installed"
	if top, err := exec.LookPath("top"); err == nil {
		theirs := l.onScreen("PID", top, "-d", "1")
		beside = fmt.Sprintf("%.1f %%, %.2f times", 100*theirs.cpu, ours.cpu/max(theirs.cpu, 0.001))
	}
	l.print("| `netstat -tn --watch`, %s | %s | %s | %.1f | %.1f %% | %s |\n", sockets, short(ours.first), short(one.wall), ours.pictures, 100*ours.cpu, beside)
}

// onScreen runs a program on a terminal until it has shown word, and then for a while.
func (l *lab) onScreen(word string, argv ...string) watched {
	cmd := exec.Command(argv[0], argv[1:]...)
	begin := time.Now()
	p := nstest.OnTerminal(l, cmd, 80, 24)
	p.Until(word)
	w := watched{first: time.Since(begin)}
	p.For(2 * time.Second) // what is done once is done
	before, pictures := l.cpuOf(cmd.Process.Pid), bytes.Count(p.Seen(), []byte("\x1b[?2026h"))
	begin = time.Now()
	p.For(l.liveTime)
	seconds := time.Since(begin).Seconds()
	w.cpu = (l.cpuOf(cmd.Process.Pid) - before).Seconds() / seconds
	w.pictures = float64(bytes.Count(p.Seen(), []byte("\x1b[?2026h"))-pictures) / seconds
	p.Write("q")
	p.Wait()
	return w
}

// cpuOf is the processor time of a process (utime and stime, proc_pid_stat(5), in hundredths of a second).
func (l *lab) cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	l.must(err)
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	l.must(err)
	system, err := strconv.Atoi(fields[12])
	l.must(err)
	return time.Duration(user+system) * 10 * time.Millisecond
}
