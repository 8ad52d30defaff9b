package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gnet/internal/nstest"
	"gnet/man"
)

// manualPage returns the finished source of a page.
func manualPage(t *testing.T, topic string) string {
	t.Helper()
	src, err := man.Page(topic, schemas())
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// section returns the lines of a page between .SH NAME and the next .SH.
func section(t *testing.T, page, name string) []string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n.SH "+name+"\n")
	if !found {
		t.Fatalf("the page has no section %s", name)
	}
	body, _, _ := strings.Cut(rest, "\n.SH ")
	return strings.Split(body, "\n")
}

// tags returns the tags of .TP and .TQ as plain text.
func tags(lines []string) []string {
	var list []string
	for i, line := range lines[:len(lines)-1] {
		if line == ".TP" || line == ".TQ" || strings.HasPrefix(line, ".TP ") {
			list = append(list, plainRoff(lines[i+1]))
		}
	}
	return list
}

var (
	roffMacro  = regexp.MustCompile(`^\.(B|I|BR|RB|BI|IB|IR|RI) `)
	roffArg    = regexp.MustCompile(`"([^"]*)"|((?:\\.|[^ ])+)`)
	roffEscape = strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fR`, "", `\&`, "", `\e`, `\`, `\ `, " ",
		`\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\(dq`, `"`, `\(bu`, "*", `\(em`, "--")
)

// plainRoff returns the text of one source line.
func plainRoff(line string) string {
	if m := roffMacro.FindStringSubmatch(line); m != nil {
		var args []string
		for _, arg := range roffArg.FindAllStringSubmatch(line[len(m[0]):], -1) {
			args = append(args, arg[1]+arg[2])
		}
		separator := ""
		if len(m[1]) == 1 {
			separator = " "
		}
		line = strings.Join(args, separator)
	}
	return roffEscape.Replace(line)
}

// TestManual_pages renders every finished page: an unknown macro or escape is an
// error, no marker is left, and nothing is wider than a screen.
func TestManual_pages(t *testing.T) {
	for _, topic := range man.Topics() {
		page := manualPage(t, topic.Name)
		if strings.Contains(page, "\n.\\\" ") {
			t.Errorf("%s: a comment or marker is left", topic.File)
		}
		for _, width := range []int{narrow, 80, 132} {
			text, err := man.Render([]byte(page), man.Style{Width: width})
			if err != nil {
				t.Errorf("%s: %v", topic.File, err)
				break
			}
			for line := range strings.Lines(string(text)) {
				if width == 80 && len(line) > 81 {
					t.Errorf("%s: wider than 80 columns: %s", topic.File, line)
				}
			}
		}
	}
}

// TestManual_groff: the installed pages are clean for groff, and apropos(1)
// finds their names.
func TestManual_groff(t *testing.T) {
	groff, lexgrog := nstest.Peer(t, "groff"), nstest.Peer(t, "lexgrog")
	for _, topic := range man.Topics() {
		file := filepath.Join(t.TempDir(), topic.File)
		if err := os.WriteFile(file, []byte(manualPage(t, topic.Name)), 0o644); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd := exec.Command(groff, "-man", "-ww", "-Tutf8", file)
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("groff %s: %v\n%s", topic.File, err, &stderr)
		}
		out, err := exec.Command(lexgrog, file).Output()
		name := strings.TrimSuffix(topic.File, filepath.Ext(topic.File))
		if err != nil || !strings.Contains(string(out), `"`+name+" - ") {
			t.Errorf("lexgrog %s: %s%v", topic.File, out, err)
		}
	}
}

// tableNames returns every name of an option table, -? and hidden rows too.
func tableNames[O any](table *optionTable[O]) []string {
	var names []string
	for i := range table.options {
		names = append(names, table.options[i].names(table.shortOnly)...)
	}
	return names
}

// flagNames returns the names of a pflag set, --help among them.
func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		names = append(names, "--"+f.Name)
		if f.Shorthand != "" {
			names = append(names, "-"+f.Shorthand)
		}
	})
	return names
}

// fullTree is the command tree with the help command, which cobra adds late.
func fullTree() *cobra.Command {
	root := newRoot(systemEnv())
	root.InitDefaultHelpCmd()
	return root
}

// commandFlags returns the flags of one of gnet's own commands.
func commandFlags(t *testing.T, path ...string) []string {
	t.Helper()
	cmd, rest, err := fullTree().Find(path)
	if err != nil || len(rest) > 0 {
		t.Fatalf("no command %q: %v", path, err)
	}
	return flagNames(cmd.Flags())
}

