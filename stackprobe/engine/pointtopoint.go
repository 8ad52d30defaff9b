package engine

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// pointToPoint is what all links of the laboratory are to netstack: one end to another, without addresses or headers of their
// own. A type that embeds it has stack.LinkEndpoint but for MTU and WritePackets.
type pointToPoint struct{ disp stack.NetworkDispatcher }

func (*pointToPoint) SetMTU(uint32)                                {}
func (*pointToPoint) MaxHeaderLength() uint16                      { return 0 }
func (*pointToPoint) LinkAddress() tcpip.LinkAddress               { return "" }
func (*pointToPoint) SetLinkAddress(tcpip.LinkAddress)             {}
func (*pointToPoint) Capabilities() stack.LinkEndpointCapabilities { return 0 }
func (p *pointToPoint) Attach(d stack.NetworkDispatcher)           { p.disp = d }
func (p *pointToPoint) IsAttached() bool                           { return p.disp != nil }
func (*pointToPoint) Wait()                                        {}
func (*pointToPoint) ARPHardwareType() header.ARPHardwareType      { return header.ARPHardwareNone }
func (*pointToPoint) AddHeader(*stack.PacketBuffer)                {}
func (*pointToPoint) ParseHeader(*stack.PacketBuffer) bool         { return true }
func (*pointToPoint) Close()                                       {}
func (*pointToPoint) SetOnCloseAction(func())                      {}
