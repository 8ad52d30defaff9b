package netlink_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/nstest"
)

// acks answers as the kernel does: what it refuses, and the message that asks for an acknowledgement.
func acks(refused map[uint32]unix.Errno) func(netlink.Message) []nltest.Datagram {
	return func(r netlink.Message) []nltest.Datagram {
		if errno := refused[r.Seq]; errno != 0 || r.Flags&unix.NLM_F_ACK != 0 {
			sentence := ""
			if errno != 0 {
				sentence = "no"
			}
			return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, errno, sentence)}}
		}
		return nil
	}
}

// sendBatch sends n messages and returns the reports as text.
func sendBatch(c *netlink.Conn, n, perDatagram int) (reports []string, err error) {
	b := c.NewBatch("change rows", func(n uint64, err error) { reports = append(reports, fmt.Sprint(n, " ", err)) })
	b.Messages = perDatagram
	for range n {
		r := c.Request(typeRow, 0)
		r.Uint8(1, 7)
		if err := b.Add(r); err != nil {
			return reports, err
		}
	}
	return reports, b.Flush()
}

func TestBatch(t *testing.T) {
	c, kernel := nltest.Dial(acks(map[uint32]unix.Errno{2: unix.EEXIST, 3: unix.ESRCH, 5: unix.EPERM}))
	got, err := sendBatch(c, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0 <nil>", "1 change rows: file exists (no)", "2 change rows: no such process (no)", "3 <nil>", "4 change rows: operation not permitted (no)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var flags [][]uint16
	for _, datagram := range kernel.Requests {
		var of []uint16
		for msgs := netlink.Walk(datagram); msgs.Next(); {
			of = append(of, msgs.Message().Flags)
		}
		flags = append(flags, of)
	}
	const plain, last = unix.NLM_F_REQUEST, unix.NLM_F_REQUEST | unix.NLM_F_ACK
	if diff := cmp.Diff([][]uint16{{plain, plain, last}, {plain, last}}, flags); diff != "" {
		t.Errorf("flags of the messages, by datagram: %s", diff)
	}
	if err := c.Do("afterwards", c.Request(typeRow, 0)); err != nil {
		t.Errorf("the connection is of no use after a batch: %v", err)
	}
}

// TestBatch_lostAnswers: what has no answer is unknown, what has one is not.
func TestBatch_lostAnswers(t *testing.T) {
	lost := nltest.Datagram{Err: unix.ENOBUFS}
	unknown := " change rows: " + netlink.ErrUnknown.Error()
	for _, tc := range []struct {
		name   string
		script func(r netlink.Message) []nltest.Datagram
		want   []string
	}{
		{"in the middle", func(r netlink.Message) []nltest.Datagram {
			if r.Seq == 1 {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EEXIST, "")}, lost}
			}
			return acks(nil)(r)
		}, []string{"0 change rows: file exists", "1" + unknown, "2 <nil>"}},
		{"the last one too", func(r netlink.Message) []nltest.Datagram {
			if r.Seq == 2 {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EEXIST, "")}, lost}
			}
			return nil
		}, []string{"0" + unknown, "1 change rows: file exists", "2" + unknown}},
		{"NLMSG_OVERRUN", func(r netlink.Message) []nltest.Datagram {
			if r.Seq == 2 {
				return []nltest.Datagram{{Bytes: nltest.Append(nil, unix.NLMSG_OVERRUN, 0, 0, nil)}}
			}
			return acks(nil)(r)
		}, []string{"0" + unknown, "1" + unknown, "2 <nil>"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := nltest.Dial(tc.script)
			got, err := sendBatch(c, 3, 10)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBatch_lies: answers to nothing, twice, from others, and bytes that are no answer.
func TestBatch_lies(t *testing.T) {
	c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		if r.Seq != 2 {
			return nil
		}
		other, before := r, r
		other.Seq, before.Seq = 77, 1
		return []nltest.Datagram{
			{Bytes: nltest.AppendAck(nil, r, unix.EPERM, ""), Port: 4711},
			{Bytes: nltest.AppendAck(nil, other, unix.EPERM, "")},
			{Bytes: nltest.Append(nil, typeRow, 0, 1, nil)},
			{Bytes: nltest.AppendAck(nltest.AppendAck(nil, before, unix.EEXIST, ""), before, 0, "")},
			{Bytes: nltest.AppendAck(nil, r, 0, "")},
		}
	})
	got, err := sendBatch(c, 2, 10)
	if diff := cmp.Diff([]string{"0 change rows: file exists", "1 <nil>"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if c.Strays() != 4 {
		t.Errorf("%d strays, want 4", c.Strays())
	}
	for name, bytes := range map[string][]byte{
		"cut header":       {1, 2, 3},
		"length of 3":      binary.NativeEndian.AppendUint32(nil, 3),
		"error of 2 bytes": nltest.Append(nil, unix.NLMSG_ERROR, 0, 1, []byte{1, 2}),
	} {
		c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
			if r.Seq == 2 {
				return []nltest.Datagram{{Bytes: append([]byte(nil), bytes...)}}
			}
			return nil
		})
		got, err := sendBatch(c, 2, 10)
		unknown := " change rows: " + netlink.ErrUnknown.Error()
		if diff := cmp.Diff([]string{"0" + unknown, "1" + unknown}, got); diff != "" || err == nil {
			t.Errorf("%s: %s %v", name, diff, err)
		}
		if again := c.Do("afterwards", c.Request(typeRow, 0)); again == nil {
			t.Errorf("%s: the connection went on with unknown bytes in it", name)
		}
	}
}

