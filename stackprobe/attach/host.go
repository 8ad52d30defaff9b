package attach

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nftables"
	"gnet/internal/rtnl"
	"gnet/internal/undo"
	"gnet/stackprobe/link"
)

// Host is the host's side of an attached world: an interface at which the engine's packets enter the host.
type Host struct {
	Plan
	device *link.Device
	change *undo.Change
}

// lifetime bounds a plan; the run ends it long before.
const lifetime = 10 * 365 * 24 * time.Hour

// Open plans, tells what it will do, and does it. d keeps the plan. After an error nothing is left changed; errors are *Error where the host
// refuses.
func Open(ctx context.Context, d *undo.Dir, c Config, tell func(*Plan)) (*Host, error) {
	h := &Host{}
	err := d.Exclusive(func() error {
		p, err := plan(c, d)
		if err != nil {
			return failed("look at the host", err)
		}
		h.Plan = *p
		tell(p)
		return h.make(ctx, d)
	})
	if err == nil {
		return h, nil
	}
	if h.change != nil {
		_, uerr := h.Close(context.WithoutCancel(ctx))
		err = errors.Join(err, uerr)
	}
	return nil, err
}

// make writes the plan and changes the host.
func (h *Host) make(ctx context.Context, d *undo.Dir) error {
	raw, err := json.Marshal(change{Table: h.Table, IPv6: h.Engine.Is6(), Settings: h.settings, Global: h.global})
	if err != nil {
		return err
	}
	h.change, err = d.Begin(ctx, undo.Spec{Domain: UndoDomain, What: h.What, Change: raw, After: lifetime, Lasting: true, Program: h.Program})
	if err != nil {
		return err
	}
	if h.Mode == Bridge {
		return failed("make the interface "+h.Device, h.tap(ctx))
	}
	if err := h.tun(); err != nil {
		return failed("make the interface "+h.Device, err)
	}
	if err := h.table(); err != nil {
		return failed("translate addresses", err)
	}
	for _, s := range h.settings {
		if err := s.write(s.To); err != nil {
			return failed("switch on forwarding", err)
		}
	}
	return nil
}

// txQueue is the number of packets that the interface holds while the run does something else.
const txQueue = 10000

// tun makes the interface, which ends with its descriptor, and all that was set of it.
func (h *Host) tun() error {
	fd, err := link.OpenTUN(h.Device)
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
	flags := uint32(0)
	up := new(rtnl.LinkChange).MTU(uint32(h.MTU)).TxQueueLen(txQueue)
	if h.Engine.Is4() {
		err = silence(h.Device)
	} else {
		flags = unix.IFA_F_NODAD
		up.NoLinkLocal() // it has nothing to say but what it forwards
	}
	if err != nil {
		return err
	}
	if err := rt.SetLink(l.Index, up.Up()); err != nil {
		return err
	}
	if err := rt.AddAddr(l.Index, netip.PrefixFrom(h.Host, h.Network.Bits()), flags); err != nil {
		return err
	}
	if s, ok := h.ownSetting(); ok {
		return s.write(s.To)
	}
	return nil
}

// table makes the rules.
func (h *Host) table() error {
	nft, err := nftables.Dial()
	if err != nil {
		return err
	}
	defer nft.Close()
	return nft.AddTable(h.Table, h.Engine.Is6(), h.chains())
}

// ID is what the change is called by in the list of changes.
func (h *Host) ID() string { return h.change.Plan.ID }

// Close undoes what Open has done, and returns what the keeper said of that. Nobody may use the interface any more.
func (h *Host) Close(ctx context.Context) (undo.Result, error) {
	if h.device != nil {
		h.device.Close()
		h.device = nil
	}
	return h.change.Undo(ctx, undo.Domains{UndoDomain: Undoer{}})
}

// isGone reports whether err says that there is nothing to undo.
func isGone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, os.ErrNotExist)
}
