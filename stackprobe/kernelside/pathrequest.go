package kernelside

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// pathMagic begins a request for the nodes of a path. A reply has the descriptors of the interfaces in the order of the nodes, and
// for each node with an address of its own a socket behind its interfaces.
const pathMagic = "gnet path 1"

// PathNode is a namespace of a path.
type PathNode struct {
	// Interfaces are TUN interfaces.
	Interfaces []PathInterface
	// Routes say which of them leads where.
	Routes  []PathRoute
	Forward bool
	// Socket is the local address of the node's UDP socket, invalid for a router.
	Socket netip.AddrPort
}

// PathInterface is one interface of a node.
type PathInterface struct {
	Addr netip.Addr
	MTU  int
}

// PathRoute sends what is for Dst to the interface with that number.
type PathRoute struct {
	Dst       netip.Prefix
	Interface int
}

// encodePath writes a request: a line for each node, interface and route, in their order.
func encodePath(nodes []PathNode) []byte {
	b := []byte(pathMagic)
	for _, n := range nodes {
		socket := "-"
		if n.Socket.IsValid() {
			socket = n.Socket.String()
		}
		b = fmt.Appendf(b, "\nnode %t %s", n.Forward, socket)
		for _, i := range n.Interfaces {
			b = fmt.Appendf(b, "\ni %s %d", i.Addr, i.MTU)
		}
		for _, r := range n.Routes {
			b = fmt.Appendf(b, "\nr %s %d", r.Dst, r.Interface)
		}
	}
	return b
}

// decodePath reads a request; it reports false for anything else.
func decodePath(b []byte) (nodes []PathNode, ok bool) {
	lines := strings.Split(string(b), "\n")
	if lines[0] != pathMagic || len(lines) < 2 {
		return nil, false
	}
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, false
		}
		if f[0] == "node" {
			n := PathNode{Forward: f[1] == "true"}
			if f[2] != "-" {
				var err error
				if n.Socket, err = netip.ParseAddrPort(f[2]); err != nil {
					return nil, false
				}
			}
			nodes = append(nodes, n)
			continue
		}
		if len(nodes) == 0 || !nodes[len(nodes)-1].decode(f) {
			return nil, false
		}
	}
	return nodes, true
}

// decode takes the line of an interface or a route.
func (n *PathNode) decode(f []string) bool {
	number, err := strconv.ParseUint(f[2], 10, 17)
	if err != nil {
		return false
	}
	switch f[0] {
	case "i":
		addr, err := netip.ParseAddr(f[1])
		n.Interfaces = append(n.Interfaces, PathInterface{addr, int(number)})
		return err == nil
	case "r":
		dst, err := netip.ParsePrefix(f[1])
		n.Routes = append(n.Routes, PathRoute{dst, int(number)})
		return err == nil && int(number) < len(n.Interfaces)
	}
	return false
}
