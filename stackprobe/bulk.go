package stackprobe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/app"
	"gnet/stackprobe/engine"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
)

// BulkConfig says what a Bulk moves. Zero values are those of Config.
type BulkConfig struct {
	IPv6 bool
	MTU  int
	// Time is how long each direction sends, 0 for DefaultBulkTime; Bytes, if it is not 0, is how much each direction sends
	// instead, however long that takes.
	Time  time.Duration
	Bytes int64
	// Sockets are the options of the two ends, by event.Host. Where they say nothing, congestion control is BulkCC, the send
	// buffer of the client has BulkSndBuf, and those of the engine are of a similar size (engine.BulkConfig). The engine's
	// RACK stays off as everywhere: it takes the pauses of a busy machine for losses, repeats what has arrived and makes its
	// packets smaller for it.
	Sockets [3]app.Socket
	// Deadline is when the run is given up: 0 stands for a half minute more than both directions are to take, or for an hour
	// if they are told in bytes.
	Deadline time.Duration
	// Version is the program's.
	Version string
	// Helper is that of Config.
	Helper []string
}

// The values of a plain Bulk.
const (
	DefaultBulkTime = 3 * time.Second
	// MaxBulkTime and MaxBulkBytes keep a figure from being a mistake.
	MaxBulkTime  = time.Hour
	MaxBulkBytes = 1 << 44
	// BulkCC is the congestion control of both ends: what Linux ships with.
	BulkCC = "cubic"
	// BulkSndBuf is what the kernel's end asks for as its send buffer, of which the kernel makes twice that (socket(7)). Left to
	// itself it takes 4 MiB (tcp_wmem), and what an application has written long ago has left the processor's cache.
	BulkSndBuf = 1 << 18

	bulkGrace    = 30 * time.Second
	bulkDeadline = time.Hour
)

// Check reports the first value that c cannot have as a *ConfigError.
func (c *BulkConfig) Check() error {
	switch {
	case c.Time < 0 || c.Time > MaxBulkTime:
		return &ConfigError{"time", c.Time.String(), fmt.Sprintf("more than 0s, at most %v", MaxBulkTime)}
	case c.Bytes < 0 || c.Bytes > MaxBulkBytes:
		return &ConfigError{"bytes", fmt.Sprint(c.Bytes), fmt.Sprintf("1 to %d", int64(MaxBulkBytes))}
	}
	link := Config{World: Tun, IPv6: c.IPv6, MTU: c.MTU, Deadline: c.Deadline}
	return link.Check()
}

// deadline returns how long the run may take.
func (c *BulkConfig) deadline() time.Duration {
	switch {
	case c.Deadline > 0:
		return c.Deadline
	case c.Bytes > 0:
		return bulkDeadline
	}
	return 2*cmp.Or(c.Time, DefaultBulkTime) + bulkGrace
}

// Bulk is a kernel's client and an engine's server at a TUN interface with offloads: packets of up to 64 KiB stand for many
// segments, nobody looks at them, and there are no events. It shows how fast the two are when they are not watched.
type Bulk struct {
	// Run says what the run is made of: both stacks, MTU and what is pinned.
	Run *event.Run

	cfg    BulkConfig
	ctx    context.Context
	cancel context.CancelFunc
	host   *kernelside.Host
	engine *engine.Bulk
	ends   [3]bulkEnd // by event.Host
}

// bulkEnd is one end's connection; its calls wait, and end with the run's context.
type bulkEnd interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// Transfer is what one direction has moved.
type Transfer struct {
	From, To event.Host
	// Bytes is how much has arrived, every octet compared with what was sent, and Elapsed the time from the first write to the
	// last read.
	Bytes   int64
	Elapsed time.Duration
	// CPU is the processor time that this process took meanwhile, for both ends, in user mode and in the kernel.
	CPU time.Duration
	// Retransmitted counts the segments that the sender's stack has repeated, Dropped the packets that found no room on their
	// way into the interface.
	Retransmitted, Dropped uint64
	// Reason is the sentence for a transfer that failed, "" for one that did not.
	Reason string
}

// Goodput returns the octets that arrived as bits per second.
func (t *Transfer) Goodput() float64 {
	if t.Elapsed <= 0 {
		return 0
	}
	return 8 * float64(t.Bytes) / t.Elapsed.Seconds()
}

