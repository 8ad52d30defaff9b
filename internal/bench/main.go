// Command bench measures gnet beside the installed originals, in one run, and
// prints Markdown tables with the ratios. It is what `make bench` runs: its
// arguments are the gnet binary and the sections to run, all of them by default.
//
// Sockets, routes and echoes are made in namespaces of its own, which end with
// it however it ends. Gnet and its peers take turns, so that what else the
// machine does hits all of them; the figures are medians. What they write goes
// to /dev/null.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe"
)

// roleEnv tells the processes that this program starts from itself what they
// are: "inside" runs the measurements, "holder" keeps sockets open.
const roleEnv = "GNET_BENCH_ROLE"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if status, ok := stackprobe.Helper(os.Args); ok {
		return status
	}
	var err error
	switch role := os.Getenv(roleEnv); {
	case role == "holder":
		err = hold(args)
	case role == "inside":
		err = inside(args)
	default:
		err = isolated(args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// isolated runs this program again in fresh namespaces. The folder for large
// files is made here, where it can be removed; inside, memory is mounted over it,
// so that nothing large is left however that ends.
func isolated(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: bench GNET [SECTION]...")
	}
	if _, err := chosen(args[1:]); err != nil {
		return err
	}
	gnet, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gnet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := netns.Self(append([]string{"bench", gnet, dir}, args[1:]...)...)
	cmd.Env = append(os.Environ(), roleEnv+"=inside")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	netns.Isolate(cmd)
	// Process 1 of its namespace is deaf to signals that it does not handle.
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	p, err := netns.Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case s := <-interrupted:
		cmd.Process.Kill()
		p.Wait()
		return errors.New(s.String())
	}
	return p.Wait()
}

// inside is the part in fresh namespaces.
func inside(args []string) error {
	if err := netns.Settle(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	sections, err := chosen(args[2:])
	if err != nil {
		return err
	}
	return measure(&lab{gnet: args[0], dir: args[1], out: os.Stdout, sizes: fullSize()}, sections)
}

// section is a part that can be run alone.
type section struct {
	name string
	run  func(*lab)
}

// sections are all of them, in the order in which they run: what leaves traces
// in the kernel's tables comes after what wants them empty.
func sections() []section {
	return []section{
		{"sockets", (*lab).sockets},
		{"descriptors", (*lab).descriptors},
		{"million", (*lab).million},
		{"routes", (*lab).routes},
		{"echoes", (*lab).echoes},
		{"idle", (*lab).idle},
		{"truth", (*lab).truth},
		{"targets", (*lab).targets},
		{"path", (*lab).path},
		{"trace", (*lab).trace},
		{"views", (*lab).views},
		{"capture", (*lab).captures},
		{"live", (*lab).live},
		{"start", (*lab).start},
	}
}

// chosen are the sections of the given names, or all.
func chosen(names []string) ([]section, error) {
	all := sections()
	if len(names) == 0 {
		return all, nil
	}
	known := func(name string) bool {
		return slices.ContainsFunc(all, func(s section) bool { return s.name == name })
	}
	for _, name := range names {
		if !known(name) {
			return nil, fmt.Errorf("no section %q; there are %s", name, strings.Join(sectionNames(all), ", "))
		}
	}
	return slices.DeleteFunc(all, func(s section) bool { return !slices.Contains(names, s.name) }), nil
}

func sectionNames(sections []section) []string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	return names
}

// measure prints one section after another.
func measure(l *lab, sections []section) error {
	return l.act(func() {
		l.scope(func() {
			l.must(unix.Mount("tmpfs", l.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700"))
			l.Cleanup(func() { unix.Unmount(l.dir, unix.MNT_DETACH) })
			l.install()
			nstest.Here(l) // brings the loopback interface up
			l.machine()
			before := l.processors()
			for _, s := range sections {
				l.scope(func() { s.run(l) })
			}
			l.print("\n%s", before.stolen(l.processors()))
		})
	})
}
