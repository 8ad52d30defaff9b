package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// traceTarget is the server of the usual path.
func traceTarget(six bool) string {
	if six {
		return "fd77:4::2"
	}
	return "10.77.4.2"
}

func numbered(six bool, n int) netip.Addr {
	if six {
		return numbered6(n)
	}
	return numbered4(n)
}

// traceSummary is what the tests read of a JSON document.
type traceSummary struct {
	Rows []struct {
		Hop      int
		Address  string
		Fate     string
		Sent     int
		Received int
	}
	Summary struct {
		Reached    bool
		MTU        int
		Duplicates int
		Foreign    int
		Malformed  int
	}
	Notes []struct{ Level, Text string }
}

func (o *traceOracle) document(line string) traceSummary {
	o.t.Helper()
	r := o.answer(o.gnet, "--json "+line)
	var d traceSummary
	if err := json.Unmarshal([]byte(r.Stdout), &d); err != nil {
		o.t.Fatalf("%s: %v\n%s%s", line, err, r.Stdout, r.Stderr)
	}
	return d
}

// Every error that a router or a host may send ends the trace with the original's
// mark, or does not end it.
func TestTracepathWeather_marks(t *testing.T) {
	nstest.Peer(t, "nft")
	type codes struct {
		typ         uint8
		first, last uint8
	}
	for _, six := range []bool{false, true} {
		t.Run(fmt.Sprintf("six=%v", six), func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				o := newTraceOracle(t)
				o.run(o.original, "-n -m 1 "+traceTarget(six)) // the neighbour is known
				var now atomic.Uint32
				behind(t, o.path, 1, six, func(other *otherPath, p udpProbe) {
					if p.TTL == 1 {
						other.say(p, other.exceeded(1))
						return
					}
					other.say(p, icmpError{From: numbered(six, 2), Type: uint8(now.Load() >> 8), Code: uint8(now.Load())})
				})
				// Not port unreachable and frag needed: see below.
				all := []codes{{3, 0, 2}, {3, 5, 16}, {11, 0, 2}, {12, 0, 2}, {4, 0, 0}}
				if six {
					all = []codes{{1, 0, 3}, {1, 5, 8}, {3, 0, 2}, {4, 0, 3}}
				}
				for _, c := range all {
					for code := c.first; code <= c.last; code++ {
						now.Store(uint32(c.typ)<<8 | uint32(code))
						t.Logf("type %d, code %d", c.typ, code)
						o.same("-n -m 2 -l 1000 " + traceTarget(six))
					}
				}
				// The first hop is asked twice, and both answers are shown.
				now.Store(map[bool]uint32{false: 3<<8 | 1, true: 1 << 8}[six])
				o.same("-n " + traceTarget(six))
			})
		})
	}
}

// A port that somebody else calls unreachable was not reached.
func TestTracepathWeather_refusedElsewhere(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		for _, six := range []bool{false, true} {
			behind(t, o.path, 1, six, func(other *otherPath, p udpProbe) {
				if p.TTL == 1 {
					other.say(p, other.exceeded(1))
					return
				}
				e := other.noPort(p)
				e.From = numbered(six, 2)
				other.say(p, e)
			})
			lines := traceLine(1, numbered(six, 1).String(), "") + traceLine(2, numbered(six, 2).String(), "")
			o.shown(difference(t, "tracepath-refused-elsewhere"), "-n -l 1000 "+traceTarget(six), o.answer,
				strings.TrimSuffix(lines, "\n")+"reached\n     Resume: pmtu 1000 hops 2 back 1 \nstatus 0",
				lines+"     Resume: pmtu 1000 \ntracepath: NET ERROR: Connection refused\nstatus 0")
			if d := o.document("-n -l 1000 " + traceTarget(six)); d.Summary.Reached || len(d.Rows) != 2 || d.Rows[1].Fate != "unreachable" {
				t.Errorf("document: %+v", d)
			}
		}
	})
}

