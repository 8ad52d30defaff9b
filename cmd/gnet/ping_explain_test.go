package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// steadyExplain is the output without times and identifications.
func steadyExplain(stdout string) string {
	for _, r := range []struct{ pattern, with string }{
		{`id 0x[0-9a-f]+`, "id X"},
		{`(?m)^ *\d+\.\d{3}( {2,}\d)`, " T$1"},
		{`after [0-9.]+ ms`, "after T ms"},
		{`time=[0-9.]+ ms`, "time=T ms"},
		{`time \d+ms`, "time Tms"},
		{`rtt min.*`, "rtt"},
	} {
		stdout = regexp.MustCompile(r.pattern).ReplaceAllString(stdout, r.with)
	}
	return stdout
}

// explainCase is one run in the lab.
type explainCase struct {
	name, line string
	user       bool
	set        func(t *testing.T, p *nstest.Path)
	status     int
	want       string
	stderr     string // its last line, if not empty
}

func (c *explainCase) run(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, nstest.PathMTUs()...)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		if c.set != nil {
			c.set(t, p)
		}
		cmd := exec.Command(gnet, strings.Fields(c.line)...)
		if c.user {
			p.Client().AllowPing(t)
			nstest.AsNobody(t, cmd)
		}
		r := p.Client().Output(t, cmd)
		got := steadyExplain(r.Stdout)
		if diff := cmp.Diff(c.want, got); diff != "" || r.Status != c.status {
			t.Errorf("status %d, stderr %q (-want +got)\n%s\n%s", r.Status, r.Stderr, diff, r.Stdout)
		}
		if !strings.HasSuffix(r.Stderr, c.stderr) {
			t.Errorf("stderr %q, want %q at its end", r.Stderr, c.stderr)
		}
		for line := range strings.Lines(r.Stdout) {
			if len(line) > 81 && !strings.Contains(line, "packets transmitted") { // the original's line
				t.Errorf("longer than 80: %q", line)
			}
		}
	})
}

const explained3000 = `plan of an echo request with 3000 data bytes to 10.77.4.2
  message: 8 bytes of ICMP header + 3000 of data = 3008 bytes
  packet:  20 bytes of IPv4 header + 3008 = 3028 bytes
  header:  version 4, IHL 5 (20 bytes), TOS 0x00, TTL 64, protocol 1 (ICMP),
           from 10.77.1.1 to 10.77.4.2
  link:    right, MTU 1500
  cut:     1500 - 20 = 1480 bytes of data in a packet; that is 185 units of 8
           bytes; 3008 = 2 x 1480 + 48: 3 fragments, of which the first alone
           has the ICMP header
  DF:      0 (-M dont): routers may cut further
     #  length  header   data  offset     /8  DF MF
     1    1500      20   1480       0      0   0  1
     2    1500      20   1480    1480    185   0  1
     3      68      20     48    2960    370   0  0
`

const seen3000 = `
PING 10.77.4.2 (10.77.4.2) 3000(3028) bytes of data.
  seen on right: request 1 left in 3 packets, id X, TTL 64
    ms  length  header   data  offset     /8  DF MF
 T    1500      20   1480       0      0   0  1  as planned
 T    1500      20   1480    1480    185   0  1  as planned
 T      68      20     48    2960    370   0  0  as planned
`

const replied3000 = `  seen on right: reply 1 came in 5 packets, id X, TTL 61
    ms  length  header   data  offset     /8  DF MF
 T    1396      20   1376       0      0   0  1
 T     124      20    104    1376    172   0  1
 T    1396      20   1376    1480    185   0  1
 T     124      20    104    2856    357   0  1
 T      68      20     48    2960    370   0  0
3008 bytes from 10.77.4.2: icmp_seq=1 ttl=61 time=T ms

--- 10.77.4.2 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time Tms
rtt
  wire:    1 of 1 request left as planned, in 3 packets; 1 reply came whole, in
           5 packets
  back:    the host, or a router on the way back, cut by an MTU from 1396 to
           1403: so long is the longest packet, to the next multiple of 8
`

