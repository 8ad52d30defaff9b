package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

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
			if !strings.Contains(args, "rounds") {
				p.Write("jq")
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
