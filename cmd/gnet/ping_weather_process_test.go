package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// How a run ends, and what it has said by then.
func TestPingWeather_signals(t *testing.T) {
	const replies = "64 bytes from 10.77.1.2: icmp_seq=1 ttl=64 time=T ms\n64 bytes from 10.77.1.2: icmp_seq=2 ttl=64 time=T ms\n"
	const summary = "2 packets transmitted, 2 received, 0% packet loss, time Tms\n"
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		for _, tt := range []struct {
			name    string
			line    string
			signals []os.Signal
			want    string
		}{
			{"SIGINT", "-l2 -i99 ", []os.Signal{unix.SIGINT}, replies + summary + "status 0"},
			{"SIGTERM", "-l2 -i99 ", []os.Signal{unix.SIGTERM}, replies + summary + "status 0"},
			{"two SIGINT", "-l2 -i99 ", []os.Signal{unix.SIGINT, unix.SIGINT}, replies + summary + "status 0"},
			{"SIGTERM, document", "--format jsonl -l2 -i99 ", []os.Signal{unix.SIGTERM}, ""},
		} {
			r := w.start(tt.line + weatherServer4)
			if tt.want == "" {
				r.await(`"seq":2`)
				if got := r.end(tt.signals...); got.Status != 0 || !strings.Contains(got.Stdout, `{"kind":"summary",`) {
					t.Errorf("%s: no summary: %+v", tt.name, got)
				}
				continue
			}
			r.await("icmp_seq=2")
			got := transcript(normalisePingResult(r.end(tt.signals...)))
			// The second SIGINT may come before the summary is out: then it ends the program.
			if tt.name == "two SIGINT" && got == replies+"status 130" {
				continue
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

// A second SIGINT ends a run that hangs on a name server or on its own output.
func TestPingWeather_secondInterrupt(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		// A pipe with room for a page: some lines, and then no more.
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(ends[0])
		for chunk := make([]byte, 1<<16); len(chunk) > 0; {
			if _, err := unix.Write(ends[1], chunk); err != nil {
				chunk = chunk[:len(chunk)/2]
			}
		}
		if _, err := unix.Read(ends[0], make([]byte, os.Getpagesize())); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetNonblock(ends[1], false); err != nil {
			t.Fatal(err)
		}
		writeEnd := os.NewFile(uintptr(ends[1]), "full pipe")
		cmd := exec.Command(w.gnet, "-i.002", weatherServer4)
		cmd.Stdout = writeEnd
		w.client.Start(t, cmd)
		writeEnd.Close()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		waiting := func() int {
			n, err := unix.IoctlGetInt(ends[0], unix.TIOCINQ)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		empty := 16*os.Getpagesize() - os.Getpagesize()
		for before := empty; before == empty || before != waiting(); time.Sleep(500 * time.Millisecond) {
			before = waiting() // until it has written, and writes no more
		}
		for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			cmd.Process.Signal(unix.SIGINT)
			select {
			case <-ended:
				return
			default:
			}
			if time.Now().After(end) {
				t.Fatal("SIGINT does not end a ping whose output nobody reads")
			}
		}
	})
}

// A run that was stopped goes on where the clock is, and does not send what it
// has missed: it has sent no more than the time that it ran allows. A machine
// that is slow only makes that less.
func TestPingWeather_stopped(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		seen := make(chan uint16, 1<<16)
		defer w.server.Respond(t, false, func(r *responder, q echoRequest) {
			r.Reply(q, q.Answer())
			seen <- q.Seq
		})()
		const interval = 50 * time.Millisecond
		r := w.start("-i .05 " + weatherServer4)
		for range 3 {
			<-seen
		}
		paused, last := time.Duration(0), uint16(0)
		// Not SIGTSTP: the kernel ignores it in an orphaned process group.
		for range 2 {
			if err := r.cmd.Process.Signal(unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			if err := unix.Waitid(unix.P_PID, r.cmd.Process.Pid, nil, unix.WSTOPPED, nil); err != nil {
				t.Fatal(err)
			}
			stopped := time.Now()
			time.Sleep(20 * interval)
			for len(seen) > 0 {
				last = <-seen
			}
			paused += time.Since(stopped)
			if err := r.cmd.Process.Signal(unix.SIGCONT); err != nil {
				t.Fatal(err)
			}
			last = max(last+1, <-seen)
		}
		r.await(fmt.Sprintf("icmp_seq=%d ", last))
		if n := strings.Count(r.stdout.String(), " bytes from "); n != int(last) {
			t.Errorf("%d answers up to number %d:\n%s", n, last, r.stdout.String())
		}
		got := r.end(unix.SIGINT)
		var sent, received, loss, elapsed int
		_, summary, _ := strings.Cut(got.Stdout, " ping statistics ---\n")
		if _, err := fmt.Sscanf(summary, "%d packets transmitted, %d received, %d%% packet loss, time %dms", &sent, &received, &loss, &elapsed); err != nil || got.Status != 0 {
			t.Fatalf("after a stop: %v: %+v", err, got)
		}
		// Each of the three parts may begin with one at once, and one that was late.
		ran := time.Duration(elapsed)*time.Millisecond - paused
		if most := int(ran/interval) + 6; sent > most {
			t.Errorf("%d requests in %v without the pauses, at most %d are due", sent, ran, most)
		}
	})
}

