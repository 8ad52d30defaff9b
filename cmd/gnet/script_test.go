package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"gnet/internal/nstest"
)

var update = flag.Bool("update", false, "rewrite the expected blocks of the scripts and the golden files")

// TestMain makes the test binary the commands of the scripts: the names that a
// link may have are the names that argv[0] dispatch knows, and one it does not.
func TestMain(m *testing.M) {
	if guest := guestPrograms()[os.Getenv(guestEnv)]; guest != nil && filepath.Base(os.Args[0]) != "gnet" {
		os.Exit(guest(os.Args))
	}
	gnet := gnetForTests
	testscript.Main(nstest.Interruptible{M: m}, map[string]func(){
		"gnet": gnet, "netstat": gnet, "route": gnet, "ping": gnet, "ping4": gnet, "ping6": gnet, "tracepath": gnet, "tracepath6": gnet, "some-other-name": gnet,
		"inet6_route": gnet, "inet_route": gnet, "ip6_route": gnet, "unix_route": gnet, "foo_route": gnet,
	})
}

// TestScripts runs the specification of the command line.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files:               scripts,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ESC", "\x1b")
			env.Setenv("LC_ALL", "C")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": scriptExits},
	})
}

// scriptExits is `exits N command...`: the command must end with status N. Its
// output is there for stdout and stderr checks.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	if got != want {
		ts.Fatalf("%v ended with status %d, want %d", args[1:], got, want)
	}
}
