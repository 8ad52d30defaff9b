// Command demo shows gnet on real data: in namespaces that it makes, with
// sockets, routes and links that it makes there. It is what `make demo` runs;
// its one argument is the gnet binary. It needs neither root nor other tools.
//
// The program starts itself again in fresh namespaces, which end with it: when
// it dies, by whatever signal, the kernel removes all that was made.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"gnet/internal/netns"
)

// insideEnv marks the process that runs in the fresh namespaces.
const insideEnv = "GNET_DEMO_INSIDE"

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: demo GNET")
		return 2
	}
	gnet, err := filepath.Abs(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 2
	}
	if os.Getenv(insideEnv) != "" {
		return play(gnet, inside)
	}
	status, err := isolated(gnet)
	if err != nil {
		fmt.Printf("# This machine allows no namespaces of our own:\n#   %v\n# So here is what needs none.\n", err)
		return play(gnet, without)
	}
	return status
}

// isolated runs this program again in fresh namespaces and returns its status.
func isolated(gnet string) (int, error) {
	cmd := netns.Self("demo", gnet)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	netns.Isolate(cmd)
	p, err := netns.Start(cmd)
	if err != nil {
		return 0, err
	}
	if err := p.Wait(); cmd.ProcessState == nil {
		return 0, err
	}
	return max(cmd.ProcessState.ExitCode(), -1) & 0xff, nil
}

// play acts one script out and says what went wrong, if anything did.
func play(gnet string, script func(*stage)) int {
	s := &stage{gnet: gnet}
	defer s.close()
	if err := s.act(script); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

// command is one run of gnet. Its messages go to standard output too, where a
// terminal would show them.
func command(gnet string, args []string) *exec.Cmd {
	cmd := &exec.Cmd{Path: gnet, Args: append([]string{"gnet"}, args...)}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	return cmd
}
