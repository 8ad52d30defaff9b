package rtnl

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Route is one entry of a routing table (RTM_NEWROUTE, struct rtmsg). Zero
// fields are not sent and were not there when read, so the zero Route with a
// Family is the default route of no device.
type Route struct {
	// Family is unix.AF_INET or unix.AF_INET6.
	Family uint8
	// Dst is the destination. When read it is always valid (the default route
	// is 0.0.0.0/0 or ::/0); when sent, an invalid Dst is the default route.
	Dst netip.Prefix
	// Src restricts an IPv6 route to packets from these sources; invalid: none.
	Src netip.Prefix
	// Gateway is the next hop; invalid: none. A gateway of the other family is
	// sent and read as RTA_VIA (IPv4 through an IPv6 neighbour, RFC 5549). It
	// has no zone: Oif tells the link.
	Gateway netip.Addr
	// Oif and Iif are interface indexes, 0: none.
	Oif, Iif int
	// OifName is the name of Oif as read in the same walk, "" if the interface
	// has gone. It is text from outside. It is not sent.
	OifName string
	// Priority is the metric. The kernel makes 0 to 1024 for IPv6.
	Priority uint32
	// Table is the table's number, also beyond 255; 0 when sent: main.
	Table uint32
	// Type is unix.RTN_UNICAST and so on; 0 when sent: unicast.
	Type uint8
	// Scope is RT_SCOPE_*, Protocol RTPROT_*; sent as they are.
	Scope, Protocol uint8
	// Flags are RTNH_F_* and RTM_F_*.
	Flags uint32
	// Tos is rtm_tos, IPv4 only.
	Tos uint8
	// PrefSrc is the source address for packets that have none yet; invalid: none.
	PrefSrc netip.Addr
	Metrics Metrics
	// Multipath are the next hops of a route with several; then Gateway and Oif are
	// empty. When read, the slice is reused for the next row.
	Multipath []Nexthop
	// NexthopID names a nexthop object (RTA_NH_ID), 0: none.
	NexthopID uint32
	// Expires is the rest of the lifetime: in seconds when sent (RTA_EXPIRES,
	// IPv6), in clock ticks of 1/100 s when read (rta_expires); 0: for ever.
	Expires int32
	// Pref is the router preference of RFC 4191, ICMPV6_ROUTER_PREF_*.
	Pref uint8
	// Error is the errno that packets get (rta_error), negative as the kernel keeps it.
	Error int32
	// LastUse is in clock ticks (rta_lastuse), Refs is rta_clntref. Read only.
	LastUse, Refs uint32
	// Encap is what a packet is wrapped into on its way to Gateway.
	Encap Encap
	// Realms is RTA_FLOW: the realm of the source in the upper 16 bits, that of the destination in the lower; IPv4 only.
	Realms uint32
	// Other holds the attributes that have no field here, as the kernel sent them: bytes of struct nlattr that are sent
	// back unchanged. It is "" for all that today's kernels list.
	Other string
}

// Encap is a light weight tunnel (RTA_ENCAP_TYPE and RTA_ENCAP, linux/lwtunnel.h).
type Encap struct {
	// Type is LWTUNNEL_ENCAP_*; 0: none.
	Type uint16
	// Data are the attributes of that type, opaque bytes in host order.
	Data string
}

// Nexthop is one of the next hops of a multipath route (struct rtnexthop).
type Nexthop struct {
	// Gateway is as in Route.
	Gateway netip.Addr
	Oif     int
	// OifName is as in Route.
	OifName string
	// Flags are RTNH_F_*.
	Flags uint8
	// Weight is 1 to 256 (rtnh_hops + 1); 0 when sent: 1.
	Weight int
	// Encap, Realms and Other are as in Route.
	Encap  Encap
	Realms uint32
	Other  string
	// ID is the nexthop object that this one is, as member of a group; 0: none or not looked up. It is not sent.
	ID uint32
}

// Metrics are the RTAX_* values of a route in the kernel's units; 0 is unset,
// which the kernel does not tell apart either (net/core/rtnetlink.c,
// rtnetlink_put_metrics).
type Metrics struct {
	// Lock has bit 1<<RTAX_x for each value that path MTU discovery and TCP
	// must not change.
	Lock uint32
	// MTU, Window and AdvMSS are in bytes.
	MTU, Window uint32
	// RTT is in units of 1/8 ms, RTTVar of 1/4 ms, as the kernel keeps them.
	RTT, RTTVar uint32
	SSThresh    uint32
	CWnd        uint32
	AdvMSS      uint32
	Reordering  uint32
	HopLimit    uint32
	InitCWnd    uint32
	Features    uint32
	// RTOMin is in milliseconds.
	RTOMin      uint32
	InitRWnd    uint32
	QuickAck    uint32
	FastOpenNoC uint32
	// CongAlg is the congestion control's name, "" if unset.
	CongAlg string
	// Other holds the metrics that have no field here, as in Route.
	Other string
}

// Field is the place of the metric RTAX_typ, nil if there is none for it: CongAlg is text.
func (m *Metrics) Field(typ uint16) *uint32 {
	switch typ {
	case unix.RTAX_LOCK:
		return &m.Lock
	case unix.RTAX_MTU:
		return &m.MTU
	case unix.RTAX_WINDOW:
		return &m.Window
	case unix.RTAX_RTT:
		return &m.RTT
	case unix.RTAX_RTTVAR:
		return &m.RTTVar
	case unix.RTAX_SSTHRESH:
		return &m.SSThresh
	case unix.RTAX_CWND:
		return &m.CWnd
	case unix.RTAX_ADVMSS:
		return &m.AdvMSS
	case unix.RTAX_REORDERING:
		return &m.Reordering
	case unix.RTAX_HOPLIMIT:
		return &m.HopLimit
	case unix.RTAX_INITCWND:
		return &m.InitCWnd
	case unix.RTAX_FEATURES:
		return &m.Features
	case unix.RTAX_RTO_MIN:
		return &m.RTOMin
	case unix.RTAX_INITRWND:
		return &m.InitRWnd
	case unix.RTAX_QUICKACK:
		return &m.QuickAck
	case unix.RTAX_FASTOPEN_NO_COOKIE:
		return &m.FastOpenNoC
	}
	return nil
}
