package engine

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/stackprobe/app"
	"gnet/stackprobe/link"
)

// bulkBytes is enough for many packets of full size and for both buffers to fill.
const bulkBytes = 32 << 20

// TestBulk moves data from the kernel to the engine and back, over IPv4 and IPv6, and compares all of it.
func TestBulk(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	nstest.InNetns(t, func(t *testing.T) {
		for name, ends := range map[string][2]string{"IPv4": {"192.0.2.1", "192.0.2.2"}, "IPv6": {"2001:db8::1", "2001:db8::2"}} {
			t.Run(name, func(t *testing.T) { testBulk(t, netip.MustParseAddr(ends[0]), netip.MustParseAddr(ends[1])) })
		}
	})
}

func testBulk(t *testing.T, kernel, engine netip.Addr) {
	b := newBulk(t, kernel, engine)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type outcome struct {
		sum uint64
		err error
	}
	got := make(chan outcome, 1)
	accept, err := b.Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		sum, err := bulkServer(ctx, accept)
		got <- outcome{sum, err}
	}()
	c := dialUntil(ctx, t, netip.AddrPortFrom(engine, 7))
	defer c.Close()
	expectOptions(t, c)
	pattern := app.NewPattern(1)
	sent := fnv.New64a()
	buf := make([]byte, 1<<16)
	for at := int64(0); at < bulkBytes; at += int64(len(buf)) {
		pattern.Fill(buf, at)
		sent.Write(buf)
		if _, err := c.Write(buf); err != nil {
			t.Fatal(err)
		}
	}
	c.CloseWrite()
	o := <-got
	if o.err != nil || o.sum != sent.Sum64() {
		t.Fatalf("kernel to engine: sum %x, want %x, %v", o.sum, sent.Sum64(), o.err)
	}
	back := fnv.New64a()
	n, err := io.Copy(back, c)
	if n != bulkBytes || err != nil || back.Sum64() != sent.Sum64() {
		t.Errorf("engine to kernel: %d octets, %v, sum %x, want %x", n, err, back.Sum64(), sent.Sum64())
	}
	if b.Dropped() > 0 {
		t.Errorf("%d packets dropped", b.Dropped())
	}
}

// expectOptions: without window scaling nothing but 64 KiB would ever be on its way.
func expectOptions(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) { info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil || infoErr != nil {
		t.Fatal(err, infoErr)
	}
	const want = 1 | 2 | 4 // TCPI_OPT_TIMESTAMPS, TCPI_OPT_SACK, TCPI_OPT_WSCALE (include/uapi/linux/tcp.h)
	if info.Options != want {
		t.Errorf("options of the connection %#x, want %#x", info.Options, want)
	}
}

// newBulk makes the interface with the kernel's address and the engine behind it.
func newBulk(t *testing.T, kernel, engine netip.Addr) *Bulk {
	t.Helper()
	tun, err := link.OpenVnetTUN("bulk0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(tun) })
	c, err := rtnl.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := c.LinkByName("bulk0")
	// The kernel makes the route to an IPv6 peer only for a link that is up.
	if err == nil {
		err = c.SetLink(l.Index, new(rtnl.LinkChange).MTU(1500).TxQueueLen(10000).Up())
	}
	if err == nil {
		err = c.AddPeerAddr(l.Index, kernel, engine, unix.IFA_F_NODAD)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBulk(BulkConfig{TUN: tun, Addr: engine, MTU: 1500})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// bulkServer takes one connection, reads bulkBytes and sends the same pattern back.
func bulkServer(ctx context.Context, accept func(context.Context) (*BulkConn, error)) (sum uint64, err error) {
	c, err := accept(ctx)
	if err != nil {
		return 0, err
	}
	h := fnv.New64a()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{c}, make([]byte, 1<<18)); err != nil {
		return 0, err
	}
	go func() {
		defer c.Close()
		pattern, buf := app.NewPattern(1), make([]byte, 1<<16)
		for at := int64(0); at < bulkBytes; at += int64(len(buf)) {
			pattern.Fill(buf, at)
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}()
	return h.Sum64(), nil
}

// dialUntil connects as soon as the kernel has a route: it makes that of an IPv6 link a moment after the link is up.
func dialUntil(ctx context.Context, t *testing.T, to netip.AddrPort) *net.TCPConn {
	t.Helper()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", to.String())
		if err == nil {
			return c.(*net.TCPConn)
		}
		if !errors.Is(err, unix.ENETUNREACH) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}
