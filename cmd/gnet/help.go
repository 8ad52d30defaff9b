package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newHelpCommand returns `gnet help [--man] [COMMAND]...`.
func newHelpCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Help for a command",
		RunE: func(cmd *cobra.Command, words []string) error {
			target, rest, err := cmd.Root().Find(words)
			if err != nil || len(rest) > 0 {
				return fail(statusUsage, "unknown help topic %q", strings.Join(words, " "))
			}
			if target.DisableFlagParsing {
				e.Name = target.CommandPath()
				return target.RunE(target, []string{"--help"})
			}
			return target.Help()
		},
	}
}
