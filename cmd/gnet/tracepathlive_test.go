package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/nstest"
	"gnet/ping/path"
)

// TestTracepathLive: the screen of a path with all that hops can be, before and behind its end, after keys and another size.
func TestTracepathLive(t *testing.T) {
	a := netip.MustParseAddr
	hops := []path.Hop{
		{TTL: 1, From: []netip.Addr{a("192.0.2.1")}, Sent: 20, Answered: 20, Min: 400 * time.Microsecond, Mean: 500 * time.Microsecond, Max: 2 * time.Millisecond},
		{TTL: 2, Sent: 20},
		{TTL: 3, From: []netip.Addr{a("198.51.100.7"), a("2001:db8:1234:5678:9abc:def0:1234:5678")}, Sent: 20, Answered: 13, Min: 11 * time.Millisecond, Mean: 12 * time.Millisecond, Max: 210 * time.Millisecond},
		{TTL: 4, Err: unix.EPERM},
		{TTL: 5, From: []netip.Addr{a("203.0.113.9")}, Sent: 20, Answered: 20, Min: 30 * time.Millisecond, Mean: 31 * time.Millisecond, Max: 33 * time.Millisecond},
	}
	for _, size := range liveSizes {
		v := &hopView{title: "\x1b[31mevil\u202e (203.0.113.9)", mtus: map[int]string{}}
		screens := startLive(t, v, live.Options{}, size[0], size[1])
		screens.note("start")
		v.learn(hops[:2], 1500, 0, map[int]string{1: "1500"})
		screens.Tick(time.Time{})
		screens.note("two hops")
		v.now = 83 * time.Second
		v.learn(hops, 1400, 20, map[int]string{3: "~1400"})
		screens.press("Down", "End", "Up", "Up")
		screens.Resize(50, 8)
		screens.note("resized to 50x8")
		liveGolden(t, fmt.Sprintf("tracepath-%dx%d.txt", size[0], size[1]), screens.out.String())
	}
}

// TestTracepathLive_terminal: the real program on a real terminal prints what it prints without the view.
func TestTracepathLive_terminal(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := publicDir(t) + "/tracepath"
		copyExecutable(t, gnet)
		vary := regexp.MustCompile(`\d+\.\d+(ms)?|(?m)(  +\d+){2}( +0%.*)?$`)
		plain := lab.client.Run(t, gnet, "-n", "--rounds", "2", labServer4)
		for _, args := range []string{"--live -n " + labServer4, "--live -n --rounds 3 " + labServer4} {
			p := nstest.OnTerminal(t, exec.Command(gnet, strings.Fields(args)...), 80, 24)
			p.Until("path MTU 1400")
			p.Until("10.77.3.2")
			p.Write("j")
			if !strings.Contains(args, "rounds") {
				p.Write("q")
			}
			status := p.Wait()
			p.WantClean()
			text := string(p.Seen())
			text = strings.ReplaceAll(text[strings.LastIndex(text, "\x1b[?1049l"):], "\r\n", "\n")
			if at := strings.Index(text, " 1?: [LOCALHOST]"); at >= 0 {
				text = text[at:]
			}
			got, want := vary.ReplaceAllString(text, "_"), vary.ReplaceAllString(plain.Stdout, "_")
			if got != want || status != 0 {
				t.Errorf("%s: status %d\n%s\nwant\n%s", args, status, got, want)
			}
		}
		for args, want := range map[string]nstest.Result{
			"--live --json " + labServer4: {Status: 1, Stderr: "tracepath: --live and --format and --json: rows for programs and a picture do not share standard output\n"},
			"--live " + labServer4: {Status: 2, Stderr: "tracepath: --live: no terminal: open /dev/tty: no such device or address\n" +
				"hint: without --live tracepath prints lines; --rounds N adds a table, --json makes rows\n"},
		} {
			if got := lab.client.Run(t, "setsid", append([]string{"-w", gnet}, strings.Fields(args)...)...); got != want {
				t.Errorf("%s: %+v, want %+v", args, got, want)
			}
		}
	})
}
