package filter

import (
	"net/netip"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// Table is what is known of the rows of a listing before they are read.
type Table struct {
	Unix   bool          // unix sockets; the rest does not count then
	Proto  procnet.Proto // of all rows
	V4, V6 bool          // which families are in it
	// Privileged: the kernel takes conditions on the mark (CAP_NET_ADMIN).
	Privileged bool
}

// Plan is what the kernel can check of a filter.
type Plan struct {
	// Never: no row of the table is kept, so that it need not be read.
	Never bool
	// States is the set of bits 1<<state that kept rows can have; 0 means every one.
	States uint32
	// Cond is true of every row that is kept; nil when nothing is known.
	Cond sockdiag.Cond
}

// Plan returns what the kernel can check of the filter for one table.
func (f *Filter) Plan(t Table) Plan {
	b := f.root.bounds(&t)
	if b.may == 0 || b.over.kind == coverNone {
		return Plan{Never: true}
	}
	p := Plan{Cond: b.over.cond}
	if b.may&kernelStates != kernelStates {
		p.States = uint32(b.may & kernelStates)
	}
	return p
}

// kernelStates are the states that a row can have: ESTABLISHED to CLOSING.
const kernelStates = stateSet(1)<<(procnet.Closing+1) - 1<<procnet.Established

// bounds encloses a node between what it keeps at most and what it keeps in any case. The negation of a node turns both around,
// so that it can be passed to the kernel as far as the node itself can be given from below.
type bounds struct {
	may, must   stateSet // of rows kept; all of these states are kept
	over, under cover    // true where the node is true; true only where the node is true
}

// cover is a condition of the kernel, or all rows, or none.
type cover struct {
	kind coverKind
	cond sockdiag.Cond
}

type coverKind uint8

const (
	coverAll coverKind = iota
	coverNone
	coverCond
)

// constant is a node that has one answer for the whole table.
func constant(yes bool) bounds {
	if yes {
		return bounds{may: allStates, must: allStates}
	}
	return bounds{over: cover{kind: coverNone}, under: cover{kind: coverNone}}
}

// opaque is a node that only user space can judge.
func opaque() bounds { return bounds{may: allStates, under: cover{kind: coverNone}} }

// exactly is a node that the kernel judges in the same way.
func exactly(c sockdiag.Cond) bounds {
	return bounds{may: allStates, over: cover{coverCond, c}, under: cover{coverCond, c}}
}

func (n not) bounds(t *Table) bounds {
	b := n.expr.bounds(t)
	return bounds{may: ^b.must, must: ^b.may, over: b.under.not(), under: b.over.not()}
}

func (c cover) not() cover {
	switch c.kind {
	case coverAll:
		return cover{kind: coverNone}
	case coverNone:
		return cover{}
	}
	return cover{coverCond, sockdiag.Not{Cond: c.cond}}
}

func (n and) bounds(t *Table) bounds {
	b := constant(true)
	var over, under sockdiag.And
	for _, each := range n {
		e := each.bounds(t)
		b.may &= e.may
		b.must &= e.must
		b.over.kind = b.over.kind.and(e.over.kind)
		b.under.kind = b.under.kind.and(e.under.kind)
		over, under = appendCond(over, e.over), appendCond(under, e.under)
	}
	b.over.cond, b.under.cond = joined(b.over.kind, over), joined(b.under.kind, under)
	return b
}

func (n or) bounds(t *Table) bounds {
	b := constant(false)
	var over, under sockdiag.Or
	for _, each := range n {
		e := each.bounds(t)
		b.may |= e.may
		b.must |= e.must
		b.over.kind = b.over.kind.or(e.over.kind)
		b.under.kind = b.under.kind.or(e.under.kind)
		over, under = appendCond(over, e.over), appendCond(under, e.under)
	}
	b.over.cond, b.under.cond = joined(b.over.kind, over), joined(b.under.kind, under)
	return b
}

// and is none if one is, all if both are.
func (k coverKind) and(other coverKind) coverKind {
	switch {
	case k == coverNone || other == coverNone:
		return coverNone
	case k == coverAll:
		return other
	case other == coverAll:
		return k
	}
	return coverCond
}

// or is all if one is, none if both are.
func (k coverKind) or(other coverKind) coverKind {
	switch {
	case k == coverAll || other == coverAll:
		return coverAll
	case k == coverNone:
		return other
	case other == coverNone:
		return k
	}
	return coverCond
}

func appendCond[L ~[]sockdiag.Cond](list L, c cover) L {
	if c.kind == coverCond {
		list = append(list, c.cond)
	}
	return list
}

// joined returns the list as one condition, nil when the kind has none.
func joined[L interface {
	~[]sockdiag.Cond
	sockdiag.Cond
}](kind coverKind, list L) sockdiag.Cond {
	switch {
	case kind != coverCond:
		return nil
	case len(list) == 1:
		return list[0]
	}
	return list
}

func (n states) bounds(*Table) bounds {
	return bounds{may: n.set, must: n.set, under: cover{kind: coverNone}}
}

func (n port) bounds(t *Table) bounds {
	want, ok := n.value.in(t.Proto)
	if t.Unix || !ok {
		return constant(false)
	}
	c := sockdiag.Port{Side: sockdiag.Side(n.dest), Port: want}
	switch n.op {
	case lessEqual:
		c.Cmp = sockdiag.Le
	case greaterEqual:
		c.Cmp = sockdiag.Ge
	case less:
		c.Cmp = sockdiag.Ge
		return exactly(sockdiag.Not{Cond: c})
	case greater:
		c.Cmp = sockdiag.Le
		return exactly(sockdiag.Not{Cond: c})
	}
	return exactly(c)
}

func (n host) bounds(t *Table) bounds {
	if t.Unix {
		return constant(false)
	}
	var list sockdiag.Or
	for _, p := range n.prefixes {
		if p.Addr().Is4() || t.V6 {
			list = append(list, sockdiag.Host{Side: sockdiag.Side(n.dest), Prefix: p})
		}
	}
	if len(list) == 0 {
		return constant(false)
	}
	return exactly(joined(coverCond, list))
}

func (f family) bounds(t *Table) bounds {
	switch {
	case t.Unix || f == familyUnix:
		return constant(t.Unix && f == familyUnix)
	case t.V4 != t.V6:
		return constant(t.V6 == (f == familyInet6))
	}
	v6 := sockdiag.Host{Prefix: netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
	if f == familyInet6 {
		return exactly(v6)
	}
	return exactly(sockdiag.Not{Cond: v6})
}

func (n proto) bounds(t *Table) bounds { return constant(!t.Unix && t.Proto.File(false) == string(n)) }

func (n device) bounds(t *Table) bounds {
	if t.Unix {
		return constant(false)
	}
	return exactly(sockdiag.Dev(n.index))
}

// bounds: the kernel can know a mark that it does not show, so that the opposite is not left to it.
func (n mark) bounds(t *Table) bounds {
	switch {
	case t.Unix:
		return constant(false)
	case !t.Privileged:
		return opaque()
	}
	b := exactly(sockdiag.Mark{Value: n.value, Mask: n.mask})
	b.under = cover{kind: coverNone}
	return b
}

func (n cgroup) bounds(t *Table) bounds {
	if t.Unix {
		return constant(false)
	}
	return exactly(sockdiag.Cgroup(n.id))
}

// bounds: a listing of anything but TCP has no struct tcp_info.
func (n info) bounds(t *Table) bounds {
	if t.Unix || t.Proto != procnet.TCP {
		return constant(false)
	}
	b := opaque()
	b.may = allStates &^ (oneState(procnet.Listen) | oneState(procnet.TimeWait) | oneState(procnet.SynRecv))
	return b
}

func (n unixName) bounds(t *Table) bounds {
	if !t.Unix {
		return constant(false)
	}
	return opaque()
}

func (n queue) bounds(*Table) bounds { return opaque() }
func (n user) bounds(*Table) bounds  { return opaque() }
func (n comm) bounds(*Table) bounds  { return opaque() }
func (n pid) bounds(*Table) bounds   { return opaque() }
func (n inode) bounds(*Table) bounds { return opaque() }
func (n netns) bounds(*Table) bounds { return opaque() }
