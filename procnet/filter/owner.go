package filter

import (
	"slices"
	"strconv"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// comm is a pattern for the name of a process that holds the socket (/proc/<pid>/comm). One owner that fits is enough.
type comm struct{ pattern string }

func readComm(_ *parser, c *comparand) (expr, error) { return comm{c.text}, nil }

func (n comm) eval(s *Socket, _ *Needs) Verdict {
	return anyOwner(s, func(o *procnet.Owner) bool { return glob(n.pattern, o.Comm, false) })
}

func (n comm) needs() Needs { return NeedOwners }

func (n comm) append(dst []byte) []byte {
	return appendValue(appendComparison(dst, "comm", equal), n.pattern)
}

// pid compares the number of a process that holds the socket. One owner that fits is enough.
type pid struct {
	op    comparison
	value uint64
}

func readPID(p *parser, c *comparand) (expr, error) {
	n, err := parseNumber(c.text, 31)
	if err != nil {
		return nil, p.fail(c.value, "%q %v", c.text, err)
	}
	return pid{c.op, n}, nil
}

func (n pid) eval(s *Socket, _ *Needs) Verdict {
	return anyOwner(s, func(o *procnet.Owner) bool { return n.op.holds(uint64(o.PID), n.value) })
}

func (n pid) needs() Needs { return NeedOwners }

func (n pid) append(dst []byte) []byte {
	return strconv.AppendUint(appendComparison(dst, "pid", n.op), n.value, 10)
}

// anyOwner is Maybe until the owners are known. A socket without an inode has none.
func anyOwner(s *Socket, fits func(*procnet.Owner) bool) Verdict {
	inode := s.inode()
	if inode == 0 {
		return No
	}
	if !s.OwnersKnown {
		return Maybe
	}
	for i := range s.Owners {
		if fits(&s.Owners[i]) {
			return Yes
		}
	}
	return No
}

func (s *Socket) inode() uint64 {
	if s.Unix != nil {
		return s.Unix.Inode
	}
	return s.Inet.Inode
}

// inode compares the inode of a socket's file; 0 is a socket without one.
type inode struct {
	op    comparison
	value uint64
}

func readInode(p *parser, c *comparand) (expr, error) {
	n, err := parseNumber(c.text, 64)
	if err != nil {
		return nil, p.fail(c.value, "%q %v", c.text, err)
	}
	return inode{c.op, n}, nil
}

func (n inode) eval(s *Socket, _ *Needs) Verdict { return verdict(n.op.holds(s.inode(), n.value)) }

func (n inode) needs() Needs { return 0 }

func (n inode) append(dst []byte) []byte {
	return strconv.AppendUint(appendComparison(dst, "inode", n.op), n.value, 10)
}

// user is the owner of the socket itself. The file of unix sockets does not tell it.
type user struct {
	uid  uint32
	name string // "" for a number
}

func readUser(p *parser, c *comparand) (expr, error) {
	if uid, ok := p.names.User(c.text); ok {
		return user{uid, c.text}, nil
	}
	n, err := parseNumber(c.text, 32)
	if err != nil {
		return nil, p.fail(c.value, "%q is no user in /etc/passwd", c.text)
	}
	return user{uid: uint32(n)}, nil
}

func (n user) eval(s *Socket, unknown *Needs) Verdict {
	switch {
	case s.Inet != nil:
		uid, known := s.Inet.User()
		return verdict(known && uid == n.uid)
	case s.Unix.Diag == nil || s.Unix.Diag.Has&sockdiag.UnixUID == 0:
		*unknown |= NeedUnixDiag
		return No
	}
	return verdict(s.Unix.Diag.UID == n.uid)
}

func (n user) needs() Needs { return 0 }

func (n user) append(dst []byte) []byte {
	dst = appendComparison(dst, "user", equal)
	if n.name != "" {
		return appendValue(dst, n.name)
	}
	return strconv.AppendUint(dst, uint64(n.uid), 10)
}

// netns is the network namespace of a socket: its inode, alone or as net:[INODE], or one of its names.
type netns struct {
	name  string
	inode uint64 // 0 for a name
}

func readNetns(p *parser, c *comparand) (expr, error) {
	digits := c.text
	if len(digits) > 6 && digits[:5] == "net:[" && digits[len(digits)-1] == ']' {
		digits = digits[5 : len(digits)-1]
	}
	if n, err := parseNumber(digits, 64); err == nil && allDigits(digits) {
		return netns{c.text, n}, nil
	}
	if c.text == "" {
		return nil, p.fail(c.value, "the name of a network namespace is missing")
	}
	if err := p.names.Netns(c.text); err != nil {
		return nil, p.fail(c.value, "%q: %v", c.text, err).hint("a network namespace is named by ip netns, or is an inode: 4026531840 or net:[4026531840]")
	}
	return netns{name: c.text}, nil
}

func (n netns) eval(s *Socket, unknown *Needs) Verdict {
	if s.Netns == 0 {
		*unknown |= NeedNetns
	}
	return verdict(n.inode != 0 && s.Netns == n.inode || slices.Contains(s.NetnsNames, n.name))
}

func (n netns) needs() Needs { return NeedNetns }

func (n netns) append(dst []byte) []byte {
	return appendValue(appendComparison(dst, "netns", equal), n.name)
}