// OpenBulk builds the world of c and connects its ends. ctx ends everything; Close must be called. Errors are those of Run.
func OpenBulk(ctx context.Context, c BulkConfig) (*Bulk, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	for h := event.Client; h <= event.Server; h++ {
		c.Sockets[h].Congestion = cmp.Or(c.Sockets[h].Congestion, BulkCC)
	}
	c.Sockets[event.Client].SndBuf = cmp.Or(c.Sockets[event.Client].SndBuf, BulkSndBuf)
	b := &Bulk{cfg: c}
	b.ctx, b.cancel = context.WithTimeout(ctx, c.deadline())
	if err := b.open(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// open makes the two stacks and the connection between them.
func (b *Bulk) open() error {
	of := Config{IPv6: b.cfg.IPv6, MTU: b.cfg.MTU, Deadline: b.cfg.deadline(), Version: b.cfg.Version}
	for h := event.Client; h <= event.Server; h++ {
		of.Ends[h].Socket = b.cfg.Sockets[h]
	}
	client, server := of.addr(event.Client), of.addr(event.Server)
	var err error
	b.host, err = kernelside.Open(b.ctx, kernelside.Config{Local: client, Peer: server, MTU: of.mtu(), Offload: true,
		Socket: b.cfg.Sockets[event.Client], Helper: b.cfg.Helper})
	if err != nil {
		return endError(event.Client, err)
	}
	b.Run = of.header(Tun, event.Mono)
	b.Run.Pinned, b.Run.Unpinned = b.host.Pinned, b.host.Unpinned
	kernelStack(&b.Run.Client, &b.cfg.Sockets[event.Client], client.String())
	socket := &b.cfg.Sockets[event.Server]
	about := &b.Run.Server
	about.Name, about.CC, about.Recovery, about.Addr = engine.Name, engine.CongestionControl(socket), engine.LossRecovery(socket), server.String()
	b.engine, err = engine.NewBulk(engine.BulkConfig{TUN: b.host.TUN(), Addr: server, MTU: of.mtu(), Socket: *socket})
	if err != nil {
		return endError(event.Server, err)
	}
	return b.connect(netip.AddrPortFrom(server, ServerPort))
}

// connect has the client connect and the server accept.
func (b *Bulk) connect(to netip.AddrPort) error {
	accept, err := b.engine.Listen(to.Port())
	if err != nil {
		return err
	}
	stream, err := b.host.Dial(b.ctx, to)
	if err != nil {
		return endError(event.Client, err)
	}
	b.ends[event.Client] = stream
	conn, err := accept(b.ctx)
	if err != nil {
		return err
	}
	b.ends[event.Server] = conn
	return nil
}

// Close ends everything; no process, namespace or goroutine of the run is left.
func (b *Bulk) Close() {
	b.cancel()
	for _, e := range b.ends {
		if e != nil {
			e.Close()
		}
	}
	if b.engine != nil {
		b.engine.Close()
	}
	if b.host != nil {
		b.host.Close()
	}
}

// Transfers moves data from the client to the server, then from the server to the client on the same connection, and yields
// what came of each direction. A direction that fails is the last one, with its Reason. The error is that of the context given
// to OpenBulk; the run's own deadline is a Reason. The pointer is valid until the next step.
func (b *Bulk) Transfers() iter.Seq2[*Transfer, error] {
	return func(yield func(*Transfer, error) bool) {
		for from := event.Client; from <= event.Server; from++ {
			t, err := b.transfer(from)
			if errors.Is(err, context.Canceled) {
				yield(nil, err)
				return
			}
			if err != nil {
				t.Reason = err.Error()
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Reason = fmt.Sprintf("given up after %v", b.cfg.deadline())
			}
			if !yield(t, nil) || err != nil {
				return
			}
		}
	}
}

// transfer moves the data of one direction.
func (b *Bulk) transfer(from event.Host) (*Transfer, error) {
	t := &Transfer{From: from, To: from.Peer()}
	pattern := newBulkPattern(int64(from))
	drops, repeated := b.counted(from)
	cpu, begin := processTime(), time.Now()
	sent := make(chan error, 1)
	var written int64
	go func() {
		n, err := pattern.send(b.ends[from], b.more(begin))
		if err == nil {
			err = b.ends[from].CloseWrite()
		}
		written = n
		sent <- err
	}()
	n, err := pattern.receive(b.ends[t.To])
	t.Bytes, t.Elapsed, t.CPU = n, time.Since(begin), processTime()-cpu
	if ended := b.ctx.Err(); ended != nil {
		err = ended // of which a stack says what it likes
	}
	if err != nil {
		b.cancel() // the sender would wait for ever
	}
	if sendErr := <-sent; err == nil && sendErr != nil {
		err = fmt.Errorf("%s: %w", from, sendErr)
	}
	if err == nil && n != written {
		err = fmt.Errorf("%s got %d octets of %d", t.To, n, written)
	}
	dropsNow, repeatedNow := b.counted(from)
	t.Dropped, t.Retransmitted = dropsNow-drops, repeatedNow-repeated
	return t, err
}

// more returns the function that says how many octets are still to be sent when n have been.
func (b *Bulk) more(begin time.Time) func(n int64) int64 {
	if b.cfg.Bytes > 0 {
		return func(n int64) int64 { return b.cfg.Bytes - n }
	}
	limit := cmp.Or(b.cfg.Time, DefaultBulkTime)
	return func(int64) int64 {
		if time.Since(begin) >= limit {
			return 0
		}
		return bulkWrite
	}
}

// counted returns the packets that what end from sends has lost at the interface, and the segments that it has repeated.
func (b *Bulk) counted(from event.Host) (drops, repeated uint64) {
	if from == event.Server {
		return b.engine.Dropped(), b.engine.Retransmitted()
	}
	drops, _ = b.host.Dropped()
	return drops, b.host.Retransmitted()
}

// processTime returns the processor time of this process so far (getrusage(2)).
func processTime() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
