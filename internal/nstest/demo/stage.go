package main

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// stage is where a script plays: it runs commands like a shell session and is
// the nstest.TB of the topology.
type stage struct {
	gnet     string
	cleanups []func()
}

// failure is what Fatalf ends the script with.
type failure struct{ message string }

// act runs a script; its error is what the script failed with.
func (s *stage) act(script func(*stage)) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case failure:
			err = errors.New(v.message)
		default:
			panic(v)
		}
	}()
	script(s)
	return nil
}

// Helper is there for nstest.TB.
func (s *stage) Helper() {}

// Fatalf ends the script.
func (s *stage) Fatalf(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

// Cleanup keeps fn for the end.
func (s *stage) Cleanup(fn func()) { s.cleanups = append(s.cleanups, fn) }

func (s *stage) close() {
	for _, fn := range slices.Backward(s.cleanups) {
		fn()
	}
}

// must ends the script if err is not nil.
func (s *stage) must(err error) {
	if err != nil {
		s.Fatalf("%v", err)
	}
}

// say prints comment lines, as in a shell script.
func (s *stage) say(text string) {
	fmt.Println()
	for line := range strings.Lines(text) {
		fmt.Printf("# %s\n", strings.TrimRight(line, "\n"))
	}
}

// anyStatus is for commands whose status depends on the machine: without any
// route, route exits 1 as the original does.
const anyStatus = -1

// run prints a command line and runs it; another status than want ends the
// script.
func (s *stage) run(want int, line string) {
	fmt.Printf("\n$ gnet %s\n", line)
	cmd := command(s.gnet, strings.Fields(line))
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatalf("gnet %s: %v", line, err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want && want != anyStatus {
		s.Fatalf("gnet %s: exit status %d instead of %d", line, got, want)
	}
}
