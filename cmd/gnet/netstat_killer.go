package main

import (
	"context"
	"net/netip"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// killer ends sockets one by one. The kernel finds a socket by its addresses
// and compares the cookie then. Among several at one address (SO_REUSEPORT) it
// finds one of them: a socket that it misses is tried again after others were
// ended.
type killer struct {
	conn    *sockdiag.Conn
	targets []*killTarget
}

func (k *killer) run(ctx context.Context) {
	for progress := true; progress; {
		progress = k.round(ctx)
		k.lookForMissed()
	}
	for _, t := range k.targets {
		if t.result.word == "" {
			t.result.word = wasSkipped
		}
	}
}

// round tries each socket that is not done and reports whether one was ended.
func (k *killer) round(ctx context.Context) (progress bool) {
	for _, t := range k.targets {
		if t.done() || ctx.Err() != nil {
			continue
		}
		err := k.conn.Destroy(killProtocol(t.shown.inet.Proto), t.shown.inet.Diag)
		t.result = killResult{wordOf(err), err}
		progress = progress || err == nil
	}
	return progress
}

// lookForMissed tells sockets that the kernel did not find, although they are
// there, from those that have ended.
func (k *killer) lookForMissed() {
	tables := map[killTable]killCookies{}
	for _, t := range k.targets {
		if t.result.word != wasMissed {
			continue
		}
		table := killTable{killProtocol(t.shown.inet.Proto), t.shown.inet.Diag.Family}
		if _, listed := tables[table]; !listed {
			tables[table] = k.cookies(table)
		}
		switch c := tables[table]; {
		case c.there[t.shown.inet.Diag.Cookie]:
		case c.err != nil: // it may be in what the error left out
			t.result = killResult{wasFailed, c.err}
		default:
			t.result.word = wasGone
		}
	}
	k.findEnded()
}

type killTable struct{ protocol, family uint8 }

// killCookies are the sockets of one table, as far as it could be read.
type killCookies struct {
	there map[uint64]bool
	err   error
}

func (k *killer) cookies(table killTable) killCookies {
	c := killCookies{there: map[uint64]bool{}}
	for row, err := range k.conn.Inet(sockdiag.Request{Family: table.family, Protocol: table.protocol}) {
		if err != nil {
			c.err = err
			break
		}
		c.there[row.Cookie] = true
	}
	return c
}

// connection names a TCP connection as one of its ends sees it; an IPv4 end in
// an IPv6 socket is the IPv4 end.
type connection struct{ local, remote netip.AddrPort }

func connectionOf(s *procnet.InetSocket) connection {
	plain := func(end netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(end.Addr().Unmap(), end.Port()) }
	return connection{plain(s.Local), plain(s.Remote)}
}

// findEnded finds out which TCP sockets are gone because another one was
// killed: their other end on this host, or the listener that had not handed them
// out; or because such a one ended.
func (k *killer) findEnded() {
	ended, listeners := map[connection]bool{}, map[uint16]bool{}
	for _, t := range k.targets {
		if s := t.shown.inet; s.Proto == procnet.TCP && (t.result.word == wasKilled || t.result.word == wasEnded) {
			ended[connectionOf(s)] = true
			listeners[s.Local.Port()] = listeners[s.Local.Port()] || s.State == procnet.Listen
		}
	}
	for found := true; found; {
		found = false
		for _, t := range k.targets {
			s := t.shown.inet
			if t.result.word != wasGone || s.Proto != procnet.TCP {
				continue
			}
			c := connectionOf(s)
			if ended[connection{c.remote, c.local}] || s.Inode == 0 && listeners[c.local.Port()] {
				t.result = killResult{word: wasEnded}
				ended[c], found = true, true
			}
		}
	}
}
