package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// machine runs bytecode as net/ipv4/inet_diag.c does: audited checks a program
// as inet_diag_bc_audit, run judges a socket as inet_diag_bc_run. It is written
// from the kernel's rules and shares nothing with the compiler.
type machine struct{ code []byte }

// least is the length of an operation with its operand, 0 for one that the
// kernel does not know or whose operand is not whole.
func (m machine) least(at int) int {
	left := len(m.code) - at
	switch op := m.code[at]; op {
	case 0, 1, 6:
		return 4
	case 2, 3, 4, 5, 11, 12, 9:
		return whole(8, left)
	case 10, 13:
		return whole(12, left)
	case 7, 8:
		if left < 12 {
			return 0
		}
		size, known := map[byte]int{unix.AF_UNSPEC: 0, unix.AF_INET: 4, unix.AF_INET6: 16}[m.code[at+4]]
		if !known || int(m.code[at+5]) > 8*size {
			return 0
		}
		return whole(12+size, left)
	}
	return 0
}

func whole(n, left int) int {
	if left < n {
		return 0
	}
	return n
}

func (m machine) yes(at int) int { return int(m.code[at+1]) }
func (m machine) no(at int) int  { return int(binary.NativeEndian.Uint16(m.code[at+2:])) }

func (m machine) audited() error {
	if len(m.code) < 4 {
		return errors.New("no operation")
	}
	at := 0
	for at < len(m.code) {
		left := len(m.code) - at
		if left < 4 {
			return fmt.Errorf("%d bytes at the end", left)
		}
		least := m.least(at)
		if least == 0 {
			return fmt.Errorf("bad operation %d at %d", m.code[at], at)
		}
		if no := m.no(at); m.code[at] != 0 && (no < least || no > left+4 || no&3 != 0 || no < left && !m.begins(at+no)) {
			return fmt.Errorf("operation at %d: no leads %d further", at, no)
		}
		yes := m.yes(at)
		if yes < least || yes > left+4 || yes&3 != 0 {
			return fmt.Errorf("operation at %d: yes leads %d further", at, yes)
		}
		at += yes
	}
	if at != len(m.code) {
		return errors.New("yes leads beyond the end")
	}
	return nil
}

// begins reports whether an operation begins at target (valid_cc).
func (m machine) begins(target int) bool {
	at := 0
	for at < target && m.yes(at) >= 4 {
		at += m.yes(at)
	}
	return at == target
}

func (m machine) run(r *InetRow) bool {
	at := 0
	for at < len(m.code) {
		if m.true(at, r) {
			at += m.yes(at)
		} else {
			at += m.no(at)
		}
	}
	return at == len(m.code)
}

func (m machine) true(at int, r *InetRow) bool {
	operand := m.code[at+4:]
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(operand[4*i:]) }
	sport, dport := r.Local.Port(), r.Remote.Port()
	switch m.code[at] {
	case 0:
		return true
	case 2:
		return sport >= m.port(at)
	case 3:
		return sport <= m.port(at)
	case 4:
		return dport >= m.port(at)
	case 5:
		return dport <= m.port(at)
	case 7:
		return hostMatches(operand, r.Family, r.Local)
	case 8:
		return hostMatches(operand, r.Family, r.Remote)
	case 9:
		return word(0) == r.Interface
	case 10:
		return r.Mark&word(1) == word(0)
	case 13:
		return binary.NativeEndian.Uint64(operand) == r.CgroupID
	}
	return false
}

func (m machine) port(at int) uint16 { return binary.NativeEndian.Uint16(m.code[at+6:]) }

func hostMatches(cond []byte, family uint8, end netip.AddrPort) bool {
	if port := int32(binary.NativeEndian.Uint32(cond[4:])); port != -1 && port != int32(end.Port()) {
		return false
	}
	condFamily, bits, want, addr := cond[0], int(cond[1]), cond[8:], end.Addr().AsSlice()
	if condFamily != unix.AF_UNSPEC && condFamily != family {
		mapped := family == unix.AF_INET6 && condFamily == unix.AF_INET && end.Addr().Is4In6()
		return mapped && bitsMatch(addr[12:], want, bits)
	}
	return bitsMatch(addr, want, bits)
}

