package attach

import (
	"os"
	"path/filepath"
	"strings"
)

// A packet is forwarded if the interface by which it came forwards (net/ipv4/route.c, ip_route_input_slow): net.ipv4.ip_forward
// switches all interfaces, and changes what the host makes of redirects, so only those that are needed are switched, one by one.

// forward is an interface that has to forward, and did not before the runs that need it.
type forward struct {
	Device string `json:"device"`
	Index  int    `json:"index"`
}

// all stands for the host as a whole where an interface's name is expected.
const all = "all"

func forwardingPath(device string) string {
	return filepath.Join("/proc/sys/net/ipv4/conf", device, "forwarding")
}

// forwards reports whether an interface forwards IPv4.
func forwards(device string) (bool, error) {
	b, err := os.ReadFile(forwardingPath(device))
	return strings.TrimSpace(string(b)) != "0", err
}

// setForwarding switches one interface.
func setForwarding(device string, on bool) error {
	value := "0\n"
	if on {
		value = "1\n"
	}
	return os.WriteFile(forwardingPath(device), []byte(value), 0)
}
