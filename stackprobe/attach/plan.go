package attach

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"gnet/internal/nftables"
	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// Config says what is to be attached.
type Config struct {
	Mode Mode
	// Server is whom the engine connects to; the zero value if it listens, at Port.
	Server netip.AddrPort
	Port   uint16
	// IPv6 has the engine be of that, behind NAT; on a bridge its address says so.
	IPv6 bool
	// MTU is the interface's; on a bridge 0 stands for the bridge's.
	MTU int
	// Bridge is the name of the bridge, Address the engine's there with the length of its network, Gateway the way out of that if there is
	// one. Replicate has the interface lose its carrier when no other port of the bridge has one. Without an Address the engine takes one of
	// IPv6 from the prefix that a router announces, and that router as its gateway; Solicit asks for the gateway alone.
	Bridge             string
	Address            netip.Prefix
	Gateway            netip.Addr
	Replicate, Solicit bool
	// What are the words of the command, for those who are told later what was done; Program is the keeper's name.
	What, Program string
}

// Plan is what will be changed of the host.
type Plan struct {
	Config
	// Device is the interface's name, Host its address, Engine the engine's, both in Network.
	Device       string
	Host, Engine netip.Addr
	Network      netip.Prefix
	// MAC is the engine's, on a bridge.
	MAC MAC
	// Table is the name of the nftables table.
	Table string
	// Uplink is the interface towards Server, "" if the engine listens or the server is this host. It is text from outside.
	Uplink string
	// Source is the address that stands in the place of the engine's beyond Uplink; invalid if the engine listens.
	Source netip.Addr
	// Learned says what was taken from routers of the bridge's network.
	Learned []string
	// Warnings say what of the host's own rules may be in the way.
	Warnings []string

	forward []forward // those that are switched on, or are on because of other runs
	already []string  // the uplink, if it forwards anyway
	bridge  int       // the bridge's index
	global  bool      // net.ipv4.conf.all.forwarding as it is
}

// change is what the plan on disk says.
type change struct {
	Table   string    `json:"table"`
	Forward []forward `json:"forward"`
	Global  bool      `json:"global"`
}

// plan looks at the host and says what is to be changed. d has the changes of other runs.
func plan(c Config, d *undo.Dir) (*Plan, error) {
	rt, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	defer rt.Close()
	v, err := look(rt)
	if err != nil {
		return nil, err
	}
	p := &Plan{Config: c, Device: v.device()}
	if c.Mode == Bridge {
		return p, p.port(rt)
	}
	if p.Network, err = v.free(); err != nil {
		return nil, err
	}
	p.Host = p.Network.Addr().Next()
	p.Engine = p.Host.Next()
	var random [4]byte
	rand.Read(random[:])
	p.Table = "gnet_" + hex.EncodeToString(random[:])
	indexes := v.carrying
	if c.Server.IsValid() {
		if indexes, err = p.way(rt, v); err != nil {
			return nil, err
		}
	}
	for _, i := range indexes {
		if err := p.needs(forward{Device: v.names[i], Index: i}, d); err != nil {
			return nil, err
		}
	}
	if p.global, err = forwards(all); err != nil {
		return nil, err
	}
	return p, p.barriers()
}

// way finds the interface to the server.
func (p *Plan) way(rt *rtnl.Conn, v *view) ([]int, error) {
	r, err := rt.RouteGet(rtnl.RouteQuery{Dst: p.Server.Addr()})
	if err != nil {
		return nil, err
	}
	p.Source = r.PrefSrc
	if r.Type == unix.RTN_LOCAL {
		return nil, nil
	}
	p.Uplink = v.names[r.Oif]
	return []int{r.Oif}, nil
}

// needs notes that an interface has to forward. If other runs have switched it on, it was as they have found it.
func (p *Plan) needs(f forward, d *undo.Dir) error {
	on, err := forwards(f.Device)
	if err != nil {
		return err
	}
	others := false
	err = d.Others(UndoDomain, "", func(raw json.RawMessage) error {
		var c change
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		for _, o := range c.Forward {
			others = others || o.Device == f.Device && o.Index == f.Index
		}
		return nil
	})
	if err != nil {
		return err
	}
	if on && !others {
		if f.Device == p.Uplink {
			p.already = append(p.already, f.Device)
		}
		return nil
	}
	p.forward = append(p.forward, f)
	return nil
}

// barriers names what may drop forwarded packets: a chain of somebody else's, which no rule of ours can overrule.
func (p *Plan) barriers() error {
	nft, err := nftables.Dial()
	if err != nil {
		return err
	}
	defer nft.Close()
	list, err := nft.Barriers(nftables.Forward)
	if err != nil {
		return err
	}
	for _, b := range list {
		family := "ip"
		if b.Family == unix.NFPROTO_INET {
			family = "inet"
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("the chain %s of the nftables table %s %s drops what it does not accept: it may drop the engine's packets", b.Chain, family, b.Table))
	}
	legacy, err := os.ReadFile("/proc/net/ip_tables_names")
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
	case err != nil:
		return err
	case len(legacy) > 0:
		p.Warnings = append(p.Warnings, "iptables-legacy has rules here, which were not looked at: its FORWARD chain may drop the engine's packets")
	}
	return nil
}

// Will says what will be changed, one sentence each.
func (p *Plan) Will() []string {
	if p.Mode == Bridge {
		address := "an address of what a router announces"
		if p.Address.IsValid() {
			address = p.Address.String()
		}
		list := []string{fmt.Sprintf("make the TAP interface %s, a port of the bridge %s; the engine has %s and the MAC address %v", p.Device, p.Bridge, address, p.MAC)}
		if p.Replicate {
			list = append(list, fmt.Sprintf("take the carrier of %s away while no other port of %s has one", p.Device, p.Bridge))
		}
		return list
	}
	list := []string{fmt.Sprintf("make the TUN interface %s with %s; the engine has %s, in a network that this host had no way to", p.Device, netip.PrefixFrom(p.Host, p.Network.Bits()), p.Engine)}
	if p.Port != 0 {
		list = append(list, fmt.Sprintf("make the nftables table ip %s: what comes to this host's TCP port %d goes to the engine", p.Table, p.Port))
	} else {
		list = append(list, fmt.Sprintf("make the nftables table ip %s, which masquerades %s", p.Table, p.Engine))
	}
	list = append(list, fmt.Sprintf("switch on net.ipv4.conf.%s.forwarding", p.Device))
	for _, f := range p.forward {
		list = append(list, fmt.Sprintf("switch on net.ipv4.conf.%s.forwarding", f.Device))
	}
	return list
}

// Unchanged says what has to be so and is so already.
func (p *Plan) Unchanged() []string {
	var list []string
	for _, d := range p.already {
		list = append(list, fmt.Sprintf("net.ipv4.conf.%s.forwarding is on already, and stays so", d))
	}
	return list
}

// chains are those of the plan's table. The priorities are those of nft(8)'s srcnat and dstnat.
func (p *Plan) chains() []nftables.Chain {
	list := []nftables.Chain{{Name: "postrouting", Hook: nftables.PostRouting, Priority: 100, Rules: []nftables.Rule{nftables.Masquerade(p.Engine)}}}
	if p.Port != 0 {
		list = append(list, nftables.Chain{Name: "prerouting", Hook: nftables.PreRouting, Priority: -100,
			Rules: []nftables.Rule{nftables.Redirect(p.Port, netip.AddrPortFrom(p.Engine, p.Port))}})
	}
	return list
}
