package main

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/ping/probe"
)

// hostFacts is what this host knows of the way to a target at the end of a run.
type hostFacts struct {
	known     bool // rtnetlink answered
	routeErr  error
	device    string // "" when there is no way
	gone      bool
	up        bool
	carrier   bool
	neighbour bool // the device has neighbours: ARP or neighbour discovery
	noSource  bool // the source address is no longer ours
	own       bool // the last ICMP error came from an address of ours
	nextHop   netip.Addr
	state     uint16 // of the next hop, NUD_*; 0 when there is no entry
	// seen counts the answers that reached the device seenOn and not us;
	// filtered the packets that the reverse path filter dropped meanwhile.
	seen     int
	seenOn   string
	filtered int64
}

// findFacts asks this host about the way to the target, after the watch has
// ended, and about who sent the last ICMP error, if anybody did. What it will not
// tell stays unknown.
func findFacts(w *hostWatch, o *pingOptions, complained netip.Addr) *hostFacts {
	h := &hostFacts{}
	if w.tap != nil {
		if n, device, err := w.tap.Seen(); err == nil {
			h.seen, h.seenOn = n, device
		}
	}
	if now := reversePathDrops(); now >= 0 && w.reversePath >= 0 && w.series.Family == probe.IPv4 {
		h.filtered = now - w.reversePath
	}
	if conn, err := rtnl.Dial(); err == nil {
		defer conn.Close()
		h.known = h.ask(conn, w.series, o) == nil
		if complained.IsValid() {
			ours, err := hasAddress(conn, complained)
			h.own = ours && err == nil
		}
		h.gone = h.gone || w.link.gone
	}
	return h
}

// ask finds route, link, source address and neighbour.
func (h *hostFacts) ask(conn *rtnl.Conn, s *pingSeries, o *pingOptions) error {
	if there, err := hasAddress(conn, s.Source); err == nil {
		h.noSource = !there
	}
	index, err := pathDevice(conn, s, o.Device)
	if errors.Is(err, unix.ENODEV) {
		h.gone = true
		return err
	}
	if err != nil {
		h.routeErr = err
		return err
	}
	link, err := conn.LinkByIndex(index)
	if err != nil {
		return err
	}
	h.device, h.up, h.carrier = link.Name, link.Up(), link.Flags&unix.IFF_LOWER_UP != 0
	h.neighbour = link.Flags&(unix.IFF_NOARP|unix.IFF_LOOPBACK|unix.IFF_POINTOPOINT) == 0
	h.nextHop = s.Target.WithZone("")
	if route, err := conn.RouteGet(rtnl.RouteQuery{Dst: h.nextHop, Oif: index}); err == nil && route.Gateway.IsValid() {
		h.nextHop = route.Gateway
	} else if err == nil && route.Type != unix.RTN_UNICAST {
		h.neighbour = false
	}
	return h.askNeighbour(conn, index)
}

func (h *hostFacts) askNeighbour(conn *rtnl.Conn, index int) error {
	family := uint8(unix.AF_INET)
	if h.nextHop.Is6() {
		family = unix.AF_INET6
	}
	for n, err := range conn.Neighbours(family) {
		if err != nil {
			return err
		}
		if n.Index == index && n.Addr == h.nextHop {
			h.state = n.State
		}
	}
	return nil
}
