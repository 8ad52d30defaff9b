package path

import (
	"net/netip"

	"gnet/internal/wire"
)

// Extensions are what a router says in an ICMP error beyond its code (RFC 4884), in the
// order in which it says it.
type Extensions struct {
	// Labels are the MPLS labels that the probe had when it came (RFC 4950), the top
	// one first.
	Labels []wire.MPLSEntry
	// Interfaces are those that it passed or was to pass there (RFC 5837).
	Interfaces []Interface
	// Others are of classes that are not known here.
	Others []OtherExtension
}

// Interface is what a router tells of one of its interfaces; what it left out is zero.
type Interface struct {
	Role  wire.InterfaceRole
	Index uint32
	Addr  netip.Addr
	Name  string // any bytes
	MTU   int
}

// OtherExtension is an extension of a class that is not known here.
type OtherExtension struct {
	Class, Type uint8
	Len         int // of its data in bytes
}

// readExtensions returns what an answer has of them, nil for nothing, and whether some
// of it could not be read.
func readExtensions(a *Answer) (all *Extensions, bad bool) {
	if len(a.Extensions) == 0 {
		return nil, a.BadExtensions
	}
	var x Extensions
	for o := range a.Extensions.Objects() {
		if !x.add(&o) {
			bad = true
		}
	}
	if len(x.Labels)+len(x.Interfaces)+len(x.Others) == 0 {
		return nil, bad
	}
	return &x, bad
}

// add takes in one object; false when it cannot be read.
func (x *Extensions) add(o *wire.ExtensionObject) bool {
	switch {
	case o.Class == wire.ClassMPLS && o.Type == 1:
		stack, err := o.MPLSStack()
		if err != nil {
			return false
		}
		for entry := range stack {
			x.Labels = append(x.Labels, entry)
		}
	case o.Class == wire.ClassInterface:
		in, err := o.Interface()
		if err != nil {
			return false
		}
		x.Interfaces = append(x.Interfaces, Interface{Role: in.Role, Index: in.Index, Addr: in.Addr, Name: string(in.Name), MTU: int(in.MTU)})
	default:
		x.Others = append(x.Others, OtherExtension{Class: o.Class, Type: o.Type, Len: len(o.Data)})
	}
	return true
}
