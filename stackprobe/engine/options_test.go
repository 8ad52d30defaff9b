package engine

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gvisor.dev/gvisor/pkg/tcpip"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/vclock"
)

// TestUnsupported: what netstack cannot do is refused when the stack is made, by name and with the reason.
func TestUnsupported(t *testing.T) {
	for _, tt := range []struct {
		socket app.Socket
		want   string
	}{
		{app.Socket{DelayedAck: app.On}, "delayed-ack"},
		{app.Socket{Timestamps: app.Off}, "timestamps"},
		{app.Socket{Congestion: "bbr"}, "cc"},
		{app.Socket{MSS: 87}, "mss"},
		{app.Socket{MSS: 1 << 16}, "mss"},
		{app.Socket{WindowScaling: app.Off, RcvBuf: 1 << 15}, "scaling"},
		{app.Socket{RcvBuf: 1}, "rcvbuf"},
		{app.Socket{RACK: app.On, SACK: app.Off}, "rack"},
	} {
		_, err := New(Config{Clock: vclock.NewVirtual(), Addr: clientAddr, MTU: 1500, Socket: tt.socket})
		refused, ok := errors.AsType[*app.Unsupported](err)
		if !ok || refused.Option != tt.want || refused.Stack != Name || refused.Why == "" {
			t.Errorf("%+v: %v", tt.socket, err)
		}
	}
	all := app.Socket{MSS: 88, RcvBuf: 1 << 15, SndBuf: 1, WindowScaling: app.On, SACK: app.On, Timestamps: app.On, Nagle: app.Off,
		DelayedAck: app.Off, Congestion: "cubic", RACK: app.On, Keepalive: 1, KeepaliveEvery: 1, KeepaliveCount: 1, UserTimeout: 1,
		TimeWait: 1, Backlog: 1, Cookies: app.On}
	if err := CheckSocket(&all); err != nil {
		t.Error(err)
	}
}

// synOptions returns the options of the first segment that an end has sent.
func synOptions(t *testing.T, c *cable, h event.Host) wire.TCPOptions {
	t.Helper()
	for _, s := range c.sent {
		if s.from == h {
			o, err := wire.ParseTCPOptions(s.tcp.Options())
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
	}
	t.Fatal("nothing sent")
	return wire.TCPOptions{}
}

// TestHandshakeOptions: what is asked for is what the SYNs offer, of both ends.
func TestHandshakeOptions(t *testing.T) {
	type offer struct {
		MSS   uint16
		Scale uint8
		SACK  bool
	}
	for _, tt := range []struct {
		name   string
		socket app.Socket
		want   offer
	}{
		{"default", app.Socket{}, offer{1460, 7, true}},
		{"mss", app.Socket{MSS: 600}, offer{600, 7, true}},
		{"no SACK", app.Socket{SACK: app.Off}, offer{1460, 7, false}},
		{"no scaling", app.Socket{WindowScaling: app.Off}, offer{1460, 0, true}},
		{"scaling by buffer", app.Socket{RcvBuf: 1 << 17}, offer{1460, 3, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCable(t, false, tt.socket, tt.socket)
			c.listen(t)
			c.dial(t, 40000)
			c.run(time.Second)
			for h := event.Client; h <= event.Server; h++ {
				o := synOptions(t, c, h)
				if d := cmp.Diff(tt.want, offer{o.MSS, o.WindowScale, o.SACKPermitted}); d != "" {
					t.Errorf("%v: %s", h, d)
				}
				if !o.HasScale || !o.HasTimestamps {
					t.Errorf("%v: no scale or no timestamps: %+v", h, o)
				}
			}
		})
	}
}

// TestMSS: the segments keep to what the peer has asked for.
func TestMSS(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{MSS: 600})
	client, _ := c.connect(t)
	write(t, client, 3000)
	c.run(time.Second)
	_, v := c.sample(event.Client)
	for _, s := range c.data(event.Client) {
		if n := len(s.tcp.Payload()); n > 600-12 || uint32(n) > v.SndMSS {
			t.Errorf("a segment of %d octets, SndMSS %d", n, v.SndMSS)
		}
	}
}

