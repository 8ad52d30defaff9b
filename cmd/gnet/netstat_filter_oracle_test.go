package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// filterOracle asks the installed ss and gnet for the same sockets.
type filterOracle struct {
	*netstatOracle
	ss string
}

func newFilterOracle(t *testing.T) *filterOracle {
	t.Helper()
	return &filterOracle{newNetstatOracle(t), nstest.Peer(t, "ss")}
}

// ssRows returns the sockets that ss chooses, as protocol, local and remote end,
// and state. ss leaves the state out when the filter allows one only; stateless
// says so.
func (o *filterOracle) ssRows(tables, states, expr string) (rows []string, stateless bool, result nstest.Result) {
	args := append([]string{"-Hna" + tables}, strings.Fields(states)...)
	if expr != "" {
		args = append(args, expr)
	}
	result = o.run(o.ss, args)
	protos := map[string]string{"t": "tcp", "u": "udp", "w": "raw"}
	for line := range strings.Lines(result.Stdout) {
		fields := strings.Fields(line)
		proto := protos[tables] // else the first column
		if proto == "" {
			proto, fields = fields[0], fields[1:]
		}
		state := "?"
		if len(fields) == 5 {
			state, fields = fields[0], fields[1:]
		}
		stateless = stateless || state == "?"
		if len(fields) != 4 {
			o.t.Fatalf("ss %q: %q", args, line)
		}
		rows = append(rows, proto+" "+o.ssEnd(fields[2])+" "+o.ssEnd(fields[3])+" "+state)
	}
	return sorted(rows), stateless, result
}

// ssEnd reads ADDRESS%DEV:PORT of ss. A * is :: as an address, 0 as a port.
func (o *filterOracle) ssEnd(text string) string {
	i := strings.LastIndexByte(text, ':')
	address, port := strings.Trim(text[:i], "[]"), text[i+1:]
	address, _, _ = strings.Cut(address, "%")
	address = strings.Trim(address, "[]")
	if address == "*" {
		address = "::"
	}
	if port == "*" {
		port = "0"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		o.t.Fatalf("ss shows %q", text)
	}
	return netip.AddrPortFrom(netip.MustParseAddr(address), uint16(n)).String()
}

// ssStates are the words that ss has for the states.
var ssStates = map[string]string{"ESTABLISHED": "ESTAB", "CLOSE": "UNCONN", "SYN_SENT": "SYN-SENT", "SYN_RECV": "SYN-RECV", "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2",
	"TIME_WAIT": "TIME-WAIT", "CLOSE_WAIT": "CLOSE-WAIT", "LAST_ACK": "LAST-ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING"}

// gnetRows returns the sockets that gnet chooses in the form of ssRows, without the
// zones of link-local addresses.
func (o *filterOracle) gnetRows(tables, expr string, stateless bool) []string {
	var rows []string
	for line := range strings.Lines(o.gnetHere("-an"+tables, "--format", "jsonl", "--filter", expr)) {
		var row struct {
			Kind, Proto  string
			Local_addr   netip.Addr
			Foreign_addr netip.Addr
			Local_port   uint16
			Foreign_port uint16
			Ip_protocol  uint16
			State        string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			o.t.Fatal(err)
		}
		if row.Kind != "row" {
			continue
		}
		state := ssStates[row.State]
		if stateless {
			state = "?"
		}
		rows = append(rows, fmt.Sprintf("%s %v %v %s", row.Proto, netip.AddrPortFrom(row.Local_addr.WithZone(""), row.Local_port|row.Ip_protocol), netip.AddrPortFrom(row.Foreign_addr.WithZone(""), row.Foreign_port), state))
	}
	return sorted(rows)
}

// gnetHere runs gnet netstat in this process, which is in the namespace too, and
// returns its standard output.
func (o *filterOracle) gnetHere(args ...string) string {
	o.t.Helper()
	var stdout, stderr bytes.Buffer
	e := &env{Stdout: newOutput(&stdout), Stderr: &stderr, Name: "netstat", LookupEnv: os.LookupEnv, Now: time.Now, ProcRoot: "/proc"}
	cmd := newNetstatCommand(e, runNetstat)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if status := exitStatus(e, cmd.ExecuteContext(o.t.Context())); status != 0 {
		o.t.Errorf("netstat %q: status %d: %s", args, status, stderr.String())
	}
	return stdout.String()
}

