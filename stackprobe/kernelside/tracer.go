package kernelside

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/tracefs"
	"gnet/stackprobe/event"
	"gnet/stackprobe/vclock"
)

// Traced is what a trace event has told of a connection, at its own time.
type Traced struct {
	At time.Duration
	// From and State are a change of the state, both unknown if there was none.
	From, State event.State
	// Vars are variables before a segment that has arrived is processed, Len the length of its data; or the state of loss recovery, with a
	// Len of -1.
	Vars event.Vars
	Len  int
	// Sure says that everything that the kernel has transmitted was passed on before, so that no timer has moved SND.NXT and RCV.WND
	// behind our back.
	Sure bool
}

// tracer reads the buffers of the tracing instance.
type tracer struct {
	layouts [len(watchedEvents)]layout
	pipes   []int
	page    []byte
	found   []traceRecord
	// zero is CLOCK_MONOTONIC at the zero of the run's clock.
	zero int64
	// lost counts the records that a buffer lost or that could not be read; uncounted says that there were others.
	lost      int
	uncounted bool
	// strange counts sockets of others with the addresses of a connection of ours.
	strange int
	// sockets are the sockets that are ours, by the kernel's address.
	sockets map[uint64]*connection
	yield   func(event.Tuple, Traced)
}

// layout is where the fields of an event are.
type layout struct {
	id     uint16
	fields []tracefs.Field
}

// traceRecord is a record of one of watchedEvents.
type traceRecord struct {
	at           int64
	what         int
	sk           uint64
	sport, dport uint16
	old, new     uint8
	src, dst     netip.Addr // of traceState
	probe        probe
}

// probe is what tcp_probe tells.
type probe struct {
	length, nxt, una, cwnd, wnd, srtt, rcvWnd uint32
	cookie                                    uint64
}

// newTracer takes the descriptors of the formats, which it closes, and of the buffers, which it closes if there is an error.
func newTracer(fds []int) (*tracer, error) {
	n := min(len(watchedEvents), len(fds))
	t := &tracer{pipes: fds[n:], page: make([]byte, os.Getpagesize()), sockets: make(map[uint64]*connection)}
	err := t.layOut(fds[:n])
	closeAll(fds[:n])
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// layOut reads the formats.
func (t *tracer) layOut(formats []int) error {
	for i, fd := range formats {
		text := make([]byte, 1<<14)
		n, err := unix.Pread(fd, text, 0)
		if err != nil {
			return os.NewSyscallError("read format", err)
		}
		f, err := tracefs.ParseFormat(string(text[:n]))
		if err != nil {
			return err
		}
		t.layouts[i].id = f.ID
		if t.layouts[i].fields, err = f.Fields(watchedEvents[i].fields...); err != nil {
			return err
		}
	}
	return nil
}

// start takes the zero of the run's clock: both are read one after the other, and the closest pair counts.
func (t *tracer) start(clock vclock.Clock) {
	best := time.Duration(1<<63 - 1)
	for range 16 {
		var mono unix.Timespec
		before := clock.Now()
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
			return
		}
		if gap := clock.Now() - before; gap < best {
			best, t.zero = gap, mono.Nano()-int64(before+gap/2)
		}
	}
}

// read collects what the buffers hold, in the order of their times.
func (t *tracer) read() []traceRecord {
	t.found = t.found[:0]
	for _, fd := range t.pipes {
		for {
			n, err := unix.Read(fd, t.page)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n <= 0 {
				break // EAGAIN: it is empty
			}
			lost, ok := tracefs.Page(t.page[:n], t.record)
			if lost < 0 || !ok {
				t.uncounted = true
			}
			t.lost += max(lost, 0)
		}
	}
	slices.SortStableFunc(t.found, func(a, b traceRecord) int { return cmp.Compare(a.at, b.at) })
	return t.found
}

// record takes one record.
func (t *tracer) record(at uint64, data []byte) {
	if len(data) < 2 {
		return
	}
	id := binary.NativeEndian.Uint16(data)
	for what := range t.layouts {
		if l := &t.layouts[what]; l.id == id {
			t.found = append(t.found, l.decode(what, int64(at)-t.zero, data))
			return
		}
	}
}

// decode reads the fields of a record.
func (l *layout) decode(what int, at int64, data []byte) traceRecord {
	value := func(i int) uint64 { return l.fields[i].Uint(data) }
	r := traceRecord{at: at, what: what, sk: value(fieldSk), sport: uint16(value(fieldSport)), dport: uint16(value(fieldDport))}
	switch what {
	case traceState:
		r.old, r.new = uint8(value(fieldOld)), uint8(value(fieldNew))
		src, dst := fieldSrc4, fieldDst4
		if value(fieldFamily) == unix.AF_INET6 {
			src, dst = fieldSrc6, fieldDst6
		}
		r.src, _ = netip.AddrFromSlice(l.fields[src].Bytes(data))
		r.dst, _ = netip.AddrFromSlice(l.fields[dst].Bytes(data))
	case traceProbe:
		r.probe = probe{length: uint32(value(fieldLen)), nxt: uint32(value(fieldNxt)), una: uint32(value(fieldUna)), cwnd: uint32(value(fieldCwnd)),
			wnd: uint32(value(fieldWnd)), srtt: uint32(value(fieldSRTT)), rcvWnd: uint32(value(fieldRcvWnd)), cookie: value(fieldCookie)}
	case traceCongestion:
		r.new = uint8(value(fieldCA))
	}
	return r
}

func (t *tracer) close() { closeAll(t.pipes) }
