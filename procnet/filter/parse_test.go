package filter

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testNames knows a few names, so that no test depends on the machine's.
type testNames struct{}

func (testNames) Service(name string) (Service, bool) {
	s, ok := map[string]Service{"ssh": {22, 0}, "https": {443, 443}, "domain": {53, 53}, "both": {1, 2}, "udponly": {0, 547}, "a-b": {7, 7}}[name]
	return s, ok
}

func (testNames) User(name string) (uint32, bool) {
	uid, ok := map[string]uint32{"root": 0, "mail": 8}[name]
	return uid, ok
}

func (testNames) Interface(name string) (uint32, error) {
	index, ok := map[string]uint32{"lo": 1, "eth0": 2, "odd name": 3}[name]
	if !ok {
		return 0, errors.New("no such interface")
	}
	return index, nil
}

func (testNames) Host(name string) ([]netip.Addr, error) {
	if name == "localhost" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
	}
	return nil, errors.New("no such host")
}

func (testNames) Netns(name string) error {
	if name == "typo" {
		return errors.New("no network namespace of that name")
	}
	return nil
}

func (testNames) Cgroup(path string) (uint64, error) {
	if strings.HasPrefix(path, "/") {
		return uint64(len(path)), nil
	}
	return 0, errors.New("no such directory")
}

