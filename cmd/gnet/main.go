// Command gnet replaces netstat, route, ping and tracepath, and shows TCP at work.
//
// The life of a command: main calls run; applet finds out by which name the
// program was called; root builds the command tree; the command's constructor
// parses the line into its options struct and calls its run function; that asks
// a domain package for rows and prints them; exit turns the error into lines
// and a status. Only main ends the process.
package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gnet/internal/undo"
	"gnet/stackprobe"
)

// version is set by the linker from git describe.
var version = "unknown"

func main() { os.Exit(run(os.Args, systemEnv())) }

// run executes one command line and returns the exit status.
//
// Two words are not for people: gnet starts itself again as "gnet __world" to make the namespaces of `gnet trace`, which a
// process with several threads cannot enter, and as "gnet __keeper ID" to wait for the confirmation of a change. Only the
// process that this one starts itself has what makes the words mean something, a socket with a request at descriptor 3, or a
// directory of plans, a namespace and a pipe; everybody else gets "unknown command". The first makes nothing outside its fresh
// namespaces, and ends at once; the second undoes one change, or nothing.
func run(argv []string, e *env) int {
	if status, ok := stackprobe.Helper(argv); ok {
		return status
	}
	if status, ok := undo.Keep(argv, undoDomains()); ok {
		return status
	}
	args := applet(argv, e)
	e.Words = args
	if err := dropFileCapabilities(keptCapabilities(args)); err != nil {
		return exitStatus(e, err)
	}
	if len(args) == 1 && asksVersion(args) { // without a second word, no command can be meant
		return exitStatus(e, printVersion(e))
	}
	return exitStatus(e, execute(newRoot(e), args, e))
}

// execute runs the command that the words name. When an option was wrong, it may
// be because the word before it names no command: then that is the mistake.
func execute(root *cobra.Command, args []string, e *env) error {
	if cmd, _, err := root.Find(args); err == nil {
		e.setName(cmd) // for complaints about the words, which come before any hook
		if cmd == root && asksVersion(args) {
			return printVersion(e)
		}
	}
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if bad := (*flagError)(nil); errors.As(err, &bad) {
		cmd, rest, _ := root.Find(args)
		if cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			return refuseWords(e)(cmd, rest)
		}
	}
	return err
}