// compareFilter holds that both choose the same sockets. States stand before the
// expression, as ss wants them.
func (o *filterOracle) compareFilter(tables, states, expr string) (chosen int) {
	o.t.Helper()
	var want, got []string
	for range 5 { // a state may change between two calls
		var stateless bool
		var result nstest.Result
		want, stateless, result = o.ssRows(tables, states, expr)
		if result.Status != 0 {
			o.t.Errorf("ss -%s %s %q: %+v", tables, states, expr, result)
			return 0
		}
		got = o.gnetRows(tables, strings.TrimSpace(states+" "+expr), stateless)
		if slices.Equal(want, got) {
			return len(want)
		}
	}
	o.t.Errorf("-%s %s %q (-ss +gnet):\n%s", tables, states, expr, cmp.Diff(want, got))
	return len(want)
}

// filterLab adds to the lab what conditions look at: marks, bound devices.
func (lab *socketLab) filterLab() {
	lab.tcp()
	lab.closing()
	lab.datagrams()
	for mark, remote := range map[int]string{5: "127.0.0.1:22", 7: "10.99.0.1:443"} {
		domain, sa := sockaddr(remote)
		fd := lab.socket(domain, unix.SOCK_STREAM, 0)
		lab.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, mark))
		lab.must(unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "lo"))
		lab.must(unix.Connect(fd, sa))
	}
	marked := lab.bind(unix.SOCK_DGRAM, 0, "127.0.0.1:54")
	lab.must(unix.SetsockoptInt(marked, unix.SOL_SOCKET, unix.SO_MARK, 6))
	lab.must(unix.SetsockoptString(marked, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "lo"))
}

// filterExpressions are expressions that ss takes, and that choose some sockets of
// the lab or, at the end, none.
var filterExpressions = []string{
	"sport 22", "sport = 22", "sport = :22", "sport :22", "sport == 22", "sport eq 22", "sport != 22", "sport ne 22", "sport neq :22", "sport < 100", "sport lt 100", "sport <= 443", "sport le 443",
	"sport leq 443", "sport > 1000", "sport gt 1000", "sport >= :443", "sport ge 443", "sport geq 443", "dport = :0", "dport > 0", "dport < 1", "sport >= 65535", "sport > 65534", "sport = 0x16", "sport = *", "sport = :*",
	"dport = 2000 or sport = 2000", "sport inet:22", "sport = inet::22", "sport < inet6::1000",
	"src 127.0.0.1", "src = 127.0.0.1", "src == 127.0.0.1", "src eq 127.0.0.1", "src 127.0.0.0/8", "src 127/8", "src 10.99/16", "dst 10.99.0/24", "src 10/255.0.0.0", "src 0.0.0.0", "src 0.0.0.0/0", "dst 0/0", "src ::/0",
	"src [::]", "src [::1]", "src [fe80::7]", "src 2001:db8::/32", "src [2001:db8::/32]:8443", "dst 2001:db8::/32:8443", "src [2001:db8::7]", "src ::ffff:0:0/96", "src [::ffff:10.99.0.1]", "src [::ffff:10.99.0.1]:443",
	"src 10.99.0.1", "src 10.99.0.1:443", "dst 10.99.0.1:443", "src 127.0.0.1:22", "src 127.0.0.0/8:22", "src :22", "src *:22", "src 127.0.0.1:*", "src 127.0.0.1:", "src [::1]:8443", "src [127.0.0.1]:22", "src [*]:22",
	"src *", "src any", "src all", "src default", "src :", "dst *:*", "dst any:22", "src inet:127.0.0.1", "src inet:*", "src inet6:*", "src inet6:*:443", "src inet6:[::1]", "src localhost", "src localhost:22", "dst localhost",
	"dev lo", "dev = lo", "dev != lo", "dev 1", "dev eq lo", "dev ne 1", "dev lo or dev 0",
	"fwmark 5", "fwmark = 0x5", "fwmark 0x1/0x1", "fwmark = 0x01/0x03", "fwmark != 5", "fwmark 4/4", "not fwmark 0x4/0x4",
	"sport = 22 or sport = 443", "sport = 22 | dport = 22", "sport = 22 || dport = 22 || sport = 53", "src 127.0.0.1 and sport = 22", "src 127.0.0.1 & dport = 22", "src 127.0.0.1 && sport != 22", "src 127.0.0.1 sport = 22",
	"not sport = 22", "! sport = 22", "not sport = 22 and dport = 22", "not ( sport = 22 or dport = 22 )", "( sport = 22 )", "( ( sport = 22 ) ) or ( sport = 53 )", "not not sport = 22",
	"( sport = 22 or sport = 443 ) and not dst 10.99.0.1", "dev lo and ( fwmark 5 or fwmark 7 )", "not ( src 127/8 and not ( dport > 1000 or dev lo ) )", "src 127.0.0.1:22 or dst 127.0.0.1:22 or src [::1]",
	"sport = 9999", "dst 192.0.2.1", "dport != *", "dev 99", "fwmark 5/4",
}