// TestParse holds what each form of the language reads as.
func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		// Ports: the operators and their names, the forms of a port.
		{"sport 22", "sport = :22"}, {"sport = 22", "sport = :22"}, {"sport :22", "sport = :22"}, {"sport=:22", "sport = :22"},
		{"dport == 22", "dport = :22"}, {"dport eq 22", "dport = :22"}, {"sport 0x16", "sport = :22"}, {"sport = :0", "sport = :0"},
		{"sport != 22", "not sport = :22"}, {"sport ne 22", "not sport = :22"}, {"sport neq :22", "not sport = :22"},
		{"sport < 22", "sport < :22"}, {"sport lt 22", "sport < :22"}, {"sport <= 22", "sport <= :22"}, {"sport le 22", "sport <= :22"},
		{"sport leq 22", "sport <= :22"}, {"sport>22", "sport > :22"}, {"sport gt 22", "sport > :22"}, {"sport>=22", "sport >= :22"},
		{"sport ge 22", "sport >= :22"}, {"sport geq 22", "sport >= :22"},
		{"sport ssh", "sport = :ssh"}, {"dport = :https", "dport = :443"}, {"sport = :both", "sport = :both"}, {"sport a-b", "sport = :7"},
		{"sport *", "src *"}, {"sport = :*", "src *"}, {"dport != *", "not src *"},
		{"sport = inet:22", "( family = inet and sport = :22 )"}, {"sport < inet6::1000", "( family = inet6 and sport < :1000 )"},
		{":443", "( sport = :443 or dport = :443 )"}, {"not :ssh", "not ( sport = :ssh or dport = :ssh )"},

		// Addresses.
		{"src 127.0.0.1", "src = 127.0.0.1"}, {"dst = 10.0.0.0/8", "dst = 10.0.0.0/8"}, {"src 127.0.0.1/8", "src = 127.0.0.0/8"},
		{"src 10/8", "src = 10.0.0.0/8"}, {"src 193.233.7/24", "src = 193.233.7.0/24"}, {"src 127.1", "src = 127.1.0.0"}, {"src 0/0", "src = 0.0.0.0/0"},
		{"src 127.0.0.1/255.0.0.0", "src = 127.0.0.0/8"}, {"src 0.0.0.0", "src = 0.0.0.0"}, {"src 1.2.3.4/0.0.0.0", "src = 0.0.0.0/0"},
		{"src != 127.0.0.1", "not src = 127.0.0.1"}, {"src=127.0.0.1", "src = 127.0.0.1"},
		{"src *", "src *"}, {"src any", "src *"}, {"dst all", "src *"}, {"dst default", "src *"}, {"src :", "src *"}, {"src *:*", "src *"},
		{"src 127.0.0.1:22", "( src = 127.0.0.1 and sport = :22 )"}, {"dst 10/8:https", "( dst = 10.0.0.0/8 and dport = :443 )"},
		{"src 127.0.0.1:*", "src = 127.0.0.1"}, {"src 127.0.0.1:", "src = 127.0.0.1"}, {"src :22", "sport = :22"}, {"dst *:22", "dport = :22"},
		{"src [127.0.0.1]:22", "( src = 127.0.0.1 and sport = :22 )"}, {"src [*]:22", "sport = :22"}, {"src any:22", "sport = :22"},
		{"src [::1]", "src = [::1]"}, {"src ::1", "src = [::1]"}, {"src ::", "src = [::]"}, {"src ::/0", "src = [::/0]"}, {"src [::1]:443", "( src = [::1] and sport = :443 )"},
		{"src [::1]:", "src = [::1]"}, {"src [::1]:*", "src = [::1]"}, {"src ::1:*", "src = [::1]"}, {"src fe80::", "src = [fe80::]"},
		{"src 2001:db8::1", "src = [2001:db8::1]"}, {"src 2001:db8::/32", "src = [2001:db8::/32]"}, {"src [2001:db8::1/32]", "src = [2001:db8::/32]"},
		{"src [2001:db8::]/32", "src = [2001:db8::/32]"}, {"src [2001:db8::]/32:443", "( src = [2001:db8::/32] and sport = :443 )"},
		{"src [2001:db8::/32]:443", "( src = [2001:db8::/32] and sport = :443 )"}, {"src 2001:db8::/32:443", "( src = [2001:db8::/32] and sport = :443 )"},
		{"src 1:2:3:4:5:6:7:8:443", "( src = [1:2:3:4:5:6:7:8] and sport = :443 )"}, {"src 1:2:3:4:5:6:7:8", "src = [1:2:3:4:5:6:7:8]"},
		{"src ::1:https", "( src = [::1] and sport = :443 )"},
		{"src ::ffff:10.99.0.1", "src = [::ffff:10.99.0.1]"}, {"src ::ffff:0:0/96", "src = [::ffff:0.0.0.0/96]"},
		{"src inet:127.0.0.1", "( family = inet and src = 127.0.0.1 )"}, {"src inet6:[::1]:443", "( family = inet6 and src = [::1] and sport = :443 )"},
		{"src inet:*", "family = inet"}, {"src inet6:*:443", "( family = inet6 and sport = :443 )"}, {"dst inet6:localhost", "( family = inet6 and dst = localhost )"},
		{"src localhost", "src = localhost"}, {"dst localhost:22", "( dst = localhost and dport = :22 )"},
		{"src unix:*", "src = unix:*"}, {"src /tmp/.X11-unix/*", "src = unix:/tmp/.X11-unix/*"}, {"src @/tmp/x", "src = unix:@/tmp/x"}, {"src unix:", "src = unix:"},
		{`src "/a (b)"`, `src = "unix:/a (b)"`}, {`src '/a\\b\*'`, `src = "unix:/a\\b\\*"`},

		// States.
		{"state established", "state established"}, {"state ESTAB", "state established"}, {"state LISTEN", "state listening"}, {"state listening", "state listening"},
		{"state SYN_SENT", "state syn-sent"}, {"state fin_wait1", "state fin-wait-1"}, {"state FIN-WAIT-2", "state fin-wait-2"}, {"state CLOSE", "state closed"},
		{"state unconn", "state closed"}, {"state all", "state all"}, {"state connected", "exclude closed exclude listening"},
		{"state synchronized", "exclude syn-sent exclude closed exclude listening"}, {"state bucket", "state syn-recv state time-wait"},
		{"state big", "exclude syn-recv exclude time-wait"}, {"exclude established", "exclude established"}, {"excl big", "state syn-recv state time-wait"},
		{"state established state listening", "state established state listening"}, {"state connected exclude established", "exclude established exclude closed exclude listening"},
		{"exclude established state listening", "exclude established"}, {"exclude listening state established", "exclude listening"},
		{"exclude established exclude listening", "exclude established exclude listening"}, {"state all exclude time-wait", "exclude time-wait"},
		{"state established sport = 22", "( state established and sport = :22 )"}, {"sport = 22 state established", "( sport = :22 and state established )"},
		{"state established sport = 22 or dport = 22", "( state established and ( sport = :22 or dport = :22 ) )"}, {"(state established sport = 22 or dport = 22)", "( state established and ( sport = :22 or dport = :22 ) )"},
		{"exclude listen state listen (sport = 22) or !dport = 22", "( state all and ( sport = :22 or not dport = :22 ) )"}, {"state listen sport 1 dport 2", "( state listening and sport = :1 and dport = :2 )"},
		{"pid 1 or state listen pid 2 or pid 3", "( pid = 1 or ( state listening and pid = 2 ) or pid = 3 )"}, {"state listen and pid 1 or pid 2", "( ( state listening and pid = 1 ) or pid = 2 )"},
		{"state established or sport = 22", "( state established or sport = :22 )"}, {"state established and state listening", "( state established and state listening )"},

		// The other conditions.
		{"dev lo", "dev = lo"}, {"dev != eth0", "not dev = eth0"}, {"dev 7", "dev = 7"}, {"dev 'odd name'", `dev = "odd name"`},
		{"fwmark 5", "fwmark = 0x5/0xffffffff"}, {"fwmark = 0x01/0x03", "fwmark = 0x1/0x3"}, {"fwmark != 1/1", "not fwmark = 0x1/0x1"},
		{"cgroup /a/b", "cgroup = /a/b"}, {"cgroup /a=b!", `cgroup = "/a=b!"`}, {"cgroup=/a=b", `cgroup = "/a=b"`},
		{"comm nginx", "comm = nginx"}, {"comm ng*", "comm = ng*"}, {"comm = and", "comm = and"}, {"comm 'eq'", "comm = eq"}, {`comm "a\x1b\"b"`, `comm = "a\x1b\"b"`},
		{"comm != 'Web Content'", `not comm = "Web Content"`}, {`comm ""`, `comm = ""`}, {`comm é`, `comm = é`}, {"comm \"\xff\"", `comm = "\xff"`},
		{"pid 1", "pid = 1"}, {"pid>=1000", "pid >= 1000"}, {"user root", "user = root"}, {"user 1000", "user = 1000"}, {"inode 0", "inode = 0"},
		{"netns blue", "netns = blue"}, {"netns 4026531840", "netns = 4026531840"}, {"netns net:[4026531840]", "netns = net:[4026531840]"},
		{"proto tcp", "proto = tcp"}, {"proto tcp6", "( family = inet6 and proto = tcp )"}, {"proto udpl", "proto = udplite"}, {"proto sctp", "proto = sctp"}, {"proto unix", "family = unix"}, {"family inet6", "family = inet6"},
		{"rtt > 100ms", "rtt > 100ms"}, {"rtt>1.5s", "rtt > 1500ms"}, {"rtt < 250us", "rtt < 250us"}, {"rto >= 0.2s", "rto >= 200ms"}, {"rtt != 0", "not rtt = 0s"}, {"rttvar < 1µs", "rttvar < 1us"}, {"rto=1001ns", "rto = 1001ns"}, {"rto=1.50us", "rto = 1500ns"}, {"rto=1.0ns", "rto = 1ns"},
		{"retrans > 0", "retrans > 0"}, {"unacked ge 10", "unacked >= 10"}, {"snd_cwnd < 10", "cwnd < 10"}, {"minrtt < 1ms", "min_rtt < 1ms"}, {"total-retrans > 0", "total_retrans > 0"},
		{"bytes_sent > 1G", "bytes_sent > 1073741824"}, {"sendq > 64k", "sendq > 65536"}, {"recv-q >= 1M", "recvq >= 1048576"}, {"recv_q=0", "recvq = 0"},

		// Joining.
		{"sport = 22 and dport = 1", "( sport = :22 and dport = :1 )"}, {"sport=22&&dport=1", "( sport = :22 and dport = :1 )"}, {"sport=22&dport=1", "( sport = :22 and dport = :1 )"},
		{"sport = 22 dport = 1 pid 1", "( sport = :22 and dport = :1 and pid = 1 )"}, {"sport=22|dport=1||pid 1 or pid 2", "( sport = :22 or dport = :1 or pid = 1 or pid = 2 )"},
		{"pid 1 or pid 2 and pid 3", "( pid = 1 or ( pid = 2 and pid = 3 ) )"}, {"pid 1 and pid 2 or pid 3", "( ( pid = 1 and pid = 2 ) or pid = 3 )"},
		{"(pid 1 or pid 2) pid 3", "( ( pid = 1 or pid = 2 ) and pid = 3 )"}, {"((pid 1))", "pid = 1"},
		{"not pid 1 or pid 2", "( not pid = 1 or pid = 2 )"}, {"!pid 1", "not pid = 1"}, {"!(pid 1|pid 2)", "not ( pid = 1 or pid = 2 )"}, {"not not pid 1", "not not pid = 1"},
		{"not pid 1 pid 2", "( not pid = 1 and pid = 2 )"}, {"pid 1 (pid 2)", "( pid = 1 and pid = 2 )"}, {"pid 1 ! pid 2", "( pid = 1 and not pid = 2 )"},
		{"\tpid\n1 ", "pid = 1"}, {strings.Repeat("(pid 1) (not pid 1) ", maxDepth) + "pid 1", "( " + strings.Repeat("pid = 1 and not pid = 1 and ", maxDepth) + "pid = 1 )"},
	} {
		f, err := Parse(c.in, testNames{})
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		if diff := cmp.Diff(c.want, f.String()); diff != "" {
			t.Errorf("Parse(%q) (-want +got)\n%s", c.in, diff)
		}
		again, err := Parse(f.String(), testNames{})
		if err != nil || again.String() != f.String() {
			t.Errorf("Parse(%q) of its own form: %v, %v", c.in, again, err)
		}
	}
}

