package probe

import (
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// lockThread ties the goroutine to its thread for good.
func lockThread() { runtime.LockOSThread() }

// prohibit adds a route that refuses.
func prohibit(c *rtnl.Conn) error {
	return c.AddRoute(&rtnl.Route{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.90.0.0/24"), Type: unix.RTN_PROHIBIT,
		Protocol: unix.RTPROT_STATIC}, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
}
