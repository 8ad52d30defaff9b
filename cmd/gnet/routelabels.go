package main

import (
	"bufio"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// labelFolders are where iproute2 keeps its names for numbers, the administrator's folder first.
func labelFolders() []string { return []string{"/etc/iproute2", "/usr/share/iproute2"} }

// labels walks the names of one of iproute2's tables, such as rt_tables: its file in the first folder that has one, then the files
// NAME.d/*.conf of every folder. A file that cannot be read has no names.
func labels(table string) iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		var files, more []string
		for _, folder := range labelFolders() {
			file := filepath.Join(folder, table)
			if _, err := os.Stat(file); err == nil && files == nil {
				files = append(files, file)
			}
			extra, _ := filepath.Glob(filepath.Join(folder, table+".d", "*.conf")) // the pattern is sound
			more = append(more, extra...)
		}
		for _, file := range append(files, more...) {
			if !walkLabels(file, yield) {
				return
			}
		}
	}
}

// walkLabels reads lines of a number, decimal or hexadecimal with 0x, and a name.
func walkLabels(file string, yield func(uint32, string) bool) bool {
	f, err := os.Open(file)
	if err != nil {
		return true
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		digits, base := words[0], 10
		if hex, found := strings.CutPrefix(digits, "0x"); found {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err == nil && !yield(uint32(n), words[1]) {
			return false
		}
	}
	return true
}

// numberOfLabel returns the number that a name stands for.
func numberOfLabel(table, name string) (uint32, bool) {
	for n, label := range labels(table) {
		if label == name {
			return n, true
		}
	}
	return 0, false
}
