package path

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// Datagrams carries UDP probes for hop discovery, for which nobody needs a right.
type Datagrams struct {
	udp   *probe.Socket
	codec Sockets // only its family is used: it builds probes and reads quotations
	// port is where probes go. With spread they go to it and the next ones in turn.
	port   uint16
	spread bool
	count  int        // probes that the kernel has taken
	sent   []datagram // by number
	newest uint16     // the number of the last one
	last   *Packet    // the only probe of the burst under way, nil when there are more
	short  int
}

// datagram is what tells a probe: its cookie, and where it went, 0 when it was not sent.
type datagram struct {
	cookie uint64
	port   uint16
}

// spreadPorts is how many ports probes go to in turn, as those of tracepath of iputils.
const spreadPorts = 64

// OpenDatagrams opens the socket. Errors are *probe.SocketError.
func OpenDatagrams(f probe.Family) (*Datagrams, error) {
	udp, err := probe.OpenUDP(f)
	if err != nil {
		return nil, err
	}
	return &Datagrams{udp: udp, codec: Sockets{family: f}}, nil
}

// Configure binds the socket to a host and a port there. With one port, routers that
// spread flows over several links send all probes one way: they have the same
// addresses, ports and checksum. With spread each goes to the next port, 64 in turn,
// which tells them apart where an error quotes no more than the ports. Errors are
// *probe.SocketError.
func (d *Datagrams) Configure(dest netip.Addr, port uint16, spread bool) error {
	d.port, d.spread = port, spread
	if err := d.udp.ConfigureUDP(probe.Config{Dest: dest, TTL: -1, TOS: -1}, port); err != nil {
		return err
	}
	return d.udp.AskExtensions()
}

// next is where the next probe goes. Behind the last port is the first one: there is no
// port 0.
func (d *Datagrams) next() uint16 {
	if !d.spread {
		return d.port
	}
	return uint16((int(d.port)+d.count%spreadPorts-1)%0xffff + 1)
}

// Close releases the socket.
func (d *Datagrams) Close() error { return d.udp.Close() }

// longestTry is beyond what any link carries: the kernel refuses it and says what
// the link takes.
const longestTry = 128000

// Send sends one probe.
func (d *Datagrams) Send(p *Packet) error {
	if p.Method != UDP {
		return unix.EOPNOTSUPP
	}
	short := *p
	short.Size = min(p.Size, longestTry)
	d.codec.message = d.codec.build(d.codec.message[:0], &short)
	port := d.next()
	d.udp.SetPort(port)
	if err := d.udp.SendVaried(d.codec.message, probe.Vary{TTL: p.TTL}); err != nil {
		return err
	}
	if n := int(p.Number); n >= len(d.sent) {
		d.sent = append(d.sent, make([]datagram, n+1-len(d.sent))...)
	}
	d.sent[p.Number], d.newest = datagram{cookie: p.Cookie, port: port}, p.Number
	d.count++
	return nil
}

// Receive returns the next answer.
func (d *Datagrams) Receive() (*Answer, error) {
	for {
		m, err := d.udp.Receive()
		if err != nil || m == nil {
			return nil, err
		}
		switch {
		case d.codec.parse(m, UDP):
			return &d.codec.answer, nil
		case m.Kind == probe.ICMPError && quotedLittle(m.Data) && d.attribute(m.Port):
			return &d.codec.answer, nil
		case m.Kind == probe.Packet && d.data(m):
			return &d.codec.answer, nil
		}
	}
}

// attribute finds the probe of an error that quotes no more than the UDP header
// (RFC 792 asks for no more): the last one that went to its port. Where all go to
// one it can only be told when one alone is under way.
func (d *Datagrams) attribute(port uint16) bool {
	if !d.spread {
		d.short++
		if d.last == nil || port != d.port {
			return false
		}
		d.codec.answer.Number = d.last.Number
		return true
	}
	for back := range len(d.sent) {
		n := d.newest - uint16(back) // behind the last number is the first one
		if int(n) < len(d.sent) && d.sent[n].port == port {
			d.codec.answer.Number = n
			return true
		}
	}
	return false
}

// data makes an answer of what a program has sent back: the probe itself, or anything.
func (d *Datagrams) data(m *probe.Message) bool {
	a := &d.codec.answer
	a.Kind, a.Means, a.Size = Reply, ByData, len(m.Data)+wire.UDPHeader+d.codec.ipHeader()
	if len(m.Data) >= udpData {
		cookie, number := binary.BigEndian.Uint64(m.Data), binary.BigEndian.Uint16(m.Data[8:])
		if int(number) < len(d.sent) && d.sent[number] == (datagram{cookie, m.Port}) {
			a.Number, a.Cookie, a.HasCookie = number, cookie, true
			return true
		}
	}
	if !d.attribute(m.Port) {
		return false
	}
	a.Cookie, a.HasCookie = d.sent[a.Number].cookie, true
	return true
}

// Wait waits for an answer.
func (d *Datagrams) Wait(t time.Duration) error { return d.udp.Wait(t) }

// Wake ends a Wait.
func (d *Datagrams) Wake() { d.udp.Wake() }

// quoter is a Conn that may get errors which quote too little to tell the probe.
type quoter interface {
	// alone says which probe is the only one under way, nil when there are several.
	alone(p *Packet)
	// shorts is how many such errors there were.
	shorts() int
}

func (d *Datagrams) alone(p *Packet) { d.last = p }

func (d *Datagrams) shorts() int { return d.short }

// SourceOf returns the address that the kernel sends from to a host, or why it
// sends nothing there, as probe.Source does.
func (d *Datagrams) SourceOf(dest netip.Addr) (netip.Addr, error) {
	return probe.Source(d.codec.family, probe.Config{Dest: dest, TTL: -1, TOS: -1})
}
