package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// watched is one socket of a reading, and what follows from those before it.
type watched struct {
	key  watchKey
	sock procnet.InetSocket // without Diag
	// cookie and device are what the kernel must be told to end the socket; 0 where it was read from a file.
	cookie        uint64
	device        uint32
	rtt           time.Duration // 0 unknown
	retrans       uint32        // in all
	cwnd          uint32        // 0 unknown
	connection    bool          // there are figures of TCP
	bytesIn       uint64
	bytesOut      uint64
	counts        bool    // there are bytesIn and bytesOut
	rated         bool    // there are in and out: the socket has been read twice
	in, out       float64 // octets each second
	since         time.Time
	fresh, gone   bool
	goneAt        time.Time
	pid           int // 0 unknown
	program       string
	ownedByFilter bool // pid and program came with the row
}

// watchTable is one reading.
type watchTable struct {
	at     time.Time
	filter *watchFilter
	rows   []watched
	notes  []string
	err    error
	took   time.Duration
	// detail is the socket that was asked for, nil where it is not among the rows. It is not shared.
	detail *procnet.InetSocket
}

// watchOwner is the process that holds a socket.
type watchOwner struct {
	pid     int
	program string
}

// watchRequest is what the view wants to see. It is not changed once it has been handed over.
type watchRequest struct {
	filter *watchFilter
	paused bool
	detail watchKey
}

// watchReader reads the sockets again and again, beside the view.
type watchReader struct {
	ctx     context.Context
	source  watchSource
	every   time.Duration
	now     func() time.Time
	request atomic.Pointer[watchRequest]
	poke    chan struct{}

	// Of the readings so far:
	last     map[watchKey]int // where a socket stands in previous
	previous []watched        // those that are not gone
	gone     []watched
	lastAt   time.Time
	filter   *watchFilter
	begun    bool
	known    map[uint64]bool // inodes whose processes were looked for
}

// watchMark is how long new sockets and those that are gone are marked.
const watchMark = 5 * time.Second

func newWatchReader(ctx context.Context, source watchSource, every time.Duration) *watchReader {
	r := &watchReader{ctx: ctx, source: source, every: every, now: time.Now, poke: make(chan struct{}, 1), known: make(map[uint64]bool)}
	r.request.Store(&watchRequest{})
	return r
}

// ask hands over what the view wants to see, and has the sockets read at once.
func (r *watchReader) ask(request watchRequest) {
	r.request.Store(&request)
	select {
	case r.poke <- struct{}{}:
	default: // it is told already
	}
}

// run reads until done is closed or post refuses. It rests at least as long as a reading takes.
func (r *watchReader) run(post func(func()) bool, done <-chan struct{}, take func(*watchTable), learn func(map[uint64]watchOwner, error)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-r.ctx.Done():
			return
		case <-r.poke:
		case <-timer.C:
		}
		took := time.Duration(0)
		if request := r.request.Load(); !request.paused || request.filter != r.filter || !r.begun {
			begin := r.now()
			table := r.read(request)
			if !post(func() { take(table) }) {
				return
			}
			if owners, err := r.findOwners(table); owners != nil || err != nil {
				if !post(func() { learn(owners, err) }) {
					return
				}
			}
			took = r.now().Sub(begin)
		}
		timer.Reset(max(r.every-took, took))
	}
}

// read reads the sockets once.
func (r *watchReader) read(request *watchRequest) *watchTable {
	table := &watchTable{filter: request.filter, at: r.now()}
	rows := make([]watched, 0, len(r.previous)+len(r.previous)/16+16)
	table.notes, table.err = r.source.read(request.filter, func(s *shownSocket) {
		w := watchedOf(s)
		if w.key == request.detail {
			table.detail = keepInet(s.inet)
		}
		rows = append(rows, w)
	})
	if table.err == nil {
		r.compare(table.at, rows, request.filter)
	}
	table.rows = append(slices.Clone(r.previous), r.gone...)
	table.took = r.now().Sub(table.at)
	return table
}

// keepInet copies a socket whole.
func keepInet(s *procnet.InetSocket) *procnet.InetSocket {
	kept := *s
	if kept.Diag != nil {
		kept.Diag = kept.Diag.Clone()
	}
	return &kept
}

