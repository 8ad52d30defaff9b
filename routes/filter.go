package routes

import (
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// Filter selects routes: those that agree with every field that is given. The zero Filter selects every route of every table of
// both families, but no cached entries.
type Filter struct {
	// Family is unix.AF_INET or unix.AF_INET6; 0: both.
	Family uint8
	// Table is a table's number; 0: all tables.
	Table uint32
	// VRF is the name of a VRF device, which stands for its table; Conn.Resolve sets Table from it.
	VRF string
	// Root selects prefixes that lie in this one, itself among them; Covering those that contain this one; Exact this one.
	// They are masked. Invalid: not asked.
	Root, Covering, Exact netip.Prefix
	// Default selects the default routes, of prefix length 0.
	Default bool
	// Dev is the interface and Via the gateway of a next hop; when both are given, of the same one.
	Dev string
	Via netip.Addr
	// Protocol is RTPROT_*, if HasProtocol is set.
	Protocol    uint8
	HasProtocol bool
	// Type is RTN_*; 0: any.
	Type uint8
	// Scope is RT_SCOPE_*, if HasScope is set.
	Scope    uint8
	HasScope bool
	// Src is the preferred source address; invalid: any.
	Src netip.Addr
	// Tos is the type of service, if HasTos is set.
	Tos    uint8
	HasTos bool
}

// Narrow reports whether the filter asks for more than a family and a table.
func (f *Filter) Narrow() bool {
	wide := Filter{Family: f.Family, Table: f.Table, VRF: f.VRF}
	return *f != wide
}

// Match reports whether r is selected. OifName of its next hops must be set when Dev is given, and Table when VRF is.
func (f *Filter) Match(r *rtnl.Route) bool {
	return (f.Family == 0 || f.Family == r.Family) &&
		(f.Table == 0 || f.Table == r.Table) &&
		(f.Type == 0 || f.Type == r.Type) &&
		(!f.HasProtocol || f.Protocol == r.Protocol) &&
		(!f.HasScope || f.Scope == r.Scope) &&
		(!f.HasTos || f.Tos == r.Tos) &&
		(!f.Src.IsValid() || f.Src == r.PrefSrc) &&
		f.matchPrefix(r.Dst) && f.matchHop(r)
}

func (f *Filter) matchPrefix(dst netip.Prefix) bool {
	return (!f.Default || dst.Bits() == 0) &&
		(!f.Root.IsValid() || contains(f.Root, dst)) &&
		(!f.Covering.IsValid() || contains(dst, f.Covering)) &&
		(!f.Exact.IsValid() || f.Exact == dst)
}

// contains reports whether every address of inner is in outer. Prefixes of two families contain nothing of each other.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

func (f *Filter) matchHop(r *rtnl.Route) bool {
	if f.Dev == "" && !f.Via.IsValid() {
		return true
	}
	is := func(name string, gateway netip.Addr) bool {
		return (f.Dev == "" || f.Dev == name) && (!f.Via.IsValid() || f.Via == gateway)
	}
	if len(r.Multipath) == 0 {
		return is(r.OifName, r.Gateway)
	}
	return slices.ContainsFunc(r.Multipath, func(h rtnl.Nexthop) bool { return is(h.OifName, h.Gateway) })
}

// DeviceError says what is wrong with an interface that a filter names. errors.Is reaches the errno.
type DeviceError struct {
	Name string // text from outside
	Err  error  // ErrNoVRF, or an *OpError
}

// Error names the interface and the cause.
func (e *DeviceError) Error() string {
	if op, ok := errors.AsType[*OpError](e.Err); ok {
		return e.Name + ": " + op.Err.Error()
	}
	return e.Name + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *DeviceError) Unwrap() error { return e.Err }

// Resolve turns VRF into its table and checks that Dev is there. Its error is a *DeviceError.
func (c *Conn) Resolve(f *Filter) error {
	if f.VRF != "" {
		link, err := c.link(f.VRF)
		if err != nil {
			return err
		}
		if link.VRFTable == 0 {
			return &DeviceError{f.VRF, ErrNoVRF}
		}
		f.Table = link.VRFTable
	}
	if f.Dev != "" {
		if _, err := c.link(f.Dev); err != nil {
			return err
		}
	}
	return nil
}

// link returns an interface by its name. A name that no interface can have is not asked for.
func (c *Conn) link(name string) (*rtnl.Link, error) {
	if name == "" || len(name) >= unix.IFNAMSIZ {
		return nil, &DeviceError{name, unix.ENODEV}
	}
	link, err := c.rt.LinkByName(name)
	if err != nil {
		return nil, &DeviceError{name, opError(OpInterface, err)}
	}
	return link, nil
}
