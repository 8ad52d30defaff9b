package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The documents for people who come to the repository.
var documents = []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "man/README.md"}

func read(t *testing.T, file string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// TestDocuments_targets: every `make TARGET` in the documents is a target.
func TestDocuments_targets(t *testing.T) {
	targets := regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1)
	mentioned := 0
	for _, file := range documents {
		for _, m := range regexp.MustCompile("(?m)(?:^ +|`|` ?)make ([a-z][a-z-]*)").FindAllStringSubmatch(read(t, file), -1) {
			mentioned++
			if !slices.ContainsFunc(targets, func(target []string) bool { return target[1] == m[1] }) {
				t.Errorf("%s: there is no make %s", file, m[1])
			}
		}
	}
	if mentioned < 10 {
		t.Errorf("only %d commands found: the pattern no longer fits", mentioned)
	}
}

// TestDocuments_newcomer: the first screen has the two commands that a newcomer
// needs, and CI runs the second.
func TestDocuments_newcomer(t *testing.T) {
	lines := strings.Split(read(t, "README.md"), "\n")
	first := strings.Join(lines[:24], "\n")
	for _, command := range []string{"    make demo", "    make test"} {
		if !strings.Contains(first, command) {
			t.Errorf("the first screen of README.md has no line %q", command)
		}
	}
	if ci := read(t, ".ci/run"); !strings.Contains(ci, "make test GNET_REQUIRE=") && !strings.Contains(ci, "GNET_REQUIRE=netns,raw,tun,peers make test") {
		t.Error(".ci/run does not run make test with GNET_REQUIRE set")
	}
}

// TestDocuments_links: what a document links to is there.
func TestDocuments_links(t *testing.T) {
	for _, file := range documents {
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(read(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
		}
	}
}

// TestDocuments_names: the functions and files that CONTRIBUTING.md tells of by
// name are there, and so are the rooms that it draws.
func TestDocuments_names(t *testing.T) {
	text := read(t, "CONTRIBUTING.md")
	_, life, found := strings.Cut(text, "## The life of one command\n")
	if !found {
		t.Fatal("CONTRIBUTING.md has no life of one command")
	}
	life, _, _ = strings.Cut(life, "\n## ")
	var source strings.Builder
	for _, pattern := range []string{"cmd/gnet/*.go", "procnet/*.go", "internal/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			source.WriteString(read(t, file))
		}
	}
	names := regexp.MustCompile("`([a-z]+\\.)?([A-Za-z][A-Za-z0-9]+)`").FindAllStringSubmatch(life, -1)
	for _, m := range names {
		declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type |	)` + m[2] + `\b`)
		if !declared.MatchString(source.String()) {
			t.Errorf("CONTRIBUTING.md tells of %s, which does not exist", m[0])
		}
	}
	if len(names) < 25 {
		t.Errorf("only %d names found: the pattern no longer fits", len(names))
	}
	for _, m := range regexp.MustCompile(`\(([a-z_]+\.go)\)`).FindAllStringSubmatch(life, -1) {
		if _, err := os.Stat(filepath.Join("cmd/gnet", m[1])); err != nil {
			t.Errorf("CONTRIBUTING.md: %v", err)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^    ([a-z]+(?:/[a-z]+)*)/ `).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("CONTRIBUTING.md draws a room: %v", err)
		}
	}
}

// TestDocuments_capture: the command that takes a capture is one, and makes the
// form that the parsers' tests read.
func TestDocuments_capture(t *testing.T) {
	var script []string
	for _, line := range strings.Split(read(t, "CONTRIBUTING.md"), "\n") {
		if text, found := strings.CutPrefix(line, "    "); found && (len(script) > 0 || strings.HasPrefix(text, "{   echo")) {
			script = append(script, text)
			if strings.HasPrefix(text, "}") {
				break
			}
		}
	}
	if len(script) == 0 {
		t.Fatal("CONTRIBUTING.md has no command that takes a capture")
	}
	target := filepath.Join(t.TempDir(), "capture.txtar")
	command, _, _ := strings.Cut(strings.Join(script, "\n"), "} > ")
	if out, err := exec.Command("sh", "-c", command+"} > "+target).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	form := regexp.MustCompile(`^kernel: Linux \S+\narch: \S+\nuid: \d+\ndate: \d{4}-\d\d-\d\d\ncommand: cat \S+\nsituation: .+\n\n-- tcp --\n  sl  local_address`)
	if got := read(t, target); !form.MatchString(got) {
		t.Errorf("the capture is not in the form of the others:\n%.300s", got)
	}
}
