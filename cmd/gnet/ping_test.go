package main

import (
	"context"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/render"
	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// A command line becomes options; nothing else of it is looked at later.
func TestPingOptions(t *testing.T) {
	change := func(set func(*pingOptions)) pingOptions {
		o := defaultPing()
		set(&o)
		return o
	}
	for _, tt := range []struct {
		line string
		want pingOptions
	}{
		{"h", change(func(o *pingOptions) { o.Targets = []string{"h"} })},
		{"-c3 -i.25 -s 100 -t9 -M do -W1.5 -w 7 -qnDOv h", change(func(o *pingOptions) {
			o.Targets, o.Count, o.Interval, o.IntervalSet, o.Size, o.TTL = []string{"h"}, 3, 250*time.Millisecond, true, 100, 9
			o.MTU, o.Wait, o.WaitSet, o.Deadline = probe.MTUDo, 1500*time.Millisecond, true, 7*time.Second
			o.Quiet, o.Numeric, o.Stamp, o.Outstanding, o.Verbose = true, true, true, true, true
		})},
		{"h -I 10.0.0.1 -I eth0 -6 --json", change(func(o *pingOptions) {
			o.Targets, o.Source4, o.StrictFrom, o.Device, o.Family = []string{"h"}, netip.MustParseAddr("10.0.0.1"), true, "eth0", probe.IPv6
			o.Format = render.JSON
		})},
		{"-I fe80::1%eth1 -f h", change(func(o *pingOptions) {
			o.Targets, o.Source6, o.StrictFrom, o.Device = []string{"h"}, netip.MustParseAddr("fe80::1"), true, "eth1"
			o.Flood, o.Numeric, o.Interval = true, true, 0
		})},
		{"-f -i 0.01 h", change(func(o *pingOptions) {
			o.Targets, o.Flood, o.Numeric, o.Interval, o.IntervalSet = []string{"h"}, true, true, 10*time.Millisecond, true
		})},
		// A time below the clock's step is the shortest one, and not none at all.
		{"-W 1e-10 -i 1e-12 h", change(func(o *pingOptions) {
			o.Targets, o.Wait, o.WaitSet, o.Interval, o.IntervalSet = []string{"h"}, 1, true, 1, true
		})},
		{"-p ff0 -Q 0xb8 -e 0 -U h", change(func(o *pingOptions) {
			o.Targets, o.Pattern, o.PatternSet, o.TOS, o.ID, o.UserTime = []string{"h"}, []byte{0xff, 0}, true, 0xb8, 0, true
		})},
		{"-R -C3H -m 5 -F 0xfffff h", change(func(o *pingOptions) {
			o.Targets, o.RecordRoute, o.Connect, o.Precise, o.ForceNames = []string{"h"}, true, true, true, true
			o.Mark, o.MarkSet, o.Flow, o.FlowLabel = 5, true, true, 0xfffff
		})},
		{"-N ipv6-all -N ipv6 -N subject-fqdn=A.b%eth0 h", change(func(o *pingOptions) {
			o.Targets = []string{"h"}
			o.Node = nodeOptions{qtype: wire.NodeIPv6, flags: 2, hasSubject: true, subject: "a.b", kind: wire.NodeSubjectName, full: true, zone: "eth0"}
		})},
		{"-T tsprespec -H a b -n h", change(func(o *pingOptions) {
			o.Targets, o.Timestamps, o.TimestampHosts, o.Numeric = []string{"h"}, wire.TimestampsPrescribed, []string{"a", "b"}, true
		})},
		{"a b --targets f --targets - --range 10.0.0.0/30 --pps 0 --all-addresses", change(func(o *pingOptions) {
			o.Targets, o.TargetFiles, o.RateSet, o.AllAddresses = []string{"a", "b"}, []string{"f", "-"}, true, true
			o.Ranges = []addrRange{{"10.0.0.0/30", netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), 2}}
		})},
		{"-i 0.0005 -- -h", change(func(o *pingOptions) {
			o.Targets, o.Interval, o.IntervalSet = []string{"-h"}, 500*time.Microsecond, true
		})},
	} {
		e := systemEnv()
		var got *pingOptions
		cmd := newPingCommand(e, func(_ context.Context, _ *env, o pingOptions) error { got = &o; return nil })
		cmd.SetArgs(strings.Fields(tt.line))
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Errorf("ping %s: %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(&tt.want, got, cmp.AllowUnexported(pingOptions{}, nodeOptions{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("ping %s (-want +got)\n%s", tt.line, diff)
		}
	}
}