// TestBatch_kernel: a real kernel refuses what it is asked, and a receive buffer that is too small for its answers loses some of
// them; none is then taken for a success.
func TestBatch_kernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		for _, small := range []bool{false, true} {
			c, err := netlink.Dial(unix.NETLINK_ROUTE)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var refused, unknown, rest int
			b := c.NewBatch("delete route", func(_ uint64, err error) {
				switch {
				case errors.Is(err, unix.ESRCH):
					refused++
				case errors.Is(err, netlink.ErrUnknown):
					unknown++
				default:
					rest++
				}
			})
			if small {
				if err := c.SmallReceive(); err != nil {
					t.Fatal(err)
				}
				b.Messages = 200
			}
			const n = 1000
			for range n {
				r := c.Request(unix.RTM_DELROUTE, 0)
				copy(r.Fixed(unix.SizeofRtMsg), []byte{unix.AF_INET, 32, 0, 0, 77, 0, unix.RT_SCOPE_NOWHERE, 0})
				r.Bytes(unix.RTA_DST, []byte{192, 0, 2, 1})
				if err := b.Add(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Flush(); err != nil {
				t.Fatal(err)
			}
			if refused+unknown != n || rest != 0 || small == (unknown == 0) {
				t.Errorf("small %t: %d refused, %d unknown, %d others of %d", small, refused, unknown, rest, n)
			}
		}
	})
}

func TestListen(t *testing.T) {
	c, kernel := nltest.Dial(func(netlink.Message) []nltest.Datagram { return nil })
	event := func(text string) []byte { return nltest.Append(nil, typeRow, 0, 0, []byte(text)) }
	kernel.Tell(nltest.Datagram{Bytes: append(event("one."), event("two.")...)}, nltest.Datagram{Bytes: event("liar"), Port: 9},
		nltest.Datagram{Err: unix.ENOBUFS}, nltest.Datagram{Bytes: event("old.")}, nltest.Datagram{Err: unix.ENOBUFS}, nltest.Datagram{Bytes: []byte("old nonsense")},
		nltest.Datagram{Err: unix.EAGAIN}, nltest.Datagram{Bytes: event("four")}, nltest.Datagram{Bytes: []byte{1}})
	var heard []string
	listen := func() error {
		return c.Listen(t.Context(), "listen", func(m netlink.Message) error {
			heard = append(heard, string(m.Body))
			return nil
		})
	}
	if err := listen(); !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("first: %v", err)
	}
	if err := listen(); !errors.Is(err, netlink.ErrShortMessage) { // after a loss the connection goes on, once it has been empty
		t.Errorf("second: %v", err)
	}
	if err := listen(); !errors.Is(err, netlink.ErrShortMessage) { // after nonsense it does not
		t.Errorf("third: %v", err)
	}
	if diff := cmp.Diff([]string{"one.", "two.", "four"}, heard); diff != "" {
		t.Error(diff)
	}
}

// TestListen_kernel hears of a change, and ends when it is told to.
func TestListen_kernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c, err := netlink.Dial(unix.NETLINK_ROUTE)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Join(unix.RTNLGRP_IPV4_ROUTE); err != nil {
			t.Fatal(err)
		}
		nstest.Here(t).Run(t, nstest.Peer(t, "ip"), "route", "add", "blackhole", "192.0.2.0/24")
		ctx, cancel := context.WithCancel(t.Context())
		var types []uint16
		err = c.Listen(ctx, "listen", func(m netlink.Message) error {
			types = append(types, m.Type)
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		if diff := cmp.Diff([]uint16{unix.RTM_NEWROUTE}, types); diff != "" {
			t.Error(diff)
		}
	})
}
