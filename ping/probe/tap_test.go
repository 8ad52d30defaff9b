package probe

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// A tap counts the replies to one identifier from one host, and no others.
func TestTap(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		for _, host := range []string{"127.0.0.1", "::1"} {
			a := netip.MustParseAddr(host)
			c := config(a)
			c.ID, c.TransmitStamps = ourID, false
			s := opened(t, true, c)
			var taps []*Tap
			for _, what := range []struct {
				id   uint16
				from netip.Addr
			}{{s.ID(), a}, {s.ID(), netip.Addr{}}, {s.ID() + 1, a}, {s.ID(), a.Next()}} {
				tap, err := OpenTap(s.Family(), what.id, what.from)
				if err != nil {
					t.Fatal(err)
				}
				defer tap.Close()
				taps = append(taps, tap)
			}
			for seq := range uint16(3) {
				if err := s.Send(request(s, seq+1, 0)); err != nil {
					t.Fatal(err)
				}
			}
			collect(t, s, 3) // a packet reaches the taps first
			type seen struct {
				N      int
				Device string
			}
			var got []seen
			for _, tap := range taps {
				n, device, err := tap.Seen()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, seen{n, device})
			}
			if diff := cmp.Diff([]seen{{3, "lo"}, {3, "lo"}, {0, ""}, {0, ""}}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", host, diff)
			}
			if n, _, err := taps[0].Seen(); n != 0 || err != nil {
				t.Errorf("%s: counted twice: %d, %v", host, n, err)
			}
		}
	})
}