// TestManual_options holds each page's OPTIONS to what the command takes.
func TestManual_options(t *testing.T) {
	for topic, names := range map[string][]string{
		"gnet":    slices.Concat(commandFlags(t, "help"), outputNames(), []string{"-h", "--help", "-v", "--version"}),
		"netstat": tableNames(netstatTable()),
		"route": slices.Concat(tableNames(routeTable()), commandFlags(t, "route", "get"), commandFlags(t, "route", "save"), commandFlags(t, "route", "restore"),
			commandFlags(t, "route", "flush"), commandFlags(t, "route", "diff"), commandFlags(t, "route", "watch"),
			commandFlags(t, "route", "pending")),
		"ping":      tableNames(pingTable()),
		"tracepath": tableNames(tracepathTable()),
		"trace": slices.Concat(commandFlags(t, "trace", "tcp"), commandFlags(t, "trace", "ip"), commandFlags(t, "trace", "show"), commandFlags(t, "trace", "run"), commandFlags(t, "trace", "serve"),
			commandFlags(t, "trace", "connect"), commandFlags(t, "trace", "listen"), []string{"-h", "--help"}),
	} {
		var documented []string
		for _, tag := range tags(section(t, manualPage(t, topic), "OPTIONS")) {
			for _, word := range strings.FieldsFunc(tag, func(r rune) bool { return r == ' ' || r == ',' }) {
				if strings.HasPrefix(word, "-") {
					documented = append(documented, word)
				}
			}
		}
		if diff := cmp.Diff(set(names), set(documented)); diff != "" {
			t.Errorf("%s: the command's options and the page's (-command +page)\n%s", topic, diff)
		}
	}
}

func outputNames() []string {
	var names []string
	for _, o := range outputRows(func(o *outputOptions) *outputOptions { return o }) {
		names = append(names, o.names(false)...)
	}
	return names
}

// set sorts names and drops repetitions.
func set(names []string) []string {
	sorted := slices.Sorted(slices.Values(names))
	return slices.Compact(sorted)
}

// TestManual_statuses holds EXIT STATUS of gnet(1) to the constants of exit.go,
// and that of each command to the constants that its files name. 0, 1 and 2 can
// end every command: done, a failed write, an error without a status.
func TestManual_statuses(t *testing.T) {
	src, err := os.ReadFile("exit.go")
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^\t(status\w+)\s*=\s*(\d+)`).FindAllSubmatch(src, -1) {
		values[string(m[1])] = string(m[2])
	}
	all := []string{}
	for _, value := range values {
		all = append(all, value)
	}
	compareStatuses(t, "gnet", all)
	for _, command := range []string{"netstat", "route", "ping", "tracepath", "trace"} {
		used := []string{"0", "1", "2"}
		for _, name := range statusConstants(t, command) {
			value, known := values[name]
			if !known {
				t.Errorf("%s uses %s, which exit.go does not have", command, name)
			}
			used = append(used, value)
		}
		compareStatuses(t, command, used)
	}
}

// statusConstants returns the status constants that a command's files name.
func statusConstants(t *testing.T, command string) []string {
	t.Helper()
	files, err := filepath.Glob(command + "*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of %s: %v", command, err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, regexp.MustCompile(`\bstatus(OK|No|Cannot|Usage|Lookup|Socket|NotExecutable|NotFound)\b`).FindAllString(string(src), -1)...)
	}
	return names
}

func compareStatuses(t *testing.T, topic string, want []string) {
	t.Helper()
	got := tags(section(t, manualPage(t, topic), "EXIT STATUS"))
	if diff := cmp.Diff(set(want), set(got)); diff != "" {
		t.Errorf("%s: the command's statuses and the page's (-command +page)\n%s", topic, diff)
	}
}

// TestManual_title holds version and date of each page to CHANGELOG.md: an
// unreleased version has one date in all pages.
func TestManual_title(t *testing.T) {
	changes, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2}|Unreleased)$`).FindSubmatch(changes)
	if newest == nil {
		t.Fatal("CHANGELOG.md has no version")
	}
	title := regexp.MustCompile(`^\.TH (\S+) ([158]) (\d{4}-\d{2}-\d{2}) "gnet (\S+)" "([^"]+)"\n`)
	date := string(newest[2])
	for _, topic := range man.Topics() {
		m := title.FindStringSubmatch(manualPage(t, topic.Name))
		if m == nil {
			t.Errorf("%s: the title is not .TH NAME SECTION DATE \"gnet VERSION\" MANUAL", topic.File)
			continue
		}
		if file := strings.ToLower(m[1]) + "." + m[2]; file != topic.File {
			t.Errorf("%s: the title says %s", topic.File, file)
		}
		if date == "Unreleased" {
			date = m[3]
		}
		if m[3] != date || m[4] != string(newest[1]) {
			t.Errorf("%s: version %s of %s, CHANGELOG.md and the other pages have %s of %s", topic.File, m[4], m[3], newest[1], date)
		}
	}
}