// An MTU that cannot be true is said once, and is not what comes out.
func TestTracepathWeather_impossibleMTU(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		late := traceLine(2, numbered4(2).String(), "asymm  1 ")
		run := func(path, line string) nstest.Result {
			r := o.answer(path, line)
			if path == o.gnet {
				return r
			}
			// It may be done before the second answer to its probe comes. Once in 200 runs it takes
			// that for the end of its work at this hop, and says nothing of what it could not send.
			for range 20 {
				if strings.Contains(r.Stdout, "send failed") {
					break
				}
				r = o.answer(path, line)
			}
			r.Stdout = strings.Replace(r.Stdout, late, "", 1)
			return r
		}
		var mtu atomic.Int64
		for _, six := range []bool{false, true} {
			behind(t, o.path, 1, six, func(other *otherPath, p udpProbe) {
				if p.TTL == 2 {
					e := icmpError{From: numbered(six, 2), Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4FragNeeded, Rest: uint32(mtu.Load())}
					if six {
						e.Type, e.Code = wire.ICMPv6TooBig, 0
					}
					other.say(p, e)
				}
				other.honest(p, 3)
			})
			honest := traceLine(1, numbered(six, 1).String(), "") + traceLine(2, numbered(six, 2).String(), "asymm  1 ") +
				traceLine(3, numbered(six, 3).String(), "asymm  1 ") + traceLine(4, traceTarget(six), "reached") +
				"     Resume: pmtu 1400 hops 4 back 1 \n"
			claims := []int64{0, 1, 67, 1400, 1401, 65535}
			if six {
				claims = []int64{0, 1, 68, 1279, 1400, 100000, 1<<32 - 1}
			}
			d := difference(t, "tracepath-impossible-mtu")
			for _, claim := range claims {
				mtu.Store(claim)
				line := "-n -l 1400 " + traceTarget(six)
				want := honest + fmt.Sprintf("tracepath: not believed: %v named an MTU of %d for a packet of 1400 bytes\nstatus 0", numbered(six, 2), claim)
				if claim == 0 && !six {
					hop := numbered4(2).String()
					o.shown(d, line, run, traceLine(1, numbered4(1).String(), "")+traceLine(2, hop, "pmtu 0")+
						" 2:  send failed\n     Resume: pmtu 0 \nstatus 0", want)
					continue
				}
				r := o.answer(o.gnet, line)
				if diff := cmp.Diff(want, fmt.Sprintf("%s%sstatus %d", r.Stdout, r.Stderr, r.Status)); diff != "" {
					t.Errorf("an MTU of %d (-want +got)\n%s", claim, diff)
				}
			}
			if d := o.document("-n -l 1400 " + traceTarget(six)); len(d.Notes) != 1 || d.Summary.MTU != 1400 {
				t.Errorf("document: %+v", d)
			}
		}
	})
}

