package stackprobe_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/stackprobe"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/event"
)

// sendFrames has the peer send frames as they are.
func sendFrames(t *testing.T, peer *nstest.Host, frames ...[]byte) {
	t.Helper()
	peer.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		v0, err := net.InterfaceByName("v0")
		if err != nil {
			return err
		}
		for _, b := range frames {
			if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: v0.Index}); err != nil {
				return err
			}
		}
		return nil
	})
}

// frameTo is a frame of a datagram to port 9, behind tags of IEEE 802.1Q: pairs of their type and control.
func frameTo(t *testing.T, mac []byte, tags ...uint16) []byte {
	t.Helper()
	src, dst := netip.MustParseAddr(capturePeer), netip.MustParseAddr("192.0.2.1") // nobody here, who would answer
	udp := []byte{0x30, 0x39, 0, 9, 0, 40, 0, 0}
	udp = append(udp, make([]byte, 32)...)
	ip, err := (&wire.IPv4Fields{TTL: 64, Protocol: wire.ProtoUDP, Src: src, Dst: dst}).Append(nil, len(udp))
	if err != nil {
		t.Fatal(err)
	}
	b := append(slices.Clone(mac), 2, 0, 0, 0, 0, 7)
	for _, n := range tags {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return slices.Concat(b, []byte{8, 0}, ip, udp)
}

// TestCapture_tags: a tag that the kernel has taken off a frame stands in it again, of whatever type; what is behind it is found.
func TestCapture_tags(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		peer := capturePair(t)
		v0, err := net.InterfaceByName("v0")
		if err != nil {
			t.Fatal(err)
		}
		var sent [][]byte
		for _, tags := range [][]uint16{{}, {0x8100, 7}, {0x8100, 0x6000 | 4094}, {0x88a8, 100}, {0x88a8, 100, 0x8100, 7}} {
			sent = append(sent, frameTo(t, v0.HardwareAddr, tags...))
		}
		var got [][]byte
		c, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{NoEvents: true, Count: len(sent), Deadline: 20 * time.Second,
			LiveConfig: capture.LiveConfig{Device: "v0"},
			Packets: func(p *capture.Packet) error {
				got = append(got, slices.Clone(p.Data))
				if ip, length, err := p.IP(); err != nil || len(ip) != 60 || length != 60 || p.Length != len(p.Data) {
					t.Errorf("packet %d: %d octets of IP, %d, error %v; a length of %d, %d held", len(got), len(ip), length, err, p.Length, len(p.Data))
				}
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		sendFrames(t, peer, sent...)
		drainCapture(t, c)
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("-sent +captured\n%s", diff)
		}
	})
}

// promiscuity is how many have asked a device of this namespace for all packets.
func promiscuity(t *testing.T, device string) (n string) {
	t.Helper()
	r := nstest.Here(t).Run(t, nstest.Peer(t, "ip"), "-d", "link", "show", "dev", device)
	_, rest, ok := strings.Cut(r.Stdout, " promiscuity ")
	if !ok {
		t.Fatalf("%+v", r)
	}
	n, _, _ = strings.Cut(rest, " ")
	return n
}

// TestCapture_promiscuous: the device is asked for all packets as long as the capture lasts, if that is wanted.
func TestCapture_promiscuous(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		capturePair(t)
		for _, wanted := range []bool{false, true} {
			got := []string{promiscuity(t, "v0")}
			c, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{LiveConfig: capture.LiveConfig{Device: "v0", Promiscuous: wanted}})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, promiscuity(t, "v0"))
			c.Close()
			got = append(got, promiscuity(t, "v0"))
			want := []string{"0", "0", "0"}
			if wanted {
				want[1] = "1"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("wanted %v: before, during, after (-want +got):\n%s", wanted, diff)
			}
		}
	})
}

// TestCapture_segmented: packets that the device is to segment are longer than its MTU; that is said once, and how many there were.
func TestCapture_segmented(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		peer := capturePair(t)
		l, err := net.Listen("tcp4", captureHere+":8080")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := stackprobe.OpenCapture(stackprobe.CaptureConfig{Deadline: 200 * time.Millisecond,
			LiveConfig: capture.LiveConfig{Device: "v0", Filter: mustFilter(t, "tcp port 8080")}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		done := make(chan error, 1)
		go func() {
			conn, err := l.Accept()
			if err == nil {
				_, err = io.Copy(io.Discard, conn)
				conn.Close()
			}
			done <- err
		}()
		peer.Do(t, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 8080, Addr: netip.MustParseAddr(captureHere).As4()}); err != nil {
				return err
			}
			for b := make([]byte, 1<<20); len(b) > 0; {
				n, err := unix.Write(fd, b)
				if err != nil {
					return err
				}
				b = b[n:]
			}
			return nil
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		var notes []string
		for e, err := range c.Events(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if e != nil && e.Kind == event.KindNote && strings.Contains(e.Text, "the MTU") {
				notes = append(notes, e.Text)
			}
		}
		want := []string{"a packet is longer than the MTU of v0, 1500 octets: the device segments what it sends, or has joined what came; the wire has several of them",
			"N packets were longer than the MTU"}
		if len(notes) == 2 {
			_, rest, _ := strings.Cut(notes[1], " ")
			notes[1] = "N " + rest
		}
		if diff := cmp.Diff(want, notes); diff != "" || c.Sums().Oversized == 0 {
			t.Errorf("%+v (-want +got):\n%s", c.Sums(), diff)
		}
	})
}
