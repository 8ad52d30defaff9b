package path

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// udpPort is where UDP probes go, the first of those that traceroute made known,
// and tcpPort is where TCP probes go.
const (
	udpPort = 33434
	tcpPort = 443
)

// Sockets carries probes through the kernel. It is opened while the process has
// its rights, and configured when the host is known.
type Sockets struct {
	family         probe.Family
	target, source netip.Addr
	echo, udp, tcp *probe.Socket
	pieces         *probe.Pieces
	all            []*probe.Socket
	message        []byte
	syns           []syn
	// oneFlow: all TCP probes have the source port flowPort, and sequence numbers from
	// flowSeq on.
	oneFlow  bool
	flowPort uint16
	flowSeq  uint32
	answer   Answer
}

// Open opens the sockets of a family: one for echo requests, as ping has, one for
// UDP, and those for TCP and for fragments of our own making where that is allowed.
func Open(f probe.Family) (*Sockets, error) {
	s := &Sockets{family: f}
	var err error
	if s.echo, err = probe.Open(f, false); err != nil {
		return nil, err
	}
	s.all = []*probe.Socket{s.echo}
	if s.udp, err = probe.OpenUDP(f); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.all = append(s.all, s.udp)
	if tcp, err := probe.OpenTCP(f); err == nil {
		s.tcp = tcp
		s.all = append(s.all, tcp)
	}
	if pieces, err := probe.OpenPieces(f); err == nil {
		s.pieces = pieces
	}
	return s, nil
}

// Close releases the sockets.
func (s *Sockets) Close() error {
	var err error
	for _, socket := range s.all {
		err = errors.Join(err, socket.Close())
	}
	if s.pieces != nil {
		err = errors.Join(err, s.pieces.Close())
	}
	return err
}

// Echo returns the socket of the echo requests.
func (s *Sockets) Echo() *probe.Socket { return s.echo }

// Methods returns the methods besides Echo that the sockets have, the one whose
// answers nobody limits first.
func (s *Sockets) Methods() []Method {
	if s.tcp != nil {
		return []Method{TCP, UDP}
	}
	return []Method{UDP}
}

// Pieces reports whether fragments of any size can be sent.
func (s *Sockets) Pieces() bool { return s.pieces != nil }

// receiveBuffer is room for the answers to the largest burst, as far as the host
// allows.
const receiveBuffer = 4 << 20

// Configure binds the sockets to a host, named by c.Dest. source is the address that
// the kernel sends from, as probe.Source tells it. Errors are *probe.SocketError.
func (s *Sockets) Configure(c probe.Config, source netip.Addr) error {
	s.target, s.source = c.Dest, source
	c.ReceiveBuffer, c.TransmitStamps = receiveBuffer, false
	if err := s.echo.Configure(c); err != nil {
		return err
	}
	if err := s.echo.AskFragmentSize(); err != nil {
		return err
	}
	c.ID = 0 // on these it would be a port
	if err := s.udp.ConfigureUDP(c, udpPort); err != nil {
		return err
	}
	if s.tcp == nil {
		return nil
	}
	s.syns = make([]syn, synPorts)
	if s.oneFlow {
		return s.tcp.ConfigureTCP(c, probe.Ports{First: s.flowPort, Last: s.flowPort})
	}
	return s.tcp.ConfigureTCP(c, probe.Ports{First: firstPort, Last: firstPort + synPorts - 1})
}

// OneFlow makes all TCP probes leave from one port, so that routers which spread flows
// over several links send them one way. It comes before Configure. The first of
// several that arrive at once is answered for certain; to measure with many a port
// for each is better.
func (s *Sockets) OneFlow(random uint64) {
	s.oneFlow = true
	s.flowPort, s.flowSeq = firstPort+uint16(random%synPorts), uint32(random>>32)
}

// AskExtensions makes answers have the extensions of ICMP errors, once configured.
func (s *Sockets) AskExtensions() error {
	for _, socket := range s.all {
		if err := socket.AskExtensions(); err != nil {
			return err
		}
	}
	return nil
}

