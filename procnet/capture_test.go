package procnet

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// capture is what a real kernel showed, see the metadata in front of the file.
type capture struct {
	name string // <file>/<kernel>-<arch>-<situation>
	text []byte
}

// captures loads the captures of a file under /proc/net. None at all is a
// failure: a test over nothing proves nothing.
func captures(t testing.TB, file string) []capture {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", file, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no captures of %s: %v", file, err)
	}
	var all []capture
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(archive.Files) != 1 || archive.Files[0].Name != file || len(archive.Files[0].Data) == 0 {
			t.Fatalf("%s does not hold one file called %s", path, file)
		}
		for _, key := range []string{"kernel: ", "arch: ", "uid: ", "date: ", "command: ", "situation: "} {
			if !bytes.Contains(archive.Comment, []byte(key)) {
				t.Fatalf("%s does not say its %q", path, key)
			}
		}
		all = append(all, capture{filepath.Base(path), archive.Files[0].Data})
	}
	return all
}

// mustCapture is the one capture of a situation.
func mustCapture(t testing.TB, file, situation string) []byte {
	t.Helper()
	for _, c := range captures(t, file) {
		if bytes.Contains([]byte(c.name), []byte("-"+situation+".")) {
			return c.text
		}
	}
	t.Fatalf("no capture of %s in situation %q", file, situation)
	return nil
}