func bitsMatch(a, b []byte, bits int) bool {
	for i := range bits {
		if (a[i/8]^b[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}

// judged are sockets that tell the conditions of these tests apart.
func judged() []InetRow {
	row := func(family uint8, local, remote string, iface, mark uint32, cgroup uint64) InetRow {
		r := headOf(family, 1, local, remote)
		r.Interface, r.Mark, r.CgroupID = iface, mark, cgroup
		return r
	}
	return []InetRow{
		row(unix.AF_INET, "10.1.2.3:22", "10.9.8.7:40000", 0, 0, 1),
		row(unix.AF_INET, "10.1.2.4:23", "10.9.8.7:22", 2, 0x10, 1),
		row(unix.AF_INET, "0.0.0.0:443", "0.0.0.0:0", 0, 0x11, 1<<40+7),
		row(unix.AF_INET6, "[::]:443", "[::]:0", 3, 0, 1<<40+7),
		row(unix.AF_INET6, "[::ffff:10.1.2.3]:443", "[::ffff:10.9.8.7]:65535", 0, 0x111, 0),
		row(unix.AF_INET6, "[2001:db8::1]:65535", "[2001:db8:1::2]:22", 2, 0x10, 0),
		row(unix.AF_INET6, "[fe80::1]:21", "[fe80::2]:24", 2, 0, 7),
	}
}

func host(side Side, prefix string) Cond { return Host{side, netip.MustParsePrefix(prefix)} }

func TestCompile_agreesWithEval(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    Cond
		want string // one letter per socket of judged
	}{
		{"true", True{}, "yyyyyyy"},
		{"sport = 22", Port{Source, Eq, 22}, "yn" + "nnnnn"},
		{"sport >= 443", Port{Source, Ge, 443}, "nnyyyyn"},
		{"sport <= 22", Port{Source, Le, 22}, "ynnnnny"},
		{"dport = 22", Port{Dest, Eq, 22}, "nynnnyn"},
		{"dport >= 24", Port{Dest, Ge, 24}, "ynnnyny"},
		{"dport <= 22", Port{Dest, Le, 22}, "nyyynyn"},
		{"dport = 65535", Port{Dest, Eq, 65535}, "nnnnynn"},
		{"src 10.1.2.3", host(Source, "10.1.2.3/32"), "ynnnynn"},
		{"dst 10.8.0.0/15", host(Dest, "10.8.0.0/15"), "yynnynn"},
		{"dst 10.9.8.4/31", host(Dest, "10.9.8.4/31"), "nnnnnnn"},
		{"host bits do not count", host(Dest, "10.9.8.200/24"), "yynnynn"},
		{"src 0.0.0.0/0", host(Source, "0.0.0.0/0"), "yyynynn"},
		{"src ::/0", host(Source, "::/0"), "nnnyyyy"},
		{"src ::ffff:0:0/96", host(Source, "::ffff:0:0/96"), "nnnnynn"},
		{"dst 2001:db8::/33", host(Dest, "2001:db8::/33"), "nnnnnyn"},
		{"dst fe80::2", host(Dest, "fe80::2/128"), "nnnnnny"},
		{"no prefix", Host{Side: Source}, "nnnnnnn"},
		{"dev 2", Dev(2), "nynnnyy"},
		{"no dev", Dev(0), "ynynynn"},
		{"mark 0x10", Mark{0x10, ^uint32(0)}, "nynnnyn"},
		{"mark 0x10/0x10", Mark{0x10, 0x10}, "nyynyyn"},
		{"mark beyond its mask", Mark{0x11, 0x10}, "nnnnnnn"},
		{"cgroup 1<<40+7", Cgroup(1<<40 + 7), "nnyynnn"},
		{"no condition", And{}, "yyyyyyy"},
		{"no alternative", Or{}, "nnnnnnn"},
		{"neither", Not{Or{}}, "yyyyyyy"},
		{"not true", Not{True{}}, "nnnnnnn"},
		{"not not", Not{Not{Dev(2)}}, "nynnnyy"},
		{"and", And{Dev(2), host(Source, "::/0")}, "nnnnnyy"},
		{"or", Or{Dev(2), Port{Source, Eq, 22}}, "yynnnyy"},
		{"one of three", Or{Dev(3), Port{Source, Eq, 22}, Cgroup(7)}, "ynnynny"},
		{"or of ands", Or{And{Dev(2), Port{Dest, Eq, 22}}, And{Dev(0), Port{Source, Eq, 443}}}, "nyynyyn"},
		{"and of ors", And{Or{Dev(2), Dev(3)}, Or{Port{Source, Eq, 443}, Port{Dest, Eq, 24}}}, "nnnynny"},
		{"not and", Not{And{Dev(2), Not{Mark{0, ^uint32(0)}}}}, "ynyyyny"},
		{"alternatives of nothing", Or{Or{}, And{}, Or{}}, "yyyyyyy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, err := Compile(tc.c)
			if err != nil {
				t.Fatal(err)
			}
			if err := (machine{code}).audited(); err != nil {
				t.Errorf("% x: %v", code, err)
			}
			var eval, run string
			for _, r := range judged() {
				eval += letter(Eval(tc.c, &r))
				run += letter(machine{code}.run(&r))
			}
			mustEqual(t, []string{tc.want, tc.want}, []string{eval, run})
		})
	}
}

func letter(b bool) string {
	if b {
		return "y"
	}
	return "n"
}

// TestCompile_bytes holds one program of each shape, byte by byte.
func TestCompile_bytes(t *testing.T) {
	u16 := func(b []byte, v uint16) []byte { return binary.NativeEndian.AppendUint16(b, v) }
	op := func(b []byte, code, yes uint8, no uint16) []byte { return u16(append(b, code, yes), no) }
	var want []byte
	// The distances, counted by hand: the program has 8+4+8+16+4 = 40 bytes.
	want = host32(op(want, 9, 8, 12), 7)                      // at 0: false to 12
	want = op(want, 1, 4, 32)                                 // at 8: to 40, the end
	want = op(op(want, 4, 8, 28), 0, 0, 1024)                 // at 12: false to 40
	want = append(op(want, 8, 16, 20), unix.AF_INET, 8, 0, 0) // at 20: false to 40
	want = append(host32(want, 0xffffffff), 10, 0, 0, 0)
	want = op(want, 1, 4, 8) // at 36: to 44, beyond the end
	got, err := Compile(Or{Dev(7), Not{And{Port{Dest, Ge, 1024}, host(Dest, "10.0.0.0/8")}}})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, want, got)
}