// TestManual_references: a page of ours that is named exists, and each command's
// page prints its differences.
func TestManual_references(t *testing.T) {
	var files []string
	for _, topic := range man.Topics() {
		files = append(files, topic.File)
	}
	reference := regexp.MustCompile(`(gnet(?:\\-\w+)?) \((\d)\)`)
	for _, topic := range man.Topics() {
		for _, m := range reference.FindAllStringSubmatch(manualPage(t, topic.Name), -1) {
			if file := roffEscape.Replace(m[1]) + "." + m[2]; !slices.Contains(files, file) {
				t.Errorf("%s names %s, which does not exist", topic.File, file)
			}
		}
	}
	rows, err := man.Differences()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rows {
		page := section(t, manualPage(t, d.Command()), "COMPATIBILITY")
		if !slices.Contains(page, `\fB`+strings.ReplaceAll(d.ID, "-", `\-`)+`\fR`) {
			t.Errorf("the page of %s does not print difference %s", d.Command(), d.ID)
		}
	}
}

// examples returns the lines of a page that stand behind a prompt, those that
// end in a pipe with the next one.
func examples(page string) []string {
	var list []string
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		text := plainRoff(line)
		if !strings.HasPrefix(text, "$ ") && !strings.HasPrefix(text, "# ") {
			continue
		}
		text = text[2:]
		if strings.HasSuffix(text, "|") {
			text += " " + plainRoff(lines[i+1])
		}
		list = append(list, text)
	}
	return list
}

// shellWords splits a command line at blanks, single quotes removed, up to what
// belongs to the shell.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		end := strings.IndexAny(part, "|<>")
		if end < 0 {
			words = append(words, strings.Fields(part)...)
			continue
		}
		return append(words, strings.Fields(part[:end])...)
	}
	return words
}

// TestManual_examples parses every example with the command's own parser.
func TestManual_examples(t *testing.T) {
	bash := nstest.Peer(t, "bash")
	for _, topic := range man.Topics() {
		lines := examples(manualPage(t, topic.Name))
		if len(lines) == 0 {
			t.Errorf("%s has no example", topic.File)
		}
		for _, line := range lines {
			if out, err := exec.Command(bash, "-n", "-c", line).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %s", topic.File, line, out)
			}
			words := shellWords(line)
			if words[0] != "gnet" {
				continue
			}
			if err := parseExample(t, words[1:]); err != nil {
				t.Errorf("%s: %s: %v", topic.File, line, err)
			}
		}
	}
}

func parseExample(t *testing.T, words []string) error {
	switch {
	case words[0] == "netstat":
		_, err := netstatTable().parse(words[1:], false, &netstatOptions{})
		return err
	case words[0] == "ping":
		_, err := parsePing(words[1:], false)
		return err
	case words[0] == "tracepath":
		_, err := parseTracepath(words[1:], false)
		return err
	case words[0] == "route" && (len(words) < 2 || !slices.Contains([]string{"get", "save", "restore", "flush", "diff", "watch", "confirm", "pending", "dismiss"}, words[1])):
		_, err := parseRoute(t.Context(), words[1:], false, systemNames{})
		return err
	}
	cmd, rest, err := fullTree().Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// TestTags shows that the reader of pages finds what is there.
func TestTags(t *testing.T) {
	page := ".TH X\n.SH OPTIONS\n.TP\n.BR \\-a \", \" \\-\\-all\nText.\n.TP 12\n.BI \\-c \" count\"\nText.\n.TQ\n\\fB\\-d\\fR\n.SH NEXT\n.TP\nno\n"
	got := tags(section(t, page, "OPTIONS"))
	if diff := cmp.Diff([]string{"-a, --all", "-c count", "-d"}, got); diff != "" {
		t.Errorf("tags (-want +got)\n%s", diff)
	}
}