// What ping is given for its standard streams does not end it: nothing is read,
// a reader that leaves is a quiet end, a full disk a failure, and without
// standard error the rest goes on.
func TestPingWeather_streams(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		full := "ping: write error: write /dev/stdout: no space left on device\n"
		for _, tt := range []struct {
			name, command, stdout, stderr string
			status                        int
		}{
			{"no standard input", "PING -c2 -i.05 10.77.1.2 <&- | grep -c ' bytes from '", "2\n", "", 0},
			// The runtime puts /dev/null in the place of what is closed.
			{"no standard output", "PING -c1 10.77.1.2 >&-", "", "", 0},
			{"no standard error", "PING -c2 -i.05 -M do -s 3000 10.77.1.2 2>&- | grep -c '2 not sent'", "1\n", "", 0},
			{"standard error is full", "PING -c2 -i.05 -M do -s 3000 10.77.1.2 2>/dev/full | grep -c '2 not sent'", "1\n", "", 0},
			{"a reader that leaves", "PING -i.05 10.77.1.2 | head -n 2 | wc -l", "2\n", "", 0},
			{"a reader that leaves a document", "PING --format jsonl -i.05 10.77.1.2 | head -n 2 | wc -l", "2\n", "", 0},
			{"a reader that leaves, with names", "PING -i.05 localhost | head -n 2 | wc -l", "2\n", "", 0},
			{"a full disk", "PING -i.05 10.77.1.2 >/dev/full", "", full, 1},
			{"a full disk, document", "PING --json -i.05 10.77.1.2 >/dev/full", "", full, 1},
			{"a full disk, quietly", "PING -q -c1 10.77.1.2 >/dev/full", "", full, 1},
			{"a full disk, flood", "PING -f 10.77.1.2 >/dev/full", "", full, 1},
		} {
			command := "export PATH=/usr/bin:/bin; " + strings.ReplaceAll(tt.command, "PING", w.gnet)
			got := w.client.Run(t, "/bin/sh", "-c", command)
			got.Stderr = withoutHints(got.Stderr)
			want := nstest.Result{Stdout: tt.stdout, Stderr: tt.stderr, Status: tt.status}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", tt.name, tt.command, diff)
			}
		}
	})
}

// Without rights the message says which right and which sysctl; what is wrong
// with the line is said first, and opens no socket.
func TestPingWeather_noRights(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		w := newWeather(t)
		nobody := asNobody(t)
		for _, host := range []string{weatherServer4, weatherServer6} {
			got := w.ran("-c1 "+host, nobody)
			want := nstest.Result{Status: 2, Stderr: "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\n" +
				"ping: => missing cap_net_raw+p capability or setuid?\n" +
				"hint: a group of yours in sysctl net.ipv4.ping_group_range is enough, for IPv6 too\n"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ping %s without rights (-want +got):\n%s", host, diff)
			}
		}
		// No socket can be opened: whoever tried would have said so.
		for line, want := range map[string]string{
			"-c 0":          "invalid argument: '0': out of range: 1 <= value <= 9223372036854775807",
			"-c 1x":         "invalid argument: '1x'",
			"-i -1":         "bad timing interval: -1",
			"-i abc":        "bad timing interval: abc",
			"-i 0.2x":       "bad timing interval: 0.2x",
			"-i nan":        "bad timing interval: nan",
			"-i inf":        "bad timing interval: inf",
			"-W -1":         "bad linger time: -1",
			"-w -1":         "invalid argument: '-1': out of range: 0 <= value <= 2147483647",
			"-t 256":        "invalid argument: '256': out of range: 0 <= value <= 255",
			"-Q 256":        "the decimal value of TOS bits must be in range 0-255: 256",
			"-e 65536":      "invalid argument: '65536': out of range: 0 <= value <= 65535",
			"-l 65537":      "invalid argument: '65537': out of range: 1 <= value <= 65536",
			"-l 4":          "cannot set preload to value greater than 3: 4",
			"-S 0":          "invalid argument: '0': out of range: 1 <= value <= 2147483647",
			"-s -1":         "invalid argument: '-1': out of range: 0 <= value <= 2147483647",
			"-s 65508":      "invalid argument: '65508': out of range: 0 <= value <= 65507",
			"-s 100000":     "invalid argument: '100000': out of range: 0 <= value <= 65507",
			"-6 -s 65528":   "invalid argument: '65528': out of range: 0 <= value <= 65527",
			"-s 2147483647": "invalid argument: '2147483647': out of range: 0 <= value <= 65507",
			"-p 0g":         "patterns must be specified as hex digits: 0g",
			"-t 0":          "cannot set unicast time-to-live: Invalid argument",
			"-M never":      "invalid -M argument: never",
		} {
			host := weatherServer4
			if strings.HasPrefix(line, "-6") {
				host = weatherServer6
			}
			got := w.ran(line+" "+host, nobody)
			if first, _, _ := strings.Cut(got.Stderr, "\n"); first != "ping: "+want || got.Status != 2 || got.Stdout != "" {
				t.Errorf("ping %s: want %q, got %+v", line, want, got)
			}
		}
	})
}
