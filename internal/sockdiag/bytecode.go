package sockdiag

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// The operations of inet_diag's bytecode (linux/inet_diag.h, INET_DIAG_BC_*).
// Each is struct inet_diag_bc_op, {code, yes uint8; no uint16}, with its operand
// behind it. yes and no are distances from the operation's own beginning; only
// forward jumps exist. A program accepts by running to its end exactly, and
// rejects by jumping four bytes further (net/ipv4/inet_diag.c, inet_diag_bc_run).
const (
	bcNop        = 0
	bcJmp        = 1
	bcSourceGe   = 2
	bcSourceLe   = 3
	bcDestGe     = 4
	bcDestLe     = 5
	bcSourceCond = 7
	bcDestCond   = 8
	bcDevCond    = 9
	bcMarkCond   = 10
	bcCgroupCond = 13
)

const (
	sizeofOp       = 4
	sizeofHostCond = 8 // struct inet_diag_hostcond without its address
	anyPort        = -1
)

// maxProgram is what fits into an attribute's length of 16 bits, and so also
// into the distance of a jump.
const maxProgram = 0xffff&^3 - unix.NLA_HDRLEN

// Compile makes a program for Request.Bytecode that lets exactly the sockets
// pass for which Eval is true. A condition that is too long for one netlink attribute
// (some 3,000 hosts or ports) gives netlink.ErrTooLong.
func Compile(c Cond) ([]byte, error) {
	size := c.size()
	if size > maxProgram {
		return nil, &netlink.OpError{Op: "compile the filter", Err: netlink.ErrTooLong}
	}
	p := program{b: make([]byte, 0, max(size, sizeofOp))}
	c.emit(&p, size+sizeofOp)
	if size == 0 {
		p.op(bcNop, sizeofOp, 0) // the kernel refuses an empty program
	}
	return p.b, nil
}

// program is code under construction.
type program struct{ b []byte }

// op appends one operation of the given length, its operand filled with zeros,
// which is returned. yes leads to the next operation, no to the offset no.
func (p *program) op(code uint8, size, no int) (operand []byte) {
	at := len(p.b)
	p.b = append(p.b, make([]byte, size)...)
	p.b[at], p.b[at+1] = code, uint8(size)
	if code != bcNop {
		binary.NativeEndian.PutUint16(p.b[at+2:], uint16(no-at))
	}
	return p.b[at+sizeofOp:]
}

// hostCond appends struct inet_diag_hostcond.
func (p *program) hostCond(side Side, family uint8, bits, port int, addr []byte, no int) {
	code := uint8(bcSourceCond)
	if side == Dest {
		code = bcDestCond
	}
	b := p.op(code, sizeofOp+sizeofHostCond+len(addr), no)
	b[0], b[1] = family, uint8(bits)
	binary.NativeEndian.PutUint32(b[4:], uint32(int32(port)))
	copy(b[sizeofHostCond:], addr)
}

// Equality uses the host condition, which every kernel has; the plain comparison
// for it came with Linux 4.16.
func (c Port) size() int {
	if c.Cmp == Eq {
		return sizeofOp + sizeofHostCond
	}
	return 2 * sizeofOp
}

func (c Port) emit(p *program, no int) {
	if c.Cmp == Eq {
		p.hostCond(c.Side, unix.AF_UNSPEC, 0, int(c.Port), nil, no)
		return
	}
	code := uint8(bcSourceGe)
	if c.Side == Dest {
		code = bcDestGe
	}
	if c.Cmp == Le {
		code++
	}
	binary.NativeEndian.PutUint16(p.op(code, 2*sizeofOp, no)[2:], c.Port)
}

func (c Host) size() int {
	if !c.Prefix.IsValid() {
		return sizeofOp
	}
	return sizeofOp + sizeofHostCond + c.Prefix.Addr().BitLen()/8
}

func (c Host) emit(p *program, no int) {
	if !c.Prefix.IsValid() {
		p.op(bcJmp, sizeofOp, no)
		return
	}
	family := uint8(unix.AF_INET)
	if c.Prefix.Addr().Is6() {
		family = unix.AF_INET6
	}
	p.hostCond(c.Side, family, c.Prefix.Bits(), anyPort, c.Prefix.Addr().AsSlice(), no)
}

func (c Dev) size() int { return sizeofOp + 4 }

func (c Dev) emit(p *program, no int) {
	binary.NativeEndian.PutUint32(p.op(bcDevCond, c.size(), no), uint32(c))
}

func (c Mark) size() int { return sizeofOp + 8 }

func (c Mark) emit(p *program, no int) {
	b := p.op(bcMarkCond, c.size(), no)
	binary.NativeEndian.PutUint32(b, c.Value)
	binary.NativeEndian.PutUint32(b[4:], c.Mask)
}

func (c Cgroup) size() int { return sizeofOp + 8 }

func (c Cgroup) emit(p *program, no int) {
	binary.NativeEndian.PutUint64(p.op(bcCgroupCond, c.size(), no), uint64(c))
}

func (c And) size() (n int) {
	for _, each := range c {
		n += each.size()
	}
	return n
}

func (c And) emit(p *program, no int) {
	for _, each := range c {
		each.emit(p, no)
	}
}

// size: between two alternatives stands a jump over the rest.
func (c Or) size() int {
	if len(c) == 0 {
		return sizeofOp
	}
	n := sizeofOp * (len(c) - 1)
	for _, each := range c {
		n += each.size()
	}
	return n
}

func (c Or) emit(p *program, no int) {
	if len(c) == 0 {
		p.op(bcJmp, sizeofOp, no)
		return
	}
	end := len(p.b) + c.size()
	for i, each := range c {
		if i == len(c)-1 {
			each.emit(p, no)
			return
		}
		each.emit(p, len(p.b)+each.size()+sizeofOp)
		p.op(bcJmp, sizeofOp, end)
	}
}

func (c Not) size() int { return c.Cond.size() + sizeofOp }

func (c Not) emit(p *program, no int) {
	c.Cond.emit(p, len(p.b)+c.size())
	p.op(bcJmp, sizeofOp, no)
}

func (True) size() int { return 0 }

func (True) emit(*program, int) {}