// deviceNumber is that of the packet that asks for the link's MTU. A link that takes it
// carries it away, and a router may complain of it.
const deviceNumber = 1<<16 - 1

// DeviceMTU returns the MTU of the link to the host, at most that of the longest IP
// packet. It asks with a packet that is longer than any link but the loopback
// takes: the kernel refuses it and says why.
func (s *Sockets) DeviceMTU() (int, error) {
	err := s.Send(&Packet{Method: Echo, Number: deviceNumber, Size: maxPacket})
	if err == nil {
		return maxPacket, nil
	}
	for {
		m, receiveErr := s.echo.Receive()
		switch {
		case receiveErr != nil && !errors.As(receiveErr, new(*probe.ParseError)):
			return 0, receiveErr
		case receiveErr == nil && m == nil:
			return 0, err
		case m != nil && m.Kind == probe.LocalError && m.Errno == unix.EMSGSIZE:
			return int(m.Info), nil
		}
	}
}

// Send sends one probe.
func (s *Sockets) Send(p *Packet) error {
	vary := probe.Vary{TTL: p.TTL, Fragment: p.Fragment, FragmentSize: p.FragmentSize}
	s.message = s.build(s.message[:0], p)
	switch {
	case p.Pieces && s.pieces != nil:
		id := uint16(p.Cookie) | 1
		return s.pieces.Send(s.source, s.target, id, s.message, p.FragmentSize)
	case p.Pieces:
		return unix.EOPNOTSUPP
	case p.Method == UDP:
		return s.udp.SendVaried(s.message, vary)
	case p.Method == TCP && s.tcp != nil:
		return s.tcp.SendVaried(s.message, vary)
	case p.Method == TCP:
		return unix.EOPNOTSUPP
	}
	return s.echo.SendVaried(s.message, vary)
}

// Receive returns the next answer on any of the sockets.
func (s *Sockets) Receive() (*Answer, error) {
	for i, socket := range s.all {
		for {
			m, err := socket.Receive()
			if err != nil {
				return nil, err
			}
			if m == nil {
				break
			}
			if s.parse(m, [...]Method{Echo, UDP, TCP}[i]) {
				return &s.answer, nil
			}
		}
	}
	return nil, nil
}

// Wait waits for an answer on any of the sockets.
func (s *Sockets) Wait(d time.Duration) error { return probe.WaitAny(d, s.all...) }

// Wake ends a Wait.
func (s *Sockets) Wake() { s.echo.Wake() }

// parse makes an answer of a message; false when it is none.
func (s *Sockets) parse(m *probe.Message, method Method) bool {
	s.answer = Answer{Method: method, From: m.From, Type: m.Type, Code: m.Code, Info: m.Info, TTL: m.TTL, Stamp: m.Stamp}
	a := &s.answer
	switch m.Kind {
	case probe.LocalError:
		a.Kind = LocalError
		return m.Errno == unix.EMSGSIZE
	case probe.ICMPError:
		a.Kind, a.From, a.About = ICMPError, m.Offender, m.From
		a.Extensions, a.BadExtensions = m.Extensions, m.BadExtensions
		return s.quoted(a, m.Data)
	case probe.Packet:
		a.Kind, a.FragmentSize = Reply, m.FragmentSize
		a.Size = len(m.Data) + s.ipHeader()
		if method == TCP {
			return s.segment(a, m.Data)
		}
		a.Means = ByEcho
		return method == Echo && !m.BadChecksum && s.echoed(a, m.Data, false)
	}
	return false
}

// quoted reads the probe that an error quotes.
func (s *Sockets) quoted(a *Answer, data []byte) bool {
	switch a.Method {
	case UDP: // what is behind the header
		if quotedLittle(data) {
			return false
		}
		a.Cookie, a.HasCookie = binary.BigEndian.Uint64(data), true
		a.Number = binary.BigEndian.Uint16(data[8:])
		return true
	case TCP:
		return s.quotedSegment(a, data)
	}
	return s.echoed(a, data, true)
}
