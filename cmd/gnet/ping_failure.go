package main

import (
	"errors"

	"gnet/ping/probe"
)

// pingFailure gives the errors of sockets the words that iputils has for them.
func pingFailure(e *env, o *pingOptions, err error) error {
	wrong := (*probe.SocketError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	if wrong.NoRight() {
		return noPingRight(e, wrong)
	}
	text := errnoText(wrong.Err)
	six := wrong.Family == probe.IPv6
	switch wrong.Op {
	case "connect":
		return fail(statusCannot, "connect: %s", text)
	case "bind":
		if six || wrong.Mode == probe.Datagram && o.Source6.IsValid() {
			return fail(statusCannot, "bind icmp socket: %s", text)
		}
		return fail(statusCannot, "bind: %s", text)
	case "IP_OPTIONS":
		if o.RecordRoute {
			return fail(statusCannot, "record route: %s", text)
		}
		return fail(statusCannot, "ts option: %s", text)
	case "IPV6_FLOWLABEL_MGR":
		return fail(statusCannot, "can't set flowlabel: %s", text)
	case "IPV6_FLOWINFO_SEND":
		return fail(statusCannot, "can't send flowinfo: %s", text)
	case "SO_BINDTODEVICE", "SIOCGIFINDEX":
		if six {
			return fail(statusCannot, "unknown iface: %s", wrong.Device)
		}
		return fail(statusCannot, "SO_BINDTODEVICE %s: %s", wrong.Device, text)
	case "IP_TTL":
		return fail(statusCannot, "cannot set unicast time-to-live: %s", text)
	case "IP_MULTICAST_TTL":
		return fail(statusCannot, "cannot set multicast time-to-live: %s", text)
	case "IPV6_UNICAST_HOPS":
		return fail(statusCannot, "cannot set unicast hop limit: %s", text)
	case "IPV6_MULTICAST_HOPS":
		return fail(statusCannot, "cannot set multicast hop limit: %s", text)
	}
	return fail(statusCannot, "%s: %s", wrong.Op, text)
}

// noPingRight says that neither kind of socket is allowed, and what would help.
func noPingRight(e *env, wrong *probe.SocketError) error {
	e.warn("socktype: %v", wrong.Mode)
	e.warn("socket: %s", errnoText(wrong.Err))
	return fail(statusCannot, "=> missing cap_net_raw+p capability or setuid?").
		withHint("a group of yours in sysctl net.ipv4.ping_group_range is enough, for IPv6 too")
}
