package kernelside

import (
	"bytes"
	"strconv"
)

// findDropped reads the fourth transmit counter of interface name from /proc/net/dev (net/core/net-procfs.c,
// dev_seq_printf_stats: eight receive counters stand before).
func findDropped(table []byte, name string) uint64 {
	for line := range bytes.Lines(table) {
		dev, counters, ok := bytes.Cut(line, []byte(":"))
		if !ok || string(bytes.TrimSpace(dev)) != name {
			continue
		}
		if f := bytes.Fields(counters); len(f) >= 12 {
			n, _ := strconv.ParseUint(string(f[11]), 10, 64)
			return n
		}
	}
	return 0
}
