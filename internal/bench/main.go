// Command bench measures gnet beside the installed originals, in one run, and
// prints a Markdown table with the ratios. It is what `make bench` runs; its one
// argument is the gnet binary.
//
// Sockets, routes and echoes are made in namespaces of its own. Gnet and the
// original take turns, so that what else the machine does hits both; the figures
// are medians. What they write goes to /dev/null.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// roleEnv tells the processes that this program starts from itself what they
// are: "inside" runs the measurements, "holder" keeps sockets open.
const roleEnv = "GNET_BENCH_ROLE"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var err error
	switch role := os.Getenv(roleEnv); {
	case role == "holder":
		err = hold(args)
	case len(args) != 1:
		fmt.Fprintln(os.Stderr, "usage: bench GNET")
		return 2
	case role == "inside":
		err = inside(args[0])
	default:
		err = isolated(args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// isolated runs this program again in fresh namespaces.
func isolated(gnet string) error {
	gnet, err := filepath.Abs(gnet)
	if err != nil {
		return err
	}
	cmd := netns.Self("bench", gnet)
	cmd.Env = append(os.Environ(), roleEnv+"=inside")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	netns.Isolate(cmd)
	p, err := netns.Start(cmd)
	if err != nil {
		return err
	}
	return p.Wait()
}

// inside is the part in fresh namespaces.
func inside(gnet string) error {
	if err := netns.Settle(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	return measureAll(&lab{gnet: gnet, out: os.Stdout, sizes: fullSize()})
}

// measureAll prints one section after another.
func measureAll(l *lab) error {
	defer l.close()
	return l.act(func() {
		nstest.Here(l) // brings the loopback interface up
		l.machine()
		l.heading("| what | gnet | original | ratio | CPU gnet | CPU original |")
		l.sockets()
		l.routes()
		l.echoes()
		l.startUp()
		l.packageInit()
	})
}