// TestSyntaxErrors holds which word each mistake is seen in, and what is said of it.
func TestSyntaxErrors(t *testing.T) {
	const listed = conditionHint
	deep := strings.Repeat("(", maxDepth+1)
	for _, c := range []struct {
		in   string
		want SyntaxError
	}{
		{"", SyntaxError{Msg: "the expression is empty"}},
		{"  ", SyntaxError{Offset: 2, Msg: "the expression is empty"}},
		{"sprt = 22", SyntaxError{Word: "sprt", Msg: `"sprt" is no condition`, Hint: "did you mean sport?"}},
		{"pid 1 adn pid 2", SyntaxError{Offset: 6, Word: "adn", Msg: `"adn" is no condition`, Hint: "did you mean and?"}},
		{"SPORT = 22", SyntaxError{Word: "SPORT", Msg: `"SPORT" is no condition`, Hint: "did you mean sport?"}},
		{"quite_else", SyntaxError{Word: "quite_else", Msg: `"quite_else" is no condition`, Hint: listed}},
		{"22", SyntaxError{Word: "22", Msg: `"22" is no condition`, Hint: listed}},
		{"'sport' = 22", SyntaxError{Word: "'sport'", Msg: "a condition is missing before this", Hint: listed}},
		{"= 22", SyntaxError{Word: "=", Msg: "a condition is missing before this", Hint: listed}},
		{"sport =", SyntaxError{Offset: 7, Msg: "the value of sport is missing"}},
		{"sport", SyntaxError{Offset: 5, Msg: "the value of sport is missing"}},
		{"(sport) = 1", SyntaxError{Offset: 6, Word: ")", Msg: "the value of sport is missing before this"}},
		{"sport = 22 or", SyntaxError{Offset: 13, Msg: "a condition is missing at the end", Hint: listed}},
		{"or pid 1", SyntaxError{Word: "or", Msg: "a condition is missing before this", Hint: listed}},
		{"pid 1 and and pid 2", SyntaxError{Offset: 10, Word: "and", Msg: "a condition is missing before this", Hint: listed}},
		{"pid 1 or | pid 2", SyntaxError{Offset: 9, Word: "|", Msg: "a condition is missing before this", Hint: listed}},
		{"not", SyntaxError{Offset: 3, Msg: "a condition is missing at the end", Hint: listed}},
		{"()", SyntaxError{Offset: 1, Word: ")", Msg: "a condition is missing before this", Hint: listed}},
		{"(pid 1", SyntaxError{Word: "(", Msg: "this parenthesis is not closed"}},
		{"pid 1)", SyntaxError{Offset: 5, Word: ")", Msg: "nothing is open that this closes"}},
		{"pid 1 'x", SyntaxError{Offset: 6, Word: "'x", Msg: "this quotation has no end"}},
		{"comm \"x", SyntaxError{Offset: 5, Word: "\"x", Msg: "this quotation has no end"}},
		{"pid 1 = 2", SyntaxError{Offset: 6, Word: "=", Msg: "a condition is missing before this", Hint: listed}},
		{deep, SyntaxError{Offset: maxDepth, Word: "(", Msg: "more than 100 parentheses and nots in one another"}},
		{strings.Repeat("!", maxDepth+1) + "pid 1", SyntaxError{Offset: maxDepth, Word: "!", Msg: "more than 100 parentheses and nots in one another"}},

		{"sport = 22 = 3", SyntaxError{Offset: 11, Word: "=", Msg: "a condition is missing before this", Hint: listed}},
		{"sport = 70000", SyntaxError{Offset: 8, Word: "70000", Msg: "70000 is no port: ports end at 65535"}},
		{"sport = 022", SyntaxError{Offset: 8, Word: "022", Msg: `"022" begins with a zero, which ss reads as octal: write it decimal or with 0x`}},
		{"sport = 0x", SyntaxError{Offset: 8, Word: "0x", Msg: `"0x" is no number`}},
		{"sport = :", SyntaxError{Offset: 8, Word: ":", Msg: "a port is missing"}},
		{":", SyntaxError{Word: ":", Msg: "a port is missing"}},
		{"sport = -1", SyntaxError{Offset: 8, Word: "-1", Msg: `"-1" is no port, nor a service in /etc/services`}},
		{"sport != nosuch", SyntaxError{Offset: 9, Word: "nosuch", Msg: `"nosuch" is no port, nor a service in /etc/services`}},
		{"sport = 127.0.0.1:22", SyntaxError{Offset: 8, Word: "127.0.0.1:22", Msg: `"127.0.0.1:22" is no port, nor a service in /etc/services`, Hint: "write src or dst to compare an address with its port"}},
		{"sport = *:22", SyntaxError{Offset: 8, Word: "*:22", Msg: `"*:22" is no port, nor a service in /etc/services`, Hint: "write src or dst to compare an address with its port"}},
		{"sport < *", SyntaxError{Offset: 8, Word: "*", Msg: "a port is missing: * is any"}},
		{"sport <> 22", SyntaxError{Offset: 7, Word: ">", Msg: `">" is no port, nor a service in /etc/services`}},
		{"sport !22", SyntaxError{Offset: 6, Word: "!22", Msg: `"!22" is no port, nor a service in /etc/services`}},

		{"src < 127.0.0.1", SyntaxError{Offset: 4, Word: "<", Msg: "src has no size", Hint: "it takes = and !="}},
		{"src 300.1.1.1", SyntaxError{Offset: 4, Word: "300.1.1.1", Msg: `"300.1.1.1" is no address`, Hint: "addresses are 192.0.2.1, 192.0.2.0/24, 192.0.2.1:80, [2001:db8::1]:80 or *:80"}},
		{"src 1.2.3.4.5", SyntaxError{Offset: 4, Word: "1.2.3.4.5", Msg: `"1.2.3.4.5" is no address`, Hint: "addresses are 192.0.2.1, 192.0.2.0/24, 192.0.2.1:80, [2001:db8::1]:80 or *:80"}},
		{"src 010.0.0.1", SyntaxError{Offset: 4, Word: "010.0.0.1", Msg: `"010.0.0.1" begins with a zero, which ss reads as octal: write it decimal or with 0x`}},
		{"src 10.0.0.1/33", SyntaxError{Offset: 4, Word: "10.0.0.1/33", Msg: `"10.0.0.1/33" has a prefix length that is not 0 to 32`}},
		{"src 10.0.0.1/", SyntaxError{Offset: 4, Word: "10.0.0.1/", Msg: `"10.0.0.1/" has a prefix length that is not 0 to 32`}},
		{"src 10.0.0.1/255.0.255.0", SyntaxError{Offset: 4, Word: "10.0.0.1/255.0.255.0", Msg: `"10.0.0.1/255.0.255.0" has a mask with holes`}},
		{"src ::1/129", SyntaxError{Offset: 4, Word: "::1/129", Msg: `"::1/129" has a prefix length that is not 0 to 128`}},
		{"src fe80::1%lo", SyntaxError{Offset: 4, Word: "fe80::1%lo", Msg: `"fe80::1%lo" has a zone, which no socket's address has: use dev`}},
		{"src fe80::1:22", SyntaxError{Offset: 4, Word: "fe80::1:22", Msg: `"fe80::1:22" is an address, and an address with a port`, Hint: "write [fe80::1:22] or [fe80::1]:22"}},
		{"src [::1", SyntaxError{Offset: 4, Word: "[::1", Msg: `"[::1" is no address`, Hint: "an address in brackets is [ADDRESS], [ADDRESS/PREFIX] or [ADDRESS]:PORT"}},
		{"src [::1]x", SyntaxError{Offset: 4, Word: "[::1]x", Msg: `"[::1]x" is no address`, Hint: "an address in brackets is [ADDRESS], [ADDRESS/PREFIX] or [ADDRESS]:PORT"}},
		{"src inet6:127.0.0.1", SyntaxError{Offset: 4, Word: "inet6:127.0.0.1", Msg: "127.0.0.1 is no inet6 address"}},
		{"src inet:[::1]", SyntaxError{Offset: 4, Word: "inet:[::1]", Msg: "::1 is no inet address"}},
		{"src nosuch.example", SyntaxError{Offset: 4, Word: "nosuch.example", Msg: `"nosuch.example" is no address, and no host of that name was found`}},
		{"src netlink:*", SyntaxError{Offset: 4, Word: "netlink:*", Msg: `"netlink" is no address, and no host of that name was found`}},
		{"dst /tmp/x", SyntaxError{Offset: 4, Word: "/tmp/x", Msg: "the name of a unix socket's peer is not known", Hint: "src compares the name of the socket itself"}},
		{"dst unix:*", SyntaxError{Offset: 4, Word: "unix:*", Msg: "the name of a unix socket's peer is not known", Hint: "src compares the name of the socket itself"}},

		{"state", SyntaxError{Offset: 5, Msg: "the value of state is missing"}},
		{"state establishd", SyntaxError{Offset: 6, Word: "establishd", Msg: `"establishd" is no state`, Hint: "did you mean established?"}},
		{"state = established", SyntaxError{Offset: 6, Word: "=", Msg: `"=" is no state`, Hint: "states are all, connected, synchronized, bucket, big, established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, time-wait, closed, close-wait, last-ack, listening, closing"}},
		{"state listen exclude listen", SyntaxError{Offset: 13, Word: "exclude", Msg: "no state is left"}},
		{"exclude all", SyntaxError{Word: "exclude", Msg: "no state is left"}},
		{"state listen exclude listen pid 1", SyntaxError{Offset: 13, Word: "exclude", Msg: "no state is left"}},
		{"state listen 'pid' 1", SyntaxError{Offset: 13, Word: "'pid'", Msg: "a condition is missing before this", Hint: listed}},
		{"state listen pid 1 or", SyntaxError{Offset: 21, Msg: "a condition is missing at the end", Hint: listed}},
		{"autobound", SyntaxError{Word: "autobound", Msg: `"autobound" is no condition`, Hint: listed}},

		{"dev nosuch", SyntaxError{Offset: 4, Word: "nosuch", Msg: `"nosuch": no such interface`, Hint: "gnet netstat -ia lists the interfaces; dev 0 is a socket bound to none"}},
		{"fwmark x", SyntaxError{Offset: 7, Word: "x", Msg: `"x" is no mark`, Hint: "a mark is a number of 32 bits, alone or with /MASK"}},
		{"fwmark 0x100000000", SyntaxError{Offset: 7, Word: "0x100000000", Msg: `"0x100000000" is no mark`, Hint: "a mark is a number of 32 bits, alone or with /MASK"}},
		{"fwmark 7/", SyntaxError{Offset: 7, Word: "7/", Msg: `"7/" is no mark`, Hint: "a mark is a number of 32 bits, alone or with /MASK"}},
		{"fwmark > 1", SyntaxError{Offset: 7, Word: ">", Msg: "fwmark has no size", Hint: "it takes = and !="}},
		{"cgroup nosuch", SyntaxError{Offset: 7, Word: "nosuch", Msg: `"nosuch": no such directory`, Hint: "a control group is a directory of cgroup v2, or its path as in /proc/PID/cgroup"}},
		{"pid x", SyntaxError{Offset: 4, Word: "x", Msg: `"x" is no number`}},
		{"pid 4294967296", SyntaxError{Offset: 4, Word: "4294967296", Msg: `"4294967296" is too large`}},
		{"pid +1", SyntaxError{Offset: 4, Word: "+1", Msg: `"+1" is no number`}},
		{"inode 0x_1", SyntaxError{Offset: 6, Word: "0x_1", Msg: `"0x_1" is no number`}},
		{"user nobody-here", SyntaxError{Offset: 5, Word: "nobody-here", Msg: `"nobody-here" is no user in /etc/passwd`}},
		{"netns typo", SyntaxError{Offset: 6, Word: "typo", Msg: `"typo": no network namespace of that name`, Hint: "a network namespace is named by ip netns, or is an inode: 4026531840 or net:[4026531840]"}},
		{"sport 1 or src []", SyntaxError{Offset: 15, Word: "[]", Msg: `"[]" is no address`, Hint: "an address in brackets is [ADDRESS], [ADDRESS/PREFIX] or [ADDRESS]:PORT"}},
		{"dst []:80", SyntaxError{Offset: 4, Word: "[]:80", Msg: `"[]:80" is no address`, Hint: "an address in brackets is [ADDRESS], [ADDRESS/PREFIX] or [ADDRESS]:PORT"}},
		{"src ''", SyntaxError{Offset: 4, Word: "''", Msg: "the address is missing", Hint: "* is any address"}},
		{"netns ''", SyntaxError{Offset: 6, Word: "''", Msg: "the name of a network namespace is missing"}},
		{"proto icmp", SyntaxError{Offset: 6, Word: "icmp", Msg: `"icmp" is no protocol`, Hint: "protocols are tcp, udp, udplite, raw, sctp and unix; tcp6 and the like are those over IPv6"}},
		{"family ipx", SyntaxError{Offset: 7, Word: "ipx", Msg: `"ipx" is no family`, Hint: "families are inet, inet6 and unix"}},
		{"rtt > 100", SyntaxError{Offset: 6, Word: "100", Msg: `"100" needs a unit: ns, us, ms or s`}},
		{"rtt > 1h", SyntaxError{Offset: 6, Word: "1h", Msg: `"1h" is no time: write a number and ns, us, ms or s`}},
		{"rtt > 1.ms", SyntaxError{Offset: 6, Word: "1.ms", Msg: `"1.ms" is no time: write a number and ns, us, ms or s`}},
		{"rtt > 1.5ns", SyntaxError{Offset: 6, Word: "1.5ns", Msg: `"1.5ns" is finer than a nanosecond`}},
		{"rtt > 99999999999999s", SyntaxError{Offset: 6, Word: "99999999999999s", Msg: `"99999999999999s" is too large`}},
		{"sendq > 1T", SyntaxError{Offset: 8, Word: "1T", Msg: `"1T" is no number of bytes: write a number, alone or with k, M or G`}},
		{"sendq > 9999999999999999999G", SyntaxError{Offset: 8, Word: "9999999999999999999G", Msg: `"9999999999999999999G" is too large`}},
		{"sendq > k", SyntaxError{Offset: 8, Word: "k", Msg: `"k" is no number of bytes: write a number, alone or with k, M or G`}},
	} {
		c.want.Expr = c.in
		_, err := Parse(c.in, testNames{})
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("Parse(%q): %v, want a SyntaxError", c.in, err)
			continue
		}
		if diff := cmp.Diff(c.want, *got); diff != "" {
			t.Errorf("Parse(%q) (-want +got)\n%s", c.in, diff)
		}
	}
}