// TestBuffers: a window is as large as the application has asked for, and the send buffer takes as much.
func TestBuffers(t *testing.T) {
	c := newCable(t, false, app.Socket{SndBuf: 5000}, app.Socket{RcvBuf: 8000})
	client, server := c.connect(t)
	if n, err := client.Write(make([]byte, 100_000)); n != 5000 || err != nil {
		t.Errorf("the send buffer takes %d, %v", n, err)
	}
	c.run(time.Second)
	if _, v := c.sample(event.Server); v.RcvBuf != 5000 || v.RcvWnd != 3000 {
		t.Errorf("the receiver holds %d and offers %d of 8000", v.RcvBuf, v.RcvWnd)
	}
	if n, _ := client.Write(make([]byte, 100_000)); n != 5000 {
		t.Errorf("the empty send buffer takes %d", n)
	}
	c.run(time.Second)
	if _, v := c.sample(event.Server); v.RcvBuf != 8000 || v.RcvWnd != 0 {
		t.Errorf("the full receiver holds %d and offers %d", v.RcvBuf, v.RcvWnd)
	}
	drain(t, server)
	if _, v := c.sample(event.Server); v.RcvBuf != 0 {
		t.Errorf("the emptied receiver holds %d", v.RcvBuf)
	}
	if _, v := c.sample(event.Client); v.SndBuf != 2000 || v.Wnd != 0 {
		t.Errorf("the sender holds %d, its window is %d", v.SndBuf, v.Wnd)
	}
}

// TestNagle: a small segment waits for the acknowledgement of the one before only if asked to.
func TestNagle(t *testing.T) {
	for nagle, want := range map[app.Switch]int{app.On: 2, app.Off: 3, app.Default: 3} {
		c := newCable(t, false, app.Socket{Nagle: nagle}, app.Socket{})
		client, _ := c.connect(t)
		for range 3 {
			write(t, client, 10)
		}
		c.run(time.Second)
		if n := len(c.data(event.Client)); n != want {
			t.Errorf("Nagle %v: %d segments, want %d", nagle, n, want)
		}
	}
}

// TestCongestionControl: the socket has what it was asked for, and after a loss cubic keeps seven tenths of its window
// (RFC 9438 section 4.6), reno half of the nine that were in flight
// (RFC 5681 section 3.2).
func TestCongestionControl(t *testing.T) {
	for name, ssthresh := range map[string]uint32{"": 4, "reno": 4, "cubic": 7} {
		c := newCable(t, false, app.Socket{Congestion: name}, app.Socket{})
		client, _ := c.connect(t)
		var cc tcpip.CongestionControlOption
		if err := client.(conn).ep.GetSockOpt(&cc); err != nil || string(cc) != CongestionControl(&app.Socket{Congestion: name}) {
			t.Errorf("%q: %q, %v", name, cc, err)
		}
		c.lose = func(from event.Host, n int, _ *sentPacket) bool { return from == event.Client && n == 2 }
		write(t, client, 14200)
		c.run(50 * time.Millisecond)
		if _, v := c.sample(event.Client); v.Ssthresh != ssthresh {
			t.Errorf("%q: ssthresh %d after the loss, want %d", name, v.Ssthresh, ssthresh)
		}
	}
}

// TestLossRecoveryNames: the names are what the tests of evidence see happen.
func TestLossRecoveryNames(t *testing.T) {
	for _, tt := range []struct {
		socket app.Socket
		want   string
	}{{app.Socket{}, "RFC 6675"}, {app.Socket{SACK: app.Off}, "NewReno"}, {app.Socket{RACK: app.On}, "RACK-TLP"}} {
		if got := LossRecovery(&tt.socket); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.socket, got, tt.want)
		}
	}
}

