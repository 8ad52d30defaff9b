package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"gnet/internal/nstest"
)

// idleProcesses is how many idle processes top finds here beside those that hold the sockets: a bare machine has no fewer, and top reads
// each of them at each refresh.
const idleProcesses = 55

// live measures the full-screen views, beside one netstat and beside a top that refreshes as often.
func (l *lab) live() {
	for range idleProcesses {
		idle := exec.Command("sleep", "3600")
		l.must(idle.Start())
		defer func() {
			idle.Process.Kill()
			idle.Wait()
		}()
	}
	l.print("\nFull-screen views, refreshed every second, each at the same time as a top that finds %d processes and those that hold the sockets:\n", idleProcesses)
	l.heading("| what | first picture | beside one `netstat -tn` | pictures a second | CPU | beside `top -d 1` | memory |")
	l.withHolders("tcp", 1, l.few, func(sockets string) { l.watch(sockets + ", at rest") })
	for _, processes := range []int{1, l.many} {
		sockets := l.socketsEach
		if processes == 1 {
			sockets = l.few
		}
		l.withHolders("tcp", processes, sockets, func(sockets string) {
			defer l.moving()()
			l.watch(sockets + ", one of them moves")
		})
	}
	for _, v := range []struct{ name, word, line string }{
		{"`ping --live`, one host", "127.0.0.1", "ping --live 127.0.0.1"},
		{"`tracepath --live`, one hop", "127.0.0.1", "tracepath -n --live 127.0.0.1"},
		{"`trace tcp --step`", "begins", "trace tcp --link memory --step"},
	} {
		l.besideTop(v.name, "", v.word, append([]string{l.gnet}, strings.Fields(v.line)...)...)
	}
	l.firstPictures()
}

// firstPictures are those of all views, each beside the command without its view from its start to its end, on a terminal too.
func (l *lab) firstPictures() {
	stored := filepath.Join(l.dir, "step.json")
	text, err := exec.Command(l.gnet, "trace", "tcp", "--link", "memory", "--json").Output()
	l.must(err)
	l.must(os.WriteFile(stored, text, 0o600))
	l.print("\nFirst picture of a view, the middle of %d, and the whole command without the view on the same terminal:\n", l.rounds)
	l.heading("| what | first picture | without | times |")
	for _, v := range []struct{ name, word, view, plain string }{
		{"netstat -tn --watch", "Proto", "netstat -tn --watch", "netstat -tn"},
		{"trace tcp --step", "begins", "trace tcp --link memory --step", "trace tcp --link memory"},
		{"trace show --step", "begins", "trace show --step " + stored, "trace show " + stored},
		{"tracepath --live", "127.0.0.1", "tracepath -n --live 127.0.0.1", "tracepath -n 127.0.0.1"},
		{"ping --live", "127.0.0.1", "ping --live 127.0.0.1", "ping -c1 127.0.0.1"},
	} {
		var first, whole []time.Duration
		for range l.rounds {
			w := l.open(v.word, append([]string{l.gnet}, strings.Fields(v.view)...)...)
			w.quit()
			first = append(first, w.first)
			whole = append(whole, l.onTerminal(append([]string{l.gnet}, strings.Fields(v.plain)...)))
		}
		ours, plain := middle(first), middle(whole)
		l.print("| `%s` | %s | %s | %.2f |\n", v.name, short(ours), short(plain), float64(ours)/float64(plain))
	}
}

// onTerminal is how long a command takes there.
func (l *lab) onTerminal(argv []string) time.Duration {
	begin := time.Now()
	nstest.OnTerminal(l, exec.Command(argv[0], argv[1:]...), 80, 24).Wait()
	return time.Since(begin)
}

// watched is a full-screen program, and what it took.
type watched struct {
	terminal *nstest.Terminal
	cmd      *exec.Cmd
	first    time.Duration // until it showed what was waited for
	pictures int
	cpu      time.Duration
}