// TestMixesOrAnd: ss reads A or B and C from left to right, and whoever is used to that is told.
func TestMixesOrAnd(t *testing.T) {
	for in, want := range map[string]bool{
		"pid 1 or pid 2 and pid 3":            true,
		"pid 1 or pid 2 pid 3":                true,
		"pid 0 (pid 1 or pid 2 and pid 3)":    true,
		"pid 1 and pid 2 or pid 3":            false,
		"pid 1 or (pid 2 and pid 3)":          false,
		"(pid 1 or pid 2) and pid 3":          false,
		"pid 1 or pid 2 or pid 3":             false,
		"pid 1 or src 10/8:22":                false,
		"pid 1 or state listen exclude close": false,
	} {
		f, err := Parse(in, testNames{})
		if err != nil {
			t.Errorf("Parse(%q): %v", in, err)
		} else if f.MixesOrAnd() != want {
			t.Errorf("Parse(%q).MixesOrAnd() = %v, want %v", in, !want, want)
		}
	}
}

func TestAll(t *testing.T) {
	parse := func(s string) *Filter {
		f, err := Parse(s, testNames{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	got := []string{All(parse("pid 1")).String(), All(parse("pid 1 or pid 2"), parse("rtt > 1s")).String()}
	if diff := cmp.Diff([]string{"pid = 1", "( ( pid = 1 or pid = 2 ) and rtt > 1s )"}, got); diff != "" {
		t.Error(diff)
	}
	mixed := parse("pid 1 or pid 2 pid 3")
	if !All(parse("pid 1"), mixed).MixesOrAnd() || !All(mixed, parse("pid 1")).MixesOrAnd() {
		t.Error("All lost that a filter mixes or and and")
	}
}

func TestNeeds(t *testing.T) {
	for in, want := range map[string]Needs{
		"sport 22": 0, "state listen": NeedState, "exclude listen": NeedState, "comm x": NeedOwners, "pid 1": NeedOwners, "rtt>1s": NeedInfo, "dev lo": NeedDevice,
		"fwmark 1": NeedMark, "cgroup /": NeedCgroup, "netns x": NeedNetns, "inode 1 user root sendq 0 src /x proto tcp family inet src 10/8 src *": 0,
		"not (pid 1 or rtt > 1s)": NeedOwners | NeedInfo,
	} {
		f, err := Parse(in, testNames{})
		if err != nil {
			t.Errorf("Parse(%q): %v", in, err)
		} else if f.Needs() != want {
			t.Errorf("Parse(%q).Needs() = %b, want %b", in, f.Needs(), want)
		}
	}
}

// TestWords: every word that completion offers begins a condition.
func TestWords(t *testing.T) {
	for _, w := range Words() {
		_, err := Parse(w, testNames{})
		var bad *SyntaxError
		if !errors.As(err, &bad) || bad.Offset != len(w) {
			t.Errorf("Parse(%q): %v, want a value or a condition to be missing at the end", w, err)
		}
	}
}
