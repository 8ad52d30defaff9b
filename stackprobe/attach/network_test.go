package attach

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

// TestFree: a network is taken that overlaps with none the host knows a way to, in a fixed order.
func TestFree(t *testing.T) {
	for name, c := range map[string]struct {
		used []string
		want string
	}{
		"an empty host":              {nil, "172.31.255.252/30"},
		"the first is in use":        {[]string{"172.31.255.254/32"}, "172.31.254.252/30"},
		"some are":                   {[]string{"172.31.240.0/20"}, "172.31.239.252/30"},
		"below is another":           {[]string{"172.17.0.0/16", "172.31.0.0/16"}, "172.30.255.252/30"},
		"all of 172.16.0.0/12":       {[]string{"172.16.0.0/12"}, "192.168.255.252/30"},
		"and 192.168.0.0/16":         {[]string{"172.16.0.0/12", "192.168.0.0/16"}, "10.255.255.252/30"},
		"and half of 10.0.0.0/8":     {[]string{"172.16.0.0/12", "192.168.0.0/16", "10.128.0.0/9"}, "10.127.255.252/30"},
		"all but the last of all":    {[]string{"172.16.0.0/12", "192.168.0.0/16", "10.128.0.0/9", "10.64.0.0/10", "10.32.0.0/11", "10.16.0.0/12", "10.8.0.0/13", "10.4.0.0/14", "10.2.0.0/15", "10.1.0.0/16", "10.0.128.0/17", "10.0.64.0/18", "10.0.32.0/19", "10.0.16.0/20", "10.0.8.0/21", "10.0.4.0/22", "10.0.2.0/23", "10.0.1.0/24"}, "10.0.0.252/30"},
		"a tunnel for everything":    {[]string{"0.0.0.0/1", "128.0.0.0/1", "172.31.255.0/24"}, "172.31.254.252/30"},
		"the last of 172.16.0.0/12 ": {[]string{"172.24.0.0/13", "172.20.0.0/14", "172.18.0.0/15", "172.17.0.0/16", "172.16.128.0/17"}, "172.16.127.252/30"},
	} {
		v := &view{}
		for _, u := range c.used {
			v.used = append(v.used, netip.MustParsePrefix(u))
		}
		got, err := v.free(false)
		if err != nil || got.String() != c.want {
			t.Errorf("%s: %v, %v, want %s", name, got, err, c.want)
		}
	}
	v := &view{}
	for _, u := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
		v.used = append(v.used, netip.MustParsePrefix(u))
	}
	if got, err := v.free(false); !errors.Is(err, ErrNoNetwork) {
		t.Errorf("%v, %v, want ErrNoNetwork", got, err)
	}
}

// TestFreeLocal: a tunnel that takes all of IPv6, or all local networks of it, leaves a network to the engine: the drawing ends, and what is
// drawn is in none of the networks that are in use.
func TestFreeLocal(t *testing.T) {
	v := &view{}
	for _, u := range []string{"::/1", "8000::/1", "::/3", "2000::/4", "3000::/4", "fc00::/7", "fd00::/8", "fd12:3456:789a::/48", "fdff::1/128"} {
		v.used = append(v.used, netip.MustParsePrefix(u))
	}
	drawn := make(chan netip.Prefix)
	go func() {
		p, err := v.free(true)
		if err != nil {
			t.Error(err)
		}
		drawn <- p
	}()
	select {
	case p := <-drawn:
		if p.Bits() != 64 || !netip.MustParsePrefix("fd00::/8").Overlaps(p) || v.uses(p, globalID) {
			t.Errorf("%v is no free local network", p)
		}
	case <-time.After(time.Minute):
		t.Fatal("the drawing does not end")
	}
	for _, u := range []string{"fd12:3456:789a::/64", "fd12:3456:789a:1::/64", "fdff::/64"} {
		if !v.uses(netip.MustParsePrefix(u), globalID) {
			t.Errorf("%s is in use", u)
		}
	}
}