// filterStates are state filters that ss takes.
var filterStates = []string{
	"state all", "state established", "state ESTABLISHED", "state listening", "state LISTENING", "state closed", "state close", "state unconnected", "state time-wait", "state close-wait", "state fin-wait-1", "state fin-wait-2",
	"state syn-sent", "state syn-recv", "state last-ack", "state closing", "state connected", "state synchronized", "state bucket", "state big", "exclude established", "exclude listening", "excl connected", "exclude bucket exclude closed",
	"state established state listening", "state connected exclude established", "exclude established state listening", "state fin-wait-1 state fin-wait-2 exclude fin-wait-1", "exclude listening state established", "state all exclude time-wait",
}

func TestFilterOracle(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.filterLab()
		o := newFilterOracle(t)
		var empty []string
		for _, expr := range filterExpressions {
			if o.compareFilter("tu", "", expr) == 0 {
				empty = append(empty, expr)
			}
		}
		if diff := cmp.Diff(filterExpressions[len(filterExpressions)-5:], empty); diff != "" {
			t.Errorf("expressions that choose nothing (-want +got):\n%s", diff)
		}
		for i, states := range filterStates {
			o.compareFilter("tu", states, filterExpressions[i*7%len(filterExpressions)])
			o.compareFilter("tu", states, "sport = 22 or dport = 22 or src [::] or dport = 53 or sport = 53")
		}
	})
}

// TestFilterOracle_raw: without its diag module ss reads raw sockets from the
// files, where it takes every address without set bits for the same, of either
// family. What has none of those must agree.
func TestFilterOracle_raw(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.datagrams()
		o := newFilterOracle(t)
		for _, expr := range []string{"sport = 89", "sport != 58", "sport > 58", "not sport = 1", "dport = 0", "src 10.99.0.1", "dst 10.99.0.1", "src 10.99.0.1:89", "not src 10/8", "sport = 1 or sport = 58"} {
			if o.compareFilter("w", "", expr) == 0 {
				t.Errorf("%q chooses nothing", expr)
			}
		}
		for _, states := range []string{"state established", "state closed", "exclude closed", "state connected", "state all"} {
			o.compareFilter("w", states, "sport > 1")
		}
	})
}

// TestFilterOracle_service: ss asks for a service of the table's own protocol
// alone, so that each is asked where it has one.
func TestFilterOracle_service(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.filterLab()
		o := newFilterOracle(t)
		for _, c := range [][2]string{{"t", "sport = :ssh"}, {"t", "dport ssh"}, {"t", "src 127.0.0.1:ssh"}, {"t", "sport != https"}, {"t", "sport = :alias"}, {"u", "sport = :domain"}, {"u", "dport < mdns"}} {
			want, stateless, result := o.ssRows(c[0], "", c[1])
			if len(want) == 0 || result.Status != 0 {
				t.Errorf("ss %s %q: %+v", c[0], c[1], result)
			}
			if diff := cmp.Diff(want, o.gnetRows(c[0], c[1], stateless)); diff != "" {
				t.Errorf("%s %q (-ss +gnet):\n%s", c[0], c[1], diff)
			}
		}
	})
}

// TestFilterOracle_waitingStates: the states in which an end waits for the other.
func TestFilterOracle_waitingStates(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.TUN)
		lab := newSocketLab(t)
		lab.newTunPeer().waiting()
		o := newFilterOracle(t)
		for _, state := range []string{"syn-recv", "syn-sent", "fin-wait-1", "closing", "last-ack", "bucket", "big", "synchronized"} {
			o.compareFilter("t", "state "+state, "not dport = 5005")
			o.compareFilter("t", "exclude "+state, "")
		}
		for _, expr := range []string{"src 10.98.0.1", "dst 10.98/16:5001", "sport = 2222", "dport < 5003", "dev 0", "fwmark 0", "dport = 80 or dport = 5001"} {
			if o.compareFilter("tu", "", expr) == 0 {
				t.Errorf("%q chooses nothing", expr)
			}
		}
	})
}