func (w *watched) pid() int { return w.cmd.Process.Pid }

// drawn counts the pictures so far of a view of gnet: each is one synchronized update (DEC private mode 2026).
func (w *watched) drawn() int { return bytes.Count(w.terminal.Seen(), []byte("\x1b[?2026h")) }

func (w *watched) quit() {
	w.terminal.Write("q")
	w.terminal.Wait()
}

// moving keeps a connection moving, faster and faster, until stop is called: a picture that is like the one before is not sent.
func (l *lab) moving() (stop func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	l.must(err)
	conn, err := net.Dial("tcp", listener.Addr().String())
	l.must(err)
	far, err := listener.Accept()
	l.must(err)
	go io.Copy(io.Discard, far)
	go func() {
		defer far.Close()
		for n := 100; ; n += 20 {
			if _, err := conn.Write(make([]byte, n)); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return func() { conn.Close(); listener.Close() }
}

// watch prints the row of netstat --watch.
func (l *lab) watch(sockets string) {
	var first, one []time.Duration
	for range l.rounds {
		classic, err := once([]string{l.gnet, "netstat", "-tn"})
		l.must(err)
		w := l.open("ESTABLISHED", l.gnet, "netstat", "-tn", "--watch")
		w.quit()
		first, one = append(first, w.first), append(one, classic.wall)
	}
	l.besideTop("`netstat -tn --watch`, "+sockets, short(middle(first))+" | "+short(middle(one)), "ESTABLISHED", l.gnet, "netstat", "-tn", "--watch")
}

// besideTop shows a view and a top at once for a while, so that both have the same machine, and prints the row. first are the two cells of
// the first picture; empty for that of this run.
func (l *lab) besideTop(what, first, word string, argv ...string) {
	ours := l.open(word, argv...)
	shown := []*watched{ours}
	if top, err := exec.LookPath("top"); err == nil {
		shown = append(shown, l.open("PID", top, "-d", "1"))
	}
	onScreen(2*time.Second, shown) // what is done once is done
	for _, w := range shown {
		w.cpu, w.pictures = -l.cpuOf(w.pid()), -w.drawn()
	}
	begin := time.Now()
	onScreen(l.liveTime, shown)
	seconds := time.Since(begin).Seconds()
	beside := "not installed"
	for _, w := range shown {
		w.cpu += l.cpuOf(w.pid())
		w.pictures += w.drawn()
	}
	share := func(w *watched) float64 { return w.cpu.Seconds() / seconds }
	if len(shown) > 1 {
		beside = fmt.Sprintf("%.2f %%, %.2f times", 100*share(shown[1]), share(ours)/max(share(shown[1]), 0.0001))
	}
	if first == "" {
		first = short(ours.first) + " | "
	}
	l.print("| %s | %s | %.1f | %.2f %% | %s | %s |\n", what, first, float64(ours.pictures)/seconds, 100*share(ours), beside, l.peak(ours.pid()))
	for _, w := range shown {
		w.quit()
	}
}

// onScreen lets programs run on their terminals for that long.
func onScreen(d time.Duration, shown []*watched) {
	var done sync.WaitGroup
	for _, w := range shown {
		done.Go(func() { w.terminal.For(d) })
	}
	done.Wait()
}

// open starts a program on a terminal and returns when it has shown word.
func (l *lab) open(word string, argv ...string) *watched {
	w := &watched{cmd: exec.Command(argv[0], argv[1:]...)}
	begin := time.Now()
	w.terminal = nstest.OnTerminal(l, w.cmd, 80, 24)
	w.terminal.Until(word)
	w.first = time.Since(begin)
	return w
}

// peak is VmHWM (proc_pid_status(5)), the most memory that a process has had.
func (l *lab) peak(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	l.must(err)
	_, rest, _ := strings.Cut(string(text), "\nVmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(line), " kB"))
	l.must(err)
	return fmt.Sprintf("%.0f MiB", float64(kib)/1024)
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
