package rtnl

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

// announced is what kernel 6.18 announces while a veth pair e0-e1, e1 under a
// bridge br0, gets addresses, changes, and is deleted: one message per line, of a
// little-endian machine.
func announced(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/linkevents.hex")
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// said puts an event into a line.
func said(event *LinkEvent) string {
	word := "new"
	if event.Deleted {
		word = "deleted"
	}
	if l := event.Link; l != nil && event.Addr == nil {
		return fmt.Sprintf("%s link %d %s %s mtu %d flags %#x master %d", word, l.Index, l.Name, l.Kind, l.MTU, l.Flags, l.Master)
	}
	if a := event.Addr; a != nil && event.Link == nil {
		return fmt.Sprintf("%s address %v peer %v on %d %s", word, a.Prefix, a.Peer, a.Index, a.Label)
	}
	return fmt.Sprintf("neither or both: %+v", *event)
}

// heard walks the events until the error that ends them.
func heard(t *testing.T, c *Conn, ctx context.Context) (lines []string, last error) {
	t.Helper()
	for event, err := range c.LinkEvents(ctx) {
		switch {
		case last != nil:
			t.Fatalf("something behind the error %v", last)
		case err != nil:
			last = err
		default:
			lines = append(lines, said(event))
		}
	}
	return lines, last
}

// silent is a kernel that is asked nothing.
func silent(t *testing.T) (*Conn, *nltest.Kernel) {
	nl, kernel := nltest.Dial(func(netlink.Message) []nltest.Datagram { return nil })
	c := NewConn(nl)
	t.Cleanup(func() { c.Close() })
	return c, kernel
}

func TestLinkEvents(t *testing.T) {
	c, kernel := silent(t)
	kernel.Tell(nltest.Datagram{Bytes: announced(t)}, nltest.Datagram{Err: unix.ENOBUFS})
	got, err := heard(t, c, t.Context())
	want := []string{ // and no second word of e1 as a port
		"new address 10.0.0.1/24 peer invalid IP on 10 e0",
		"new address fd00::1/64 peer invalid IP on 10 ",
		"new address 10.1.0.1/32 peer 10.1.0.2 on 10 e0",
		"new link 10 e0 veth mtu 1400 flags 0x1002 master 0",
		"new link 10 e0 veth mtu 1400 flags 0x1003 master 0",
		"new link 11 e1 veth mtu 1500 flags 0x11003 master 12",
		"new link 11 e1 veth mtu 1500 flags 0x11043 master 12",
		"new link 10 e0 veth mtu 1400 flags 0x11043 master 0",
		"deleted address 10.0.0.1/24 peer invalid IP on 10 e0",
		"deleted address fd00::1/64 peer invalid IP on 10 ",
		"new link 11 e1 veth mtu 1500 flags 0x1002 master 12",
		"deleted address 10.1.0.1/32 peer 10.1.0.2 on 10 e0",
		"deleted link 10 e0 veth mtu 1400 flags 0x1002 master 0",
		"new link 12 br0 bridge mtu 1500 flags 0x1002 master 0",
		"deleted link 11 e1 veth mtu 1500 flags 0x1002 master 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("ended by %v", err)
	}
}

// A walk goes on after a loss; it passes over what is not an event, and what
// another process sends.
func TestLinkEvents_again(t *testing.T) {
	c, kernel := silent(t)
	link := func(name string) []byte {
		return nltest.Append(nil, unix.RTM_NEWLINK, 0, 0, attrs(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_IFNAME, []byte(name+"\x00")))
	}
	route := nltest.Append(nil, unix.RTM_NEWROUTE, 0, 0, make([]byte, unix.SizeofRtMsg))
	kernel.Tell(nltest.Datagram{Bytes: link("e0")}, nltest.Datagram{Err: unix.ENOBUFS}, nltest.Datagram{Bytes: link("lost")})
	first, err := heard(t, c, t.Context())
	if !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("ended by %v", err)
	}
	kernel.Tell(nltest.Datagram{Bytes: link("forged"), Port: 77}, nltest.Datagram{Bytes: append(route, link("e1")...)}, nltest.Datagram{Err: unix.ENOBUFS})
	second, _ := heard(t, c, t.Context())
	want := [][]string{{"new link 0 e0  mtu 0 flags 0x0 master 0"}, {"new link 0 e1  mtu 0 flags 0x0 master 0"}}
	if diff := cmp.Diff(want, [][]string{first, second}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// How a walk ends: by its context, by its reader, by what cannot be read.
func TestLinkEvents_ends(t *testing.T) {
	c, kernel := silent(t)
	kernel.Tell(nltest.Datagram{Bytes: announced(t)})
	seen := 0
	for range c.LinkEvents(t.Context()) {
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("%d events before the reader left", seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := heard(t, c, ctx); len(got) > 0 || err != context.Canceled {
		t.Errorf("after the end of the context: %q, %v", got, err)
	}
	for name, tt := range map[string]struct {
		typ  uint16
		body []byte
		want error
	}{
		"half a link":       {unix.RTM_NEWLINK, make([]byte, unix.SizeofIfInfomsg-4), netlink.ErrShortMessage},
		"half an address":   {unix.RTM_DELADDR, make([]byte, unix.SizeofIfAddrmsg-4), netlink.ErrShortMessage},
		"a short MTU":       {unix.RTM_DELLINK, attrs(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_MTU, []byte{1, 2}), netlink.ErrBadAttribute},
		"three bytes of v4": {unix.RTM_NEWADDR, attrs(make([]byte, unix.SizeofIfAddrmsg), unix.IFA_LOCAL, []byte{10, 0, 0}), netlink.ErrBadAttribute},
	} {
		c, kernel := silent(t)
		kernel.Tell(nltest.Datagram{Bytes: nltest.Append(nil, tt.typ, 0, 0, tt.body)})
		got, err := heard(t, c, t.Context())
		op := (*netlink.OpError)(nil)
		if len(got) > 0 || !errors.Is(err, tt.want) || !errors.As(err, &op) || op.Op != "watch links" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzLinkEvent: no announcement makes the decoder panic, and what it accepts is
// either a link or an address, said to be gone when its type says so.
func FuzzLinkEvent(f *testing.F) {
	msgs := netlink.Walk(announced(f))
	for msgs.Next() {
		f.Add(msgs.Message().Type, msgs.Message().Body)
	}
	if msgs.Err() != nil {
		f.Fatal(msgs.Err())
	}
	f.Add(uint16(unix.RTM_NEWLINK), []byte{})
	f.Add(uint16(unix.RTM_NEWROUTE), make([]byte, unix.SizeofRtMsg))
	f.Fuzz(func(t *testing.T, typ uint16, body []byte) {
		var (
			event LinkEvent
			link  Link
			addr  Addr
		)
		ok, err := decodeLinkEvent(netlink.Message{Type: typ, Body: body}, &event, &link, &addr)
		if err != nil {
			if !errors.Is(err, netlink.ErrBadAttribute) && !errors.Is(err, netlink.ErrShortMessage) {
				t.Errorf("error %v is not one of the decoder's", err)
			}
			return
		}
		if !ok {
			return
		}
		isLink, isAddr := typ == unix.RTM_NEWLINK || typ == unix.RTM_DELLINK, typ == unix.RTM_NEWADDR || typ == unix.RTM_DELADDR
		gone := typ == unix.RTM_DELLINK || typ == unix.RTM_DELADDR
		if (event.Link != nil) != isLink || (event.Addr != nil) != isAddr || event.Deleted != gone || !isLink && !isAddr {
			t.Errorf("type %d: %+v", typ, event)
		}
		if isLink && body[0] == unix.AF_BRIDGE {
			t.Error("a port is announced twice")
		}
	})
}
