package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gnet/internal/nstest"
)

// hello is the yardstick for start-up: the least a Go program with networking
// needs.
const hello = `package main

import (
	"fmt"
	"net"
)

func main() { fmt.Println("hello", net.IPv4zero) }
`

// startAtMost is how often the time of a Go program that prints one line a start
// may take.
const startAtMost = 1.8

// start measures what every command pays before it does anything.
func (l *lab) start() {
	l.startUp()
	l.packageInit()
}

// startUp measures how long the smallest runs take, beside a Go program that
// imports net, built here, and beside the original.
func (l *lab) startUp() {
	yardstick := l.buildHello(l.dir)
	programs := [][]string{{yardstick}, {l.gnet, "--version"}, {l.gnet, "netstat", "-h"}, {l.gnet, "route", "-n"}, {l.gnet, "ping", "-V"},
		{l.gnet, "ping", "-c1", "127.0.0.1"}}
	if netstat, err := nstest.FindPeer("netstat"); err == nil {
		programs = append(programs, []string{netstat, "-h"})
	}
	if ping, err := nstest.FindPeer("ping"); err == nil {
		programs = append(programs, []string{ping, "-c1", "127.0.0.1"})
	}
	atMost := func(argv []string) float64 {
		switch {
		case argv[0] != l.gnet:
			return 0
		case slices.Contains(argv, "-c1"):
			return 3
		}
		return startAtMost
	}
	medians, err := contest(l.starts, programs...)
	l.must(err)
	l.print("\nStart-up, beside a Go program that imports net and prints one line:\n")
	l.heading("| what | wall | ratio | at most | CPU |")
	for i, m := range medians {
		name := strings.Join(append([]string{filepath.Base(programs[i][0])}, programs[i][1:]...), " ")
		l.print("| `%s` | %s | %s | %s | %s |\n", name, short(m.wall), ratio(m.wall, medians[0].wall),
			target(float64(m.wall)/float64(medians[0].wall), atMost(programs[i])), short(m.cpu))
	}
}

// buildHello builds the yardstick in dir and returns a copy of it beside gnet.
func (l *lab) buildHello(dir string) string {
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "hello")
	l.must(os.WriteFile(source, []byte(hello), 0o644))
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		l.Fatalf("go build: %v\n%s", err, out)
	}
	return l.installed(filepath.Dir(l.gnet), binary)
}

// packageCost is one line of GODEBUG=inittrace=1.
type packageCost struct {
	name    string
	ms      float64
	bytes   int
	objects int
}

// packageInit prints what each package costs before main begins: every command pays it.
func (l *lab) packageInit() {
	cmd := exec.Command(l.gnet, "--version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	cmd.Stderr = &trace
	l.must(cmd.Run())
	costs := parseTrace(trace.String())
	if len(costs) == 0 {
		l.Fatalf("no package in the trace: %q", trace.String())
	}
	l.print("\nInitialisation of each package that has any, before main (`GODEBUG=inittrace=1`):\n")
	l.heading("| package | time | allocated | objects |")
	var sum packageCost
	for _, c := range costs {
		l.print("| %s | %.3f ms | %d B | %d |\n", c.name, c.ms, c.bytes, c.objects)
		sum.ms, sum.bytes, sum.objects = sum.ms+c.ms, sum.bytes+c.bytes, sum.objects+c.objects
	}
	l.print("| all %d | %.3f ms | %d B | %d |\n", len(costs), sum.ms, sum.bytes, sum.objects)
}

// parseTrace reads lines as "init internal/bytealg @0.008 ms, 0.001 ms clock,
// 0 bytes, 0 allocs", the costliest first.
func parseTrace(trace string) []packageCost {
	var costs []packageCost
	for line := range strings.Lines(trace) {
		var c packageCost
		var at float64
		if n, _ := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &c.name, &at, &c.ms, &c.bytes, &c.objects); n == 5 {
			costs = append(costs, c)
		}
	}
	slices.SortStableFunc(costs, func(a, b packageCost) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(b.bytes, a.bytes))
	})
	return costs
}