// TestExplain_kernel: the plan is what the wire has.
func TestExplain_kernel(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, c := range []explainCase{
		{name: "three fragments", line: "--explain -M dont -s 3000 10.77.4.2", want: explained3000 + seen3000 + replied3000},
		{name: "what links behind make of them", line: "--explain=1450,1400,9000 -M dont -s 3000 10.77.4.2", want: explained3000 + `  then:    link 2, MTU 1450: 5 packets arrive
     #  length  header   data  offset     /8  DF MF
     1    1444      20   1424       0      0   0  1
     2      76      20     56    1424    178   0  1
     3    1444      20   1424    1480    185   0  1
     4      76      20     56    2904    363   0  1
     5      68      20     48    2960    370   0  0
  then:    link 3, MTU 1400: 7 packets arrive
     #  length  header   data  offset     /8  DF MF
     1    1396      20   1376       0      0   0  1
     2      68      20     48    1376    172   0  1
     3      76      20     56    1424    178   0  1
     4    1396      20   1376    1480    185   0  1
     5      68      20     48    2856    357   0  1
     6      76      20     56    2904    363   0  1
     7      68      20     48    2960    370   0  0
  then:    link 4, MTU 9000: nothing to cut
` + seen3000 + replied3000},
		{name: "a fragment is lost", line: "--explain -M dont -s 3000 10.77.4.2", status: 1, set: func(t *testing.T, p *nstest.Path) {
			p.Drop(t, 2, "iifname left ip frag-off & 0x1fff == 185")
			p.Server().Sysctl(t, "net/ipv4/ipfrag_time", "1")
		}, want: explained3000 + seen3000 + `  seen on right: ICMP type 11 code 1 from 10.77.4.2 after T ms
  means:   fragment reassembly time exceeded: of request 1, id X, a
           fragment did not arrive, so 10.77.4.2 has thrown away the others: the
           whole datagram is lost
From 10.77.4.2 icmp_seq=1 Frag reassembly time exceeded

--- 10.77.4.2 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms

  wire:    1 of 1 request left as planned, in 3 packets; no whole reply came
  why:     the host waited for a fragment in vain, and gave up 1 datagram
`},
		// Without end (-W 0), unless the message ends it.
		{name: "a fragment is lost, and a ping socket is not told", line: "--explain -q -W 0 -M dont -s 3000 10.77.4.2", status: 1, set: func(t *testing.T, p *nstest.Path) {
			p.Client().AllowPing(t)
			p.Drop(t, 2, "iifname left ip frag-off & 0x1fff == 185")
			p.Server().Sysctl(t, "net/ipv4/ipfrag_time", "1")
		}, stderr: "hint: the host is there, and says: Frag reassembly time exceeded\n", want: explained3000 + `
PING 10.77.4.2 (10.77.4.2) 3000(3028) bytes of data.

--- 10.77.4.2 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time Tms

  wire:    1 of 1 request left as planned, in 3 packets; no whole reply came
  why:     the host waited for a fragment in vain, and gave up 1 datagram
`},
		{name: "no fragment may be made", line: "--explain -M do -s 3000 10.77.4.2", status: 1, want: strings.NewReplacer(`cut:     1500 - 20 = 1480 bytes of data in a packet; that is 185 units of 8
           bytes; 3008 = 2 x 1480 + 48: 3 fragments, of which the first alone
           has the ICMP header
  DF:      0 (-M dont): routers may cut further
     #  length  header   data  offset     /8  DF MF
     1    1500      20   1480       0      0   0  1
     2    1500      20   1480    1480    185   0  1
     3      68      20     48    2960    370   0  0
`, `cut:     3028 bytes are more than 1500, and -M do allows no fragment: the
           kernel sends nothing (EMSGSIZE)
  DF:      it would be 1: -M do
`).Replace(explained3000) + `
PING 10.77.4.2 (10.77.4.2) 3000(3028) bytes of data.

--- 10.77.4.2 ping statistics ---
0 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms, 1 not sent

  wire:    nothing left, as planned
`},
		{name: "a router says what fits", line: "--explain=1450 -c 2 -i 0.1 -s 1472 10.77.4.2", want: `plan of an echo request with 1472 data bytes to 10.77.4.2
  message: 8 bytes of ICMP header + 1472 of data = 1480 bytes
  packet:  20 bytes of IPv4 header + 1480 = 1500 bytes
  header:  version 4, IHL 5 (20 bytes), TOS 0x00, TTL 64, protocol 1 (ICMP),
           from 10.77.1.1 to 10.77.4.2
  link:    right, MTU 1500
  cut:     nothing to cut: 1500 bytes are no more than 1500
  DF:      1 (-M want): no router may cut it; one with a narrower link drops it
           and says so (type 3 code 4)
     #  length  header   data  offset     /8  DF MF
     1    1500      20   1480       0      0   1  0
  then:    link 2, MTU 1450: DF forbids to cut: the packet is dropped, and ICMP
           type 3 code 4 with that MTU comes back

PING 10.77.4.2 (10.77.4.2) 1472(1500) bytes of data.
  seen on right: request 1 left in 1 packet, id X, TTL 64
    ms  length  header   data  offset     /8  DF MF
 T    1500      20   1480       0      0   1  0  as planned
  seen on right: ICMP type 3 code 4 from 10.77.1.2 after T ms
  means:   Frag needed and DF set (mtu = 1450); it quotes request 1, 1500 bytes
From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 1450)
plan from icmp_seq=2 on, with what the kernel has learned:
  link:    right, MTU 1500; by its route, or by what a router said, the kernel
           cuts at 1450
  cut:     1450 - 20 = 1430 bytes of data in a packet; in units of 8 bytes 1424
           = 178 x 8; 1480 = 1 x 1424 + 56: 2 fragments, of which the first
           alone has the ICMP header
  DF:      0: -M want sets it only while the datagram fits; routers may cut the
           fragments again
     #  length  header   data  offset     /8  DF MF
     1    1444      20   1424       0      0   0  1
     2      76      20     56    1424    178   0  0
  then:    link 2, MTU 1450: nothing to cut
  seen on right: request 2 left in 2 packets, id X, TTL 64
    ms  length  header   data  offset     /8  DF MF
 T    1444      20   1424       0      0   0  1  as planned
 T      76      20     56    1424    178   0  0  as planned
  seen on right: reply 2 came in 2 packets, id X, TTL 61
    ms  length  header   data  offset     /8  DF MF
 T    1396      20   1376       0      0   0  1
 T     124      20    104    1376    172   0  0
1480 bytes from 10.77.4.2: icmp_seq=2 ttl=61 time=T ms

--- 10.77.4.2 ping statistics ---
2 packets transmitted, 1 received, +1 errors, 50% packet loss, time Tms
rtt
  wire:    2 of 2 requests left as planned, in 3 packets; 1 reply came whole, in
           2 packets
  back:    the host, or a router on the way back, cut by an MTU from 1396 to
           1403: so long is the longest packet, to the next multiple of 8
`},
		{name: "IPv6", line: "--explain -s 3000 fd77:1::2", want: `plan of an echo request with 3000 data bytes to fd77:1::2
  message: 8 bytes of ICMP header + 3000 of data = 3008 bytes
  packet:  40 bytes of IPv6 header + 3008 = 3048 bytes
  header:  version 6, traffic class 0x00, hop limit 64, next header 58 (ICMPv6),
           from fd77:1::1 to fd77:1::2
  link:    right, MTU 1500
  cut:     1500 - 40 - 8 (Fragment header) = 1452 bytes of data in a packet; in
           units of 8 bytes 1448 = 181 x 8; 3008 = 2 x 1448 + 112: 3 fragments,
           of which the first alone has the ICMP header
     #  length  header   data  offset     /8     MF
     1    1496      48   1448       0      0      1
     2    1496      48   1448    1448    181      1
     3     160      48    112    2896    362      0

PING fd77:1::2(fd77:1::2) 3000 data bytes
  seen on right: request 1 left in 3 packets, id X, hop limit 64
    ms  length  header   data  offset     /8     MF
 T    1496      48   1448       0      0      1  as planned
 T    1496      48   1448    1448    181      1  as planned
 T     160      48    112    2896    362      0  as planned
  seen on right: reply 1 came in 3 packets, id X, hop limit 64
    ms  length  header   data  offset     /8     MF
 T    1496      48   1448       0      0      1
 T    1496      48   1448    1448    181      1
 T     160      48    112    2896    362      0
3008 bytes from fd77:1::2: icmp_seq=1 ttl=64 time=T ms

--- fd77:1::2 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time Tms
rtt
  wire:    1 of 1 request left as planned, in 3 packets; 1 reply came whole, in
           3 packets
  back:    the host, or a router on the way back, cut by an MTU from 1496 to
           1503: so long is the longest packet, to the next multiple of 8
`},
		{name: "the links that --pmtu finds", line: "--explain --pmtu -q -M dont -s 3000 10.77.4.2", set: func(t *testing.T, p *nstest.Path) { p.Blind(t, 2) },
			want: `plan of an echo request with 3000 data bytes to 10.77.4.2
  message: 8 bytes of ICMP header + 3000 of data = 3008 bytes
  packet:  20 bytes of IPv4 header + 3008 = 3028 bytes
  header:  version 4, IHL 5 (20 bytes), TOS 0x00, TTL 64, protocol 1 (ICMP),
           from 10.77.1.1 to 10.77.4.2
  link:    right, MTU 1500; by its route, or by what a router said, the kernel
           cuts at 1450
  cut:     1450 - 20 = 1430 bytes of data in a packet; in units of 8 bytes 1424
           = 178 x 8; 3008 = 2 x 1424 + 160: 3 fragments, of which the first
           alone has the ICMP header
  DF:      0 (-M dont): routers may cut further
     #  length  header   data  offset     /8  DF MF
     1    1444      20   1424       0      0   0  1
     2    1444      20   1424    1424    178   0  1
     3     180      20    160    2848    356   0  0
  then:    the link behind 10.77.1.2, MTU 1450: nothing to cut
  then:    the link behind 10.77.2.2, MTU 1400: 5 packets arrive
     #  length  header   data  offset     /8  DF MF
     1    1396      20   1376       0      0   0  1
     2      68      20     48    1376    172   0  1
     3    1396      20   1376    1424    178   0  1
     4      68      20     48    2800    350   0  1
     5     180      20    160    2848    356   0  0

PING 10.77.4.2 (10.77.4.2) 3000(3028) bytes of data.

--- 10.77.4.2 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time Tms
rtt
  wire:    1 of 1 request left as planned, in 3 packets; 1 reply came whole, in
           5 packets
  back:    the host, or a router on the way back, cut by an MTU from 1396 to
           1403: so long is the longest packet, to the next multiple of 8
`},
		{name: "nobody is there", line: "--explain -q -W 0.1 -s 1473 10.77.1.99", status: 1,
			stderr: "hint: 10.77.1.99 on right does not answer ARP requests: no such host on this link\n", want: `plan of an echo request with 1473 data bytes to 10.77.1.99
  message: 8 bytes of ICMP header + 1473 of data = 1481 bytes
  packet:  20 bytes of IPv4 header + 1481 = 1501 bytes
  header:  version 4, IHL 5 (20 bytes), TOS 0x00, TTL 64, protocol 1 (ICMP),
           from 10.77.1.1 to 10.77.1.99
  link:    right, MTU 1500
  cut:     1500 - 20 = 1480 bytes of data in a packet; that is 185 units of 8
           bytes; 1481 = 1 x 1480 + 1: 2 fragments, of which the first alone has
           the ICMP header
  DF:      0: -M want sets it only while the datagram fits; routers may cut the
           fragments again
     #  length  header   data  offset     /8  DF MF
     1    1500      20   1480       0      0   0  1
     2      21      20      1    1480    185   0  0

PING 10.77.1.99 (10.77.1.99) 1473(1501) bytes of data.

--- 10.77.1.99 ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time Tms

  wire:    nothing was seen leaving, against the plan
`},
		{name: "no rights", line: "--explain -q -M dont -s 3000 10.77.4.2", user: true, want: explained3000 + `
PING 10.77.4.2 (10.77.4.2) 3000(3028) bytes of data.

--- 10.77.4.2 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time Tms
rtt
  unseen:  the packets themselves, there and back, and the message that a host
           gives up a datagram: a packet socket sees them, and takes CAP_NET_RAW
           (root)
`},
	} {
		t.Run(c.name, c.run)
	}
}

