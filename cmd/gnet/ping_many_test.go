package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

func TestParseRange(t *testing.T) {
	const most = " addresses, and at most 1048576 targets"
	const neither = ": neither a prefix such as 192.0.2.0/24 nor two addresses such as 192.0.2.1-192.0.2.9"
	for _, tt := range []struct{ text, want string }{
		{"192.0.2.0/24", "192.0.2.1 192.0.2.254 254"},
		{"192.0.2.77/24", "192.0.2.1 192.0.2.254 254"}, // the host bits do not matter
		{"192.0.2.4/30", "192.0.2.5 192.0.2.6 2"},
		{"192.0.2.4/31", "192.0.2.4 192.0.2.5 2"},
		{"192.0.2.4/32", "192.0.2.4 192.0.2.4 1"},
		{"192.0.2.0-192.0.2.255", "192.0.2.0 192.0.2.255 256"},
		{"192.0.2.9-192.0.2.9", "192.0.2.9 192.0.2.9 1"},
		{"255.255.255.254-255.255.255.255", "255.255.255.254 255.255.255.255 2"},
		{"10.0.0.0/12", "10.0.0.1 10.15.255.254 1048574"},
		{"2001:db8::/126", "2001:db8:: 2001:db8::3 4"},
		{"2001:db8::ff-2001:db8::101", "2001:db8::ff 2001:db8::101 3"},
		{"10.0.0.0/11", "--range 10.0.0.0/11: 2097150" + most},
		{"0.0.0.0/0", "--range 0.0.0.0/0: 4294967294" + most},
		{"2001:db8::/64", "--range 2001:db8::/64: 18446744073709551616" + most},
		{"::/0", "--range ::/0: 340282366920938463463374607431768211456" + most},
		{"192.0.2.9-192.0.2.1", "--range 192.0.2.9-192.0.2.1: ends before it begins"},
		{"192.0.2.1-2001:db8::1", "--range 192.0.2.1-2001:db8::1" + neither},
		{"192.0.2.1", "--range 192.0.2.1" + neither},
		{"192.0.2.0/33", "--range 192.0.2.0/33" + neither},
		{"192.0.2.0/024", "--range 192.0.2.0/024" + neither},
		{"fe80::1%lo-fe80::2%lo", "--range fe80::1%lo-fe80::2%lo" + neither},
		{"::ffff:192.0.2.0/120", "--range ::ffff:192.0.2.0/120" + neither},
		{"", "--range " + neither},
		{"-", "--range -" + neither},
	} {
		r, err := parseRange(tt.text)
		got := fmt.Sprint(r.First, " ", r.Last, " ", r.Count)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.text, got, tt.want)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"192.0.2.0/24", "192.0.2.1-192.0.2.9", "2001:db8::/64", "::/0", "255.255.255.255/31", "a-b", "1.2.3.4-", "fe80::%1-fe80::2%1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRange(text)
		if err != nil {
			return
		}
		count, last := 0, netip.Addr{}
		for a := range r.all() {
			if last.IsValid() && !last.Less(a) {
				t.Fatalf("%q: %v after %v", text, a, last)
			}
			last = a
			if count++; count > maxTargets {
				break
			}
		}
		if count != r.Count || last != r.Last || count == 0 {
			t.Errorf("%q: %d addresses up to %v, want %d up to %v", text, count, last, r.Count, r.Last)
		}
	})
}

// targetLines is a file with all that a file may hold.
const targetLines = "\ufeff127.0.0.1\r\n\r\n# a comment\n  127.0.0.2 \t# another\n::1\n \nname.example\n\x1b[31mred\tsecond third\nlast"

