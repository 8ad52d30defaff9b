package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// A name with several addresses: the first one in the system's order is tried, which has those without a route last
// (RFC 6724, section 6, rule 1); -4 and -6 choose among them.
func TestTracepath_names(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		o := newTraceOracle(t)
		mountText(t, "/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
		mountText(t, "/etc/hosts", "10.77.4.2 both\nfd77:4::2 both\n10.77.4.2 four\nfd77:4::2 six\n10.77.3.2 two\n10.77.4.2 two\n"+
			"192.0.2.1 away\n10.77.4.2 away\n10.77.4.2 near\nfd99::1 near\n")
		o.run(o.original, "-n fd77:4::2") // neighbours are known from now on
		for _, line := range []string{"-n both", "-4 -n both", "-6 -n both", "-n two", "-n near", "-n away", "-n both/99"} {
			o.same(line)
		}
		// The original blames the name server, which nobody has asked.
		for _, line := range []string{"-6 -n four", "-4 -n six"} {
			want, got := o.answer(o.original, line), o.answer(o.gnet, line)
			want.Stderr += "hint: hosts(5) has no address of that family\n"
			if diff := cmp.Diff(want, got); diff != "" || want.Status != statusNo {
				t.Errorf("%s (-original +gnet)\n%s", line, diff)
			}
		}
	})
}
