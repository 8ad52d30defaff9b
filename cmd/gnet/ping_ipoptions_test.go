package main

import (
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// Replies whose header carries options that no router of this lab writes, and
// some that are malformed: the same in both programs.
func TestPingOracle_ipOptions(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		// A source-routed packet is for a host that takes such.
		o.lab.client.Sysctl(t, "net/ipv4/conf/all/accept_source_route", "1")
		o.lab.client.Sysctl(t, "net/ipv4/conf/right/accept_source_route", "1")
		var options atomic.Pointer[[]byte]
		stop := o.lab.r1.Respond(t, false, func(r *nstest.Responder, q nstest.EchoRequest) {
			icmp := q.Answer()
			icmp[2], icmp[3] = 0, 0
			sum := wire.Checksum(icmp)
			icmp[2], icmp[3] = byte(sum>>8), byte(sum)
			header := wire.IPv4Fields{TTL: 64, Protocol: wire.ProtoICMP, Src: q.Dst, Dst: q.Src, Options: *options.Load()}
			packet, err := header.Append(nil, len(icmp))
			if err != nil {
				t.Error(err)
				return
			}
			r.SendPacket(q.Src, append(packet, icmp...))
		})
		defer stop()
		for _, b := range [][]byte{
			{1, 1, 1, 0},
			{1, 7, 11, 8, 10, 0, 0, 1, 0, 0, 0, 0},
			{7, 7, 8, 0, 0, 0, 0, 0},
			{7, 11, 12, 10, 9, 9, 9, 10, 9, 9, 8, 0},
			{148, 4, 0, 0},
			{30, 3, 1, 94, 4, 1, 1, 0},
			{68, 12, 13, 0xf0, 0, 0, 0, 9, 0x80, 0, 0, 7},
			{68, 20, 21, 0x20, 0x80, 0, 0, 0, 0x80, 0, 0, 9, 0x80, 0, 0, 4, 0, 0, 0, 0},
			{68, 20, 21, 0x51, 10, 77, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3},
			{68, 12, 13, 3, 10, 9, 9, 9, 0, 0, 0, 3},
			{1, 68, 8, 9, 0, 0, 0, 0, 5, 1, 148, 4, 0, 0, 0, 0},
			{7, 7, 8, 10, 9, 9, 9, 68, 8, 9, 0, 0, 0, 0, 5, 0},
		} {
			options.Store(&b)
			o.compare("-c1 -n -W1 10.77.1.2")
		}
		reply := strings.ReplaceAll(oneReply, "10.77.3.2: icmp_seq=1 ttl=62", "10.77.1.2: icmp_seq=1 ttl=64")
		options.Store(&[]byte{131, 11, 12, 10, 9, 9, 9, 10, 9, 9, 8, 0})
		o.shown(difference(t, "ping-source-route").ID, "-c1 -n -W1 10.77.1.2", reply+"LSRR: \t12.10.9.9\n\t9.10.9.9\n"+oneOfOne+"status 0",
			reply+"LSRR: \t10.9.9.9\n\t10.9.9.8\n"+oneOfOne+"status 0")
	})
}

