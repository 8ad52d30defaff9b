package man

import (
	"bytes"
	"fmt"
	"strings"
)

// Difference is one row of differences.tsv: a place where gnet means to do
// other than the tool it replaces.
type Difference struct {
	ID       string // unique name, such as "zero-prefix"
	Line     string // the shortest command line that shows it
	Original string // what net-tools or iputils does
	Gnet     string // what gnet does
	Why      string // the reason
}

// Command returns the first word of the row's command line.
func (d *Difference) Command() string {
	command, _, _ := strings.Cut(d.Line, " ")
	return command
}

// Differences returns the rows of differences.tsv in their order, or an error
// that names the line which is not in the form that README.md describes.
func Differences() ([]Difference, error) {
	src, err := files.ReadFile("differences.tsv")
	if err != nil {
		return nil, err
	}
	return parseDifferences(src)
}

const differencesHead = "id\tcommand line\toriginal\tgnet\twhy\n"

func parseDifferences(src []byte) ([]Difference, error) {
	body, found := bytes.CutPrefix(src, []byte(differencesHead))
	if !found {
		return nil, &RowError{1, "the header is not " + strings.TrimSpace(differencesHead)}
	}
	var rows []Difference
	seen := make(map[string]bool)
	for line := range bytes.Lines(body) {
		row, err := parseDifference(string(line))
		if err == nil && seen[row.ID] {
			err = fmt.Errorf("id %q is used twice", row.ID)
		}
		if err != nil {
			return nil, &RowError{len(rows) + 2, err.Error()}
		}
		seen[row.ID] = true
		rows = append(rows, row)
	}
	return rows, nil
}

// RowError is a line of differences.tsv that is not in its form.
type RowError struct {
	Line    int // counted from 1, the header
	Problem string
}

// Error names the line and what is wrong with it.
func (e *RowError) Error() string { return fmt.Sprintf("differences.tsv:%d: %s", e.Line, e.Problem) }

func parseDifference(line string) (Difference, error) {
	line, found := strings.CutSuffix(line, "\n")
	if !found {
		return Difference{}, fmt.Errorf("the line has no end")
	}
	fields := strings.Split(line, "\t")
	if len(fields) != 5 {
		return Difference{}, fmt.Errorf("%d fields, want 5 with one tab between them", len(fields))
	}
	for i, f := range fields {
		if f == "" || f != strings.TrimSpace(f) || strings.ContainsFunc(f, isControl) {
			return Difference{}, fmt.Errorf("field %d: %q is empty, has blanks at an end, or control bytes", i+1, f)
		}
	}
	d := Difference{fields[0], fields[1], fields[2], fields[3], fields[4]}
	if strings.Trim(d.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return Difference{}, fmt.Errorf("id %q: lower case letters, digits and hyphens only", d.ID)
	}
	switch d.Command() {
	case "netstat", "route", "ping", "tracepath":
		return d, nil
	}
	return Difference{}, fmt.Errorf("command line %q starts with no command of ours", d.Line)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// appendDifferences appends the rows of a command as roff, or a sentence that
// there are none.
func appendDifferences(dst []byte, rows []Difference, command string) []byte {
	n := 0
	for i := range rows {
		if rows[i].Command() == command {
			dst = rows[i].appendRoff(dst)
			n++
		}
	}
	if n == 0 {
		dst = append(dst, ".PP\nNo intended difference is known.\n"...)
	}
	return dst
}

func (d *Difference) appendRoff(dst []byte) []byte {
	dst = fmt.Appendf(dst, ".TP\n\\fB%s\\fR\n", escape(d.ID))
	dst = fmt.Appendf(dst, "Seen with \\fB%s\\fR.\n.br\n", escape(d.Line))
	dst = fmt.Appendf(dst, "The original: %s.\n.br\n", escape(strings.TrimSuffix(d.Original, ".")))
	dst = fmt.Appendf(dst, "gnet: %s.\n.br\n", escape(strings.TrimSuffix(d.Gnet, ".")))
	return fmt.Appendf(dst, "Reason: %s.\n", escape(strings.TrimSuffix(d.Why, ".")))
}

// escape returns plain text as roff text that prints it: no escape, no macro,
// hyphens that can be copied into a shell.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
}
