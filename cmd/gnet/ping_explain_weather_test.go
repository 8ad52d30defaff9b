package main

import (
	"os"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

// TestExplain_weather: links, sizes and losses that are not the usual ones.
func TestExplain_weather(t *testing.T) {
	nstest.Peer(t, "nft")
	for _, c := range []explainCase{
		{name: "IPv6, a fragment is lost", line: "--explain -s 3000 fd77:1::2", status: 1,
			stderr: "hint: the host is there, and says: Time exceeded: Defragmentation failure\n", set: func(t *testing.T, p *nstest.Path) {
				p.Drop(t, 1, "frag frag-off 181")
				p.Router(1).Sysctl(t, "net/ipv6/ip6frag_time", "1")
			}},
		{name: "loopback", line: "--explain -s 3000 127.0.0.1"},
		{name: "loopback, IPv6", line: "--explain -s 100 ::1"},
		{name: "no data", line: "--explain -s 0 10.77.1.2"},
		{name: "a small MTU", line: "--explain -M dont -s 120 10.77.1.2", set: func(t *testing.T, p *nstest.Path) { p.SetMTU(t, 1, 100, 100) }},
		{name: "the smallest MTU", line: "--explain -M dont -s 60 10.77.1.2", set: func(t *testing.T, p *nstest.Path) { p.SetMTU(t, 1, 68, 68) }},
		{name: "IPv6, no fragment may be made", line: "--explain -M do -s 3000 fd77:1::2", status: 1,
			stderr: "hint: a packet of 3048 bytes does not fit into the MTU of 1500; -s 1452 does, and --pmtu finds out what the whole path carries\n"},
		{name: "do, a byte too long", line: "--explain -q -M do -s 1473 10.77.1.2", status: 1,
			stderr: "hint: a packet of 1501 bytes does not fit into the MTU of 1500; -s 1472 does, and --pmtu finds out what the whole path carries\n"},
		{name: "do fits", line: "--explain -q -M do -s 1472 10.77.1.2"},
		{name: "the first fragment is lost", line: "--explain -q -W 2 -M dont -s 3000 10.77.1.2", status: 1, set: func(t *testing.T, p *nstest.Path) {
			p.Drop(t, 1, "ip frag-off & 0x3fff == 0x2000")
			p.Router(1).Sysctl(t, "net/ipv4/ipfrag_time", "1")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			golden, err := os.ReadFile("testdata/explain/" + strings.NewReplacer(" ", "_", ",", "").Replace(c.name))
			if err != nil {
				t.Fatal(err)
			}
			c.want = string(golden)
			c.run(t)
		})
	}
}
