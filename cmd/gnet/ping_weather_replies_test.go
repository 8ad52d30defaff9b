package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// What a peer that is broken or malicious sends is named for what it is, and
// counts only if it answers a probe.
func TestPingWeather_replies(t *testing.T) {
	const none = "1 packets transmitted, 0 received, 100% packet loss, time Tms\n"
	reply := func(tail string) string { return "64 bytes from 10.77.1.2: icmp_seq=1 ttl=64 time=T ms" + tail + "\n" }
	reply6 := func(tail string) string { return "64 bytes from fd77:1::2: icmp_seq=1 ttl=64 time=T ms" + tail + "\n" }
	honest := func(r *responder, q echoRequest) { r.Reply(q, q.Answer()) }
	// forged sends a changed answer in place of the honest one.
	forged := func(change func([]byte) []byte) func(*responder, echoRequest) {
		return func(r *responder, q echoRequest) { r.Reply(q, change(q.Answer())) }
	}
	// beside sends something else before the honest answer.
	beside := func(send func(*responder, echoRequest)) func(*responder, echoRequest) {
		return func(r *responder, q echoRequest) {
			send(r, q)
			honest(r, q)
		}
	}
	cases := []struct {
		name  string
		six   bool
		line  string
		reply func(*responder, echoRequest)
		want  string
	}{
		{"honest", false, "", honest, reply("") + oneOfOne + "status 0"},
		{"no data", false, "", forged(func(b []byte) []byte { return b[:8] }),
			"8 bytes from 10.77.1.2: icmp_seq=1 ttl=64 (truncated)\n" + oneOfOne + "status 0"},
		{"no data, IPv6", true, "", forged(func(b []byte) []byte { return b[:8] }),
			"8 bytes from fd77:1::2: icmp_seq=1 ttl=64 (truncated)\n" + oneOfOne + "status 0"},
		{"cut in its header", false, "", beside(func(r *responder, q echoRequest) { r.Reply(q, q.Answer()[:5]) }), reply("") + oneOfOne + "status 0"},
		{"nothing but an IP header", false, "", beside(func(r *responder, q echoRequest) { r.Send(q, q.Dst, nil, false) }), reply("") + oneOfOne + "status 0"},
		{"huge", false, "", forged(func(b []byte) []byte { return append(b, make([]byte, 60000)...) }),
			strings.Replace(reply(""), "64 bytes", "60064 bytes", 1) + oneOfOne + "status 0"},
		{"bad checksum", false, "", func(r *responder, q echoRequest) {
			b := q.Answer()
			b[3] ^= 1
			r.Send(q, q.Dst, b, false)
		}, reply(" (BAD CHECKSUM!)") + strings.Replace(none, "0 received", "0 received, +1 corrupted", 1) + "status 1"},
		{"bad checksum, IPv6", true, "", func(r *responder, q echoRequest) {
			b := q.Answer()
			b[3] ^= 1
			r.Send(q, q.Dst, b, false)
		}, none + "! ping: 1 packets with a wrong checksum were dropped by the kernel\nstatus 1"},
		{"another source", false, "", func(r *responder, q echoRequest) { r.Send(q, netip.MustParseAddr("10.77.1.9"), q.Answer(), true) },
			strings.Replace(reply(" (DIFFERENT ADDRESS!)"), "1.2", "1.9", 1) + none + "status 1"},
		{"another source, IPv6", true, "", func(r *responder, q echoRequest) { r.Send(q, netip.MustParseAddr("fd77:1::9"), q.Answer(), true) },
			strings.Replace(reply6(" (DIFFERENT ADDRESS!)"), "::2", "::9", 1) + none + "status 1"},
		{"twice", false, "-l2 -c2 -i9", func(r *responder, q echoRequest) {
			if q.Seq == 1 {
				honest(r, q)
				honest(r, q)
				return
			}
			honest(r, q)
		}, reply("") + reply(" (DUP!)") + strings.Replace(reply(""), "seq=1", "seq=2", 1) +
			"2 packets transmitted, 2 received, +1 duplicates, 0% packet loss, time Tms\nstatus 0"},
		{"a number that was not sent", false, "", beside(func(r *responder, q echoRequest) {
			b := q.Answer()
			binary.BigEndian.PutUint16(b[6:], 101)
			r.Reply(q, b)
		}), reply("") + oneOfOne + "! ping: reply from 10.77.1.2 ignored: icmp_seq=101: no such probe was sent\nstatus 0"},
		{"number 0", true, "", beside(func(r *responder, q echoRequest) {
			b := q.Answer()
			binary.BigEndian.PutUint16(b[6:], 0)
			r.Reply(q, b)
		}), reply6("") + oneOfOne + "! ping: reply from fd77:1::2 ignored: icmp_seq=0: no such probe was sent\nstatus 0"},
		{"another program's identifier", false, "", beside(func(r *responder, q echoRequest) {
			b := q.Answer()
			b[4] ^= 0xff
			r.Reply(q, b)
		}), reply("") + oneOfOne + "status 0"},
		{"another program's identifier, IPv6", true, "", beside(func(r *responder, q echoRequest) {
			b := q.Answer()
			b[4] ^= 0xff
			r.Reply(q, b)
		}), reply6("") + oneOfOne + "status 0"},
		{"a forged time", false, "", forged(func(b []byte) []byte {
			copy(b[8:16], "\xff\xff\xff\xff\xff\xff\xff\xff")
			return b
		}), reply("") + oneOfOne + "status 0"},
		{"a forged cookie", false, "", forged(func(b []byte) []byte {
			b[16] ^= 1
			return b
		}), none + "! ping: reply from 10.77.1.2 ignored: icmp_seq=1: it does not carry our data\nstatus 1"},
		{"a request in place of a reply", false, "", beside(func(r *responder, q echoRequest) { r.Reply(q, slices.Clone(q.ICMP)) }), reply("") + oneOfOne + "status 0"},
		{"a flood for other programs", false, "", beside(func(r *responder, q echoRequest) {
			for i := range 3000 {
				b := q.Answer()
				binary.BigEndian.PutUint16(b[4:], q.ID+1+uint16(i))
				r.Reply(q, b)
			}
		}), reply("") + oneOfOne + "status 0"},
		{"options in the header", false, "", func(r *responder, q echoRequest) { withOptions(r, q, 1, 1, 1, 0) }, reply("\nNOP\nNOP\nNOP") + oneOfOne + "status 0"},
		{"garbage in place of options", false, "", func(r *responder, q echoRequest) {
			withOptions(r, q, 7, 39, 200, 9)
			honest(r, q)
		}, reply("") + oneOfOne + "status 0"},
	}
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		for _, tt := range cases {
			host, line := weatherServer4, tt.line
			if tt.six {
				host = weatherServer6
			}
			if line == "" {
				line = "-c1 -W.3"
			}
			stop := w.server.Respond(t, tt.six, tt.reply)
			got := transcript(normalisePingResult(w.ran(line + " " + host)))
			stop()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: ping %s (-want +got):\n%s", tt.name, line, diff)
			}
		}
	})
}

