package kernelside

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
)

// counters are the namespace's own counters, which nothing but this run moves: /proc/net/netstat and /proc/net/snmp, each a line of
// names and a line of values per protocol.
type counters struct {
	netstat, snmp int
	buf           []byte
	// column is the place of each watched counter among the values of TcpExt, last its value at the last reading.
	column [len(watched)]int
	last   [len(watched)]uint64
}

// watched are the counters that tell why something was transmitted.
var watched = [...]struct {
	name     string
	evidence event.Evidence
}{
	{"TCPTimeouts", event.Expired},
	{"TCPLossProbes", event.ProbedTail},
	{"TCPFastRetrans", event.FastRetransmitted},
	{"TCPSlowStartRetrans", event.SlowStartRetrans},
	{"TCPLostRetransmit", event.LostRetransmission},
	{"TCPSynRetrans", event.SynRetransmitted},
	{"SyncookiesSent", event.SentCookie},
	{"TCPKeepAlive", event.SentKeepalive},
	{"TCPWinProbe", event.SentWindowProbe},
	{"TCPChallengeACK", event.Challenged},
	{"DelayedACKs", event.DelayedAck},
	{"TCPDSACKOldSent", event.SentDSACK},
	{"TCPDSACKOfoSent", event.SentDSACK},
}

func newCounters(netstat, snmp int) *counters {
	c := &counters{netstat: netstat, snmp: snmp, buf: make([]byte, 16<<10)}
	for i := range c.column {
		c.column[i] = -1
	}
	names, _ := protocol(c.text(netstat), "TcpExt:")
	for n := 0; ; n++ {
		name, rest, ok := cutField(names)
		if !ok {
			break
		}
		names = rest
		for i := range watched {
			if watched[i].name == string(name) {
				c.column[i] = n
			}
		}
	}
	c.moved() // what was counted while the namespace was made
	return c
}

// text reads a file of /proc/net anew; nil if it cannot be read. The file of the kernel with the most counters has 6 KiB.
func (c *counters) text(fd int) []byte {
	for {
		n, err := unix.Pread(fd, c.buf, 0)
		if err == unix.EINTR {
			continue
		}
		return c.buf[:max(n, 0)]
	}
}

// moved returns the evidence of the counters that have moved since the last call.
func (c *counters) moved() event.Evidence {
	_, values := protocol(c.text(c.netstat), "TcpExt:")
	var ev event.Evidence
	for n := 0; ; n++ {
		value, rest, ok := cutField(values)
		if !ok {
			return ev
		}
		values = rest
		i := slices.Index(c.column[:], n)
		if i < 0 {
			continue
		}
		v, _ := strconv.ParseUint(string(value), 10, 64)
		if v != c.last[i] {
			ev |= watched[i].evidence
		}
		c.last[i] = v
	}
}

func (c *counters) close() { closeAll([]int{c.netstat, c.snmp}) }

// protocol finds the two lines that begin with prefix and returns what is behind it; empty if there are none.
func protocol(text []byte, prefix string) (names, values []byte) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(prefix))
		switch {
		case !ok:
		case names == nil:
			names = rest
		default:
			return names, rest
		}
	}
	return nil, nil
}

// cutField takes the first word of a line.
func cutField(line []byte) (field, rest []byte, ok bool) {
	line = bytes.TrimLeft(line, " \t\n")
	if len(line) == 0 {
		return nil, nil, false
	}
	if end := bytes.IndexAny(line, " \t\n"); end >= 0 {
		return line[:end], line[end:], true
	}
	return line, nil, true
}

// Counters returns the counters of the namespace that are not 0, those of IP, TCP and TCP's extensions, by name. Values that are no
// counts (the limits of the retransmission timeout, the number of connections) are left out.
func (h *Host) Counters() []event.Counter {
	var list []event.Counter
	for _, p := range [...]struct {
		fd     int
		prefix string
	}{{h.stats.snmp, "Ip:"}, {h.stats.snmp, "Tcp:"}, {h.stats.netstat, "TcpExt:"}, {h.stats.netstat, "IpExt:"}} {
		names, values := protocol(h.stats.text(p.fd), p.prefix)
		list = appendCounters(list, strings.TrimSuffix(p.prefix, ":"), names, values)
	}
	slices.SortFunc(list, func(a, b event.Counter) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func appendCounters(list []event.Counter, protocol string, names, values []byte) []event.Counter {
	for {
		name, restNames, ok1 := cutField(names)
		value, restValues, ok2 := cutField(values)
		if !ok1 || !ok2 {
			return list
		}
		names, values = restNames, restValues
		v, err := strconv.ParseUint(string(value), 10, 64)
		if err == nil && v != 0 && !setting(protocol, string(name)) {
			list = append(list, event.Counter{Name: protocol + string(name), Value: v})
		}
	}
}

// setting reports whether a value of /proc/net/snmp is no counter (RFC 4293, RFC 4022).
func setting(protocol, name string) bool {
	switch name {
	case "Forwarding", "DefaultTTL":
		return protocol == "Ip"
	case "RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn", "CurrEstab":
		return protocol == "Tcp"
	}
	return false
}
