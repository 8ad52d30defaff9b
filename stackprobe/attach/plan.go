package attach

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

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

	settings []setting // those that are changed, or are as they are because of other runs, in their order
	already  []setting // those that are as they have to be anyway
	own      string    // the key of the setting that the run's interface needs
	bridge   int       // the bridge's index
	global   string    // net.ipv4.conf.all.forwarding as it is
}

// change is what the plan on disk says.
type change struct {
	Table    string    `json:"table"`
	IPv6     bool      `json:"ipv6,omitempty"`
	Settings []setting `json:"settings"`
	Global   string    `json:"global"`
}

// plan looks at the host and says what is to be changed. d has the changes of other runs.
func plan(c Config, d *undo.Dir) (*Plan, error) {
	rt, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	defer rt.Close()
	v, err := look(rt, c.IPv6)
	if err != nil {
		return nil, err
	}
	p := &Plan{Config: c, Device: v.device()}
	if c.Mode == Bridge {
		return p, p.port(rt)
	}
	if p.Network, err = v.free(c.IPv6); err != nil {
		return nil, err
	}
	if p.Host = p.Network.Addr().Next(); p.Network.Addr().Is4() {
		p.own = forwarding
	}
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
	list := make([]setting, 0, len(indexes))
	for _, i := range indexes {
		list = append(list, forwards(v.names[i], i))
	}
	if c.IPv6 {
		if list, p.own, err = sixfold(rt, v.names, indexes); err != nil {
			return nil, err
		}
	}
	if err := p.need(list, d); err != nil {
		return nil, err
	}
	if p.global, err = forwards(all, 0).value(); err != nil {
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

// need notes the settings that have to be different. Where other runs have changed one, it was as they have found it; one that changes all
// interfaces takes with it what keeps these as they are.
func (p *Plan) need(list []setting, d *undo.Dir) error {
	var others []setting
	err := d.Others(UndoDomain, "", func(raw json.RawMessage) error {
		var c change
		err := json.Unmarshal(raw, &c)
		others = append(others, c.Settings...)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range list {
		i := slices.IndexFunc(others, s.same)
		if i >= 0 && s.Device == all {
			p.settings = append(p.settings, keepers(others)...)
		}
		now, err := s.value()
		switch {
		case err != nil:
			return err
		case i >= 0:
			p.settings = append(p.settings, others[i])
		case s.Was == s.To || now != s.To:
			p.settings = append(p.settings, s)
		case s.Device == p.Uplink || s.Device == all:
			p.already = append(p.already, s)
		}
	}
	return nil
}

// keepers are those settings of other runs that keep single interfaces as they are while all forward IPv6, each once.
func keepers(others []setting) (list []setting) {
	for _, s := range others {
		if s.Family == inet6 && s.Device != all && s.Key != forced && !slices.ContainsFunc(list, s.same) {
			list = append(list, s)
		}
	}
	return list
}

// barriers names what may drop forwarded packets: a chain of somebody else's, which no rule of ours can overrule.
func (p *Plan) barriers() error {
	nft, err := nftables.Dial()
	if err != nil {
		return err
	}
	defer nft.Close()
	list, err := nft.Barriers(nftables.Forward, p.Engine.Is6())
	if err != nil {
		return err
	}
	for _, b := range list {
		family := p.family()
		if b.Family == unix.NFPROTO_INET {
			family = "inet"
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("the chain %s of the nftables table %s %s drops what it does not accept: it may drop the engine's packets", b.Chain, family, b.Table))
	}
	program := "iptables"
	if p.Engine.Is6() {
		program = "ip6tables"
	}
	legacy, err := os.ReadFile("/proc/net/" + p.family() + "_tables_names")
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
	case err != nil:
		return err
	case len(legacy) > 0:
		p.Warnings = append(p.Warnings, program+"-legacy has rules here, which were not looked at: its FORWARD chain may drop the engine's packets")
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
		list = append(list, fmt.Sprintf("make the nftables table %s %s: what comes to this host's TCP port %d goes to the engine", p.family(), p.Table, p.Port))
	} else {
		list = append(list, fmt.Sprintf("make the nftables table %s %s, which masquerades %s", p.family(), p.Table, p.Engine))
	}
	if s, ok := p.ownSetting(); ok {
		list = append(list, s.will())
	}
	for _, s := range p.settings {
		if s.Was != s.To {
			list = append(list, s.will())
		}
	}
	return list
}

// ownSetting is what the run's own interface needs, which ends with it.
func (p *Plan) ownSetting() (setting, bool) {
	s := setting{Family: inet4, Device: p.Device, Key: p.own, Was: "0", To: "1"}
	if p.Engine.Is6() {
		s.Family = inet6
	}
	return s, p.own != ""
}

// family is nft(8)'s name of the engine's version of IP.
func (p *Plan) family() string { return tableFamily(p.Engine.Is6()) }

func tableFamily(six bool) string {
	if six {
		return "ip6"
	}
	return "ip"
}

// Unchanged says what has to be so and is so already.
func (p *Plan) Unchanged() []string {
	var list []string
	for _, s := range p.already {
		list = append(list, fmt.Sprintf("%v is on already, and stays so", s))
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
