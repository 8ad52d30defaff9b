package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/ping"
)

// shown is what a difference is told by: whole answers of both programs.
func (o *pingOracle) shown(id, line, original, gnet string) {
	o.t.Helper()
	for _, side := range []struct{ who, path, want string }{{"original", o.original, original}, {"gnet", o.gnet, gnet}} {
		again := func() nstest.Result { return o.answer(side.path, pingWords(line)) }
		got := again()
		if transcript(got) != side.want {
			got = settled(got, again)
		}
		if diff := cmp.Diff(side.want, transcript(got)); diff != "" {
			o.t.Errorf("%s: ping %s: %s (-want +got):\n%s", id, line, side.who, diff)
		}
	}
}

// transcript is an answer as one text: stdout without first line and empty
// lines, then stderr after "! ", then the status.
func transcript(r nstest.Result) string {
	var b strings.Builder
	for line := range strings.Lines(r.Stdout) {
		if line != "\n" && !strings.HasPrefix(line, "PING ") && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "rtt ") {
			b.WriteString(line)
		}
	}
	for line := range strings.Lines(r.Stderr) {
		b.WriteString("! " + line)
	}
	return b.String() + "status " + strconv.Itoa(r.Status)
}

const (
	oneReply = "64 bytes from 10.77.3.2: icmp_seq=1 ttl=62 time=T ms\n"
	oneOfOne = "1 packets transmitted, 1 received, 0% packet loss, time Tms\n"
)

// Where the original is wrong about our own host, or about the line.
func TestPingDifferences_local(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		bad := difference(t, "ping-bad-argument").ID
		for _, line := range []string{"-c 0 S", "-c -1 S", "-c 1x S", "-c 99999999999999999999 S", "-s -1 S", "-s 0x40 S", "-t 256 S", "-l 65537 S", "-e 65536 S", "-w -1 S", "-w 1.5 S"} {
			line = expand([]string{line})[0]
			original, gnet := o.both(line)
			if original.Status != 1 || gnet.Status != 2 || original.Stdout != gnet.Stdout || original.Stderr != gnet.Stderr {
				t.Errorf("%s: ping %s: original %+v, gnet %+v", bad, line, original, gnet)
			}
		}
		o.shown(bad, "-i abc -c1 "+labServer4, oneReply+oneOfOne+"! ping: option argument contains garbage: abc\n"+
			"! ping: this will become fatal error in the future\nstatus 0", "! ping: bad timing interval: abc\nstatus 2")
		o.shown(difference(t, "ping-pattern").ID, "-p 000102030405060708090a0b0c0d0e0f10 -c1 "+labServer4,
			"PATTERN: 0x000102030405060708090a0b0c0d0e0f\n"+oneReply+oneOfOne+"status 0",
			"! ping: patterns must have 1 to 16 bytes: '000102030405060708090a0b0c0d0e0f10'\nstatus 2")
		o.shown(difference(t, "ping-size").ID, "-s 65508 -M dont -c1 -W.1 "+labServer4,
			"1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\n! ping: local error: message too long, mtu=1500\nstatus 1",
			"! ping: invalid argument: '65508': out of range: 0 <= value <= 65507\nstatus 2")
		o.shown(difference(t, "ping-probe-mode").ID, "-M probe -c1 "+labServer4, "! ping: invalid -M argument: probe\nstatus 2", oneReply+oneOfOne+"status 0")
		o.shown(difference(t, "ping-prohibit").ID, "-c1 10.90.0.1",
			"! ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules\nstatus 2",
			"! ping: connect: Permission denied\nstatus 2")
		o.shown(difference(t, "ping-mapped").ID, "-c1 ::ffff:10.77.3.2",
			"From fd77:1::2 icmp_seq=1 Destination unreachable: No route\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1",
			"! ping: ::ffff:10.77.3.2 stands for the IPv4 address 10.77.3.2\nstatus 2")
		o.shown(difference(t, "ping-quiet-errors").ID, "-q -M do -s 3000 -c2 -i.05 -W.2 "+labServer4,
			"2 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1",
			"0 packets transmitted, 0 received, +2 errors, 100% packet loss, time Tms, 2 not sent\nstatus 1")
		exceeded := func(seq int) string {
			return fmt.Sprintf("From 10.77.1.2 icmp_seq=%d Time to live exceeded\n", seq)
		}
		o.shown(difference(t, "ping-deadline").ID, "-t1 -w1 -c3 -i.4 "+labServer4,
			exceeded(1)+"1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1",
			exceeded(1)+exceeded(2)+exceeded(3)+"3 packets transmitted, 0 received, +3 errors, 100% packet loss, time Tms\nstatus 1")
		o.shown(difference(t, "ping-direct").ID, "-r -c1 -W.2 "+labServer4,
			"1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1", "! ping: connect: Network is unreachable\nstatus 2")
		o.shown(difference(t, "ping-empty-device").ID, "-I '' -c1 127.0.0.1",
			strings.ReplaceAll(oneReply, "10.77.3.2: icmp_seq=1 ttl=62", "127.0.0.1: icmp_seq=1 ttl=64")+oneOfOne+
				"! ping: Warning: source address might be selected on device other than: \nstatus 0",
			"! ping: -I needs an address or a device\nstatus 2")
		o.shown(difference(t, "ping-link-local-device").ID, "-I right -c1 fe80::2",
			"64 bytes from fe80::2%right: icmp_seq=1 ttl=64 time=T ms\n"+oneOfOne+"! ping: Warning: source address might be selected on device other than: right\nstatus 0",
			"64 bytes from fe80::2%right: icmp_seq=1 ttl=64 time=T ms\n"+oneOfOne+"status 0")
		o.shown(difference(t, "ping-help").ID, "--help", "! ping: invalid option -- '-'\n! USAGE\nstatus 2",
			strings.TrimPrefix(strings.ReplaceAll(pingSynopsis, "\n\n", "\n"), "\n")+pingTable().help()+"status 0")
		o.shown(difference(t, "ping-version").ID, "-V",
			"ping from iputils 20221126\nlibcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes\nstatus 0",
			"gnet "+version+"\nping: options and output of iputils 20221126\nstatus 0")
	})
}

