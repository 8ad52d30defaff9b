package netlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// dumper answers a request with datagrams of one message each, numbered, as many as rows says, and a last one.
type dumper struct {
	rows   int
	fails  int // the number of the datagram whose receive fails, 0: none
	hiccup int // the number of the datagram that is not there at first
	seq    uint32
	next   int
	waits  int // receives that would have waited
	closed bool
}

func (d *dumper) Send(p []byte) error {
	d.seq, d.next = binary.NativeEndian.Uint32(p[8:]), 0
	return nil
}

func (d *dumper) Recv(p []byte) (int, uint32, error) {
	d.hiccup = 0
	n, port, err := d.RecvNow(p)
	if err == unix.EAGAIN {
		err = errors.New("waits for ever")
	}
	return n, port, err
}

func (d *dumper) RecvNow(p []byte) (int, uint32, error) {
	d.next++
	switch {
	case d.next == d.fails:
		return 0, 0, unix.EIO
	case d.next > d.rows+1, d.next == d.hiccup:
		d.next--
		d.waits++
		return 0, 0, unix.EAGAIN
	}
	clear(p[:20])
	binary.NativeEndian.PutUint32(p, 20)
	binary.NativeEndian.PutUint16(p[4:], 100)
	if d.next == d.rows+1 {
		binary.NativeEndian.PutUint16(p[4:], unix.NLMSG_DONE)
	}
	binary.NativeEndian.PutUint32(p[8:], d.seq)
	if d.next <= d.rows {
		binary.NativeEndian.PutUint32(p[16:], uint32(d.next))
	}
	return 20, 0, nil
}

func (d *dumper) Close() error { d.closed = true; return nil }

// What a dump gives does not depend on whether it is received ahead, nor on how
// long it is, nor on where it fails; and the connection serves the next one.
func TestReadAhead(t *testing.T) {
	errStop := errors.New("stop")
	for _, rows := range []int{0, 1, aheadAfter - 1, aheadAfter, aheadAfter + 1, aheadAfter + batchSize, aheadAfter + batchSize - 1, 100} {
		for _, script := range []dumper{{rows: rows}, {rows: rows, fails: rows / 2}, {rows: rows, fails: rows + 1}, {rows: rows, hiccup: aheadAfter + 2}} {
			for _, stop := range []int{0, 1, aheadAfter + 3} {
				var outcome [2][]string
				for i := range outcome {
					d := script
					c := NewConn(&d)
					if i == 1 {
						c.ahead = &readAhead{t: &d}
					}
					for range 2 {
						var got []int
						err := c.Dump("list", c.Request(1, 0), func(m Message) error {
							got = append(got, int(binary.NativeEndian.Uint32(m.Body)))
							if len(got) == stop {
								return errStop
							}
							return nil
						})
						outcome[i] = append(outcome[i], fmt.Sprint(got, err))
					}
					if err := c.Close(); err != nil || !d.closed {
						t.Errorf("close: %v", err)
					}
				}
				if diff := cmp.Diff(outcome[0], outcome[1]); diff != "" {
					t.Errorf("%+v, stop after %d (-one by one +ahead):\n%s", script, stop, diff)
				}
			}
		}
	}
}

// A view is whole until the callback returns: the buffer is not received into
// before.
func TestReadAhead_views(t *testing.T) {
	d := &dumper{rows: 1000}
	c := NewConn(d)
	c.ahead = &readAhead{t: d}
	var got []uint32
	if err := c.Dump("list", c.Request(1, 0), func(m Message) error {
		first := binary.NativeEndian.Uint32(m.Body)
		for range 100 {
			if binary.NativeEndian.Uint32(m.Body) != first {
				t.Fatalf("row %d was overwritten", first)
			}
		}
		got = append(got, first)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1000 || !slices.IsSorted(got) || len(c.ahead.free) != aheadBatches {
		t.Errorf("%d rows, %d batches back of %d", len(got), len(c.ahead.free), aheadBatches)
	}
}