// TestFilterOracle_precedence: ss reads and and or from left to right, although its
// manual says otherwise. With the parentheses that the manual implies both agree.
func TestFilterOracle_precedence(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.filterLab()
		o := newFilterOracle(t)
		const plain, meant, read = "sport = 22 or sport = 443 and src [::]", "sport = 22 or ( sport = 443 and src [::] )", "( sport = 22 or sport = 443 ) and src [::]"
		got := o.gnetRows("t", plain, false)
		ssPlain, _, _ := o.ssRows("t", "", plain)
		ssMeant, _, _ := o.ssRows("t", "", meant)
		ssRead, _, _ := o.ssRows("t", "", read)
		if diff := cmp.Diff(ssMeant, got); diff != "" {
			t.Errorf("(-ss with parentheses +gnet):\n%s", diff)
		}
		if diff := cmp.Diff(ssRead, ssPlain); diff != "" {
			t.Logf("ss no longer reads from left to right:\n%s", diff)
		}
		if slices.Equal(ssMeant, ssRead) {
			t.Error("the lab cannot tell the two readings apart")
		}
	})
}

// TestFilterOracle_unix compares unix sockets by inode.
func TestFilterOracle_unix(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		lab.unixes()
		o := newFilterOracle(t)
		for _, c := range []struct {
			states, expr string
			some         bool
		}{
			{"", "src unix:*", true}, {"", "src unix:/tmp/*stream", true}, {"", "src /TMP/*/dgram", true}, {"", "src unix:@gnet*", true}, {"", "src @gnet-test-[a-d]*", true}, {"", "src *", true}, {"", "not src unix:*stream", true},
			{"state listening", "", true}, {"state established", "", true}, {"state closed", "", true}, {"state connected", "", true}, {"exclude established", "", true}, {"state listening", "src @*", true}, {"", "sport = 22", false}, {"", "src 127.0.0.1", false}, {"", "not dport = 22", true},
		} {
			args := append([]string{"-Hn", "-a", "-x"}, strings.Fields(c.states)...)
			if c.expr != "" {
				args = append(args, c.expr)
			}
			var want []string
			for line := range strings.Lines(o.run(o.ss, args).Stdout) {
				fields := strings.Fields(line)
				want = append(want, fields[len(fields)-3]) // NAME INODE PEER INODE
			}
			var got []string
			for line := range strings.Lines(o.gnetHere("-anx", "--format", "jsonl", "--filter", strings.TrimSpace(c.states+" "+c.expr))) {
				var row struct{ Kind, Inode string }
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					t.Fatal(err)
				}
				if row.Inode != "0" && row.Kind == "row" { // not yet accepted: ss does not show those
					got = append(got, row.Inode)
				}
			}
			if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" || c.some != (len(want) > 0) {
				t.Errorf("%s %q: %d (-ss +gnet):\n%s", c.states, c.expr, len(want), diff)
			}
		}
	})
}

// TestFilterOracle_cgroup compares the control group that this test runs in, and
// one that does not exist.
func TestFilterOracle_cgroup(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newSocketLab(t)
		lab.filterLab()
		o := newFilterOracle(t)
		mount, err := exec.Command("findmnt", "-n", "-o", "TARGET", "-t", "cgroup2").Output()
		if err != nil { // the mount namespace is the test's own
			nstest.Require(t, nstest.Root)
			mount = []byte(t.TempDir())
			lab.must(unix.Mount("none", string(mount), "cgroup2", 0, ""))
			t.Cleanup(func() { unix.Unmount(string(mount), unix.MNT_DETACH) })
		}
		root := strings.Fields(string(mount))[0]
		o.compareFilter("tu", "", "cgroup "+root)
		o.compareFilter("tu", "", "cgroup != "+root+" and sport > 1")
		if got := o.run(o.gnet, []string{"--filter", "cgroup /no/such/group"}); got.Status != statusUsage || !strings.Contains(got.Stderr, "no such control group of cgroup v2\n") {
			t.Errorf("%+v", got)
		}
	})
}