// Names from outside do not reach the terminal as they are (Go's resolver takes
// no such bytes for a name, and all else is escaped), and are not empty.
func TestPingDifferences_names(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		summary := "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1"
		o.shown(difference(t, "ping-name-escape").ID, "-t1 -c1 four.example",
			"From \x1b[31mEVIL\x1b[0m.example (10.77.1.2) icmp_seq=1 Time to live exceeded\n"+summary,
			"From 10.77.1.2 icmp_seq=1 Time to live exceeded\n"+summary)
		original, gnet := o.both("-4 -q -c1 both.example")
		empty := difference(t, "ping-empty-name").ID
		if !strings.Contains(original.Stdout, "PING  (10.77.3.2)") || !strings.Contains(gnet.Stdout, "PING both.example (10.77.3.2)") {
			t.Errorf("%s: original %q, gnet %q", empty, original.Stdout, gnet.Stdout)
		}
	})
}

// What a firewall of our own host refuses is not silent.
func TestPingDifferences_notSent(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		nft := nstest.Peer(t, "nft")
		rules := "add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
			"add rule inet t o icmp type echo-request drop; add rule inet t o icmpv6 type echo-request drop"
		if r := o.lab.client.Run(t, nft, rules); r.Status != 0 {
			t.Fatalf("nft: %s", r.Stderr)
		}
		id := difference(t, "ping-not-sent").ID
		for _, host := range []string{labServer4, labServer6} {
			o.shown(id, "-c2 -i.05 -W.2 "+host, "2 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1",
				"0 packets transmitted, 0 received, +2 errors, 100% packet loss, time Tms, 2 not sent\n"+
					"! ping: sendmsg: Operation not permitted\n! ping: sendmsg: Operation not permitted\nstatus 1")
		}
	})
}

