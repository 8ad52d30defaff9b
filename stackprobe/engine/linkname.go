package engine

import (
	_ "unsafe" // for go:linkname

	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// completeState fills s with the variables of e, whose lock the caller holds and which must be connected. The stack
// calls its own public probe only after a received segment, never at a transmission and never for a timer, so there is
// no other way to see cwnd and RTO when a segment leaves. It binds us to the pinned version of netstack; the package's
// tests compare its result with the public GetSockOpt.
//
//go:linkname completeState gvisor.dev/gvisor/pkg/tcpip/transport/tcp.(*Endpoint).completeStateLocked
func completeState(e *tcp.Endpoint, s *tcp.TCPEndpointState)
