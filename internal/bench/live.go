package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gnet/internal/nstest"
)

// besideTop is how many idle processes top finds here: a small server has as many, and top reads each of them at each refresh.
const besideTop = 150

// live measures the full-screen views, beside one netstat and beside a top that refreshes as often.
func (l *lab) live() {
	for range besideTop {
		idle := exec.Command("sleep", "3600")
		l.must(idle.Start())
		defer func() {
			idle.Process.Kill()
			idle.Wait()
		}()
	}
	l.print("\nFull-screen views, refreshed every second, and top, which finds %d processes:\n", besideTop)
	l.heading("| what | first picture | beside one `netstat -tn` | pictures a second | CPU | beside `top -d 1` |")
	for _, processes := range []int{1, l.many} {
		sockets := l.socketsEach
		if processes == 1 {
			sockets = l.few
		}
		l.withHolders("tcp", processes, sockets, func(sockets string) { l.watch(sockets) })
	}
	ours := l.onScreen("127.0.0.1", l.gnet, "ping", "--live", "127.0.0.1")
	l.print("| `ping --live`, one host | %s | | %.1f | %.2f %% | %s |\n", short(ours.first), ours.pictures, 100*ours.cpu, l.top(ours))
}

// top says how the processor time of a view stands to that of top.
func (l *lab) top(ours watched) string {
	top, err := exec.LookPath("top")
	if err != nil {
		return "not installed"
	}
	theirs := l.onScreen("PID", top, "-d", "1")
	return fmt.Sprintf("%.2f %%, %.2f times", 100*theirs.cpu, ours.cpu/max(theirs.cpu, 0.0001))
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
	l.print("| `netstat -tn --watch`, %s | %s | %s | %.1f | %.2f %% | %s |\n", sockets, short(ours.first), short(one.wall), ours.pictures, 100*ours.cpu, l.top(ours))
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

// cpuOf is the processor time of the threads of a process (Documentation/scheduler/sched-stats.rst, the first figure of schedstat, in
// nanoseconds): those of utime are hundredths of a second, of which a view at rest takes few.
func (l *lab) cpuOf(pid int) (sum time.Duration) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	l.must(err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		l.must(err)
		sum += time.Duration(ns)
	}
	return sum
}
