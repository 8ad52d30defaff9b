package filter

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// condText writes a condition so that a test can hold it in one line.
func condText(c sockdiag.Cond) string {
	list := func(conds []sockdiag.Cond, between string) string {
		texts := make([]string, len(conds))
		for i, each := range conds {
			texts[i] = condText(each)
		}
		return "(" + strings.Join(texts, between) + ")"
	}
	side := func(s sockdiag.Side) string {
		if s == sockdiag.Dest {
			return "d"
		}
		return "s"
	}
	switch c := c.(type) {
	case nil:
		return ""
	case sockdiag.And:
		return list(c, " & ")
	case sockdiag.Or:
		return list(c, " | ")
	case sockdiag.Not:
		return "!" + condText(c.Cond)
	case sockdiag.Port:
		return fmt.Sprintf("%sport%s%d", side(c.Side), [...]string{"=", ">=", "<="}[c.Cmp], c.Port)
	case sockdiag.Host:
		return side(c.Side) + ":" + c.Prefix.String()
	case sockdiag.Mark:
		return fmt.Sprintf("mark %d/%#x", c.Value, c.Mask)
	}
	return strings.ToLower(fmt.Sprintf("%s %d", strings.TrimPrefix(fmt.Sprintf("%T", c), "sockdiag."), c))
}