// TestExplain_json: the rows of the plan, and those of what left, agree; at the largest size, with the
// options of a record route, on the loopback device.
func TestExplain_json(t *testing.T) {
	type row struct {
		Stage, Message string
		Bytes, Offset  int
		Header         int `json:"header_bytes"`
		Units          int `json:"offset_units"`
		DF, MF         bool
	}
	type document struct {
		Schema  string
		Rows    []row
		Summary struct {
			Planned   int `json:"planned_packets"`
			AsPlanned int `json:"requests_as_planned"`
			Packets   int `json:"request_packets"`
			Replies   int `json:"replies_seen"`
			Strays    int `json:"stray_fragments"`
			Seen      bool
		}
	}
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.NewPath(t, 1500, 1400)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		for _, tt := range []struct {
			line    string
			packets int
			last    row
		}{
			{"-s 65507 10.77.1.2", 45, row{Stage: "plan", Bytes: 415, Offset: 65120, Header: 20, Units: 8140}},
			{"-s 65507 127.0.0.1", 1, row{Stage: "plan", Bytes: 65535, Header: 20, DF: true}},
			{"-s 0 10.77.1.2", 1, row{Stage: "plan", Bytes: 28, Header: 20, DF: true}},
			{"-s 1473 10.77.1.2", 2, row{Stage: "plan", Bytes: 21, Offset: 1480, Header: 20, Units: 185}},
			{"-R -s 1460 10.77.1.2", 2, row{Stage: "plan", Bytes: 88, Offset: 1440, Header: 60, Units: 180}},
			{"-s 65527 fd77:1::2", 46, row{Stage: "plan", Bytes: 423, Offset: 65160, Header: 48, Units: 8145}},
			{"-s 1452 fd77:1::2", 1, row{Stage: "plan", Bytes: 1500, Header: 40}},
		} {
			r := p.Client().Run(t, gnet, append([]string{"--explain", "--json"}, strings.Fields(tt.line)...)...)
			var got document
			if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil {
				t.Fatalf("%s: %v\n%s%s", tt.line, err, r.Stdout, r.Stderr)
			}
			var plan, left []row
			for _, row := range got.Rows {
				switch {
				case row.Stage == "plan":
					plan = append(plan, row)
				case row.Message == "request":
					row.Stage, row.Message = "plan", ""
					left = append(left, row)
				}
			}
			want := document{Schema: "gnet/ping-explain/1", Rows: got.Rows}
			s := &want.Summary
			s.Planned, s.AsPlanned, s.Packets, s.Replies, s.Seen = tt.packets, 1, tt.packets, 1, true
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.line, diff)
			}
			if diff := cmp.Diff(plan, left); diff != "" || len(plan) != tt.packets {
				t.Errorf("%s: %d planned (-plan +left):\n%s", tt.line, len(plan), diff)
			} else if diff := cmp.Diff(tt.last, plan[len(plan)-1]); diff != "" {
				t.Errorf("%s: the last packet (-want +got):\n%s", tt.line, diff)
			}
		}
	})
}
