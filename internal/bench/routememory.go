package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// routeMemory measures the largest sizes of the commands with all routes of the section and with a tenth of them. It begins with a full table and
// leaves an empty one. The rows are returned, to be printed when the table of times has ended.
func (l *lab) routeMemory(saved string) (rows []string) {
	tenth := l.firstLines(saved, l.routeCount/10)
	list := []string{l.gnet, "route", "-n"}
	flush := []string{l.gnet, "route", "flush", "-4", "--proto", "boot", "--yes"}
	restore := func(file string) []string { return []string{l.gnet, "route", "restore", file} }
	size := func(argv []string) int {
		kibi, err := peak(argv)
		l.must(err)
		return kibi
	}
	listMany, flushMany, restoreMany := size(list), size(flush), size(restore(saved))
	size(flush)
	restoreFew, listFew, flushFew := size(restore(tenth)), size(list), size(flush)
	for _, m := range []struct {
		command   string
		few, many int
	}{{"route -n", listFew, listMany}, {"route restore", restoreFew, restoreMany}, {"route flush", flushFew, flushMany}} {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", m.command, mebi(m.few), mebi(m.many), mebi(m.many-m.few), memoryLimit(m.many-m.few)))
	}
	return rows
}

// firstLines copies the first lines of a file to another.
func (l *lab) firstLines(path string, n int) string {
	text, err := os.ReadFile(path)
	l.must(err)
	end := 0
	for range n {
		end += bytes.IndexByte(text[end:], '\n') + 1
	}
	few := filepath.Join(l.dir, "routes.few")
	l.must(os.WriteFile(few, text[:end], 0o600))
	return few
}
