package kernelside

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"golang.org/x/sys/unix"
)

// inTimeWait reports whether the namespace's socket table (/proc/net/tcp) has a TIME-WAIT entry with this local port.
// The socket itself says CLOSE then: a smaller one that belongs to nobody has taken its place (net/ipv4/tcp_minisocks.c,
// tcp_time_wait).
func inTimeWait(table int, port uint16) (bool, error) {
	var buf [4096]byte
	n, err := unix.Pread(table, buf[:], 0)
	if err != nil {
		return false, err
	}
	return findTimeWait(buf[:n], port), nil
}

// findTimeWait looks at the lines of the table: slot, local address and port in hex, remote, state in hex. The namespace
// has one socket, so the table is short.
func findTimeWait(table []byte, port uint16) bool {
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line)
		if len(f) < 4 || len(f[1]) != 13 || len(f[3]) != 2 {
			continue
		}
		local, err := strconv.ParseUint(string(f[1][9:]), 16, 16)
		if err != nil || uint16(local) != port {
			continue
		}
		var state [1]byte
		if _, err := hex.Decode(state[:], f[3]); err == nil && state[0] == tcpTimeWait {
			return true
		}
	}
	return false
}

// Dropped returns how many packets the kernel wanted to transmit and dropped because nobody had read those before
// (tun_net_xmit counts them in the interface's statistics).
func (h *Host) Dropped() (uint64, error) {
	var buf [4096]byte
	n, err := unix.Pread(h.devices, buf[:], 0)
	if err != nil {
		return 0, err
	}
	return findDropped(buf[:n], tunName), nil
}

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
