package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// nodeResponder answers node information queries, which no kernel does, until
// the returned function is called.
func nodeResponder(t *testing.T, h *nstest.Host, answer func(query []byte) []byte) (stop func()) {
	t.Helper()
	fd := -1
	h.Do(t, func() (err error) {
		fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		return err
	})
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000}); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for !over.Load() {
			n, from, err := unix.Recvfrom(fd, b, 0)
			if err == nil && n >= wire.NodeFixed && b[0] == wire.ICMPv6NodeQuery {
				unix.Sendto(fd, answer(slices.Clone(b[:n])), 0, from)
			}
		}
	}()
	return func() {
		over.Store(true)
		<-done
		unix.Close(fd)
	}
}

// nodeReply turns a query into a reply: code, flags and data, and the Qtype if it
// is another one.
type nodeReply struct {
	code  uint8
	qtype uint16
	flags uint16
	data  string
}

func (a *nodeReply) of(query []byte) []byte {
	b := slices.Clone(query[:wire.NodeFixed])
	b[0], b[1], b[2], b[3] = wire.ICMPv6NodeReply, a.code, 0, 0
	if a.qtype != 0 {
		b[4], b[5] = byte(a.qtype>>8), byte(a.qtype)
	}
	b[6], b[7] = byte(a.flags>>8), byte(a.flags)
	return append(b, a.data...)
}

const (
	nodeAddr4 = "\x00\x00\x00\x00\x0a\x01\x02\x03"
	nodeAddr6 = "\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

func TestPingOracle_node(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		var reply atomic.Pointer[nodeReply]
		defer nodeResponder(t, o.lab.server, func(query []byte) []byte { return reply.Load().of(query) })()
		for _, tt := range []struct {
			lines []string
			nodeReply
		}{
			{[]string{"-N name -c2 -i.05", "-N name -c1 -D -a", "-N name -c1 -v", "-N name -q -c1", "-N name -f -c2", "-N name -s 3 -c1", "-N name -N subject-name=foo -c1",
				"-N name -N subject-ipv4=10.1.2.3 -c1", "-N name -N subject-ipv6=::1 -c1", "-N name -O -c1 -e 9 -v"}, nodeReply{data: "\x00\x00\x00\x00\x03foo\x07example\x00"}},
			{[]string{"-N name -c1"}, nodeReply{data: "\x00\x00\x00\x00\x03foo\x00\x00\x03bar\xc0\x04"}},
			{[]string{"-N name -c1"}, nodeReply{data: "\x00\x00\x00\x00\x05f.\x1b[;\x00"}},
			{[]string{"-N name -c1"}, nodeReply{data: "\x00\x00\x00\x00\x03foo\x00\x03ba"}},
			{[]string{"-N name -c1"}, nodeReply{data: "\x00\x00\x00\x00"}},
			{[]string{"-N name -c1", "-N ipv4 -c1"}, nodeReply{}},
			{[]string{"-N name -c1"}, nodeReply{code: 1}},
			{[]string{"-N name -c1"}, nodeReply{code: 2, data: "x"}},
			{[]string{"-N name -c1"}, nodeReply{qtype: 0x1234}},
			{[]string{"-N ipv6 -c1", "-N ipv6-all -N ipv6-global -c1"}, nodeReply{data: nodeAddr6 + nodeAddr6}},
			{[]string{"-N ipv6 -c1", "-N ipv6-linklocal -c1"}, nodeReply{flags: 1, data: nodeAddr6 + "xx"}},
			{[]string{"-N ipv4-all -c1"}, nodeReply{data: nodeAddr4 + nodeAddr4}},
			{[]string{"-N ipv4 -c1"}, nodeReply{flags: 1, data: nodeAddr4}},
		} {
			reply.Store(&tt.nodeReply)
			for _, line := range tt.lines {
				o.compare(line + " " + labServer6)
			}
		}
		reply.Store(&nodeReply{code: 7})
		from := func(text string) string {
			return "16 bytes from fd77:3::2: " + text + "; seq=1; ttl=62\n" + oneOfOne + "status 0"
		}
		o.shown(difference(t, "ping-node-code").ID, "-N name -c1 "+labServer6, from("unknown code(700)"), from("unknown code(07)"))
		o.shown(difference(t, "ping-node-group").ID, "-N name -N subject-name=foo%right -c1 -W.2", "! ping: usage error: Destination address required\nstatus 1",
			"1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1")
		for _, line := range []string{"-N name -c1 S", "-N name -t1 -c1 S", "-N subject-name=foo -c1 6", "-N name -4 -c1 6", "-N name -c1 four.example",
			"-N name -N subject-ipv4=nosuch.invalid 6"} {
			line = expand([]string{line})[0]
			original, gnet := o.both(line)
			original.Stderr, _, _ = strings.Cut(original.Stderr, "ping -6 -N") // its help, which the name's error needs not
			if diff := cmp.Diff(original, gnet); diff != "" {
				t.Errorf("ping %s (-original +gnet):\n%s", line, diff)
			}
		}
	})
}

