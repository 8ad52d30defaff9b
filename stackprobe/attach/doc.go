// Package attach puts the engine into a network, as a virtual machine's: the host's side of such a world. With NAT the engine is behind
// a TUN interface of the host, which forwards its packets and gives them an address of its own. On a bridge it is
// at a port of that, behind a TAP interface, as a host of the bridge's network.
//
// Every change of the host is planned on disk before it is made (package undo), and lasts as long as the run: an end of whatever kind is
// followed by the keeper, and where that was killed too by the next run of gnet.
package attach