// TestKeepalive: probes at the idle time and at each interval, then the connection is given up; on the side that
// connects and on the side that accepts.
func TestKeepalive(t *testing.T) {
	socket := app.Socket{Keepalive: 10 * time.Second, KeepaliveEvery: 3 * time.Second, KeepaliveCount: 2}
	for h := event.Client; h <= event.Server; h++ {
		var sockets [3]app.Socket
		sockets[h] = socket
		c := newCable(t, false, sockets[event.Client], sockets[event.Server])
		client, server := c.connect(t)
		if ok, err := client.Established(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		c.lose = func(event.Host, int, *sentPacket) bool { return true }
		before := c.loop.Now()
		c.run(time.Minute)
		var at []time.Duration
		for _, s := range c.sent {
			if s.from == h && s.has(event.SentKeepalive|event.InTimer) {
				at = append(at, (s.at - before).Round(time.Second))
			}
		}
		if d := cmp.Diff([]time.Duration{10 * time.Second, 13 * time.Second}, at); d != "" {
			t.Errorf("%v: %s", h, d)
		}
		conn := [3]app.Conn{event.Client: client, event.Server: server}[h]
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("%v: read: %v", h, err)
		}
		if state, _ := c.sample(h); state != event.Closed {
			t.Errorf("%v: %v", h, state)
		}
	}
}

// TestUserTimeout: a connection whose data are not acknowledged ends when its limit has passed, and not before.
func TestUserTimeout(t *testing.T) {
	c := newCable(t, false, app.Socket{UserTimeout: 5 * time.Second}, app.Socket{})
	client, _ := c.connect(t)
	c.lose = func(event.Host, int, *sentPacket) bool { return true }
	write(t, client, 1)
	c.run(4900 * time.Millisecond)
	if state, _ := c.sample(event.Client); state != event.StateEstablished {
		t.Errorf("%v before the limit", state)
	}
	c.run(200 * time.Millisecond)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("read: %v", err)
	}
}

// TestTimeWait: TIME-WAIT lasts as long as asked for, 60 s if nothing is said.
func TestTimeWait(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: time.Minute, 3 * time.Second: 3 * time.Second} {
		c := newCable(t, false, app.Socket{TimeWait: asked}, app.Socket{})
		client, server := c.connect(t)
		log := c.timerLog(event.Client)
		client.Close()
		c.run(50 * time.Millisecond)
		server.Close()
		c.run(50 * time.Millisecond)
		if state, _ := c.sample(event.Client); state != event.TimeWait {
			t.Fatalf("%v", state)
		}
		c.run(2 * time.Minute)
		end := (90*time.Millisecond + want).String() // the server's FIN arrives after 90 ms
		if d := cmp.Diff([]string{"90ms time-wait armed for " + end, end + " time-wait fired for " + end}, (*log)[max(0, len(*log)-2):]); d != "" {
			t.Errorf("asked for %v: %s", asked, d)
		}
		if state, _ := c.sample(event.Client); state != event.Closed {
			t.Errorf("%v after TIME-WAIT", state)
		}
	}
}

// TestBacklog: a SYN that finds the queue full is dropped.
func TestBacklog(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{Backlog: 2})
	c.listen(t)
	for port := range uint16(5) {
		c.dial(t, 40000+port)
		c.run(100 * time.Millisecond)
	}
	var dropped uint64
	for _, k := range c.ends[event.Server].Counters() {
		if k.Name == "TCP.ListenOverflowSynDrop" {
			dropped = k.Value
		}
	}
	if dropped == 0 {
		t.Error("nothing dropped")
	}
}

// TestCookies: a listener that always uses cookies says so, offers no window scale, and the connection stands.
func TestCookies(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{Cookies: app.On})
	accept := c.listen(t)
	client := c.dial(t, 40000)
	c.run(time.Second)
	if o := synOptions(t, c, event.Server); o.HasScale {
		t.Errorf("the cookie has a window scale: %+v", o)
	}
	for _, s := range c.sent {
		if got, want := s.has(event.SentCookie), s.from == event.Server && s.flags() == "SYN,ACK"; got != want {
			t.Errorf("%v %s: cookie %t, want %t", s.from, s.flags(), got, want)
		}
	}
	write(t, client, 10)
	c.run(time.Second)
	if n := drain(t, accept()); n != 10 {
		t.Errorf("%d octets", n)
	}
}