// withOptions sends the honest answer in a packet with IP options.
func withOptions(r *responder, q echoRequest, options ...byte) {
	icmp := q.Answer()
	icmp[2], icmp[3] = 0, 0
	binary.BigEndian.PutUint16(icmp[2:], wire.Checksum(icmp))
	b := make([]byte, wire.IPv4MinHeader, 128)
	b = append(b, options...)
	b[0], b[8], b[9] = byte(4<<4|len(b)/4), 64, wire.ProtoICMP
	src, dst := q.Dst.As4(), q.Src.As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	r.SendPacket(q.Src, append(b, icmp...))
}

// ICMP errors that cannot be true, or are not about our probes.
func TestPingWeather_errors(t *testing.T) {
	const oneError = "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time Tms\n"
	const one = "1 packets transmitted, 0 received, 100% packet loss, time Tms\n"
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		tooBig := func(mtu uint32) func(*responder, echoRequest) {
			return func(r *responder, q echoRequest) {
				if r.Six() {
					r.Complain(q, q.Dst, wire.ICMPv6TooBig, 0, mtu)
					return
				}
				r.Complain(q, q.Dst, wire.ICMPv4Unreachable, wire.ICMPv4FragNeeded, mtu)
			}
		}
		// about changes the packet that the error quotes.
		about := func(change func(q *echoRequest)) func(*responder, echoRequest) {
			return func(r *responder, q echoRequest) {
				told := q
				told.Packet = slices.Clone(q.Packet)
				change(&told)
				if r.Six() {
					r.Send(q, q.Dst, wire.AppendICMPv6(nil, q.Dst, q.Src, wire.ICMPv6Unreachable, 0, 0, told.Packet), false)
					return
				}
				r.Send(q, q.Dst, wire.AppendICMPv4(nil, wire.ICMPv4Unreachable, 1, 0, told.Packet), false)
			}
		}
		for _, tt := range []struct {
			name  string
			six   bool
			line  string
			reply func(*responder, echoRequest)
			want  string
		}{
			{"a true MTU", false, "-s 1400", tooBig(1006), "From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 1006)\n" + oneError + "status 1"},
			{"MTU 0", false, "-s 1400", tooBig(0), "From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 0)\n" + oneError +
				"! ping: 10.77.1.2 names no MTU, as routers older than RFC 1191 do: 1006 is the usual one below 1428\nstatus 1"},
			{"MTU 20", false, "-s 1400", tooBig(20), "From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 20)\n" + oneError +
				"! ping: 10.77.1.2 names a suspicious MTU: 20 is less than every link of IPv4 carries\nstatus 1"},
			{"the least MTU", false, "-s 1400", tooBig(68), "From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 68)\n" + oneError + "status 1"},
			{"an MTU with room", false, "-s 1400", tooBig(1428), "From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 1428)\n" + oneError +
				"! ping: 10.77.1.2 names a suspicious MTU: 1428 has room for these packets of 1428 bytes\nstatus 1"},
			{"quietly", false, "-q -s 1400", tooBig(20), oneError + "status 1"},
			{"an MTU with room, IPv6", true, "-s 1400", tooBig(4000), "From fd77:1::2 icmp_seq=1 Packet too big: mtu=4000\n" + oneError +
				"! ping: fd77:1::2 names a suspicious MTU: 4000 has room for these packets of 1448 bytes\nstatus 1"},
			{"less than IPv6 allows", true, "-s 1400", tooBig(1000), "From fd77:1::2 icmp_seq=1 Packet too big: mtu=1000\n" + oneError +
				"! ping: fd77:1::2 names a suspicious MTU: 1000 is less than every link of IPv6 carries\nstatus 1"},
			{"another program's probe", false, "", about(func(q *echoRequest) { q.Packet[24] ^= 0xff }), one + "status 1"},
			{"a probe that was not sent", false, "", about(func(q *echoRequest) { q.Packet[27] += 100 }), one + "status 1"},
			{"a probe to another host", false, "", about(func(q *echoRequest) { q.Packet[19]++ }), one + "status 1"},
			{"another kind of message", false, "", about(func(q *echoRequest) { q.Packet[20] = wire.ICMPv4EchoReply }), one + "status 1"},
			{"another protocol", false, "", about(func(q *echoRequest) { q.Packet[9] = wire.ProtoUDP }), one + "status 1"},
			{"a header and no more", false, "", about(func(q *echoRequest) { q.Packet = q.Packet[:20] }), one + "status 1"},
			{"half a header", false, "", about(func(q *echoRequest) { q.Packet = q.Packet[:11] }), one + "status 1"},
			{"nothing", false, "", about(func(q *echoRequest) { q.Packet = nil }), one + "status 1"},
			{"noise", false, "", about(func(q *echoRequest) { q.Packet = []byte(strings.Repeat("\xff\x45\x00", 40)) }), one + "status 1"},
			{"another program's probe, IPv6", true, "", about(func(q *echoRequest) { q.Packet[44] ^= 0xff }), one + "status 1"},
			{"a probe that was not sent, IPv6", true, "", about(func(q *echoRequest) { q.Packet[47] += 100 }), one + "status 1"},
			{"a header and no more, IPv6", true, "", about(func(q *echoRequest) { q.Packet = q.Packet[:40] }), one + "status 1"},
			{"noise, IPv6", true, "", about(func(q *echoRequest) { q.Packet = []byte(strings.Repeat("\xff\x60\x00", 40)) }), one + "status 1"},
		} {
			host := weatherServer4
			if tt.six {
				host = weatherServer6
			}
			stop := w.server.Respond(t, tt.six, tt.reply)
			got := transcript(normalisePingResult(w.ran("-c1 -W.3 " + tt.line + " " + host)))
			stop()
			w.forget()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: ping %s (-want +got):\n%s", tt.name, tt.line, diff)
			}
		}
		// The same claim is doubted once, and a document has it among its notes.
		stop := w.server.Respond(t, false, tooBig(20))
		defer stop()
		got := w.ran("--format jsonl -c3 -i.05 -W.3 " + weatherServer4)
		const doubt = "10.77.1.2 names a suspicious MTU: 20 is less than every link of IPv4 carries"
		if n := strings.Count(got.Stdout, `{"kind":"note","level":"warning","text":"`+doubt+`"}`); n != 1 || strings.Count(got.Stderr, "ping: "+doubt) != 1 {
			t.Errorf("a doubt is said once:\n%+v", got)
		}
	})
}

// The peer that is pinged decides how many replies it sends, but not how many
// lines are printed.
func TestPingWeather_ignoredReplies(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		w := newWeather(t)
		defer w.server.Respond(t, false, func(r *responder, q echoRequest) {
			for i := range 60 {
				b := q.Answer()
				binary.BigEndian.PutUint16(b[6:], uint16(1000+i))
				r.Reply(q, b)
			}
			r.Reply(q, q.Answer())
		})()
		got := transcript(normalisePingResult(w.ran("-c1 -W3 " + weatherServer4)))
		want := "64 bytes from 10.77.1.2: icmp_seq=1 ttl=64 time=T ms\n" + oneOfOne
		for i := range maxIgnored {
			want += fmt.Sprintf("! ping: reply from 10.77.1.2 ignored: icmp_seq=%d: no such probe was sent\n", 1000+i)
		}
		difference(t, "ping-many-ignored")
		want += "! ping: more of them are only counted\n! ping: 60 replies and errors were ignored\nstatus 0"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
