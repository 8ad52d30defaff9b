package attach

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// The reasons why a bridge cannot be used.
var (
	ErrNoBridge = errors.New("it is no bridge")
	ErrNoPort   = errors.New("the bridge has no other port: its own address would become that of the engine's port")
	ErrNoUplink = errors.New("the bridge has no uplink: its ports are of TUN and TAP interfaces, whose carrier says nothing")
	ErrInUse    = errors.New("the address is in use")
	ErrNoPrefix = errors.New("no router of the bridge's network announces a prefix for addresses (RFC 4862)")
	ErrNoRouter = errors.New("no router of the bridge's network offers itself (RFC 4861)")
	ErrOffLink  = errors.New("it is beyond the bridge's network, and there is no gateway")
)

// port plans a port of a bridge.
func (p *Plan) port(rt *rtnl.Conn) error {
	l, err := rt.LinkByName(p.Bridge)
	if err != nil {
		return err
	}
	if l.Kind != "bridge" {
		return fmt.Errorf("%s: %w", p.Bridge, ErrNoBridge)
	}
	p.bridge = l.Index
	if p.Address.IsValid() {
		p.Engine, p.Network = p.Address.Addr(), p.Address.Masked()
	}
	if p.MTU == 0 || p.MTU > int(l.MTU) {
		p.MTU = int(l.MTU)
	}
	ports, err := others(rt, l.Index, "", true)
	if err != nil {
		return err
	}
	if len(ports) == 0 {
		return fmt.Errorf("%s: %w", p.Bridge, ErrNoPort)
	}
	if ports, err = others(rt, l.Index, "", false); err == nil && len(ports) == 0 && p.Replicate {
		err = fmt.Errorf("%s: %w", p.Bridge, ErrNoUplink)
	}
	if err != nil {
		return err
	}
	p.MAC = drawMAC()
	return nil
}

// drawMAC draws the engine's address: one host's, given out by the network's own administrator (IEEE 802c, which has the second digit 2 for
// these).
func drawMAC() (m MAC) {
	rand.Read(m[:])
	m[0] = m[0]&0xf0 | 0x02
	return m
}

// portMAC is the address of the port itself, which a bridge takes for the host's own: what is sent there goes no further, so it is never the
// engine's. It is higher than any other port's, since a bridge takes the lowest for itself.
func portMAC(engine MAC) MAC {
	engine[0] = 0xfe
	return engine
}

// others returns the ports of a bridge but one, and whether each has a carrier; those of TAP interfaces, behind which are guests like the
// engine, only if they are wanted.
func others(rt *rtnl.Conn, bridge int, but string, taps bool) (map[string]bool, error) {
	ports := map[string]bool{}
	for l, err := range rt.Links() {
		if err != nil {
			return nil, err
		}
		if l.Master == bridge && l.Name != but && (taps || l.Kind != "tun") {
			ports[l.Name] = l.Flags&unix.IFF_LOWER_UP != 0
		}
	}
	return ports, nil
}

// tap makes the port, which ends with its descriptor. Nothing of the bridge changes by it: the port has the bridge's MTU, of which a bridge
// takes the least, and an address that the bridge does not take (portMAC).
func (h *Host) tap(ctx context.Context) error {
	fd, err := link.OpenTAP(h.Device)
	if err != nil {
		return err
	}
	h.device = link.TUN(fd)
	rt, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer rt.Close()
	l, err := rt.LinkByName(h.Device)
	if err != nil {
		return err
	}
	br, err := rt.LinkByIndex(h.bridge)
	if err != nil {
		return err
	}
	if err := silence(h.Device); err != nil {
		return err
	}
	own := portMAC(h.MAC)
	change := new(rtnl.LinkChange).MTU(br.MTU).TxQueueLen(txQueue).Hardware(own[:]).Master(h.bridge)
	if err := rt.SetLink(l.Index, change); err != nil {
		return err
	}
	if err := rt.SetLink(l.Index, new(rtnl.LinkChange).Up()); err != nil {
		return err
	}
	if err := h.ready(ctx, rt); err != nil {
		return err
	}
	return h.settle(ctx)
}

// silence keeps the IPv6 of an interface, which has nothing to say, from talking.
func silence(device string) error {
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+device+"/disable_ipv6", []byte("1"), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// uplink watches the other ports of the bridge.
type uplink struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// replicate begins to give the port the carrier that the other ports have.
func (o *Outside) replicate() (*uplink, error) {
	events, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	if err := events.JoinLinks(); err != nil {
		events.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	u := &uplink{cancel, make(chan struct{})}
	carrier := true
	look := func() {
		if o.closed {
			return
		}
		now, which, err := o.carried()
		if err != nil && o.err == nil {
			o.err = err
		}
		if err != nil || now == carrier {
			return
		}
		carrier = now
		if err := o.device.SetCarrier(now); err != nil && o.err == nil {
			o.err = err
		}
		text := "the uplink of " + o.plan.Bridge + " (" + which + ") has lost its carrier, and so has " + o.plan.Device
		level := event.Warning
		if now {
			text, level = "the uplink of "+o.plan.Bridge+" ("+which+") has its carrier again, and so has "+o.plan.Device, event.Info
		}
		o.note(level, text)
	}
	o.clock.At(o.clock.Now(), look)
	go func() {
		defer close(u.done)
		defer events.Close()
		for {
			lost := false
			for _, err := range events.LinkEvents(ctx) {
				if lost = errors.Is(err, unix.ENOBUFS); err == nil || lost {
					o.clock.At(o.clock.Now(), look)
				}
			}
			if !lost {
				return
			}
		}
	}()
	return u, nil
}

// close ends the watch and waits for its end.
func (u *uplink) close() {
	u.cancel()
	<-u.done
}

// carried reports whether another port has a carrier, and names the ports.
func (o *Outside) carried() (carrier bool, names string, err error) {
	rt, err := rtnl.Dial()
	if err != nil {
		return false, "", err
	}
	defer rt.Close()
	ports, err := others(rt, o.plan.bridge, o.plan.Device, false)
	for name, has := range ports {
		carrier = carrier || has
		if names == "" || name < names {
			names = name
		}
	}
	return carrier, names, err
}
