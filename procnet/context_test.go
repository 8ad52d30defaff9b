package procnet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func contextTree(t *testing.T, files map[string]string) FS {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return NewFS(dir)
}

func TestContext(t *testing.T) {
	tree := contextTree(t, map[string]string{"7/attr/current": "system_u:system_r:sshd_t:s0-s0:c0.c1023\x00", "8/attr/current": "unconfined\n", "9/attr/current": "", "10/comm": "x"})
	for pid, want := range map[int]string{7: "system_u:system_r:sshd_t:s0-s0:c0.c1023", 8: "unconfined", 9: "", 10: "", 11: ""} {
		if got, err := tree.Context(pid); got != want || err != nil {
			t.Errorf("%d: %q, %v; want %q", pid, got, err, want)
		}
	}
	if err := os.Mkdir(tree.root.Path("12"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(tree.root.Path("12", "attr", "current"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := tree.Context(12); err == nil {
		t.Errorf("a directory: %q, no error", got)
	}
}

func TestSELinux(t *testing.T) {
	const ours = "nodev\tsysfs\nnodev\ttmpfs\n\text4\n"
	for text, want := range map[string]bool{ours: false, ours + "nodev\tselinuxfs\n": true, "nodev\tselinuxfs2\n": false, "": false} {
		if got, err := contextTree(t, map[string]string{"filesystems": text}).SELinux(); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := contextTree(t, nil).SELinux(); got || err != nil {
		t.Errorf("no file: %v, %v", got, err)
	}
	if got, err := contextTree(t, map[string]string{"filesystems": strings.Repeat("x", 1<<20)}).SELinux(); got || err == nil {
		t.Errorf("a row without an end: %v, %v", got, err)
	}
}
