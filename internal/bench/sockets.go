package main

import (
	"fmt"

	"gnet/internal/nstest"
)

// sockets measures netstat with no sockets at all, with many UDP sockets and
// with many TCP sockets in many processes. The numbers behind the peers are the
// ratios that gnet is built to keep.
func (l *lab) sockets() {
	l.heading(contestHeading)
	// The kernel walks its whole hash of TCP sockets, which all namespaces share.
	l.compare("`netstat -an`, no sockets", l.rounds, 1, "netstat -an", original("netstat -an", 0.7))
	l.withHolders("udp", l.datagram, l.socketsEach, func(sockets string) {
		l.compare("`netstat -uan`, "+sockets, l.rounds, 1, "netstat -uan", original("netstat -uan", 0.2))
	})
	memory := new(memoryTable)
	l.withHolders("tcp", 1, l.few, func(string) { memory.few = l.peaks("-tan") })
	l.withHolders("tcp", l.some, l.socketsEach, func(sockets string) {
		l.compare("`netstat -an`, "+sockets, l.rounds, 1, "netstat -an", original("netstat -an", 0))
		l.compare("`netstat -tanp`, "+sockets, l.slowRounds, 1, "netstat -tanp", original("netstat -tanp", 0.3), ss("-tanp", 0.3))
	})
	l.withHolders("tcp", l.many, l.socketsEach, func(sockets string) {
		l.compare("`netstat -tan`, "+sockets, l.rounds, 1, "netstat -tan", original("netstat -tan", 0.25), ss("-tan", 0.35))
		l.compare("`netstat -tln`, "+sockets, l.rounds, 1, "netstat -tln", original("netstat -tln", 0.5), ss("-tln", 1.6))
		l.compare("`netstat -tanp`, "+sockets, l.slowRounds, 1, "netstat -tanp", original("netstat -tanp", 0.15), ss("-tanp", 0.15))
		memory.many = l.peaks("-tan")
	})
	l.memory(memory)
}

// withHolders runs part while processes hold sockets each; it is told how many
// in words.
func (l *lab) withHolders(kind string, processes, sockets int, part func(sockets string)) {
	l.scope(func() {
		for i := range processes {
			l.startHolder(kind, i, sockets)
		}
		l.awaitHolders()
		part(fmt.Sprintf("%s sockets in %s", thousands(processes*sockets), plural(processes, "process", "processes")))
	})
}

// descriptors measures the search for owners among very many descriptors, each
// of them a socket, with the wanted one of each process behind all others.
func (l *lab) descriptors() {
	l.heading(contestHeading)
	l.withHolders("descriptors", l.descriptorHolders, l.descriptorsEach, func(string) {
		what := fmt.Sprintf("`netstat -tlnp`, %s descriptors in %s", thousands(l.descriptorHolders*l.descriptorsEach), plural(l.descriptorHolders, "process", "processes"))
		l.compare(what, l.slowRounds, 1, "netstat -tlnp", original("netstat -tlnp", 0), ss("-tlnp", 0))
	})
}

// peaks are the peak resident sizes of gnet and its peers, in KiB, by name.
func (l *lab) peaks(options string) map[string]int {
	sizes := make(map[string]int)
	for _, p := range [][]string{{"gnet", l.gnet, "netstat", options}, {"netstat", "", options}, {"ss", "", options}} {
		argv := p[1:]
		if argv[0] == "" {
			path, err := nstest.FindPeer(p[0])
			if err != nil {
				continue
			}
			argv[0] = path
		}
		size, err := peak(argv)
		l.must(err)
		sizes[p[0]] = size
	}
	return sizes
}

// memoryTable has the peak resident sizes in KiB, by program.
type memoryTable struct{ few, many map[string]int }

// memory prints how much more memory netstat -tan takes for many sockets than
// for few.
func (l *lab) memory(m *memoryTable) {
	l.print("\nLargest resident size of `-tan`:\n")
	l.heading(fmt.Sprintf("| program | %s sockets | %s sockets | more | at most |", thousands(l.few), thousands(l.many*l.socketsEach)))
	for _, name := range []string{"gnet", "netstat", "ss"} {
		few, many := m.few[name], m.many[name]
		if few == 0 || many == 0 {
			continue
		}
		limit := ""
		if name == "gnet" {
			limit = memoryLimit(many - few)
		}
		l.print("| %s | %s | %s | %s | %s |\n", name, mebi(few), mebi(many), mebi(many-few), limit)
	}
}

// memoryLimit is what a growth of memory in KiB shall be at most, and whether it
// is.
func memoryLimit(more int) string { return target(float64(more)/1024, 4) + " MiB" }

// mebi writes KiB as MiB.
func mebi(kibi int) string { return fmt.Sprintf("%.1f MiB", float64(kibi)/1024) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
