package routes

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// captures loads what real kernels showed of a file under /proc/net, by the captures' names. None at all is a failure: a test over
// nothing proves nothing.
func captures(t testing.TB, file string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", file, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no captures of %s: %v", file, err)
	}
	all := make(map[string][]byte)
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(archive.Files) != 1 || archive.Files[0].Name != file {
			t.Fatalf("%s does not hold one file called %s", path, file)
		}
		for _, key := range []string{"kernel: ", "arch: ", "uid: ", "date: ", "command: ", "situation: "} {
			if !bytes.Contains(archive.Comment, []byte(key)) {
				t.Fatalf("%s does not say its %q", path, key)
			}
		}
		all[filepath.Base(path)] = archive.Files[0].Data
	}
	return all
}

func mustCapture(t testing.TB, file, name string) []byte {
	t.Helper()
	text, ok := captures(t, file)[name]
	if !ok {
		t.Fatalf("no capture %s of %s", name, file)
	}
	return text
}