// What our own receive buffer had no room for is no loss of the network's.
func TestPingDifferences_dropped(t *testing.T) {
	id := difference(t, "ping-dropped").ID
	var out strings.Builder
	e := &env{Stdout: newOutput(&out)}
	p := &pingPrinter{e: e, o: &pingOptions{Size: 56, Interval: 1}, series: pingSeries{Name: "host"}}
	p.summary(&ping.Stats{Transmitted: 10, Received: 6, Dropped: 3})
	want := "\n--- host ping statistics ---\n10 packets transmitted, 6 received, 10% packet loss, time 0ms, 3 dropped here\n"
	if got, _, _ := strings.Cut(out.String(), "rtt "); got != want {
		t.Errorf("%s: %q, want %q", id, got, want)
	}
}

// -I DEVICE does not hide that the neighbour is silent.
func TestPingDifferences_device(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		// Three attempts of 200 ms in place of a second each: far from -W.
		o.lab.client.Sysctl(t, "net/ipv4/neigh/right/retrans_time_ms", "200")
		o.shown(difference(t, "ping-device-errors").ID, "-I right -c1 -W4 10.77.1.99",
			"1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1",
			"From 10.77.1.1 icmp_seq=1 Destination Host Unreachable\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1")
	})
}

// Hosts that answer otherwise than they should. What is no difference is the
// same in both, byte for byte.
func TestPingOracle_responder(t *testing.T) {
	other := netip.MustParseAddr("10.77.3.7")
	cases := []struct {
		name, line     string
		six            bool
		reply          func(*responder, echoRequest)
		id             string // "": no difference
		original, gnet string
	}{
		{name: "twice", line: "-l2 -c2 -i9", reply: func(r *responder, q echoRequest) {
			for range 3 {
				r.Reply(q, q.Answer())
			}
		}},
		{name: "twice, quietly", line: "-q -l2 -c2 -i9", reply: func(r *responder, q echoRequest) {
			r.Reply(q, q.Answer())
			r.Reply(q, q.Answer())
		}},
		{name: "twice, IPv6", line: "-l2 -c2 -i9", six: true, reply: func(r *responder, q echoRequest) {
			r.Reply(q, q.Answer())
			r.Reply(q, q.Answer())
		}},
		{name: "truncated", line: "-l2 -c2 -i9", reply: func(r *responder, q echoRequest) { r.Reply(q, q.Answer()[:44]) }},
		{name: "longer", line: "-l2 -c2 -i9", reply: func(r *responder, q echoRequest) { r.Reply(q, append(q.Answer(), make([]byte, 40)...)) }},
		{name: "wrong data", line: "-c1", reply: func(r *responder, q echoRequest) {
			b := q.Answer()
			b[40] ^= 0xff
			r.Reply(q, b)
		}},
		{name: "wrong data, pattern", line: "-p 0a -s 90 -c1", reply: func(r *responder, q echoRequest) {
			b := q.Answer()
			b[8+70] = 0
			r.Reply(q, b)
		}},
		{name: "crossed", line: "-l4 -c4 -i9", reply: crossed()},
		{name: "late", line: "-O -c3 -i1", reply: func(r *responder, q echoRequest) {
			if q.Seq != 2 {
				r.Reply(q, q.Answer())
			}
		}},
		{name: "ICMP errors", line: "-i.02 -c28 -W2", reply: complain(errors4)},
		{name: "ICMP errors, IPv6", line: "-i.02 -c19 -W2", six: true, reply: complain(errors6)},
		{name: "another host's address", line: "-c1 -W1", id: difference(t, "ping-other-source").ID,
			reply:    func(r *responder, q echoRequest) { r.Send(q, other, q.Answer(), true) },
			original: "64 bytes from 10.77.3.7: icmp_seq=1 ttl=62 time=T ms (DIFFERENT ADDRESS!)\n" + oneOfOne + "status 0",
			gnet: "64 bytes from 10.77.3.7: icmp_seq=1 ttl=62 time=T ms (DIFFERENT ADDRESS!)\n" +
				"1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1"},
		{name: "checksum", line: "-c1 -W1", id: difference(t, "ping-bad-checksum").ID,
			reply: func(r *responder, q echoRequest) {
				b := q.Answer()
				b[2] ^= 0x55
				r.Send(q, q.Dst, b, false)
			},
			original: oneReply + oneOfOne + "status 0",
			gnet: "64 bytes from 10.77.3.2: icmp_seq=1 ttl=62 time=T ms (BAD CHECKSUM!)\n" +
				"1 packets transmitted, 0 received, +1 corrupted, 100% packet loss, time Tms\nstatus 1"},
		{name: "a probe that was not sent", line: "-c1 -W1", id: difference(t, "ping-not-asked").ID,
			reply: func(r *responder, q echoRequest) {
				b := q.Answer()
				b[7] += 100
				r.Reply(q, b)
			},
			original: "64 bytes from 10.77.3.2: icmp_seq=101 ttl=62 time=T ms\n" + oneOfOne + "status 0",
			gnet: "1 packets transmitted, 0 received, 100% packet loss, time Tms\n" +
				"! ping: reply from 10.77.3.2 ignored: icmp_seq=101: no such probe was sent\nstatus 1"},
		{name: "forged time", line: "-c1 -W1", id: difference(t, "ping-forged").ID,
			reply: func(r *responder, q echoRequest) {
				b := q.Answer()
				for i := 8; i < 24; i++ {
					b[i] = 0xff
				}
				r.Reply(q, b)
			},
			original: oneReply + oneOfOne + "status 0",
			gnet: "1 packets transmitted, 0 received, 100% packet loss, time Tms\n" +
				"! ping: reply from 10.77.3.2 ignored: icmp_seq=1: it does not carry our data\nstatus 1"},
		{name: "forged error", line: "-c1 -W1", id: difference(t, "ping-forged-error").ID,
			reply: func(r *responder, q echoRequest) {
				quoted := slices.Clone(q.Packet)
				quoted[wire.IPv4MinHeader+wire.ICMPHeader+12] ^= 1
				r.Send(q, q.Dst, wire.AppendICMPv4(nil, wire.ICMPv4Unreachable, 1, 0, quoted), false)
			},
			original: "From 10.77.3.2 icmp_seq=1 Destination Host Unreachable\n" +
				"1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1",
			gnet: "1 packets transmitted, 0 received, 100% packet loss, time Tms\n" +
				"! ping: ICMP error from 10.77.3.2 ignored: icmp_seq=1: it does not quote our data\nstatus 1"},
		{name: "two errors about one probe", line: "-c2 -i.2 -W1", id: difference(t, "ping-settled").ID,
			reply: func(r *responder, q echoRequest) {
				if q.Seq == 2 {
					r.Reply(q, q.Answer())
					return
				}
				for range 2 {
					r.Complain(q, q.Dst, wire.ICMPv4Unreachable, 1, 0)
				}
			},
			original: strings.Repeat("From 10.77.3.2 icmp_seq=1 Destination Host Unreachable\n", 2) +
				"1 packets transmitted, 0 received, +2 errors, 100% packet loss, time Tms\nstatus 1",
			gnet: strings.Repeat("From 10.77.3.2 icmp_seq=1 Destination Host Unreachable\n", 2) +
				"64 bytes from 10.77.3.2: icmp_seq=2 ttl=62 time=T ms\n" +
				"2 packets transmitted, 1 received, +2 errors, 50% packet loss, time Tms\nstatus 0"},
		{name: "reassembly timeout", line: "-c1 -W1", id: difference(t, "ping-raw-errors").ID, reply: complain([]icmpCase{{11, 1, 0}}),
			original: "1 packets transmitted, 0 received, 100% packet loss, time Tms\nstatus 1",
			gnet: "From 10.77.3.2 icmp_seq=1 Frag reassembly time exceeded\n" +
				"1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\nstatus 1"},
	}
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		for _, tt := range cases {
			host := map[bool]string{false: labServer4, true: labServer6}[tt.six]
			stop := o.lab.respond(tt.six, tt.reply)
			switch {
			case strings.HasPrefix(tt.name, "ICMP errors"):
				o.compareUnordered(tt.line + " " + host)
			case tt.id == "":
				o.compare(tt.line + " " + host)
			default:
				o.shown(tt.id, tt.line+" "+host, tt.original, tt.gnet)
			}
			stop()
			o.lab.forget()
		}
		if nstest.Probe(nstest.Root) != nil {
			return
		}
		o.lab.client.AllowPing(t)
		o.nobody = true
		for _, line := range []string{"-i.02 -c24 -W2 " + labServer4, "-i.02 -c19 -W2 " + labServer6} {
			six := strings.Contains(line, ":")
			stop := o.lab.respond(six, complain(map[bool][]icmpCase{false: errors4, true: errors6}[six]))
			o.compare(line)
			stop()
			o.lab.forget()
		}
	})
}

