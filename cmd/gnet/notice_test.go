package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNotice_namesTheLinkedModules holds NOTICE to what is linked, in both
// directions: whoever adds a dependency owes its author a line there.
func TestNotice_namesTheLinkedModules(t *testing.T) {
	linked := goList(t, "list", "-deps", "-f", "{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}}{{end}}{{end}}", ".")
	if diff := cmp.Diff(linked, modulesInNotice(t, "../../NOTICE")); diff != "" {
		t.Errorf("linked (-), named in NOTICE (+):\n%s", diff)
	}
}

// modulesInNotice returns the first words of the table in NOTICE.
func modulesInNotice(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "\nMODULE ")
	if !found {
		t.Fatal("NOTICE has no table")
	}
	var modules []string
	for line := range strings.Lines(table) {
		if word, _, _ := strings.Cut(line, " "); strings.Contains(word, ".") {
			modules = append(modules, word)
		}
	}
	return modules
}

// goList runs the go command and returns its distinct non-empty lines.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	return slices.Compact(lines)
}
