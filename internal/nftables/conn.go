package nftables

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// subsystem is NFNL_SUBSYS_NFTABLES (linux/netfilter/nfnetlink.h).
const subsystem = 10

// Conn is a connection to nftables in one network namespace.
type Conn struct{ nl *netlink.Conn }

// Dial opens a connection in the network namespace of the calling thread.
func Dial() (*Conn, error) {
	nl, err := netlink.Dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	return &Conn{nl}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.nl.Close() }

// request starts a message: NFT_MSG_* of a family.
func (c *Conn) request(msg uint16, family uint8, flags uint16) *netlink.Request {
	r := c.nl.Request(subsystem<<8|msg, flags)
	r.Fixed(4)[0] = family // struct nfgenmsg: version 0, no resource
	return r
}

// be32 appends an attribute of four bytes in network order, as all numbers are here.
func be32(r *netlink.Request, typ uint16, v uint32) {
	r.Bytes(typ, binary.BigEndian.AppendUint32(nil, v))
}

// The attributes of tables (NFTA_TABLE_*), chains (NFTA_CHAIN_*, NFTA_HOOK_*) and rules (NFTA_RULE_*).
const (
	tableName = 1

	chainTable, chainName, chainHook, chainPolicy, chainType = 1, 3, 4, 5, 7
	hookNumber, hookPriority                                 = 1, 2

	ruleTable, ruleChain, ruleExpressions = 1, 2, 4
	listElement                           = 1
)

// Hook is where a chain sees packets (NF_INET_*, linux/netfilter.h).
type Hook uint32

// The hooks.
const (
	PreRouting  Hook = 0
	Forward     Hook = 2
	PostRouting Hook = 4
)

// Chain is a base chain of type nat.
type Chain struct {
	Name     string
	Hook     Hook
	Priority int32
	Rules    []Rule
}

// version is the family of tables for one version of IP.
func version(six bool) uint8 {
	if six {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

// AddTable makes a table of IPv4 or IPv6 with its chains and their rules, all or nothing. It fails with unix.EEXIST if there is one of that
// name.
func (c *Conn) AddTable(name string, six bool, chains []Chain) error {
	family := version(six)
	t := c.nl.NewTransaction("make the nftables table "+name, subsystem)
	r := c.request(unix.NFT_MSG_NEWTABLE, family, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	r.String(tableName, name)
	t.Add(r)
	for _, ch := range chains {
		r := c.request(unix.NFT_MSG_NEWCHAIN, family, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
		r.String(chainTable, name)
		r.String(chainName, ch.Name)
		hook := r.Open(chainHook)
		be32(r, hookNumber, uint32(ch.Hook))
		be32(r, hookPriority, uint32(ch.Priority))
		r.Close(hook)
		r.String(chainType, "nat")
		t.Add(r)
		for _, rule := range ch.Rules {
			r := c.request(unix.NFT_MSG_NEWRULE, family, unix.NLM_F_CREATE|unix.NLM_F_APPEND)
			r.String(ruleTable, name)
			r.String(ruleChain, ch.Name)
			list := r.Open(ruleExpressions)
			for _, e := range rule {
				e.append(r)
			}
			r.Close(list)
			t.Add(r)
		}
	}
	return t.Commit()
}

// DeleteTable deletes a table of IPv4 or IPv6 with all that is in it; unix.ENOENT if there is none.
func (c *Conn) DeleteTable(name string, six bool) error {
	t := c.nl.NewTransaction("delete the nftables table "+name, subsystem)
	r := c.request(unix.NFT_MSG_DELTABLE, version(six), 0)
	r.String(tableName, name)
	t.Add(r)
	return t.Commit()
}

// Barrier is a base chain that drops what it does not accept.
type Barrier struct {
	// Family is NFPROTO_IPV4, NFPROTO_INET ...
	Family uint8
	// Table and Chain are text from outside.
	Table, Chain string
}

// Barriers lists the chains at a hook whose policy is to drop packets of IPv4, or of IPv6. Those of iptables-nft are among them, those of
// iptables-legacy are not.
func (c *Conn) Barriers(at Hook, six bool) ([]Barrier, error) {
	var list []Barrier
	err := c.nl.Dump("list the nftables chains", c.request(unix.NFT_MSG_GETCHAIN, unix.NFPROTO_UNSPEC, 0), func(m netlink.Message) error {
		b, hook, drops, err := readChain(m)
		if err == nil && drops && hook == at && (b.Family == version(six) || b.Family == unix.NFPROTO_INET) {
			list = append(list, b)
		}
		return err
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil // a kernel without nftables has no chains
	}
	return list, err
}

// readChain reads a chain; drops is false for one that is no base chain.
func readChain(m netlink.Message) (b Barrier, at Hook, drops bool, err error) {
	if len(m.Body) < 4 {
		return b, 0, false, netlink.ErrShortMessage
	}
	b.Family = m.Body[0]
	at = ^Hook(0)
	attrs := netlink.ReadAttrs(m.Body[4:])
	for attrs.Next() {
		switch attrs.Type() {
		case chainTable:
			b.Table = attrs.String()
		case chainName:
			b.Chain = attrs.String()
		case chainPolicy:
			drops = number(attrs.Data()) == 0 // NF_DROP
		case chainHook:
			nested := attrs.Nested()
			for nested.Next() {
				if nested.Type() == hookNumber {
					at = Hook(number(nested.Data()))
				}
			}
			if err := nested.Err(); err != nil {
				return b, at, drops, err
			}
		}
	}
	return b, at, drops, attrs.Err()
}

// number reads four bytes in network order; what is no number is one that nothing is.
func number(b []byte) uint32 {
	if len(b) != 4 {
		return ^uint32(0)
	}
	return binary.BigEndian.Uint32(b)
}
