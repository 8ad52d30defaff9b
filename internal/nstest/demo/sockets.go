package main

import "net"

// openSockets opens sockets of the kinds that the script announces; they stay
// open until the end of the script.
func openSockets(s *stage) {
	for _, listen := range []struct{ network, address string }{
		{"tcp4", "0.0.0.0:80"}, {"tcp6", "[::]:443"}, {"tcp4", "127.0.0.1:6379"},
	} {
		l, err := net.Listen(listen.network, listen.address)
		s.must(err)
		s.Cleanup(func() { l.Close() })
	}
	for _, bind := range []struct{ network, address string }{
		{"udp4", "0.0.0.0:68"}, {"udp4", "127.0.0.1:123"}, {"udp6", "[fd00::1]:546"},
	} {
		c, err := net.ListenPacket(bind.network, bind.address)
		s.must(err)
		s.Cleanup(func() { c.Close() })
	}
	for _, address := range []string{"10.0.0.1:8080", "[fd00::1]:8443"} {
		connection(s, address, false)
	}
	for _, address := range []string{"10.0.0.1:5432", "[fd00::1]:5433"} {
		connection(s, address, true)
	}
	l, err := net.Listen("unix", "@gnet-demo")
	s.must(err)
	s.Cleanup(func() { l.Close() })
	c, err := net.Dial("unix", "@gnet-demo")
	s.must(err)
	s.Cleanup(func() { c.Close() })
	accepted, err := l.Accept()
	s.must(err)
	s.Cleanup(func() { accepted.Close() })
}

// connection makes a TCP connection to a listener at address. Closed, it ends by
// the client first, whose side then waits in TIME_WAIT; both sides have read the
// other's end by then, so the state is reached.
func connection(s *stage, address string, closed bool) {
	l, err := net.Listen("tcp", address)
	s.must(err)
	client, err := net.Dial("tcp", address)
	s.must(err)
	server, err := l.Accept()
	s.must(err)
	l.Close()
	if !closed {
		s.Cleanup(func() { client.Close(); server.Close() })
		return
	}
	s.must(client.(*net.TCPConn).CloseWrite())
	readEnd(server)
	s.must(server.Close())
	readEnd(client)
	s.must(client.Close())
}

// readEnd reads until the other side's end has arrived.
func readEnd(c net.Conn) {
	var b [1]byte
	for {
		if _, err := c.Read(b[:]); err != nil {
			return
		}
	}
}