// TestPlan holds what of a filter goes to the kernel for each kind of table.
func TestPlan(t *testing.T) {
	tcp4 := Table{Proto: procnet.TCP, V4: true, Privileged: true}
	tcp6 := Table{Proto: procnet.TCP, V6: true, Privileged: true}
	tcp := Table{Proto: procnet.TCP, V4: true, V6: true}
	udp := Table{Proto: procnet.UDP, V4: true, V6: true}
	raw := Table{Proto: procnet.Raw, V4: true}
	unixes := Table{Unix: true}
	const estab, listen = 1 << procnet.Established, 1 << procnet.Listen
	const all = 1<<12 - 2
	for _, c := range []struct {
		in     string
		table  Table
		never  bool
		states uint32
		cond   string
	}{
		{"sport 22", tcp4, false, 0, "sport=22"}, {"sport 22", unixes, true, 0, ""}, {"sport != 22", unixes, false, 0, ""}, {"sport != 22", tcp4, false, 0, "!sport=22"},
		{"sport < 22", tcp4, false, 0, "!sport>=22"}, {"dport > 22", tcp4, false, 0, "!dport<=22"}, {"dport le 22", tcp4, false, 0, "dport<=22"}, {"dport ge 22", tcp4, false, 0, "dport>=22"},
		{"sport both", tcp4, false, 0, "sport=1"}, {"sport both", udp, false, 0, "sport=2"}, {"sport both", raw, true, 0, ""}, {"sport ssh", udp, false, 0, "sport=22"}, {"sport udponly", tcp, false, 0, "sport=547"},
		{"src 10/8", tcp4, false, 0, "s:10.0.0.0/8"}, {"src 10/8", tcp6, false, 0, "s:10.0.0.0/8"}, {"dst [::1]", tcp4, true, 0, ""}, {"dst [::1]:22", tcp6, false, 0, "(d:::1/128 & dport=22)"},
		{"src localhost", tcp4, false, 0, "s:127.0.0.1/32"}, {"src localhost", tcp6, false, 0, "(s:127.0.0.1/32 | s:::1/128)"}, {"src 10/8", unixes, true, 0, ""},
		{"src inet:10/8", tcp4, false, 0, "s:10.0.0.0/8"}, {"src inet:10/8", tcp6, true, 0, ""}, {"src inet:10/8", tcp, false, 0, "(!s:::/0 & s:10.0.0.0/8)"}, {"family inet6", tcp, false, 0, "s:::/0"},
		{"src /x", tcp, true, 0, ""}, {"src /x", unixes, false, 0, ""}, {"family unix", tcp4, true, 0, ""}, {"not family unix", unixes, true, 0, ""}, {"src *", unixes, false, 0, ""}, {"not src *", tcp, true, 0, ""},
		{"dev lo", tcp4, false, 0, "dev 1"}, {"fwmark 5", tcp4, false, 0, "mark 5/0xffffffff"}, {"fwmark 5", tcp, false, 0, ""}, {"not fwmark 5", tcp4, false, 0, ""}, {"cgroup /abc", tcp, false, 0, "cgroup 4"}, {"cgroup != /abc", tcp, false, 0, "!cgroup 4"},
		{"dev lo", unixes, true, 0, ""}, {"fwmark 0", unixes, true, 0, ""}, {"cgroup /", unixes, true, 0, ""},

		{"state established", tcp, false, estab, ""}, {"state established state listen", tcp, false, estab | listen, ""}, {"exclude listen", tcp, false, all &^ listen, ""}, {"state all", tcp, false, 0, ""},
		{"not state listen", tcp, false, all &^ listen, ""}, {"state listen or sport 22", tcp, false, 0, ""}, {"state listen sport 22 or dport 1", tcp, false, listen, "(sport=22 | dport=1)"}, {"state listen sport 22", tcp, false, listen, "sport=22"},
		{"state listen and state established", tcp, true, 0, ""}, {"not (state listen and sport 22)", tcp, false, 0, ""}, {"not (state listen or sport 22)", tcp, false, all &^ listen, "!sport=22"},
		{"not (state listen or pid 1)", tcp, false, all &^ listen, ""}, {"state listen", unixes, false, listen, ""},

		{"pid 1", tcp, false, 0, ""}, {"not pid 1", tcp, false, 0, ""}, {"pid 1 sport 22", tcp, false, 0, "sport=22"}, {"pid 1 or sport 22", tcp, false, 0, ""}, {"not (pid 1 or sport 22)", tcp, false, 0, "!sport=22"},
		{"not (pid 1 and sport 22)", tcp, false, 0, ""}, {"(sport 22 pid 1) or (sport 23 comm x)", tcp, false, 0, "(sport=22 | sport=23)"}, {"sport 22 dport 1", tcp, false, 0, "(sport=22 & dport=1)"},
		{"sport 22 or dport 1", tcp, false, 0, "(sport=22 | dport=1)"}, {"sport 22 or proto udp", udp, false, 0, ""}, {"sport 22 or proto udp", tcp, false, 0, "sport=22"}, {"sport 22 and proto udp", tcp, true, 0, ""},
		{"not not sport 22", tcp, false, 0, "!!sport=22"}, {"not (src /x or sport 22)", tcp, false, 0, "!sport=22"},
		{"rtt > 1s", tcp, false, all &^ (listen | 1<<procnet.TimeWait | 1<<procnet.SynRecv), ""}, {"rtt > 1s", udp, true, 0, ""}, {"rtt > 1s", unixes, true, 0, ""}, {"not rtt > 1s", udp, false, 0, ""}, {"not rtt > 1s", tcp, false, 0, ""},
		{"sendq > 1", unixes, false, 0, ""}, {"user root", unixes, false, 0, ""}, {"user root", udp, false, 0, ""}, {"sendq > 1", udp, false, 0, ""}, {"inode 1 netns x comm y", unixes, false, 0, ""},
	} {
		f, err := Parse(c.in, testNames{})
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		p := f.Plan(c.table)
		type plan struct {
			never  bool
			states uint32
			cond   string
		}
		if diff := cmp.Diff(plan{c.never, c.states, c.cond}, plan{p.Never, p.States, condText(p.Cond)}, cmp.AllowUnexported(plan{})); diff != "" {
			t.Errorf("%q for %+v (-want +got)\n%s", c.in, c.table, diff)
		}
	}
}

