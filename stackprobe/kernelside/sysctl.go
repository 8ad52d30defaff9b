package kernelside

import (
	"fmt"
	"os"

	"gnet/stackprobe/app"
)

// pinned are the sysctls that every run fixes. The metrics cache would let one connection change the next; buffer sizes depend on
// the machine's memory otherwise; corking by the state of a transmit queue, and a cookie in the place of data, would make equal
// runs differ. The others are this kernel's defaults, which a distribution may have changed.
var pinned = [...]sysctl{
	{"ipv4/tcp_no_metrics_save", "1"},
	{"ipv4/tcp_rmem", "4096 131072 6291456"},
	{"ipv4/tcp_wmem", "4096 16384 4194304"},
	{"ipv4/tcp_autocorking", "0"},
	{"ipv4/tcp_fastopen", "0"},
	{"ipv4/tcp_ecn", "2"},
	{"ipv4/tcp_fin_timeout", "60"},
}

// quiet4 and quiet6 keep IPv6 from sending anything of its own accord.
var (
	quiet4 = [...]sysctl{{"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"}}
	quiet6 = [...]sysctl{
		{"ipv6/conf/default/router_solicitations", "0"},
		{"ipv6/conf/default/accept_ra", "0"},
		{"ipv6/conf/default/accept_dad", "0"},
		{"ipv6/conf/default/dad_transmits", "0"},
		{"ipv6/conf/default/addr_gen_mode", "1"},
	}
)

// sysctlsOf returns what is written for a socket's options and a family, in this order.
func sysctlsOf(s *app.Socket, ipv6 bool) []sysctl {
	list := append([]sysctl(nil), quiet4[:]...)
	if ipv6 {
		list = append([]sysctl(nil), quiet6[:]...)
	}
	list = append(list, pinned[:]...)
	for _, o := range [...]struct {
		name    string
		value   app.Switch
		on, off string
		normal  string
	}{
		{"ipv4/tcp_window_scaling", s.WindowScaling, "1", "0", "1"},
		{"ipv4/tcp_sack", s.SACK, "1", "0", "1"},
		{"ipv4/tcp_timestamps", s.Timestamps, "1", "0", "1"},
		{"ipv4/tcp_recovery", s.RACK, "1", "0", "1"},
		{"ipv4/tcp_early_retrans", s.RACK, "3", "0", "3"},
		{"ipv4/tcp_syncookies", s.Cookies, "2", "0", "1"},
	} {
		value := o.normal
		switch o.value {
		case app.On:
			value = o.on
		case app.Off:
			value = o.off
		}
		list = append(list, sysctl{o.name, value})
	}
	return list
}

// pin writes the sysctls below /proc/sys/net. One that cannot be written is said, and not fatal.
func (w *world) pin(list []sysctl) {
	for _, s := range list {
		if err := os.WriteFile("/proc/sys/net/"+s.name, []byte(s.value), 0); err != nil {
			w.unpinned = append(w.unpinned, fmt.Sprintf("sysctl %s=%s: %v", s.name, s.value, err))
			continue
		}
		w.pinned = append(w.pinned, "sysctl "+s.name+"="+s.value)
	}
}
