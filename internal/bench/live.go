package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnet/internal/nstest"
)

// besideTop is how many idle processes top finds here beside those that hold the sockets: a bare machine has no fewer, and top reads
// each of them at each refresh.
const besideTop = 55

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
	l.print("\nFull-screen views, refreshed every second, and top, which finds %d processes and those that hold the sockets. One connection moves:\n", besideTop)
	l.heading("| what | first picture | beside one `netstat -tn` | pictures a second | CPU | beside `top -d 1` | memory |")
	for _, processes := range []int{1, l.many} {
		sockets := l.socketsEach
		if processes == 1 {
			sockets = l.few
		}
		l.withHolders("tcp", processes, sockets, func(sockets string) { l.watch(sockets) })
	}
	for _, v := range []struct{ name, word, line string }{
		{"`ping --live`, one host", "127.0.0.1", "ping --live 127.0.0.1"},
		{"`tracepath --live`, one hop", "127.0.0.1", "tracepath -n --live 127.0.0.1"},
		{"`trace tcp --step`", "begins", "trace tcp --link memory --step"},
	} {
		ours := l.onScreen(v.word, append([]string{l.gnet}, strings.Fields(v.line)...)...)
		l.print("| %s | %s | | %.1f | %.2f %% | %s | %s |\n", v.name, short(ours.first), ours.pictures, 100*ours.cpu, l.top(ours), ours.memory)
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
			first = append(first, l.firstPicture(v.word, append([]string{l.gnet}, strings.Fields(v.view)...)))
			whole = append(whole, l.onTerminal(append([]string{l.gnet}, strings.Fields(v.plain)...)))
		}
		ours, plain := middle(first), middle(whole)
		l.print("| `%s` | %s | %s | %.2f |\n", v.name, short(ours), short(plain), float64(ours)/float64(plain))
	}
}

// firstPicture is how long a view takes to show word.
func (l *lab) firstPicture(word string, argv []string) time.Duration {
	begin := time.Now()
	p := nstest.OnTerminal(l, exec.Command(argv[0], argv[1:]...), 80, 24)
	p.Until(word)
	first := time.Since(begin)
	p.Write("q")
	p.Wait()
	return first
}

// onTerminal is how long a command takes there.
func (l *lab) onTerminal(argv []string) time.Duration {
	begin := time.Now()
	nstest.OnTerminal(l, exec.Command(argv[0], argv[1:]...), 80, 24).Wait()
	return time.Since(begin)
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
	memory   string        // the most that was in use
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
	stop := l.moving()
	defer stop()
	var first, one []time.Duration
	for range l.rounds {
		classic, err := once([]string{l.gnet, "netstat", "-tn"})
		l.must(err)
		p, _, took := l.open("ESTABLISHED", l.gnet, "netstat", "-tn", "--watch")
		p.Write("q")
		p.Wait()
		first, one = append(first, took), append(one, classic.wall)
	}
	ours := l.onScreen("ESTABLISHED", l.gnet, "netstat", "-tn", "--watch")
	slices.Sort(first)
	slices.Sort(one)
	l.print("| `netstat -tn --watch`, %s | %s | %s | %.1f | %.2f %% | %s | %s |\n", sockets, short(first[len(first)/2]), short(one[len(one)/2]), ours.pictures, 100*ours.cpu, l.top(ours), ours.memory)
}

// open starts a program on a terminal and returns how long it took to show word.
func (l *lab) open(word string, argv ...string) (*nstest.Terminal, *exec.Cmd, time.Duration) {
	cmd := exec.Command(argv[0], argv[1:]...)
	begin := time.Now()
	p := nstest.OnTerminal(l, cmd, 80, 24)
	p.Until(word)
	return p, cmd, time.Since(begin)
}

// onScreen runs a program on a terminal until it has shown word, and then for a while.
func (l *lab) onScreen(word string, argv ...string) watched {
	p, cmd, first := l.open(word, argv...)
	w := watched{first: first}
	p.For(2 * time.Second) // what is done once is done
	before, pictures := l.cpuOf(cmd.Process.Pid), bytes.Count(p.Seen(), []byte("\x1b[?2026h"))
	begin := time.Now()
	p.For(l.liveTime)
	seconds := time.Since(begin).Seconds()
	w.cpu = (l.cpuOf(cmd.Process.Pid) - before).Seconds() / seconds
	w.pictures = float64(bytes.Count(p.Seen(), []byte("\x1b[?2026h"))-pictures) / seconds
	w.memory = l.peak(cmd.Process.Pid)
	p.Write("q")
	p.Wait()
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
