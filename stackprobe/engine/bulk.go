package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"gnet/stackprobe/app"
)

// Bulk is a stack that moves data through a TUN interface as fast as it can: packets of up to 64 KiB stand for many
// segments (link.OpenVnetTUN), nobody looks at them, and time is the machine's. It shows how fast the engine is when it
// is not watched.
type Bulk struct {
	stack *stack.Stack
	nic   *bulkNIC
	addr  tcpip.Address
	net   tcpip.NetworkProtocolNumber
	socket
}

const (
	// bulkPacket is the largest packet that the interface takes.
	bulkPacket = 1<<16 - 1
	// BulkPayload is how much netstack puts into one packet: what fits beside the most that the headers of all layers can need
	// (sender.sendData).
	BulkPayload = bulkPacket - header.TCPTotalHeaderMaximumSize - 1
	// bulkSend is the size of the send buffer, in whole packets so that no write leaves a short one behind. Three of them are
	// enough to keep the other end busy, and with the kernel's copies of them they stay in the cache of a processor: with 8 MiB
	// on its way each octet takes half as much processor time again.
	bulkSend = 3 * BulkPayload
	// bulkReceive is the size of the receive buffer, half of which is the window; for its size the same holds.
	bulkReceive = 1 << 20
)

// BulkConfig says how a Bulk is made.
type BulkConfig struct {
	// TUN is the descriptor of the interface, which stays the caller's.
	TUN  int
	Addr netip.Addr // IPv4 or IPv6
	MTU  int
	// Socket holds for the connection, as that of Config does. Of buffers of which nothing is said, that to receive has 1 MiB,
	// and that to send has room for three packets.
	Socket app.Socket
}

// NewBulk returns a stack at a TUN interface. The error is *app.Unsupported for an option that netstack cannot do.
func NewBulk(c BulkConfig) (*Bulk, error) {
	quiet()
	if err := CheckSocket(&c.Socket); err != nil {
		return nil, err
	}
	b := &Bulk{addr: tcpip.AddrFromSlice(c.Addr.AsSlice()), net: ipv4.ProtocolNumber, socket: socket(c.Socket)}
	if c.Addr.Is6() {
		b.net = ipv6.ProtocolNumber
	}
	b.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	var err error
	if b.nic, err = newBulkNIC(c.TUN, uint32(c.MTU)); err == nil {
		err = setUp(b.stack, b.options(), b.nic, whole(b.net, b.addr))
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// options are the socket's, with buffers of the size that a bulk transfer needs.
func (b *Bulk) options() []tcpip.SettableTransportProtocolOption {
	rcv := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: bulkReceive, Max: bulkReceive}
	snd := tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: bulkSend, Max: bulkSend}
	return append([]tcpip.SettableTransportProtocolOption{&rcv, &snd}, b.socket.protocol()...)
}

// Dropped returns how many packets the interface refused.
func (b *Bulk) Dropped() uint64 { return b.nic.dropped.Load() }

// Retransmitted returns how many segments the stack has repeated.
func (b *Bulk) Retransmitted() uint64 { return b.stack.Stats().TCP.Retransmits.Value() }

// Close ends the stack and returns when its goroutines have ended.
func (b *Bulk) Close() {
	if b.nic != nil {
		b.nic.end()
	}
	b.stack.Destroy()
}

// BulkConn is one connection of a Bulk. Its methods wait. One goroutine may read while another writes.
type BulkConn struct {
	ep    tcpip.Endpoint
	queue *waiter.Queue
	ctx   context.Context
}

// Listen opens port. The function that it returns waits for one connection and closes the port; the calls of the connection
// end with its ctx. It must be called.
//
// The queue is longer than the one connection that is taken from it: netstack answers a SYN with a cookie as soon as all
// places but one are taken (handleListenSegment), and a connection from a cookie has neither window scaling nor SACK.
func (b *Bulk) Listen(port uint16) (accept func(ctx context.Context) (*BulkConn, error), err error) {
	queue := &waiter.Queue{}
	ep, tcpErr := b.stack.NewEndpoint(tcp.ProtocolNumber, b.net, queue)
	if tcpErr != nil {
		return nil, fmt.Errorf("engine: socket: %w", sysError(tcpErr))
	}
	err = b.socket.create(ep)
	if err == nil {
		if tcpErr = ep.Bind(addr(b.addr, port)); tcpErr == nil {
			tcpErr = ep.Listen(b.socket.backlog())
		}
		if tcpErr != nil {
			err = fmt.Errorf("engine: listen: %w", sysError(tcpErr))
		}
	}
	if err != nil {
		ep.Close()
		return nil, err
	}
	return func(ctx context.Context) (*BulkConn, error) {
		defer ep.Close()
		c := &BulkConn{ctx: ctx}
		err := wait(ctx, queue, waiter.ReadableEvents, func() tcpip.Error {
			var err tcpip.Error
			c.ep, c.queue, err = ep.Accept(nil)
			return err
		})
		if err != nil {
			return nil, err
		}
		return c, nil
	}, nil
}

