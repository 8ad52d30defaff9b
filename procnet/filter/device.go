package filter

import (
	"fmt"
	"strconv"
	"strings"

	"gnet/internal/sockdiag"
)

// device is dev: the interface that a socket is bound to, 0 for none.
type device struct {
	index uint32
	name  string // "" for a number
}

func readDevice(p *parser, c *comparand) (expr, error) {
	if n, err := parseNumber(c.text, 31); err == nil && allDigits(c.text) {
		return device{index: uint32(n)}, nil
	}
	index, err := p.names.Interface(c.text)
	if err != nil {
		return nil, p.fail(c.value, "%q: %v", c.text, err).hint("gnet netstat -ia lists the interfaces; dev 0 is a socket bound to none")
	}
	return device{index, c.text}, nil
}

func (n device) eval(s *Socket, unknown *Needs) Verdict {
	if s.Inet == nil {
		return No
	}
	d := s.diag()
	if d == nil {
		*unknown |= NeedDevice
		return No
	}
	return verdict(d.Interface == n.index)
}

func (n device) needs() Needs { return NeedDevice }

func (n device) append(dst []byte) []byte {
	dst = appendComparison(dst, "dev", equal)
	if n.name != "" {
		return appendValue(dst, n.name)
	}
	return strconv.AppendUint(dst, uint64(n.index), 10)
}

// mark is fwmark: SO_MARK, reduced to the bits of the mask.
type mark struct{ value, mask uint32 }

func readMark(p *parser, c *comparand) (expr, error) {
	value, mask, masked := strings.Cut(c.text, "/")
	n, err := parseNumber(value, 32)
	m := uint64(1<<32 - 1)
	if err == nil && masked {
		m, err = parseNumber(mask, 32)
	}
	if err != nil {
		return nil, p.fail(c.value, "%q is no mark", c.text).hint("a mark is a number of 32 bits, alone or with /MASK")
	}
	return mark{uint32(n), uint32(m)}, nil
}

func (n mark) eval(s *Socket, unknown *Needs) Verdict {
	if s.Inet == nil {
		return No
	}
	d := s.diag()
	if d == nil || d.Has&sockdiag.ExtMark == 0 {
		*unknown |= NeedMark
		return No
	}
	return verdict(d.Mark&n.mask == n.value)
}

func (n mark) needs() Needs { return NeedMark }

func (n mark) append(dst []byte) []byte {
	return fmt.Appendf(appendComparison(dst, "fwmark", equal), "%#x/%#x", n.value, n.mask)
}

// cgroup is the cgroup v2 that a socket belongs to: that of the process that made it. Its descendants do not count, as in ss.
type cgroup struct {
	path string
	id   uint64
}

func readCgroup(p *parser, c *comparand) (expr, error) {
	id, err := p.names.Cgroup(c.text)
	if err != nil {
		return nil, p.fail(c.value, "%q: %v", c.text, err).hint("a control group is a directory of cgroup v2, or its path as in /proc/PID/cgroup")
	}
	return cgroup{c.text, id}, nil
}

func (n cgroup) eval(s *Socket, unknown *Needs) Verdict {
	if s.Inet == nil {
		return No
	}
	d := s.diag()
	switch {
	case d != nil && d.Has&sockdiag.ExtCgroupID != 0:
		return verdict(d.CgroupID == n.id)
	case d == nil || s.isConnection():
		*unknown |= NeedCgroup
	}
	return No
}

func (n cgroup) needs() Needs { return NeedCgroup }

func (n cgroup) append(dst []byte) []byte {
	return appendValue(appendComparison(dst, "cgroup", equal), n.path)
}
