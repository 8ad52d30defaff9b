package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// routeGetLab makes a namespace whose tables have something to explain, and returns how gnet is run in it.
func routeGetLab(t *testing.T) func(words ...string) nstest.Result {
	t.Helper()
	host, far := nstest.Here(t), nstest.NewHost(t, "far")
	nstest.Connect(t, 0, nstest.End{Host: host, Name: "d0", Addrs: []string{"10.50.0.1/24", "2001:db8:50::1/64"}},
		nstest.End{Host: far, Name: "d0", Addrs: []string{"10.50.0.2/24", "2001:db8:50::2/64"}})
	ip := nstest.Peer(t, "ip")
	for _, line := range []string{
		"route add default via 10.50.0.2", "route add 10.60.0.0/16 via 10.50.0.2", "route add 10.60.0.0/16 via 10.50.0.3 metric 5",
		"route add 10.60.7.0/24 via 10.50.0.4", "route add unreachable 10.61.0.0/16", "rule add priority 10 fwmark 7 lookup 100",
	} {
		if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
			t.Fatalf("ip %s: %s", line, r.Stderr)
		}
	}
	program := gnetCalled(t, "gnet")
	return func(words ...string) nstest.Result {
		t.Helper()
		return host.Run(t, program, append([]string{"route", "get"}, words...)...)
	}
}

func TestRouteGet_table(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		want := nstest.Result{Stdout: `rule 0: lookup local: no match
  ENTRY              MASK            10.60.7.9 AND MASK EQUAL METRIC WAY              RESULT
  10.50.0.1/32       255.255.255.255 10.60.7.9          no    0      local dev d0
  10.50.0.255/32     255.255.255.255 10.60.7.9          no    0      broadcast dev d0
  127.0.0.0/8        255.0.0.0       10.0.0.0           no    0      local dev lo
  127.0.0.1/32       255.255.255.255 10.60.7.9          no    0      local dev lo
  127.255.255.255/32 255.255.255.255 10.60.7.9          no    0      broadcast dev lo
rule 10: lookup 100: does not apply: fwmark 0x7/0xffffffff
rule 32766: lookup main: decides
  ENTRY        MASK          10.60.7.9 AND MASK EQUAL METRIC WAY                  RESULT
  0.0.0.0/0    0.0.0.0       0.0.0.0            yes   0      via 10.50.0.2 dev d0 shorter prefix
  10.50.0.0/24 255.255.255.0 10.60.7.0          no    0      dev d0
  10.60.0.0/16 255.255.0.0   10.60.0.0          yes   0      via 10.50.0.2 dev d0 shorter prefix
  10.60.0.0/16 255.255.0.0   10.60.0.0          yes   5      via 10.50.0.3 dev d0 shorter prefix
  10.60.7.0/24 255.255.255.0 10.60.7.0          yes   0      via 10.50.0.4 dev d0 WINS: longest prefix
  10.61.0.0/16 255.255.0.0   10.60.0.0          no    0      unreachable
chosen: 10.60.7.0/24 via 10.50.0.4 dev d0 table main: longest prefix
kernel: via 10.50.0.4 dev d0 src 10.50.0.1, by 10.60.7.0/24 via 10.50.0.4 dev d0 table main: the same
`}
		if diff := cmp.Diff(want, get("10.60.7.9")); diff != "" {
			t.Errorf("10.60.7.9 (-want +got)\n%s", diff)
		}
	})
}

// TestRouteGet_answers: the last lines, and the statuses.
func TestRouteGet_answers(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		for dst, want := range map[string]struct {
			status int
			lines  string
		}{
			"10.61.0.1": {1, "chosen: 10.61.0.0/16 unreachable table main: no way: No route to host\nkernel: No route to host: the same\n"},
			"3000::1":   {1, "chosen: nothing: Network is unreachable\nkernel: Network is unreachable: the same\n"},
			"224.0.0.9": {0, "chosen: 0.0.0.0/0 via 10.50.0.2 dev d0 table main: the only match\n" +
				"kernel: multicast dev d0 src 10.50.0.1, by 0.0.0.0/0 multicast via 10.50.0.2 dev d0 table main: the same\n" +
				"reason: type: a multicast destination has a type of its own; the entry only gives the way\n"},
			"2001:db8:50::1": {0, "chosen: 2001:db8:50::1/128 local dev d0 table local: the only match\n" +
				"kernel: local dev lo src 2001:db8:50::1, by 2001:db8:50::1/128 local dev d0 table local: the same\n"},
		} {
			r := get(dst)
			_, lines, _ := strings.Cut(r.Stdout, "\nchosen: ")
			if diff := cmp.Diff(want.lines, "chosen: "+lines); diff != "" || r.Status != want.status || r.Stderr != "" {
				t.Errorf("%s: status %d, stderr %q (-want +got)\n%s", dst, r.Status, r.Stderr, diff)
			}
		}
	})
}

// TestRouteGet_oneTree: the kernel calls the table main as long as local is no tree of its own, and that is said.
func TestRouteGet_oneTree(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		want := "chosen: 127.0.0.1/32 local dev lo table local: longest prefix\n" +
			"kernel: local dev lo src 127.0.0.1, by 127.0.0.1/32 local dev lo table main: the same\n" +
			"reason: one-tree: the kernel holds local and main in one tree until the first rule is changed, and calls both main\n"
		r := nstest.Here(t).Run(t, gnetCalled(t, "gnet"), "route", "get", "127.0.0.1")
		_, lines, _ := strings.Cut(r.Stdout, "\nchosen: ")
		if diff := cmp.Diff(want, "chosen: "+lines); diff != "" || r.Status != 0 || r.Stderr != "" {
			t.Errorf("status %d, stderr %q (-want +got)\n%s", r.Status, r.Stderr, diff)
		}
	})
}

// TestRouteGet_zone: which interface is asked for is no question that the command can put, and it must not answer for another.
func TestRouteGet_zone(t *testing.T) {
	program := gnetCalled(t, "gnet")
	want := nstest.Result{Status: 3, Stderr: "gnet route get: fe80::1%d0: a zone is not looked up\n" +
		"hint: gnet route get fe80::1 shows which interface is taken without one\n"}
	if diff := cmp.Diff(want, nstest.Here(t).Run(t, program, "route", "get", "fe80::1%d0")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRouteGet_json(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		const want = `{"kind":"row","rule":32766,"table":254,"destination":"10.60.7.0/24","masked":"10.61.0.0","equal":false,"type":"unicast","metric":0,"gateway":"10.50.0.4","iface":"d0","won":false,"why":"not equal"}
{"kind":"row","rule":32766,"table":254,"destination":"10.61.0.0/16","masked":"10.61.0.0","equal":true,"type":"unreachable","metric":0,"won":true,"why":"longest prefix"}
{"kind":"summary","destination":"10.61.0.1","winner":"10.61.0.0/16","winner_table":254,"refused":"No route to host","kernel_refused":"No route to host","agree":true,"reasons":[]}
`
		r := get("10.61.0.1", "--format", "jsonl")
		lines := strings.SplitAfter(r.Stdout, "\n")
		if diff := cmp.Diff(want, strings.Join(lines[max(0, len(lines)-4):], "")); diff != "" || r.Status != 1 {
			t.Errorf("status %d (-want +got)\n%s", r.Status, diff)
		}
	})
}