func TestParseTargets(t *testing.T) {
	got, err := parseTargets(strings.NewReader(targetLines), "f", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []manyTarget{{Name: "127.0.0.1"}, {Name: "127.0.0.2"}, {Name: "::1"}, {Name: "name.example"}, {Name: "\x1b[31mred"}, {Name: "second"}, {Name: "third"}, {Name: "last"}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for text, want := range map[string]string{
		"127.0.0.1\n" + strings.Repeat("x", 70000) + "\n": "--targets: f: line 2 has more than 65536 bytes",
		strings.Repeat("127.0.0.1\n", maxTargets+1):       "more than 1048576 targets",
	} {
		if _, err := parseTargets(strings.NewReader(text), "f", nil); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseTargets(f *testing.F) {
	f.Add(targetLines)
	f.Add("\n\n#\n")
	f.Fuzz(func(t *testing.T, text string) {
		targets, err := parseTargets(strings.NewReader(text), "f", nil)
		for _, target := range targets {
			if name := target.Name; err == nil && (name == "" || len(strings.Fields(name)) != 1 || strings.Contains(name, "#")) {
				t.Errorf("%q: a target %q", text, name)
			}
		}
	})
}

// Options that are about one target, and files that are not there, end the
// command before a socket is opened.
func TestPingMany_refused(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none")
	for line, want := range map[string]string{
		"-A 127.0.0.1 127.0.0.2":             "-A is for one target",
		"-l 3 127.0.0.1 127.0.0.2":           "-l is for one target",
		"-B 127.0.0.1 127.0.0.2":             "-B is for one target",
		"-F 1 ::1 ::2":                       "-F is for one target",
		"-C 127.0.0.1 --all-addresses":       "-C is for one target",
		"--pmtu --range 127.0.0.1-127.0.0.2": "--pmtu takes one destination",
		"--pmtu --targets -":                 "--pmtu takes one destination",
		"--range 10.0.0.0/8":                 "--range 10.0.0.0/8: 16777214 addresses, and at most 1048576 targets",
		"--targets " + nowhere:               "--targets: open " + nowhere + ": no such file or directory",
		"--targets ''":                       "--targets: the name of the file is empty",
		"--pps -1 --range 127.0.0.1/32":      "invalid argument: '-1': out of range: 0 <= value <= 10000000",
	} {
		e := systemEnv()
		cmd := newPingCommand(e, runPing)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(pingWords(line))
		if err := cmd.ExecuteContext(t.Context()); err == nil || err.Error() != want {
			t.Errorf("ping %s: %v, want %s", line, err, want)
		}
	}
}

// manyVary is what varies in the output, and the width of columns that depends on it.
var manyVary = []struct {
	pattern *regexp.Regexp
	put     string
}{
	{regexp.MustCompile(`time=[\d.]+ ms`), "time=T ms"},
	{regexp.MustCompile(`\b\d+\.\d{3}\b`), "T"},
	{regexp.MustCompile(`, time \d+ms`), ", time Tms"},
	{regexp.MustCompile(`("(?:time|elapsed_ns|rtt_[a-z]+(?:_ns)?)"):(?:"[^"]*"|\d+)`), "$1:_"},
	{regexp.MustCompile(`(?m) +`), " "},
}

func normaliseMany(r nstest.Result) nstest.Result {
	for _, v := range manyVary {
		r.Stdout = v.pattern.ReplaceAllString(r.Stdout, v.put)
	}
	return r
}

// Whole runs on real packets: every ending that a target can have.
func TestPingMany(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := filepath.Join(publicDir(t), "ping")
		copyExecutable(t, gnet)
		list := filepath.Join(filepath.Dir(gnet), "list")
		if err := os.WriteFile(list, []byte("10.77.1.2 # a router\r\n\r\n10.77.1.2\r\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		reply := func(host string, seq, ttl int) string {
			return fmt.Sprintf("64 bytes from %s: icmp_seq=%d ttl=%d time=T ms\n", host, seq, ttl)
		}
		const head = "target sent received loss min avg max mdev\n"
		for _, tt := range []struct {
			id   string
			args string
			want nstest.Result
		}{
			{difference(t, "ping-targets").ID, "-c1 10.77.1.2 10.77.2.2 10.77.3.2", nstest.Result{
				Stdout: "PING 3 targets, 56 data bytes\n" + reply("10.77.1.2", 1, 64) + reply("10.77.2.2", 1, 63) + reply("10.77.3.2", 1, 62) +
					"\n--- statistics of 3 targets, times in ms ---\n" + head +
					"10.77.1.2 1 1 0% T T T T\n10.77.2.2 1 1 0% T T T T\n10.77.3.2 1 1 0% T T T T\n" +
					"3 targets, 3 answered; 3 packets transmitted, 3 received, 0% packet loss, time Tms\n"}},
			{"names, IPv6, refusals, errors and a family", "-q -c1 -W.5 four.example six.example 10.90.0.1 10.92.0.1 10.77.1.99 ::ffff:1.2.3.4", nstest.Result{
				Stdout: "PING 5 targets, 56 data bytes\n\n--- statistics of 6 targets, times in ms ---\ntarget address sent received loss min avg max mdev\n" +
					"four.example 10.77.3.2 1 1 0% T T T T\nsix.example fd77:3::2 1 1 0% T T T T\n" +
					"10.90.0.1 10.90.0.1 0 0 +1 not sent: Permission denied\n10.92.0.1 10.92.0.1 0 0 +1 not sent: No route to host\n" +
					"10.77.1.99 10.77.1.99 1 0 100%\n::ffff:1.2.3.4 - ::ffff:1.2.3.4 stands for the IPv4 address 1.2.3.4\n" +
					"5 targets, 2 answered, 3 did not, 1 not found; 3 packets transmitted, 2 received, 33.3333% packet loss, time Tms, 2 not sent\n",
				Stderr: "ping: ::ffff:1.2.3.4 stands for the IPv4 address 1.2.3.4\n", Status: statusCannot}},
			{"errors of routers, and twice one address", "-c1 -t1 10.77.3.2 --targets " + list, nstest.Result{
				Stdout: "PING 2 targets, 56 data bytes\nFrom 10.77.1.2 icmp_seq=1 Time to live exceeded, sent to 10.77.3.2\n" + reply("10.77.1.2", 1, 64) +
					"\n--- statistics of 2 targets, times in ms ---\n" + head + "10.77.3.2 1 0 100% +1 errors: Time to live exceeded (from 10.77.1.2)\n" +
					"10.77.1.2 1 1 0% T T T T\n2 targets, 1 answered, 1 did not; 2 packets transmitted, 1 received, +1 errors, 50% packet loss, time Tms\n",
				Stderr: "ping: 1 target left out: another one has the same address\n", Status: statusNo}},
			{"all addresses of a name, and two rounds", "-q -c2 -i.05 --all-addresses both.example", nstest.Result{
				Stdout: "PING 2 targets, 56 data bytes\n\n--- statistics of 2 targets, times in ms ---\ntarget address sent received loss min avg max mdev\n" +
					"both.example fd77:3::2 2 2 0% T T T T\nboth.example 10.77.3.2 2 2 0% T T T T\n" +
					"2 targets, 2 answered; 4 packets transmitted, 4 received, 0% packet loss, time Tms\n"}},
			{"a range and what is too long", "-c1 -M do -s 1473 --range 10.77.3.2-10.77.3.2", nstest.Result{
				Stdout: "PING 1 target (1 of 10.77.3.2-10.77.3.2), 1473 data bytes\n\n--- statistics of 1 target, times in ms ---\ntarget sent received loss min avg max mdev\n" +
					"10.77.3.2 0 0 +1 not sent: message too long\n1 target, 0 answered, 1 did not; 0 packets transmitted, 0 received, time Tms, 1 not sent\n",
				Stderr: "ping: 10.77.3.2: message too long, mtu=1500\nhint: nothing could be sent: the probes do not fit into the MTU of 1500 (1 target)\n", Status: statusNo}},
			{"nobody is found", "-4 -c1 ::1 ::2", nstest.Result{
				Stdout: "PING 0 targets, 56 data bytes\n\n--- statistics of 2 targets, times in ms ---\n" + head +
					"::1 Address family for hostname not supported\n::2 Address family for hostname not supported\n" +
					"0 targets, 0 answered, 2 not found; 0 packets transmitted, 0 received, time Tms\n",
				Stderr: "ping: ::1: Address family for hostname not supported\nping: ::2: Address family for hostname not supported\n", Status: statusCannot}},
			{"lines for machines", "--format jsonl -c1 -t1 10.77.3.2 10.77.1.2", nstest.Result{Status: statusNo, Stdout: `{"kind":"change","target":"10.77.3.2","address":"10.77.3.2","event":"icmp_error","seq":1,"time":_,"from":"10.77.1.2","rtt_ns":_,"rtt_source":_,"icmp_type":11,"icmp_code":0,"message":"Time to live exceeded"}
{"kind":"change","target":"10.77.1.2","address":"10.77.1.2","event":"reply","seq":1,"time":_,"from":"10.77.1.2","bytes":64,"ttl":64,"rtt_ns":_,"rtt_source":_,"truncated":false,"longer":false,"late":false}
{"kind":"row","target":"10.77.3.2","address":"10.77.3.2","answered":false,"transmitted":1,"not_sent":0,"received":0,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":1,"foreign":0,"late":0,"lost":1,"lost_icmp":1,"loss_percent":100,"trouble":"Time to live exceeded","trouble_from":"10.77.1.2"}
{"kind":"row","target":"10.77.1.2","address":"10.77.1.2","answered":true,"transmitted":1,"not_sent":0,"received":1,"duplicates":0,"truncated":0,"longer":0,"altered":0,"corrupted":0,"errors":0,"foreign":0,"late":0,"lost":0,"lost_icmp":0,"loss_percent":0,"rtt_min_ns":_,"rtt_avg_ns":_,"rtt_max_ns":_,"rtt_mdev_ns":_}
{"kind":"summary","targets":2,"answered":1,"not_found":0,"left_out":0,"data_bytes":56,"socket_ipv4":"SOCK_RAW","transmitted":2,"not_sent":0,"received":1,"duplicates":0,"corrupted":0,"errors":1,"foreign":0,"late":0,"own_drops":0,"damaged":0,"back_offs":0,"loss_percent":50,"elapsed_ns":_}
`}},
			{"all is lost, for several reasons", "-q -c2 -i.01 -W.3 -t1 10.90.0.1 10.77.3.2 10.77.2.2 10.92.0.1 10.91.0.1 10.77.1.99", nstest.Result{
				Stdout: "PING 6 targets, 56 data bytes\n\n--- statistics of 6 targets, times in ms ---\n" + head +
					"10.90.0.1 0 0 +2 not sent: Permission denied\n10.77.3.2 2 0 100% +2 errors: Time to live exceeded (from 10.77.1.2)\n" +
					"10.77.2.2 2 0 100% +2 errors: Time to live exceeded (from 10.77.1.2)\n10.92.0.1 0 0 +2 not sent: No route to host\n" +
					"10.91.0.1 0 0 +2 not sent: Invalid argument\n10.77.1.99 2 0 100%\n" +
					"6 targets, 0 answered, 6 did not; 6 packets transmitted, 0 received, +4 errors, 100% packet loss, time Tms, 6 not sent\n",
				Stderr: "hint: no target answered: 10.77.1.2 says Time to live exceeded (2 targets); a route of this host prohibits it (1 target); " +
					"a route of this host says unreachable (1 target); a route of this host throws it away (1 target); 1 other reason\n", Status: statusNo}},
			{"the flood", "-f -c3 127.0.0.1 127.0.0.2", nstest.Result{
				Stdout: "PING 2 targets, 56 data bytes\n" + strings.Repeat("..\b \b\b \b", 3) + "\n--- statistics of 2 targets, times in ms ---\n" + head +
					"127.0.0.1 3 3 0% T T T T\n127.0.0.2 3 3 0% T T T T\n2 targets, 2 answered; 6 packets transmitted, 6 received, 0% packet loss, time Tms\n"}},
		} {
			got := normaliseMany(lab.client.Run(t, gnet, strings.Fields(tt.args)...))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: ping %s (-want +got)\n%s", tt.id, tt.args, diff)
			}
		}
		got := lab.client.Run(t, gnet, strings.Fields("--json -q -c1 10.92.0.1 10.92.0.2")...)
		const hint = "nothing could be sent: a route of this host says unreachable (2 targets)"
		if !strings.HasSuffix(got.Stdout, `"notes":[{"level":"hint","text":"`+hint+`"}]}`+"\n") || got.Stderr != "hint: "+hint+"\n" {
			t.Errorf("a document ends with the hint among its notes: %+v", got)
		}
	})
}

// A user without rights gets the same, over ping sockets.
func TestPingMany_nobody(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		host := nstest.Here(t)
		host.AllowPing(t)
		gnet := filepath.Join(publicDir(t), "ping")
		copyExecutable(t, gnet)
		run := func(args string) nstest.Result {
			cmd := exec.Command(gnet, strings.Fields(args)...)
			cmd.Env = []string{"LC_ALL=C"}
			nstest.AsNobody(t, cmd)
			return host.Output(t, cmd)
		}
		got := run("--format jsonl -q -c3 -i.01 --range 127.0.0.0/20 --pps 10000")
		summary := regexp.MustCompile(`"targets":4094,"answered":4094,.*"socket_ipv4":"SOCK_DGRAM","transmitted":12282,"not_sent":0,"received":12282,`)
		if got.Status != statusOK || !summary.MatchString(got.Stdout) {
			t.Errorf("status %d, %.300q, %q", got.Status, got.Stdout[max(0, len(got.Stdout)-500):], got.Stderr)
		}
		want := nstest.Result{Stderr: "ping: --pps 0: at most 10000 for a user who is not root\n", Status: statusCannot}
		if diff := cmp.Diff(want, run("--pps 0 -c1 127.0.0.1 127.0.0.2")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
