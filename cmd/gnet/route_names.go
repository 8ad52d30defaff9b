package main

import (
	"bufio"
	"net/netip"
	"os"
	"strings"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/routes"
)

// networksFile is the table of network names, networks(5).
const networksFile = "/etc/networks"

// network is one line of networks(5).
type network struct {
	addr  netip.Addr
	names []string
}

// readNetworks reads networks(5): a name, a number whose missing bytes are zero, aliases. A file that is not there is empty.
func readNetworks(path string) []network {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []network
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		if addr, ok := parseNetworkNumber(words[1]); ok {
			all = append(all, network{addr, append(words[:1:1], words[2:]...)})
		}
	}
	return all
}

// parseNetworkNumber reads 10.44 as 10.44.0.0: unlike in a host's address, the bytes that are missing are the last ones.
func parseNetworkNumber(s string) (netip.Addr, bool) {
	for strings.Count(s, ".") < 3 {
		s += ".0"
	}
	return parseAton(s)
}

// nameCache turns addresses into names and remembers the answers.
type nameCache struct {
	numeric  bool
	reverse  *reverseLookup
	networks []network
	hosts    map[netip.Addr]string // name or "" when there is none
}

func newNameCache(numeric bool, reverse *reverseLookup) *nameCache {
	c := &nameCache{numeric: numeric, reverse: reverse}
	if !numeric {
		c.networks = readNetworks(networksFile)
		c.hosts = make(map[netip.Addr]string)
	}
	return c
}

// host returns the name of an address, or "".
func (c *nameCache) host(a netip.Addr) string {
	name, known := c.hosts[a]
	if !known {
		name = c.reverse.name(a)
		c.hosts[a] = name
	}
	return name
}

func (c *nameCache) network(a netip.Addr) string {
	for i := range c.networks {
		if c.networks[i].addr == a {
			return c.networks[i].names[0]
		}
	}
	return ""
}

// appendDestination4 appends the destination of an IPv4 route: a host's name if the route is for a host or has bits outside its
// mask, else a network's name.
func (c *nameCache) appendDestination4(b []byte, r *routes.IPv4Row) []byte {
	switch {
	case c.numeric:
		return appendAddr4(b, r.Destination)
	case r.Destination.IsUnspecified():
		if r.Mask.IsUnspecified() {
			return render.Left(b, "default", addressWidth)
		}
		return appendAddr4(b, r.Destination)
	}
	dst := word4(r.Destination.As4())
	if r.Flags&routes.FlagHost != 0 || dst&^word4(r.Mask.As4()) != 0 {
		return c.appendHost4(b, r.Destination)
	}
	return appendName4(b, c.network(r.Destination), r.Destination)
}

// appendHost4 appends the name of a host, or its address, cut and padded to the column.
func (c *nameCache) appendHost4(b []byte, a netip.Addr) []byte {
	if c.numeric || a.IsUnspecified() {
		return appendAddr4(b, a)
	}
	return appendName4(b, c.host(a), a)
}

func appendName4(b []byte, name string, a netip.Addr) []byte {
	if name == "" {
		return appendAddr4(b, a)
	}
	return render.Left(b, safe.Cut(safe.String(name), addressWidth), addressWidth)
}

// appendHost6 appends an IPv6 address or its name; the unspecified address has brackets among names.
func (c *nameCache) appendHost6(b []byte, a netip.Addr) []byte {
	switch {
	case c.numeric:
		return appendNumericAddr(b, a)
	case a.IsUnspecified():
		return append(b, "[::]"...)
	}
	if name := c.host(a); name != "" {
		return safe.Append(b, name)
	}
	return appendNumericAddr(b, a)
}