// leaves are conditions that meet the rows of randomSocket often enough.
var leaves = [...]string{
	"sport = 22", "sport < 100", "sport >= 22", "dport != 443", "dport > 22", "dport <= 0", "sport = :both", ":443", "src *", "src 10/8", "src 10.99.0.1:22", "dst [::1]", "dst ::/0", "src 0/0",
	"dst ::ffff:0:0/96", "src localhost", "src inet:10/8", "src inet6:*:443", "src unix:*a*", "src unix:", "state established", "exclude listen", "state bucket", "state connected exclude time-wait",
	"dev lo", "dev 0", "fwmark 1/1", "fwmark 0", "cgroup /a", "comm a*", "pid > 1", "user root", "user != 8", "netns x", "inode 0", "inode > 1", "proto tcp6", "proto raw", "family inet", "family unix",
	"sendq > 0", "recvq = 0", "rtt > 1ms", "rtt != 0", "retrans > 0", "bytes_sent > 0", "ssthresh < 10",
}

// randomExpr returns an expression of up to depth levels.
func randomExpr(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		return leaves[r.IntN(len(leaves))]
	}
	switch r.IntN(4) {
	case 0:
		return "not (" + randomExpr(r, depth-1) + ")"
	case 1:
		return "(" + randomExpr(r, depth-1) + ") or " + randomExpr(r, depth-1)
	case 2:
		return "(" + randomExpr(r, depth-1) + ") and (" + randomExpr(r, depth-1) + ")"
	}
	return randomExpr(r, depth-1) + " " + randomExpr(r, depth-1)
}

