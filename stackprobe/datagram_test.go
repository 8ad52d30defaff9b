package stackprobe_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// datagrams runs c with the rules and returns copies of its events.
func datagrams(t testing.TB, c stackprobe.DatagramConfig, faults ...string) []event.Event {
	t.Helper()
	for _, text := range faults {
		r, err := link.ParseDatagramRule(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Faults = append(c.Faults, r)
	}
	var events []event.Event
	for e, err := range stackprobe.RunDatagrams(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	return events
}

// plainPath is the configuration that the tests vary.
func plainPath(mtus ...int) stackprobe.DatagramConfig {
	return stackprobe.DatagramConfig{World: stackprobe.Memory, Size: 4000, MTUs: mtus, TTL: 64, Seed: 1, Delay: 20 * time.Millisecond}
}

// fragment is a row of a fragment table.
type fragment struct {
	Link, Size, Header, Offset int
	DF, MF                     bool
	TTL                        uint8
}

// fragments is the table of what left on each link towards the server.
func fragments(events []event.Event) []fragment {
	var table []fragment
	for i := range events {
		e := &events[i]
		if e.Kind != event.KindTx || e.ICMP != (event.ICMP{}) {
			continue
		}
		p := e.Packet
		table = append(table, fragment{p.Link, p.Size, p.Header, p.Offset, p.DF, p.MF, p.TTL})
	}
	slices.SortStableFunc(table, func(a, b fragment) int { return a.Link - b.Link })
	return table
}

// TestDatagram_fragments: lengths, offsets and flags are those that were measured on Linux 6.18.
func TestDatagram_fragments(t *testing.T) {
	four := func(link, size, units int, mf bool, ttl uint8) fragment {
		return fragment{Link: link, Size: size, Header: 20, Offset: 8 * units, MF: mf, TTL: ttl}
	}
	for name, c := range map[string]struct {
		mtus []int
		want []fragment
	}{
		"one link": {nil, []fragment{four(1, 1500, 0, true, 64), four(1, 1500, 185, true, 64), four(1, 1040, 370, false, 64)}},
		"narrower and narrower": {[]int{1500, 1450, 1400}, []fragment{
			four(1, 1500, 0, true, 64), four(1, 1500, 185, true, 64), four(1, 1040, 370, false, 64),
			four(2, 1444, 0, true, 63), four(2, 76, 178, true, 63), four(2, 1444, 185, true, 63), four(2, 76, 363, true, 63), four(2, 1040, 370, false, 63),
			four(3, 1396, 0, true, 62), four(3, 68, 172, true, 62), four(3, 76, 178, true, 62), four(3, 1396, 185, true, 62), four(3, 68, 357, true, 62), four(3, 76, 363, true, 62), four(3, 1040, 370, false, 62)}},
	} {
		events := datagrams(t, plainPath(c.mtus...))
		if d := cmp.Diff(c.want, fragments(events)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if end := outcome(t, events); !end.OK || end.Server.Received != 3972 || end.Client.Written != 3972 {
			t.Errorf("%s: %+v", name, end)
		}
	}
}

// what writes the events of a run that are about what became of its datagrams.
func what(events []event.Event) []string {
	var list []string
	for i := range events {
		e := &events[i]
		at := time.Duration(e.T)
		switch e.Kind {
		case event.KindLost:
			list = append(list, fmt.Sprintf("%v lost on %d: %s", at, e.Packet.Link, e.Rule))
		case event.KindFault:
			list = append(list, fmt.Sprintf("%v %v on %d", at, e.Fault.Action, e.Packet.Link))
		case event.KindDiscard:
			list = append(list, fmt.Sprintf("%v node %d: %s", at, e.Packet.Node, e.Text))
		case event.KindICMP:
			list = append(list, fmt.Sprintf("%v icmp {%d %d %d} about offset %d", at, e.ICMP.Type, e.ICMP.Code, e.ICMP.MTU, e.Packet.Offset))
		case event.KindApp:
			list = append(list, fmt.Sprintf("%v %v %v %d%s", at, e.Host, e.App.Call, e.App.Bytes, e.App.Err))
		case event.KindReassembly:
			list = append(list, fmt.Sprintf("%v %v %v %d/%d", at, e.Reassembly.Step, e.Reassembly.Held, e.Reassembly.Octets, e.Reassembly.Total))
		case event.KindNote:
			list = append(list, fmt.Sprintf("%v %v: %s", at, e.Level, e.Text))
		case event.KindEnd:
			list = append(list, fmt.Sprintf("end %t: %s", e.End.OK, e.End.Reason))
		}
	}
	return list
}

func TestDatagram_outcomes(t *testing.T) {
	six := plainPath(1500, 1400)
	six.IPv6, six.Size = true, 3000
	narrow := plainPath(1500, 1400)
	narrow.DF, narrow.Size = true, 1500
	local := plainPath()
	local.DF = true
	short := plainPath(1500, 1500, 1500)
	short.TTL, short.Size = 2, 100
	loop := short
	loop.Loop, loop.TTL = true, 4
	hops := short
	hops.IPv6 = true
	twice := plainPath()
	twice.Size, twice.Count = 1000, 2
	for name, c := range map[string]struct {
		config stackprobe.DatagramConfig
		faults []string
		want   []string
	}{
		"plain": {plainPath(), nil, []string{"0s client write 3972", "20ms added [{0 1480}] 1480/0", "20ms added [{0 2960}] 2960/0",
			"20ms whole [{0 3980}] 3980/3980", "20ms server receive 3972", "end true: "}},
		"one lost": {plainPath(), []string{"drop frag 2"}, []string{"0s client write 3972", "0s lost on 1: drop frag 2", "20ms added [{0 1480}] 1480/0",
			"20ms added [{0 1480} {2960 3980}] 2500/3980", "30.02s timed-out [{0 1480} {2960 3980}] 2500/3980", "30.04s icmp {11 1 0} about offset 0",
			"end false: the datagram did not arrive: link 1 took its fragment at offset 1480 (drop frag 2)"}},
		"the first lost": {plainPath(), []string{"drop frag 1"}, []string{"0s client write 3972", "0s lost on 1: drop frag 1", "20ms added [{1480 2960}] 1480/0",
			"20ms added [{1480 3980}] 2500/3980", "30.02s timed-out [{1480 3980}] 2500/3980",
			"end false: the datagram did not arrive: link 1 took its fragment at offset 0 (drop frag 1)"}},
		"reordered": {plainPath(), []string{"reorder by 2 frag 1"}, []string{"0s client write 3972", "0s reorder on 1", "20ms added [{1480 2960}] 1480/0",
			"20ms added [{1480 3980}] 2500/3980", "20ms whole [{0 3980}] 3980/3980", "20ms server receive 3972", "end true: "}},
		"doubled": {plainPath(), []string{"dup frag 2"}, []string{"0s client write 3972", "0s dup on 1", "20ms added [{0 1480}] 1480/0", "20ms added [{0 2960}] 2960/0",
			"20ms duplicate [{0 2960}] 2960/0", "20ms whole [{0 3980}] 3980/3980", "20ms server receive 3972", "end true: "}},
		"overlapping": {plainPath(), []string{"overlap frag 2"}, []string{"0s client write 3972", "0s overlap on 1", "20ms added [{0 1480}] 1480/0",
			"20ms overlapped [{0 1480}] 1480/0", "20ms added [{2960 3980}] 1020/3980", "30.02s timed-out [{2960 3980}] 1020/3980",
			"end false: the datagram did not arrive: a fragment overlaps another, so all of them are given up"}},
		"damaged": {plainPath(), []string{"corrupt frag 3"}, []string{"0s client write 3972", "0s corrupt on 1", "20ms added [{0 1480}] 1480/0",
			"20ms added [{0 2960}] 2960/0", "20ms whole [{0 3980}] 3980/3980",
			"end false: the datagram did not arrive: link 1 damaged its fragment at offset 2960 (corrupt frag 3)"}},
		"DF over a narrow link": {narrow, nil, []string{"0s client write 1472", "20ms node 1: 1500 octets are more than the MTU 1400 of link 2, and DF forbids fragments",
			"40ms icmp {3 4 1400} about offset 0", "end false: the datagram did not arrive: router 1 took a packet of it: 1500 octets are more than the MTU 1400 of link 2, and DF forbids fragments"}},
		"DF, and too long for the client's own link": {local, nil, []string{"0s client write 3972", "0s client failed 0message too long",
			"end false: the datagram did not arrive: the client's own stack refuses it: message too long"}},
		"a black hole": {narrow, []string{"server> drop icmp"}, []string{"0s client write 1472",
			"20ms node 1: 1500 octets are more than the MTU 1400 of link 2, and DF forbids fragments", "20ms lost on 1: server> drop icmp",
			"end false: the datagram did not arrive: router 1 took a packet of it: 1500 octets are more than the MTU 1400 of link 2, and DF forbids fragments"}},
		"TTL": {short, nil, []string{"0s client write 72", "40ms node 2: its time to live is used up", "80ms icmp {11 0 0} about offset 0",
			"end false: the datagram did not arrive: router 2 took a packet of it: its time to live is used up"}},
		"loop": {loop, nil, []string{"0s client write 72", "80ms node 2: its time to live is used up", "120ms icmp {11 0 0} about offset 0",
			"end false: the datagram did not arrive: router 2 took a packet of it: its time to live is used up"}},
		"hop limit": {hops, nil, []string{"0s client write 52", "40ms node 2: its hop limit is used up", "80ms icmp {3 0 0} about offset 0",
			"end false: the datagram did not arrive: router 2 took a packet of it: its hop limit is used up"}},
		"IPv6 over a narrow link": {six, nil, []string{"0s client write 2952",
			"20ms node 1: 1496 octets are more than the MTU 1400 of link 2, and routers do not fragment IPv6",
			"20ms node 1: 1496 octets are more than the MTU 1400 of link 2, and routers do not fragment IPv6",
			"40ms icmp {2 0 1400} about offset 0", "40ms icmp {2 0 1400} about offset 1448", "40ms added [{2896 2960}] 64/2960",
			"40ms info: the client knows a path MTU of 1400 now, and sends datagram 1 again", "40ms client write 2952",
			"80ms added [{0 1352}] 1352/0", "80ms added [{0 2704}] 2704/0", "80ms whole [{0 2960}] 2960/2960", "80ms server receive 2952",
			"80ms info: the server still holds fragments of datagram 1, until 1m0.04s", "end true: "}},
		"two, one of them lost": {twice, []string{"drop any 1", "link 1 drop frag 9"}, []string{"0s client write 972", "0s lost on 1: drop any 1", "100ms client write 972",
			"120ms server receive 972", `120ms warning: fault "link 1 drop frag 9" took nothing: 0 packets matched`,
			"end false: 1 of 2 datagrams did not arrive; datagram 1: link 1 took it (drop any 1)"}},
	} {
		if d := cmp.Diff(c.want, what(datagrams(t, c.config, c.faults...))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestDatagram_same: equal configurations give equal bytes, whatever the number of processors, and another seed gives others.
func TestDatagram_same(t *testing.T) {
	stored := func(seed int64) string {
		c := plainPath(1500, 1400)
		c.Seed, c.Count = seed, 5
		var b []byte
		for _, e := range datagrams(t, c, "loss 10%", "link 2 delay 5ms jitter 5ms") {
			b = append(event.AppendJSON(b, &e), '\n')
		}
		return string(b)
	}
	first := stored(7)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if d := cmp.Diff(first, stored(7)); d != "" {
		t.Error(d)
	}
	if stored(8) == first {
		t.Error("another seed gives the same run")
	}
}

// TestDatagram_stored: what is written is read again.
func TestDatagram_stored(t *testing.T) {
	events := datagrams(t, plainPath(1500, 1400), "dup frag 1", "link 2 drop frag 3")
	var text []byte
	for i := range events {
		text = append(event.AppendJSON(text, &events[i]), '\n')
	}
	var again []event.Event
	for e, err := range event.Decode(strings.NewReader(string(text))) {
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, *e)
	}
	if d := cmp.Diff(events, again, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); d != "" {
		t.Error(d)
	}
}

// TestDatagramConfig_refused: what cannot be is refused with the value and what it may be.
func TestDatagramConfig_refused(t *testing.T) {
	ten := make([]stackprobe.IPOption, 0, 2)
	for _, text := range []string{"rr", "ra"} {
		o, ok := stackprobe.ParseIPOption(text)
		if !ok {
			t.Fatal(text)
		}
		ten = append(ten, o)
	}
	far, err := link.ParseDatagramRule("link 2 drop frag")
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*stackprobe.DatagramConfig){
		"size 27: want 28 to 65535":                                     func(c *stackprobe.DatagramConfig) { c.Size = 27 },
		"size 65536: want 28 to 65535":                                  func(c *stackprobe.DatagramConfig) { c.Size = 65536 },
		"size 47: want 48 to 65535":                                     func(c *stackprobe.DatagramConfig) { c.Size, c.IPv6 = 47, true },
		"size 65536: want 48 to 65535":                                  func(c *stackprobe.DatagramConfig) { c.Size, c.IPv6 = 65536, true },
		`option "rr 1" and another of that kind: want one of each kind`: func(c *stackprobe.DatagramConfig) { c.Options = []stackprobe.IPOption{{Text: "rr 2"}, {Text: "rr 1"}} },
		"mtu 67: want 68 to 65535":                                      func(c *stackprobe.DatagramConfig) { c.MTUs = []int{1500, 67} },
		"mtu 1279: want 1280 to 65535":                                  func(c *stackprobe.DatagramConfig) { c.MTUs, c.IPv6 = []int{1279}, true },
		"loop with 2 links: want a path of 3 links at least: two routers that point at each other": func(c *stackprobe.DatagramConfig) { c.MTUs, c.Loop = []int{1500, 1500}, true },
		"path of 33 links: want 1 to 32 links":                                                     func(c *stackprobe.DatagramConfig) { c.MTUs = slices.Repeat([]int{1500}, 33) },
		"ttl 0: want 1 to 255":                                                                     func(c *stackprobe.DatagramConfig) { c.TTL = 0 },
		"count 1001: want 1 to 1000":                                                               func(c *stackprobe.DatagramConfig) { c.Count = 1001 },
		"delay 1m1s: want 0s to 1m0s":                                                              func(c *stackprobe.DatagramConfig) { c.Delay = 61 * time.Second },
		"deadline -1ns: want a positive time":                                                      func(c *stackprobe.DatagramConfig) { c.Deadline = -1 },
		"option 44 octets of options: want at most 40 octets":                                      func(c *stackprobe.DatagramConfig) { c.Options = ten },
		"option rr: want IPv4: IPv6 has no options in its header":                                  func(c *stackprobe.DatagramConfig) { c.Options, c.IPv6 = ten[:1], true },
		`fault "link 2 drop frag": want a link of this path, 1 to 1`:                               func(c *stackprobe.DatagramConfig) { c.Faults = []link.Rule{far} },
		"client kernel: want engine: in memory there is no kernel":                                 func(c *stackprobe.DatagramConfig) { c.Client = stackprobe.Kernel },
	} {
		c := plainPath()
		change(&c)
		if err := c.Check(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
