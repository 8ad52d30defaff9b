package engine

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/app"
)

// socket is what a stack's sockets are asked for.
type socket app.Socket

// defaultBacklog is the length of a listener's queue of which nothing is said.
const defaultBacklog = 16

// unscaled is the largest receive buffer, as an application asks for it, for which netstack's shift is 0.
const unscaled = 1<<15 - 1

// CheckSocket reports the first option of o that netstack cannot do, as *app.Unsupported.
func CheckSocket(o *app.Socket) error {
	for _, c := range []struct {
		refused     bool
		option, why string
	}{
		{o.DelayedAck == app.On, "delayed-ack", "it acknowledges what it has processed at once"},
		{o.Timestamps == app.Off, "timestamps", "it offers them in every SYN"},
		{o.Congestion != "" && o.Congestion != "reno" && o.Congestion != "cubic", "cc", "it has reno and cubic"},
		{o.MSS != 0 && o.MSS < header.TCPMinimumMSS, "mss", fmt.Sprintf("its smallest is %d", header.TCPMinimumMSS)},
		{o.MSS > header.TCPMaximumMSS, "mss", fmt.Sprintf("its largest is %d", header.TCPMaximumMSS)},
		{o.WindowScaling == app.Off && o.RcvBuf > unscaled, "scaling", fmt.Sprintf("it scales as soon as the receive buffer is larger than %d octets", unscaled)},
		{o.RcvBuf == 1, "rcvbuf", "it does not tell its peer when a window of 1 is open again"},
		{o.RACK == app.On && o.SACK == app.Off, "rack", "it detects losses by SACK"},
	} {
		if c.refused {
			return &app.Unsupported{Option: c.option, Stack: Name, Why: c.why}
		}
	}
	return nil
}

// CongestionControl is the name of the congestion control that a stack with o has.
func CongestionControl(o *app.Socket) string {
	if o.Congestion == "" {
		return CC
	}
	return o.Congestion
}

// LossRecovery names what repairs the losses of a stack with o: RFC 6675 with SACK, NewReno (RFC 6582) without.
func LossRecovery(o *app.Socket) string {
	switch {
	case o.RACK == app.On:
		return "RACK-TLP"
	case o.SACK == app.Off:
		return "NewReno"
	}
	return Recovery
}

// protocol are the options that hold for a whole stack.
func (o *socket) protocol() []tcpip.SettableTransportProtocolOption {
	cc, recovery := tcpip.CongestionControlOption(CongestionControl((*app.Socket)(o))), tcpip.TCPRecovery(0)
	if o.RACK == app.On {
		recovery = tcpip.TCPRACKLossDetection
	}
	sack, nagle, cookies := tcpip.TCPSACKEnabled(o.SACK != app.Off), tcpip.TCPDelayEnabled(o.Nagle == app.On), tcpip.TCPAlwaysUseSynCookies(o.Cookies == app.On)
	all := []tcpip.SettableTransportProtocolOption{&cc, &recovery, &sack, &nagle, &cookies}
	if o.TimeWait > 0 {
		t := tcpip.TCPTimeWaitTimeoutOption(o.TimeWait)
		all = append(all, &t)
	}
	return append(all, o.buffers()...)
}

// buffers are the options of the buffers. Netstack gives half of the receive buffer to the window, the other half to its
// own overhead, so an application that asks for a size gets twice that, as from a kernel (socket(7)). What the
// application has asked for stays as it is: no moderation, and no growth beyond it.
func (o *socket) buffers() (all []tcpip.SettableTransportProtocolOption) {
	rcv := o.RcvBuf
	if rcv == 0 && o.WindowScaling == app.Off {
		rcv = unscaled
	}
	if rcv > 0 {
		fixed := tcpip.TCPModerateReceiveBufferOption(false)
		all = append(all, &fixed, &tcpip.TCPReceiveBufferSizeRangeOption{Min: 1, Default: 2 * rcv, Max: max(2*rcv, tcp.MaxBufferSize)})
	}
	if o.SndBuf > 0 {
		all = append(all, &tcpip.TCPSendBufferSizeRangeOption{Min: 1, Default: o.SndBuf, Max: o.SndBuf})
	}
	return all
}

func (o *socket) backlog() int {
	if o.Backlog == 0 {
		return defaultBacklog
	}
	return o.Backlog
}

// create sets the options that a connection has from its beginning, and an accepted one from its listener.
func (o *socket) create(ep tcpip.Endpoint) error {
	if o.MSS > 0 {
		if err := ep.SetSockOptInt(tcpip.MaxSegOption, o.MSS); err != nil {
			return fmt.Errorf("engine: mss %d: %w", o.MSS, sysError(err))
		}
	}
	if err := o.fragmentable(ep); err != nil {
		return err
	}
	if o.UserTimeout > 0 {
		t := tcpip.TCPUserTimeoutOption(o.UserTimeout)
		if err := ep.SetSockOpt(&t); err != nil {
			return fmt.Errorf("engine: user timeout %v: %w", o.UserTimeout, sysError(err))
		}
	}
	return nil
}

// fragmentable says whether routers may fragment what ep sends. An accepted connection does not have it from its listener.
func (o *socket) fragmentable(ep tcpip.Endpoint) error {
	if o.DF == app.Default {
		return nil
	}
	v := tcpip.PMTUDiscoveryDo
	if o.DF == app.Off {
		v = tcpip.PMTUDiscoveryDont
	}
	if err := ep.SetSockOptInt(tcpip.MTUDiscoverOption, int(v)); err != nil {
		return fmt.Errorf("engine: df: %w", sysError(err))
	}
	return nil
}

// keepAlive sets what an accepted connection does not have from its listener.
func (o *socket) keepAlive(ep tcpip.Endpoint) error {
	if o.Keepalive == 0 {
		return nil
	}
	idle := tcpip.KeepaliveIdleOption(o.Keepalive)
	if err := ep.SetSockOpt(&idle); err != nil {
		return fmt.Errorf("engine: keepalive %v: %w", o.Keepalive, sysError(err))
	}
	if o.KeepaliveEvery > 0 {
		every := tcpip.KeepaliveIntervalOption(o.KeepaliveEvery)
		if err := ep.SetSockOpt(&every); err != nil {
			return fmt.Errorf("engine: keepalive every %v: %w", o.KeepaliveEvery, sysError(err))
		}
	}
	if o.KeepaliveCount > 0 {
		if err := ep.SetSockOptInt(tcpip.KeepaliveCountOption, o.KeepaliveCount); err != nil {
			return fmt.Errorf("engine: keepalive count %d: %w", o.KeepaliveCount, sysError(err))
		}
	}
	ep.SocketOptions().SetKeepAlive(true)
	return nil
}

// startKeepAlive starts the keepalive timer of a connection that has opened: set before connect, netstack would start it
// only behind the first segment of data.
func (o *socket) startKeepAlive(c conn) {
	if o.Keepalive == 0 || c.known.kept {
		return
	}
	c.known.kept = true
	c.called()
	c.ep.SocketOptions().SetKeepAlive(true)
}
