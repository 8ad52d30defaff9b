package attach

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// The times of asking before a run begins. Those of probing an address are shorter than those of RFC 5227 section 1.1 and RFC 4862
// section 5.1, which are for hosts that nobody waits for; a router may take half a second to answer (RFC 4861 section 6.2.6).
const (
	probes     = 3
	probeWait  = 150 * time.Millisecond
	routerWait = 2 * time.Second
	upWait     = 5 * time.Second
	// interrupted is how often it is seen whether the run was.
	interrupted = 100 * time.Millisecond
)

// ready waits until the port is up.
func (h *Host) ready(ctx context.Context, rt *rtnl.Conn) error {
	for deadline := time.Now().Add(upWait); ; time.Sleep(5 * time.Millisecond) {
		l, err := rt.LinkByName(h.Device)
		if err != nil {
			return err
		}
		if l.Flags&unix.IFF_LOWER_UP != 0 || time.Now().After(deadline) {
			return nil
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// settle sees to it that the engine has an address that nobody else has, and if that is wanted a prefix and a gateway from a router.
func (h *Host) settle(ctx context.Context) error {
	if h.Engine.Is4() {
		return h.probe(ctx, h.Engine)
	}
	local := linkLocal(h.MAC)
	if err := h.join(ctx, local); err != nil {
		return err
	}
	if !h.Engine.IsValid() || h.Solicit {
		if err := h.askRouters(ctx, local); err != nil {
			return err
		}
	}
	if s := h.Server.Addr(); s.IsValid() && !h.Network.Contains(s) && !h.Gateway.IsValid() {
		return fmt.Errorf("%v: %w", s, ErrOffLink)
	}
	if h.Engine == local {
		return nil
	}
	return h.join(ctx, h.Engine)
}

// join has the bridge pass on what is asked for an address of IPv6, and probes it.
func (h *Host) join(ctx context.Context, addr netip.Addr) error {
	if err := h.device.Write(report(h.MAC, netip.IPv6Unspecified(), toExclude, solicitedNode(addr))); err != nil {
		return err
	}
	return h.probe(ctx, addr)
}

// probe asks whether somebody has an address already.
func (h *Host) probe(ctx context.Context, addr netip.Addr) error {
	question := func() []byte { return solicit(h.MAC, netip.Addr{}, addr) }
	if addr.Is4() {
		question = func() []byte {
			return frame(everybody(), h.MAC, typeARP, arp(arpRequest, h.MAC, netip.Addr{}, MAC{}, addr))
		}
	}
	for range probes {
		if err := h.device.Write(question()); err != nil {
			return err
		}
		var holder MAC
		held, err := h.hear(ctx, probeWait, func(b []byte) (found bool) {
			holder, found = holds(b, addr)
			return found
		})
		if err != nil {
			return err
		}
		if held {
			return fmt.Errorf("%v: %w, by %v", addr, ErrInUse, holder)
		}
	}
	return nil
}

// holds reports whether a frame says that somebody has an address, or is about to take it (RFC 5227 section 2.1.1, RFC 4862 section 5.4.3).
func holds(b []byte, addr netip.Addr) (MAC, bool) {
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeARP:
		op, mac, from, to, ok := readARP(b[frameHeader:])
		return mac, ok && (from == addr || op == arpRequest && from.IsUnspecified() && to == addr)
	case typeIPv6:
		ip, m, ok := readNDP(b[frameHeader:])
		if !ok {
			return MAC{}, false
		}
		n, ok := readNeighbour(ip, m)
		return MAC(b[6:12]), ok && n.target == addr && (n.advert || n.src.IsUnspecified())
	}
	return MAC{}, false
}

// askRouters takes from the first routers that answer what is missing: the engine's address, and the gateway.
func (h *Host) askRouters(ctx context.Context, local netip.Addr) error {
	done := func() bool { return h.Engine.IsValid() && h.Gateway.IsValid() }
	for range probes {
		if err := h.device.Write(solicitRouters(h.MAC, local)); err != nil {
			return err
		}
		_, err := h.hear(ctx, routerWait, func(b []byte) bool {
			if ip, m, ok := readNDP(b[frameHeader:]); ok && binary.BigEndian.Uint16(b[12:]) == typeIPv6 {
				if r, ok := readRouter(ip, m); ok {
					h.heed(&r)
				}
			}
			return done()
		})
		if err != nil {
			return err
		}
		if done() {
			return nil
		}
	}
	switch {
	case !h.Engine.IsValid():
		return ErrNoPrefix
	case h.Solicit:
		return ErrNoRouter
	}
	return nil // a network without a way out
}

// heed takes of an advertisement what is missing.
func (h *Host) heed(r *router) {
	if !h.Engine.IsValid() && r.prefix.IsValid() {
		h.Engine = interfaceAddr(r.prefix, h.MAC)
		h.Address = netip.PrefixFrom(h.Engine, r.prefix.Bits())
		if h.Network = r.prefix; !r.onLink {
			h.Network = netip.PrefixFrom(h.Engine, h.Engine.BitLen()) // its neighbours are reached by way of the router
		}
		h.Learned = append(h.Learned, fmt.Sprintf("the router %v announces %v: the engine has %v", r.addr, r.prefix, h.Engine))
	}
	if !h.Gateway.IsValid() && r.lifetime > 0 {
		h.Gateway = r.addr
		h.Learned = append(h.Learned, fmt.Sprintf("the router %v is the engine's gateway", r.addr))
	}
	if r.mtu >= leastMTU6 && r.mtu < h.MTU {
		h.MTU = r.mtu
		h.Learned = append(h.Learned, fmt.Sprintf("the router %v says an MTU of %d", r.addr, r.mtu))
	}
}

// leastMTU6 is what every link of IPv6 takes (RFC 8200 section 5).
const leastMTU6 = 1280

// hear reads frames that others send for a time, or until got reports that it has what it wants.
func (h *Host) hear(ctx context.Context, within time.Duration, got func(frame []byte) bool) (bool, error) {
	b := make([]byte, 1<<16)
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if err := context.Cause(ctx); err != nil {
			return false, err
		}
		n, ok, err := h.device.Read(b)
		if err != nil {
			return false, err
		}
		if !ok {
			left := max(int(min(time.Until(deadline), interrupted)/time.Millisecond), 1)
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(h.device.Fd()), Events: unix.POLLIN}}, left)
			continue
		}
		if n < frameHeader || MAC(b[6:12]) == h.MAC {
			continue
		}
		if got(b[:n]) {
			return true, nil
		}
		if err := h.answer(b[:n]); err != nil {
			return false, err
		}
	}
	return false, nil
}

// answer answers a solicitation for the link-local address: a router may want to know it before it answers.
func (h *Host) answer(b []byte) error {
	ip, m, ok := readNDP(b[frameHeader:])
	if !ok || binary.BigEndian.Uint16(b[12:]) != typeIPv6 || h.Engine.Is4() {
		return nil
	}
	if n, ok := readNeighbour(ip, m); ok && !n.advert && n.target == linkLocal(h.MAC) {
		return h.device.Write(advertise(h.MAC, n.target, MAC(b[6:12]), n.src))
	}
	return nil
}