// What quotes no probe of ours is counted and changes nothing, whoever sends it. What
// quotes one rightly has seen it: that is all that can be told of a sender.
func TestTracepathWeather_forged(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		for _, six := range []bool{false, true} {
			var sent atomic.Int64
			behind(t, o.path, 1, six, func(other *otherPath, p udpProbe) {
				sent.Add(1)
				changed := func(at int, b ...byte) []byte {
					quote := slices.Clone(p.Packet[:min(len(p.Packet), 548)])
					copy(quote[at:], b)
					return quote
				}
				data, address := p.Header+wire.UDPHeader, map[bool]int{false: 16, true: 24}[six]
				for _, quote := range [][]byte{
					changed(data, 1, 2, 3, 4, 5, 6, 7, 8),              // another cookie
					changed(data+8, 0xff, 0xff),                        // another number
					changed(address, other.noise(six)...),              // another destination
					changed(p.Header, 0x12, 0x34),                      // another source port: the kernel knows no such socket
					changed(p.Header, 0, 0, 0, 0),                      // no ports
					changed(map[bool]int{false: 9, true: 6}[six], 253), // another protocol
					p.Packet[:p.Header+4],                              // too little for ports and length
				} {
					end := other.noPort(p)
					end.Quote = quote
					other.say(p, end)
					router := other.exceeded(99)
					router.Quote = quote
					other.say(p, router)
				}
				other.honest(p, 3)
			})
			back := "asymm  1 "
			want := traceLine(1, numbered(six, 1).String(), "") + traceLine(2, numbered(six, 2).String(), back) +
				traceLine(3, numbered(six, 3).String(), back) + traceLine(4, traceTarget(six), "reached") + "     Resume: pmtu 1000 hops 4 back 1 \n"
			got := o.answer(o.gnet, "-n -l 1000 "+traceTarget(six))
			if diff := cmp.Diff(nstest.Result{Stdout: want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			sent.Store(0)
			d := o.document("-n -l 1000 " + traceTarget(six))
			// Cookie, number and destination, two messages each; of the others the kernel tells nobody.
			if want := int(sent.Load()) * 6; d.Summary.Foreign != want || d.Summary.Duplicates != 0 || !d.Summary.Reached {
				t.Errorf("%d foreign messages, want %d: %+v", d.Summary.Foreign, want, d)
			}
		}
	})
}

// noise is an address that nobody asked.
func (o *otherPath) noise(six bool) []byte {
	if six {
		return numbered6(200).AsSlice()
	}
	return numbered4(200).AsSlice()
}

// Answers that come twice and in another order are put in theirs, and the first
// of several senders is the hop.
func TestTracepathWeather_disorder(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		var mu sync.Mutex // the responder has a goroutine of its own
		var held []udpProbe
		behind(t, o.path, 1, false, func(other *otherPath, p udpProbe) {
			mu.Lock()
			defer mu.Unlock()
			if held = append(held, p); p.TTL != 1 && p.TTL != 5 && p.TTL != 9 { // the last of each burst
				return
			}
			for _, p := range slices.Backward(held) {
				other.honest(p, 6)
				other.honest(p, 6)
				if p.TTL == 3 {
					other.say(p, other.exceeded(33))
				}
			}
			held = nil
		})
		var want strings.Builder
		want.WriteString(traceLine(1, "198.51.100.1", ""))
		for n := 2; n <= 6; n++ {
			want.WriteString(traceLine(n, numbered4(n).String(), "asymm  1 "))
		}
		want.WriteString(traceLine(7, "10.77.4.2", "reached") + "     Resume: pmtu 1000 hops 7 back 1 \n")
		got := o.answer(o.gnet, "-n -l 1000 10.77.4.2")
		if diff := cmp.Diff(nstest.Result{Stdout: want.String()}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		mu.Lock()
		held = nil
		mu.Unlock()
		// The trace is over when the last copy but one is there.
		if d := o.document("-n -l 1000 10.77.4.2"); d.Summary.Duplicates < 9 || d.Summary.Duplicates > 10 || d.Summary.Foreign != 0 {
			t.Errorf("duplicates: %+v", d.Summary)
		}
	})
}

// Routers that quote the eight bytes that RFC 792 asks for: the trace goes on with
// one probe at a time and tells the hops apart.
func TestTracepathWeather_shortQuotes(t *testing.T) {
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		behind(t, o.path, 1, false, func(other *otherPath, p udpProbe) {
			e := other.exceeded(p.TTL)
			if p.TTL > 3 {
				e = other.noPort(p)
			}
			e.Quote = p.Packet[:p.Header+8]
			other.say(p, e)
		})
		want := traceLine(1, "198.51.100.1", "") + traceLine(2, "198.51.100.2", "asymm  1 ") + traceLine(3, "198.51.100.3", "asymm  1 ") +
			traceLine(4, "10.77.4.2", "reached") + "     Resume: pmtu 1000 hops 4 back 1 \n"
		if diff := cmp.Diff(nstest.Result{Stdout: want}, o.answer(o.gnet, "-n -l 1000 10.77.4.2")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