// errors4 are the ICMP errors that the error queue carries, and advice. The
// gateways of the redirects are nobody's.
var errors4 = slices.Concat(unreachables(), []icmpCase{
	{wire.ICMPv4SourceQuench, 0, 0},
	{wire.ICMPv4TimeExceeded, 0, 0}, {wire.ICMPv4TimeExceeded, 2, 0}, {wire.ICMPv4ParamProblem, 0, 20 << 24},
	{wire.ICMPv4Unreachable, 4, 0}, {wire.ICMPv4Unreachable, 4, 68}, {wire.ICMPv4Unreachable, 4, 20},
	{wire.ICMPv4Redirect, 0, 0x0a4d0102}, {wire.ICMPv4Redirect, 1, 0x0a4d0102}, {wire.ICMPv4Redirect, 2, 0x0a4d0102},
	{wire.ICMPv4Redirect, 3, 0x0a4d0102}, {wire.ICMPv4Redirect, 4, 0x0a4d0102},
})

func unreachables() (cases []icmpCase) {
	for code := range uint8(16) {
		cases = append(cases, icmpCase{wire.ICMPv4Unreachable, code, map[bool]uint32{true: 1006}[code == 4]})
	}
	return cases
}

var errors6 = []icmpCase{
	{1, 0, 0}, {1, 1, 0}, {1, 2, 0}, {1, 3, 0}, {1, 4, 0}, {1, 5, 0}, {1, 6, 0}, {1, 7, 0}, {2, 0, 1300}, {2, 1, 1299}, {2, 0, 1281},
	{3, 0, 0}, {3, 1, 0}, {3, 2, 0}, {4, 0, 40}, {4, 1, 6}, {4, 2, 44}, {4, 3, 1}, {127, 0, 0},
}