// randomSocket returns a socket whose columns and kernel row agree, as those of one dump do, and the table that it stands in.
func randomSocket(r *rand.Rand) (Socket, Table) {
	s := Socket{OwnersKnown: r.IntN(3) > 0}
	if r.IntN(2) == 0 {
		s.Owners = []procnet.Owner{{PID: 1 + r.IntN(2), Comm: pick(r, "a", "b")}}
	}
	if r.IntN(8) == 0 {
		s.Unix = &procnet.UnixSocket{Flags: uint32(r.IntN(2)) * procnet.UnixAccepting, State: procnet.UnixState(r.IntN(5)), Inode: uint64(r.IntN(3)), Path: []byte(pick(r, "", "/a", "@b"))}
		if r.IntN(2) == 0 {
			s.Unix.Diag = &sockdiag.UnixRow{Has: sockdiag.UnixHas(r.Uint32()), UID: pick[uint32](r, 0, 8), RQueue: uint32(r.IntN(2)), WQueue: uint32(r.IntN(2))}
		}
		return s, Table{Unix: true}
	}
	v6 := r.IntN(2) == 0
	addr := func() netip.Addr {
		if v6 {
			return netip.MustParseAddr(pick(r, "::", "::1", "2001:db8::1", "::ffff:10.99.0.1", "::ffff:127.0.0.1"))
		}
		return netip.MustParseAddr(pick(r, "0.0.0.0", "127.0.0.1", "10.99.0.1", "192.0.2.1"))
	}
	port := func() uint16 { return pick[uint16](r, 0, 1, 2, 22, 23, 443, 50000) }
	in := &procnet.InetSocket{V6: v6, Proto: protocols()[r.IntN(len(protocols()))], State: procnet.State(1 + r.IntN(11)), Local: netip.AddrPortFrom(addr(), port()), Remote: netip.AddrPortFrom(addr(), port()),
		UID: pick[uint32](r, 0, 8), Inode: uint64(r.IntN(3)), RxQueue: uint32(r.IntN(2)), TxQueue: uint32(r.IntN(2))}
	d := &sockdiag.InetRow{Family: unix.AF_INET, State: uint8(in.State), Local: in.Local, Remote: in.Remote, Interface: uint32(r.IntN(3)), Has: sockdiag.Ext(r.Uint32())}
	if v6 {
		d.Family = unix.AF_INET6
	}
	if d.Has&sockdiag.ExtMark != 0 {
		d.Mark = uint32(r.IntN(4))
	}
	if d.Has&sockdiag.ExtCgroupID != 0 {
		d.CgroupID = uint64(1 + r.IntN(3))
	}
	d.Info = sockdiag.TCPInfo{Len: pick(r, 104, 280), RTT: time.Duration(r.IntN(3)) * time.Millisecond, Retrans: uint32(r.IntN(2)), BytesSent: uint64(r.IntN(2)), SndSsthresh: pick[uint32](r, 1, 100, sockdiag.SsthreshInfinite)}
	in.Diag, s.Inet = d, in
	both := r.IntN(2) == 0
	return s, Table{Proto: in.Proto, V4: both || !v6, V6: both || v6, Privileged: r.IntN(2) == 0}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// checkPlan fails when the plan for a table excludes a socket that the filter keeps.
func checkPlan(t *testing.T, f *Filter, s *Socket, table Table) {
	t.Helper()
	if NewMatcher(f).Match(s) == No {
		return
	}
	p := f.Plan(table)
	state := uint32(1) << s.state()
	switch {
	case p.Never:
		t.Errorf("%s: the table is left out", f)
	case p.States != 0 && p.States&state == 0:
		t.Errorf("%s: states %b leave out %v", f, p.States, s.state())
	case p.Cond != nil && s.Inet == nil:
		t.Errorf("%s: a condition for unix sockets", f)
	case p.Cond != nil && !sockdiag.Eval(p.Cond, s.Inet.Diag):
		t.Errorf("%s: %s leaves out %+v", f, condText(p.Cond), *s.Inet.Diag)
	}
}

// TestPlanKeepsWhatMatches: whatever the filter and the row, the kernel's half never excludes a row that the filter keeps.
func TestPlanKeepsWhatMatches(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pushed, kept := 0, 0
	for range 5000 {
		expr := randomExpr(r, 4)
		f, err := Parse(expr, testNames{})
		if err != nil {
			t.Fatalf("Parse(%q): %v", expr, err)
		}
		for range 5 {
			s, table := randomSocket(r)
			checkPlan(t, f, &s, table)
			if p := f.Plan(table); p.Never || p.States != 0 || p.Cond != nil {
				pushed++
			}
			if NewMatcher(f).Match(&s) != No {
				kept++
			}
			if t.Failed() {
				t.Fatalf("%q", expr)
			}
		}
	}
	if pushed < 5000 || kept < 5000 {
		t.Errorf("of 25000 only %d plans say anything and %d rows are kept: the test says too little", pushed, kept)
	}
}

// TestVerdictsAreOneAnswer: what is Yes or No without the owners stays that with them, whoever they are.
func TestVerdictsAreOneAnswer(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	maybe := 0
	for range 5000 {
		expr := randomExpr(r, 4)
		f, err := Parse(expr, testNames{})
		if err != nil {
			t.Fatalf("Parse(%q): %v", expr, err)
		}
		s, _ := randomSocket(r)
		s.OwnersKnown = false
		first := NewMatcher(f).Match(&s)
		s.OwnersKnown = true
		final := NewMatcher(f).Match(&s)
		if final == Maybe || first != Maybe && first != final {
			t.Fatalf("%q: first %v, with owners %v of %+v", expr, first, final, s)
		}
		if first == Maybe {
			maybe++
		}
	}
	if maybe < 120 {
		t.Errorf("only %d of 5000 waited for owners: the test says too little", maybe)
	}
}

// TestCanonicalForm: the canonical form reads back as the same filter, and keeps the same rows as what was written.
func TestCanonicalForm(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		expr := randomExpr(r, 4)
		f, err := Parse(expr, testNames{})
		if err != nil {
			t.Fatalf("Parse(%q): %v", expr, err)
		}
		again, err := Parse(f.String(), testNames{})
		if err != nil || again.String() != f.String() {
			t.Fatalf("%q: %q reads as %v, %v", expr, f, again, err)
		}
		for range 10 {
			s, _ := randomSocket(r)
			if a, b := NewMatcher(f).Match(&s), NewMatcher(again).Match(&s); a != b {
				t.Fatalf("%q: %v, but %q: %v", expr, a, f, b)
			}
		}
	}
}

