package sockdiag

import "net/netip"

// Cond is a condition on a socket of an internet family: one of Port, Host, Dev,
// Mark, Cgroup, And, Or, Not, True. Compile makes it a program for the kernel, Eval
// judges a row in user space; both give the same answer for the same socket.
type Cond interface {
	// size is the length of the code in bytes.
	size() int
	// emit appends the code. The condition is true where the code runs off its end,
	// false where it jumps to the offset no.
	emit(p *program, no int)
	eval(r *InetRow) bool
}

// Side is the end of a connection that a condition looks at.
type Side bool

// The two ends.
const (
	Source Side = false // the local end
	Dest   Side = true  // the remote end
)

// of is the side's address and port.
func (s Side) of(r *InetRow) netip.AddrPort {
	if s == Dest {
		return r.Remote
	}
	return r.Local
}

// Cmp compares a port.
type Cmp uint8

// The comparisons; the others follow with Not.
const (
	Eq Cmp = iota
	Ge
	Le
)

// Port compares the port of one side.
type Port struct {
	Side Side
	Cmp  Cmp
	Port uint16
}

func (c Port) eval(r *InetRow) bool {
	port := c.Side.of(r).Port()
	switch c.Cmp {
	case Ge:
		return port >= c.Port
	case Le:
		return port <= c.Port
	}
	return port == c.Port
}

// Host matches the address of one side. An IPv4 prefix also matches the mapped
// addresses of IPv6 sockets (::ffff:a.b.c.d); an IPv6 prefix matches IPv6 sockets alone.
// A prefix of length 0 so selects a family; an invalid prefix matches nothing.
type Host struct {
	Side   Side
	Prefix netip.Prefix
}

func (c Host) eval(r *InetRow) bool {
	addr := c.Side.of(r).Addr()
	if c.Prefix.Addr().Is4() {
		addr = addr.Unmap()
	}
	return c.Prefix.Contains(addr)
}

// Dev matches sockets that are bound to the interface with this index; 0 matches
// those that are bound to none.
type Dev uint32

func (c Dev) eval(r *InetRow) bool { return r.Interface == uint32(c) }

// Mark matches sockets whose SO_MARK, reduced to the bits of Mask, is Value. The
// kernel refuses the condition with EPERM without CAP_NET_ADMIN, and does
// not show the mark then either: without ExtMark in Has the mark counts as 0.
type Mark struct{ Value, Mask uint32 }

func (c Mark) eval(r *InetRow) bool { return r.Mark&c.Mask == c.Value }

// Cgroup matches sockets of the cgroup v2 with this inode. Kernels before
// Linux 5.8 refuse the condition with EINVAL.
type Cgroup uint64

func (c Cgroup) eval(r *InetRow) bool { return r.CgroupID == uint64(c) }

// And is true if all its conditions are; empty: true.
type And []Cond

func (c And) eval(r *InetRow) bool {
	for _, each := range c {
		if !each.eval(r) {
			return false
		}
	}
	return true
}

// Or is true if one of its conditions is; empty: false.
type Or []Cond

func (c Or) eval(r *InetRow) bool {
	for _, each := range c {
		if each.eval(r) {
			return true
		}
	}
	return false
}

// Not is true if its condition is not.
type Not struct{ Cond Cond }

func (c Not) eval(r *InetRow) bool { return !c.Cond.eval(r) }

// True is the condition that every socket meets.
type True struct{}

func (True) eval(*InetRow) bool { return true }

// Eval reports whether the row meets the condition.
func Eval(c Cond, r *InetRow) bool { return c.eval(r) }