// Signals: SIGQUIT asks for the figures, SIGINT ends with the summary, and so
// does SIGTERM, which kills the original without one.
func TestPingOracle_signals(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		var results []nstest.Result
		for _, path := range []string{o.original, o.gnet} {
			results = append(results, o.interrupt(path, "-l3 -i60 "+labServer4, 3, unix.SIGQUIT, unix.SIGINT))
			results = append(results, o.interrupt(path, "-l2 -i60 -t1 "+labServer4, 2, unix.SIGQUIT, unix.SIGINT))
			results = append(results, o.interrupt(path, "-l2 -i60 "+labServer4, 2, unix.SIGTERM))
		}
		for i := range 2 {
			if diff := cmp.Diff(results[i], results[i+3]); diff != "" {
				t.Errorf("SIGQUIT and SIGINT %d (-original +gnet):\n%s", i, diff)
			}
		}
		id := difference(t, "ping-terminate").ID
		replies := oneReply + strings.ReplaceAll(oneReply, "seq=1", "seq=2")
		if diff := cmp.Diff(replies+"status 143", transcript(results[2])); diff != "" {
			t.Errorf("%s: original (-want +got):\n%s", id, diff)
		}
		if diff := cmp.Diff(replies+"2 packets transmitted, 2 received, 0% packet loss, time Tms\nstatus 0", transcript(results[5])); diff != "" {
			t.Errorf("%s: gnet (-want +got):\n%s", id, diff)
		}
	})
}
