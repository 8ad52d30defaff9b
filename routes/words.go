package routes

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// TypeName returns the word for a route's type (RTN_, linux/rtnetlink.h) that iproute2 and rt_names use, or the number.
func TypeName(typ uint8) string {
	return word(typ, "none", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit",
		"throw", "nat", "xresolve")
}

// TableName returns the word for a table that the kernel itself has, else the number. Names of rt_tables(5) are not read.
func TableName(table uint32) string {
	switch table {
	case unix.RT_TABLE_DEFAULT:
		return "default"
	case unix.RT_TABLE_MAIN:
		return "main"
	case unix.RT_TABLE_LOCAL:
		return "local"
	}
	return strconv.FormatUint(uint64(table), 10)
}

func word(n uint8, words ...string) string {
	if int(n) < len(words) {
		return words[n]
	}
	return strconv.Itoa(int(n))
}
