package main

import (
	"context"
	"net/netip"

	"gnet/internal/live"
)

// hopNames are the names of the hosts in a view. They are looked up one after the other beside it, and no picture waits for one.
type hopNames struct {
	known map[netip.Addr]string // on the goroutine of the view; "" is one without a name, or that is still looked for
	asked chan netip.Addr
}

// maxHopNames bounds the names that are looked up, maxNamesAsked those that wait to be.
const (
	maxHopNames   = 4096
	maxNamesAsked = 256
)

func newHopNames() *hopNames {
	return &hopNames{known: map[netip.Addr]string{}, asked: make(chan netip.Addr, maxNamesAsked)}
}

// want has the names of addrs looked up that were not yet.
func (n *hopNames) want(addrs []netip.Addr) {
	for _, a := range addrs {
		if _, known := n.known[a]; known || len(n.known) == maxHopNames {
			continue
		}
		select {
		case n.asked <- a:
			n.known[a] = ""
		default: // the next round asks again
			return
		}
	}
}

// look looks names up until the view is over.
func (n *hopNames) look(ctx context.Context, l *live.Loop) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.Go(func() {
		<-l.Done()
		cancel()
	})
	names := newPingNames(ctx)
	for {
		select {
		case a := <-n.asked:
			if name := names.name(a); name != "" {
				l.Post(func() { n.known[a] = name })
			}
		case <-l.Done():
			return
		}
	}
}
