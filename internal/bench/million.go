package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/sockdiag"
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
	l.dumpGrowth(few, many)
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

// dumpGrowth prints the row of a scripted kernel's sock_diag dump, read in this
// process. Its memory is what the walk allocated.
func (l *lab) dumpGrowth(few, many int) {
	var took [2][]time.Duration
	var allocated [2]uint64
	for range l.slowRounds {
		for i, n := range []int{few, many} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			l.must(walkDump(n))
			took[i] = append(took[i], time.Since(begin))
			runtime.ReadMemStats(&after)
			allocated[i] = after.TotalAlloc - before.TotalAlloc
		}
	}
	more := int(allocated[1]-allocated[0]) >> 10
	fewTime, manyTime := middle(took[0]), middle(took[1])
	l.print("| sock_diag dump, scripted | %s | %s | %s | %s | %s | %s |\n", short(fewTime), short(manyTime), ratio(manyTime, 10*fewTime),
		mebi(int(allocated[1]>>10)), mebi(more), memoryLimit(more))
}

// walkDump reads a dump of n TCP sockets, which no kernel made.
func walkDump(n int) error {
	const idiagState, idiagInode = 1, 68 // offsets in struct inet_diag_msg (linux/inet_diag.h)
	dump := &nltest.Dump{Rows: n, Type: unix.SOCK_DIAG_BY_FAMILY, Body: make([]byte, 72)}
	dump.Body[0], dump.Body[idiagState] = unix.AF_INET, 1
	dump.Number = func(body []byte, i int) { binary.NativeEndian.PutUint32(body[idiagInode:], uint32(i+1)) }
	c := sockdiag.New(netlink.NewConn(dump))
	defer c.Close()
	rows, last := 0, uint32(0)
	for row, err := range c.Inet(sockdiag.Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP}) {
		if err != nil {
			return err
		}
		rows, last = rows+1, row.Inode
	}
	if rows != n || last != uint32(n) {
		return fmt.Errorf("a dump of %d sockets came as %d, the last with inode %d", n, rows, last)
	}
	return nil
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