// watchedOf keeps of a socket what is shown.
func watchedOf(s *shownSocket) watched {
	w := watched{key: watchKeyOf(s.inet), sock: *s.inet}
	w.sock.Diag = nil
	if d := s.inet.Diag; d != nil {
		w.cookie, w.device = d.Cookie, d.Interface
	}
	if i := infoOf(s.inet); i != nil {
		w.connection, w.rtt, w.cwnd, w.retrans = true, i.RTT, i.SndCwnd, i.TotalRetrans
	}
	w.bytesIn, w.bytesOut, w.counts = transferredOf(s.inet)
	if len(s.owners) > 0 {
		w.pid, w.program, w.ownedByFilter = s.owners[0].PID, programWord(s.owners[0].Arg0), true
	}
	return w
}

// compare finds out what the rows of a reading have become since the one before, and keeps them for the next. A change of the filter makes no
// socket new or gone.
func (r *watchReader) compare(now time.Time, rows []watched, f *watchFilter) {
	same := r.begun && f == r.filter
	seconds := now.Sub(r.lastAt).Seconds()
	index := make(map[watchKey]int, len(rows))
	met := 0
	for i := range rows {
		w := &rows[i]
		index[w.key] = i
		j, old := r.last[w.key]
		if !old {
			if same {
				w.since, w.fresh = now, true
			}
			continue
		}
		met++
		before := &r.previous[j]
		w.since, w.fresh = before.since, before.fresh && now.Sub(before.since) < watchMark
		if w.counts && before.counts && w.bytesIn >= before.bytesIn && w.bytesOut >= before.bytesOut && seconds > 0 {
			w.rated, w.in, w.out = true, float64(w.bytesIn-before.bytesIn)/seconds, float64(w.bytesOut-before.bytesOut)/seconds
		}
	}
	r.age(now, index, same, met)
	r.last, r.previous, r.lastAt, r.filter, r.begun = index, rows, now, f, true
}

// age takes in the sockets that are not there any more, and lets go of those whose time is over.
func (r *watchReader) age(now time.Time, index map[watchKey]int, same bool, met int) {
	if !same {
		r.gone = nil
		return
	}
	r.gone = slices.DeleteFunc(r.gone, func(w watched) bool {
		_, back := index[w.key]
		return back || now.Sub(w.goneAt) >= watchMark
	})
	if met == len(r.previous) {
		return
	}
	for i := range r.previous {
		if w := r.previous[i]; !there(index, w.key) {
			w.gone, w.fresh, w.goneAt = true, false, now
			w.rated, w.in, w.out = false, 0, 0
			r.gone = append(r.gone, w)
		}
	}
}

func there(index map[watchKey]int, key watchKey) bool {
	_, ok := index[key]
	return ok
}

// findOwners looks for the processes of the sockets that were never looked for. What it returns is nil where there are none.
func (r *watchReader) findOwners(table *watchTable) (map[uint64]watchOwner, error) {
	var inodes []uint64
	seen := make(map[uint64]bool, len(table.rows))
	for i := range table.rows {
		w := &table.rows[i]
		if w.sock.Inode == 0 || w.gone || w.ownedByFilter {
			continue
		}
		seen[w.sock.Inode] = true
		if !r.known[w.sock.Inode] {
			inodes = append(inodes, w.sock.Inode)
		}
	}
	r.known = seen
	if len(inodes) == 0 {
		return nil, nil
	}
	of, err := r.source.owners(inodes)
	if err != nil {
		return nil, err
	}
	owners := make(map[uint64]watchOwner, len(inodes))
	for _, inode := range inodes {
		owners[inode] = watchOwner{} // an inode may have been another socket's
		if holders := of(inode); len(holders) > 0 {
			owners[inode] = watchOwner{holders[0].PID, programWord(holders[0].Arg0)}
		}
	}
	return owners, nil
}

// target is the socket as --kill wants it.
func (w *watched) target() *killTarget {
	s := w.sock
	if w.cookie == 0 {
		return &killTarget{shown: shownSocket{inet: &s}, result: killResult{word: wasUnknown}}
	}
	family := uint8(unix.AF_INET)
	if s.V6 {
		family = unix.AF_INET6
	}
	s.Diag = &sockdiag.InetRow{Family: family, State: uint8(s.State), Local: s.Local, Remote: s.Remote, Cookie: w.cookie, Interface: w.device}
	return &killTarget{shown: shownSocket{inet: &s}}
}