// Times keep three digits that count; the steps are where the rounding goes up.
func TestAppendMilliseconds(t *testing.T) {
	for us, want := range map[int64]string{0: "0.000 ms", 70: "0.070 ms", 999: "0.999 ms", 1000: "1.00 ms", 3627: "3.63 ms", 4050: "4.05 ms",
		9994: "9.99 ms", 9995: "10.0 ms", 64049: "64.0 ms", 99949: "99.9 ms", 99950: "100 ms", 701125: "701 ms", 1027949: "1028 ms"} {
		if got := string(appendMilliseconds(nil, time.Duration(us)*time.Microsecond)); got != want {
			t.Errorf("%d us: %q, want %q", us, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		stats ping.Stats
		want  string
	}{{ping.Stats{Transmitted: 11, Received: 8}, "27.2727"}, {ping.Stats{Transmitted: 13, Received: 10}, "23.0769"},
		{ping.Stats{Transmitted: 4, Received: 3}, "25"}, {ping.Stats{Transmitted: 9, Received: 6}, "33.3333"}, {ping.Stats{Transmitted: 5}, "100"},
		{ping.Stats{Transmitted: 1000000, Received: 999999}, "0.0001"}} {
		if got := percent(shownLoss(&tt.stats)); got != tt.want {
			t.Errorf("%d of %d: %s, want %s", tt.stats.Received, tt.stats.Transmitted, got, tt.want)
		}
	}
}

// The machine formats, whole, on real packets. What varies is put aside by its
// key.
func TestPingFormats(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		optionHead := "route,timestamps,unrecorded_hops,source_route,source_route_strict,other_options," +
			"node_code,node_qtype,node_flags,node_names,node_addrs,node_truncated,node_malformed"
		vary := regexp.MustCompile(`("(?:time|elapsed_ns|rtt_[a-z]+(?:_ns)?)"):(?:"[^"]*"|\d+)`)
		for _, tt := range []struct {
			args   string
			want   string
			status int
		}{
			{"--json -c2 -i.05 " + labServer4, `{"schema":"gnet/ping/1","rows":[
{"event":"reply","seq":1,"time":_,"from":"10.77.3.2","bytes":64,"ttl":62,"rtt_ns":_,"rtt_source":_,"truncated":false,"longer":false,"late":false},
{"event":"reply","seq":2,"time":_,"from":"10.77.3.2","bytes":64,"ttl":62,"rtt_ns":_,"rtt_source":_,"truncated":false,"longer":false,"late":false}
],"summary":{"destination":"10.77.3.2","address":"10.77.3.2","source":"10.77.1.1","socket":"SOCK_RAW","data_bytes":56,"transmitted":2,"not_sent":0,"received":2,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":0,"foreign":0,"late":0,"own_drops":0,"damaged":0,"lost":0,"lost_icmp":0,"back_offs":0,"loss_percent":0,"elapsed_ns":_,"rtt_min_ns":_,"rtt_avg_ns":_,"rtt_max_ns":_,"rtt_mdev_ns":_},"notes":[]}
`, 0},
			{"--format jsonl -t1 -c1 " + labServer6, `{"kind":"row","event":"icmp_error","seq":1,"time":_,"from":"fd77:1::2","rtt_ns":_,"rtt_source":_,"icmp_type":3,"icmp_code":0,"message":"Time exceeded: Hop limit"}
{"kind":"summary","destination":"fd77:3::2","address":"fd77:3::2","source":"fd77:1::1","socket":"SOCK_RAW","data_bytes":56,"transmitted":1,"not_sent":0,"received":0,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":1,"foreign":0,"late":0,"own_drops":0,"damaged":0,"lost":1,"lost_icmp":1,"back_offs":0,"loss_percent":100,"elapsed_ns":_}
{"kind":"note","level":"hint","text":"the probes got no further than fd77:1::2, because of -t 1"}
`, 1},
			{"--format jsonl -M do -s 1472 -c2 -i.05 " + labServer4, `{"kind":"row","event":"icmp_error","seq":1,"time":_,"from":"10.77.1.2","rtt_ns":_,"rtt_source":_,"icmp_type":3,"icmp_code":4,"mtu":1450,"message":"Frag needed and DF set (mtu = 1450)"}
{"kind":"row","event":"too_long","seq":2,"time":_,"mtu":1450,"message":"message too long"}
{"kind":"summary","destination":"10.77.3.2","address":"10.77.3.2","source":"10.77.1.1","socket":"SOCK_RAW","data_bytes":1472,"transmitted":1,"not_sent":1,"received":0,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":1,"foreign":0,"late":0,"own_drops":0,"damaged":0,"lost":1,"lost_icmp":1,"back_offs":0,"loss_percent":100,"elapsed_ns":_}
{"kind":"note","level":"hint","text":"a packet of 1500 bytes does not fit into the MTU of 1450; -s 1422 does, and --pmtu finds out what the whole path carries (1 of 2 probes)"}
`, 1},
			{"--format jsonl -M do -s 3000 -c2 -i.05 " + labServer4, `{"kind":"row","event":"too_long","seq":1,"time":_,"mtu":1450,"message":"message too long"}
{"kind":"row","event":"too_long","seq":2,"time":_,"mtu":1450,"message":"message too long"}
{"kind":"summary","destination":"10.77.3.2","address":"10.77.3.2","source":"10.77.1.1","socket":"SOCK_RAW","data_bytes":3000,"transmitted":0,"not_sent":2,"received":0,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":0,"foreign":0,"late":0,"own_drops":0,"damaged":0,"lost":0,"lost_icmp":0,"back_offs":0,"elapsed_ns":_}
{"kind":"note","level":"hint","text":"a packet of 3028 bytes does not fit into the MTU of 1450; -s 1422 does, and --pmtu finds out what the whole path carries"}
`, 1},
			{"--format jsonl -q -f -c2 " + labServer4, `{"kind":"summary","destination":"10.77.3.2","address":"10.77.3.2","source":"10.77.1.1","socket":"SOCK_RAW","data_bytes":56,"transmitted":2,"not_sent":0,"received":2,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":0,"foreign":0,"late":0,"own_drops":0,"damaged":0,"lost":0,"lost_icmp":0,"back_offs":0,"loss_percent":0,"elapsed_ns":_,"rtt_min_ns":_,"rtt_avg_ns":_,"rtt_max_ns":_,"rtt_mdev_ns":_}
`, 0},
			{"--format csv -f -c1 " + labServer4, "event,seq,time,from,bytes,ttl,rtt_ns,rtt_source,truncated,longer,late,wrong_data_at,reason,icmp_type,icmp_code,mtu,message," + optionHead + "\r\n" +
				"reply,1,_,10.77.3.2,64,62,_,_,false,false,false,,,,,,,,,,,,,,,,,,,\r\n", 0},
			{"--format csv -c1 " + labServer4, "event,seq,time,from,bytes,ttl,rtt_ns,rtt_source,truncated,longer,late,wrong_data_at,reason,icmp_type,icmp_code,mtu,message," + optionHead + "\r\n" +
				"reply,1,_,10.77.3.2,64,62,_,_,false,false,false,,,,,,,,,,,,,,,,,,,\r\n", 0},
		} {
			got := lab.client.Run(t, gnet, strings.Fields(tt.args)...)
			got.Stdout = vary.ReplaceAllString(got.Stdout, "$1:_")
			got.Stdout = regexp.MustCompile(`(?m)^reply,1,[^,]*,10\.77\.3\.2,64,62,\d+,\w+,`).ReplaceAllString(got.Stdout, "reply,1,_,10.77.3.2,64,62,_,_,")
			want := nstest.Result{Stdout: tt.want, Status: tt.status}
			if _, note, ok := strings.Cut(tt.want, `"level":"hint","text":"`); ok {
				want.Stderr = "hint: " + strings.TrimSuffix(note, "\"}\n") + "\n"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ping %s (-want +got)\n%s", tt.args, diff)
			}
		}
	})
}

// A disk that is full is a failure; a reader that has gone is none.
func TestPingOutput(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		host := nstest.Here(t)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		want := nstest.Result{Stderr: "ping: write error: write /dev/stdout: no space left on device\n", Status: statusNo}
		for _, args := range []string{"-c1 127.0.0.1", "127.0.0.1", "localhost", "--json 127.0.0.1"} { // all but one without end
			if diff := cmp.Diff(want, host.Run(t, "/bin/sh", "-c", gnet+" "+args+" >/dev/full")); diff != "" {
				t.Errorf("full disk: ping %s (-want +got)\n%s", args, diff)
			}
		}
		got := host.Run(t, "/bin/sh", "-c", gnet+" -c3 -i.05 127.0.0.1 | head -n 1")
		want = nstest.Result{Stdout: "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("closed pipe (-want +got)\n%s", diff)
		}
	})
}
