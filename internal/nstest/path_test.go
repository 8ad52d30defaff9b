package nstest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPath: what each kind of path does to packets, as ping(8) of iputils sees it.
func TestPath(t *testing.T) {
	ping := Peer(t, "ping")
	Peer(t, "nft")
	InNetns(t, func(t *testing.T) {
		p := NewPath(t, PathMTUs()...)
		p.Client().AllowPing(t)
		// say is what ping says of one packet of that many bytes.
		say := func(six bool, size string, more ...string) string {
			args := append([]string{"-n", "-c1", "-W0.3", "-s", size}, more...)
			r := p.Client().Run(t, ping, append(args, p.ServerAddr(six).String())...)
			for line := range strings.Lines(r.Stdout) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, "From ") || strings.Contains(line, "bytes from") {
					text, _, _ := strings.Cut(line, " time=")
					return text
				}
			}
			return "nothing" + r.Stderr
		}
		check := func(what, want, got string) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", what, diff)
			}
		}
		check("whole", "64 bytes from 10.77.4.2: icmp_seq=1 ttl=61", say(false, "56"))
		check("first router", "From 10.77.1.2 icmp_seq=1 Frag needed and DF set (mtu = 1450)", say(false, "1472", "-Mdo"))
		check("second router", "From fd77:2::2 icmp_seq=1 Packet too big: mtu=1400", say(true, "1360", "-Mdo"))
		check("third hop", "From 10.77.3.2 icmp_seq=1 Time to live exceeded", say(false, "56", "-t3"))

		private4, private6 := netip.MustParseAddr("192.168.9.9"), netip.MustParseAddr("fd99::9")
		p.AnswerFrom(t, 3, private4, private6)
		check("private", "From 192.168.9.9 icmp_seq=1 Time to live exceeded", say(false, "56", "-t3"))
		check("private", "From fd99::9 icmp_seq=1 Time exceeded: Hop limit", say(true, "56", "-t3"))

		p.Drop(t, 2, "icmp type echo-request icmp sequence 1 ip ttl 61")
		check("dropped", "nothing", say(false, "56", "-t62"))
		check("not dropped", "64 bytes from 10.77.4.2: icmp_seq=1 ttl=61", say(false, "56"))
	})
}

// TestPath_blind: a fresh client, whose kernel has learned nothing yet.
func TestPath_blind(t *testing.T) {
	ping := Peer(t, "ping")
	Peer(t, "nft")
	InNetns(t, func(t *testing.T) {
		p := NewPath(t, PathMTUs()...)
		p.Client().AllowPing(t)
		p.Blind(t, 2)
		p.ReturnMTU(t, 2, 1300)
		p.SetMTU(t, 4, 1500, 1350)
		for _, test := range []struct {
			size   string
			status int
		}{{"1322", 0}, {"1327", 1}, {"1400", 1}} {
			r := p.Client().Run(t, ping, "-n", "-c1", "-W0.3", "-Mdo", "-s", test.size, p.ServerAddr(false).String())
			if r.Status != test.status || strings.Contains(r.Stdout, "From ") {
				t.Errorf("%s bytes: status %d, %s%s", test.size, r.Status, r.Stdout, r.Stderr)
			}
		}
	})
}