// A reply that does not carry what was asked does not count, and a router's error
// about a query does.
func TestPing_nodeForeign(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		plain := nodeReply{data: "\x00\x00\x00\x00\x03foo\x00"}
		defer nodeResponder(t, o.lab.server, func(query []byte) []byte {
			b := plain.of(query)
			b[15] ^= 1
			return b
		})()
		o.shown(difference(t, "ping-forged").ID, "-N name -c1 -W.3 "+labServer6, "1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1",
			"1 packets transmitted, 0 received, 100% packet loss, time Tms\n! ping: reply from fd77:3::2 ignored: icmp_seq=1: it does not carry our data\nstatus 1")
		o.shown(difference(t, "ping-node-errors").ID, "-N name -t1 -c1 -W.3 "+labServer6, "1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1",
			"From fd77:1::2 icmp_seq=1 Time exceeded: Hop limit\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1")
	})
}

// What is asked, as it is on the wire: Qtype, flags, kind of subject, subject.
func TestNodeQuery(t *testing.T) {
	difference(t, "ping-node-fqdn")
	six := "fd770003000000000000000000000002"
	for _, tt := range []struct{ words, want string }{
		{"name", "2 0 0 " + six}, {"ipv4", "4 0 0 " + six}, {"ipv4-all", "4 2 0 " + six}, {"ipv6-compatible ipv6-linklocal", "3 12 0 " + six},
		{"ipv6-sitelocal ipv6-global ipv6-all", "3 50 0 " + six}, {"name subject-ipv4=10.1.2.3", "2 0 2 0a010203"},
		{"subject-ipv6=2001:db8::9 ipv6", "3 0 0 20010db8000000000000000000000009"},
		{"name subject-name=Foo", "2 0 1 03666f6f0000"}, {"name subject-name=foo.Ex%eth0", "2 0 1 03666f6f02657800"},
		{"name subject-fqdn=foo", "2 0 1 03666f6f00"}, {"name subject-fqdn=foo.ex.", "2 0 1 03666f6f02657800"},
		{"subject-name=foo", "none"}, {"name subject-name=foo subject-name=bar", "2 0 1 036261720000"},
		{"name ipv4", "Qtype conflict"}, {"subject-name=a subject-ipv4=10.0.0.1", "Subject type conflict"}, {"subject-name=a..b", "inappropriate subject name: a..b"},
		{"NAME", "invalid -N argument: NAME"}, {"subject-name", "invalid -N argument: subject-name"}, {"name=x", "invalid -N argument: name=x"}, {"help", "help for -N"},
	} {
		o := defaultPing()
		got := ""
		for word := range strings.FieldsSeq(tt.words) {
			if err := o.setNode(word); err != nil {
				got = err.Error()
			}
		}
		if got == "" {
			q, err := o.nodeQuery(netip.MustParseAddr(labServer6))
			if got = "none"; q != nil || err != nil {
				got = fmt.Sprintf("%d %d %d %x", q.Qtype, q.Flags, q.SubjectKind, q.Subject)
			}
		}
		if got != tt.want {
			t.Errorf("-N %s: %s, want %s", tt.words, got, tt.want)
		}
	}
}

// Without a destination a name asks the group of those that have it; the hash was
// taken by another program.
func TestNodeGroup(t *testing.T) {
	for args, want := range map[string]string{
		"-N name -N subject-name=foo%eth0":   "[ff02::2:ffcc:6165%eth0]",
		"-N name -N subject-name=FOO.ex":     "[ff02::2:ffcc:6165]",
		"-N name -N subject-name=foo ::1":    "[::1]",
		"-N name":                            "usage error: Destination address required",
		"-N name -N subject-ipv4=10.0.0.1":   "usage error: Destination address required",
		"-N name -N subject-name=foo -c1 -q": "[ff02::2:ffcc:6165]",
	} {
		o, err := parsePing(strings.Fields(args), false)
		got := fmt.Sprint(o.Targets)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("ping %s: %s, want %s", args, got, want)
		}
	}
}
