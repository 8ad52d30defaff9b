package main

import (
	"github.com/spf13/cobra"
)

// newCompletionCommand returns `gnet completion SHELL`.
func newCompletionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Print a completion script for a shell",
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, words []string) error {
			if len(words) != 1 {
				return fail(statusUsage, "one shell is needed: bash, zsh or fish")
			}
			root := cmd.Root()
			switch words[0] {
			case "bash":
				return root.GenBashCompletionV2(e.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(e.Stdout)
			case "fish":
				return root.GenFishCompletion(e.Stdout, true)
			}
			return fail(statusUsage, "unknown shell %q: bash, zsh or fish", words[0])
		},
	}
}

// completeFlag makes completion offer words for the argument of a flag of one of
// gnet's own commands. The flag exists: a misspelt name is a mistake in the
// caller, which the test of completions finds.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
