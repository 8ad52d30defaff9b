package main

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gnet/internal/render"
)

// newClassicCommand returns the cobra command for a command whose line is read
// by getopt.go: cobra passes the words through untouched and asks the option
// table for completions.
func newClassicCommand[O any](use, short string, table func() *optionTable[O], run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use:                use,
		Short:              short,
		DisableFlagParsing: true,
		RunE:               run,
		ValidArgsFunction: func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 && args[len(args)-1] == "--proc-root" {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return table().complete(args, word), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// complete returns what word can become behind args, each with its help after a
// tab, as cobra's completion scripts expect: option names, the words that an
// option's argument may be, or the first operand. Rows without help are left
// out, as in the help.
func (t *optionTable[O]) complete(args []string, word string) []string {
	if name, value, attached := strings.Cut(word, "="); attached {
		return withPrefix(name+"=", t.argumentWords(name), value)
	}
	if len(args) > 0 {
		if words := t.argumentWords(args[len(args)-1]); words != nil {
			return withPrefix("", words, word)
		}
	}
	if !strings.HasPrefix(word, "-") {
		return withPrefix("", t.verbs, word)
	}
	var names []string
	for _, opt := range t.options {
		if opt.help == "" {
			continue
		}
		for _, name := range opt.names(t.shortOnly) {
			if strings.HasPrefix(name, word) {
				names = append(names, name+"\t"+opt.help)
			}
		}
	}
	return names
}

// argumentWords returns the words of the option that is written as name.
func (t *optionTable[O]) argumentWords(name string) []string {
	for i := range t.options {
		if slices.Contains(t.options[i].names(t.shortOnly), name) {
			if list := t.options[i].wordList; list != nil {
				return list()
			}
			return t.options[i].words
		}
	}
	return nil
}

// withPrefix returns those of words that start with typed, each behind before.
func withPrefix(before string, words []string, typed string) []string {
	var list []string
	for _, w := range words {
		if strings.HasPrefix(w, typed) {
			list = append(list, before+w)
		}
	}
	return list
}

// names returns the option as it is typed: -c, --count.
func (o *option[O]) names(shortOnly bool) []string {
	var names []string
	if o.short != 0 {
		names = append(names, "-"+string(rune(o.short)))
	}
	if o.long != "" && (o.own || !shortOnly) {
		names = append(names, "--"+o.long)
	}
	return names
}

// help returns the option list of a help text, one line per row that has help:
// the letters in alphabetical order, since that of the table is getopt's, then
// what has a long name only.
func (t *optionTable[O]) help() string {
	rows := slices.Clone(t.options)
	slices.SortStableFunc(rows, func(a, b option[O]) int { return cmp.Compare(a.place(), b.place()) })
	var b strings.Builder
	for i := range rows {
		opt := &rows[i]
		if opt.help == "" {
			continue
		}
		names := opt.names(t.shortOnly)
		if opt.short == 0 {
			names[0] = "    " + names[0]
		}
		text := "  " + strings.Join(names, ", ")
		if opt.argName != "" {
			text += " " + opt.argName
		}
		b.Write(render.Left(nil, text, 27))
		b.WriteString(" " + opt.help + "\n")
	}
	return b.String()
}

// place orders options for the help: digits, then a, A, b, B, then the rest.
func (o *option[O]) place() int {
	switch c := int(o.short); {
	case c == 0:
		return 1 << 10
	case 'A' <= c && c <= 'Z':
		return 2*(c-'A'+'a') + 1
	default:
		return 2 * c
	}
}

// outputOptions are gnet's own options that every command with rows has.
type outputOptions struct {
	Format   render.Format
	ProcRoot string // "" for the env's
	Files    bool   // --proc
}

// outputRows returns the table rows for --format and --json; pick finds the
// output options in the command's options struct.
func outputRows[O any](pick func(*O) *outputOptions) []option[O] {
	return []option[O]{
		{long: "format", arg: requiredArgument, argName: "FORMAT", own: true,
			words: render.FormatWords(),
			help:  "classic, table, json, jsonl or csv",
			set: func(o *O, _, arg string) (err error) {
				pick(o).Format, err = render.ParseFormat(arg)
				if err != nil {
					return fail(statusUsage, "%w", err)
				}
				return nil
			}},
		{long: "json", own: true, help: "the same as --format json",
			set: func(o *O, _, _ string) error { pick(o).Format = render.JSON; return nil }},
	}
}

// procRootRow returns the table row for --proc-root.
func procRootRow[O any](pick func(*O) *outputOptions) option[O] {
	return option[O]{long: "proc-root", arg: requiredArgument, argName: "DIR", own: true,
		help: "read a captured tree, or another host's /proc, in place of /proc",
		set: func(o *O, _, arg string) error {
			if arg == "" { // an unset variable of a script must not become the running kernel
				return fail(statusUsage, "--proc-root: the name of the directory is empty")
			}
			if _, err := os.Stat(arg); err != nil { // its files may be absent, it may not
				return fail(statusCannot, "--proc-root: %w", err)
			}
			pick(o).ProcRoot = arg
			return nil
		}}
}

// procRow returns the table row for --proc.
func procRow[O any](pick func(*O) *outputOptions, help string) option[O] {
	return option[O]{long: "proc", own: true, help: help,
		set: func(o *O, _, _ string) error { pick(o).Files = true; return nil }}
}

// document starts the machine-readable answer of a command on its stdout. The
// caller closes it with closeDocument.
func (e *env) document(format render.Format, schema string) *render.Document {
	return render.NewDocument(e.Stdout, format, schema)
}

// closeDocument adds the notes that went to stderr and ends the document.
func (e *env) closeDocument(d *render.Document) error {
	for _, n := range e.notes {
		d.Note(n.level, n.text)
	}
	return d.Close()
}