// Options that the kernel would not let through end what is shown of them.
func TestAppendIPOptions(t *testing.T) {
	o := defaultPing()
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"\x00\x01", ""}, {"\x07", ""}, {"\x07\x02", ""}, {"\x07\x01\x04", ""}, {"\x44\x03\x05", ""}, {"\x01\x07\x09", "\nNOP"},
		{"\x83\x02\x01", "\nLSRR: \nNOP"}, {"\x07\x07\xff\x0a\x00\x00\x01", "\nRR: \t10.0.0.1\n"},
		{"\x89\x07\x08\x0a\x00\x00\x02", "\nSSRR: \t10.0.0.2\n"}, {"\x44\x08\x05\x30\x00\x00\x00\x00", ""}, {"\x44\x06\xff\x00\x00\x00", ""},
	} {
		p := &pingPrinter{o: &o}
		if got := string(p.appendIPOptions(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("% x: %q, want %q", tt.in, got, tt.want)
		}
	}
	p := &pingPrinter{o: &o}
	route, got := []byte{7, 7, 8, 10, 0, 0, 1}, ""
	for range 2 {
		got += string(p.appendIPOptions(nil, route))
	}
	route[6] = 2
	if diff := cmp.Diff("\nRR: \t10.0.0.1\n\t(same route)\nRR: \t10.0.0.2\n", got+string(p.appendIPOptions(nil, route))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// With -3 no digit is rounded away.
func TestAppendTime(t *testing.T) {
	o := defaultPing()
	o.Precise = true
	got := string((&pingPrinter{o: &o}).appendTime(nil, 1234567891*time.Microsecond))
	o.Precise = false
	got += ", " + string((&pingPrinter{o: &o}).appendTime(nil, 1234567891*time.Microsecond))
	if want := "1234567.891 ms, 1234568 ms"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What later iputils have, and what it does with marks and flow labels.
func TestPingDifferences_newer(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		o := newPingOracle(t)
		newer := difference(t, "ping-newer").ID
		o.shown(newer, "-3 -c1 "+labServer4, "! ping: invalid option -- '3'\n! USAGE\nstatus 2", oneReply+oneOfOne+"status 0")
		named := strings.ReplaceAll(oneReply, "10.77.3.2", "four.example (10.77.3.2)")
		o.shown(newer, "-H -c1 "+labServer4, "! ping: invalid option -- 'H'\n! USAGE\nstatus 2", named+oneOfOne+"status 0")
		for _, tt := range []struct{ args, want string }{
			{"-c1 four.example", oneReply}, {"-H -c1 four.example", named}, {"-n -H -c1 four.example", named}, {"-H -n -c1 four.example", oneReply},
		} {
			cmd := o.command(o.gnet, pingWords(tt.args))
			cmd.Env = append(cmd.Env, "IPUTILS_PING_PTR_LOOKUP=0")
			if diff := cmp.Diff(tt.want+oneOfOne+"status 0", transcript(normalisePingResult(o.lab.client.Output(t, cmd)))); diff != "" {
				t.Errorf("IPUTILS_PING_PTR_LOOKUP=0 ping %s (-want +got)\n%s", tt.args, diff)
			}
		}
		o.flowLease(difference(t, "ping-flow-lease").ID)
		if nstest.Probe(nstest.Root) != nil {
			return
		}
		o.lab.client.AllowPing(t)
		o.nobody = true
		bare := o.gnet + "-original"
		if out, err := exec.Command("cp", o.original, bare).CombinedOutput(); err != nil { // a copy has no capabilities
			t.Fatalf("cp: %v %s", err, out)
		}
		o.original = bare
		refused := "! ping: WARNING: failed to set mark: 5: Operation not permitted\n"
		o.shown(difference(t, "ping-mark").ID, "-m 5 -c1 "+labServer4, oneReply+oneOfOne+refused+refused+"status 0", oneReply+oneOfOne+refused+"status 0")
	})
}

// flowLease pings twice with one flow label.
func (o *pingOracle) flowLease(id string) {
	o.t.Helper()
	good := strings.ReplaceAll(oneReply, "10.77.3.2", labServer6) + oneOfOne + "status 0"
	for _, tt := range []struct{ path, label, again string }{
		{o.original, "0x7", "! ping: can't set flowlabel: Operation not permitted\nstatus 2"}, {o.gnet, "0xfffff", good}} {
		args := []string{"-F", tt.label, "-c1", labServer6}
		first, again := o.answer(tt.path, args), o.answer(tt.path, args)
		if diff := cmp.Diff([]string{good, tt.again}, []string{transcript(first), transcript(again)}); diff != "" {
			o.t.Errorf("%s: %s (-want +got)\n%s", id, tt.path, diff)
		}
		raw := o.lab.client.Output(o.t, o.command(o.gnet, []string{"-F", "0x12", "-I", "right", "-c1", labServer6}))
		if want := "PING fd77:3::2(fd77:3::2) , flow 0x00012, from fd77:1::1 right: 56 data bytes\n"; !strings.HasPrefix(raw.Stdout, want) {
			o.t.Errorf("%q does not start with %q", raw.Stdout, want)
		}
	}
}
