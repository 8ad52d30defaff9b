package main

import (
	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// inside is the script for namespaces of our own: this host, a router, and a
// server behind it.
//
//	here 10.0.0.1 ---- MTU 1500 ---- router ---- MTU 1400 ---- 10.0.1.1 server
func inside(s *stage) {
	if err := netns.Settle(); err != nil {
		s.say(err.Error() + "\n-p would name the host's processes")
	}
	here := topology(s)
	s.say("A network of its own, made for this run and gone with it:\n" +
		"  here 10.0.0.1 ---- MTU 1500 ---- router ---- MTU 1400 ---- 10.0.1.1 server")

	s.say("Sockets: TCP that listens, is established and waits (TIME_WAIT), UDP and unix,\nIPv4 and IPv6.")
	openSockets(s)
	s.run(0, "netstat -an")

	s.say("The routing table, without its default route, and with it again.")
	s.run(0, "route -n")
	s.run(0, "route del default")
	s.run(0, "route -n")
	s.run(2, "ping -c 1 10.0.1.1")
	s.run(0, "route add default gw 10.0.0.2")
	s.run(0, "route -n")

	s.say("Packets that must not be fragmented: 1000 bytes pass, 3000 do not fit into the\n" +
		"first link's 1500, and 1450 are refused by the router, whose next link takes 1400.")
	here.AllowPing(s)
	s.run(0, "ping -c 2 -i 0.2 -M do -s 1000 10.0.1.1")
	s.run(1, "ping -c 2 -i 0.2 -W 1 -M do -s 3000 10.0.1.1")
	s.run(1, "ping -c 2 -i 0.2 -W 1 -M do -s 1450 10.0.1.1")

	s.say("A TCP connection over a TUN link (in memory where the machine has none), the kernel\nat one end and an embedded stack at the other: what leaves, what arrives, and the\nstate of both ends.")
	s.run(0, "trace tcp")
}

// topology builds the network and returns this end of it.
func topology(s *stage) *nstest.Host {
	here, router, server := nstest.Here(s), nstest.NewHost(s, "router"), nstest.NewHost(s, "server")
	nstest.Connect(s, 1500,
		nstest.End{Host: here, Name: "eth0", Addrs: []string{"10.0.0.1/24", "fd00::1/64"}},
		nstest.End{Host: router, Name: "eth0", Addrs: []string{"10.0.0.2/24", "fd00::2/64"}})
	nstest.Connect(s, 1400,
		nstest.End{Host: router, Name: "eth1", Addrs: []string{"10.0.1.2/24"}},
		nstest.End{Host: server, Name: "eth0", Addrs: []string{"10.0.1.1/24"}})
	here.AddRoute(s, "default", "10.0.0.2")
	server.AddRoute(s, "default", "10.0.1.2")
	router.Forward(s)
	return here
}

// without is the script for a machine that allows no namespaces.
func without(s *stage) {
	s.say("The sockets of this machine.")
	s.run(0, "netstat -an")
	s.say("Its routes.")
	s.run(anyStatus, "route -n")
	s.say("A TCP connection between two embedded stacks, in virtual time.")
	s.run(0, "trace tcp --link memory")
}
