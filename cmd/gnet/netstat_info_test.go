package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/render"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// infoSocket is a TCP socket with what sock_diag says of it.
func infoSocket(state procnet.State, change func(*sockdiag.InetRow)) *procnet.InetSocket {
	diag := &sockdiag.InetRow{Has: sockdiag.ExtInfo | sockdiag.ExtCong | sockdiag.ExtSkMemInfo, Cong: []byte("cubic")}
	diag.Info.Len = 280
	change(diag)
	return &procnet.InetSocket{Proto: procnet.TCP, State: state, Diag: diag}
}

func TestInfoLine(t *testing.T) {
	busy := func(r *sockdiag.InetRow) {
		r.Info = sockdiag.TCPInfo{
			Len: 280, CAState: 3, Retransmits: 2, Probes: 1, Backoff: 4, RTO: 1204 * time.Millisecond, SndMSS: 1448, PMTU: 1500,
			Unacked: 7, Sacked: 3, Lost: 5, Retrans: 6, TotalRetrans: 99, RTT: 45*time.Millisecond + 670*time.Microsecond,
			RTTVar: 8 * time.Microsecond, MinRTT: 500 * time.Microsecond, SndSsthresh: 20, SndCwnd: 12, SndWnd: 65536,
			BytesSent: 1234567, BytesAcked: 1234, BytesReceived: 17, NotsentBytes: 88, DeliveryRate: 1543210, DeliveryRateAppLimited: true,
			PacingRate: 125, BusyTime: 61 * time.Second, RwndLimited: 21 * time.Second, SndbufLimited: time.Second / 4,
		}
		r.SkMem.Drops = 9
	}
	old := func(r *sockdiag.InetRow) {
		r.Has, r.Info = sockdiag.ExtInfo, sockdiag.TCPInfo{Len: 104, RTO: 200 * time.Millisecond, SndCwnd: 10, SndMSS: 536, SndSsthresh: sockdiag.SsthreshInfinite}
	}
	young := func(r *sockdiag.InetRow) {
		r.Info.RTO, r.Info.SndCwnd, r.Info.SndSsthresh, r.Info.PacingRate = time.Second, 10, sockdiag.SsthreshInfinite, sockdiag.RateUnlimited
		r.Info.RTT, r.Info.MinRTT = time.Millisecond, sockdiag.MinRTTUnknown
		r.Cong = []byte("\x1b[31mbbr")
	}
	listener := infoSocket(procnet.Listen, func(r *sockdiag.InetRow) { r.RQueue, r.WQueue, r.Info.SndCwnd = 3, 128, 10 })
	timeWait := infoSocket(procnet.TimeWait, func(r *sockdiag.InetRow) { r.Has, r.Cong = 0, nil })
	udp := infoSocket(procnet.Close, func(r *sockdiag.InetRow) { r.Has, r.Cong, r.SkMem.Drops = sockdiag.ExtSkMemInfo, nil, 5 })
	udp.Proto = procnet.UDP
	for _, tc := range []struct {
		name string
		s    *procnet.InetSocket
		want string
	}{
		{"every value", infoSocket(procnet.Established, busy), "cc cubic, state recovery, rtt 45.67 ms (var 0.008 ms, min 0.5 ms), rto 1.204 s, backoff 4, cwnd 12, ssthresh 20, mss 1448, pmtu 1500, snd_wnd 65536 B, " +
			"unacked 7, sacked 3, lost 5, retrans 6 (99 in all), retransmits 2, probes 1, sent 1234567 B, acked 1234 B, received 17 B, unsent 88 B, " +
			"delivery rate 12.345 Mbit/s (limited by the application), pacing rate 1 kbit/s, busy 61 s (receive window 34 %, send buffer 0 %), drops 9"},
		{"a kernel of 2.6", infoSocket(procnet.Established, old), "rto 200 ms, cwnd 10, mss 536"},
		{"nothing happened yet, a hostile name", infoSocket(procnet.SynSent, young), `cc \x1b[31mbbr, rtt 1 ms (var 0 ms), rto 1 s, cwnd 10, mss 0, snd_wnd 0 B, sent 0 B, acked 0 B, received 0 B`},
		{"a listener", listener, "backlog 3 of 128, cc cubic"},
		{"TIME_WAIT", timeWait, ""},
		{"UDP", udp, "drops 5"},
		{"from the file", &procnet.InetSocket{Proto: procnet.TCP, State: procnet.Established}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := "row"
			if tc.want != "" {
				want += "\n        " + tc.want
			}
			if diff := cmp.Diff(want, string(appendInfo([]byte("row"), tc.s))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A figure is cut, never rounded up, and its unit fits.
func TestInfoLine_units(t *testing.T) {
	for _, tc := range []struct {
		line *infoLine
		want string
	}{
		{new(infoLine).span(0), "0 ms"},
		{new(infoLine).span(time.Microsecond), "0.001 ms"},
		{new(infoLine).span(999*time.Millisecond + 999*time.Microsecond), "999.999 ms"},
		{new(infoLine).span(time.Second), "1 s"},
		{new(infoLine).span(3661*time.Second + 5*time.Millisecond), "3661.005 s"},
		{new(infoLine).rate(0), "0 bit/s"},
		{new(infoLine).rate(124), "992 bit/s"},
		{new(infoLine).rate(125), "1 kbit/s"},
		{new(infoLine).rate(125_125), "1.001 Mbit/s"},
		{new(infoLine).rate(1_250_000_000_000), "10 Tbit/s"},
		{new(infoLine).rate(250_000_000_000_000), "2000 Tbit/s"},
		{new(infoLine).rate(math.MaxUint64 - 1), "9223372.036 Tbit/s"},
	} {
		if got := string(tc.line.b); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// Each key is the field after which it is named: every field of the structure
// is set to a value of its own.
func TestInfoColumns_fields(t *testing.T) {
	want := map[string]any{"castate": "recovery", "options": "ts ecn ecnseen usec_ts", "cc": "cubic", "drops": 0., "deliveryrateapplimited": true}
	s := infoSocket(procnet.Established, func(r *sockdiag.InetRow) {
		fields := reflect.ValueOf(&r.Info).Elem()
		for i := range fields.NumField() {
			name := strings.ToLower(fields.Type().Field(i).Name)
			switch f := fields.Field(i); {
			case name == "len" || name == "state" || name == "lastacksent": // no column
			case name == "castate":
				f.SetUint(3)
			case name == "options":
				f.SetUint(0b1011001)
			case f.Kind() == reflect.Bool:
				f.SetBool(true)
			case f.CanInt():
				f.SetInt(int64(1000 + i))
				want[name+"ns"] = float64(1000 + i)
			default:
				f.SetUint(uint64(100 + i))
				want[name] = float64(100 + i)
			}
		}
	})
	s.Timer.Retransmits, s.Timer.Probes = uint32(s.Diag.Info.Retransmits), int32(s.Diag.Info.Probes)
	got := map[string]any{}
	for key, value := range infoDocument(t, s) {
		if isInfo := slices.ContainsFunc(infoColumns(), func(c render.Column[socketRow]) bool { return c.Name == key }); isInfo || key == "retransmits" || key == "probes" {
			got[strings.ReplaceAll(key, "_", "")] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What the kernel has a number for that means none is absent.
func TestInfoColumns_none(t *testing.T) {
	doc := infoDocument(t, infoSocket(procnet.SynSent, func(r *sockdiag.InetRow) {
		r.Info.SndSsthresh, r.Info.MinRTT = sockdiag.SsthreshInfinite, sockdiag.MinRTTUnknown
		r.Info.PacingRate, r.Info.MaxPacingRate, r.Info.DeliveryRate = sockdiag.RateUnlimited, sockdiag.RateUnlimited, 1
	}))
	got := []any{doc["snd_ssthresh"], doc["min_rtt_ns"], doc["pacing_rate"], doc["max_pacing_rate"], doc["delivery_rate"]}
	if diff := cmp.Diff([]any{nil, nil, nil, nil, 1.}, got); diff != "" {
		t.Error(diff)
	}
}

// A structure of 104 bytes leaves the later fields out.
func TestInfoColumns_byLength(t *testing.T) {
	names := func(n int) (got []string) {
		s := infoSocket(procnet.Established, func(r *sockdiag.InetRow) { r.Info.Len, r.Info.MinRTT = n, 1 })
		doc := infoDocument(t, s)
		for _, c := range infoColumns() {
			if _, ok := doc[c.Name]; ok {
				got = append(got, c.Name)
			}
		}
		return got
	}
	var all, early []string
	for _, c := range infoColumns() {
		switch c.Name {
		case "backlog", "backlog_limit": // of listening sockets
		case "min_rtt_ns", "snd_wnd", "rcv_wnd", "segs_out", "segs_in", "data_segs_out", "data_segs_in", "delivered", "dsack_dups", "reord_seen",
			"rcv_ooopack", "rehash", "total_rto", "total_rto_recoveries", "total_rto_time_ns", "bytes_sent", "bytes_acked", "bytes_received",
			"bytes_retrans", "notsent_bytes", "delivery_rate", "delivery_rate_app_limited", "pacing_rate", "max_pacing_rate", "busy_time_ns",
			"rwnd_limited_ns", "sndbuf_limited_ns", "delivered_ce", "received_ce", "delivered_e1_bytes", "delivered_e0_bytes",
			"delivered_ce_bytes", "received_e1_bytes", "received_e0_bytes", "received_ce_bytes":
			all = append(all, c.Name)
		default:
			all, early = append(all, c.Name), append(early, c.Name)
		}
	}
	if diff := cmp.Diff([][]string{all, early}, [][]string{names(280), names(104)}); diff != "" {
		t.Error(diff)
	}
}

// infoDocument is the object that the machine formats have of one socket.
func infoDocument(t *testing.T, s *procnet.InetSocket) map[string]any {
	t.Helper()
	var out strings.Builder
	e := &env{Stdout: newOutput(&out)}
	o := &netstatOptions{Info: true, NumericUsers: true, NumericPorts: true}
	s.Local, s.Remote = netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2")
	d := e.document(render.JSONL, socketSchema)
	newSocketDocument(new(env), d, o).inet(&shownSocket{inet: s})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	e.Stdout.Flush()
	var row map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(out.String(), "\n", 2)[0]), &row); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return row
}

// What --info says of a connection is what getsockopt says of it, in every
// format, and a listener's backlog is what listen was given.
func TestNetstatInfo_kernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lab := newSocketLab(t)
		listener := lab.socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		_, local := sockaddr("127.0.0.1:5000")
		lab.must(unix.Bind(listener, local))
		lab.must(unix.Listen(listener, 7))
		client, waiting := lab.socket(unix.AF_INET, unix.SOCK_STREAM, 0), lab.socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		_, from := sockaddr("127.0.0.1:40000")
		lab.must(unix.Bind(client, from))
		lab.must(unix.Connect(client, local))
		server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		lab.must(err)
		t.Cleanup(func() { unix.Close(server) })
		lab.must(unix.Connect(waiting, local))
		_, err = unix.Write(client, make([]byte, 1234))
		lab.must(err)
		info, err := unix.GetsockoptTCPInfo(client, unix.IPPROTO_TCP, unix.TCP_INFO)
		lab.must(err)

		o := newNetstatOracle(t)
		rows := map[float64]map[string]any{}
		for line := range strings.Lines(o.run(o.gnet, strings.Fields("-tan --info --format jsonl")).Stdout) {
			var row map[string]any
			lab.must(json.Unmarshal([]byte(line), &row))
			rows[row["local_port"].(float64)] = row
			if row["state"] == "LISTEN" {
				rows[0] = row
			}
		}
		got := map[string]any{}
		for _, key := range []string{"rtt_ns", "rto_ns", "snd_cwnd", "snd_mss", "bytes_sent", "bytes_acked", "min_rtt_ns", "pmtu", "total_retrans", "ca_state", "retransmits", "snd_ssthresh"} {
			got[key] = rows[40000][key]
		}
		want := map[string]any{
			"rtt_ns": 1000 * float64(info.Rtt), "rto_ns": 1000 * float64(info.Rto), "snd_cwnd": float64(info.Snd_cwnd), "snd_mss": float64(info.Snd_mss),
			"bytes_sent": 1234., "bytes_acked": float64(info.Bytes_acked), "min_rtt_ns": 1000 * float64(info.Min_rtt), "pmtu": float64(info.Pmtu),
			"total_retrans": 0., "ca_state": "open", "retransmits": 0., "snd_ssthresh": nil,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a client (-getsockopt +gnet):\n%s", diff)
		}
		if diff := cmp.Diff([]any{1., 7., nil}, []any{rows[0]["backlog"], rows[0]["backlog_limit"], rows[0]["rtt_ns"]}); diff != "" {
			t.Errorf("a listener:\n%s", diff)
		}

		classic := o.run(o.gnet, strings.Fields("-tan --info")).Stdout
		for _, part := range []string{
			"0.0.0.0:*               LISTEN     \n        backlog 1 of 7, cc ",
			"127.0.0.1:40000         127.0.0.1:5000          ESTABLISHED\n        cc ",
			", sent 1234 B, acked 1235 B, received 0 B",
			fmt.Sprintf("cwnd %d, mss %d, pmtu %d, snd_wnd ", info.Snd_cwnd, info.Snd_mss, info.Pmtu),
		} {
			if !strings.Contains(classic, part) {
				t.Errorf("netstat -tan --info lacks %q:\n%s", part, classic)
			}
		}
		if plain := o.run(o.gnet, []string{"-tan"}).Stdout; strings.Contains(plain, "cwnd") || strings.Contains(o.run(o.gnet, strings.Fields("-tan --format csv")).Stdout, "snd_cwnd") {
			t.Errorf("without --info it is there too:\n%s", plain)
		}
		withOwners := o.run(o.gnet, strings.Fields("-tanp --info")).Stdout
		if strings.Count(withOwners, "\n        ") != strings.Count(classic, "\n        ") {
			t.Errorf("with owners:\n%s\nwithout:\n%s", withOwners, classic)
		}
	})
}
