package analyze

import (
	"net/netip"
	"slices"

	"gnet/stackprobe/event"
)

// maxPairs bounds the pairs of sockets whose knowledge is remembered, and maxConns the incarnations of each. The oldest is
// forgotten first.
const (
	maxPairs = 4096
	maxConns = 8
)

// Knows follows what each end of a connection knows of the other. An end knows what has arrived at it and what follows from
// that (RFC 9293 sections 3.4 to 3.6); what is true besides, the other end's tap tells. Nothing is taken from a fixed table:
// a lost, repeated or old segment teaches what it teaches.
//
// Incarnations of the same two sockets are one pair here, because an old duplicate is known by meeting a later
// connection. The zero value is ready. Memory is bounded; see maxPairs.
type Knows struct {
	pairs   map[sockets]*pair
	order   []*pair // as they were added
	byConn  map[int]*pair
	changes []Change
}

// sockets name a pair of ends.
type sockets struct{ client, server netip.AddrPort }

// pair is what is known at two sockets.
type pair struct {
	sockets sockets
	conns   []int    // its last incarnations
	ends    [3]party // by event.Host
}

// Proof is the event from which an end knows something: its time and its number, 0 for none.
type Proof struct {
	T int64
	N int
}

// Change is one that an event has made in what an end knows.
type Change struct {
	Conn   int
	Host   event.Host
	Matter Matter
	View   View
}

// Add takes the next event of the run, whatever its kind, and returns what it has changed, the client's first. The slice is
// valid until the next call.
func (k *Knows) Add(e *event.Event) []Change {
	k.changes = k.changes[:0]
	var p *pair
	switch e.Kind {
	case event.KindTx, event.KindRx:
		p = k.of(e)
	case event.KindState:
		p = k.byConn[e.Conn]
	}
	if e.Kind == event.KindTx && e.Seg.Origin == event.Injected {
		return nil // the end itself knows nothing of it
	}
	if p == nil || e.Host != event.Client && e.Host != event.Server {
		return nil
	}
	before := p.look()
	own := &p.ends[e.Host]
	switch e.Kind {
	case event.KindTx:
		own.send(e)
	case event.KindRx:
		own.receive(e)
	case event.KindState:
		own.become(e)
	}
	after := p.look()
	for i := range after {
		for m := range after[i] {
			if p.ends[i+1].over {
				break // what an end knew of a connection that it has ended is no change
			}
			if before[i][m].Verdict != after[i][m].Verdict || before[i][m].Value != after[i][m].Value {
				k.changes = append(k.changes, Change{e.Conn, event.Host(i + 1), Matter(m), after[i][m]})
			}
		}
	}
	return k.changes
}

// socketsOf returns those of e's segment.
func socketsOf(e *event.Event) sockets {
	if from := e.Host; from == event.Server && e.Kind == event.KindTx || from == event.Client && e.Kind == event.KindRx {
		return sockets{e.Seg.Dst, e.Seg.Src}
	}
	return sockets{e.Seg.Src, e.Seg.Dst}
}

// of returns the pair of e's segment.
func (k *Knows) of(e *event.Event) *pair {
	s := socketsOf(e)
	p := k.pairs[s]
	if p == nil {
		p = k.add(s)
	}
	if e.Conn != 0 && k.byConn[e.Conn] != p {
		k.byConn[e.Conn] = p
		if p.conns = append(p.conns, e.Conn); len(p.conns) > maxConns {
			delete(k.byConn, p.conns[0])
			p.conns = slices.Delete(p.conns, 0, 1)
		}
	}
	return p
}

// add remembers a pair, and forgets the oldest if there are too many.
func (k *Knows) add(s sockets) *pair {
	if k.pairs == nil {
		k.pairs, k.byConn = make(map[sockets]*pair), make(map[int]*pair)
	}
	p := &pair{sockets: s}
	k.pairs[s] = p
	if k.order = append(k.order, p); len(k.order) > maxPairs {
		old := k.order[0]
		k.order = k.order[1:]
		delete(k.pairs, old.sockets)
		for _, conn := range old.conns {
			if k.byConn[conn] == old {
				delete(k.byConn, conn)
			}
		}
	}
	return p
}

// Look says what host knows of matter m on the connection conn; ok is false if that was not seen or is forgotten.
func (k *Knows) Look(conn int, host event.Host, m Matter) (v View, ok bool) {
	p := k.byConn[conn]
	if p == nil || host != event.Client && host != event.Server || m >= matters {
		return View{}, false
	}
	return view(&p.ends[host], &p.ends[host.Peer()], m), true
}

// look says all that both ends know, by host (from 0) and matter.
func (p *pair) look() (all [2][matters]View) {
	for i := range all {
		h := event.Host(i + 1)
		for m := range all[i] {
			all[i][m] = view(&p.ends[h], &p.ends[h.Peer()], Matter(m))
		}
	}
	return all
}
