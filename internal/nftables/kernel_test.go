package nftables_test

import (
	"errors"
	"net/netip"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nftables"
	"gnet/internal/nstest"
)

// ruleset is what nft(8) lists.
func ruleset(t *testing.T, nft string) string {
	t.Helper()
	out, err := exec.Command(nft, "-n", "list", "ruleset").CombinedOutput()
	if err != nil {
		t.Fatalf("nft: %v: %s", err, out)
	}
	return string(out)
}

func TestTableAsNftListsIt(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	nft := nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		c, err := nftables.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		before := ruleset(t, nft)
		engine := netip.MustParseAddr("172.16.0.254")
		chains := []nftables.Chain{
			{Name: "postrouting", Hook: nftables.PostRouting, Priority: 100, Rules: []nftables.Rule{nftables.Masquerade(engine)}},
			{Name: "prerouting", Hook: nftables.PreRouting, Priority: -100, Rules: []nftables.Rule{nftables.Redirect(8080, netip.AddrPortFrom(engine, 80))}},
		}
		if err := c.AddTable("gnet_test", false, chains); err != nil {
			t.Fatal(err)
		}
		want := `table ip gnet_test {
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
		ip saddr 172.16.0.254 masquerade
	}

	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		fib daddr type 2 tcp dport 8080 dnat to 172.16.0.254:80
	}
}
`
		if diff := cmp.Diff(want, ruleset(t, nft)); diff != "" {
			t.Errorf("the table (-want +got):\n%s", diff)
		}
		if err := c.AddTable("gnet_test", false, chains); !errors.Is(err, unix.EEXIST) {
			t.Errorf("the same table again: %v, want EEXIST", err)
		}
		if err := c.DeleteTable("gnet_test", false); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, ruleset(t, nft)); diff != "" {
			t.Errorf("after the table was deleted (-before +after):\n%s", diff)
		}
		if err := c.DeleteTable("gnet_test", false); !errors.Is(err, unix.ENOENT) {
			t.Errorf("deleting what is not there: %v, want ENOENT", err)
		}
	})
}

func TestTable6AsNftListsIt(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	nft := nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		c, err := nftables.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		before := ruleset(t, nft)
		engine := netip.MustParseAddr("fd00:1:2:3::2")
		chains := []nftables.Chain{
			{Name: "postrouting", Hook: nftables.PostRouting, Priority: 100, Rules: []nftables.Rule{nftables.Masquerade(engine)}},
			{Name: "prerouting", Hook: nftables.PreRouting, Priority: -100, Rules: []nftables.Rule{nftables.Redirect(8080, netip.AddrPortFrom(engine, 80))}},
		}
		if err := c.AddTable("gnet_test", true, chains); err != nil {
			t.Fatal(err)
		}
		want := `table ip6 gnet_test {
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
		ip6 saddr fd00:1:2:3::2 masquerade
	}

	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		fib daddr type 2 tcp dport 8080 dnat to [fd00:1:2:3::2]:80
	}
}
`
		if diff := cmp.Diff(want, ruleset(t, nft)); diff != "" {
			t.Errorf("the table (-want +got):\n%s", diff)
		}
		if err := c.DeleteTable("gnet_test", true); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, ruleset(t, nft)); diff != "" {
			t.Errorf("after the table was deleted (-before +after):\n%s", diff)
		}
	})
}

func TestBarriers(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Here(t).Nft(t, `
table inet filter {
	chain input { type filter hook input priority 0; policy drop; }
	chain forward { type filter hook forward priority 0; policy drop; }
	chain plain {
		counter
	}
}
table ip open {
	chain forward { type filter hook forward priority 0; policy accept; }
}
table ip6 six {
	chain forward { type filter hook forward priority 0; policy drop; }
}
table ip four {
	chain FORWARD { type filter hook forward priority 5; policy drop; }
}
`)
		c, err := nftables.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got, err := c.Barriers(nftables.Forward, false)
		want := []nftables.Barrier{{Family: unix.NFPROTO_INET, Table: "filter", Chain: "forward"}, {Family: unix.NFPROTO_IPV4, Table: "four", Chain: "FORWARD"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		got, err = c.Barriers(nftables.Forward, true)
		want = []nftables.Barrier{{Family: unix.NFPROTO_INET, Table: "filter", Chain: "forward"}, {Family: unix.NFPROTO_IPV6, Table: "six", Chain: "forward"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("IPv6: %v (-want +got):\n%s", err, diff)
		}
	})
}
