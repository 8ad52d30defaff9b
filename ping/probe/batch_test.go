package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// batchLab returns a batch over a socket of each family, configured as c says.
func batchLab(t *testing.T, rawOnly bool, c Config) (*Batch, map[Family]*Socket) {
	t.Helper()
	sockets := map[Family]*Socket{}
	for _, dest := range []netip.Addr{server4, server6} {
		c := c
		c.Dest = netip.IPv4Unspecified()
		if dest.Is6() {
			c.Dest = netip.IPv6Unspecified()
		}
		s := opened(t, rawOnly, c)
		sockets[s.Family()] = s
	}
	b, err := NewBatch(c, 64, sockets[IPv4], sockets[IPv6])
	if err != nil {
		t.Fatal(err)
	}
	return b, sockets
}

// sendAll sends datagrams, and reads what a refused one leaves.
func sendAll(t *testing.T, b *Batch, datagrams []Outgoing, got *[]string) {
	t.Helper()
	for len(datagrams) > 0 {
		n, err := b.Send(datagrams)
		datagrams = datagrams[n:]
		if err != nil {
			*got = append(*got, fmt.Sprintf("refused %d: %v", datagrams[0].Tag, err))
			datagrams = datagrams[1:]
			*got = append(*got, collectBatch(t, b, 1)...)
		}
	}
}

// collectBatch returns what comes within 2 s, until there are want lines.
func collectBatch(t *testing.T, b *Batch, want int) []string {
	t.Helper()
	var lines []string
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && len(lines) < want; {
		m, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case m == nil:
			if err := b.Wait(100 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
		case m.Kind == TransmitStamp && m.Stamp.IsZero():
			t.Errorf("a stamp without a time for %d", m.Tag)
		case m.Kind == TransmitStamp:
			lines = append(lines, fmt.Sprintf("sent %d", m.Tag))
		default:
			lines = append(lines, line(m.Message))
		}
	}
	return lines
}

// Many messages of both families, over both kinds of socket: every one is sent
// once, stamped, and answered, and the stamp of each comes before its answer.
func TestBatch(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		client, _, _, _ := lab(t)
		client.AllowPing(t)
		for _, rawOnly := range []bool{false, true} {
			c := config(netip.Addr{})
			if rawOnly {
				c.ID = ourID
			}
			b, sockets := batchLab(t, rawOnly, c)
			const count = 300
			var datagrams []Outgoing
			var want []string
			for i := range uint16(count) {
				to, from := server4, "packet from 10.77.3.2 ttl 62, 64 bytes type 0"
				if i%7 < 3 {
					to, from = server6, "packet from fd77:3::2 ttl 62, 64 bytes type 129"
				}
				s := sockets[familyOf(to)]
				datagrams = append(datagrams, Outgoing{To: to, Data: request(s, i, 56), Tag: 1000 + uint64(i)})
				want = append(want, fmt.Sprintf("sent %d", 1000+i), fmt.Sprintf("%s seq %d stamped", from, i))
			}
			var got []string
			sendAll(t, b, datagrams, &got)
			got = append(got, collectBatch(t, b, 2*count)...)
			for i := range count {
				if sent, reply := slices.Index(got, want[2*i]), slices.Index(got, want[2*i+1]); sent > reply {
					t.Errorf("raw %v: %q comes after %q", rawOnly, want[2*i], want[2*i+1])
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("raw %v (-want +got)\n%s", rawOnly, diff)
			}
		}
	})
}

// What the kernel refuses in the midst of a batch is named, the rest goes out,
// and the stamps behind it belong to the right messages. Errors of routers come
// with their destination.
func TestBatch_refusals(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		lab(t)
		c := config(netip.Addr{})
		c.ID, c.MTU = ourID, MTUDo
		b, sockets := batchLab(t, true, c)
		lost := netip.MustParseAddr("10.99.0.1") // the first router has no route
		message := func(to netip.Addr, seq uint16, size int) Outgoing {
			return Outgoing{To: to, Data: request(sockets[familyOf(to)], seq, size), Tag: uint64(seq)}
		}
		var got []string
		sendAll(t, b, []Outgoing{message(server4, 1, 8), message(server4, 2, 2000), message(server4, 3, 8), message(netip.MustParseAddr("fe80::1%absent"), 4, 8),
			message(server6, 5, 8)}, &got)
		got = append(got, collectBatch(t, b, 8)...)
		sendAll(t, b, []Outgoing{message(lost, 6, 8)}, &got)
		got = append(got, collectBatch(t, b, 2)...)
		want := []string{
			"refused 2: message too long", "refused 4: no such device",
			"icmp 3/0 info 0 by 10.77.1.2 about 10.99.0.1 type 8 seq 6 stamped",
			"local message too long info 1500 about 10.77.3.2",
			"local message too long info 1500 about 10.77.3.2",
			"packet from 10.77.3.2 ttl 62, 16 bytes type 0 seq 1 stamped", "packet from 10.77.3.2 ttl 62, 16 bytes type 0 seq 3 stamped",
			"packet from fd77:3::2 ttl 62, 16 bytes type 129 seq 5 stamped",
			"sent 1", "sent 3", "sent 5", "sent 6",
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if _, err := NewBatch(Config{}, 64); err == nil {
			t.Error("a batch without sockets")
		}
		four, err := NewBatch(Config{}, 64, sockets[IPv4])
		if err != nil {
			t.Fatal(err)
		}
		if n, err := four.Send([]Outgoing{message(server6, 7, 8)}); n != 0 || !errors.Is(err, unix.EAFNOSUPPORT) {
			t.Errorf("IPv6 without a socket: %d, %v", n, err)
		}
		woken := make(chan error)
		go func() { woken <- four.Wait(-1) }()
		four.Wake()
		if err := <-woken; err != nil {
			t.Error(err)
		}
	})
}
