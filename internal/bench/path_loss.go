package main

import (
	"fmt"
	"os/exec"
	"strings"

	"gnet/internal/nstest"
)

// lossRows prints how often ping --pmtu is right although packets are lost: over a
// simulated path with seeds, where each run can be repeated, and over real kernels
// that lose packets by chance.
func (l *lab) lossRows() {
	l.seededRows()
	for _, c := range []struct{ roundTrips, oneWay int }{{10, 5}, {28, 15}} {
		for _, dark := range []bool{false, true} {
			l.lossyRow(c.roundTrips, c.oneWay, dark)
		}
	}
}

// seededRows runs the test that has the simulated path, and shows what it says.
func (l *lab) seededRows() {
	out, err := exec.Command("go", "test", "-count=1", "-v", "-run", "^TestMeasure_loss$", "gnet/ping/path").CombinedOutput()
	rows := seededRuns(string(out))
	if len(rows) == 0 {
		l.Fatalf("go test: %v\n%s", err, out)
	}
	for _, r := range rows {
		atMost := fmt.Sprintf("right in %d", r.runs)
		if r.right != r.runs {
			atMost += " (missed)"
		}
		l.print("| `ping --pmtu`, seeded losses: %s | right in %d of %d | %d | %s | | | |\n", r.name, r.right, r.runs, r.rounds, atMost)
	}
}

// seeded is what the test says of one kind of path.
type seeded struct {
	name                string
	right, runs, rounds int
}

// seededRuns reads the output of the test.
func seededRuns(out string) []seeded {
	var rows []seeded
	var r seeded
	for line := range strings.Lines(out) {
		if _, name, ok := strings.Cut(line, "=== RUN   TestMeasure_loss/"); ok {
			r = seeded{name: strings.ReplaceAll(strings.TrimSpace(name), "_", " ")}
		}
		_, text, ok := strings.Cut(line, ": right in ")
		if !ok {
			continue
		}
		if n, err := fmt.Sscanf(text, "%d of %d runs, at most %d rounds", &r.right, &r.runs, &r.rounds); n == 3 && err == nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// lossyRow measures a path on which a router loses packets.
func (l *lab) lossyRow(roundTrips, oneWay int, dark bool) {
	c := pathCase{name: fmt.Sprintf("loss of %d %% of the round trips", roundTrips), mtus: nstest.PathMTUs(), set: func(l *lab, p *nstest.Path) {
		p.Drop(l, 1, fmt.Sprintf("ip ttl < 100 numgen random mod 100 < %d", oneWay))
		if dark {
			p.Blind(l, 2)
		}
	}}
	if dark {
		c.name += ", black hole"
	}
	right, rounds := 0, 0
	for range l.lossyRuns {
		l.inPath(&c, func(server string) {
			s := l.askPath(l.gnet, "ping", "--pmtu", "-q", "--json", server)
			rounds = max(rounds, s.Rounds)
			if s.Exact && s.Forward == 1400 {
				right++
			}
		})
	}
	atMost := fmt.Sprintf("right in %d", l.lossyRuns)
	if right != l.lossyRuns {
		atMost += " (missed)"
	}
	l.print("| `ping --pmtu`, %s | right in %d of %d | %d | %s | | | |\n", c.name, right, l.lossyRuns, rounds, atMost)
}
