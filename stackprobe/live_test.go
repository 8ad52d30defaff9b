package stackprobe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// The addresses of the pair of devices between this host and its peer.
const (
	captureHere = "10.77.0.1"
	capturePeer = "10.77.0.2"
)

// capturePair connects this namespace with another, over the device v0.
func capturePair(t *testing.T) (peer *nstest.Host) {
	t.Helper()
	peer = nstest.NewHost(t, "peer")
	nstest.Connect(t, 1500, nstest.End{Host: nstest.Here(t), Name: "v0", Addrs: []string{captureHere + "/24"}},
		nstest.End{Host: peer, Name: "v0", Addrs: []string{capturePeer + "/24"}})
	return peer
}

// sendDatagrams sends n datagrams of that size from the peer to a port of this host.
func sendDatagrams(t *testing.T, peer *nstest.Host, n, size int, port uint16) {
	t.Helper()
	peer.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := &unix.SockaddrInet4{Port: int(port), Addr: netip.MustParseAddr(captureHere).As4()}
		b := make([]byte, size)
		for range n {
			if err := unix.Sendto(fd, b, 0, to); err != nil {
				return err
			}
		}
		return nil
	})
}

func mustFilter(t *testing.T, text string) *capture.Filter {
	t.Helper()
	f, err := capture.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drainCapture reads a capture to its end.
func drainCapture(t *testing.T, c *stackprobe.Capture) {
	t.Helper()
	for _, err := range c.Events(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCapture_ringFull: what was sent was captured or is counted as lost.
func TestCapture_ringFull(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		peer := capturePair(t)
		for _, sent := range []int{20, 3000} {
			held := 0
			c, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{NoEvents: true, Deadline: time.Millisecond,
				LiveConfig: capture.LiveConfig{Device: "v0", Filter: mustFilter(t, "udp dst port 9"), Ring: capture.MinRing},
				Packets:    func(*capture.Packet) error { held++; return nil }})
			if err != nil {
				t.Fatal(err)
			}
			sendDatagrams(t, peer, sent, 1400, 9) // nobody reads the ring
			sendDatagrams(t, peer, 5, 100, 10)    // the filter leaves these out
			drainCapture(t, c)
			s := c.Sums()
			if int(s.Packets) != held || int(s.Packets+s.Lost) != sent || (s.Lost > 0) != (sent == 3000) || s.Packets == 0 {
				t.Errorf("%d sent: %d captured, %d handed over, %d lost", sent, s.Packets, held, s.Lost)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestCapture_any: packets of all devices have a header that tells what they are, a filter finds what is behind it, and snap counts it.
func TestCapture_any(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		peer := capturePair(t)
		for _, snap := range []int{0, 60} {
			n := 0
			c, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{NoEvents: true, Count: 7, Deadline: 20 * time.Second,
				LiveConfig: capture.LiveConfig{Device: capture.Any, Snap: snap, Filter: mustFilter(t, "src host "+capturePeer+" and udp port 9")},
				Packets: func(p *capture.Packet) error {
					n++
					ip, length, err := p.IP()
					want := 128
					if snap > 0 {
						want = snap - 20
					}
					if err != nil || length != 128 || len(ip) != want || p.Direction != capture.Inbound || p.At.Link != capture.LinuxSL2 {
						t.Errorf("packet %d: %d octets of %d, error %v, direction %d", n, len(ip), length, err, p.Direction)
					}
					return nil
				}})
			if err != nil {
				t.Fatal(err)
			}
			sendDatagrams(t, peer, 10, 100, 9)
			drainCapture(t, c)
			if s := c.Sums(); s.Packets != 7 || n != 7 {
				t.Errorf("snap %d: %d packets, %d handed over, want 7", snap, s.Packets, n)
			}
			c.Close()
		}
	})
}

// TestCapture_localSocket: of a connection to this host the kernel tells one end, and its own count of octets agrees.
func TestCapture_localSocket(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		peer := capturePair(t)
		l, err := net.Listen("tcp4", captureHere+":8080")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{Deadline: 20 * time.Second,
			LiveConfig: capture.LiveConfig{Device: "v0", Filter: mustFilter(t, "tcp port 8080")}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		const octets = 20000
		peer.Do(t, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { unix.Close(fd) })
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 8080, Addr: netip.MustParseAddr(captureHere).As4()}); err != nil {
				return err
			}
			_, err = unix.Write(fd, make([]byte, octets))
			return err
		})
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.ReadFull(conn, make([]byte, octets)); err != nil {
			t.Fatal(err)
		}
		told := [3]int{}
		var sent int
		for e, err := range c.Events(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				continue
			}
			if e.Kind == event.KindTx && e.Host == event.Client && !e.Derived.Repeat {
				sent += e.Seg.Len
			}
			if e.Kind != event.KindVars {
				continue
			}
			told[e.Host]++
			if e.State != event.StateEstablished || e.StateHow != event.Read || e.Vars.How != event.Read || e.Vars.At <= 0 {
				t.Errorf("state %v, read %d, at %d", e.State, e.StateHow, e.Vars.At)
			}
			if e.Vars.BytesReceived == octets {
				break
			}
		}
		if told[event.Client] != 0 || told[event.Server] == 0 || sent != octets {
			t.Errorf("the kernel tells %d times of the client, which it does not have, %d times of the server; %d octets seen", told[event.Client], told[event.Server], sent)
		}
	})
}

func TestOpenCapture_noDevice(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		for _, name := range []string{"absent0", "a name that is too long for any device"} {
			_, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{LiveConfig: capture.LiveConfig{Device: name}})
			if failed, ok := errors.AsType[*capture.LiveError](err); !ok || failed.Device != name || !errors.Is(err, unix.ENODEV) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
