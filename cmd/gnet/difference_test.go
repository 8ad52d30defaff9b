package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"gnet/man"
)

// difference returns the row of man/differences.tsv with the given id. A test
// that compares gnet with an original names by it where the two may differ:
//
//	difference(t, "zero-prefix") // and then asserts what each of them does
//
// The ids of all calls are held to the rows by TestDifferences_tested, so id is
// a literal.
func difference(t *testing.T, id string) man.Difference {
	t.Helper()
	rows, err := man.Differences()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rows, func(d man.Difference) bool { return d.ID == id })
	if i < 0 {
		t.Fatalf("man/differences.tsv has no row %q", id)
	}
	return rows[i]
}

// TestDifferences_tested holds the rows and the tests that use them together: a
// row that no test shows is a claim, and an id without a row is undocumented.
func TestDifferences_tested(t *testing.T) {
	rows, err := man.Differences()
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, d := range rows {
		listed = append(listed, d.ID)
	}
	used := usedDifferences(t)
	for _, id := range listed {
		if !slices.Contains(used, id) {
			t.Errorf("no test uses row %q of man/differences.tsv", id)
		}
	}
	for _, id := range used {
		if !slices.Contains(listed, id) {
			t.Errorf("a test uses difference %q, which man/differences.tsv does not have", id)
		}
	}
}

// usedDifferences returns the ids that the tests of this package name in calls
// of difference, and the scripts in lines "# difference: ID".
func usedDifferences(t *testing.T) []string {
	t.Helper()
	inGo := regexp.MustCompile(`\bdifference\(\w+, "([a-z0-9-]+)"\)`)
	inScript := regexp.MustCompile(`(?m)^# difference: ([a-z0-9-]+)$`)
	var ids []string
	for pattern, call := range map[string]*regexp.Regexp{"*_test.go": inGo, "testdata/script/*.txtar": inScript} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			if file == "difference_test.go" {
				continue
			}
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range call.FindAllSubmatch(src, -1) {
				ids = append(ids, string(m[1]))
			}
		}
	}
	return ids
}
