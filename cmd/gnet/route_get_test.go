package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		want := nstest.Result{Stdout: `rule 0: from all lookup local: no match
  ENTRY              MASK            10.60.7.9 AND MASK EQUAL METRIC WAY              RESULT
  10.50.0.1/32       255.255.255.255 10.60.7.9          no    0      local dev d0
  10.50.0.255/32     255.255.255.255 10.60.7.9          no    0      broadcast dev d0
  127.0.0.0/8        255.0.0.0       10.0.0.0           no    0      local dev lo
  127.0.0.1/32       255.255.255.255 10.60.7.9          no    0      local dev lo
  127.255.255.255/32 255.255.255.255 10.60.7.9          no    0      broadcast dev lo
rule 10: from all fwmark 0x7 lookup 100: does not apply: fwmark 0x7/0xffffffff
rule 32766: from all lookup main: decides
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

// TestRouteGet_packet: what is given of the packet decides which rules and entries apply, and the kernel, asked the same, agrees.
func TestRouteGet_packet(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		host, ip := nstest.Here(t), nstest.Peer(t, "ip")
		host.Sysctl(t, "net/ipv4/ip_forward", "1")
		for _, line := range []string{
			"route add default via 10.50.0.7 table 100", "route add default via 10.50.0.8 table 101", "route add default via 10.50.0.9 table 102",
			"rule add priority 11 uidrange 77-78 lookup 101", "rule add priority 12 ipproto tcp dport 80-90 lookup 102", "rule add priority 13 sport 99 lookup 101",
			"rule add priority 14 from 10.50.0.0/25 to 10.62.0.0/16 lookup 100", "rule add priority 15 iif d0 to 10.63.0.0/16 lookup 101",
			"rule add priority 16 tos 0x10 lookup 102", "rule add priority 17 iif d0 to 10.64.0.0/16 prohibit",
			"route add 10.65.0.0/16 via 10.50.0.5 tos 0x04", "route add 10.65.0.0/16 via 10.50.0.6",
		} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatalf("ip %s: %s", line, r.Stderr)
			}
		}
		for line, want := range map[string]string{
			"10.62.0.1":                           "chosen: 0.0.0.0/0 via 10.50.0.2 dev d0 table main: the only match",
			"10.62.0.1 --mark 7":                  "chosen: 0.0.0.0/0 via 10.50.0.7 dev d0 table 100: the only match",
			"10.62.0.1 --mark 0x17":               "chosen: 0.0.0.0/0 via 10.50.0.2 dev d0 table main: the only match",
			"10.62.0.1 --uid 78":                  "chosen: 0.0.0.0/0 via 10.50.0.8 dev d0 table 101: the only match",
			"10.62.0.1 --ipproto tcp --dport 80":  "chosen: 0.0.0.0/0 via 10.50.0.9 dev d0 table 102: the only match",
			"10.62.0.1 --dport 80":                "chosen: 0.0.0.0/0 via 10.50.0.2 dev d0 table main: the only match",
			"10.62.0.1 --sport 99":                "chosen: 0.0.0.0/0 via 10.50.0.8 dev d0 table 101: the only match",
			"10.62.0.1 --from 10.50.0.1":          "chosen: 0.0.0.0/0 via 10.50.0.7 dev d0 table 100: the only match",
			"10.63.0.1 --from 10.50.0.2 --iif d0": "chosen: 0.0.0.0/0 via 10.50.0.8 dev d0 table 101: the only match",
			"10.62.0.1 --tos 0x10":                "chosen: 0.0.0.0/0 via 10.50.0.9 dev d0 table 102: the only match",
			"10.65.0.1 --tos 4":                   "chosen: 10.65.0.0/16 via 10.50.0.5 dev d0 table main: longest prefix, for this TOS",
			"10.65.0.1":                           "chosen: 10.65.0.0/16 via 10.50.0.6 dev d0 table main: longest prefix",
			"10.62.0.1 --oif d0":                  "chosen: 0.0.0.0/0 via 10.50.0.2 dev d0 table main: the only match",
			"2001:db8:50::9 --oif d0":             "chosen: 2001:db8:50::/64 dev d0 metric 256 table main: the only match",
			"fe80::9%d0":                          "chosen: fe80::/64 dev d0 metric 256 table main: the only match",
		} {
			r := get(strings.Fields(line)...)
			_, lines, _ := strings.Cut(r.Stdout, "\nchosen: ")
			lines = "chosen: " + lines
			chosen, kernel, _ := strings.Cut(lines, "\n")
			if chosen != want || !strings.Contains(kernel, ": the same\n") || r.Status != 0 || r.Stderr != "" {
				t.Errorf("%s: status %d, stderr %q, want %s\n%s", line, r.Status, r.Stderr, want, lines)
			}
		}
		r := get("10.64.0.1", "--iif", "d0", "--from", "10.50.0.2")
		if !strings.HasSuffix(r.Stdout, "chosen: nothing: Permission denied\nkernel: Permission denied: the same\n") || r.Status != 1 {
			t.Errorf("a rule that prohibits: %+v", r)
		}
	})
}

// TestRouteGet_ruleText: the rules in the words of ip(8), those that do not apply with the selector that is against them.
func TestRouteGet_ruleText(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, ip := nstest.Here(t), nstest.Peer(t, "ip")
		for _, line := range []string{
			"priority 10 not from 192.0.2.0/24 to 198.51.100.7 lookup 100", "priority 11 fwmark 0x7/0xff lookup 100", "priority 12 fwmark 7 blackhole",
			"priority 13 iif nosuch lookup 100", "priority 14 oif lo lookup local", "priority 15 uidrange 7-8 prohibit", "priority 16 ipproto tcp sport 5 dport 80-90 unreachable",
			"priority 17 from all to 203.0.113.0/24 goto 32766", "priority 18 from 10.0.0.0/8 goto 77", "priority 19 from 10.1.0.0/16 nop", "priority 20 lookup default suppress_prefixlength 0",
			"priority 21 tos 0x10 lookup 4294967295", "priority 22 from 10.0.0.7 ipproto 58 lookup main suppress_ifgroup 3", "priority 23 l3mdev",
		} {
			if r := host.Run(t, ip, append([]string{"rule", "add"}, strings.Fields(line)...)...); r.Status != 0 {
				t.Fatalf("ip rule add %s: %s", line, r.Stderr)
			}
		}
		var want, got []string
		for line := range strings.Lines(host.Run(t, ip, "rule", "list").Stdout) {
			want = append(want, strings.Join(strings.Fields(line), " "))
		}
		r := host.Run(t, gnetCalled(t, "gnet"), "route", "get", "192.0.2.1", "--json")
		var document struct {
			Summary struct {
				Rules []struct {
					Priority  uint32
					Text, Why string
					Applies   bool
					Table     uint32
				}
			}
		}
		if err := json.Unmarshal([]byte(r.Stdout), &document); err != nil {
			t.Fatalf("%v: %+v", err, r)
		}
		for _, rule := range document.Summary.Rules {
			text := fmt.Sprintf("%d: %s", rule.Priority, rule.Text)
			got = append(got, text)
			if rule.Applies == (rule.Table == 0) || rule.Why == "" {
				t.Errorf("%+v", rule)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-ip +gnet)\n%s", diff)
		}
	})
}

// TestRouteGet_brief: the kernel's answer alone.
func TestRouteGet_brief(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		for line, want := range map[string]nstest.Result{
			"--brief 10.60.7.9":                {Stdout: "10.60.7.9: via 10.50.0.4 dev d0 src 10.50.0.1, by 10.60.7.0/24 via 10.50.0.4 dev d0 table main\n"},
			"--brief 10.61.0.1":                {Status: 1, Stdout: "10.61.0.1: No route to host\n"},
			"--brief 10.60.7.9 --format jsonl": {Stdout: `{"kind":"summary","destination":"10.60.7.9","kernel_gateway":"10.50.0.4","kernel_iface":"d0","kernel_source":"10.50.0.1","kernel_type":"unicast","kernel_entry":"10.60.7.0/24"}` + "\n"},
			"10.60.7.9 --oif nosuch":           {Status: 2, Stderr: "gnet route get: nosuch: no such device\n"},
		} {
			if diff := cmp.Diff(want, get(strings.Fields(line)...)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", line, diff)
			}
		}
	})
}

// TestRouteGet_likeIP holds the kernel's answer as gnet shows it to `ip route get`, the entry to `ip route get fibmatch`.
func TestRouteGet_likeIP(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		host, ip := nstest.Here(t), nstest.Peer(t, "ip")
		for _, line := range []string{"route add default via 10.50.0.7 table 100", "route add 10.70.0.0/16 nexthop via 10.50.0.5 dev d0 nexthop via 10.50.0.6 dev d0 weight 4",
			"-6 route add 2001:db8:70::/48 via 2001:db8:50::7 metric 9 src 2001:db8:50::1", "route add 10.71.0.0/16 via inet6 fe80::75 dev d0"} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatalf("ip %s: %s", line, r.Stderr)
			}
		}
		type way struct{ Gateway, Dev, Source, Entry string }
		for line, asked := range map[string]string{
			"10.60.7.9": "10.60.7.9", "10.60.9.9 --mark 7": "10.60.9.9 mark 7", "10.70.0.1": "10.70.0.1", "10.70.0.3 --from 10.50.0.1": "10.70.0.3 from 10.50.0.1",
			"2001:db8:70::1": "2001:db8:70::1", "10.71.0.1 --oif d0": "10.71.0.1 oif d0", "10.50.0.1": "10.50.0.1",
		} {
			var ours struct {
				Gateway string `json:"kernel_gateway"`
				Dev     string `json:"kernel_iface"`
				Source  string `json:"kernel_source"`
				Entry   string `json:"kernel_entry"`
			}
			r := get(append([]string{"--brief", "--format", "jsonl"}, strings.Fields(line)...)...)
			if err := json.Unmarshal([]byte(r.Stdout), &ours); err != nil || r.Status != 0 {
				t.Fatalf("%s: %v %+v", line, err, r)
			}
			var answer, entry []struct {
				Dst, Gateway, Dev, PrefSrc string
				Via                        struct{ Host string }
			}
			for question, to := range map[string]any{"": &answer, "fibmatch ": &entry} {
				out := host.Run(t, ip, strings.Fields("-j route get "+question+asked)...)
				if err := json.Unmarshal([]byte(out.Stdout), to); err != nil {
					t.Fatalf("ip route get %s%s: %v %+v", question, asked, err, out)
				}
			}
			family := "-4"
			if strings.Contains(asked, ":") {
				family = "-6"
			}
			want := way{answer[0].Gateway + answer[0].Via.Host, answer[0].Dev, answer[0].PrefSrc, ipPrefix(family, entry[0].Dst)}
			if diff := cmp.Diff(want, way(ours)); diff != "" {
				t.Errorf("%s (-ip +gnet)\n%s", line, diff)
			}
		}
	})
}

// TestRouteGet_bound: what the kernel answers for an interface beyond the tables is said.
func TestRouteGet_bound(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		host := nstest.Here(t)
		host.Sysctl(t, "net/ipv4/conf/d0/forwarding", "0")
		for line, want := range map[string]string{
			"10.60.7.9 --from 10.50.0.9":          "reason: source: 10.50.0.9 is no address of this host, which sends from its own alone; --iif asks about a packet that comes in\n",
			"10.60.7.9 --oif lo":                  "reason: on-link: no entry leads out of lo; the kernel takes the destination for a neighbour on that link\n",
			"10.60.7.9 --iif d0 --from 10.50.0.2": "reason: forwarding: what comes in by d0 is not forwarded\n",
			"10.60.7.9 --iif d0 --from 224.0.0.1": "reason: source: the kernel takes no packet from 224.0.0.1 that comes in by d0: the way back is another, or it is no source address\n",
		} {
			r := get(strings.Fields(line)...)
			if !strings.HasSuffix(r.Stdout, ": DIFFERENT\n"+want) {
				t.Errorf("%s: %+v", line, r)
			}
		}
	})
}

func TestRouteGet_refusedWords(t *testing.T) {
	for line, want := range map[string]string{
		"10.0.0.1 10.0.0.2":           "one address, got 2 words",
		"nosuch":                      `"nosuch" is not an address`,
		"fe80::1%d0 --oif d1":         "fe80::1%d0 and --oif d1 are different devices",
		"10.0.0.1 --from ::1":         "--from ::1 and 10.0.0.1 are of different families",
		"10.0.0.1 --from fe80::1%d0":  `--from: "fe80::1%d0" is not an address without a zone`,
		"10.0.0.1 --mark 0x1ffffffff": `--mark: "0x1ffffffff" is not a number from 0 to 4294967295`,
		"10.0.0.1 --uid root":         `--uid: "root" is not a number from 0 to 4294967295`,
		"10.0.0.1 --tos 256":          `--tos: "256" is not a number from 0 to 255`,
		"10.0.0.1 --ipproto nosuch":   `--ipproto: "nosuch" is not a number from 0 to 255`,
		"10.0.0.1 --sport -1":         `--sport: "-1" is not a number from 0 to 65535`,
		"10.0.0.1 --dport 65536":      `--dport: "65536" is not a number from 0 to 65535`,
		"10.0.0.1 --format xml":       `unknown format "xml" (classic, table, json, jsonl or csv)`,
	} {
		e := systemEnv()
		cmd := newRouteGetCommand(e, func(context.Context, *env, routeGetOptions) error { return errors.New("it ran") })
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(strings.Fields(line))
		if err := cmd.Execute(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

func TestRouteGet_json(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		get := routeGetLab(t)
		const want = `{"kind":"row","rule":32766,"table":254,"destination":"10.60.7.0/24","masked":"10.61.0.0","equal":false,"type":"unicast","metric":0,"gateway":"10.50.0.4","iface":"d0","won":false,"why":"not equal"}
{"kind":"row","rule":32766,"table":254,"destination":"10.61.0.0/16","masked":"10.61.0.0","equal":true,"type":"unreachable","metric":0,"won":true,"why":"longest prefix"}
{"kind":"summary","destination":"10.61.0.1","rules":[{"priority":0,"text":"from all lookup local","applies":true,"table":255,"entries":5,"why":"no match"},{"priority":10,"text":"from all fwmark 0x7 lookup 100","applies":false,"why":"fwmark 0x7/0xffffffff"},{"priority":32766,"text":"from all lookup main","applies":true,"table":254,"entries":6,"why":"decides"}],"winner":"10.61.0.0/16","winner_table":254,"refused":"No route to host","kernel_refused":"No route to host","agree":true,"reasons":[]}
`
		r := get("10.61.0.1", "--format", "jsonl")
		lines := strings.SplitAfter(r.Stdout, "\n")
		if diff := cmp.Diff(want, strings.Join(lines[max(0, len(lines)-4):], "")); diff != "" || r.Status != 1 {
			t.Errorf("status %d (-want +got)\n%s", r.Status, diff)
		}
	})
}