// TestCompile_limit: the longest program that fits is right to its last
// alternative, one more is refused.
func TestCompile_limit(t *testing.T) {
	ports := func(n int) (c Or) {
		for i := range n {
			c = append(c, Port{Source, Ge, 65535}, Port{Dest, Eq, uint16(i)})
		}
		return c
	}
	n := 1
	for ports(n+1).size() <= maxProgram {
		n++
	}
	code, err := Compile(ports(n))
	if err != nil {
		t.Fatal(err)
	}
	if len(code) < 65500 || (machine{code}).audited() != nil {
		t.Errorf("%d bytes, %v", len(code), machine{code}.audited())
	}
	last := headOf(unix.AF_INET, 1, local4, fmt.Sprintf("10.0.0.1:%d", n-1))
	beyond := headOf(unix.AF_INET, 1, local4, fmt.Sprintf("10.0.0.1:%d", n))
	if !(machine{code}).run(&last) || (machine{code}).run(&beyond) {
		t.Error("the last alternative is not what it should be")
	}
	_, err = Compile(ports(n + 1))
	var op *netlink.OpError
	if !errors.Is(err, netlink.ErrTooLong) || !errors.As(err, &op) {
		t.Errorf("got %v, want ErrTooLong in an OpError", err)
	}
}

// grower makes a condition of any bytes.
type grower struct{ b []byte }

func (g *grower) byte() byte {
	if len(g.b) == 0 {
		return 0
	}
	v := g.b[0]
	g.b = g.b[1:]
	return v
}

func (g *grower) cond(depth int) Cond {
	kind := g.byte() % 11
	if depth == 0 {
		kind %= 7
	}
	side := Side(g.byte()&1 != 0)
	rows := judged()
	like := rows[int(g.byte())%len(rows)] // values that occur, so that conditions are true at times
	switch kind {
	case 0:
		return True{}
	case 1, 2:
		return Port{side, Cmp(g.byte() % 3), side.of(&like).Port() + uint16(g.byte()%3) - 1}
	case 3:
		addr := side.of(&like).Addr()
		return Host{side, netip.PrefixFrom(addr, int(g.byte())%(addr.BitLen()+1))}
	case 4:
		return Dev(like.Interface)
	case 5:
		return Mark{like.Mark, uint32(g.byte())<<4 | like.Mark}
	case 6:
		return Cgroup(like.CgroupID)
	case 7, 8:
		return Not{g.cond(depth - 1)}
	case 9:
		return And(g.conds(depth))
	default:
		return Or(g.conds(depth))
	}
}

func (g *grower) conds(depth int) (all []Cond) {
	for range g.byte() % 5 {
		all = append(all, g.cond(depth-1))
	}
	return all
}

// FuzzCompile: whatever the tree, the kernel's audit takes the program, and
// running it says of each socket what the tree says.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"", "\x09\x00\x00\x03\x01\x00\x00\x00\x10\x04\x01\x02", "\x0a\x01\x02\x04\x07\x00\x00\x03\x01\x01\x10", "\x07\x07\x07\x0a\x00\x00\x02\x09\x01\x00\x02\x05\x00\x01\x33\x06\x01\x04"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := (&grower{b}).cond(6)
		code, err := Compile(c)
		if err != nil {
			if !errors.Is(err, netlink.ErrTooLong) {
				t.Fatal(err)
			}
			return
		}
		m := machine{code}
		if err := m.audited(); err != nil {
			t.Fatalf("%#v: % x: %v", c, code, err)
		}
		for _, r := range judged() {
			if run, eval := m.run(&r), Eval(c, &r); run != eval {
				t.Fatalf("%#v: % x: the program says %v of %v, the tree %v", c, code, run, r.Local, eval)
			}
		}
	})
}
