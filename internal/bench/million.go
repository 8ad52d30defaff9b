package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// million measures whether a table of ten times the rows takes ten times the
// time and the same memory. No machine holds a million sockets in passing, so
// the table is a file (net/tcp below a --proc-root).
func (l *lab) million() {
	few, many := l.rows/10, l.rows
	l.print("\nA synthetic table of ten times the rows (`--proc-root`); linear is 1:\n")
	l.heading(fmt.Sprintf("| what | %s rows | %s rows | time by rows | memory | more than for the smaller | at most |", thousands(few), thousands(many)))
	fewRoot, manyRoot := l.syntheticRoot(few), l.syntheticRoot(many)
	for _, options := range []string{"-tan", "-tan --format jsonl"} {
		l.growth(options, fewRoot, manyRoot)
	}
}

// growth prints one row of the table.
func (l *lab) growth(options, fewRoot, manyRoot string) {
	command := func(root string) []string {
		return append([]string{l.gnet, "netstat", "--proc-root", root}, strings.Fields(options)...)
	}
	medians, err := contest(l.slowRounds, command(fewRoot), command(manyRoot))
	l.must(err)
	var size [2]int
	for i, root := range []string{fewRoot, manyRoot} {
		size[i], err = peak(command(root))
		l.must(err)
	}
	few, many := medians[0].wall, medians[1].wall
	l.print("| `netstat %s` | %s | %s | %s | %s | %s | %s |\n", options, short(few), short(many), ratio(many, 10*few),
		mebi(size[1]), mebi(size[1]-size[0]), memoryLimit(size[1]-size[0]))
}

// syntheticRoot writes a proc tree whose net/tcp has n rows, as the kernel
// writes them: 150 bytes each (net/ipv4/tcp_ipv4.c, tcp4_seq_show).
func (l *lab) syntheticRoot(n int) string {
	root := filepath.Join(l.dir, "rows-"+strconv.Itoa(n))
	l.must(os.MkdirAll(filepath.Join(root, "net"), 0o755))
	f, err := os.Create(filepath.Join(root, "net", "tcp"))
	l.must(err)
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "%-149s\n", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode")
	for i := range n {
		fmt.Fprintf(w, "%-149s\n", fmt.Sprintf("%4d: 0100007F:0016 %08X:%04X 01 00000000:%08X 02:000A7214 00000000  1000        0 %d 2 0000000000000000 20 4 30 10 -1",
			i, 0x0A000000|i, 1024+i%60000, i%4096, 100_000+i))
	}
	l.must(w.Flush())
	return root
}
