package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"gnet/internal/nstest"
)

// routeChanges measures restore and flush beside iproute2's batches of the same changes, in the table that is full of the section's
// IPv4 routes. Each of the four commands undoes the one before it, so that none of them meets what is already done.
func (l *lab) routeChanges() {
	ip, err := nstest.FindPeer("ip")
	if err != nil {
		l.print("| `route restore` | %v | | | | | | |\n", err)
		return
	}
	saved := filepath.Join(l.dir, "routes.save")
	l.save(saved)
	commands := [][]string{
		{l.gnet, "route", "flush", "-4", "--proto", "boot", "--yes"},
		{ip, "-batch", l.batchFile("add")},
		{ip, "-batch", l.batchFile("del")},
		{l.gnet, "route", "restore", saved},
	}
	for _, c := range commands { // a refusal is a status, which contest does not look at
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			l.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	medians, err := contest(l.slowRounds, commands...)
	l.must(err)
	l.batchRow("`route restore`, "+thousands(l.routeCount)+" routes", medians[3], medians[1], 0.25)
	l.batchRow("`route flush`, "+thousands(l.routeCount)+" routes", medians[0], medians[2], 0.25)
	memory := l.routeMemory(saved)
	l.kernelAlone(medians[1], medians[2])
	l.heading(fmt.Sprintf("| memory of | %s routes | %s routes | more | at most |", thousands(l.routeCount/10), thousands(l.routeCount)))
	for _, row := range memory {
		l.print("%s", row)
	}
}

// batchRow prints what took gnet's time beside the batch.
func (l *lab) batchRow(what string, gnet, batch sample, atMost float64) {
	l.print("| %s | ip -batch | %s | %s | %s | %s | %s | %s |\n", what, short(gnet.wall), short(batch.wall),
		ratio(gnet.wall, batch.wall), target(float64(gnet.wall)/float64(batch.wall), atMost), short(gnet.cpu), short(batch.cpu))
}

// save writes the section's IPv4 routes as `route save` does.
func (l *lab) save(path string) {
	f, err := os.Create(path)
	l.must(err)
	defer f.Close()
	cmd := exec.Command(l.gnet, "route", "save", "-4", "--proto", "boot")
	cmd.Stdout = f
	l.must(cmd.Run())
}

// batchFile writes the lines with which `ip -batch` adds or deletes the routes of addRoutes.
func (l *lab) batchFile(verb string) string {
	path := filepath.Join(l.dir, "routes."+verb)
	f, err := os.Create(path)
	l.must(err)
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	for _, prefix := range prefixes(l.routeCount) {
		fmt.Fprintf(w, "route %s %v via 10.0.0.2\n", verb, prefix)
	}
	l.must(w.Flush())
	return path
}
