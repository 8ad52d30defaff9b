package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// path measures how long it takes to find the MTU of a path of five hosts, and what
// the answer is, which is 1400: where routers say that a packet is too long, and
// where the one before the narrow link does not. What the kernel learned of the
// path is forgotten before each run. In a black hole tracepath waits three seconds
// for each hop that does not exist, so that it runs once.
func (l *lab) path() {
	tracepath, err := nstest.FindPeer("tracepath")
	if err != nil {
		l.print("\npath MTU: %v\n", err)
		return
	}
	if _, err := nstest.FindPeer("nft"); err != nil {
		l.print("\npath MTU: %v\n", err)
		return
	}
	l.withoutLink("right")
	p := nstest.NewPath(l, nstest.PathMTUs()...)
	server := p.ServerAddr(false).String()
	ours := []string{l.gnet, "ping", "--pmtu", server}
	theirs := []string{tracepath, "-n", "-m", fmt.Sprint(l.pathHops), server}
	l.heading("| what | gnet | tracepath | ratio | gnet says | tracepath says |")
	l.pathRow("`ping --pmtu`, routers answer", p, l.rounds, ours, theirs)
	p.Blind(l, 2)
	l.pathRow(fmt.Sprintf("`ping --pmtu`, black hole (tracepath -m %d)", l.pathHops), p, 1, ours, theirs)
}

// pathRow prints one row. gnet runs as often in a black hole as elsewhere.
func (l *lab) pathRow(what string, p *nstest.Path, theirRounds int, ours, theirs []string) {
	var times [2][]time.Duration
	var says [2]string
	for round := range l.rounds {
		for i, argv := range [][]string{ours, theirs} {
			if i == 1 && round >= theirRounds {
				continue
			}
			p.Client().Sysctl(l, "net/ipv4/route/flush", "1")
			begin := time.Now()
			out, _ := exec.Command(argv[0], argv[1:]...).Output() // a status is an answer too
			times[i] = append(times[i], time.Since(begin))
			says[i] = pathAnswer(string(out))
		}
	}
	gnet, peer := middle(times[0]), middle(times[1])
	l.print("| %s | %s | %s | %s | %s | %s |\n", what, short(gnet), short(peer), pathRatio(gnet, peer), says[0], says[1])
}

// pathRatio has the digits that a small ratio needs.
func pathRatio(gnet, peer time.Duration) string {
	if peer == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", float64(gnet)/float64(peer))
}

// pathAnswer is the figure that a program comes to, and in how many round trips:
// gnet's rounds, or the probes that tracepath sends one after the other.
func pathAnswer(out string) string {
	first, _, _ := strings.Cut(out, "\n")
	if _, figure, ok := strings.Cut(first, ": "); ok && strings.HasPrefix(first, "path MTU") {
		figure, _, _ = strings.Cut(figure, " bytes")
		_, effort, _ := strings.Cut(out, "effort: ")
		effort, _, _ = strings.Cut(effort, ",")
		return figure + " in " + strings.TrimSpace(effort)
	}
	i := strings.LastIndex(out, "pmtu ")
	if i < 0 {
		return "nothing"
	}
	probes := 0
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 1 && strings.HasSuffix(words[0], ":") && strings.Trim(words[0], "0123456789") == ":" {
			probes++
		}
	}
	return fmt.Sprintf("%s in %d steps", strings.Fields(out[i:])[1], probes)
}

// withoutLink waits until a link of an earlier section is gone: it goes with the
// namespace of its other end, a moment after that is closed.
func (l *lab) withoutLink(name string) {
	c, err := rtnl.Dial()
	l.must(err)
	defer c.Close()
	for range 1000 {
		if _, err := c.LinkByName(name); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.Fatalf("link %s stays: %v", name, unix.EEXIST)
}