// FuzzParse: no expression makes Parse panic; an error points into the expression; what reads has a canonical form that
// reads as the same, and a plan that excludes nothing that it keeps.
func FuzzParse(f *testing.F) {
	for _, leaf := range leaves {
		f.Add(leaf, uint64(1))
	}
	for _, expr := range []string{"", "(", "((a", "!(sport=22|dport=1)&&pid 1", `comm "a\x1b\"" or comm 'x`, "state established '( dport = :ssh or sport = :ssh )'", "src [::1/128]:22 && dst 10/255.0.0.0:ssh", "rtt>=1.5s",
		"sendq > 64k or fwmark 0x1/0x3", "state fin-wait-1 ( sport = :22 or sport = :https ) dst 193.233.7/24", "src fe80::1:22", "cgroup /a=b", "netns net:[1]", "sport 99999", "\xff", "not not not src /x[!a-z]*",
		"sport 022", "sport = 0x", "sport = *", "sport inet:*", "sport < *", "sport =", "sport = 127.0.0.1:22", "dport (", ":", ":no", ":ssh", "sport >= 65535 sport geq 1", "sport eq 1 dport lt 2 dport le 3 sport gt 4 sport ne 5",
		"src [::1", "src [::1]x", "src [::1]: or dst [::1]", "src 1:2:3:4:5:6:7:8:443", "src ::1:https", "src inet:[::1]", "src 1.2.3/33", "src 010.1", "src 10/255.0.255.0", "src 10/1.2", "src nosuch.example", "src localhost", "src 1.2.3.4.5/x",
		"src fe80::1%lo", "src 1:2:3/8", "src a*b", "dst unix:*", "src *:no", "src < 1", "src any", "state foo", "state quite-else", "state", "state listen exclude listen", "state listen pid", "(state listen", "state listen sport 1 or dport 1",
		"dev nosuch", "dev 1", "fwmark x", "cgroup nosuch", "cgroup '/a(b'", "user 8", "user nobody-here", "netns ''", "netns 5", "proto icmp", "proto unix", "proto udpl", "family ipx", "inode x", "pid x",
		"rtt > 1h", "rtt 5", "rtt 0", "rtt > 1.5ns", "rtt > 1.x", "rtt > 99999999999999s", "rtt > 1us rto > 1ns", "sendq 1T", "sendq 1M", "recv-q 1G", "sendq 99999999999999999999", "sendq 9999999999999999G", "cwnd x", "pid 4294967296",
		"and", "or pid 1", "xyzzy", "pid 1)", "(", "(pid", "not", "not pid", "comm \"x", "pid 1 'x", `comm "\\\*\x4g\`, `comm "\x4A"`, strings.Repeat("(", maxDepth+1), strings.Repeat("!", maxDepth+1), strings.Repeat("xy", 20)} {
		f.Add(expr, uint64(2))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		parsed, err := Parse(text, testNames{})
		if err != nil {
			bad, ok := err.(*SyntaxError)
			if !ok || bad.Expr != text || bad.Offset < 0 || bad.Offset > len(text) || !strings.HasPrefix(text[bad.Offset:], bad.Word) || bad.Msg == "" {
				t.Fatalf("Parse(%q): %#v", text, err)
			}
			return
		}
		again, err := Parse(parsed.String(), testNames{})
		if err != nil || again.String() != parsed.String() {
			t.Fatalf("%q: %q reads as %v, %v", text, parsed, again, err)
		}
		r := rand.New(rand.NewPCG(seed, 7))
		for range 20 {
			s, table := randomSocket(r)
			checkPlan(t, parsed, &s, table)
		}
	})
}
