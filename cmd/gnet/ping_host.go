package main

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/ping/probe"
	"gnet/procnet"
)

// hostWatch follows what happens on this host while a run goes on: the link and
// the address that its probes use, and where its answers end up. It begins
// only when the run has lasted for a moment, so that a short one does not pay
// for it, and sleeps until the kernel has something to say.
type hostWatch struct {
	series *pingSeries
	device string // -I
	notify func(string)
	// answered is set by the run when an answer has come: then nobody needs to
	// look for answers elsewhere.
	answered atomic.Bool

	timer  *time.Timer
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	link linkState
	tap  *probe.Tap
	// reversePath is the kernel's count of packets that the reverse path filter
	// dropped, when the watch began; -1 when it could not be read.
	reversePath int64
}

// watchDelay is how long a run has to last before its host is watched.
const watchDelay = 100 * time.Millisecond

// linkState is what of a link and an address the probes depend on.
type linkState struct {
	index       int
	name        string
	gone        bool
	up, carrier bool
	mtu         uint32
	address     bool // the source address is there
}

// watchHost begins to watch for a run. notify gets a line for each change, from
// another goroutine.
func watchHost(o *pingOptions, series *pingSeries, notify func(string)) *hostWatch {
	w := &hostWatch{series: series, device: o.Device, notify: notify, done: make(chan struct{}), reversePath: -1}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.timer = time.AfterFunc(watchDelay, w.run)
	return w
}

// stop ends the watch; what it has found may be read afterwards.
func (w *hostWatch) stop() {
	w.cancel()
	if !w.timer.Stop() {
		<-w.done
	}
}

// close releases what is left.
func (w *hostWatch) close() {
	if w.tap != nil {
		w.tap.Close()
	}
}

// run is the watch. A host without rtnetlink pings all the same: then there are
// no lines, and the hint at the end knows less.
func (w *hostWatch) run() {
	defer close(w.done)
	if !w.answered.Load() {
		w.lookElsewhere()
	}
	conn, err := rtnl.Dial()
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.JoinLinks() != nil {
		return
	}
	// The run has begun with its source address: should that be gone already,
	// it is said.
	now := w.read()
	w.link = now
	w.link.address = true
	w.change(now)
	for errors.Is(w.follow(conn), unix.ENOBUFS) {
		// More was announced than the socket holds: what is true now says it all.
		w.change(w.read())
	}
}

// read returns what is true now. Where the kernel names no link, because the
// route went with the address, the link stays as it was known.
func (w *hostWatch) read() linkState {
	now, err := readLinkState(w.series, w.device)
	if err != nil {
		known := w.link
		known.address = now.address
		return known
	}
	return now
}

// lookElsewhere begins to count the answers that do not reach us. Without the
// right to a packet socket only the reverse path filter's own count is left.
func (w *hostWatch) lookElsewhere() {
	_ = withNetRaw(func() (err error) {
		w.tap, err = probe.OpenTap(w.series.Family, w.series.ID, w.series.expected())
		return err
	})
	w.reversePath = reversePathDrops()
}

// expected is the host whose answers count, invalid when any host's do.
func (s *pingSeries) expected() netip.Addr {
	if s.Multicast {
		return netip.Addr{}
	}
	return s.Target.WithZone("")
}

// follow handles announcements until the watch ends.
func (w *hostWatch) follow(conn *rtnl.Conn) error {
	for event, err := range conn.LinkEvents(w.ctx) {
		if err != nil {
			return err
		}
		now := w.link
		switch {
		case event.Addr != nil && event.Addr.Prefix.Addr() == w.series.Source.WithZone(""):
			now.address = !event.Deleted
			if w.link.index == 0 && now.address {
				w.link = w.read() // the route is back, and with it the link
				w.link.address, now = false, w.link
			}
		case event.Link != nil && event.Link.Index == w.link.index:
			now.set(event.Link)
			now.gone = event.Deleted
		}
		w.change(now)
	}
	return nil
}

// change says what differs between what was and what is.
func (w *hostWatch) change(now linkState) {
	for _, line := range w.link.sentences(&now, w.series.Source) {
		w.notify(line)
	}
	w.link = now
}

// set takes over what an announcement or an answer says of a link.
func (l *linkState) set(link *rtnl.Link) {
	l.name, l.up, l.mtu = link.Name, link.Up(), link.MTU
	l.carrier = link.Flags&unix.IFF_LOWER_UP != 0
}

// sentences says in words what is new.
func (l *linkState) sentences(now *linkState, source netip.Addr) (lines []string) {
	say := func(ok bool, words ...string) {
		if ok {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	there := !l.gone && !now.gone
	say(!l.gone && now.gone, now.name, "was removed")
	say(there && l.up && !now.up, now.name, "is down")
	say(there && !l.up && now.up, now.name, "is up again")
	say(there && l.up && now.up && l.carrier && !now.carrier, now.name, "has no carrier")
	say(there && l.up && now.up && !l.carrier && now.carrier, now.name, "has its carrier again")
	say(there && l.mtu != now.mtu, "the MTU of", now.name, "is", strconv.Itoa(int(now.mtu)), "bytes, it was", strconv.Itoa(int(l.mtu)))
	say(l.address && !now.address, "the source address", source.String(), "was removed")
	say(!l.address && now.address, "the source address", source.String(), "is there again")
	return lines
}

// readLinkState asks for the state of the source address and for the link that
// the probes take now. With an error the address counts as far as it is known.
func readLinkState(s *pingSeries, device string) (linkState, error) {
	l := linkState{address: true}
	conn, err := rtnl.Dial()
	if err != nil {
		return l, err
	}
	defer conn.Close()
	there, err := hasAddress(conn, s.Source)
	if err != nil {
		return l, err
	}
	l.address = there
	index, err := pathDevice(conn, s, device)
	if err != nil {
		return l, err
	}
	link, err := conn.LinkByIndex(index)
	if err != nil {
		return l, err
	}
	l.index = index
	l.set(link)
	return l, nil
}

// pathDevice returns the index of the interface that the probes leave through.
func pathDevice(conn *rtnl.Conn, s *pingSeries, device string) (int, error) {
	if zone := s.Target.Zone(); zone != "" {
		device = zone
	}
	if device != "" {
		link, err := conn.LinkByName(device)
		if err != nil {
			return 0, err
		}
		return link.Index, nil
	}
	route, err := conn.RouteGet(rtnl.RouteQuery{Dst: s.Target})
	if err != nil {
		return 0, err
	}
	return route.Oif, nil
}

// hasAddress reports whether an address is one of this host's. One that was not
// chosen is not missed.
func hasAddress(conn *rtnl.Conn, a netip.Addr) (bool, error) {
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() {
		return true, nil
	}
	a = a.WithZone("")
	family := uint8(unix.AF_INET)
	if a.Is6() {
		family = unix.AF_INET6
	}
	found := false
	for addr, err := range conn.Addrs(family) {
		if err != nil {
			return true, err
		}
		found = found || addr.Prefix.Addr() == a
	}
	return found, nil
}

// reversePathDrops reads how many IPv4 packets the reverse path filter has
// dropped (net/ipv4/fib_frontend.c, fib_validate_source), -1 when that is not
// known.
func reversePathDrops() int64 {
	for section, err := range procnet.NewFS("").Counters("netstat") {
		if err != nil {
			continue // the other sections are as good
		}
		for _, c := range section.Counters {
			if string(c.Name) == "IPReversePathFilter" {
				return int64(c.Value)
			}
		}
	}
	return -1
}
