package path

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// Datagrams carries UDP probes for hop discovery, for which nobody needs a right.
// All leave from one port to one port: routers that spread flows over several
// links send them one way.
type Datagrams struct {
	udp   *probe.Socket
	codec Sockets // only its family is used: it builds probes and reads quotations
	last  *Packet // the only probe of the burst under way, nil when there are more
	short int
}

// OpenDatagrams opens the socket. Errors are *probe.SocketError.
func OpenDatagrams(f probe.Family) (*Datagrams, error) {
	udp, err := probe.OpenUDP(f)
	if err != nil {
		return nil, err
	}
	return &Datagrams{udp: udp, codec: Sockets{family: f}}, nil
}

// Configure binds the socket to a host and a port there. Errors are
// *probe.SocketError.
func (d *Datagrams) Configure(dest netip.Addr, port uint16) error {
	return d.udp.ConfigureUDP(probe.Config{Dest: dest, TTL: -1, TOS: -1}, port)
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
	return d.udp.SendVaried(d.codec.message, probe.Vary{TTL: p.TTL})
}

// Receive returns the next answer.
func (d *Datagrams) Receive() (*Answer, error) {
	for {
		m, err := d.udp.Receive()
		if err != nil || m == nil {
			return nil, err
		}
		if d.codec.parse(m, UDP) {
			return &d.codec.answer, nil
		}
		if m.Kind == probe.ICMPError && len(m.Data) < udpData && d.attribute() {
			return &d.codec.answer, nil
		}
	}
}

// attribute finds the probe of an error that quotes no more than the UDP header
// (RFC 792 asks for no more): it can only be told when one alone is under way.
func (d *Datagrams) attribute() bool {
	d.short++
	if d.last == nil {
		return false
	}
	d.codec.answer.Number = d.last.Number
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
