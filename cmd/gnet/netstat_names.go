package main

import (
	"net/netip"
	"strconv"
	"strings"

	"gnet/internal/safe"
	"gnet/procnet"
)

// netstatNames turns numbers into names, safe for a terminal, as far as the
// command line wants names. Each file under /etc is read at the first question
// and each address is asked for once.
type netstatNames struct {
	o     *netstatOptions
	etc   procnet.Names
	asked map[netip.Addr]string // "" when it has no name

	hosts     map[netip.Addr]string
	services  map[procnet.Service]string
	protocols map[uint8]string
	users     map[uint32]string

	reverse *reverseLookup
}

func newNetstatNames(o *netstatOptions, reverse *reverseLookup) *netstatNames {
	return &netstatNames{o: o, asked: make(map[netip.Addr]string), reverse: reverse}
}

// host returns the name of an address, "" when it is to be shown by number: an
// address that stands for any is never asked for.
func (n *netstatNames) host(a netip.Addr) string {
	if n.o.NumericHosts || a.Unmap().IsUnspecified() {
		return ""
	}
	name, known := n.asked[a]
	if !known {
		name = safe.String(n.lookUp(a))
		n.asked[a] = name
	}
	return name
}

func (n *netstatNames) lookUp(a netip.Addr) string {
	if n.hosts == nil {
		n.hosts = n.etc.Hosts()
	}
	if name, ok := n.hosts[a]; ok {
		return name
	}
	return n.reverse.name(a)
}

// service returns the name of a TCP or UDP port, of a raw socket's protocol,
// "" when it has none.
func (n *netstatNames) service(p procnet.Proto, port uint16) string {
	if n.o.NumericPorts || port == 0 {
		return ""
	}
	if p == procnet.Raw {
		if n.protocols == nil {
			n.protocols = n.etc.Protocols()
		}
		return safe.String(n.protocols[uint8(port)])
	}
	if n.services == nil {
		n.services = n.etc.Services()
	}
	proto := "udp"
	if p == procnet.TCP {
		proto = "tcp"
	}
	return safe.String(n.services[procnet.Service{Proto: proto, Port: port}])
}

// user returns the name of a uid, "" when it has none or none is wanted.
func (n *netstatNames) user(uid uint32) string {
	if n.o.NumericUsers {
		return ""
	}
	if n.users == nil {
		n.users = n.etc.Users()
	}
	return safe.String(n.users[uid])
}

// programName is what netstat shows of a process: its first argument, without
// the folder if that is absolute, after the pid, 19 bytes in all.
func programName(o procnet.Owner) string {
	name := o.Arg0
	if strings.HasPrefix(name, "/") {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	return safe.Cut(strconv.Itoa(o.PID)+"/"+safe.String(name), 19)
}
