package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// paths returns the words that lead to each command below cmd, at any depth.
func paths(cmd *cobra.Command, before ...string) (all [][]string) {
	for _, c := range cmd.Commands() {
		path := append(slices.Clone(before), c.Name())
		all = append(append(all, path), paths(c, path...)...)
	}
	return all
}

// TestCommandsFor: the tree of a line that begins with a command's name has that command, whole, and no other.
func TestCommandsFor(t *testing.T) {
	full := newRoot(systemEnv())
	always := []string{"completion"}
	for _, path := range paths(full) {
		if slices.Contains(always, path[0]) {
			continue
		}
		e := systemEnv()
		e.Words = path
		root := newRoot(e)
		got, rest, err := root.Find(path)
		want, _, _ := full.Find(path)
		if err != nil || len(rest) > 0 || got.CommandPath() != want.CommandPath() {
			t.Errorf("%q leads to %q, %q, %v", path, got.CommandPath(), rest, err)
			continue
		}
		if diff := cmp.Diff(flagNames(want.Flags()), flagNames(got.Flags())); diff != "" {
			t.Errorf("%q: flags (-full +own)\n%s", path, diff)
		}
		if path[0] == "route" && len(path) == 1 {
			continue // its verbs are words too: TestCommandsFor_verbs
		}
		var wanted [][]string
		for i := range path {
			wanted = append(wanted, path[:i+1])
		}
		wanted = append(wanted, paths(want, path...)...)
		if diff := cmp.Diff(wanted, slices.DeleteFunc(paths(root), func(p []string) bool { return slices.Contains(always, p[0]) })); diff != "" {
			t.Errorf("%q: commands (-want +got)\n%s", path, diff)
		}
	}
}

// TestCommandsFor_all: a line that does not begin with a command's name has the whole tree, because options may stand before the name
// and because help, completion and complaints list what there is.
func TestCommandsFor_all(t *testing.T) {
	full := paths(newRoot(systemEnv()))
	for _, words := range [][]string{nil, {}, {"help"}, {"--help"}, {"-x", "trace"}, {"completion", "bash"}, {"__complete", "trace", ""}, {"net"}} {
		e := systemEnv()
		e.Words = words
		if diff := cmp.Diff(full, paths(newRoot(e))); diff != "" {
			t.Errorf("%q (-full +got)\n%s", words, diff)
		}
	}
}

// TestCommandsFor_verbs: route takes words of its own, and only the names of gnet's verbs bring these.
func TestCommandsFor_verbs(t *testing.T) {
	full, _, _ := newRoot(systemEnv()).Find([]string{"route"})
	for _, c := range []struct {
		words []string
		want  int
	}{
		{[]string{"route", "-n"}, 0},
		{[]string{"route", "add", "default", "gw", "192.0.2.1"}, 0},
		{[]string{"route", "get", "192.0.2.1"}, 1},
		{[]string{"route", "-n", "get", "192.0.2.1"}, len(full.Commands())},
	} {
		e := systemEnv()
		e.Words = c.words
		route, _, _ := newRoot(e).Find([]string{"route"})
		if got := len(route.Commands()); got != c.want {
			t.Errorf("%q has %d verbs, want %d", c.words, got, c.want)
		}
	}
}
