package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// branch is a command of the tree that is not built yet. The whole tree is some 700 allocations, an eighth of the time in which a
// command starts, and a line is about one command.
type branch struct {
	name  string
	build func() *cobra.Command
}

// branches returns the suite's commands in the order of gnet(1).
func branches(e *env) []branch {
	return []branch{
		{"netstat", func() *cobra.Command { return newNetstatCommand(e, runNetstat) }},
		{"route", func() *cobra.Command { return newRouteCommand(e, runRoute) }},
		{"ping", func() *cobra.Command { return newPingCommand(e, runPing) }},
		{"tracepath", func() *cobra.Command { return newTracepathCommand(e, runTracepath) }},
		{"trace", func() *cobra.Command { return newTraceCommand(e) }},
	}
}

// commandsFor builds the commands that a line can come to whose words are these: the one that the first word names; all when it names none,
// because options may stand before the name, and because help, completion and complaints list what there is.
func commandsFor(words []string, all []branch) []*cobra.Command {
	if len(words) > 0 {
		if i := slices.IndexFunc(all, func(b branch) bool { return b.name == words[0] }); i >= 0 {
			all = all[i : i+1]
		}
	}
	var built []*cobra.Command
	for _, b := range all {
		built = append(built, b.build())
	}
	return built
}

// wordsBehind returns the words of the line behind a command's own, nil unless the line begins with that.
func (e *env) wordsBehind(command string) []string {
	if len(e.Words) == 0 || e.Words[0] != command {
		return nil
	}
	return e.Words[1:]
}
