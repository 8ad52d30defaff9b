package main

import (
	"os"
	"path/filepath"
)

// install puts a copy of gnet where the lab's programs come from until the scope ends. l.dir is a tmpfs, which has no large folios.
func (l *lab) install() {
	dir, err := os.MkdirTemp("", "gnet-bench-bin-")
	l.must(err)
	l.Cleanup(func() { os.RemoveAll(dir) })
	l.gnet = l.installed(dir, l.gnet)
}

// installed copies a program into dir, as install(1) does, and returns where it is. A file that the linker has just written lies in the
// page cache in single pages, one that was copied or read from a disk in large folios, and what a page fault maps of these costs half
// as much: up to a millisecond of each start is the difference between two files of the same content. The originals were copied by
// a package manager, so gnet is measured as a copy, and so is what it is compared with.
func (l *lab) installed(dir, program string) string {
	content, err := os.ReadFile(program)
	l.must(err)
	path := filepath.Join(dir, filepath.Base(program))
	l.must(os.WriteFile(path, content, 0o755))
	return path
}
