package main

import (
	"os/exec"
	"strconv"

	"gnet/internal/nstest"
)

// echoes measures ping on the loopback interface, each request sent when the
// answer to the last has come. The figures are per echo.
func (l *lab) echoes() {
	const what = "`ping -q -i 0 127.0.0.1`, per echo"
	original, err := nstest.FindPeer("ping")
	if err != nil {
		l.print("| %s | | %v | | | |\n", what, err)
		return
	}
	args := []string{"-n", "-q", "-c", strconv.Itoa(l.echoCount), "-i", "0", "127.0.0.1"}
	ours, theirs := append([]string{l.gnet, "ping"}, args...), append([]string{original}, args...)
	for _, p := range [][]string{ours, theirs} {
		if out, err := exec.Command(p[0], p[1:]...).CombinedOutput(); err != nil {
			l.Fatalf("%v: %v\n%s", p, err, out)
		}
	}
	medians, err := contest(l.rounds, ours, theirs)
	l.must(err)
	l.row(what, medians[0], medians[1], l.echoCount)
}