// wait calls f until it no longer would block, with a notification between two calls.
func wait(ctx context.Context, q *waiter.Queue, mask waiter.EventMask, f func() tcpip.Error) error {
	err := f()
	if _, block := err.(*tcpip.ErrWouldBlock); !block {
		return callError(err)
	}
	entry, ready := waiter.NewChannelEntry(mask)
	q.EventRegister(&entry)
	defer q.EventUnregister(&entry)
	for {
		err := f()
		if _, block := err.(*tcpip.ErrWouldBlock); !block {
			return callError(err)
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// callError is nil for no error, io.EOF behind the peer's FIN.
func callError(err tcpip.Error) error {
	switch err.(type) {
	case nil:
		return nil
	case *tcpip.ErrClosedForReceive:
		return io.EOF
	}
	return sysError(err)
}

// Read implements io.Reader.
func (c *BulkConn) Read(p []byte) (n int, err error) {
	err = wait(c.ctx, c.queue, waiter.ReadableEvents|waiter.EventErr|waiter.EventHUp, func() tcpip.Error {
		w := tcpip.SliceWriter(p)
		r, err := c.ep.Read(&w, tcpip.ReadOptions{})
		n = r.Count
		return err
	})
	return n, err
}

// WriteTo implements io.WriterTo: it gives w what arrives, as it lies in the stack, until the peer's FIN. What w is given is
// valid during the call, in which it must take all of it and must not use the connection.
func (c *BulkConn) WriteTo(w io.Writer) (sum int64, err error) {
	out := &firstError{w: w}
	for {
		err = wait(c.ctx, c.queue, waiter.ReadableEvents|waiter.EventErr|waiter.EventHUp, func() tcpip.Error {
			r, err := c.ep.Read(out, tcpip.ReadOptions{})
			sum += int64(r.Count)
			return err
		})
		switch {
		case out.err != nil:
			return sum, out.err
		case err == io.EOF:
			return sum, nil
		case err != nil:
			return sum, err
		}
	}
}

// firstError keeps the first error of a writer, which netstack does not pass on.
type firstError struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (f *firstError) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(p)
	f.err = err
	return n, err
}

// Write implements io.Writer.
func (c *BulkConn) Write(p []byte) (n int, err error) {
	return c.WriteFrom(bytes.NewReader(p), 0, len(p))
}

// WriteFrom writes n octets of src, which must have them, from the octet at off on. Netstack has no way to send what lies
// elsewhere: it copies it, and from here it does so without a buffer between.
func (c *BulkConn) WriteFrom(src io.ReaderAt, off int64, n int) (written int, err error) {
	for written < n && err == nil {
		err = wait(c.ctx, c.queue, waiter.WritableEvents|waiter.EventErr|waiter.EventHUp, func() tcpip.Error {
			k, err := c.ep.Write(&payload{src, off + int64(written), n - written}, tcpip.WriteOptions{})
			written += int(k)
			return err
		})
	}
	return written, err
}

// payload implements tcpip.Payloader.
type payload struct {
	src  io.ReaderAt
	off  int64
	left int
}

// Len returns how much there is to be read.
func (p *payload) Len() int { return p.left }

// Read implements io.Reader.
func (p *payload) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.src.ReadAt(b[:min(len(b), p.left)], p.off)
	p.off, p.left = p.off+int64(n), p.left-n
	return n, err
}

// CloseWrite ends the direction from here with a FIN.
func (c *BulkConn) CloseWrite() error { return callError(c.ep.Shutdown(tcpip.ShutdownWrite)) }

// Close closes the connection.
func (c *BulkConn) Close() error {
	c.ep.Close()
	return nil
}
