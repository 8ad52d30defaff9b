package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newHelpCommand returns `gnet help [COMMAND]...` and `gnet help --man PAGE`.
func newHelpCommand(e *env) *cobra.Command {
	var manual manualOptions
	c := &cobra.Command{
		Use:   "help [COMMAND]... | help --man [PAGE]",
		Short: "Help for a command, or a page of the manual",
		RunE: func(cmd *cobra.Command, words []string) error {
			if manual.Man || manual.Roff {
				return showManual(e, manual, words)
			}
			return showHelp(e, cmd.Root(), words)
		},
		ValidArgsFunction: func(cmd *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
			return helpTopics(cmd.Root(), words, manual.Man), cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&manual.Man, "man", false, "show the manual page (gnet, netstat, route, ping, tracepath, trace or json)")
	c.Flags().BoolVar(&manual.Roff, "roff", false, "with --man: write the page's source, for man(1)")
	return c
}

// showHelp prints the help of the command that words name.
func showHelp(e *env, root *cobra.Command, words []string) error {
	target, rest, err := root.Find(words)
	if err != nil || len(rest) > 0 {
		return fail(statusUsage, "unknown help topic %q", strings.Join(words, " "))
	}
	if target.DisableFlagParsing {
		e.Name = target.CommandPath()
		return target.RunE(target, []string{"--help"})
	}
	return target.Help()
}

// helpTopics returns what can follow `gnet help` and the words after it, each
// with its description after a tab.
func helpTopics(root *cobra.Command, words []string, manual bool) []string {
	if manual {
		return manualTopics(words)
	}
	parent, rest, err := root.Find(words)
	if err != nil || len(rest) > 0 {
		return nil
	}
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names
}
