package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot returns the command tree, fresh for one execution: cobra keeps the
// flags of an earlier one. It has the commands that e.Words can come to.
func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "gnet",
		Short: "netstat, route, ping and tracepath for Linux, and TCP at work",
		Long: `gnet replaces netstat, route, ping and tracepath, and shows TCP at work.

The classic commands take the options of net-tools 2.10 and iputils 20221126
and print what they print; every one also speaks JSON (--json). The manual:
gnet help --man, then netstat, route, ping, tracepath, trace or json.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          refuseWords(e),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		e.setName(cmd)
		return fail(statusUsage, "%w", &flagError{err})
	})
	root.AddCommand(commandsFor(e.Words, branches(e))...)
	root.SetHelpCommand(newHelpCommand(e))
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newCompletionCommand(e))
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) { e.setName(cmd) }
	return root
}

// asksVersion reports whether the words for the root itself ask for the version, as cobra decides it. cobra would print
// another sentence, and a template is what changes that: text/template finds methods by name, so that the linker must keep every
// exported method of every type, 3 MB and a sixth of the time in which a command starts.
func asksVersion(words []string) bool {
	if len(words) == 0 || words[0] == cobra.ShellCompRequestCmd || words[0] == cobra.ShellCompNoDescRequestCmd {
		return false
	}
	flags := pflag.NewFlagSet("gnet", pflag.ContinueOnError)
	help, show := flags.BoolP("help", "h", false, ""), flags.BoolP("version", "v", false, "")
	return flags.Parse(words) == nil && *show && !*help
}

func printVersion(e *env) error {
	_, err := fmt.Fprintf(e.Stdout, "gnet %s\n", version)
	return err
}

// flagError is pflag's complaint about an option of gnet's own commands.
type flagError struct{ error }

// Error is pflag's sentence, but for a value that cannot be read: pflag shows the error of the function that read it.
func (e *flagError) Error() string {
	bad, ok := errors.AsType[*pflag.InvalidValueError](e.error)
	if !ok {
		return e.error.Error()
	}
	if own, ok := errors.AsType[*failure](bad.Unwrap()); ok {
		return own.Error()
	}
	want := bad.GetFlag().Value.Type()
	switch want {
	case "int", "int64":
		want = "a whole number"
	case "duration":
		want = "a time such as 20ms or 1s"
	case "bool":
		want = "true or false"
	}
	if errors.Is(bad.Unwrap(), strconv.ErrRange) {
		want += " of 64 bits"
	}
	return fmt.Sprintf("--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
}

// setName makes messages carry the name the command was called by: "gnet
// netstat", or "netstat" through a link of that name.
func (e *env) setName(cmd *cobra.Command) {
	if e.Arg0 == "gnet" {
		e.Name = cmd.CommandPath()
	}
}

// refuseWords rejects words that a group does not know. cobra alone prints the
// group's help with status 0, and a script would take it for success.
func refuseWords(e *env) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		e.setName(cmd)
		f := fail(statusUsage, "unknown command %q", args[0])
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			return f.withHint("did you mean %q?", similar[0])
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return f.withHint("%s knows: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
}

// newGroup returns a command that only holds others: alone it prints its help,
// and an unknown word under it is an error.
func newGroup(e *env, use, short string, members ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  refuseWords(e),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.AddCommand(members...)
	return group
}
